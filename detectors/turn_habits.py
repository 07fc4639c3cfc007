"""How long one partner's bursts usually are: what the couple's own talk teaches about a start that is going on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from streaming.types import SAMPLE_RATE_HZ

_SHORTEST_S = 0.1
_STEP = math.log(1.15)  # bins are this wide in log length: finer than any boundary is placed
_BINS = 40  # up to 23 s
# Before a partner is known: as many listening sounds as turns (median s, spread of the log, how many bursts).
_USUAL = ((0.45, 0.5, 4.5), (2.0, 0.9, 4.5))


def _place(length_s: float) -> float:
    """Where a length lies among the bins."""
    return min(_BINS - 1e-6, max(0.0, math.log(max(length_s, _SHORTEST_S) / _SHORTEST_S) / _STEP))


def _usual() -> list[float]:
    def of(number: int, median_s: float, spread: float, weight: float) -> float:
        off = ((number + 0.5) * _STEP + math.log(_SHORTEST_S / median_s)) / spread
        return weight * _STEP / spread * math.exp(-0.5 * off * off) / math.sqrt(2 * math.pi)

    return [sum(of(number, *part) for part in _USUAL) for number in range(_BINS)]


@dataclass(slots=True)
class Bursts:
    """Counts of one partner's burst lengths so far, in bins of equal ratio."""

    counts: list[float] = field(default_factory=_usual)

    def hear(self, length: int) -> None:
        """A burst of ``length`` samples is over."""
        self.counts[int(_place(length / SAMPLE_RATE_HZ))] += 1.0

    def goes_on(self, length: int) -> float:
        """Of own bursts that came this far (samples), the share that lasted half as long again and 0.3 s."""
        length_s = length / SAMPLE_RATE_HZ
        return self._longer(1.5 * length_s + 0.3) / self._longer(length_s)

    def _longer(self, length_s: float) -> float:
        """How many lasted longer; within a bin they are spread evenly. Never 0: the usual ones reach everywhere."""
        place = _place(length_s)
        number = int(place)
        return self.counts[number] * (number + 1 - place) + sum(self.counts[number + 1 :]) + 1e-9
