"""A partner's Opus packets on their way to the other's ear at another gateway: as they came, never decoded."""

from __future__ import annotations

import struct
import time

import av
import structlog

from gateway.media.partner import Ear
from gateway.neighbours.post import Post
from gateway.tasks import Tasks
from streaming.errors import BusUnavailable, UnusableInput

_HEAD = struct.Struct("<QI")  # source, RTP timestamp; then the Opus payload

log = structlog.get_logger("gateway.neighbours.voices")


def pack(payload: bytes, source: int, timestamp: int) -> bytes:
    return _HEAD.pack(source, timestamp) + payload


def unpack(packed: bytes) -> tuple[bytes, int, int]:
    """Payload, source, timestamp. Raises UnusableInput."""
    if len(packed) <= _HEAD.size:
        raise UnusableInput(f"{len(packed)} bytes hold no packet of a voice")
    source, timestamp = _HEAD.unpack_from(packed)
    return packed[_HEAD.size :], source, timestamp


class VoiceOut:
    """An ear that stands for one at another gateway."""

    def __init__(self, post: Post, stream: str) -> None:
        self._post = post
        self._stream = stream

    def forward(self, payload: bytes, source: int, timestamp: int, at_s: float) -> None:
        self._post.sound.send(self._stream, pack(payload, source, timestamp))

    def forward_frame(self, frame: av.AudioFrame, source: int, at_s: float) -> None:
        """Only packets go over the bus: 20 ms as a frame are fifty times as many bytes."""


class VoiceIn:
    """A voice that comes from another gateway. The bus is read only while somebody here hears it."""

    def __init__(self, post: Post, stream: str) -> None:
        self._post = post
        self._stream = stream
        self._ears: set[Ear] = set()
        self._tasks = Tasks()

    def add_ear(self, ear: Ear) -> None:
        if not self._ears:
            self._tasks.spawn(self._follow(), f"follow {self._stream}")
        self._ears.add(ear)

    def drop_ear(self, ear: Ear) -> None:
        self._ears.discard(ear)
        if not self._ears:
            self._post.sound.unfollow(self._stream, self._take)

    async def _follow(self) -> None:
        try:
            await self._post.sound.follow_from_now(self._stream, self._take)
        except BusUnavailable:
            if self._ears:
                self._post.sound.follow(self._stream, self._take)  # at worst two seconds too early, which the ear skips

    def _take(self, packed: bytes) -> None:
        payload, source, timestamp = unpack(packed)
        for ear in self._ears:
            ear.forward(payload, source, timestamp, time.monotonic())
