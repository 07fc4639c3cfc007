"""Couples by the dozen against one gateway: real sockets, ICE, DTLS and SRTP, and speech encoded beforehand.

Encoding is left out because browsers do it on their own machines; what the couples hear is dropped
undecoded for the same reason. All that the gateway does is done.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
from aiortc.rtcrtpreceiver import RTCRtpReceiver
from aiortc.rtp import RtpPacket

from benchmarks.gateway_process import RunningGateway
from gateway.simulated import SimulatedPartner
from gateway.voice_track import FRAME, RATE_HZ, VoiceTrack
from streaming.errors import BreathmarkError
from streaming.types import Speaker

_FRAME_S = FRAME / RATE_HZ
_JOIN_S = 30.0  # a second or less on a machine with time


class PackedTrack(VoiceTrack):
    """Packets again and again, one each 20 ms; both tracks of a couple share ``epoch_s`` (loop time)."""

    def __init__(self, packets: Sequence[bytes], epoch_s: float) -> None:
        super().__init__(np.zeros(0, np.float32))
        self._packets = packets
        self._epoch_s = epoch_s
        self._next: int | None = None

    async def recv(self) -> av.Packet[Any]:  # type: ignore[override]  # aiortc's sender packs packets as they are
        loop = asyncio.get_running_loop()
        if self._next is None:
            self._next = int((loop.time() - self._epoch_s) / _FRAME_S) + 1
        await asyncio.sleep(max(0.0, self._epoch_s + self._next * _FRAME_S - loop.time()))
        packet = av.Packet(self._packets[self._next % len(self._packets)])
        packet.pts, packet.time_base = self._next * FRAME, Fraction(1, RATE_HZ)
        self._next += 1
        return packet


class CrowdPartner(SimulatedPartner):
    """One of many. ``delays_s``: of each cue, from the audio that decided it to the partner's socket."""

    def __init__(self, url: str, token: str, track: PackedTrack) -> None:
        super().__init__(url, token, np.zeros(0, np.float32))
        self._track = track
        self.began_unix: float | None = None
        self.delays_s: list[tuple[float, float]] = []  # wall clock at which it came, and how late

    async def _paint(self, line: dict[str, Any]) -> None:
        now = time.time()
        if self.began_unix is not None:
            self.delays_s.append((now, now - self.began_unix - line["start_s"]))
        await super()._paint(line)


@dataclass(frozen=True, slots=True)
class Couple:
    a: CrowdPartner
    b: CrowdPartner

    def delays_s(self, since_unix: float) -> list[float]:
        return [late for partner in (self.a, self.b) for at, late in partner.delays_s if at >= since_unix]


class Crowd:
    """Couples join one after the other and stay."""

    def __init__(self, running: RunningGateway, packets: Mapping[Speaker, Sequence[bytes]], stack: AsyncExitStack):
        self.couples: list[Couple] = []
        self._running = running
        self._packets = packets
        self._stack = stack

    async def grow(self, couples: int) -> None:
        """Until there are so many. Raises Refused where the gateway takes no more, BreathmarkError where it fails."""
        while len(self.couples) < couples:
            try:
                async with asyncio.timeout(_JOIN_S):
                    self.couples.append(await self._join())
            except TimeoutError as error:
                raise BreathmarkError(f"a couple did not practise within {_JOIN_S:g} s") from error

    async def _join(self) -> Couple:
        links = await self._running.new_session()
        # Each couple is elsewhere in its talk, or their overlaps would all come at once.
        epoch_s = asyncio.get_running_loop().time() - 7.3 * len(self.couples)
        partners = []
        for speaker, packets in self._packets.items():
            partner = CrowdPartner(self._running.socket_url, links[speaker.value], PackedTrack(packets, epoch_s))
            partners.append(await self._stack.enter_async_context(partner))
        for partner in partners:
            await partner.set_up(same_room=False)
            await partner.connect_media()
            await partner.consent(observer=False)
        a, b = partners
        await asyncio.gather(a.ready(), b.ready())
        a.began_unix = b.began_unix = await self._running.began_unix(links["a"])
        return Couple(a, b)


@asynccontextmanager
async def crowd(running: RunningGateway, packets: Mapping[Speaker, Sequence[bytes]]) -> AsyncIterator[Crowd]:
    """While it is open, nothing that this process receives is decoded."""
    usual = RTCRtpReceiver._handle_rtp_packet
    RTCRtpReceiver._handle_rtp_packet = _drop  # type: ignore[method-assign]
    try:
        async with AsyncExitStack() as stack:
            yield Crowd(running, packets, stack)
    finally:
        RTCRtpReceiver._handle_rtp_packet = usual  # type: ignore[method-assign]


async def _drop(self: RTCRtpReceiver, packet: RtpPacket, arrival_time_ms: int) -> None:
    return None
