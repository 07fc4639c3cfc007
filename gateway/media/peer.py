"""One WebRTC connection of one partner's browser, from its offer until it is replaced or lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Protocol

import structlog
from aiortc import (
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamTrack

from gateway.media.ice import IceSettings
from gateway.media.offer import complete_answer, opus_payload_type, screen_offer
from gateway.media.receiver import (
    Listener,
    bear_distance,
    bound_addresses,
    packets_within_reach,
    read_media_first,
    take_packets,
)
from gateway.media.relay import RelayTrack
from gateway.media.sender import PacketSender, sending_within_reach
from gateway.media.track import FrameListener, TrackReader
from streaming.errors import Refused

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PeerSettings:
    ice: IceSettings = field(default_factory=IceSettings)
    max_offer_bytes: int = 64 * 1024
    """Chromium's audio offer has 2 KiB, with many addresses 10 KiB."""
    max_candidates: int = 20
    """A laptop with several networks has a dozen. Whatever stands there is written to, at six times the offer's size
    with 64 of them: nobody is to use that against others."""
    max_addresses: int = 64
    """With those that show themselves later: a NAT that changes its mind, a network that is left for another."""
    relay_packets: int = 10
    """200 ms: a listener that far behind hears better by skipping."""
    close_s: float = 5.0
    """A farewell over a dead path may never end; the connection is forgotten then."""
    round_trip_every_s: float = 2.0
    """Browsers report about once a second to five."""


class PeerListener(Listener, FrameListener, Protocol):
    """Who hears packets, or frames where those are out of reach."""


class Peer:
    """Answers one offer; then packets go to the listener, and what is put on ``relay`` to the browser."""

    def __init__(self, listener: PeerListener, on_state: Callable[[], None], settings: PeerSettings) -> None:
        self.relay = RelayTrack(settings.relay_packets)
        self.round_trip_s: float | None = None
        self.candidates_dropped = 0
        self._settings = settings
        self._listener = listener
        self._tasks: set[asyncio.Task[None]] = set()
        self._payload_type: int | None = None
        servers = [
            RTCIceServer(urls=list(server.urls), username=server.username, credential=server.credential)
            for server in settings.ice.servers_at(time.time(), "gateway")
        ]
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        self._connection.on("connectionstatechange", on_state)
        transceiver = self._connection.addTransceiver(self.relay, direction="sendrecv")
        opus = [c for c in RTCRtpSender.getCapabilities("audio").codecs if c.mimeType.lower() == "audio/opus"]
        transceiver.setCodecPreferences(opus)
        self._sender = transceiver.sender
        self._receiver = transceiver.receiver
        self.direct = self._take(self._receiver)
        if self.direct and sending_within_reach(self._sender):
            self.relay.straight = PacketSender(self._sender, lambda: self._payload_type)
        bear_distance(transceiver.receiver)
        bound_addresses(transceiver.receiver, settings.max_addresses)

    async def answer(self, offer_sdp: str) -> str:
        """The one full answer, addresses included. Raises Refused("bad_offer")."""
        offer = screen_offer(
            offer_sdp, max_bytes=self._settings.max_offer_bytes, max_candidates=self._settings.max_candidates
        )
        self.candidates_dropped = offer.candidates_dropped
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
            await self._connection.setLocalDescription(await self._connection.createAnswer())
        except Exception as error:  # aiortc's parser asserts and indexes; whatever it raises, the offer is at fault
            log.info("offer_refused", error=repr(error))
            raise Refused(
                "bad_offer", "Your browser's call could not be read: it holds a line we can't use."
            ) from error
        if self.direct:
            read_media_first(self._receiver)
        sdp = complete_answer(self._connection.localDescription.sdp, offer)
        self._payload_type = opus_payload_type(sdp)
        self._spawn(self._watch_round_trip())
        return sdp

    @property
    def state(self) -> str:
        """aiortc's: new, connecting, connected, failed, closed."""
        return str(self._connection.connectionState)

    async def close(self) -> None:
        self.relay.stop()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            async with asyncio.timeout(self._settings.close_s):
                await self._connection.close()
        except TimeoutError:
            log.warning("connection_not_closed", after_s=self._settings.close_s)

    def _take(self, receiver: RTCRtpReceiver) -> bool:
        """Take packets as they arrive, or the public track where they are out of reach."""
        if packets_within_reach(receiver):
            take_packets(receiver, lambda: self._payload_type, self._listener)
            return True
        log.warning("packets_out_of_reach", way_out="install the aiortc that pyproject.toml pins")

        def on_track(track: MediaStreamTrack) -> None:
            self._spawn(TrackReader(track, self._listener).run())

        self._connection.on("track", on_track)
        return False

    async def _watch_round_trip(self) -> None:
        """The browser's receiver reports on what we relay tell how long a packet and its echo take."""
        while True:
            await asyncio.sleep(self._settings.round_trip_every_s)
            for report in (await self._sender.getStats()).values():
                round_trip_s = getattr(report, "roundTripTime", None)
                if round_trip_s is not None:
                    self.round_trip_s = max(0.0, float(round_trip_s))

    def _spawn(self, coroutine: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("peer_task_failed", error=repr(task.exception()))
