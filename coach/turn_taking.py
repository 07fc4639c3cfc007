"""How the two shared the floor, with honest intervals: a short talk says little.

Intervals are 95 %. The share of speaking time uses a delete-one jackknife over stretches of 30 s
(speech within a stretch hangs together, so single seconds are no independent sample); short talks
fall back to Wilson's interval over turns. Counts use the exact Poisson interval of Garwood (1936).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from coach.record import Record
from coach.report_form import TurnTaking
from streaming.types import Span, Speaker
from streaming.wire import samples, seconds

Z95 = 1.959964
BLOCK_S = 30.0
FEWEST_BLOCKS = 8  # with fewer, the jackknife's own error is too large


def turn_taking(record: Record) -> tuple[TurnTaking, ...]:
    """One row a partner; ``started_over_high`` leaves room for overlaps that nobody could be named for."""
    speaking = {s: sum(span.length for span in record.speech[s]) for s in Speaker}
    total = sum(speaking.values())
    unnamed = len([a for a in record.interruptions() if a.by is None])
    rows = []
    for speaker in Speaker:
        share = speaking[speaker] / total if total else 0.0
        low, high = share_interval(record, speaker)
        count = len(record.interruptions(speaker))
        rows.append(
            TurnTaking(
                by=speaker,
                speaking_s=seconds(speaking[speaker]),
                turns=len(record.bursts[speaker]),
                share=round(share, 4),
                share_low=round(low, 4),
                share_high=round(high, 4),
                started_over=count,
                started_over_low=round(poisson_interval(count)[0], 2),
                started_over_high=round(poisson_interval(count + unnamed)[1], 2),
            )
        )
    return tuple(rows)


def share_interval(record: Record, speaker: Speaker) -> tuple[float, float]:
    """95 % interval of the partner's share of all speaking time; (0, 1) where nobody spoke."""
    blocks = _blocks(record)
    pairs = [(own, own + other) for own, other in ((b[speaker], b[speaker.other]) for b in blocks) if own + other]
    total = sum(both for _, both in pairs)
    if not total:
        return 0.0, 1.0
    share = sum(own for own, _ in pairs) / total
    if len(pairs) < FEWEST_BLOCKS:
        return wilson_interval(share, sum(len(record.bursts[s]) for s in Speaker))
    left_out = [(share * total - own) / (total - both) for own, both in pairs if total > both]
    mean = sum(left_out) / len(left_out)
    n = len(left_out)
    error = math.sqrt((n - 1) / n * sum((value - mean) ** 2 for value in left_out))
    return max(0.0, share - Z95 * error), min(1.0, share + Z95 * error)


def _blocks(record: Record) -> list[dict[Speaker, int]]:
    size = samples(BLOCK_S)
    blocks: list[dict[Speaker, int]] = [dict.fromkeys(Speaker, 0) for _ in range(record.end // size + 1)]
    for speaker in Speaker:
        for span in record.speech[speaker]:
            for i in range(span.start // size, min(span.end // size, len(blocks) - 1) + 1):
                blocks[i][speaker] += span.overlap(Span(i * size, (i + 1) * size))
    return blocks


def wilson_interval(share: float, n: int) -> tuple[float, float]:
    if n <= 0:
        return 0.0, 1.0
    z2 = Z95 * Z95
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def poisson_interval(count: int) -> tuple[float, float]:
    """Exact 95 % interval of the mean of a Poisson count."""
    low = 0.0 if count == 0 else _solve(lambda mean: 1.0 - _at_most(count - 1, mean), count)
    high = _solve(lambda mean: 1.0 - _at_most(count, mean), count, target=0.975)
    return low, high


def _at_most(count: int, mean: float) -> float:
    if mean <= 0.0:
        return 1.0
    return math.fsum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(count + 1))


def _solve(rising: Callable[[float], float], count: int, target: float = 0.025) -> float:
    """The mean at which ``rising`` reaches ``target``, by bisection."""
    low, high = 0.0, 2.0 * count + 20.0
    for _ in range(60):
        middle = (low + high) / 2
        if rising(middle) < target:
            low = middle
        else:
            high = middle
    return (low + high) / 2
