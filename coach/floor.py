"""Speaker and listener: one holds the floor until done, the other says it back, then they swap.

A pure state machine. Each act gives the next state; an act that is not allowed changes nothing.
Nobody can take the floor from the one who holds it, and either partner can always end the mode.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, TypeAlias

from streaming.errors import UnusableInput
from streaming.types import Speaker

Act: TypeAlias = Literal["take", "done", "reflected", "yes", "add", "stop"]
LISTENING_SOUND_S = 1.0  # what is said beyond this while it is the other's turn is no listening sound


class Phase(StrEnum):
    OFF = "off"
    HOLDING = "holding"  # the holder speaks
    REFLECTING = "reflecting"  # the listener says back what was heard
    CONFIRMING = "confirming"  # "Did I get that right?"


@dataclass(frozen=True, slots=True)
class Floor:
    """``holder`` is whose turn it is to be heard, None while the mode is off."""

    phase: Phase = Phase.OFF
    holder: Speaker | None = None
    swaps: int = 0


def allowed(floor: Floor, by: Speaker) -> tuple[Act, ...]:
    """What this partner's screen offers just now."""
    if floor.phase is Phase.OFF:
        return ("take",)
    holds = by is floor.holder
    if floor.phase is Phase.HOLDING:
        return ("done", "stop") if holds else ("stop",)
    if floor.phase is Phase.REFLECTING:
        return ("add", "stop") if holds else ("reflected", "stop")
    return ("yes", "add", "stop") if holds else ("stop",)


def step(floor: Floor, act: Act, by: Speaker) -> Floor:
    """The floor after ``by`` did ``act``; the same one where it is not for them to do."""
    if act not in allowed(floor, by):
        return floor
    if act == "take":
        return Floor(Phase.HOLDING, by, 0)
    if act == "done":
        return Floor(Phase.REFLECTING, floor.holder, floor.swaps)
    if act == "reflected":
        return Floor(Phase.CONFIRMING, floor.holder, floor.swaps)
    if act == "yes":
        return Floor(Phase.HOLDING, by.other, floor.swaps + 1)
    if act == "add":
        return Floor(Phase.HOLDING, floor.holder, floor.swaps)
    return Floor(Phase.OFF, None, floor.swaps)


def prompt(floor: Floor, by: Speaker) -> str:
    """What this partner's screen says: at most five words."""
    holds = by is floor.holder
    return {
        Phase.OFF: "Who begins?",
        Phase.HOLDING: "You have the floor" if holds else "Listen",
        Phase.REFLECTING: "Listen" if holds else "What did you hear?",
        Phase.CONFIRMING: "Is that it?" if holds else "Did I get that right?",
    }[floor.phase]


def speaks(floor: Floor) -> Speaker | None:
    """Whose turn it is to speak; None while the mode is off, and while the two agree on what was said."""
    if floor.holder is None or floor.phase is Phase.CONFIRMING:
        return None
    return floor.holder if floor.phase is Phase.HOLDING else floor.holder.other


def act_between(before: Floor, after: Floor) -> Act | None:
    """The act that led from one state to the next; None where nothing changed."""
    if before.phase is after.phase and before.holder is after.holder:
        return None
    if after.phase is Phase.OFF:
        return "stop"
    if before.phase is Phase.OFF:
        return "take"
    if after.phase is Phase.REFLECTING:
        return "done"
    if after.phase is Phase.CONFIRMING:
        return "reflected"
    return "yes" if after.holder is not before.holder else "add"


def save(floor: Floor) -> dict[str, Any]:
    return {"phase": floor.phase.value, "holder": floor.holder, "swaps": floor.swaps}


def restore(saved: dict[str, Any]) -> Floor:
    """Raises UnusableInput for a state that can't be: somebody holds the floor exactly while the mode is on."""
    try:
        holder = Speaker(saved["holder"]) if saved["holder"] else None
        floor = Floor(Phase(saved["phase"]), holder, int(saved["swaps"]))
    except (KeyError, TypeError, ValueError) as error:
        raise UnusableInput(f"no state of the floor mode ({error!r}); start it again") from error
    if (floor.phase is Phase.OFF) != (floor.holder is None):
        raise UnusableInput(f"floor mode {floor.phase.value!r} with holder {holder!r} can't be; start it again")
    return floor
