"""What a worker has to say of a practice: into the timeline, then to the gateway; a state after all that led to it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from detectors.worker import Worker
from gateway.practice.exchange import Came, in_stream, lines_stream, pack_came, state_stream
from gateway.practice.holdings import Holdings
from gateway.practice.kept import Kept
from gateway.tasks import Tasks
from gateway.workers.metrics import WorkerMetrics
from streaming.bus import Bus
from streaming.errors import BusUnavailable, LeaseLost, StoreUnavailable
from streaming.timeline import Timeline
from streaming.types import Line

RETRY_S = 0.2  # while the store or the bus is away
SAY_S = 2.0  # a gateway hears of a living worker this often
MOST_UNWRITTEN = 2000  # lines: five minutes of one couple's. Beyond it the stream is not read any more

log = structlog.get_logger("gateway.workers.outgoing")


@dataclass(frozen=True, slots=True)
class Means:
    """What all practices of a worker share."""

    bus: Bus
    timeline: Timeline
    detectors: Worker
    metrics: WorkerMetrics
    mine: Holdings


class Outgoing:
    """Written in the order in which it was ``put``. ``still_here`` is called where there is nothing to say for long."""

    def __init__(self, session: str, means: Means, still_here: Callable[[], None]) -> None:
        self.finished = False  # the practice's last words were said
        self.lost = False  # not a word more from here
        self._session = session
        self._means = means
        self._still_here = still_here
        self._entries: deque[Came | Kept] = deque()
        self._some = asyncio.Event()
        self._ending = False
        self._tasks = Tasks()
        self._writing = self._tasks.spawn(self._write(), f"lines of {session}")

    @property
    def full(self) -> bool:
        return sum(len(came.lines) for came in self._entries if isinstance(came, Came)) > MOST_UNWRITTEN

    def put(self, entry: Came | Kept) -> None:
        self._entries.append(entry)
        self._some.set()

    async def end(self) -> None:
        """Returns once all is written, or never will be."""
        self._ending = True
        self._some.set()
        await asyncio.wait({self._writing})

    async def close(self) -> None:
        self.lost = True
        await self._tasks.close()

    async def _write(self) -> None:
        try:
            while not self.finished and (self._entries or not self._ending):
                if not self._entries:
                    await self._wait()
                elif isinstance(entry := self._entries[0], Kept):
                    await self._keep(entry)
                    self._entries.popleft()
                else:
                    await self._tell(entry)
        except LeaseLost:
            self.lost = True
        except Exception:
            self.lost = True  # whatever it is, somebody else may do better
            raise

    async def _wait(self) -> None:
        self._some.clear()
        try:
            async with asyncio.timeout(SAY_S):
                await self._some.wait()
        except TimeoutError:
            self._still_here()

    async def _keep(self, state: Kept) -> None:
        """The store refuses who has slept too long; here we have to look, for a newer state, and for the end."""
        while True:
            with suppress(BusUnavailable):
                await self._means.mine.check(self._session)
                if await self._means.bus.last(in_stream(self._session)) is not None:
                    await self._means.bus.publish(state_stream(self._session), state.packed(), keep=1)
                return
            await asyncio.sleep(RETRY_S)

    async def _tell(self, first: Came) -> None:
        """Sends everything that waits before the next state as one message."""
        waiting = []
        for entry in self._entries:
            if not isinstance(entry, Came) or entry.began_unix != first.began_unix:
                break
            waiting.append(entry)
        lines = [line for came in waiting for line in came.lines]
        await self._append(lines)
        last = waiting[-1]
        if last.closed:
            for stream in (in_stream(self._session), state_stream(self._session)):  # they hold sound
                await self._drop(stream)
        decided_ms = {cue: ms for came in waiting for cue, ms in came.decided_ms.items()}
        came = Came(first.began_unix, lines, decided_ms, last.silent, last.closed)
        await self._publish(lines_stream(self._session), pack_came(came))
        for _ in waiting:
            self._entries.popleft()
        self._means.metrics.count(lines)
        self.finished = last.closed

    async def _append(self, lines: list[Line]) -> None:
        """A store that is away is waited for: the lines are only here."""
        while True:
            try:
                return await self._means.timeline.append(lines, fence=self._means.mine.fence(self._session))
            except StoreUnavailable as error:
                self._means.metrics.store_failures.inc()
                log.error("lines wait for the store", session=self._session, waiting=len(lines), error=str(error))
            await asyncio.sleep(RETRY_S)

    async def _publish(self, stream: str, payload: bytes) -> None:
        while True:
            with suppress(BusUnavailable):
                await self._means.bus.publish(stream, payload)
                return
            await asyncio.sleep(RETRY_S)

    async def _drop(self, stream: str) -> None:
        try:
            await self._means.bus.drop(stream)
        except BusUnavailable as error:  # it is forgotten by itself within the hour
            log.error("sound of an ended practice is still on the bus", session=self._session, error=str(error))
