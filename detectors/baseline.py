"""What a speaker's own usual sounds like: learnt while they talk, kept, and carried to a later session.

Carried is what belongs to the person whatever the microphone. Where the spectrum lies is learnt anew in each
session, and counts for as much as has been learnt.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from detectors.prosody import FEATURES, OF_THE_VOICE
from detectors.running import Running
from detectors.settings import ArousalSettings

FORMAT = 2  # of what is carried; it changes whenever FEATURES or what they mean do


@dataclass(slots=True)
class Baseline:
    """``score`` is of the weighted sum of the features; ``points`` says how many it was all learnt from."""

    features: list[Running] = field(default_factory=lambda: [Running() for _ in FEATURES])
    score: Running = field(default_factory=Running)
    points: int = 0

    def carry(self, settings: ArousalSettings) -> dict[str, Any] | None:
        """What may go on to a later session of the same person, under 1 kB of JSON; None while too little is known."""
        if self.points < settings.trust_points:
            return None
        return {
            "v": FORMAT,
            "points": self.points,
            "score": _rounded(self.score),
            "features": {name: _rounded(own) for name, own in self._by_name().items() if name in OF_THE_VOICE},
        }

    @classmethod
    def carried(cls, said: Mapping[str, Any], settings: ArousalSettings) -> Baseline:
        """From what ``carry`` gave. One of another format is not used: the speaker begins afresh.

        Raises ValueError for one of this format that holds anything but finite numbers.
        """
        if said.get("v") != FORMAT:
            return cls()
        own = cls()
        try:
            own.score, own.points = _read(said["score"]), min(int(said["points"]), settings.trust_points)
            for name in OF_THE_VOICE:
                own.features[FEATURES.index(name)] = _read(said["features"][name])
        except (KeyError, TypeError) as error:
            raise ValueError(f"carried baseline is not one: {error!r}") from error
        for learnt in (own.score, *own.features):
            learnt.seen = min(learnt.seen, settings.carried_points)
        return own

    def _by_name(self) -> dict[str, Running]:
        return dict(zip(FEATURES, self.features, strict=True))

    def save(self) -> dict[str, Any]:
        return {"features": [own.save() for own in self.features], "score": self.score.save(), "points": self.points}

    @classmethod
    def restore(cls, saved: dict[str, Any]) -> Baseline:
        return cls([Running(*numbers) for numbers in saved["features"]], Running(*saved["score"]), saved["points"])


def _rounded(own: Running) -> list[float]:
    return [round(number, 4) for number in own.save()]


def _read(numbers: Any) -> Running:
    mean, square, seen = (float(number) for number in numbers)
    if not (math.isfinite(mean) and math.isfinite(square) and math.isfinite(seen) and square >= 0.0 and seen >= 0.0):
        raise ValueError(f"carried baseline is not one: {numbers!r}")
    return Running(mean, square, seen)
