"""Packets with RTP timestamps in, contiguous audio in session time out.

A packet is useful the moment it arrives: it is placed by its timestamp and delivered at once. Only a
hole makes later packets wait, for a bound, then it is missing audio; after it nothing is late any more.
Clock drift is taken up by stretching packets by a sample in 320 (no click, 0.3 % for 20 ms), by more in a
pause; large errors of alignment only where there is a hole anyway.

No clock and no I/O: times are given, in samples of machine time (see ``clock``).
"""

from __future__ import annotations

import bisect
from collections import deque
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.media.clock import ClockSettings, MediaClock
from gateway.media.opus import Decoder, UndecodableAudio, packet_samples
from gateway.media.stalls import Stalls
from streaming.types import SAMPLE_RATE_HZ, AudioChunk, Samples, Speaker, on_steps


@dataclass(frozen=True, slots=True)
class PlacementSettings:
    wait_ms: float = 60.0
    """What is overdue by more is missing. 40 to 60 ms cover the reordering of real paths; more delays the partner."""
    standstill_ms: float = 160.0
    """The same where nothing comes at all: Wi-Fi stands still for 100 ms and more, and then all arrives in order.
    Waiting costs the other partner's analysis that long, once; not waiting would cut a word in two."""
    conceal_ms: float = 60.0
    """Up to this much of a loss is filled with the decoder's guess, marked as such; then it has faded out. Speech
    starts and ends move by 3.6 instead of 14 ms at 10 % loss."""
    settle_packets: int = 3
    """A new stream is placed when the fastest of so many packets is known: the first one may have queued."""
    late_window: int = 8
    """Packets that must all be late before the path counts as slower; their least lateness is then allowed for."""
    late_max_ms: float = 400.0
    """No more lateness is allowed for than this: the other partner's analysis waits as long."""
    future_ms: float = 500.0
    """Packets placed further ahead of their arrival are dropped: they would wait for ever."""
    follow_after_ms: float = 200.0
    """Unless all are, for so long: then the path has become faster, and they are placed anew."""
    waiting_max: int = 256
    """Bound of the packets held for a hole: more than a second of the smallest that fit in ``future_ms``."""
    slew_after_ms: float = 2.0
    """Misalignment that is left alone; the least-delay filter trembles by about a millisecond on a busy machine."""
    quiet_level: float = 0.003
    """Peak (-50 dBFS) under which a packet may be bent by a quarter: between words nobody hears it, and a first
    alignment that was 50 ms off is mended in ten packets."""
    step_after_ms: float = 20.0
    """A hole after which a misalignment larger than this is taken up at once."""
    stall_ms: float = 50.0
    """Polls further apart than this mean that this process was held up, not the network."""
    drain_ms: float = 300.0
    """How long after that what waited in the sockets may take to be read: 0.15 ms a packet, all couples' in turn."""
    missing_max_s: float = 1.0
    """Longest piece of missing audio in one chunk, so that no one holds a minute of zeros."""


WAIT_BOUNDS_MS = (5.0, 10.0, 20.0, 40.0, 60.0, 100.0, 200.0, 400.0)
"""How waits are told apart: about a packet, the bound of a hole, and what only somebody else's buffer keeps."""


class _Packet(NamedTuple):
    position: int  # media samples
    sequence: int  # extended
    length: int  # samples
    arrival: int
    payload: bytes | Samples  # Opus, or audio where something else has decoded it


_by_position = attrgetter("position")


@dataclass(slots=True)
class PlacementCounts:
    """Counters since the partner first connected; they only grow."""

    packets: int = 0
    lost: int = 0  # packets that had not come when their time was up
    late: int = 0  # came after that
    reordered: int = 0
    duplicates: int = 0  # had been heard before, or recovered
    recovered: int = 0  # losses filled from the copy in the next packet
    concealed: int = 0  # pieces of losses filled with the decoder's guess
    undecodable: int = 0
    disbelieved: int = 0  # dropped for their timestamp, for want of room, or because they came too fast
    waits: int = 0  # packets that had to wait for a hole
    waited_samples: int = 0
    waited_max_samples: int = 0
    waited_within: list[int] = field(default_factory=lambda: [0] * (len(WAIT_BOUNDS_MS) + 1))
    """Waits by the first of ``WAIT_BOUNDS_MS`` that they do not exceed; the last are longer than all."""
    heard_samples: int = 0
    missing_samples: int = 0


class Placement:
    """One partner's stream, over any number of connections and pauses.

    It has at most 30 attributes: of an object with more CPython keeps a dict, and each packet is slower by a twentieth.
    """

    def __init__(
        self,
        session: str,
        speaker: Speaker,
        decoder: Decoder,
        settings: PlacementSettings | None = None,
        clock_settings: ClockSettings | None = None,
    ) -> None:
        self.clock = MediaClock(clock_settings or ClockSettings())
        self.counts = PlacementCounts()
        self.hears_late = 0  # samples; whoever knows the round trips sets it
        self._session = session
        self._speaker = speaker
        self._decoder = decoder
        self._settings = settings = settings or PlacementSettings()
        self._slew_after = _samples(settings.slew_after_ms)
        self._future = _samples(settings.future_ms)
        self._stalls = Stalls(_samples(settings.stall_ms), _samples(settings.drain_ms))
        self.wait_ms = settings.wait_ms  # longer where packets come through somebody else's buffer
        self._running = False
        self._origin = 0  # machine time of session sample 0
        self._begun = 0  # machine time before which nothing may be decoded
        self._frontier = 0  # machine time up to which audio is delivered
        self._usual = _samples(20)  # length of the packets that come
        self._waiting: list[_Packet] = []  # by position
        self._played: deque[int] = deque(maxlen=64)  # sequences
        self._forget_audio()
        self._reset_stream()

    def begin(self, at: int, origin: int = 0) -> None:
        """Deliver from session sample ``at`` on; ``origin`` is the machine time of session sample 0."""
        self._running = True
        self._origin = origin
        self._begun = self._frontier = at + origin
        self._forget_audio()

    def stop(self) -> None:
        """Decode and deliver nothing more; the alignment lives on."""
        self._running = False
        self._forget_audio()

    def restart(self) -> list[AudioChunk]:
        """A new connection: what comes next can't be compared with what came."""
        out = self._flush()
        self.clock.restart()
        return out

    def push(
        self, ssrc: int, sequence: int, timestamp: int, payload: bytes | Samples, arrival: int
    ) -> list[AudioChunk]:
        """A packet, at machine time ``arrival``; returns what can be delivered now, in order."""
        self.counts.packets += 1
        try:
            length = packet_samples(payload) if isinstance(payload, bytes) else len(payload)
        except UndecodableAudio:
            self.counts.undecodable += 1
            return []
        arrival = self._stalls.came(arrival, self.clock, ssrc, timestamp, length)
        position = self.clock.observe(ssrc, timestamp, length, arrival)
        if position is None:
            self.counts.disbelieved += 1
            return []
        out: list[AudioChunk] = []
        if self.clock.epoch != self._epoch:
            out = self._flush()
            self._reset_stream()
            self._last_sequence = sequence
        self._usual = length
        packet = _Packet(position, self._extend(sequence), length, arrival, payload)
        if self._running and self._admit(packet):
            self._stalls.heard(arrival)
            if self._follows(packet):
                self._count_played(packet, arrival)
                out += self._play(packet, self._frontier)
            else:
                bisect.insort(self._waiting, packet, key=_by_position)
                out += self._release(arrival)
        return out

    def poll(self, now: int) -> list[AudioChunk]:
        """What is overdue at machine time ``now`` becomes missing audio. Call it every 20 ms."""
        self._stalls.poll(now, self.clock)
        if not self._running:
            return []
        if self._waiting:
            out = self._release(now)
            if self._waiting:
                return out
        elif self._stalls.judged - self._frontier < self._usual:  # as ever: the newest packet is here, the next not due
            return []
        else:
            out = []
        standstill_ms = self._settings.standstill_ms if self._placed is not None else 0.0
        return out + self._missing_until(self._overdue_until(max(self.wait_ms, standstill_ms)))

    @property
    def uncertainty(self) -> int:
        """How far, in samples, the placement may be off."""
        return self.clock.uncertainty + abs(self._misalignment())

    def _forget_audio(self) -> None:
        self._waiting.clear()
        self._next_position: int | None = None  # where the stream goes on without a hole
        self._played_sequence: int | None = None
        self._concealable = 0  # samples that the decoder may still guess

    def _reset_stream(self) -> None:
        self._epoch = self.clock.epoch
        self._steps = self.clock.steps
        self._slewing = False
        self._placed: int | None = None  # machine time minus media position, as delivered
        self._last_sequence = 0  # highest seen, extended
        self._lateness: deque[int] = deque(maxlen=self._settings.late_window)
        self._first_arrival: int | None = None
        self._ahead_since: int | None = None  # arrival since which all packets are too far in the future
        self._played.clear()

    def _extend(self, sequence: int) -> int:
        extended = self._last_sequence + ((sequence - self._last_sequence + (1 << 15)) % (1 << 16) - (1 << 15))
        if extended < self._last_sequence:
            self.counts.reordered += 1
        self._last_sequence = max(self._last_sequence, extended)
        return extended

    def _admit(self, packet: _Packet) -> bool:
        """Whether the packet may wait for its turn; counts why not."""
        if self._first_arrival is None:
            self._first_arrival = packet.arrival
        start = packet.position + (self.clock.offset if self._placed is None else self._placed)
        if start - packet.arrival <= self._future:
            self._ahead_since = None
        elif self._left_behind(packet):
            self._next_position, start = None, packet.position + self.clock.offset
        self._lateness.append(packet.arrival - start - packet.length)
        going_on = self._next_position is not None and packet.position >= self._next_position
        if (self._waiting and self._is_waiting(packet.position)) or (not going_on and packet.sequence in self._played):
            self.counts.duplicates += 1
        elif self._next_position is not None and not going_on:
            self.counts.late += 1
        elif start - packet.arrival > self._future or self._full():
            self.counts.disbelieved += 1
        else:
            return True
        return False

    def _is_waiting(self, position: int) -> bool:
        at = bisect.bisect_left(self._waiting, position, key=_by_position)
        return at < len(self._waiting) and self._waiting[at].position == position

    def _left_behind(self, packet: _Packet) -> bool:
        """Whether the path has become so much faster, for good, that nothing can wait for its old place any more."""
        if packet.position + self.clock.offset - packet.arrival > self._future:
            self._ahead_since = None
            return False
        if self._ahead_since is None:
            self._ahead_since = packet.arrival
        return packet.arrival - self._ahead_since >= _samples(self._settings.follow_after_ms)

    def _follows(self, packet: _Packet) -> bool:
        """Whether it goes on right where the audio stands, as nearly every packet does."""
        return (
            packet.position == self._next_position
            and not self._waiting
            and self._steps == self.clock.steps
            and self._placed is not None
            and packet.position + self._placed == self._frontier
        )

    def _full(self) -> bool:
        return len(self._waiting) >= self._settings.waiting_max

    def _release(self, now: int) -> list[AudioChunk]:
        """Deliver what is due, in order, as far as no hole holds it back."""
        out: list[AudioChunk] = []
        while self._waiting and self._settled(now):
            packet = self._waiting[0]
            start = packet.position + self._place(packet)
            if start + packet.length <= self._frontier or start < self._begun:
                self.counts.late += start >= self._begun
                del self._waiting[0]
                continue
            if start > self._frontier:
                filled = self._fill_hole(packet, start)
                if not filled:
                    break
                out += filled
                continue
            del self._waiting[0]
            self._count_played(packet, now)
            out += self._play(packet, start)
        return out

    def _settled(self, now: int) -> bool:
        """Whether a new stream's alignment is good enough to place its first packet."""
        if self._placed is not None or self.clock.seen >= self._settings.settle_packets:
            return True
        return self._first_arrival is None or now - self._first_arrival >= _samples(self.wait_ms)

    def _misalignment(self) -> int:
        """Samples by which what comes should be placed later than it is."""
        if self._placed is None or self._epoch != self.clock.epoch or not self.clock.aligned:
            return 0
        return self.clock.offset - self._placed

    def _place(self, packet: _Packet) -> int:
        """Machine time minus media position for this packet: as before, unless a hole lets it move."""
        if self._placed is None or self._next_position is None or self._steps != self.clock.steps:
            return self.clock.offset
        hole = packet.position - self._next_position > self._usual
        if hole and abs(self._misalignment()) > _samples(self._settings.step_after_ms):
            return self.clock.offset
        return self._placed

    def _fill_hole(self, packet: _Packet, start: int) -> list[AudioChunk]:
        """What stands in the hole before ``packet``, which belongs at ``start``; nothing while it may still come."""
        hole = start - self._frontier
        none_sent = self._played_sequence is not None and packet.sequence == self._played_sequence + 1
        if hole < min(self._usual, packet.length) or none_sent:
            return self._missing_until(start)
        recovered = self._recover(packet, hole)
        return recovered or self._missing_until(min(start, self._overdue_until(self.wait_ms)))

    def _recover(self, packet: _Packet, hole: int) -> list[AudioChunk]:
        """A loss of exactly the packet before this one, from the copy that this one carries; no need to wait."""
        follows = packet.position - hole == self._next_position and hole <= packet.length
        if not follows or not isinstance(packet.payload, bytes):
            return []
        try:
            audio = self._decoder.recover(packet.payload, hole)
        except UndecodableAudio:
            return []
        if audio is None:
            return []
        self.counts.recovered += 1
        self._next_position = packet.position
        self._played.append(packet.sequence - 1)
        return [self._heard(audio)]

    def _overdue_until(self, wait_ms: float) -> int:
        """Up to where audio should have come ``wait_ms`` ago: whole packets from the frontier."""
        full = len(self._lateness) == self._settings.late_window
        late = min(max(0, min(self._lateness)), _samples(self._settings.late_max_ms)) if full else 0
        overdue = self._stalls.judged - _samples(wait_ms) - late - self._usual - self._frontier
        return self._frontier + (overdue // self._usual + 1) * self._usual if overdue >= 0 else self._frontier

    def _count_played(self, packet: _Packet, now: int) -> None:
        counts = self.counts
        waited = now - packet.arrival
        if waited > 0:
            counts.waits += 1
            counts.waited_samples += waited
            counts.waited_max_samples = max(counts.waited_max_samples, waited)
            counts.waited_within[bisect.bisect_left(WAIT_BOUNDS_MS, waited / SAMPLE_RATE_HZ * 1000)] += 1
        if self._played_sequence is not None:
            counts.lost += max(0, packet.sequence - self._played_sequence - 1)
        self._played_sequence = packet.sequence
        self._played.append(packet.sequence)

    def _play(self, packet: _Packet, start: int) -> list[AudioChunk]:
        """The packet's audio from the frontier on; ``start`` is where its first sample belongs."""
        self._placed = start - packet.position
        self._next_position = packet.position + packet.length
        self._steps = self.clock.steps
        try:
            audio = self._decoder.decode(packet.payload) if isinstance(packet.payload, bytes) else packet.payload
        except UndecodableAudio:
            self.counts.undecodable += 1
            return self._missing_until(start + packet.length)
        self._concealable = _samples(self._settings.conceal_ms)
        skip = self._frontier - start
        return [self._heard(audio[skip:] if skip > 0 else self._slewed(audio))]

    def _slewed(self, audio: Samples) -> Samples:
        """The audio, a few samples longer or shorter where the clocks have parted."""
        error = self._misalignment()
        if not self._slewing and abs(error) <= self._slew_after:
            return audio
        assert self._placed is not None
        self._slewing = abs(error) > 2  # once at it, make good the whole error
        quiet = float(np.abs(audio).max(initial=0.0)) < self._settings.quiet_level
        # Spoken audio gives 3 samples only where an alignment is far off: of 320 they take up 9 ms a second.
        most = len(audio) // 4 if quiet else min(3, 1 + abs(error) // 128)
        step = max(-most, min(most, error))
        self._placed += step
        return _stretched(audio, step)

    def _flush(self) -> list[AudioChunk]:
        """All that waits, with its holes: its stream is over."""
        out: list[AudioChunk] = []
        for packet in self._waiting if self._placed is not None else []:
            start = packet.position + (self._placed or 0)
            if start + packet.length > self._frontier and start >= self._begun:
                out += self._missing_until(start)
                out += self._play(packet, start)
        self._forget_audio()
        return out

    def _heard(self, audio: Samples) -> AudioChunk:
        self.counts.heard_samples += len(audio)
        return self._chunk(audio, missing=False)

    def _missing_until(self, end: int) -> list[AudioChunk]:
        """What did not come, up to ``end``: the decoder's guess while the loss is short, missing audio after it."""
        out: list[AudioChunk] = []
        while self._frontier < end:
            n = end - self._frontier
            if self._concealable > 0:
                n = min(n, self._concealable, self._usual)
                self._concealable -= n
                self.counts.concealed += 1
                out.append(self._chunk(self._decoder.conceal(n), missing=False, concealed=True))
            else:
                n = min(n, _samples(self._settings.missing_max_s * 1000))
                self.counts.missing_samples += n
                out.append(self._chunk(np.zeros(n, np.float32), missing=True))
        return out

    def _chunk(self, audio: Samples, missing: bool, concealed: bool = False) -> AudioChunk:
        start = self._frontier - self._origin
        self._frontier += len(audio)
        return AudioChunk(
            self._session,
            self._speaker,
            start,
            audio,
            missing,
            uncertainty=self.uncertainty,
            hears_late=self.hears_late,
            concealed=concealed,
        )


def _samples(ms: float) -> int:
    return int(ms * SAMPLE_RATE_HZ / 1000)


@lru_cache(maxsize=512)
def _grid(n: int, step: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.linspace(0, n - 1, n + step), np.arange(n, dtype=np.float64)


def _stretched(audio: Samples, step: int) -> Samples:
    """The audio, ``step`` samples longer, with its first and last sample where they were."""
    to, at = _grid(len(audio), step)
    return on_steps(np.interp(to, at, audio))
