"""A gateway's messages to others, in two lanes: letters and sound. Sending never blocks; sound delays no letter."""

from __future__ import annotations

import asyncio

import structlog

from gateway.tasks import Tasks
from streaming.bus import Bus
from streaming.errors import BusUnavailable
from streaming.flow import Lane, Outbox

KEEP_LETTERS = 512  # a stream; a reader that far behind knocks anew
KEEP_SOUND = 100  # 2 s of packets: what is older is of no use live, and nobody should find it there
FORGET_SOUND_S = 120  # also where nobody is left to drop it
FLUSH_S = 1.0  # for the last letters of a gateway that ends

log = structlog.get_logger("gateway.neighbours.post")


class Post:
    """``letters`` between guests and homes, ``sound`` of every kind."""

    def __init__(self, bus: Bus) -> None:
        self.letters = Lane(bus, Outbox(bus, keep=KEEP_LETTERS, is_live=lambda _: False))
        self.sound = Lane(bus, Outbox(bus, keep=KEEP_SOUND, forget_s=FORGET_SOUND_S))
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
        """What is not needed any more should not lie on the bus."""
        try:
            for stream in streams:
                await self._bus.drop(stream)
        except BusUnavailable as error:  # it is forgotten by itself within the hour
            log.warning("streams are still on the bus", error=str(error))

    async def flush(self) -> None:
        """Waits until the letters have gone, but not for long."""
        try:
            async with asyncio.timeout(FLUSH_S):
                await self.letters.sent()
        except TimeoutError:
            log.warning("letters were left behind at the end")
