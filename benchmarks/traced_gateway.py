"""``breathmark serve``, which writes down when it did what: ``python -m benchmarks.traced_gateway serve …``.

Its coach is one without patience that answers every overlap, because a real one speaks too seldom to be
measured; the cue's way from there to the screens is the real one. Lines of the trace carry wall-clock seconds.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from coach.policy import Coach
from gateway import analysts
from gateway.analyst import LocalAnalyst
from gateway.cli import main
from gateway.outbox import Outbox
from gateway.placement import Placement
from gateway.protocol import CueShown, Lines, ServerMessage
from streaming.ids import event_id
from streaming.types import SAMPLE_RATE_HZ, Annotation, AudioChunk, Cue, Kind, Samples

TRACE = "trace.jsonl"  # beside the data folder
_WANTED = (Kind.SPEECH, Kind.OVERLAP)
_push, _annotated, _take = Placement.push, LocalAnalyst.annotated, Outbox.take


class EagerCoach(Coach):
    """A word to every overlap, as soon as it is announced."""

    def __init__(self, session: str, *given: Any, **named: Any) -> None:
        super().__init__(session, *given, **named)
        self._said: set[str] = set()

    def observe(self, annotation: Annotation) -> list[Cue]:
        super().observe(annotation)
        if annotation.kind is not Kind.OVERLAP or annotation.id in self._said:
            return []
        self._said.add(annotation.id)
        id = event_id(self.session, "coach@1", "bench", None, annotation.decided)
        note("cue", id=id, overlap=annotation.id)
        return [Cue(id, self.session, 1, "One at a time?", annotation.decided, ttl_s=1.0)]

    def advance(self, now: int) -> list[Cue]:
        super().advance(now)
        return []


def note(what: str, **fields: Any) -> None:
    _trace.write(json.dumps({"what": what, "at": time.time(), **fields}) + "\n")


def push(
    self: Placement, ssrc: int, sequence: int, timestamp: int, payload: bytes | Samples, arrival: int
) -> list[AudioChunk]:
    received = time.time() - (time.monotonic() - arrival / SAMPLE_RATE_HZ)
    chunks = _push(self, ssrc, sequence, timestamp, payload, arrival)
    for chunk in chunks:
        if not (chunk.missing or chunk.concealed):
            peak = float(np.abs(chunk.samples).max(initial=0.0))
            note("placed", by=chunk.speaker.value, received=received, peak=peak)
    return chunks


async def annotated(self: LocalAnalyst, annotations: list[Annotation], now: int) -> None:
    for a in annotations:
        if a.kind in _WANTED and a.status == "open":
            start = self._clock.began_unix + a.span.start / SAMPLE_RATE_HZ
            note("decided", id=a.id, kind=a.kind.value, by=a.by.value if a.by else None, start=start)
    await _annotated(self, annotations, now)


async def take(self: Outbox) -> list[ServerMessage]:
    messages = await _take(self)
    ids = [line["id"] for m in messages if isinstance(m, Lines) for line in m.lines]
    ids += [m.line["id"] for m in messages if isinstance(m, CueShown)]
    if ids:
        note("sent", to=self.role, ids=ids)
    return messages


if __name__ == "__main__":
    data = Path(sys.argv[sys.argv.index("--data") + 1])
    with data.with_name(TRACE).open("w", encoding="utf-8", buffering=1) as _trace:
        Placement.push = push  # type: ignore[method-assign]
        LocalAnalyst.annotated = annotated  # type: ignore[method-assign]
        Outbox.take = take  # type: ignore[method-assign]
        analysts.Coach = EagerCoach  # type: ignore[attr-defined]
        main()
