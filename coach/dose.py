"""How often the coach may speak. Rarely: that is the whole point of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from coach.outcomes import Outcome
from coach.settings import CoachSettings
from streaming.wire import samples

Silence = Literal["settling_in", "spacing", "dose", "ignored", "time_out"]


@dataclass
class Dose:
    """Counts cues given and cues ignored.

    A time-out that a person asked for, and what an observer says to both, is no dose, but starts the spacing.
    """

    _given: list[int] = field(default_factory=list)  # times of the coach's own cues
    _spacing_until: int = 0
    _ignored: int = 0
    _time_out_until: int = 0
    _neutral_until: int = 0

    def silence(self, now: int, settings: CoachSettings) -> Silence | None:
        """Why the coach must be silent just now, or None."""
        if now < max(samples(settings.settle_in_s), self._neutral_until):
            return "settling_in"
        if now < self._time_out_until:
            return "time_out"
        if self.fallen_silent(settings):
            return "ignored"
        if now < self._spacing_until:
            return "spacing"
        if self.left(now, settings) <= 0:
            return "dose"
        return None

    def fallen_silent(self, settings: CoachSettings) -> bool:
        return self._ignored >= settings.ignored_before_silence

    def left(self, now: int, settings: CoachSettings) -> int:
        """Cues that may still come within the window that ends now."""
        since = now - samples(settings.dose_window_s)
        return settings.cues_per_window - sum(at >= since for at in self._given)

    def give(self, now: int, settings: CoachSettings, *, asked: bool = False) -> None:
        self._spacing_until = max(self._spacing_until, now + samples(settings.spacing_s))
        if not asked:
            since = now - samples(settings.dose_window_s)
            self._given = [at for at in self._given if at >= since] + [now]

    def came_of(self, outcome: Outcome, settings: CoachSettings) -> None:
        if outcome.verdict == "ignored":
            self._ignored += 1
        elif outcome.verdict == "dismissed":
            wait = samples(settings.after_dismissal_s)
            self._spacing_until = max(self._spacing_until, outcome.at + wait)

    def ask_again(self) -> None:
        """Somebody wants cues after all: the ignored ones are forgiven."""
        self._ignored = 0

    def neutral_until(self, at: int) -> None:
        """The first minute is for easy talk: nothing is said into it."""
        self._neutral_until = at

    def rest_until(self, at: int) -> None:
        self._time_out_until = at

    def resting(self, now: int) -> bool:
        return now < self._time_out_until
