"""A gateway's messages to others, in two lanes: letters and sound. Sending never blocks; sound delays no letter."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias

import structlog

from gateway.tasks import Tasks
from streaming.bus import Bus
from streaming.flow import Inbox, Outbox

KEEP_LETTERS = 512  # a stream; a reader that far behind knocks anew
KEEP_SOUND = 100  # 2 s of packets: what is older is of no use live, and nobody should find it there
FLUSH_S = 1.0  # for the last letters of a gateway that ends

Taker: TypeAlias = Callable[[bytes], None]

log = structlog.get_logger("gateway.neighbours.post")


class Lane:
    """Streams that are sent and read together, on connections of their own."""

    def __init__(self, out: Outbox, inbox: Inbox) -> None:
        self._out = out
        self._in = inbox
        self._takers: dict[str, Taker] = {}

    @property
    def dropped(self) -> int:
        """Messages that were not sent, or were gone before they could be read."""
        return self._out.dropped + self._in.missed

    def send(self, stream: str, payload: bytes) -> None:
        self._out.offer(stream, payload)

    async def sent(self) -> None:
        await self._out.sent()

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
            both.create_task(self._out.run())
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


class Post:
    """``letters`` between guests and homes, ``sound`` of every kind."""

    def __init__(self, bus: Bus) -> None:
        self.letters = Lane(Outbox(bus, keep=KEEP_LETTERS, is_live=lambda _: False), Inbox(bus))
        self.sound = Lane(Outbox(bus, keep=KEEP_SOUND), Inbox(bus))
        self._bus = bus

    def run(self, tasks: Tasks) -> list[asyncio.Task[None]]:
        """Tasks that end only with the process."""
        return [tasks.spawn(self.letters.run(), "letters"), tasks.spawn(self.sound.run(), "sound")]

    @property
    def away(self) -> bool:
        """The bus does not answer just now: nobody's silence means anything."""
        return self._bus.degraded

    @property
    def dropped(self) -> int:
        return self.letters.dropped + self.sound.dropped

    async def forget(self, *streams: str) -> None:
        """Raises BusUnavailable."""
        for stream in streams:
            await self._bus.drop(stream)

    async def flush(self) -> None:
        """Waits until the letters have gone, but not for long."""
        try:
            async with asyncio.timeout(FLUSH_S):
                await self.letters.sent()
        except TimeoutError:
            log.warning("letters were left behind at the end")
