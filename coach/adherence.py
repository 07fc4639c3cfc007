"""What a couple did with a card: started, finished, bent, deferred, avoided. One tap each, and no shame.

What people bend, defer or avoid tells a therapist more than what they finish, so all five are kept
as plain lines of the timeline, with the same weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from coach.outcomes import DETECTOR
from streaming.errors import UnusableInput
from streaming.ids import event_id
from streaming.types import Happening, Line

Act = Literal["start", "finish", "bend", "defer", "avoid"]
# What the button says, and what the page answers.
BUTTONS: dict[Act, tuple[str, str]] = {
    "start": ("Let's start", "Good. Take it slowly."),
    "finish": ("We did it", "That counts as done."),
    "bend": ("We did half", "Half counts. What you did is what works for you."),
    "defer": ("Another day", "It will wait for you."),
    "avoid": ("Not this one", "Fine. Another card may fit better."),
}
_KIND = "practice_"
_ANSWERS: dict[str, Act] = {f"{_KIND}{act}": act for act in BUTTONS if act != "start"}


def acted(session: str, card: str, act: str, at: int, by: str | None = None, *, nth: int = 0) -> Happening:
    """The tap as a line of the timeline. Raises UnusableInput for an act that there is not.

    ``nth``: how many answers this partner gave before. So an answer that is given, changed and given again counts.
    """
    if act not in get_args(Act):
        raise UnusableInput(f"there is no {act!r} for a card; choose one of {', '.join(get_args(Act))}")
    id = event_id(session, DETECTOR, f"{_KIND}{act}:{card}:{nth}", by, at)
    return Happening(id, session, f"{_KIND}{act}", at, by, {"card": card}, DETECTOR)


def answers_of(lines: Sequence[Line], by: str) -> list[Act]:
    """What this partner answered so far, in the order of the timeline."""
    return [_ANSWERS[h.kind] for h in lines if isinstance(h, Happening) and h.by == by and h.kind in _ANSWERS]
