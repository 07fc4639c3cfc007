"""What browsers say became of a cue (painted, dismissed) or a note (painted). Each is one line, said once."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from gateway.metrics import Metrics
from gateway.practice.analyst import Trace
from gateway.practice.notes import KIND as NOTE
from gateway.protocol import Dismiss, Painted
from streaming.errors import Refused
from streaming.ids import event_id
from streaming.types import Cue, Happening, Line, Speaker

DETECTOR = "gateway@1"


class Acknowledgements:
    """The cues and notes of one practice, and who has answered which."""

    def __init__(self, session: str, metrics: Metrics) -> None:
        self._session = session
        self._metrics = metrics
        self._shown: dict[str, Cue | Happening] = {}
        self._answered: set[str] = set()

    def shown(self, lines: Iterable[Line]) -> None:
        for line in lines:
            if isinstance(line, Cue) or (isinstance(line, Happening) and line.kind == NOTE):
                self._shown[line.id] = line

    def happening(
        self, speaker: Speaker, message: Painted | Dismiss, now: int, traces: Mapping[str, Trace]
    ) -> Happening | None:
        """The line to append; None where it was said before. Raises Refused for a cue of another practice."""
        shown = self._shown.get(message.cue)
        painted, is_cue = isinstance(message, Painted), isinstance(shown, Cue)
        if shown is None or not (painted or is_cue):
            raise Refused("bad_message", "That cue is not known in this practice.")
        what = "cue" if is_cue else NOTE
        kind = f"{what}_painted" if painted else "cue_dismissed"
        id = event_id(self._session, DETECTOR, f"{kind}:{shown.id}", speaker.value, shown.at)
        if id in self._answered:
            return None
        self._answered.add(id)
        detail: dict[str, Any] = {what: shown.id}
        if is_cue and isinstance(message, Painted):  # a note waits for a cue to go: its way says nothing
            detail |= self._times(message, traces.get(shown.id))
        return Happening(id, self._session, kind, now, speaker.value, detail, DETECTOR)

    def not_kept(self, happening: Happening) -> None:
        """The store did not take it: the browser may say it again."""
        self._answered.discard(happening.id)

    def _times(self, painted: Painted, trace: Trace | None) -> dict[str, float]:
        """The cue's way in milliseconds. The browser's clock is only ever compared with itself."""
        delay_ms = max(0.0, painted.painted_ms - painted.received_ms)
        self._metrics.received_to_painted_ms.observe(delay_ms)
        if trace is None:  # sent before a restart
            return {"delay_ms": round(delay_ms, 1)}
        acknowledged_ms = (time.monotonic() - trace.sent_s) * 1000
        self._metrics.sent_to_acknowledged_ms.observe(acknowledged_ms)
        return {
            "delay_ms": round(delay_ms, 1),
            "captured_to_decided_ms": round(trace.captured_to_decided_ms, 1),
            "decided_to_sent_ms": round(trace.decided_to_sent_ms, 1),
            "sent_to_acknowledged_ms": round(acknowledged_ms, 1),
        }
