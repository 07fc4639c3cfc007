"""The difference between another process's clock and ours, by asking it; the fastest answer errs least, as in NTP."""

from __future__ import annotations

from collections import deque

ASKED = 20  # answers that count, the newest: 10 s at one in half a second, in which clocks part by 1 ms at most


class Offset:
    """All times are machine time: samples of a process's own clock."""

    def __init__(self) -> None:
        self._answers: deque[tuple[int, int]] = deque(maxlen=ASKED)  # (round trip, theirs less ours)

    def answered(self, sent: int, theirs: int, received: int) -> None:
        """They read ``theirs`` somewhere between our ``sent`` and ``received``."""
        trip = max(0, received - sent)
        self._answers.append((trip, theirs - (sent + trip // 2)))

    @property
    def known(self) -> bool:
        return bool(self._answers)

    @property
    def samples(self) -> int:
        """Add it to our machine time to get theirs. ValueError before the first answer."""
        return min(self._answers)[1]

    @property
    def uncertainty(self) -> int:
        """By how many samples that may be wrong."""
        return (min(self._answers)[0] + 1) // 2 if self._answers else 0
