"""One process's part of the practices whose gateways are elsewhere: their detectors and their coach.

Any number of workers share the practices that are wanted. Each holds its part by leases; one that joins
is given some, one that leaves gives its own away, and those of one that is killed are taken by the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import time
from collections.abc import Coroutine
from dataclasses import dataclass

import structlog

from detectors.worker import Worker
from gateway.practice.exchange import in_stream, session_of
from gateway.practice.holdings import Holdings
from gateway.tasks import Tasks
from gateway.workers.held import Held
from gateway.workers.metrics import WorkerMetrics
from gateway.workers.outgoing import Means
from streaming.backbone import Backbone
from streaming.bus import Message
from streaming.errors import BusUnavailable
from streaming.leases import LeaseSettings
from streaming.timeline import Timeline
from streaming.types import Annotation

log = structlog.get_logger("gateway.workers.process")


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    tick_s: float = 0.02  # one packet: what came since is read at once and asked of the model at once
    read_limit: int = 1000  # messages a practice in one go: 10 s of both partners
    keep_s: float = 5.0  # at most so much is worked on again after a kill, in 50 ms; the stream holds 20 s
    forgotten_s: float = 20.0  # gateways say something every 3 s: by then nobody wants the practice any more
    pause_s: float = 0.2  # while the bus is away
    renew_s: float = LeaseSettings().renew_s
    goodbye_s: float = 5.0  # for giving everything away when asked to stop


class WorkerProcess:
    """Use as ``await WorkerProcess(…).run()``; ``stop`` makes it give everything away and return."""

    def __init__(
        self,
        backbone: Backbone,
        timeline: Timeline,
        metrics: WorkerMetrics,
        settings: WorkerSettings = WorkerSettings(),
    ) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        self._bus, self._leases = backbone.bus, backbone.leases
        self._mine = Holdings(backbone.leases)
        self._settings = settings
        self._metrics = metrics
        self._detectors = Worker(self._annotated, failed=self._failed, most_waiting=None)
        self._means = Means(self._bus, timeline, self._detectors, metrics, self._mine)
        self._held: dict[str, Held] = {}
        self._oldest_unix_s = 0.0  # when the oldest message of this round was published
        self._stopping = asyncio.Event()
        self._tasks = Tasks()
        metrics.watch_worker(self._detectors.counts)
        metrics.watch_bus(lambda: self._bus.degraded)

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        await self._detectors.warm()
        both = [
            self._tasks.spawn(self._working(), "detectors"),
            self._tasks.spawn(self._keeping_leases(), "leases"),
        ]
        stopped = asyncio.create_task(self._stopping.wait())
        try:
            done, _ = await asyncio.wait([*both, stopped], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # what stopped by itself failed
            both[1].cancel()
            await self._say_goodbye()
        finally:
            stopped.cancel()
            for held in list(self._held.values()):
                await held.drop()
            await self._tasks.close()

    # Practices come and go

    async def _keeping_leases(self) -> None:
        while True:
            began_s = time.monotonic()
            try:
                await self._round()
            except BusUnavailable as error:
                log.warning("leases wait for the bus", error=str(error))
            await asyncio.sleep(max(0.05, began_s + self._settings.renew_s - time.monotonic()))

    async def _round(self) -> None:
        members = await self._leases.beat(self.name)
        await self._renew()
        self._let_go()
        # A bus that has just lost its memory knows of none: what is held here is wanted.
        wanted = max(await self._leases.wanted(), len(self._mine.names))
        share = -(-wanted // len(members))
        self._metrics.share.set(share)
        self._metrics.sessions.set(len(self._held))
        staying = [held for held in self._held.values() if not held.going]
        for held in staying[share:]:
            self._spawn(held, self._give_away(held))
        await self._mine.claim(share - len(staying))
        for session in self._mine.names - self._held.keys():  # those of an earlier round, too, if the bus went away
            await self._take_on(session)

    async def _renew(self) -> None:
        """A bus that lost its memory has forgotten who holds what, and states: we go on, unless another has it."""
        renewed = await self._mine.renew()
        for lease in renewed.lost:
            if held := self._held.get(lease.name):
                held.out.lost = True
        for lease in renewed.again:
            log.info("a lease was forgotten and taken again", session=lease.name)
            self._metrics.revivals.inc()
            if held := self._held.get(lease.name):
                held.kept_s = 0.0

    def _let_go(self) -> None:
        """Practices that are over, were lost, or that nobody has spoken of for a while."""
        for held in list(self._held.values()):
            forgotten = time.monotonic() - held.touched_s > self._settings.forgotten_s
            if held.out.lost:
                self._metrics.lost.inc()
                log.warning("another worker has this practice now", session=held.session)
                self._spawn(held, self._drop(held))
            elif held.out.finished and not held.going:
                log.info("a practice is worked on to its end", session=held.session)
                self._spawn(held, self._drop(held, over=True))
            elif forgotten and not held.going:
                log.info("nobody asks for this practice any more", session=held.session)
                self._spawn(held, self._give_away(held, wanted=False))

    def _spawn(self, held: Held, work: Coroutine[None, None, None]) -> None:
        """Whatever waits for the store or the bus must not keep leases from being renewed."""
        held.going = True
        self._tasks.spawn(work, f"the last of {held.session}")

    async def _drop(self, held: Held, *, over: bool = False) -> None:
        """Where it is not over and still ours, something is wrong with it here: somebody else may do better."""
        with contextlib.suppress(BusUnavailable):  # it runs out, and is forgotten after a while
            await self._mine.release(held.session, over=over)
        if self._held.get(held.session) is held:
            del self._held[held.session]
            await held.drop()

    async def _give_away(self, held: Held, *, wanted: bool = True) -> None:
        """At a kept state, so that whoever takes it goes on at once."""
        held.going = True
        await held.give_away()
        del self._held[held.session]
        await self._mine.release(held.session, over=not wanted)
        self._metrics.releases.inc()
        log.info("a practice was given away", session=held.session)

    async def _take_on(self, session: str) -> None:
        held = Held(session, self._means)
        try:
            await held.restore()
        except BusUnavailable:
            await held.drop()
            raise
        self._held[session] = held
        self._metrics.claims.inc()
        self._metrics.sessions.set(len(self._held))
        log.info("a practice was taken on", session=session, after=held.position)

    async def _say_goodbye(self) -> None:
        try:
            async with asyncio.timeout(self._settings.goodbye_s):
                going = (self._give_away(held) for held in self._held.values() if not held.going)
                await asyncio.gather(*going)
                await self._leases.leave(self.name)
        except (TimeoutError, BusUnavailable) as error:
            log.error("not everything could be given away: others take it in two seconds", error=repr(error))

    # Their streams

    async def _working(self) -> None:
        while True:
            began_s = time.monotonic()
            try:
                await self._read()
            except BusUnavailable:
                await asyncio.sleep(self._settings.pause_s)
            await self._detectors.tick()
            self._metrics.lag_seconds.set(max(0.0, time.time() - self._oldest_unix_s))
            for held in list(self._held.values()):
                if time.monotonic() - held.kept_s > self._settings.keep_s:
                    await held.keep()
            await asyncio.sleep(max(0.001, began_s + self._settings.tick_s - time.monotonic()))

    async def _read(self) -> None:
        self._oldest_unix_s = time.time()
        places = {in_stream(session): held.position for session, held in self._held.items() if held.reads}
        if not places:
            return
        found = await self._bus.read(places, wait_s=0, limit=self._settings.read_limit)
        batches: dict[str, list[Message]] = {}
        for message in found:
            batches.setdefault(session_of(message.stream), []).append(message)
        for session, messages in batches.items():
            held = self._held.get(session)
            if held is None or held.position != places[in_stream(session)]:
                continue
            try:
                await held.work(messages)
            except Exception as error:  # one practice's failure is its own
                log.error("a practice could not be worked on", session=session, error=repr(error), exc_info=error)
                held.out.lost = True
        self._oldest_unix_s = min((messages[0].published_unix_s for messages in batches.values()), default=time.time())

    async def _annotated(self, session: str, annotations: list[Annotation], now: int) -> None:
        if held := self._held.get(session):
            held.annotated(annotations, now)

    def _failed(self, session: str, error: Exception) -> None:
        log.error("detectors failed", session=session, error=repr(error), exc_info=error)
        if held := self._held.get(session):
            held.failed()
