"""Mean and spread of one quantity as it comes."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(slots=True)
class Running:
    """Learnt quickly at first and slowly later."""

    mean: float = 0.0
    square: float = 0.0  # mean squared distance from the mean
    seen: float = 0.0

    def learn(self, value: float, weight: float, slowest: float) -> None:
        """One more value; the mean never moves by less than ``weight`` in ``slowest`` of the way."""
        self.seen = min(self.seen + weight, slowest)
        share = weight / self.seen
        apart = value - self.mean
        self.mean += share * apart
        self.square += share * (apart * (value - self.mean) - self.square)

    def spread(self, usual: float, prior: float) -> float:
        """Own standard deviation, drawn towards ``usual`` as by ``prior`` observations of it."""
        return math.sqrt((prior * usual**2 + self.seen * self.square) / (prior + self.seen))

    def save(self) -> list[float]:
        return [self.mean, self.square, self.seen]
