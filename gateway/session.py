"""A live practice: the people in its room, their audio, and what they are shown.

All that changes the room runs one after the other, and is on disk before anybody is told of it. What
stops the analysis takes effect first and is written then.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, assert_never

import structlog

from coach.policy import Coach
from coach.practice import for_card
from coach.settings import CoachSettings
from detectors.pipeline import Pipeline
from gateway import rooms, time_outs
from gateway.acknowledgements import Acknowledgements
from gateway.analysis import Analysis, Tools, restore
from gateway.audience import Audience
from gateway.clock import SessionClock
from gateway.ledger import WRITE_S, Ledger
from gateway.media import MediaSettings
from gateway.microphones import Microphones
from gateway.outbox import Outbox
from gateway.protocol import (
    ClientMessage,
    Consent,
    CuesWanted,
    Dismiss,
    End,
    Ended,
    FloorAct,
    Hello,
    Offer,
    Painted,
    Pause,
    Ping,
    Pong,
    Resume,
    RoomChanged,
    RoomView,
    Setup,
    TakeTimeOut,
    Welcome,
    WireLine,
)
from gateway.refusals import refused_message
from gateway.registry import Record, Registry
from gateway.rooms import Room
from gateway.settings import GatewaySettings
from gateway.tasks import Tasks
from streaming.errors import Refused, StoreUnavailable
from streaming.types import Annotation, AudioChunk, Cue, Happening, Line, Speaker
from streaming.wire import seconds

Act: TypeAlias = Consent | Setup | Pause | TakeTimeOut | Resume | FloorAct | CuesWanted | End
CLOSE_S = 10.0  # what a connection or the last detector work may take at the end

log = structlog.get_logger("gateway.session")


@dataclass(frozen=True, slots=True)
class Services:
    """What every session of a gateway stands on."""

    registry: Registry
    tools: Tools
    settings: GatewaySettings
    unix_now: Callable[[], float] = time.time


class Session:
    """One practice in memory. ``join`` gives somebody a seat, ``handle`` takes what they say."""

    def __init__(self, record: Record, services: Services) -> None:
        tools, settings = services.tools, services.settings
        self.room: Room = record.room
        self.touched_s = time.monotonic()  # when anybody was last here
        self.partners_left_s = self.touched_s  # when the last partner left
        self.ended_s: float | None = None
        self._left_at = 0  # session time at which the room was last left empty
        self._services = services
        self._ledger = Ledger(record, services.registry, tools, services.unix_now)
        self._analysis: Analysis | None = None
        self._audience = Audience(record.session, tools.timeline, tools.metrics, settings.sockets.batch_lines)
        self._acknowledgements = Acknowledgements(record.session, tools.metrics)
        self._order = asyncio.Lock()
        self._tasks = Tasks()
        self._microphones = Microphones(
            record.session, self._heard, self._media_state, MediaSettings(peer=settings.peer), tools.metrics
        )

    @classmethod
    async def open(cls, record: Record, services: Services) -> Session:
        """From the store; where the practice had begun it goes on in its own session time."""
        session = cls(record, services)
        if record.began_unix is not None and not record.room.ended:
            clock = SessionClock(record.began_unix)
            session._analysis = await restore(
                record.session, clock, session._microphones.sources, services.tools, session._show, session._policy
            )
            stored = await services.tools.timeline.read(record.session)
            lines = [entry.line for entry in stored]
            session._acknowledgements.shown(line for line in lines if isinstance(line, Cue))
            session._left_at = max((_told_at(line) for line in lines), default=0)
            session._microphones.hear_each_other(session.room.audible)
            await session._change(rooms.silenced(session.room), fact=True, at=session._left_at)
            services.tools.metrics.sessions_restored.inc()
        return session

    @property
    def record(self) -> Record:
        return self._ledger.record

    @property
    def id(self) -> str:
        return self.record.session

    @property
    def now(self) -> int:
        """Session time; 0 until the practice begins."""
        return self._analysis.clock.now() if self._analysis else 0

    @property
    def people(self) -> int:
        return len(self._audience.everybody)

    @property
    def _policy(self) -> CoachSettings:
        """The gateway's coach settings, with the emphasis of the card that is practised."""
        settings = self._services.settings.coach
        return for_card(self.room.card, settings) if self.room.card else settings

    def view(self, room: Room | None = None) -> RoomView:
        room = room or self.room
        return rooms.view(
            room,
            seconds(self.now),
            self._services.unix_now(),
            observer_waiting=bool(self._audience.watchers) and not room.watchable,
            cues_silent=self._analysis is not None and self._analysis.coach.fallen_silent,
            ice_servers=self._services.settings.browser_ice_servers,
        )

    def away_too_long(self, now_s: float) -> bool:
        """Both partners have been gone for longer than anybody would who comes back; a time-out is waited for."""
        if not self.room.empty or now_s - self.partners_left_s <= self._services.settings.idle_s:
            return False
        out = self.room.time_out
        return out is None or not out.running(self._services.unix_now() - self._services.settings.idle_s)

    # People

    async def join(self, seat: Outbox, name: str = "") -> None:
        """Gives a partner or an observer a seat and welcomes them. Raises Refused ``room_full``."""
        await self._tasks.whole(self._join(seat, name), "join")

    async def _join(self, seat: Outbox, name: str) -> None:
        async with self._order:
            if self.room.ended:
                self._farewell(seat)
            elif seat.role == "observer":
                await self._join_watcher(seat)
            else:
                await self._join_partner(Speaker(seat.role), seat, name)

    async def _join_partner(self, speaker: Speaker, seat: Outbox, name: str) -> None:
        before = self._audience.seats.get(speaker)
        if before is not None:
            before.close(refused_message(Refused("taken_over", "The practice was opened in another window.")))
        self._audience.seats[speaker] = seat
        after = rooms.joined(self.room, speaker, name)
        self._welcome(seat, self.view(after))
        try:
            await self._change(after, fact=True)
        except StoreUnavailable:  # the practice would begin, and that has to be on disk first
            del self._audience.seats[speaker]
            raise

    async def _join_watcher(self, seat: Outbox) -> None:
        if len(self._audience.watchers) >= self._services.settings.max_observers:
            raise Refused("room_full", "As many observers as may be are here already.")
        history = await self._audience.history() if self.room.watchable else []
        self._audience.watchers.add(seat)
        self._welcome(seat, self.view(), history)
        await self._change(rooms.watched_by(self.room, len(self._audience.watchers)), fact=True)

    async def leave(self, seat: Outbox) -> None:
        await self._tasks.whole(self._leave(seat), "leave")

    async def _leave(self, seat: Outbox) -> None:
        async with self._order:
            seat.close()
            if seat in self._audience.watchers:
                self._audience.watchers.discard(seat)
                await self._change(rooms.watched_by(self.room, len(self._audience.watchers)), fact=True)
            elif seat.role in ("a", "b") and self._audience.seats.get(Speaker(seat.role)) is seat:
                del self._audience.seats[Speaker(seat.role)]
                await self._change(rooms.left(self.room, Speaker(seat.role)), fact=True)

    async def handle(self, seat: Outbox, message: ClientMessage) -> None:
        """What somebody with a seat says. Raises Refused, StoreUnavailable."""
        if isinstance(message, Ping):
            seat.offer(Pong(t=message.t, now_s=seconds(self.now)))
            return
        if isinstance(message, Hello):
            raise Refused("bad_message", "Hello was said already.")
        if seat.role not in ("a", "b"):
            raise Refused("not_a_partner", "An observer watches, and changes nothing.")
        speaker = Speaker(seat.role)
        if self._audience.seats.get(speaker) is not seat:
            return  # another window took over; its refusal is on the way
        if isinstance(message, Painted | Dismiss):
            await self._tasks.whole(self._acknowledge(speaker, message), "acknowledge")
            return
        if self.room.ended:
            raise Refused("session_ended", "This practice has ended.")
        if isinstance(message, Offer):
            self._tasks.spawn(self._microphones.connect(speaker, seat, message.sdp), f"offer of {speaker} in {self.id}")
            return
        # A browser that goes right after it said something must not leave half of it done.
        await self._tasks.whole(self._act(speaker, message), message.type)

    async def _act(self, speaker: Speaker, message: Act) -> None:
        async with self._order:
            room = self.room
            match message:
                case Consent():
                    await self._change(rooms.consented(room, speaker, message.practice, message.observer))
                case Setup():
                    await self._change(rooms.set_up(room, speaker, message.same_room, message.name))
                case Pause():
                    if room.phase not in ("practising", "paused"):
                        raise Refused("not_now", "There is nothing to pause just now.")
                    await self._change(rooms.paused(room, speaker))
                case TakeTimeOut():
                    if room.phase not in ("practising", "paused"):
                        raise Refused("not_now", "There is nothing to pause just now.")
                    now_unix = self._services.unix_now()
                    await self._change(rooms.took_time_out(room, time_outs.asked(message, speaker, now_unix), now_unix))
                case FloorAct():
                    await self._change(rooms.took_turn(room, speaker, message.act))
                case CuesWanted():
                    await self._want_cues(speaker)
                case Resume():
                    await self._change(rooms.resumed(room))
                case End():
                    await self._end(speaker)
                case _:
                    assert_never(message)

    async def _want_cues(self, speaker: Speaker) -> None:
        """The coach has fallen silent, and a partner would like it to speak again."""
        if self._analysis is None or not self._analysis.coach.fallen_silent:
            return
        wanted = self._ledger.happening("cues_wanted", self.now, speaker)
        await self._services.tools.append([wanted], WRITE_S)
        self._show([wanted])
        await self._analysis.happened([wanted])
        self._audience.tell(RoomChanged(room=self.view()))

    async def end(self, by: Speaker | None = None) -> None:
        """Over for both. ``by`` None: nobody came back in time."""
        async with self._order:
            await self._end(by)

    async def _end(self, by: Speaker | None) -> None:
        if self.room.ended:
            return
        if self._analysis is not None:
            try:
                async with asyncio.timeout(CLOSE_S):
                    await self._analysis.close()  # what the detectors still have to say comes before the end
            except TimeoutError:
                log.error("the detectors did not finish in time", session=self.id)
        # Where nobody came back, it was over when the last of them left.
        at = self._left_at if by is None and self.room.empty else None
        await self._change(rooms.ended(self.room, by), fact=True, at=at)
        self.ended_s = time.monotonic()
        self._services.tools.metrics.sessions_ended.labels("idle" if by is None else "asked").inc()
        for seat in self._audience.everybody:
            if self.record.began_unix is None:
                seat.close(refused_message(Refused("session_ended", "This practice was over before it began.")))
            else:
                seat.offer(Ended(report=self._report_for(seat)))
        self._tasks.spawn(self._microphones.close(), f"microphones of {self.id}")

    def _report_for(self, seat: Outbox) -> str | None:
        return self.record.report if seat.role != "observer" or self.room.watchable else None

    def _farewell(self, seat: Outbox) -> None:
        """Somebody comes back to a practice that is over: all that is left is the report."""
        self._welcome(seat, self.view())
        seat.close(Ended(report=self._report_for(seat)))

    def _welcome(self, seat: Outbox, room: RoomView, history: Sequence[WireLine] = ()) -> None:
        seat.offer(Welcome(role=seat.role, session=self.id, demo=self.record.demo, room=room, lines=tuple(history)))

    # The room

    async def _change(self, after: Room, *, fact: bool = False, at: int | None = None) -> None:
        """From one room to the next: written, then true, then told.

        A ``fact`` (somebody came or went), and whatever stops the analysis or the watching, is true even
        while the store cannot take it: it is written as soon as it can. All else raises StoreUnavailable.
        """
        before = self.room
        if after == before:
            return
        starts = after.analysing and not before.analysing
        stops = (before.analysing and not after.analysing) or (before.watchable and not after.watchable)
        fact = (fact or stops) and not starts
        if stops and not after.ended:  # before an end the analysis was closed, and had its last words
            self._become(after)
        record = self._ledger.entry(before, after)
        clock = self._analysis.clock if self._analysis else None
        if clock is None and record.began_unix is not None:
            clock = SessionClock(record.began_unix)
        if at is None:
            at = clock.now() if clock and before.began else 0  # the beginning itself is sample 0
        news = self._ledger.happenings(before, after, at)
        # Made before it is written that the practice began: what cannot be made must not have begun.
        pipeline, coach = (None, None)
        if clock and self._analysis is None:
            pipeline, coach = Pipeline(self.id), Coach(self.id, self._policy)
        await self._ledger.write(news, record, fact=fact)
        if clock and pipeline and coach:
            sources = self._microphones.sources
            self._analysis = Analysis(clock, pipeline, coach, sources, self._services.tools, self._show)
        self._become(after)
        await self._apply(before, news)

    def _become(self, room: Room) -> None:
        """What stops, stops here, before anything is awaited."""
        if self._analysis is not None and not room.analysing:
            self._analysis.switch(False)
        if self.room.watchable and not room.watchable:
            self._audience.stop_watching()
        self.room = room

    @property
    def owes(self) -> bool:
        """Something is still to be written."""
        return self._ledger.owes or (self._analysis is not None and self._analysis.owes)

    async def write_owed(self) -> None:
        """Tries again what the store could not take."""
        if self._analysis is not None:
            await self._analysis.write_owed()
        async with self._order:
            await self._ledger.write_owed()

    async def _apply(self, before: Room, news: list[Happening]) -> None:
        """The new room is true: let audio, observers and everybody's page follow."""
        after = self.room
        if after.empty and not before.empty:
            self.partners_left_s, self._left_at = time.monotonic(), self.now
        if after.audible != before.audible:
            self._microphones.hear_each_other(after.audible)
        if self._analysis is not None:
            self._analysis.switch(after.analysing)
        self._audience.tell(RoomChanged(room=self.view()))
        if after.watchable and not before.watchable:
            await self._audience.catch_up()
        else:
            self._show(news)
        if self._analysis is not None:
            await self._analysis.happened(news)

    # What is shown

    def _show(self, lines: Sequence[Line]) -> None:
        self._acknowledgements.shown(line for line in lines if isinstance(line, Cue))
        self._audience.show(lines, self.room)
        if any(isinstance(line, Happening) and line.kind == "cue_outcome" for line in lines) and not self.room.ended:
            self._audience.tell(RoomChanged(room=self.view()))  # the coach may have fallen silent

    async def _acknowledge(self, speaker: Speaker, message: Painted | Dismiss) -> None:
        """The browser says what became of a cue. Saying it again changes nothing."""
        traces = self._analysis.traces if self._analysis else {}
        happening = self._acknowledgements.happening(speaker, message, self.now, traces)
        if happening is None:
            return
        try:
            await self._services.tools.append([happening], WRITE_S)
        except StoreUnavailable:
            self._acknowledgements.not_kept(happening)
            raise
        self._show([happening])
        if self._analysis is not None:
            await self._analysis.happened([happening])

    # Audio

    def _media_state(self, speaker: Speaker) -> None:
        self._tasks.spawn(self._media_changed(speaker), f"media state of {speaker} in {self.id}")

    async def _media_changed(self, speaker: Speaker) -> None:
        async with self._order:
            await self._change(rooms.media_changed(self.room, speaker, self._microphones.state(speaker)), fact=True)

    def _heard(self, chunk: AudioChunk) -> None:
        if self._analysis is not None:
            self._analysis.heard(chunk)

    def poll(self) -> None:
        """Called every 20 ms: audio that did not come in time is missing, a silent connection is lost."""
        self._microphones.poll()

    def pass_time(self) -> None:
        """Called now and then: session time goes on while nothing is analysed, but not in an empty room."""
        if self._analysis is not None and not self.room.ended and not self.room.empty:
            self._analysis.pass_time()

    async def annotated(self, annotations: list[Annotation], now: int) -> None:
        if self._analysis is not None:
            await self._analysis.annotated(annotations, now)

    def count_media(self) -> None:
        self._microphones.count()

    def detectors_failed(self) -> None:
        if self._analysis is not None and not self.room.ended:
            self._analysis.begin_afresh()

    async def save(self) -> None:
        """Keeps the state of detectors and coach for a restart."""
        if self._analysis is not None and not self.room.ended:
            await self._analysis.save()

    async def close(self) -> None:
        """Out of memory; what is in the store can be opened again."""
        for seat in self._audience.everybody:
            seat.close()
        if self._analysis is not None:
            self._analysis.switch(False)
        await self._microphones.close()
        await self._tasks.close()


def _told_at(line: Line) -> int:
    return line.decided if isinstance(line, Annotation) else line.at
