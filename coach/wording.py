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

SHOWN_S = {1: 8.0, 2: 10.0, 3: 15.0}  # 10 s is one breath at six a minute; a stem is said aloud and needs longer

_CLOCK = re.compile(r"([01]?\d|2[0-3]):[0-5]\d( ?[ap]m)?", re.IGNORECASE)


def time_out(minutes: int, detail: dict[str, Any]) -> str:
    """The time-out names its return: a clock time where the tap brought one (``back_at``)."""
    back_at = detail.get("back_at")
    if isinstance(back_at, str) and _CLOCK.fullmatch(back_at):
        return f"Pause. Back at {back_at}."
    return f"Pause. Back in {minutes} minutes."
