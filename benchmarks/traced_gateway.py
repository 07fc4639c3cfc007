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

from benchmarks import eager
from gateway.cli import main
from gateway.media.placement import Placement
from gateway.outbox import Outbox
from gateway.practice.analyst import LocalAnalyst
from gateway.protocol import CueShown, Lines, ServerMessage
from streaming.types import SAMPLE_RATE_HZ, Annotation, AudioChunk, Cue, Kind, Samples

TRACE = "trace.jsonl"  # beside the data folder
_WANTED = (Kind.SPEECH, Kind.OVERLAP)
_push, _annotated, _take = Placement.push, LocalAnalyst.annotated, Outbox.take


def note(what: str, **fields: Any) -> None:
    _trace.write(json.dumps({"what": what, "at": time.time(), **fields}) + "\n")


def said(overlap: Annotation, cue: Cue) -> None:
    note("cue", id=cue.id, overlap=overlap.id)


def push(
    self: Placement, ssrc: int, sequence: int, timestamp: int, payload: bytes | Samples, arrival: int
) -> list[AudioChunk]:
    received = time.time() - (time.monotonic() - arrival / SAMPLE_RATE_HZ)
    chunks = _push(self, ssrc, sequence, timestamp, payload, arrival)
    for chunk in chunks:
        if not (chunk.missing or chunk.concealed):
            peak = float(np.abs(chunk.samples).max(initial=0.0))
            note("placed", by=chunk.speaker.value, received=received, peak=peak, end=chunk.end)
    return chunks


async def annotated(self: LocalAnalyst, annotations: list[Annotation], now: int) -> None:
    for a in annotations:
        if a.kind in _WANTED and a.status == "open":
            start = self._clock.began_unix + a.span.start / SAMPLE_RATE_HZ
            note("decided", id=a.id, kind=a.kind.value, by=a.by.value if a.by else None, start=start)
    await _annotated(self, annotations, now)


async def take(self: Outbox) -> ServerMessage | None:
    message = await _take(self)
    if isinstance(message, Lines | CueShown):
        lines = message.lines if isinstance(message, Lines) else [message.line]
        note("sent", to=self.role, ids=[line["id"] for line in lines])
    return message


if __name__ == "__main__":
    data = Path(sys.argv[sys.argv.index("--data") + 1])
    with data.with_name(TRACE).open("w", encoding="utf-8", buffering=1) as _trace:
        Placement.push = push  # type: ignore[method-assign]
        LocalAnalyst.annotated = annotated  # type: ignore[method-assign]
        Outbox.take = take  # type: ignore[method-assign]
        eager.EagerCoach.said = said
        eager.install()
        main()
