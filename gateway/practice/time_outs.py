"""A time-out: a pause with a named time to be back, so that going apart for a while is not walking out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from coach.settings import LONGEST_TIME_OUT_MIN, SHORTEST_TIME_OUT_MIN
from coach.wording import is_clock, soothing
from gateway.protocol import TakeTimeOut, TimeOutView
from streaming.errors import Refused
from streaming.types import Speaker


@dataclass(frozen=True, slots=True)
class TimeOut:
    """``back_at`` is the time of the return as the clock of whoever asked shows it, ``resume_unix`` the same moment."""

    by: Speaker
    minutes: int
    back_at: str
    resume_unix: float

    def running(self, now_unix: float) -> bool:
        return now_unix < self.resume_unix

    @property
    def detail(self) -> dict[str, Any]:
        """What the timeline keeps of it."""
        return {"minutes": self.minutes, "back_at": self.back_at}

    def view(self, now_unix: float) -> TimeOutView:
        """``by`` stays out of it: the pause belongs to both."""
        left_s = round(self.resume_unix - now_unix, 1)
        task = soothing(int(self.resume_unix))
        return TimeOutView(minutes=self.minutes, back_at=self.back_at, left_s=left_s, task=task)


def asked(message: TakeTimeOut, by: Speaker, now_unix: float) -> TimeOut:
    """The time-out that a partner asks for. Raises Refused ``bad_time_out``."""
    low, high = SHORTEST_TIME_OUT_MIN, LONGEST_TIME_OUT_MIN
    if not low <= message.minutes <= high:
        near = max(low, min(high, message.minutes))
        raise Refused(
            "bad_time_out", f"A time-out lasts from {low} to {high} minutes, not {message.minutes}; nearest is {near}."
        )
    if not is_clock(message.back_at):
        raise Refused("bad_time_out", "The time to be back has to be a time of day, such as 8:40.")
    return TimeOut(by, message.minutes, message.back_at, now_unix + message.minutes * 60.0)
