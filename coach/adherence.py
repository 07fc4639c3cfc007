"""What a couple did with a card: started, finished, bent, deferred, avoided. One tap each, and no shame.

What people bend, defer or avoid tells a therapist more than what they finish, so all five are kept
as plain lines of the timeline, with the same weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Adherence:
    """Counts over the lines of one or more sessions."""

    started: int
    finished: int
    bent: int
    deferred: int
    avoided: int


def acted(session: str, card: str, act: str, at: int, by: str | None = None) -> Happening:
    """The tap as a line of the timeline. Raises UnusableInput for an act that there is not."""
    if act not in get_args(Act):
        raise UnusableInput(f"there is no {act!r} for a card; choose one of {', '.join(get_args(Act))}")
    id = event_id(session, DETECTOR, f"{_KIND}{act}:{card}", by, at)
    return Happening(id, session, f"{_KIND}{act}", at, by, {"card": card}, DETECTOR)


def adherence(lines: Sequence[Line], card: str | None = None) -> Adherence:
    """How often each act was taken, once per line id; for one card, or for all."""
    seen = {
        line.id: line.kind.removeprefix(_KIND)
        for line in lines
        if isinstance(line, Happening)
        and line.kind.startswith(_KIND)
        and (card is None or line.detail.get("card") == card)
    }
    counts = [sum(act == name for act in seen.values()) for name in get_args(Act)]
    return Adherence(*counts)
