"""Random speech activity of two partners, on a 10 ms raster so that ties happen."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from detectors.turns import TurnDetector
from streaming.types import Annotation, Span, Speaker, joined

Activity = dict[Speaker, list[Span]]
RASTER = 160


@st.composite
def spans(draw: st.DrawFn, *, gap: int = 150, length: int = 250, most: int = 9) -> list[Span]:
    """Up to ``most`` spans, each at most ``length`` rasters long and ``gap`` after the one before."""
    drawn = draw(st.lists(st.tuples(st.integers(1, gap), st.integers(1, length)), max_size=most))
    out, at = [], 0
    for silent, spoken in drawn:
        out.append(Span((at + silent) * RASTER, (at + silent + spoken) * RASTER))
        at += silent + spoken
    return joined(out)


def activities() -> st.SearchStrategy[Activity]:
    return st.fixed_dictionaries({speaker: spans() for speaker in Speaker})


def missings() -> st.SearchStrategy[Activity]:
    """Where nothing is heard of a partner."""
    return st.fixed_dictionaries({speaker: spans(gap=400, length=120, most=3) for speaker in Speaker})


def covers(held: list[Span], at: int) -> bool:
    return any(span.start <= at < span.end for span in held)


def edges(*held: Activity) -> set[int]:
    return {at for each in held for own in each.values() for span in own for at in (span.start, span.end)}


def drive(detector: TurnDetector, activity: Activity, missing: Activity, ends: Iterable[int]) -> list[Annotation]:
    """Steps to each of ``ends`` in turn; they have to include all edges."""
    out: list[Annotation] = []
    for end in ends:
        active = {who: covers(activity[who], detector.now) for who in Speaker}
        unheard = {who: covers(missing[who], detector.now) for who in Speaker}
        out += detector.step(end, active, unheard)
    return out
