"""One partner's audio for the life of a session, over any number of connections.

Before ``begin`` and after ``stop`` nothing is decoded: packets are forwarded to the other's ear, and their
timestamps align the clocks. In between every sample of session time is delivered once, in order, as
audio or as missing audio.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

import av
import structlog
from aiortc.rtp import RtpPacket

from gateway.media.clock import ClockSettings, SessionClock, machine_samples
from gateway.media.opus import OpusDecoder
from gateway.media.peer import Peer, PeerSettings
from gateway.media.placement import Placement, PlacementSettings
from gateway.media.rtp import Rtp
from gateway.media.together import afterwards
from gateway.media.track import PREFETCH_S
from gateway.rates import Rate
from streaming.types import SAMPLE_RATE_HZ, AudioChunk, Samples, Speaker

__all__ = ["MediaSettings", "MediaState", "MediaStats", "PartnerMedia", "PeerSettings"]

log = structlog.get_logger(__name__)

MediaState: TypeAlias = Literal["none", "connecting", "connected", "lost"]


@dataclass(frozen=True, slots=True)
class MediaSettings:
    peer: PeerSettings = field(default_factory=PeerSettings)
    placement: PlacementSettings = field(default_factory=PlacementSettings)
    clock: ClockSettings = field(default_factory=ClockSettings)
    connect_s: float = 15.0
    """ICE on a bad path takes a few seconds; after this the page may as well offer again."""
    silent_s: float = 2.0
    """A browser sends 50 packets a second, muted too; aiortc itself notices a dead path after 30 s only."""
    playout_ms: float = 40.0
    """What a browser's own playout buffer adds to what a partner hears late: Chromium's smallest target is 20 to 40."""
    packets_per_s: float = 500.0
    """Opus' shortest packets are 2.5 ms, 400 a second; whoever sends more than it can be speech is not heard faster."""
    burst_packets: int = 500
    """What a second without a network may bring at once."""
    fallback_wait_ms: float = 400.0
    """Bound on holes where the public track is read: aiortc's buffer alone keeps them up to 280 ms."""


@dataclass(frozen=True, slots=True)
class MediaStats:
    """Figures since the partner first connected. Counters only grow; the rest is how things stand."""

    packets: int
    lost: int
    late: int
    reordered: int
    duplicates: int
    recovered: int
    concealed: int
    undecodable: int
    disbelieved: int
    waits: int
    waited_s: float
    waited_max_s: float
    waited_within: tuple[int, ...]  # waits by gateway.media.placement.WAIT_BOUNDS_MS
    heard_s: float
    missing_s: float
    connections: int
    clock_restarts: int
    clock_steps: int
    relayed: int
    relay_dropped: int
    candidates_dropped: int
    jitter_ms: float
    uncertainty_ms: float
    hears_late_ms: float
    drift_ppm: float | None
    round_trip_ms: float | None


class Ear(Protocol):
    """Whoever hears a partner: Opus packets as they came, or frames where packets are out of reach.

    ``source`` tells streams apart, ``timestamp`` is the stream's own, ``at_s`` when it came here.
    """

    def forward(self, payload: bytes, source: int, timestamp: int, at_s: float) -> None: ...
    def forward_frame(self, frame: av.AudioFrame, source: int, at_s: float) -> None: ...


class Voice(Protocol):
    """Whose packets can be heard."""

    def add_ear(self, ear: Ear) -> None: ...
    def drop_ear(self, ear: Ear) -> None: ...


class PartnerMedia:
    """See the module. All methods belong to the event loop's thread; ``deliver`` is called on it, in order."""

    def __init__(
        self,
        session: str,
        speaker: Speaker,
        deliver: Callable[[AudioChunk], None],
        settings: MediaSettings | None = None,
    ) -> None:
        self.state: MediaState = "none"
        self.on_state: Callable[[], None] | None = None
        self._settings = settings or MediaSettings()
        self._deliver = deliver
        self._log = log.bind(session=session, speaker=speaker.value)
        self._placement = Placement(session, speaker, OpusDecoder(), self._settings.placement, self._settings.clock)
        self._peer: Peer | None = None
        self._gate: _Gate | None = None
        self._connecting = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False
        self._hears: Voice | None = None
        self._ears: set[Ear] = set()
        self._changed_s = 0.0  # when this connection began, or last sent something
        self._connections = 0
        self._past = _Past()
        self._rate = Rate(self._settings.packets_per_s, self._settings.burst_packets)

    async def connect(self, offer_sdp: str) -> str:
        """Answer a browser's offer; an earlier connection is replaced. Raises Refused("bad_offer").

        A bad offer leaves the earlier connection as it is.
        """
        async with self._connecting:
            gate = _Gate(self)
            peer = Peer(gate, gate.on_state, self._settings.peer)
            try:
                answer = await peer.answer(offer_sdp)
            except BaseException:
                await peer.close()
                raise
            self._replace(peer, gate)
            return answer

    def begin(self, clock: SessionClock, at: int) -> None:
        """From session sample ``at`` on audio is decoded, placed and delivered."""
        self._placement.begin(at, clock.zero)

    def stop(self) -> None:
        """Nothing is decoded or delivered any more, until the next ``begin``."""
        self._placement.stop()

    def poll(self) -> None:
        """What did not come in time becomes missing audio, connected or not. Call it every 20 ms."""
        now_s = time.monotonic()
        self._emit(self._placement.poll(machine_samples(now_s)))
        patience_s = {"connecting": self._settings.connect_s, "connected": self._settings.silent_s}.get(self.state)
        if patience_s is not None and now_s - self._changed_s > patience_s:
            self._enter("lost")
        self._update_hears_late()

    def hear(self, other: Voice | None) -> None:
        """Forward the other's packets to this partner from now on; None in one room, where both hear anyway."""
        if self._hears is not None:
            self._hears.drop_ear(self)
        self._hears = other
        if other is not None:
            other.add_ear(self)
        self._update_hears_late()

    def add_ear(self, ear: Ear) -> None:
        """What this partner says is forwarded there too."""
        self._ears.add(ear)

    def drop_ear(self, ear: Ear) -> None:
        self._ears.discard(ear)

    def forward(self, payload: bytes, source: int, timestamp: int, at_s: float) -> None:
        """An Opus packet for this partner's ear."""
        if self._peer is not None:
            self._peer.relay.forward(payload, source, timestamp, at_s)

    def forward_frame(self, frame: av.AudioFrame, source: int, at_s: float) -> None:
        """Decoded audio for this partner's ear; it is encoded again."""
        if self._peer is not None:
            self._peer.relay.forward_frame(frame, source, at_s)

    def stats(self) -> MediaStats:
        counts, clock = self._placement.counts, self._placement.clock
        relay = self._peer.relay if self._peer else None
        trip_s = self._peer.round_trip_s if self._peer else None
        return MediaStats(
            packets=counts.packets,
            lost=counts.lost,
            late=counts.late,
            reordered=counts.reordered,
            duplicates=counts.duplicates,
            recovered=counts.recovered,
            concealed=counts.concealed,
            undecodable=counts.undecodable,
            disbelieved=counts.disbelieved,
            waits=counts.waits,
            waited_s=counts.waited_samples / SAMPLE_RATE_HZ,
            waited_max_s=counts.waited_max_samples / SAMPLE_RATE_HZ,
            waited_within=tuple(counts.waited_within),
            heard_s=counts.heard_samples / SAMPLE_RATE_HZ,
            missing_s=counts.missing_samples / SAMPLE_RATE_HZ,
            connections=self._connections,
            clock_restarts=clock.restarts,
            clock_steps=clock.steps,
            relayed=self._past.relayed + (relay.forwarded if relay else 0),
            relay_dropped=self._past.relay_dropped + (relay.dropped if relay else 0),
            candidates_dropped=self._past.candidates_dropped + (self._peer.candidates_dropped if self._peer else 0),
            jitter_ms=clock.jitter / SAMPLE_RATE_HZ * 1000,
            uncertainty_ms=self._placement.uncertainty / SAMPLE_RATE_HZ * 1000,
            hears_late_ms=self._placement.hears_late / SAMPLE_RATE_HZ * 1000,
            drift_ppm=clock.drift_ppm,
            round_trip_ms=None if trip_s is None else trip_s * 1000,
        )

    async def close(self) -> None:
        """End the connection and everything that belongs to it; nothing is delivered after it."""
        self._closed = True
        self.stop()
        self.hear(None)
        self._ears.clear()
        async with self._connecting:
            if self._peer is not None:
                self._retire(self._peer)
            self._peer = self._gate = None
            await asyncio.gather(*self._closing, return_exceptions=True)
        self._enter("none")

    def _replace(self, peer: Peer, gate: _Gate) -> None:
        if self._closed:
            self._retire(peer)
            return
        if self._peer is not None:
            self._retire(self._peer)
        self._peer, self._gate = peer, gate
        self._connections += 1
        self._changed_s = time.monotonic()
        self._emit(self._placement.restart())
        self._placement.wait_ms = self._settings.placement.wait_ms if peer.direct else self._settings.fallback_wait_ms
        self._enter("connecting")

    def _retire(self, peer: Peer) -> None:
        """Close a connection in the background: the next one need not wait for its farewell."""
        self._past.relayed += peer.relay.forwarded
        self._past.relay_dropped += peer.relay.dropped
        self._past.candidates_dropped += peer.candidates_dropped
        task = asyncio.create_task(peer.close())
        self._closing.add(task)
        task.add_done_callback(self._retired)

    def _retired(self, task: asyncio.Task[None]) -> None:
        self._closing.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._log.error("connection_not_closed", error=repr(task.exception()))

    def _enter(self, state: MediaState) -> None:
        if state != self.state:
            self.state = state
            if self.on_state is not None:
                self.on_state()

    def _connection_changed(self) -> None:
        assert self._peer is not None
        state = self._peer.state
        if state == "connected" and self.state == "connecting":
            self._changed_s = time.monotonic()
            self._enter("connected")
        elif state in ("failed", "closed"):
            self._enter("lost")

    def _packet_came(self, packet: Rtp | RtpPacket) -> None:
        now_s = self._now_that_it_came()
        if now_s is None:
            return
        source = self._connections << 32 | packet.ssrc  # by connection too: two of them may use one SSRC
        for ear in self._ears:
            ear.forward(packet.payload, source, packet.timestamp, now_s)
        at = machine_samples(now_s)
        afterwards(self._place, packet.ssrc, packet.sequence_number, packet.timestamp, packet.payload, at)

    def _frame_came(self, frame: av.AudioFrame, audio: Samples, number: int) -> None:
        now_s = self._now_that_it_came()
        if now_s is None:
            return
        timestamp = (frame.pts or 0) % (1 << 32)  # an ear changes it
        for ear in self._ears:
            ear.forward_frame(frame, self._connections << 32, now_s)
        self._place(0, number % (1 << 16), timestamp, audio, machine_samples(now_s - PREFETCH_S))

    def _now_that_it_came(self) -> float | None:
        """Monotonic seconds; None where more comes than can be speech."""
        if not self._rate.take():
            self._placement.counts.disbelieved += 1
            return None
        now_s = self._changed_s = time.monotonic()
        if self.state == "lost":
            self._enter("connected")
        return now_s

    def _place(self, source: int, sequence: int, timestamp: int, payload: bytes | Samples, at: int) -> None:
        self._emit(self._placement.push(source, sequence, timestamp, payload, at))

    def _emit(self, chunks: list[AudioChunk]) -> None:
        for chunk in chunks:
            self._deliver(chunk)

    def _update_hears_late(self) -> None:
        """What the other said is heard a round trip of this partner's own path later, in session time.

        Session time is arrival here: down to this partner's ear, and what they say in answer back up.
        """
        trip_s = self._peer.round_trip_s if self._peer is not None and self._hears is not None else None
        late_s = 0.0 if trip_s is None else trip_s + self._settings.playout_ms / 1000
        self._placement.hears_late = round(late_s * SAMPLE_RATE_HZ)


@dataclass(slots=True)
class _Past:
    """Counters of connections that are over."""

    relayed: int = 0
    relay_dropped: int = 0
    candidates_dropped: int = 0


class _Gate:
    """Stands between a connection and its partner: what a replaced connection still brings is ignored."""

    def __init__(self, media: PartnerMedia) -> None:
        self._media = media

    def on_packet(self, packet: Rtp | RtpPacket) -> None:
        if self._media._gate is self:
            self._media._packet_came(packet)

    def on_frame(self, frame: av.AudioFrame, audio: Samples, number: int) -> None:
        if self._media._gate is self:
            self._media._frame_came(frame, audio, number)

    def on_report(self, source: int, timestamp: int, sender_time_s: float) -> None:
        if self._media._gate is self:
            self._media._placement.clock.report(source, timestamp, machine_samples(sender_time_s))

    def on_state(self) -> None:
        if self._media._gate is self:
            self._media._connection_changed()
