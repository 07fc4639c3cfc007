"""How often somebody may do something."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable


class Rate:
    """A token bucket: ``burst`` at once, ``per_s`` in the long run."""

    def __init__(self, per_s: float, burst: float, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._per_s, self._burst, self._clock_s = per_s, burst, clock_s
        self._left, self._at_s = burst, clock_s()

    def take(self) -> bool:
        now_s = self._clock_s()
        self._left = min(self._burst, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Rates:
    """A bucket each for those seen last; the longest unseen is forgotten first."""

    def __init__(self, per_s: float, burst: float, most: int = 1024) -> None:
        self._per_s, self._burst, self._most = per_s, burst, most
        self._known: OrderedDict[str, Rate] = OrderedDict()

    def take(self, who: str) -> bool:
        rate = self._known.pop(who, None) or Rate(self._per_s, self._burst)
        self._known[who] = rate
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return rate.take()
