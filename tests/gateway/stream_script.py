"""What a gateway would tell workers of a practice, and the timeline that has to come of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from benchmarks.undisturbed import undisturbed
from coach.settings import CoachSettings
from gateway.demo import DIALOGUE
from gateway.practice.exchange import Begin, Close, Heard, in_stream, pack
from streaming.audio import chunks, read_partners
from streaming.bus import KEEP, Bus
from streaming.types import SAMPLE_RATE_HZ, Annotation, AudioChunk, Cue, Happening, Kind, on_steps
from streaming.wire import dumps

PIECE = 1600  # samples: 100 ms, so that the bus keeps 100 s of both partners, fed faster than they speak
BEGAN_UNIX = 1_000_000.0


def script(session: str, from_s: float, to_s: float, *, policy: CoachSettings | None = None) -> list[Heard]:
    """The demo's dialogue between two moments; a partner asks for a time-out near its end."""
    audio = {
        s: on_steps(own[int(from_s * SAMPLE_RATE_HZ) : int(to_s * SAMPLE_RATE_HZ)])  # as live audio is
        for s, own in read_partners([DIALOGUE]).items()
    }
    sizes = iter(lambda: PIECE, None)
    messages: list[Heard] = [Begin(BEGAN_UNIX, 0, policy or CoachSettings(settle_in_s=0.0))]
    messages += chunks(session, audio, sizes)
    messages.insert(3, Happening("began", session, "began", 0))
    asked = Happening("asked", session, "time_out", 0, "a", {"minutes": 20, "back_at": "8:40"})
    messages.insert(len(messages) * 4 // 5, asked)
    return [*messages, Close(BEGAN_UNIX)]


def reworded(session: str, messages: Sequence[Heard]) -> list[Heard]:
    """The same, with words that make listening of what the first cue was given for, but the last: it does not come."""
    lines = undisturbed(session, messages)
    first = next(line for line in lines if isinstance(line, Cue))
    finals = {a.id: a for a in lines if isinstance(a, Annotation) and a.status == "final"}
    revised = [
        replace(finals[id], kind=Kind.BACKCHANNEL, decided=finals[id].decided + 1, detector="words@1")
        for id in first.because[:-1]
    ]
    place = next(
        i for i, m in enumerate(messages) if isinstance(m, AudioChunk) and m.start > max(a.decided for a in revised)
    )
    out = [*messages[:place], *revised, *messages[place:]]
    assert first not in undisturbed(session, out)
    return out


def expected(session: str, messages: Sequence[Heard]) -> list[str]:
    """The lines that this stream means. Sorted."""
    return sorted(dumps(line) for line in undisturbed(session, messages))


async def feed(bus: Bus, session: str, messages: Sequence[Heard], *, speed: float, keep: int = KEEP) -> None:
    """``speed`` times as fast as people speak."""
    loop = asyncio.get_running_loop()
    first = next((m.start for m in messages if isinstance(m, AudioChunk)), 0)
    began = loop.time()
    for message in messages:
        if isinstance(message, AudioChunk):
            await asyncio.sleep(max(0.0, began + (message.start - first) / SAMPLE_RATE_HZ / speed - loop.time()))
        await bus.publish(in_stream(session), pack(message), keep=keep)
