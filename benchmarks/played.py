"""Audio played through the live path by simulated partners, and what the gateway's timeline then holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from benchmarks.gateway_process import RunningGateway
from benchmarks.impaired import Impairment, far_gateway
from gateway.simulated import SimulatedPartner, speak_together
from streaming.types import SAMPLE_RATE_HZ, Annotation, Cue, Line, Samples, Span, Speaker
from streaming.wire import samples

AFTER_S = 3.0  # the last overlap is decided, and its line is on disk
PATIENCE_S = 30.0  # to connect and to end; a connection that is lost on the way never plays to its end


@dataclass(frozen=True, slots=True)
class Played:
    """``offset``: session sample at which the audio's first sample was spoken (its way here not counted)."""

    lines: Sequence[Line]
    offset: int

    @property
    def finals(self) -> list[Annotation]:
        return [line for line in self.lines if isinstance(line, Annotation) and line.status == "final"]

    def placed(self) -> list[Annotation]:
        """The finals in the audio's own time."""
        return shifted(self.finals, self.offset)

    def placed_cues(self) -> list[Cue]:
        return [replace(line, at=line.at - self.offset) for line in self.lines if isinstance(line, Cue)]


def shifted(annotations: Sequence[Annotation], by: int) -> list[Annotation]:
    """The same, ``by`` samples earlier."""
    return [replace(a, span=Span(a.span.start - by, a.span.end - by)) for a in annotations]


@asynccontextmanager
async def seated(
    gateway: RunningGateway,
    links: Mapping[str, str],
    audio: Mapping[Speaker, Samples],
    impairment: Impairment | None = None,
) -> AsyncIterator[list[SimulatedPartner]]:
    """Both partners of a practice that begins, over the path if one is given. ``audio``: 16 kHz."""
    async with AsyncExitStack() as stack:
        url = gateway.socket_url
        if impairment is not None:
            url = await stack.enter_async_context(far_gateway(url, impairment))
        partners = [
            await stack.enter_async_context(
                SimulatedPartner(url, links[speaker.value], audio[speaker], rate_hz=SAMPLE_RATE_HZ, name=speaker.name)
            )
            for speaker in Speaker
        ]
        for partner in partners:
            await partner.set_up(same_room=False)
            await partner.connect_media()
            await partner.consent()
        await asyncio.gather(*(partner.ready() for partner in partners))
        yield partners


async def play(
    gateway: RunningGateway,
    audio: Mapping[Speaker, Samples],
    impairment: Impairment | None = None,
    *,
    settle_s: float = 1.0,
) -> Played:
    """One whole practice in real time. ``audio``: 16 kHz. ``settle_s``: practising before the first word."""
    links = await gateway.new_session()
    sound_s = max(len(own) for own in audio.values()) / SAMPLE_RATE_HZ
    async with (
        asyncio.timeout(settle_s + sound_s + PATIENCE_S),
        seated(gateway, links, audio, impairment) as partners,
    ):
        await asyncio.sleep(settle_s)
        began_s = await speak_together(partners)
        await asyncio.gather(*(partner.played() for partner in partners))
        await asyncio.sleep(AFTER_S)
        await partners[0].end()
        return Played(await gateway.timeline(links["a"]), samples(began_s))
