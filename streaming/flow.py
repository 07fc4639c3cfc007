"""Queues between a live process and the bus: sending never blocks, reading goes on through any outage."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import structlog

from streaming.bus import FORGET_S, KEEP, START, Bus, Message
from streaming.errors import BusUnavailable

Taker: TypeAlias = Callable[[bytes], None]

log = structlog.get_logger("streaming.flow")


@dataclass(frozen=True, slots=True)
class FlowSettings:
    waiting_per_stream: int = 100  # 1 s of two partners' audio in pieces of 20 ms: older is not worth sending
    batch: int = 1000  # messages sent in one go; some 1.3 MB of audio
    retry_s: float = 0.1  # while the bus is away; at most this long after it is back, audio flows again
    read_wait_s: float = 0.1  # a stream newly followed is read after at most this
    read_limit: int = 256  # messages a stream in one go


class Outbox:
    """Sends live audio. While the bus is away the newest is kept, the rest dropped and counted.

    Messages for which ``is_live`` is false keep their place in the stream, up to twice as many as may wait.
    """

    def __init__(
        self,
        bus: Bus,
        *,
        keep: int = KEEP,
        forget_s: int = FORGET_S,
        settings: FlowSettings = FlowSettings(),
        is_live: Callable[[bytes], bool] = lambda _: True,
    ) -> None:
        self.dropped = 0
        self._bus = bus
        self._keep, self._forget_s = keep, forget_s
        self._settings = settings
        self._is_live = is_live
        self._waiting: dict[str, deque[bytes]] = defaultdict(deque)
        self._sent = asyncio.Event()
        self._sent.set()
        self._some = asyncio.Event()

    def offer(self, stream: str, payload: bytes) -> None:
        """Never blocks. In order within a stream; a message may arrive twice where Redis was lost meanwhile."""
        waiting = self._waiting[stream]
        waiting.append(payload)
        self._bound(waiting)
        self._some.set()
        self._sent.clear()

    async def sent(self) -> None:
        """Returns once all that was offered is on the bus."""
        await self._sent.wait()

    async def run(self) -> None:
        """Sends for ever; owned and cancelled by the caller."""
        while True:
            await self._some.wait()
            sending = self._take()
            try:
                await self._bus.publish_all(sending, keep=self._keep, forget_s=self._forget_s)
            except BusUnavailable as error:
                self._put_back([m for i, m in enumerate(sending) if error.unsent is None or i in error.unsent])
                await asyncio.sleep(self._settings.retry_s)
                continue
            if not self._waiting:
                self._sent.set()

    def _take(self) -> list[tuple[str, bytes]]:
        taken: list[tuple[str, bytes]] = []
        for stream in [*self._waiting]:
            waiting = self._waiting[stream]
            while waiting and len(taken) < self._settings.batch:
                taken.append((stream, waiting.popleft()))
            if not waiting:
                del self._waiting[stream]
        if not self._waiting:
            self._some.clear()
        return taken

    def _put_back(self, sending: list[tuple[str, bytes]]) -> None:
        """In front of what was offered meanwhile, as far as there is room."""
        for stream, payload in reversed(sending):
            self._waiting[stream].appendleft(payload)
        for stream in {stream for stream, _ in sending}:
            self._bound(self._waiting[stream])
        self._some.set()

    def _bound(self, waiting: deque[bytes]) -> None:
        """Drops the oldest live audio; where there is none left to drop, whatever is oldest."""
        over = len(waiting) - self._settings.waiting_per_stream
        for _ in range(over):
            live = next((i for i, payload in enumerate(waiting) if self._is_live(payload)), None)
            if live is None and len(waiting) <= 2 * self._settings.waiting_per_stream:
                return
            del waiting[live or 0]
            self.dropped += 1


class Inbox:
    """Reads any number of streams, each from its own position, through any absence of the bus."""

    def __init__(self, bus: Bus, settings: FlowSettings = FlowSettings()) -> None:
        self.missed = 0  # messages that were dropped before they could be read
        self._bus = bus
        self._settings = settings
        self._positions: dict[str, str] = {}
        self._some = asyncio.Event()

    def follow(self, stream: str, after: str = START) -> None:
        self._positions[stream] = after
        self._some.set()

    async def follow_from_now(self, stream: str) -> None:
        """Raises BusUnavailable: what is new cannot be told while the bus is away."""
        last = await self._bus.last(stream)
        self.follow(stream, last.position if last else START)

    def unfollow(self, stream: str) -> None:
        self._positions.pop(stream, None)

    async def next(self) -> list[Message]:
        """Waits for the next messages of any stream; those of one stream are in order."""
        while True:
            if not self._positions:
                self._some.clear()
                await self._some.wait()
            asked = dict(self._positions)
            try:
                found = await self._bus.read(asked, wait_s=self._settings.read_wait_s, limit=self._settings.read_limit)
            except BusUnavailable:
                await asyncio.sleep(self._settings.retry_s)
                continue
            # A stream may have been unfollowed, or followed from elsewhere, while we waited.
            current = {stream for stream, position in asked.items() if self._positions.get(stream) == position}
            new = [message for message in found if message.stream in current]
            for message in new:
                self._positions[message.stream] = message.position
                self.missed += message.missed
            if new:
                return new


class Lane:
    """Streams that are sent and read together, on connections of their own."""

    def __init__(self, bus: Bus, out: Outbox) -> None:
        self.out = out
        self._in = Inbox(bus)
        self._takers: dict[str, Taker] = {}

    @property
    def dropped(self) -> int:
        """Messages that were not sent, or were gone before they could be read."""
        return self.out.dropped + self._in.missed

    def send(self, stream: str, payload: bytes) -> None:
        self.out.offer(stream, payload)

    async def sent(self) -> None:
        await self.out.sent()

    def follow(self, stream: str, take: Taker) -> None:
        """Hands out all that the stream still holds, and what comes."""
        self._takers[stream] = take
        self._in.follow(stream)

    async def follow_from_now(self, stream: str, take: Taker) -> None:
        """Raises BusUnavailable."""
        self._takers[stream] = take
        await self._in.follow_from_now(stream)
        if stream not in self._takers:  # unfollowed meanwhile
            self._in.unfollow(stream)

    def unfollow(self, stream: str, take: Taker) -> None:
        """Does nothing where another taker follows the stream by now: a guest who knocks again has the same streams."""
        if self._takers.get(stream) == take:
            del self._takers[stream]
            self._in.unfollow(stream)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self.out.run())
            both.create_task(self._read())

    async def _read(self) -> None:
        while True:
            for message in await self._in.next():
                take = self._takers.get(message.stream)
                if take is None:
                    continue
                try:
                    take(message.payload)
                except Exception as error:  # one bad message is nobody else's
                    log.error("message not understood", stream=message.stream, error=repr(error), exc_info=error)
