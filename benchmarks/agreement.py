"""How far two timelines of the same sound agree: what was found in both, by how much it moved, what was not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from streaming.types import OVERLAP_KINDS, SAMPLE_RATE_HZ, Annotation, Kind

NEAR = round(0.35 * SAMPLE_RATE_HZ)  # as everywhere where annotations are matched
TALK = OVERLAP_KINDS | {Kind.SPEECH, Kind.LONG_SILENCE, Kind.MONOLOGUE}


@dataclass(slots=True)
class Agreement:
    """Pairs of annotations of the same partner and family, nearest first; times in samples."""

    pairs: list[tuple[Annotation, Annotation]] = field(default_factory=list)  # (expected, found)
    missing: list[Annotation] = field(default_factory=list)
    extra: list[Annotation] = field(default_factory=list)

    @property
    def start_errors_ms(self) -> list[float]:
        return [abs(found.span.start - expected.span.start) / SAMPLE_RATE_HZ * 1000 for expected, found in self.pairs]

    @property
    def end_errors_ms(self) -> list[float]:
        """Of speech: an overlap's end hangs on both partners' ends, and is judged with its kind."""
        return [
            abs(found.span.end - expected.span.end) / SAMPLE_RATE_HZ * 1000
            for expected, found in self.pairs
            if expected.kind is Kind.SPEECH
        ]

    @property
    def relabelled(self) -> list[tuple[Annotation, Annotation]]:
        """Found in both, but of another kind, or blamed on another (or, now or then, on nobody)."""
        return [(e, f) for e, f in self.pairs if (e.kind, e.by) != (f.kind, f.by)]

    @property
    def changed(self) -> int:
        return len(self.relabelled) + len(self.missing) + len(self.extra)


def agree(expected: Iterable[Annotation], found: Iterable[Annotation], kinds: frozenset[Kind] = TALK) -> Agreement:
    """Finals of ``kinds``, matched one to one. Overlaps match overlaps of any kind, and a null ``by`` anybody's."""
    left = [a for a in expected if a.status == "final" and a.kind in kinds]
    right = [a for a in found if a.status == "final" and a.kind in kinds]
    near = sorted(
        (abs(e.span.start - f.span.start), i, j)
        for i, e in enumerate(left)
        for j, f in enumerate(right)
        if _comparable(e, f) and abs(e.span.start - f.span.start) <= NEAR
    )
    out, taken_left, taken_right = Agreement(), set[int](), set[int]()
    for _, i, j in near:
        if i not in taken_left and j not in taken_right:
            taken_left.add(i)
            taken_right.add(j)
            out.pairs.append((left[i], right[j]))
    out.missing = [a for i, a in enumerate(left) if i not in taken_left]
    out.extra = [a for j, a in enumerate(right) if j not in taken_right]
    return out


def _comparable(expected: Annotation, found: Annotation) -> bool:
    overlaps = expected.kind in OVERLAP_KINDS and found.kind in OVERLAP_KINDS
    same_kind = overlaps or expected.kind is found.kind
    return same_kind and (expected.by == found.by or (overlaps and None in (expected.by, found.by)))


def told(annotations: Sequence[Annotation]) -> str:
    """For a note below a table: what, who and when."""
    return ", ".join(
        f"{a.kind.value} by {a.by.value if a.by else 'nobody'} at {a.span.start / SAMPLE_RATE_HZ:.1f} s"
        for a in annotations
    )
