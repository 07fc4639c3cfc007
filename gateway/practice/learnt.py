"""What a couple's talk taught: numbers that their next practice may begin with, kept only while both agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import structlog

from coach.policy import Coach
from coach.settings import CoachSettings
from detectors.pipeline import Pipeline
from streaming.types import Speaker

log = structlog.get_logger("gateway.practice.learnt")


@dataclass(frozen=True, slots=True)
class Learnt:
    """``baselines``: how each of the two usually sounds; ``habit_per_min``: how often they overlap in calm talk."""

    baselines: dict[Speaker, dict[str, Any]]
    habit_per_min: float | None

    @property
    def anything(self) -> bool:
        return bool(self.baselines) or self.habit_per_min is not None

    def over(self, earlier: Learnt | None) -> Learnt:
        """The newer knowledge, with the earlier where a talk was too short to tell."""
        if earlier is None:
            return self
        habit = self.habit_per_min if self.habit_per_min is not None else earlier.habit_per_min
        return Learnt({**earlier.baselines, **self.baselines}, habit)


def learnt_by(pipeline: Pipeline, coach: Coach) -> Learnt | None:
    """What may go on to the couple's next practice; None where too little was heard of anybody."""
    learnt = Learnt(pipeline.baselines(), coach.habit_per_min())
    return learnt if learnt.anything else None


def beginning(session: str, policy: CoachSettings, learnt: Learnt | None) -> tuple[Pipeline, Coach]:
    """Detectors and coach at session time 0, with what is known of the two."""
    if learnt is None:
        return Pipeline(session), Coach(session, policy)
    coach = Coach(session, policy, habit_per_min=learnt.habit_per_min)
    try:
        return Pipeline(session, baselines=learnt.baselines), coach
    except ValueError as error:  # of a version that meant something else by it
        log.warning("carried baselines not usable", session=session, error=str(error))
        return Pipeline(session), coach
