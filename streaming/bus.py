"""The bus: named streams of messages, each bounded, read by anybody from any place that is still kept.

Reading takes nothing away, so any stream is a broadcast, and whoever takes a session over reads again
from where its predecessor had saved its state. Delivery is at least once, in one order for all readers
of a stream. A position is ``MILLISECONDS-NUMBER``: when it was published, and a count within its stream,
so that a reader knows how many messages were dropped before it came to read them.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

START = "0-0"  # before the oldest message that is kept
KEEP = 2048  # messages a stream: 20 s of two partners' audio in pieces of 20 ms


@dataclass(frozen=True, slots=True)
class Message:
    """``missed`` messages stood between the reader's position and this one, dropped unread."""

    stream: str
    position: str
    payload: bytes
    missed: int = 0

    @property
    def published_unix_s(self) -> float:
        """By the bus's clock: how late a reader is, is its lag."""
        return parse(self.position)[0] / 1000


class Bus(Protocol):
    """All methods raise BusUnavailable while the bus is away, within about a second."""

    @property
    def degraded(self) -> bool:
        """The last thing asked of the bus failed."""

    async def publish(self, stream: str, payload: bytes, *, keep: int = KEEP) -> str:
        """Appends and returns the position. The stream holds its newest ``keep`` messages."""

    async def publish_all(self, messages: Sequence[tuple[str, bytes]], *, keep: int = KEEP) -> list[str]:
        """Many (stream, payload) at the cost of one. BusUnavailable says which of them to send again."""

    async def read(self, after: Mapping[str, str], *, wait_s: float = 0.1, limit: int = 256) -> list[Message]:
        """What came after each stream's position, oldest first, at most ``limit`` a stream.

        Waits up to ``wait_s`` (below 1) for the first one; then returns [].
        """

    async def last(self, stream: str) -> Message | None:
        """The newest message. A stream kept at one message is a value that lives on the bus."""

    async def drop(self, stream: str) -> None:
        """Forgets the stream. One that nobody publishes to is forgotten after an hour anyhow."""


def parse(position: str) -> tuple[int, int]:
    """(unix milliseconds, number within the stream); orders positions of one stream."""
    milliseconds, _, number = position.partition("-")
    return int(milliseconds), int(number)


def missed_between(position: str, later: str) -> int:
    """Messages between two positions. A number that went down means a stream that began anew."""
    number, later_number = parse(position)[1], parse(later)[1]
    return later_number - number - 1 if later_number > number else later_number - 1


class LocalBus:
    """The bus within one process."""

    def __init__(self) -> None:
        self.degraded = False  # never
        self._streams: dict[str, deque[Message]] = {}
        self._news = asyncio.Condition()

    async def publish(self, stream: str, payload: bytes, *, keep: int = KEEP) -> str:
        return (await self.publish_all([(stream, payload)], keep=keep))[0]

    async def publish_all(self, messages: Sequence[tuple[str, bytes]], *, keep: int = KEEP) -> list[str]:
        positions = [self._append(stream, payload, keep) for stream, payload in messages]
        async with self._news:
            self._news.notify_all()
        return positions

    def _append(self, stream: str, payload: bytes, keep: int) -> str:
        kept = self._streams.setdefault(stream, deque())
        milliseconds, number = parse(kept[-1].position) if kept else (0, 0)
        position = f"{max(milliseconds, int(time.time() * 1000))}-{number + 1}"
        kept.append(Message(stream, position, payload))
        while len(kept) > keep:
            kept.popleft()
        return position

    async def read(self, after: Mapping[str, str], *, wait_s: float = 0.1, limit: int = 256) -> list[Message]:
        found = self._found(after, limit)
        if found or wait_s <= 0:
            return found
        try:
            async with asyncio.timeout(wait_s), self._news:
                while not found:
                    await self._news.wait()
                    found = self._found(after, limit)
        except TimeoutError:
            return []
        return found

    def _found(self, after: Mapping[str, str], limit: int) -> list[Message]:
        found: list[Message] = []
        for stream, position in after.items():
            seen = parse(position)
            new = (message for message in self._streams.get(stream, ()) if parse(message.position) > seen)
            found += with_missed([message for message, _ in zip(new, range(limit), strict=False)], position)
        return found

    async def last(self, stream: str) -> Message | None:
        kept = self._streams.get(stream)
        return kept[-1] if kept else None

    async def drop(self, stream: str) -> None:
        self._streams.pop(stream, None)


def with_missed(messages: list[Message], after: str) -> list[Message]:
    """The first of a stream's new messages says how many were dropped before it; START expects none."""
    if messages and after != START and (missed := missed_between(after, messages[0].position)):
        first = messages[0]
        return [Message(first.stream, first.position, first.payload, missed), *messages[1:]]
    return messages
