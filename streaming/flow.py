"""Queues between a live process and the bus: sending never blocks, reading goes on through any outage."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass

from streaming.bus import KEEP, START, Bus, Message
from streaming.errors import BusUnavailable


@dataclass(frozen=True, slots=True)
class FlowSettings:
    waiting_per_stream: int = 100  # 1 s of two partners' audio in pieces of 20 ms: older is not worth sending
    batch: int = 1000  # messages sent in one go; some 1.3 MB of audio
    first_retry_s: float = 0.05
    longest_retry_s: float = 0.5  # at most this long after the bus is back, audio flows again
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
        settings: FlowSettings = FlowSettings(),
        is_live: Callable[[bytes], bool] = lambda _: True,
    ) -> None:
        self.dropped = 0
        self._bus = bus
        self._keep = keep
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
        pause_s = self._settings.first_retry_s
        while True:
            await self._some.wait()
            sending = self._take()
            try:
                await self._bus.publish_all(sending, keep=self._keep)
            except BusUnavailable as error:
                self._put_back([m for i, m in enumerate(sending) if error.unsent is None or i in error.unsent])
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, self._settings.longest_retry_s)
            else:
                pause_s = self._settings.first_retry_s
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
        pause_s = self._settings.first_retry_s
        while True:
            if not self._positions:
                self._some.clear()
                await self._some.wait()
            asked = dict(self._positions)
            try:
                found = await self._bus.read(asked, wait_s=self._settings.read_wait_s, limit=self._settings.read_limit)
            except BusUnavailable:
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, self._settings.longest_retry_s)
                continue
            # A stream may have been unfollowed, or followed from elsewhere, while we waited.
            current = {stream for stream, position in asked.items() if self._positions.get(stream) == position}
            new = [message for message in found if message.stream in current]
            for message in new:
                self._positions[message.stream] = message.position
                self.missed += message.missed
            if new:
                return new
            pause_s = self._settings.first_retry_s
