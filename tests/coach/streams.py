"""Short ways to write the annotations that a coach hears. Times in seconds, as a person tells them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from coach.policy import Coach
from streaming.ids import event_id
from streaming.types import Annotation, Cue, Happening, Kind, Span, Speaker, Status
from streaming.wire import samples

A, B = Speaker.A, Speaker.B
Lines = list[Annotation | Happening]


def note(
    kind: Kind,
    by: Speaker | None,
    start_s: float,
    end_s: float,
    *,
    decided_s: float | None = None,
    status: Status = "final",
    confidence: float = 0.9,
    family: str | None = None,
    **more: Any,
) -> Annotation:
    return Annotation(
        id=event_id("s", "test@1", family or kind.value, by, samples(start_s)),
        session="s",
        kind=kind,
        status=status,
        span=Span(samples(start_s), samples(end_s)),
        decided=samples(end_s if decided_s is None else decided_s),
        detector="test@1",
        confidence=confidence,
        by=by,
        **more,
    )


def interruption(by: Speaker | None, at_s: float, kind: Kind = Kind.TOOK_FLOOR, **more: Any) -> Annotation:
    more.setdefault("decided_s", at_s + 1.2)
    return note(kind, by, at_s, at_s + 0.8, family="overlap", over=by.other if by else None, **more)


def speech(by: Speaker, start_s: float, end_s: float) -> list[Annotation]:
    """An IPU as the voice detector tells it: announced, then ended."""
    return [
        note(Kind.SPEECH, by, start_s, start_s + 0.1, status="open"),
        note(Kind.SPEECH, by, start_s, end_s, decided_s=end_s + 0.25),
    ]


def rise(by: Speaker, start_s: float, decided_s: float, confidence: float = 0.9) -> Annotation:
    return note(Kind.AROUSAL_RISE, by, start_s, decided_s, confidence=confidence)


def settled(by: Speaker, at_s: float, recovery_s: float = 20.0) -> Annotation:
    return note(Kind.AROUSAL_SETTLED, by, at_s - 2.0, at_s, recovery_s=recovery_s)


def happening(kind: str, at_s: float, by: str | None = None, **detail: Any) -> Happening:
    return Happening(event_id("s", "gateway@1", kind, by, samples(at_s)), "s", kind, samples(at_s), by, detail)


def in_order(lines: Iterable[Annotation]) -> list[Annotation]:
    return sorted(lines, key=lambda line: line.decided)


def mirrored(a: Annotation) -> Annotation:
    """The same with the partners swapped, under the same id."""
    return replace(a, by=a.by.other if a.by else None, over=a.over.other if a.over else None)


def hear(coach: Coach, lines: Iterable[Annotation | Happening], until_s: float) -> list[Cue]:
    """Lines in the order in which a live session brings them, then time up to ``until_s``."""
    cues: list[Cue] = []
    for line in lines:
        if isinstance(line, Happening):
            cues += coach.advance(line.at)
            cues += coach.happened(line)
        else:
            cues += coach.observe(line)
    return cues + coach.advance(samples(until_s))


def greetings() -> list[Annotation]:
    """Both have been heard: ten seconds of ordinary turns."""
    return [*speech(A, 1.0, 5.0), *speech(B, 6.0, 10.0)]


def cluster(at_s: float, by: Speaker | None = B, **more: Any) -> list[Annotation]:
    """Three interruptions, a quarter of a minute apart."""
    return [interruption(by, at_s + 15.0 * i, **more) for i in range(3)]


def said(cues: list[Cue]) -> list[tuple[int, str]]:
    return [(cue.level, cue.text) for cue in cues]
