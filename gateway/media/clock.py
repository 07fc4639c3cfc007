"""From clocks on the wall and RTP timestamps to session samples.

All positions are samples at 16 kHz. *Machine time* is this process' monotonic clock in samples; it
exists before any session does, so that a partner's stream is already aligned when practice begins.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from streaming.types import SAMPLE_RATE_HZ

RTP_HZ = 48_000  # RFC 7587: Opus always counts in 48 kHz
_PER_SAMPLE = RTP_HZ // SAMPLE_RATE_HZ


def machine_samples(monotonic_s: float) -> int:
    return int(monotonic_s * SAMPLE_RATE_HZ)


class SessionClock:
    """Session time: samples since the session began.

    Anchored to the wall clock by ``began_unix`` so that it survives a restart of the process, and
    monotonic within one: a step of the wall clock during a session does not move it.
    """

    def __init__(self, began_unix: float) -> None:
        self.began_unix = began_unix
        self._zero_s = time.monotonic() - (time.time() - began_unix)

    def not_before(self, known: int) -> None:
        """The wall clock was set back while no process ran: session time goes on from ``known`` all the same."""
        self._zero_s -= max(0, known - self.now()) / SAMPLE_RATE_HZ

    @classmethod
    def start(cls) -> SessionClock:
        """A session that begins now."""
        return cls(time.time())

    @classmethod
    def with_zero(cls, zero: int) -> SessionClock:
        """One whose sample 0 was at machine time ``zero``: somebody else keeps the clock, and told us."""
        clock = cls(time.time())
        clock._zero_s = zero / SAMPLE_RATE_HZ
        return clock

    @property
    def zero(self) -> int:
        """Machine time of session sample 0."""
        return machine_samples(self._zero_s)

    def now(self) -> int:
        return machine_samples(time.monotonic()) - self.zero


@dataclass(frozen=True, slots=True)
class ClockSettings:
    window_s: float = 10.0
    """How long an arrival counts towards the least delay: at 200 ppm the clocks part by 2 ms in it."""
    floor_ms: float = 5.0
    """Uncertainty that no arrival can take away: browsers hand over audio in blocks of 10 ms."""
    unknown_ms: float = 20.0
    """Jitter assumed before it has been seen: one packet."""
    unbelievable_ms: float = 500.0
    """A timestamp this far from its arrival is a lie or a new start; real delay seldom changes so much."""
    believe_after_ms: float = 200.0
    """A new start is believed once it has been kept up this long; a lone stray is dropped."""
    report_step_ms: float = 50.0
    """Two sender reports that disagree by more mean that the sender's media clock stepped."""
    old_source_s: float = 1.0
    """For so long after a source was replaced its stragglers are ignored."""
    drift_after_s: float = 20.0
    """Least distance of two alignments that give a drift: 2 ms of jitter over it are 100 ppm."""


class MediaClock:
    """Aligns one partner's RTP timestamps with machine time by the least delay seen of late.

    The end of a packet is placed where the fastest packet's end arrived: network delay common to all
    packets is part of the placement (whoever judges who heard what adds round trips), jitter is not.
    """

    def __init__(self, settings: ClockSettings | None = None) -> None:
        self._settings = settings = settings or ClockSettings()
        self._unbelievable = _samples(settings.unbelievable_ms)
        self._floor = _samples(settings.floor_ms)
        self._window = int(settings.window_s * SAMPLE_RATE_HZ)
        self.epoch = 0  # positions of different epochs can't be compared
        self.jumps = 0  # timestamps that could not be believed
        self.restarts = 0  # new starts: other source, or a jump that stayed
        self.steps = 0  # steps of the sender's clock told by its reports
        self.ssrc: int | None = None
        self._previous_ssrc: int | None = None
        self._first: int | None = None  # extended RTP timestamp of media position 0
        self.restart()

    def restart(self) -> None:
        """Forget the alignment: what comes next is a new stream."""
        self.epoch += 1
        self.restarts += self._first is not None
        self.seen = 0
        self.jitter = float(_samples(self._settings.unknown_ms))
        self._first = None
        self._last = 0
        self._began_at: int | None = None
        self._least: deque[tuple[int, int]] = deque()  # (arrival, offset), offsets ascending
        self._stray: tuple[int, int, int] | None = None  # (arrival, extended timestamp, offset) of a jump's first
        self._report: tuple[int, int] | None = None  # (media position, sender's clock) of the last report
        self._aligned: tuple[int, int] | None = None  # (arrival, offset) that drift is measured from

    def observe(self, ssrc: int, timestamp: int, length: int, arrival: int) -> int | None:
        """Media position of a packet of ``length`` samples that arrived at machine time ``arrival``.

        None where it must not be placed: its timestamp can't be believed (yet), or its source is gone.
        """
        if ssrc != self.ssrc:
            fresh = (
                self._began_at is not None and arrival - self._began_at < self._settings.old_source_s * SAMPLE_RATE_HZ
            )
            if ssrc == self._previous_ssrc and fresh:
                return None
            self._previous_ssrc, self.ssrc = self.ssrc, ssrc
            if self._first is not None:
                self.restart()
        if self._first is None:
            self._first = self._last = timestamp
            self._began_at = arrival
        extended = self._last + _signed(timestamp - self._last)
        position = (extended - self._first) // _PER_SAMPLE
        offset = arrival - position - length
        if self._least and abs(offset - self._least[0][1]) > self._unbelievable:
            if not self._believe(extended, offset, arrival):
                return None
            return self.observe(ssrc, timestamp, length, arrival)
        self._stray = None
        self._last = max(self._last, extended)
        self._align(arrival, offset)
        return position

    def due(self, ssrc: int, timestamp: int, length: int) -> int | None:
        """Machine time at which such a packet comes by the least delay seen; None where nothing can be told."""
        if ssrc != self.ssrc or self._first is None or not self._least:
            return None
        return self.offset + (self._last + _signed(timestamp - self._last) - self._first) // _PER_SAMPLE + length

    def report(self, ssrc: int, timestamp: int, sender_time: int) -> None:
        """A sender report: its media position was captured at ``sender_time``, samples of the sender's own clock.

        Arrivals alone can't tell a step of the sender's media clock (a pause that did not count) from a
        network that became slower; two reports can. After a step the old alignment is dropped at once.
        """
        if self._first is None or ssrc != self.ssrc:
            return
        position = (self._last + _signed(timestamp - self._last) - self._first) // _PER_SAMPLE
        before, self._report = self._report, (position, sender_time)
        if before is None:
            return
        step = (sender_time - before[1]) - (position - before[0])
        if abs(step) > _samples(self._settings.report_step_ms):
            self.steps += 1
            self.seen = 0
            newest = self._least[-1]
            self._least.clear()
            self._least.append(newest)
            self._aligned = None

    @property
    def offset(self) -> int:
        """Machine time minus media position, by the least delay in the window."""
        return self._least[0][1]

    @property
    def aligned(self) -> bool:
        return bool(self._least)

    @property
    def uncertainty(self) -> int:
        """How far ``offset`` may be off, in samples: the least of n delays lies about jitter / n above the floor."""
        settle = 4 * self.jitter / (self.seen + 3)
        return round(self._floor + settle)

    @property
    def drift_ppm(self) -> float | None:
        """How fast the partner's clock parts from ours (negative: it runs fast); None until it can be told."""
        if self._aligned is None or not self._least:
            return None
        elapsed = self._least[-1][0] - self._aligned[0]
        if elapsed < self._settings.drift_after_s * SAMPLE_RATE_HZ:
            return None
        return (self.offset - self._aligned[1]) / elapsed * 1e6

    def _believe(self, extended: int, offset: int, arrival: int) -> bool:
        """Whether a jump has lasted; starts a new epoch if so."""
        self.jumps += 1
        if self._stray is None or abs(offset - self._stray[2]) > self._unbelievable:
            self._stray = (arrival, extended, offset)
            return False
        if arrival - self._stray[0] < _samples(self._settings.believe_after_ms):
            return False
        self.restart()
        return True

    def _align(self, arrival: int, offset: int) -> None:
        least = self._least
        while least and least[-1][1] >= offset:
            least.pop()
        least.append((arrival, offset))
        oldest = arrival - self._window
        while least[0][0] < oldest and len(least) > 1:
            least.popleft()
        self.seen += 1
        weight = max(1 / 64, 1 / (self.seen + 4))  # quick at first, then over about a second
        self.jitter += weight * (offset - least[0][1] - self.jitter)
        # Not from the first packets on: while the least delay is still being found, it seems to drift.
        began_at = arrival if self._began_at is None else self._began_at
        if self._aligned is None and arrival - began_at >= self._window:
            self._aligned = (arrival, self.offset)


def _samples(ms: float) -> int:
    return int(ms * SAMPLE_RATE_HZ / 1000)


def _signed(difference: int) -> int:
    """The nearer way round the circle of 32-bit RTP timestamps."""
    return (difference + (1 << 31)) % (1 << 32) - (1 << 31)
