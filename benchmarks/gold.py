"""Gold labels: EVENTS' table refined by words and contours, and what is neither demanded nor punished."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.definition import Meeting, Talk
from benchmarks.sbcsae import Conversation, Unit
from streaming.types import INTERRUPTION_KINDS, Kind, Span, Speaker

_NEAR_SAMPLES = 4800  # 0.3 s: a completed unit this near to a start was foreseen to end
_SHORT_SAMPLES = 1600  # 0.1 s: what any labelling can place


@dataclass(frozen=True, slots=True)
class Gold:
    """The true type of an overlap. ``by`` is None where nobody is the culprit."""

    start: int
    kind: Kind
    by: Speaker | None
    overlap: Span
    timing: Kind  # what the table says by timing alone
    excuse: str = ""  # why it is neither demanded nor punished, except that calling it an interruption is false

    @property
    def demanded(self) -> bool:
        return not self.excuse

    @property
    def interruption(self) -> bool:
        return self.demanded and self.kind in INTERRUPTION_KINDS


def gold_labels(conversation: Conversation) -> list[Gold]:
    """All typed overlaps of a conversation, by start."""
    talk = Talk(conversation.activity)
    return [
        Gold(
            start=m.start,
            kind=_refined(conversation, talk, m),
            by=None if m.kind is Kind.DUAL_START else m.by,
            overlap=m.overlap,
            timing=m.kind,
            excuse=_excuse(conversation, m),
        )
        for m in talk.meetings()
    ]


def _refined(c: Conversation, talk: Talk, m: Meeting) -> Kind:
    if m.kind is Kind.DUAL_START:
        return m.kind
    if _listens(c, talk, m):
        return Kind.BACKCHANNEL
    if m.kind in (Kind.TALK_OVER, Kind.TERMINAL_OVERLAP):
        return m.kind
    if any(
        abs(unit.span.end - m.start) <= _NEAR_SAMPLES and m.burst.end > unit.span.end
        for unit in c.units
        if unit.by is m.by.other and unit.final
    ):
        return Kind.TERMINAL_OVERLAP
    if m.kind is Kind.TOOK_FLOOR and m.own.end < m.other.end and _completed(c, m):
        return Kind.BUTTED_IN
    return m.kind


def _listens(c: Conversation, talk: Talk, m: Meeting) -> bool:
    """The starter says no more than a listener does."""
    over = m.by.other
    if _tokens_only(_said(c, m.by, m.burst)):
        later = [unit.by for unit in c.units if unit.span.start >= m.burst.end]
        speaks_on = m.other.end - m.start > _NEAR_SAMPLES
        if speaks_on or talk.speaking(over, m.burst.end) is not None or (later and later[0] is over):
            return True
    return _tokens_only(_said(c, m.by, m.own)) and m.own.end < m.other.end


def _completed(c: Conversation, m: Meeting) -> bool:
    """The partner's last unit before falling silent has a final contour."""
    ended = [unit for unit in c.units if unit.by is m.by.other and unit.span.end <= m.other.end]
    return bool(ended) and max(ended, key=lambda unit: unit.span.end).final


def _excuse(c: Conversation, m: Meeting) -> str:
    """Why nothing is demanded of it, or nothing; the partner's unintelligible speech is speech all the same."""
    if m.overlap.length < _SHORT_SAMPLES:
        return "too short"
    if not any(unit.words for unit in _said(c, m.by, m.burst)):
        return "starter laughs"
    over = _said(c, m.by.other, m.overlap)
    if not over or not all(unit.tokens_only or unit.laughter for unit in over):
        return ""
    return "over laughter" if any(unit.laughter for unit in over) else "over listening"


def _said(c: Conversation, by: Speaker, span: Span) -> list[Unit]:
    return [u for u in c.units if u.by is by and u.span.start < span.end and span.start < u.span.end]


def _tokens_only(units: list[Unit]) -> bool:
    worded = [unit for unit in units if unit.words]
    return bool(worded) and all(unit.tokens_only for unit in worded)
