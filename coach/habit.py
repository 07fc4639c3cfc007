"""The couple's own way of overlapping, learnt while they talk: what is usual for them asks for no cue.

Overlap is not rudeness. In calm talk of real couples and relatives, three starts over the other
within a minute come about 15 times an hour, and 7 times an hour where every one of them is typed
by hand. Only what is unusual for this very couple, or comes with a raised voice, is a cluster.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from coach.settings import CoachSettings
from streaming.wire import samples


@dataclass
class Habit:
    """Interruptions in calm talk, by id (so that a revision can take one back), against speech heard."""

    _carried: float | None = None  # a minute, from an earlier session
    _calm: dict[str, int] = field(default_factory=dict)  # where each began, samples, by id

    def add(self, id: str, at: int) -> None:
        self._calm[id] = at

    def drop(self, id: str) -> None:
        self._calm.pop(id, None)

    def per_min(self, before: int, heard_s: float, settings: CoachSettings) -> float:
        """Usual interruptions a minute of speech, from those that began before ``before`` (samples).

        Drawn to the carried habit, or to what is common, until enough was heard.
        """
        usual = settings.usual_per_min if self._carried is None else self._carried
        weight_min = settings.usual_weight_min if self._carried is None else settings.carried_weight_min
        return (self._count(before, settings) + usual * weight_min) / (heard_s / 60.0 + weight_min)

    def cluster_bar(self, before: int, heard_s: float, settings: CoachSettings) -> int:
        """How many interruptions within the window are unusual for this couple.

        ``heard_s``: speech of both before the window. A couple that hardly ever overlaps, or of whom
        nothing is known, is held to the plain rule.
        """
        known = heard_s >= settings.sparse_after_s and self._carried is None
        if known and self._count(before, settings) <= settings.sparse_per_min * heard_s / 60.0:
            return settings.cluster_count
        mean = self.per_min(before, heard_s, settings) * settings.cluster_window_s / 60.0
        return max(settings.cluster_count, unusual_count(mean, settings.cluster_chance))

    def learnt(self, now: int, heard_s: float, settings: CoachSettings) -> float | None:
        """The habit as it stands, to carry to the next session; None while too little was heard."""
        if heard_s < settings.habit_after_s:
            return self._carried
        return self.per_min(now, heard_s, settings)

    def _count(self, before: int, settings: CoachSettings) -> int:
        """Those before ``before``; of a quarrel's burst only the first few, for that is no habit."""
        minute = samples(60.0)
        counted: list[int] = []
        for at in sorted(at for at in self._calm.values() if at < before):
            if len(counted) < settings.habit_per_min_cap or at - counted[-settings.habit_per_min_cap] >= minute:
                counted.append(at)
        return len(counted)


def unusual_count(mean: float, chance: float) -> int:
    """The smallest count that a Poisson variable of this mean reaches with at most this probability."""
    term = math.exp(-mean)
    count, at_most = 0, term
    while 1.0 - at_most > chance:
        count += 1
        term *= mean / count
        at_most += term
    return count + 1
