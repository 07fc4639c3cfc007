"""Speech, words and overlaps as detectors would say them, made by hand."""

from __future__ import annotations

from streaming.ids import event_id
from streaming.types import SAMPLE_RATE_HZ, Annotation, Kind, Span, Speaker, Status, Word

SESSION = "s"


def at(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE_HZ)


def speech(by: Speaker, start_s: float, end_s: float, confidence: float = 0.9) -> list[Annotation]:
    """The open line 0.1 s after the onset, the final one 0.26 s after the end."""
    id = event_id(SESSION, "vad@1", "speech", by, at(start_s))
    opened = Span(at(start_s), at(start_s + 0.1))

    def line(status: Status, span: Span, decided_s: float) -> Annotation:
        return Annotation(id, SESSION, Kind.SPEECH, status, span, at(decided_s), "vad@1", confidence, by)

    return [
        line("open", opened, start_s + 0.1),
        line("final", Span(at(start_s), at(end_s)), end_s + 0.26),
    ]


def words(by: Speaker, start_s: float, end_s: float, text: str, status: Status = "final") -> Annotation:
    """The text, its words spread evenly over the span."""
    parts = text.split()
    step = (at(end_s) - at(start_s)) // max(1, len(parts))
    spread = [Span(at(start_s) + i * step, at(start_s) + (i + 1) * step) for i in range(len(parts))]
    return Annotation(
        id=event_id(SESSION, "words@1", "words", by, at(start_s)),
        session=SESSION,
        kind=Kind.WORDS,
        status=status,
        span=Span(at(start_s), at(end_s)),
        decided=at(end_s + 0.6),
        detector="words@1",
        confidence=0.9,
        by=by,
        text=text,
        language="en",
        words=tuple(Word(part, span, 0.9) for part, span in zip(parts, spread, strict=True)),
    )


def overlap(by: Speaker, start_s: float, end_s: float, kind: Kind = Kind.TOOK_FLOOR, blame: bool = True) -> Annotation:
    return Annotation(
        id=event_id(SESSION, "turns@1", "overlap", by, at(start_s)),
        session=SESSION,
        kind=kind,
        status="final",
        span=Span(at(start_s), at(end_s)),
        decided=at(end_s + 0.8),
        detector="turns@1",
        confidence=0.8,
        by=by if blame else None,
        over=by.other if blame else None,
        p_interruption=0.8,
    )
