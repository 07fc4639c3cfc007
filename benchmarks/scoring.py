"""Said against gold: matching, and figures as pure functions of matched conversations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.gold import Gold
from streaming.types import INTERRUPTION_KINDS, OVERLAP_KINDS, SAMPLE_RATE_HZ, Annotation, Kind, Speaker

MATCH_SAMPLES = 5600  # 0.35 s (EVENTS)
KINDS = sorted(OVERLAP_KINDS)
NONE = "none"  # said nothing, or nothing was there


@dataclass(frozen=True, slots=True)
class Said:
    """An overlap as a detector gave it. ``early`` holds (samples after the start, p_interruption) of each ``open``."""

    start: int
    kind: Kind
    by: Speaker | None
    decided: int
    opened: int
    p: float  # p_interruption of the final word
    early: tuple[tuple[int, float], ...] = ()

    @property
    def interruption(self) -> bool:
        return self.kind in INTERRUPTION_KINDS


@dataclass(frozen=True, slots=True)
class Pair:
    """Gold and what was said of it; either may be absent."""

    gold: Gold | None
    said: Said | None

    @property
    def right_by(self) -> bool:
        """A wrong ``by`` is wrong, a null one is not."""
        return bool(self.gold and self.said and (self.said.by is None or self.said.by is self.gold.by))


@dataclass(frozen=True, slots=True)
class Scored:
    """One conversation, matched."""

    name: str
    minutes: float
    pairs: tuple[Pair, ...]


def heard(annotations: Sequence[Annotation]) -> list[Said]:
    """The finals of typed overlap, each with what was announced before."""
    opens: dict[str, list[Annotation]] = {}
    for a in annotations:
        if a.status == "open" and a.kind is Kind.OVERLAP:
            opens.setdefault(a.id, []).append(a)
    return [
        Said(
            start=a.span.start,
            kind=a.kind,
            by=a.by,
            decided=a.decided,
            opened=min((o.decided for o in opens.get(a.id, [])), default=a.decided),
            p=a.p_interruption or 0.0,
            early=tuple((o.decided - o.span.start, o.p_interruption or 0.0) for o in opens.get(a.id, [])),
        )
        for a in annotations
        if a.status == "final" and a.kind in OVERLAP_KINDS
    ]


def match(gold: Sequence[Gold], said: Sequence[Said]) -> list[Pair]:
    """Pairs one to one, nearest starts first, and whatever stays alone."""
    near = sorted(
        (abs(g.start - s.start), not Pair(g, s).right_by, i, j)
        for i, g in enumerate(gold)
        for j, s in enumerate(said)
        if abs(g.start - s.start) <= MATCH_SAMPLES
    )
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, i, j in near:
        if i not in partner and j not in taken:
            partner[i] = j
            taken.add(j)
    pairs = [Pair(g, said[partner[i]] if i in partner else None) for i, g in enumerate(gold)]
    return pairs + [Pair(None, s) for j, s in enumerate(said) if j not in taken]


def pairs_of(scored: Sequence[Scored]) -> list[Pair]:
    return [pair for one in scored for pair in one.pairs]


def counts(scored: Sequence[Scored], is_it: Callable[[Kind], bool]) -> tuple[int, int, int]:
    """True, false and missed of the kinds that ``is_it`` names."""
    true = false = missed = 0
    for pair in pairs_of(scored):
        wanted = bool(pair.gold and pair.gold.demanded and is_it(pair.gold.kind))
        got = bool(pair.said and is_it(pair.said.kind))
        hit = wanted and got and pair.right_by
        true += hit
        missed += wanted and not hit
        free = pair.gold is not None and not pair.gold.demanded and pair.said and not pair.said.interruption
        false += got and not hit and not free
    return true, false, missed


def _interrupts(kind: Kind) -> bool:
    return kind in INTERRUPTION_KINDS


def precision(scored: Sequence[Scored]) -> float:
    true, false, _ = counts(scored, _interrupts)
    return true / (true + false) if true + false else float("nan")


def recall(scored: Sequence[Scored]) -> float:
    true, _, missed = counts(scored, _interrupts)
    return true / (true + missed) if true + missed else float("nan")


def f1(scored: Sequence[Scored], is_it: Callable[[Kind], bool] = _interrupts) -> float:
    true, false, missed = counts(scored, is_it)
    return 2 * true / (2 * true + false + missed) if true + false + missed else float("nan")


def macro_f1(scored: Sequence[Scored]) -> float:
    """The plain mean over the six types."""
    return float(np.mean([f1(scored, kind.__eq__) for kind in KINDS]))


def false_per_10_min(scored: Sequence[Scored]) -> float:
    return counts(scored, _interrupts)[1] / sum(one.minutes for one in scored) * 10


def false_by_cause(scored: Sequence[Scored]) -> Counter[str]:
    """What false interruptions were by words and contours: another type, or what nobody is asked about."""
    told = [p for p in pairs_of(scored) if p.said and p.said.interruption]
    wrong = [p.gold for p in told if not (p.gold and p.gold.interruption and p.right_by)]
    return Counter("nothing" if g is None else g.excuse or g.kind.value for g in wrong)


def backchannel_as_interruption(scored: Sequence[Scored]) -> float:
    asked = [p for p in pairs_of(scored) if p.gold and p.gold.demanded and p.gold.kind is Kind.BACKCHANNEL]
    return sum(bool(p.said and p.said.interruption) for p in asked) / len(asked) if asked else float("nan")


def wrong_by(scored: Sequence[Scored]) -> float:
    """Events whose start was found and whose starter was not."""
    return float(sum(not p.right_by for p in pairs_of(scored) if p.gold and p.gold.demanded and p.said))


def decision_p50_s(scored: Sequence[Scored]) -> float:
    """From the start of a true interruption to its final word."""
    delays = [
        p.said.decided - p.said.start
        for p in pairs_of(scored)
        if p.said and p.said.interruption and p.gold and p.gold.interruption
    ]
    return float(np.median(delays)) / SAMPLE_RATE_HZ if delays else float("nan")


def open_p95_ms(scored: Sequence[Scored]) -> float:
    delays = [p.said.opened - p.said.start for p in pairs_of(scored) if p.said]
    return float(np.quantile(delays, 0.95)) / SAMPLE_RATE_HZ * 1000 if delays else float("nan")


def known_by(scored: Sequence[Scored], after: int) -> tuple[list[float], list[bool]]:
    """The last ``p_interruption`` given within ``after`` samples of the start, and whether it became one.

    Of overlaps that were demanded; what was said finally before ``after`` counts as it was said.
    """
    p, truth = [], []
    for pair in pairs_of(scored):
        if pair.gold and pair.gold.demanded and pair.said:
            lines = [*pair.said.early, (pair.said.decided - pair.said.start, pair.said.p)]
            known = [value for at, value in lines if at <= after]
            if known:
                p.append(known[-1])
                truth.append(pair.gold.interruption)
    return p, truth


def auc(p: Sequence[float], truth: Sequence[bool]) -> float:
    """Chance that a true one was given more than a false one; ties count half."""
    values, true = np.asarray(p), np.asarray(truth, bool)
    if not true.any() or true.all():
        return float("nan")
    above = values[true][:, None] - values[~true][None, :]
    return float((above > 0).mean() + 0.5 * (above == 0).mean())


def calibration_error(p: Sequence[float], truth: Sequence[bool], bins: int = 10) -> float:
    """Expected calibration error over equally wide bins."""
    values, true = np.asarray(p), np.asarray(truth, float)
    index = np.minimum((values * bins).astype(int), bins - 1)
    parts = [(index == b) for b in range(bins)]
    return float(sum(part.mean() * abs(values[part].mean() - true[part].mean()) for part in parts if part.any()))


def confusion(scored: Sequence[Scored]) -> dict[tuple[str, str], int]:
    """How often each demanded gold kind was called what."""
    table: dict[tuple[str, str], int] = {}
    for pair in pairs_of(scored):
        if pair.gold and not pair.gold.demanded:
            continue
        key = (pair.gold.kind.value if pair.gold else NONE, pair.said.kind.value if pair.said else NONE)
        table[key] = table.get(key, 0) + 1
    return table
