"""Level against own usual, for as much as it can be trusted.

A voice raised by twelve decibels and a gain raised by twelve are the same samples; three things tell them apart.
The gain lifts the room's noise too, so while the noise floor stands elsewhere than when the level was learnt,
level says nothing, and where it stays there the level is learnt anew. What gain control or a later editor
has made equal says nothing either (``controlled``, from detectors.gain). And a raised voice also sounds
raised: how far level may count beyond what the voice itself shows is bounded where it is used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from detectors.running import Running
from detectors.settings import ArousalSettings


@dataclass(slots=True)
class Loudness:
    """One partner's usual level, and the noise floor it was learnt over. Both in dB, each on its own scale."""

    level: Running = field(default_factory=Running)
    floor: Running = field(default_factory=Running)
    _moved: int = 0  # points in a row whose floor lay elsewhere

    def compare(self, level_db: float, floor_db: float, controlled: bool, settings: ArousalSettings) -> float:
        """How many spreads the level lies over own usual, times its trust; never below 0."""
        s = settings
        if controlled or not self.level.seen:
            return 0.0
        apart_db = abs(floor_db - self.floor.mean)
        trust = min(1.0, self.level.seen / s.trust_points) * max(0.0, min(1.0, 2.0 - apart_db / s.floor_apart_db))
        over = (level_db - self.level.mean) / self.level.spread(s.usual_level_db, s.prior_points)
        return trust * max(0.0, min(s.most_spreads, over))

    def learn(self, level_db: float, floor_db: float, weight: float, settings: ArousalSettings) -> None:
        """``weight`` is less than 1 where the point was unusual; the floor is as good in every point."""
        s = settings
        moved = self.floor.seen and abs(floor_db - self.floor.mean) > s.floor_apart_db
        self._moved = self._moved + 1 if moved else 0
        if self._moved >= s.floor_moved_points:
            self.level, self.floor, self._moved = Running(), Running(), 0
        if not self._moved:
            self.level.learn(level_db, weight, s.adapt_points)
            self.floor.learn(floor_db, 1.0, s.adapt_points)

    def save(self) -> list[Any]:
        return [self.level.save(), self.floor.save(), self._moved]

    @classmethod
    def restore(cls, saved: list[Any]) -> Loudness:
        level, floor, moved = saved
        return cls(Running(*level), Running(*floor), moved)
