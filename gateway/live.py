"""All practices of one process: opened from the store, kept going, swept away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from coach.practice import Card
from gateway import again, rooms
from gateway.analyst import Tools
from gateway.analysts import Analysts, LocalAnalysts
from gateway.metrics import Metrics
from gateway.practice import Services
from gateway.registry import Link, NewSession, Record, Registry
from gateway.remote_analysts import RemoteAnalysts
from gateway.session import Session
from gateway.settings import GatewaySettings
from gateway.strain import Strain
from gateway.tasks import Tasks
from streaming.backbone import Backbone, open_backbone
from streaming.errors import BreathmarkError, Refused, StoreUnavailable
from streaming.timeline import Timeline, open_engine, sqlite_url

log = structlog.get_logger("gateway.live")


class Gateway:
    """Use as ``async with Gateway(settings) as gateway``; sessions that ran before go on."""

    registry: Registry
    timeline: Timeline
    backbone: Backbone

    def __init__(self, settings: GatewaySettings, *, unix_now: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self._unix_now = unix_now
        self._live: dict[str, Session] = {}
        self._opening = asyncio.Lock()
        self._strain = Strain()
        self._tasks = Tasks()
        self._stack = AsyncExitStack()
        self._detecting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.backbone = await self._stack.enter_async_context(open_backbone(self.settings.bus_url))
        engine = await open_store(self.settings)
        self._stack.push_async_callback(engine.dispose)
        self.registry = Registry(engine, self._unix_now)
        self.timeline = await self._stack.enter_async_context(Timeline(engine))
        tools = Tools(self.timeline, self.metrics)
        self._analysts = self._made_analysts(tools)
        self._services = Services(self.registry, tools, self._analysts, self.settings, self.backbone, self._unix_now)
        self._detecting = self._tasks.spawn(self._analysts.run(), "detectors")
        await self._go_on()
        every = self.settings
        self._tasks.spawn(self._polling(), "poll")
        self._tasks.spawn(self._each(every.catch_up_s, _pass_time), "time")
        self._tasks.spawn(self._saving(), "states")
        self._tasks.spawn(self._sweeping(), "sweep")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The sessions stay in the store, to be gone on with."""
        for session in self._live.values():
            await _guarded(session, session.practice.write_owed())
        await self._analysts.save()
        for session in self._live.values():
            await _guarded(session, session.close())
        await self._tasks.close()
        await self._stack.aclose()

    def _made_analysts(self, tools: Tools) -> Analysts:
        """Workers elsewhere where there is a bus to reach them by, else the detectors of this process."""
        if self.settings.bus_url is not None:
            return RemoteAnalysts(tools, self.backbone)
        local = LocalAnalysts(tools)
        self.metrics.watch_worker(local.counts)
        return local

    async def create(self, *, demo: bool = False, card: Card | None = None) -> NewSession:
        """Raises Refused ``server_full`` where those who practise already would suffer."""
        self._check_strain()
        neutral_s = 0.0 if demo else self.settings.coach.neutral_s
        new = await self.registry.create(demo, card, neutral_s=neutral_s)
        self.metrics.sessions_created.inc()
        log.info("session made", session=new.session, demo=demo)
        return new

    async def again(self, link: Link, token: str, device: str) -> NewSession:
        """The next practice of the two whose link it is. Raises Refused."""
        speaker = await again.owner(self.registry, link, token, device)
        self._check_strain()
        record = await self.record(link.session)
        new = await again.open_next(self.registry, record, speaker.value, self.settings.coach.neutral_s)
        await self._reread(record.session)
        return new

    async def forget_learnt(self, link: Link, token: str, device: str) -> None:
        """Either of the two takes back that what was learnt is kept: it is erased. Raises Refused."""
        speaker = await again.owner(self.registry, link, token, device)
        record = await again.newest(self.registry, await self.record(link.session))
        live = self._live.get(record.session)
        if live is not None and not live.room.ended:
            async with live.practice.order:
                await live.practice.change(rooms.carried(live.room, speaker, False))
        else:
            await self.registry.save(again.without_learnt(record, speaker))
            await self._reread(record.session)

    async def _reread(self, id: str) -> None:
        """An ended practice in memory shows what the store holds of it by now."""
        live = self._live.get(id)
        if live is not None and live.room.ended:
            live.practice.let_go(await self.registry.load(id))

    async def session(self, id: str) -> Session:
        """The session, from memory or the store. Raises Refused ``unknown_link`` or ``server_full``."""
        async with self._opening:
            if id in self._live:
                self._live[id].touched_s = time.monotonic()
                return self._live[id]
            record = await self.registry.load(id)
            if record.room.ended:
                return await Session.open(record, self._services)  # to say farewell; not kept
            if len(self._live) >= self.settings.max_live_sessions:
                raise Refused("server_full", "As many practices as this gateway can carry are running.")
            return await self._open(record)

    def in_memory(self, id: str) -> Session | None:
        return self._live.get(id)

    async def check(self) -> None:
        """Raises StoreUnavailable, Refused where this gateway cannot do its work."""
        if self._detecting is None or self._detecting.done():
            raise Refused("unexpected", "The detectors have stopped: restart the gateway.")
        await self.registry.check()

    async def record(self, id: str) -> Record:
        """The session as it stands, without opening it."""
        session = self._live.get(id)
        return session.record if session else await self.registry.load(id)

    async def sweep(self) -> None:
        """Ends practices that nobody came back to, forgets rooms that nobody uses."""
        now_s = time.monotonic()
        for session in list(self._live.values()):
            session.practice.microphones.count()
            await _guarded(session, session.practice.write_owed())
            if session.people:
                session.touched_s = now_s
            if session.ended_s is not None:
                if now_s - session.ended_s > self.settings.ended_kept_s and not session.practice.owes:
                    await self._forget(session)
            elif session.record.began_unix is None:
                if self._unix_now() - session.record.created_unix > self.settings.waiting_s:
                    await _guarded(session, session.end())
                elif now_s - session.touched_s > self.settings.ended_kept_s:
                    await self._forget(session)
            elif session.away_too_long(now_s):
                log.info("practice ended: nobody came back", session=session.id)
                await _guarded(session, session.end())
        expired = await self.registry.expire(self._unix_now() - self.settings.waiting_s, list(self._live))
        if expired:
            log.info("unused rooms expired", count=expired)

    async def _go_on(self) -> None:
        """What ran when the process ended goes on, unless everybody has been gone too long."""
        for record in await self.registry.running():
            if len(self._live) >= self.settings.max_live_sessions:
                log.error("more sessions ran before than may be live", session=record.session)
                break
            try:
                session = await self._open(record)
            except (BreathmarkError, ValueError) as error:
                log.error("a session could not be gone on with", session=record.session, error=str(error))
                continue
            log.info("session goes on after a restart", session=session.id, now_s=session.practice.view().now_s)

    async def _open(self, record: Record) -> Session:
        session = await Session.open(record, self._services)
        session.touched_s = session.practice.partners_left_s = time.monotonic()
        self._live[record.session] = session
        self.metrics.live_sessions.set(len(self._live))
        return session

    async def _forget(self, session: Session) -> None:
        del self._live[session.id]
        self.metrics.live_sessions.set(len(self._live))
        await _guarded(session, session.close())

    async def _saving(self) -> None:
        while True:
            await asyncio.sleep(self.settings.snapshot_s)
            await self._analysts.save()

    def _check_strain(self) -> None:
        if self._strain.full and self._live:  # an empty one has nobody to protect
            raise Refused("server_full", "This gateway has as much to do as it can do well.")

    async def _polling(self) -> None:
        """Each packet's time, all sessions. How late a round comes tells whether this process keeps up."""
        due_s = time.monotonic()
        while True:
            for session in list(self._live.values()):
                await _guarded(session, _poll(session))
            due_s = max(due_s + self.settings.poll_s, time.monotonic())
            await asyncio.sleep(max(0.001, due_s - time.monotonic()))
            now_s = time.monotonic()
            self._strain.note(now_s - due_s, now_s)
            self.metrics.loop_late_seconds.set(self._strain.late_s)

    async def _each(self, every_s: float, act: Callable[[Session], Awaitable[None]]) -> None:
        """One loop for all sessions; one session's error is its own."""
        while True:
            began_s = time.monotonic()
            for session in list(self._live.values()):
                await _guarded(session, act(session))
            await asyncio.sleep(max(0.001, began_s + every_s - time.monotonic()))

    async def _sweeping(self) -> None:
        while True:
            await asyncio.sleep(self.settings.sweep_s)
            try:
                await self.sweep()
            except StoreUnavailable as error:
                log.error("sweep failed", error=str(error))


async def open_store(settings: GatewaySettings) -> AsyncEngine:
    """The store, made where there is none. Raises StoreUnavailable in one line for a person."""
    if settings.store_url is None:
        try:
            # What couples say of themselves is nobody else's on this machine.
            settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(f"{settings.data}: cannot hold the data ({error.strerror})") from error
    return await open_engine(settings.store_url or sqlite_url(settings.data))


async def _poll(session: Session) -> None:
    """Audio that did not come in time is missing, a silent connection is lost."""
    session.practice.microphones.poll()


async def _pass_time(session: Session) -> None:
    session.practice.pass_time()


async def _guarded(session: Session, work: Awaitable[None]) -> None:
    try:
        await work
    except Exception as error:
        log.error("session failed", session=session.id, error=repr(error), exc_info=error)
