"""A real aiortc peer that speaks a known signal, and a lossy path to put between it and the gateway."""

from __future__ import annotations

import asyncio
import gc
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from benchmarks.impaired import Impairment, UdpPath, placeless
from gateway.media.clock import SessionClock
from gateway.media.partner import MediaSettings, PartnerMedia
from streaming.types import AudioChunk, Samples, Speaker

FRAME = 960  # 20 ms at 48 kHz
BEEP_EVERY_S = 0.5
BEEP_S = 0.1


class Beeps(MediaStreamTrack):
    """A 700 Hz beep of 100 ms every half second, each frame handed over when its last sample is due."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.began_s: float | None = None  # monotonic time of the first sample
        self.muted = False
        self._frames = 0

    async def recv(self) -> av.AudioFrame:
        if self.began_s is None:
            self.began_s = time.monotonic()
        n = self._frames
        self._frames += 1
        await asyncio.sleep(max(0.0, self.began_s + (n + 1) * 0.02 - time.monotonic()))
        if self.readyState != "live":
            raise MediaStreamError
        t = (np.arange(FRAME) + n * FRAME) / 48_000
        tone = np.sin(2 * np.pi * 700 * t) * 0.4 * (t % BEEP_EVERY_S < BEEP_S)
        frame = av.AudioFrame.from_ndarray((tone[None] * 32_767 * (not self.muted)).astype(np.int16), "s16", "mono")
        frame.sample_rate = 48_000
        frame.pts = n * FRAME
        frame.time_base = Fraction(1, 48_000)
        return frame


class Caller:
    """What a partner's browser does: offers, sends beeps, and listens to what it is sent."""

    def __init__(self) -> None:
        self.track = Beeps()
        self.heard: list[Samples] = []  # 48 kHz mono
        self._reading: asyncio.Task[None] | None = None
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.connection.addTrack(self.track)
        self.connection.on("track", self._on_track)

    async def offer(self) -> str:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return str(self.connection.localDescription.sdp)

    async def accept(self, answer: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def call(self, media: PartnerMedia) -> None:
        await self.accept(await media.connect(await self.offer()))
        await until(lambda: media.state == "connected")

    async def close(self) -> None:
        self.track.stop()
        await self.connection.close()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    def _on_track(self, track: MediaStreamTrack) -> None:
        self._reading = asyncio.create_task(self._read(track))

    async def _read(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            assert isinstance(frame, av.AudioFrame)
            stereo = frame.to_ndarray().reshape(-1, 2)
            self.heard.append(stereo.mean(axis=1).astype(np.float32) / 32_768)


class LossyPath(UdpPath):
    """``fate(n)`` is asked for the n-th media packet from the caller: None drops it, else it is that many seconds late.

    ``one_way_s`` delays all, both ways.
    """

    def __init__(self, fate: Callable[[int], float | None], one_way_s: float = 0.0) -> None:
        super().__init__(Impairment(one_way_ms=one_way_s * 1000), seed=0)
        self.media_packets = 0
        self._fate = fate
        self._up = self._next

    def _next(self, at_s: float) -> float | None:
        self.media_packets += 1
        return self._fate(self.media_packets - 1)


@asynccontextmanager
async def path(fate: Callable[[int], float | None], one_way_s: float = 0.0) -> AsyncIterator[LossyPath]:
    between = LossyPath(fate, one_way_s)
    try:
        yield between
    finally:
        between.close()


async def call_through(between: LossyPath, caller: Caller, media: PartnerMedia) -> None:
    offer = await caller.offer()
    await caller.accept(await between.open(await media.connect(placeless(offer))))
    await until(lambda: media.state == "connected")


async def until(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Wait for something that no event tells of."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@dataclass
class Machine:
    """Nothing in real time is measured better than this: ``late_s`` is by how much the machine was late at worst."""

    late_s: float = 0.0

    async def watch(self) -> None:
        while True:
            before_s = time.monotonic()
            await asyncio.sleep(0.01)
            self.late_s = max(self.late_s, time.monotonic() - before_s - 0.01)


async def practise(media: list[PartnerMedia], seconds: float) -> None:
    """The gateway's beat: poll every 20 ms."""
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        await asyncio.sleep(0.02)
        for partner in media:
            partner.poll()


def beep_starts(chunks: list[AudioChunk]) -> list[float]:
    """Session seconds at which beeps begin, from delivered audio; a beep that was under way at its start is none."""
    samples = np.concatenate([c.samples for c in chunks])
    loud = np.abs(samples) > 0.1
    starts = [i for i in np.flatnonzero(loud) if i >= 1600 and not loud[i - 1600 : i].any()]
    return [(chunks[0].start + i) / 16_000 for i in starts]


def beep_errors_s(chunks: list[AudioChunk], track: Beeps, clock: SessionClock) -> list[float]:
    """How much later than it was spoken each beep was placed."""
    assert track.began_s is not None
    zero_s = clock.zero / 16_000
    errors = []
    for start in beep_starts(chunks):
        since = start + zero_s - track.began_s
        errors.append(since - round(since / BEEP_EVERY_S) * BEEP_EVERY_S)
    return errors


def open_sockets() -> int:
    """UDP sockets of this process, to see that none is left behind."""
    return sum(
        connection.type == socket.SOCK_DGRAM and connection.family in (socket.AF_INET, socket.AF_INET6)
        for connection in _sockets()
    )


def _sockets() -> list[socket.socket]:
    return [held for held in gc.get_objects() if issubclass(type(held), socket.socket) and held.fileno() >= 0]


class Partner:
    """A partner's media with what it delivered."""

    def __init__(self, speaker: Speaker = Speaker.A, settings: MediaSettings | None = None) -> None:
        self.chunks: list[AudioChunk] = []
        self.states: list[str] = []
        self.media = PartnerMedia("s", speaker, self.chunks.append, settings)
        self.media.on_state = lambda: self.states.append(self.media.state)
        self.callers: list[Caller] = []

    async def call(self) -> Caller:
        caller = Caller()
        self.callers.append(caller)
        await caller.call(self.media)
        return caller

    async def close(self) -> None:
        await self.media.close()
        for caller in self.callers:
            await caller.close()
