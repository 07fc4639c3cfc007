"""All practices of one process: opened from the store, kept going, swept away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from types import TracebackType
from typing import Self

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from coach.meaning import language
from coach.practice import Card
from gateway.metrics import Metrics
from gateway.neighbours.guest import Guest, Proof
from gateway.neighbours.neighbours import CLAIM, Neighbours
from gateway.practice import again, rooms
from gateway.practice.analyst import Tools
from gateway.practice.analysts import Analysts, LocalAnalysts
from gateway.practice.practice import Services
from gateway.practice.registry import Link, NewSession, Record, Registry
from gateway.practice.session import Session
from gateway.protocol import Phase
from gateway.rates import Rates
from gateway.settings import GatewaySettings
from gateway.strain import Strain
from gateway.tasks import Tasks
from gateway.words.models import OFF, find_model
from gateway.words.service import Words
from gateway.workers.remote_analysts import RemoteAnalysts
from streaming.backbone import Backbone, open_backbone
from streaming.errors import BreathmarkError, BusUnavailable, Refused, StoreUnavailable
from streaming.retention import forget_ended
from streaming.timeline import Timeline, open_engine, sqlite_url
from streaming.types import Speaker
from streaming.wire import seconds

_DAY_S = 86_400
_LOOK_S = 1.0  # how often what this process spends is looked at

log = structlog.get_logger("gateway.live")


class Gateway:
    """Use as ``async with Gateway(settings) as gateway``; sessions that ran before go on."""

    registry: Registry
    timeline: Timeline
    backbone: Backbone | None = None  # None: this gateway is all there is
    neighbours: Neighbours

    def __init__(self, settings: GatewaySettings, *, unix_now: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.metrics = Metrics()
        offers = settings.sockets.offers_per_minute
        self.offers = Rates(offers / 60, offers)  # of a link, over all its sockets
        self._unix_now = unix_now
        self._live: dict[str, Session] = {}
        self._opening = asyncio.Lock()
        self._leaving = False
        self._strain = Strain()
        self._tasks = Tasks()
        self._stack = AsyncExitStack()
        self._detecting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self.settings.bus_url is not None:
            self.backbone = await self._stack.enter_async_context(open_backbone(self.settings.bus_url))
        self._engine = await open_store(self.settings)
        self._stack.push_async_callback(self._engine.dispose)
        self.registry = Registry(self._engine, self._unix_now)
        self.timeline = await self._stack.enter_async_context(Timeline(self._engine))
        self.neighbours = Neighbours(self.backbone, self.registry, self.settings, self.metrics)
        tools = Tools(self.timeline, self.metrics, self.neighbours.fence_of)
        self._analysts = self._made_analysts(tools)
        self.words = self._made_words()
        self._services = Services(self.registry, tools, self._analysts, self.settings, self._unix_now, self.words)
        self._detecting = self._tasks.spawn(self._analysts.run(), "detectors")
        self.neighbours.run(self._tasks, self.drop, self._claim)
        await self._go_on()
        self._tasks.spawn(self._polling(), "poll")
        self._tasks.spawn(self._passing_time(), "time")
        self._tasks.spawn(self._saving(), "states")
        self._tasks.spawn(self._sweeping(), "sweep")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.hand_over()
        await self._tasks.close()
        await self._stack.aclose()

    async def hand_over(self) -> None:
        """The sessions stay in the store, to be gone on with: by another gateway at once, where there is one."""
        if self._leaving:
            return
        self._leaving = True
        for session in list(self._live.values()):
            with _on_its_own(session):
                await session.practice.write_owed()
        await self._analysts.save()
        for id in list(self._live):
            await self.drop(id)
        await self.neighbours.flush()

    def _made_words(self) -> Words | None:
        """The transcriber of this gateway, where it is to have one. Raises UnusableInput."""
        if self.settings.words == OFF:
            return None
        model = find_model(self.settings.words, self.settings.data / "models")
        words = Words(model, language(self.settings.words_language))
        self.metrics.watch_words(words)
        self._tasks.spawn(words.run(), "words")
        return words

    def _made_analysts(self, tools: Tools) -> Analysts:
        """Workers elsewhere where there is a bus to reach them by, else the detectors of this process."""
        if self.backbone is not None:
            return RemoteAnalysts(tools, self.backbone)
        local = LocalAnalysts(tools)
        self.metrics.watch_worker(local.counts)
        return local

    async def create(self, *, demo: bool = False, card: Card | None = None) -> NewSession:
        """Raises Refused ``server_full`` where those who practise already would suffer."""
        self._check_strain()
        neutral_s = 0.0 if demo else self.settings.coach.neutral_s
        new = await self.registry.create(demo, card, neutral_s=neutral_s)
        self._strain.let_in(new.session, time.monotonic())
        self.metrics.sessions_created.inc()
        log.info("session made", session=new.session, demo=demo)
        return new

    async def again(self, session: str, speaker: Speaker) -> NewSession:
        """The next practice of the two, for the one who asks. Raises Refused."""
        self._check_strain()
        record = await self.record(session)
        new = await again.open_next(self.registry, record, speaker.value, self.settings.coach.neutral_s)
        self._strain.let_in(new.session, time.monotonic())
        await self._changed(record.session)
        return new

    async def forget_learnt(self, session: str, speaker: Speaker) -> None:
        """Either of the two takes back that what was learnt is kept: it is erased."""
        after: str | None = session
        while after is not None:  # the other may begin their next practice at this very moment
            record = await again.newest(self.registry, await self.record(after))
            live = self._live.get(record.session)
            if live is not None and not live.room.ended:
                async with live.practice.order:
                    await live.practice.change(rooms.carried(live.room, speaker, False))
                return
            await self.registry.save(again.without_learnt(record, speaker))
            await self._changed(record.session, speaker)
            after = await self.registry.after(record.session)

    async def _changed(self, id: str, forget_by: Speaker | None = None) -> None:
        """An ended practice in memory, here or elsewhere, shows what the store holds of it by now."""
        live = self._live.get(id)
        if live is None:
            self.neighbours.changed(id, forget_by)
        elif live.room.ended:
            live.practice.let_go(await self.registry.load(id))

    async def session(self, id: str) -> Session | None:
        """The session, from memory or the store; None where another gateway is its home, or should be.

        Raises Refused ``unknown_link`` or ``server_full``, BusUnavailable where its home cannot be told.
        """
        async with self._opening:
            if self._leaving:
                raise BusUnavailable("this gateway is about to end")  # another one has the practice
            if id in self._live:
                self._live[id].touched_s = time.monotonic()
                return self._live[id]
            record = await self.registry.load(id)
            if record.room.ended:
                return await Session.open(record, self._services)  # to say farewell; not kept
            if self.full:
                if self.neighbours.alone:
                    raise Refused("server_full", "As many practices as Breathmark can carry are running.")
                await self.neighbours.homes.offer(id)  # another takes it, if it is not at home there already
                return None
            if not await self.neighbours.acquire(id):
                return None
            # The home before may have written to it since.
            return await self._open(record if self.neighbours.alone else await self.registry.load(id))

    def guest(self, link: Link, proof: Proof) -> Guest:
        """A place for somebody whose practice is not at home here."""
        return self.neighbours.guest(link, proof, full=self.full)

    @property
    def full(self) -> bool:
        """Room for no other practice; those that are here go on, and their people may come back."""
        return len(self._live) >= self.settings.max_live_sessions

    def in_memory(self, id: str) -> Session | None:
        return self._live.get(id)

    async def check(self) -> None:
        """Raises StoreUnavailable, Refused where this gateway cannot do its work."""
        if self._leaving:
            raise Refused("server_full", "Breathmark is about to stop.")
        if self._detecting is None or self._detecting.done():
            raise Refused("unexpected", "The detectors have stopped: Breathmark has to be started again.")
        self.neighbours.check()
        await self.registry.check()

    async def record(self, id: str) -> Record:
        """The session as it stands, without opening it."""
        session = self._live.get(id)
        return session.record if session else await self.registry.load(id)

    def stands(self, record: Record) -> tuple[Phase, float | None]:
        """Phase and session time of a session, wherever it is at home; None where its time does not run.

        What runs elsewhere is taken for practised while it has not ended: who is there is known to its home alone.
        """
        live = self._live.get(record.session)
        if live is not None:
            return live.room.phase, None if live.room.ended else seconds(live.practice.now)
        if record.room.ended or record.began_unix is None:
            return record.room.phase, None
        return "paused" if record.room.paused_by else "practising", self._unix_now() - record.began_unix

    async def sweep(self) -> None:
        """Ends practices that nobody came back to, forgets rooms that nobody uses."""
        now_s = time.monotonic()
        self.neighbours.count()
        for session in list(self._live.values()):
            with _on_its_own(session):
                await self._sweep(session, now_s)
        expired = await self.registry.expire(self._unix_now() - self.settings.waiting_s, list(self._live))
        if expired:
            log.info("unused rooms expired", count=expired)

    async def _sweep(self, session: Session, now_s: float) -> None:
        kept_s = self.settings.ended_kept_s
        session.practice.microphones.count()
        await session.practice.write_owed()
        if session.people:
            session.touched_s = now_s
        if session.ended_s is not None:
            if now_s - session.ended_s > kept_s and not session.practice.owes:
                await self.drop(session.id, over=True)
        elif session.record.began_unix is None:
            if self._unix_now() - session.record.created_unix > self.settings.waiting_s:
                await session.end()
            elif now_s - session.touched_s > kept_s:
                await self.drop(session.id, over=True)
        elif session.away_too_long(now_s):
            log.info("practice ended: nobody came back", session=session.id)
            await session.end()

    async def _go_on(self) -> None:
        """What ran when the process ended goes on, unless everybody has been gone too long."""
        if not self.neighbours.alone:
            await self._offer()
            return
        running, most = await self.registry.running(), self.settings.max_live_sessions
        async with self._opening:
            await self._take_in_all(running[:most])
        if len(running) > most:
            log.error("more sessions ran before than may be live")

    async def _offer(self) -> None:
        """Whatever runs should have a home. Where it has one, that changes nothing. Raises BusUnavailable."""
        for id in await self.registry.running():
            await self.neighbours.homes.offer(id)

    async def _claim(self) -> None:
        """Takes practices in that have no home, as far as there is room. Raises BusUnavailable."""
        async with self._opening:
            room = min(self.settings.max_live_sessions - len(self._live), self._strain.room, CLAIM)
            if room > 0 and not self._leaving:
                await self._take_in_all(await self.neighbours.homes.claim(room))

    async def _take_in_all(self, ids: list[str]) -> None:
        for id in ids:
            self._strain.let_in(id, time.monotonic())
            try:
                await self._take_in(id)
            except (BreathmarkError, ValueError) as error:
                log.error("a session could not be gone on with", session=id, error=str(error))
                await self.neighbours.release(id, over=isinstance(error, Refused))

    async def _take_in(self, id: str) -> None:
        record = await self.registry.load(id)
        if record.room.ended:
            raise Refused("session_ended", "This practice has ended.")
        session = await self._open(record)
        self.metrics.homes_taken.inc()
        log.info("session goes on here", session=id, now_s=session.practice.view().now_s)

    async def _open(self, record: Record) -> Session:
        """For a session that is at home here. Raises BusUnavailable, LeaseLost, StoreUnavailable."""
        await self.neighbours.hold(record.session)
        session = await Session.open(record, self._services)
        try:
            await self.neighbours.host(session)
        except BaseException:
            await session.close()
            raise
        session.touched_s = time.monotonic()
        session.practice.partners_left_s = session.touched_s - session.practice.gone_s
        self._live[record.session] = session
        self.metrics.live_sessions.set(len(self._live))
        if record.began_unix is not None and session.away_too_long(session.touched_s):
            log.info("practice ended: the gateway was away too long", session=session.id)
            await session.end()
        return session

    async def drop(self, id: str, *, over: bool = False) -> None:
        """Out of memory. Where it is not ``over`` for now, another gateway goes on with it, at once or already."""
        async with self._opening:
            session = self._live.pop(id, None)
            self.metrics.live_sessions.set(len(self._live))
            if session is None:
                return
            with _on_its_own(session):
                if over:
                    await session.close()
                    await self.neighbours.unhost(id, gone=False)
                else:
                    await self.neighbours.unhost(id, gone=True)
                    await session.close()
                await self.neighbours.release(id, over=over)

    async def _saving(self) -> None:
        while True:
            await asyncio.sleep(self.settings.snapshot_s)
            await self._analysts.save()

    def _check_strain(self) -> None:
        if self._live and self._strain.room < 1:  # an empty one has nobody to protect
            raise Refused("server_full", "Breathmark has as much to do as it can do well.")

    async def _polling(self) -> None:
        """Each packet's time, all sessions. How late a round comes tells whether this process keeps up."""
        every_s = self.settings.poll_s
        look_s = 0.0
        while True:
            for session in list(self._live.values()):
                with _on_its_own(session):
                    session.practice.microphones.poll()
            self.neighbours.poll()
            # At whole multiples, as the detectors tick: one wake-up serves both.
            due_s = (time.monotonic() // every_s + 1) * every_s
            await asyncio.sleep(due_s - time.monotonic())
            now_s = time.monotonic()
            self._strain.note(now_s - due_s, now_s)
            if now_s >= look_s:
                look_s = now_s + _LOOK_S
                self._look_at_strain(now_s)

    def _look_at_strain(self, now_s: float) -> None:
        phases = {session.id: session.room.phase for session in self._live.values() if session.people}
        self._strain.look(phases, time.process_time(), now_s)
        self.metrics.loop_late_seconds.set(self._strain.late_s)
        self.metrics.processor_share.set(self._strain.share)
        self.metrics.room_for_practices.set(self._strain.room)

    async def _passing_time(self) -> None:
        while True:
            for session in list(self._live.values()):
                with _on_its_own(session):
                    session.practice.pass_time()
            await asyncio.sleep(self.settings.catch_up_s)

    async def _sweeping(self) -> None:
        looked_s = time.monotonic()
        while True:
            await asyncio.sleep(self.settings.sweep_s)
            try:
                await self.sweep()
                if time.monotonic() - looked_s > self.settings.rarely_s:
                    looked_s = time.monotonic()
                    await self._look_through_the_store()
            except (StoreUnavailable, BusUnavailable) as error:
                log.error("sweep failed", error=str(error))

    async def _look_through_the_store(self) -> None:
        """Running practices that nobody holds any more; ended ones that were kept for long enough."""
        if not self.neighbours.alone:
            await self._offer()
        if self.settings.keep_days is not None:
            forgotten = await forget_ended(self._engine, self._unix_now() - self.settings.keep_days * _DAY_S)
            if forgotten:
                log.info("old practices forgotten", count=forgotten)


async def open_store(settings: GatewaySettings) -> AsyncEngine:
    """The store, made where there is none. Raises StoreUnavailable in one line for a person."""
    if settings.store_url is None:
        try:
            # What couples say of themselves is nobody else's on this machine.
            settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(f"{settings.data}: cannot hold the data ({error.strerror})") from error
    return await open_engine(settings.store_url or sqlite_url(settings.data))


@contextmanager
def _on_its_own(session: Session) -> Iterator[None]:
    """What goes wrong with one session is not the others'."""
    try:
        yield
    except Exception as error:
        log.error("session failed", session=session.id, error=repr(error), exc_info=error)
