"""What one partner says, to the other's ear: Opus packets forwarded as they came, never decoded.

They leave as they come (``gateway.media.sender``). Where that is out of reach aiortc's sender reads the track: it packs
an ``av.Packet`` as it is, and encodes a frame where only that is to be had.
"""

from __future__ import annotations

import asyncio
from collections import deque
from fractions import Fraction
from typing import Any, TypeAlias

import av
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from gateway.media.clock import RTP_HZ
from gateway.media.sender import PacketSender

TIME_BASE = Fraction(1, RTP_HZ)

Relayed: TypeAlias = "av.Packet[Any] | av.AudioFrame"


class RelayTrack(MediaStreamTrack):
    """The track that one connection sends. Bounded: a listener that lags loses the oldest packets.

    Timestamps run on through changes of source (a reconnect of the speaker), by arrival there, so
    that the listener's jitter buffer sees one stream.
    """

    kind = "audio"

    def __init__(self, bound: int) -> None:
        super().__init__()
        self.straight: PacketSender | None = None  # out at once, past the queue
        self.forwarded = 0
        self.dropped = 0
        self._bound = bound
        self._queue: deque[Relayed] = deque()
        self._arrived = asyncio.Event()
        self._source: int | None = None  # which stream the timestamps below belong to
        self._last = (0, 0.0)  # RTP timestamp as sent, and when
        self._shift = 0

    def forward(self, payload: bytes, source: int, timestamp: int, at_s: float) -> None:
        """An Opus payload of stream ``source`` with that stream's 32-bit RTP timestamp, arrived at ``at_s``."""
        if self.readyState != "live":
            return
        sent_timestamp = self._sent_timestamp(source, timestamp, at_s)
        if self.straight is not None:
            sent = self.straight.send(payload, sent_timestamp)
            self.forwarded += sent
            self.dropped += not sent
            return
        packet = av.Packet(payload)
        packet.pts, packet.time_base = sent_timestamp, TIME_BASE
        self._put(packet)

    def forward_frame(self, frame: av.AudioFrame, source: int, at_s: float) -> None:
        """Decoded audio, where packets are out of reach; the sender encodes it again."""
        frame.pts = self._sent_timestamp(source, frame.pts or 0, at_s)
        frame.time_base = TIME_BASE
        self._put(frame)

    async def recv(self) -> Relayed:
        while not self._queue:
            if self.readyState != "live":
                raise MediaStreamError
            self._arrived.clear()
            await self._arrived.wait()
        self.forwarded += 1
        return self._queue.popleft()

    def stop(self) -> None:
        super().stop()
        self._queue.clear()
        self._arrived.set()

    def _put(self, item: Relayed) -> None:
        if self.readyState != "live":
            return
        if len(self._queue) >= self._bound:
            self._queue.popleft()
            self.dropped += 1
        self._queue.append(item)
        self._arrived.set()

    def _sent_timestamp(self, source: int, timestamp: int, at_s: float) -> int:
        last, last_s = self._last
        if source != self._source:
            elapsed = max(1, round((at_s - last_s) * RTP_HZ)) if self._source is not None else 0
            self._shift = last + elapsed - timestamp
            self._source = source
        near = timestamp + self._shift
        sent = last + (near - last + (1 << 31)) % (1 << 32) - (1 << 31)
        self._last = (max(last, sent), at_s)
        return max(0, sent)
