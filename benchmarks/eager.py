"""A coach without patience, so that the way of its cues can be timed: ``python -m benchmarks.eager serve …``.

A real one speaks too seldom to be measured. All else is the gateway as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from coach.policy import Coach
from gateway.cli import main
from gateway.practice import analysts, learnt
from streaming.ids import event_id
from streaming.types import Annotation, Cue, Kind


class EagerCoach(Coach):
    """A word to every overlap, or to what ``answers`` names, as soon as it is announced. ``said`` hears of each."""

    answers: ClassVar[frozenset[Kind]] = frozenset({Kind.OVERLAP})
    said: ClassVar[Callable[[Annotation, Cue], None] | None] = None

    def __init__(self, session: str, *given: Any, **named: Any) -> None:
        super().__init__(session, *given, **named)
        self._answered: set[str] = set()

    def observe(self, annotation: Annotation) -> list[Cue]:
        super().observe(annotation)
        if annotation.status != "open" or annotation.kind not in self.answers or annotation.id in self._answered:
            return []
        self._answered.add(annotation.id)
        id = event_id(self.session, "coach@1", "bench", None, annotation.decided)
        cue = Cue(id, self.session, 1, "One at a time?", annotation.decided, ttl_s=1.0)
        if EagerCoach.said is not None:
            EagerCoach.said(annotation, cue)
        return [cue]

    def advance(self, now: int) -> list[Cue]:
        super().advance(now)
        return []


def install() -> None:
    """From now on every practice of this process gets this coach."""
    analysts.Coach = learnt.Coach = EagerCoach  # type: ignore[attr-defined]


if __name__ == "__main__":
    install()
    main()
