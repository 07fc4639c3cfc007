"""When this process was held up: what waited in its sockets meanwhile is not late.

Packets carry no time of arrival but the moment at which they are read. No clock: times are given, in samples.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.media.clock import MediaClock


class _Hold(NamedTuple):
    """Machine times between which this process stood still, and when that was first seen."""

    since: int
    until: int
    noticed: int


class Stalls:
    """Of one partner's stream. ``stall``: polls further apart mean that we stood still; ``drain``: how long after
    that what waited may take to be read; both in samples."""

    def __init__(self, stall: int, drain: int) -> None:
        self.judged = 0  # machine time as of which lateness is judged: now, but for stalls
        self._stall, self._drain = stall, drain
        self._polled: int | None = None
        self._hold: _Hold | None = None  # while its packets are being read

    def poll(self, now: int, clock: MediaClock) -> None:
        """After a stall lateness is judged as of the poll before it, until what waited has been read."""
        stalled = self._notice(now, clock)
        if self._hold is not None and now - self._hold.noticed > self._drain:
            self._hold = None
        if self._hold is not None:
            self.judged = max(self.judged, self._hold.since)
        elif not stalled:
            self.judged = now
        self._polled = now

    def came(self, now: int, clock: MediaClock, ssrc: int, timestamp: int, length: int) -> int:
        """When a packet came that is read at ``now``: when it was due, if it may have waited while we stood still."""
        self._notice(now, clock)
        if self._hold is None:
            return now
        due = clock.due(ssrc, timestamp, length)
        if due is None:
            return now
        if due > self._hold.until:  # it was sent later: all that waited has been read
            self._hold = None
            return now
        return min(now, max(due, self._hold.since))

    def heard(self, arrival: int) -> None:
        """A packet that ``came`` then is taken: as of then all earlier ones are late."""
        if self._hold is not None or (self._polled is not None and arrival - self._polled <= self._stall):
            self.judged = max(self.judged, arrival)

    def _notice(self, now: int, clock: MediaClock) -> bool:
        """Whether this process has been held up since the last poll; only of a stream something can wait."""
        if self._polled is None or now - self._polled <= self._stall:
            return False
        if self._hold is not None and now - self._hold.noticed <= self._drain:
            self._hold = _Hold(self._hold.since, now, self._hold.noticed)
        elif clock.aligned:
            self._hold = _Hold(self._polled, now, now)
        return True
