"""The bus on Redis Streams: named streams of messages, each bounded, read by anybody from any place that is still kept.

Reading takes nothing away, so any stream is a broadcast, and whoever takes a session over reads again
from where its predecessor had saved its state: a lease says who reads a session, so there are no consumer groups.
Delivery is at least once, in one order for all readers of a stream. A position is ``MILLISECONDS-NUMBER``: when it
was published, and a count within its stream, so that a reader knows how many messages were dropped before it came.
"""

from __future__ import annotations

import asyncio
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from streaming.errors import BusUnavailable
from streaming.redis_client import RedisClient

START = "0-0"  # before the oldest message that is kept
KEEP = 2048  # messages a stream: 20 s of two partners' audio in pieces of 20 ms
FORGET_S = 3600  # a stream that nobody publishes to, or up to a minute sooner: its session is long over
LONGEST_WAIT_S = 0.5  # below the time after which a silent Redis counts as gone
CLUSTER_POLL_S = 0.01  # a cluster cannot wait on streams of several nodes at once
PARTITIONS = 32  # a cluster spreads these over its nodes; the streams of one are asked for in one go

# KEYS streams; ARGV: forget after ms, then bound and payload a stream. Every id is the time and the stream's own count.
# A stream's end is looked up once a call, and put off once a minute: commands are what a busy Redis spends its time on.
_PUBLISH = """
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
local ends = {}
local positions = {}
for i, key in ipairs(KEYS) do
  local last = ends[key]
  if not last then
    local entry = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
    local last_ms, last_number = string.match(entry and entry[1] or '0-0', '(%d+)-(%d+)')
    last = {tonumber(last_ms), tonumber(last_number)}
  end
  local at, number = math.max(ms, last[1]), last[2] + 1
  positions[i] = string.format('%.0f-%.0f', at, number)
  redis.call('XADD', key, 'MAXLEN', ARGV[2 * i], positions[i], 'p', ARGV[2 * i + 1])
  if math.floor(at / 60000) ~= math.floor(last[1] / 60000) then redis.call('PEXPIRE', key, ARGV[1]) end
  ends[key] = {at, number}
end
return positions
"""

# KEYS streams; ARGV: limit, then the position in each. Returns stream's index, position, payload, stream's index …
# A cluster's client would ask a node which words of each XREAD are keys; of a script it is told.
_READ = """
local found = {}
for i, key in ipairs(KEYS) do
  for _, entry in ipairs(redis.call('XRANGE', key, '(' .. ARGV[i + 1], '+', 'COUNT', ARGV[1])) do
    table.insert(found, i - 1)
    table.insert(found, entry[1])
    table.insert(found, entry[2][2])
  end
end
return found
"""


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


def parse(position: str) -> tuple[int, int]:
    """(unix milliseconds, number within the stream); orders positions of one stream."""
    milliseconds, _, number = position.partition("-")
    return int(milliseconds), int(number)


def missed_between(position: str, later: str) -> int:
    """Messages between two positions.

    A number that went down means a stream that began anew. What the one before held unread nobody knows: one at least.
    """
    number, later_number = parse(position)[1], parse(later)[1]
    return later_number - number - 1 if later_number > number else later_number


class Bus:
    """All methods raise BusUnavailable while the bus is away, within about a second."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    @property
    def degraded(self) -> bool:
        """The last thing asked of the bus failed."""
        return self._redis.degraded

    async def publish(self, stream: str, payload: bytes, *, keep: int = KEEP) -> str:
        """Appends and returns the position. The stream holds its newest ``keep`` messages."""
        return (await self.publish_all([(stream, payload)], keep=keep))[0]

    async def publish_all(
        self, messages: Sequence[tuple[str, bytes]], *, keep: int = KEEP, forget_s: int = FORGET_S
    ) -> list[str]:
        """Many (stream, payload) at the cost of one. BusUnavailable says which of them to send again."""
        groups = self._together([stream for stream, _ in messages])
        sent = [self._publish([messages[i] for i in group], keep, forget_s) for group in groups]
        answers = await asyncio.gather(*sent, return_exceptions=True)
        positions: dict[int, str] = {}
        for group, answer in zip(groups, answers, strict=True):
            if not isinstance(answer, BaseException):
                positions.update(zip(group, answer, strict=True))
        if failures := _failures(answers):
            raise BusUnavailable(str(failures[0]), frozenset(range(len(messages))) - positions.keys())
        return [positions[i] for i in range(len(messages))]

    async def _publish(self, messages: Sequence[tuple[str, bytes]], keep: int, forget_s: int) -> list[str]:
        keys = [_key(stream) for stream, _ in messages]
        bounds = [part for _, payload in messages for part in (keep, payload)]
        return [position.decode() for position in await self._redis.run(_PUBLISH, keys, [forget_s * 1000, *bounds])]

    async def read(self, after: Mapping[str, str], *, wait_s: float = 0.1, limit: int = 256) -> list[Message]:
        """What came after each stream's position, oldest first, at most ``limit`` a stream.

        Waits up to ``wait_s`` (half a second at most) for the first one; then returns [].
        """
        if not after:
            await asyncio.sleep(wait_s)
            return []
        wait_s = min(wait_s, LONGEST_WAIT_S)
        return await (self._read_cluster if self._redis.is_cluster else self._read)(after, wait_s, limit)

    async def _read(self, after: Mapping[str, str], wait_s: float, limit: int) -> list[Message]:
        names = {_key(stream).encode(): stream for stream in after}
        positions: dict[Any, Any] = {_key(stream): position for stream, position in after.items()}
        block_ms = max(1, round(wait_s * 1000)) if wait_s > 0 else None  # 0 would wait for ever
        found: Any = await self._redis.ask(self._redis.client.xread(positions, count=limit, block=block_ms))
        return [
            message
            for key, entries in found or ()
            for message in _with_missed(_messages(names[key], entries), after[names[key]])
        ]

    async def _read_cluster(self, after: Mapping[str, str], wait_s: float, limit: int) -> list[Message]:
        streams = [*after]
        groups = [[streams[i] for i in group] for group in self._together(streams)]
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        while True:
            asked = (self._read_group(group, after, limit) for group in groups)
            answers = await asyncio.gather(*asked, return_exceptions=True)
            failures = _failures(answers)
            found = [message for answer in answers if not isinstance(answer, BaseException) for message in answer]
            if found or (not failures and loop.time() >= until):
                return found  # what is there is not kept waiting by what is not
            if failures:
                raise failures[0]
            await asyncio.sleep(CLUSTER_POLL_S)

    async def _read_group(self, group: Sequence[str], after: Mapping[str, str], limit: int) -> list[Message]:
        keys = [_key(stream) for stream in group]
        flat = await self._redis.run(_READ, keys, [limit, *(after[stream] for stream in group)])
        messages: dict[str, list[Message]] = {stream: [] for stream in group}
        for index, position, payload in zip(flat[::3], flat[1::3], flat[2::3], strict=True):
            messages[group[index]].append(Message(group[index], position.decode(), payload))
        return [message for stream, own in messages.items() for message in _with_missed(own, after[stream])]

    async def last(self, stream: str) -> Message | None:
        """The newest message. A stream kept at one message is a value that lives on the bus."""
        entries: Any = await self._redis.ask(self._redis.client.xrevrange(_key(stream), count=1))
        return next(iter(_messages(stream, entries)), None)

    async def drop(self, stream: str) -> None:
        """Forgets the stream. One that nobody publishes to is forgotten after ``forget_s`` anyhow."""
        await self._redis.ask(self._redis.client.unlink(_key(stream)))

    def _together(self, streams: Sequence[str]) -> list[list[int]]:
        """Indices of the streams that one command may name: all of them, or those of a partition."""
        if not self._redis.is_cluster:
            return [[*range(len(streams))]] if streams else []
        groups: dict[int, list[int]] = defaultdict(list)
        for index, stream in enumerate(streams):
            groups[_partition(stream)].append(index)
        return [*groups.values()]


def _failures(answers: Sequence[object]) -> list[BusUnavailable]:
    """What part of the bus was away. Raises whatever else went wrong."""
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, BusUnavailable):
            raise answer
    return [answer for answer in answers if isinstance(answer, BusUnavailable)]


def _partition(stream: str) -> int:
    return zlib.crc32(stream.encode()) % PARTITIONS


def _key(stream: str) -> str:
    return f"breathmark:{{{_partition(stream)}}}:{stream}"


def _messages(stream: str, entries: Iterable[tuple[bytes, dict[bytes, Any]]]) -> list[Message]:
    return [Message(stream, position.decode(), fields[b"p"]) for position, fields in entries]


def _with_missed(messages: list[Message], after: str) -> list[Message]:
    """The first of a stream's new messages says how many were dropped before it; START expects none."""
    if messages and after != START and (missed := missed_between(after, messages[0].position)):
        return [replace(messages[0], missed=missed), *messages[1:]]
    return messages
