"""The few words that a cue may say. Both partners see the same, and nobody is named.

At most five words; "we" and "let's"; no blame, no score, no word for a feeling.
"""

from __future__ import annotations

import re
from typing import Any

MAX_WORDS = 5
ONE_AT_A_TIME = "One at a time?"
BREATHE = "Breathe together"
STEMS = ("What did you hear?", "Did I get that right?", "Is there more?")  # said aloud, in turn

# One small thing to do in a time-out. Bodies come down by moving, by cold, by slow breath and by rest; going over
# it all again keeps them up.
SOOTHING = (
    "Walk slowly, as far as you like.",
    "Cold water on your wrists.",
    "Lie down, one hand on your belly.",
    "Step outside and name five things you see.",
    "Put on one song you like.",
    "Make something warm to drink.",
)

# 10 s is one breath at six a minute; a stem is said aloud and needs longer; about a pause the two have to agree.
SHOWN_S = {1: 8.0, 2: 10.0, 3: 15.0, 4: 20.0}

_CLOCK = re.compile(r"([01]?\d|2[0-3]):[0-5]\d( ?[ap]m)?", re.IGNORECASE)


def is_clock(text: object) -> bool:
    """Whether this is a time of day as people write it: ``8:40``, ``20:40``, ``8:40 pm``."""
    return isinstance(text, str) and _CLOCK.fullmatch(text) is not None


def soothing(number: int) -> str:
    """The task of one time-out; the same for both, another one for another ``number``."""
    return SOOTHING[number % len(SOOTHING)]


def time_out_offered(minutes: int) -> str:
    """A question, for nothing stops before one of the two has taken it."""
    return f"Shall we take {minutes} minutes?"


def time_out(minutes: int, detail: dict[str, Any]) -> str:
    """The time-out names its return: a clock time where the tap brought one (``back_at``)."""
    back_at = detail.get("back_at")
    if is_clock(back_at):
        return f"Pause. Back at {back_at}."
    return f"Pause. Back in {minutes} minutes."
