"""What a gateway would tell workers of a practice, and the timeline that has to come of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from coach.policy import Coach
from coach.settings import CoachSettings
from detectors.pipeline import Pipeline
from gateway.demo import DIALOGUE
from gateway.exchange import Begin, Close, Heard, in_stream, pack
from streaming.audio import chunks, read_partners
from streaming.bus import KEEP, Bus
from streaming.types import SAMPLE_RATE_HZ, Annotation, AudioChunk, Cue, Happening, Line
from streaming.wire import dumps

PIECE = 1600  # samples: 100 ms, so that the bus keeps 100 s of both partners, fed faster than they speak
BEGAN_UNIX = 1_000_000.0


def script(session: str, from_s: float, to_s: float, *, policy: CoachSettings | None = None) -> list[Heard]:
    """The demo's dialogue between two moments; a partner asks for a time-out near its end."""
    audio = {
        s: own[int(from_s * SAMPLE_RATE_HZ) : int(to_s * SAMPLE_RATE_HZ)]
        for s, own in read_partners([DIALOGUE]).items()
    }
    sizes = iter(lambda: PIECE, None)
    messages: list[Heard] = [Begin(BEGAN_UNIX, 0, policy or CoachSettings(settle_in_s=0.0))]
    messages += chunks(session, audio, sizes)
    messages.insert(3, Happening("began", session, "began", 0))
    asked = Happening("asked", session, "time_out", 0, "a", {"minutes": 20, "back_at": "8:40"})
    messages.insert(len(messages) * 4 // 5, asked)
    return [*messages, Close(BEGAN_UNIX)]


def expected(session: str, messages: Sequence[Heard]) -> list[str]:
    """The lines that this stream means, one message after the other, without a worker. Sorted."""
    pipeline, coach = Pipeline(session), Coach(session)
    lines: list[Line] = []

    def observe(annotations: list[Annotation]) -> list[Cue]:
        lines.extend(annotations)
        cues = [cue for annotation in annotations for cue in coach.observe(annotation)]
        return cues + coach.advance(pipeline.now)

    for message in messages:
        match message:
            case Begin():
                coach = Coach(session, message.policy)
            case AudioChunk():
                lines += observe(pipeline.push(message))
            case Happening():
                lines += coach.happened(message)
            case Close():
                observe(pipeline.flush())
        lines += coach.take_outcomes()
    kept: dict[tuple[str, str, int], Line] = {}
    for line in lines:  # of two lines with one key the timeline keeps the first
        status, decided = (line.status, line.decided) if isinstance(line, Annotation) else ("final", line.at)
        kept.setdefault((line.id, status, decided), line)
    return sorted(dumps(line) for line in kept.values())


async def feed(bus: Bus, session: str, messages: Sequence[Heard], *, speed: float, keep: int = KEEP) -> None:
    """``speed`` times as fast as people speak."""
    loop = asyncio.get_running_loop()
    first = next((m.start for m in messages if isinstance(m, AudioChunk)), 0)
    began = loop.time()
    for message in messages:
        if isinstance(message, AudioChunk):
            await asyncio.sleep(max(0.0, began + (message.start - first) / SAMPLE_RATE_HZ / speed - loop.time()))
        await bus.publish(in_stream(session), pack(message), keep=keep)
