"""Who sits in a practice, and what they may say to it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Self, assert_never

import structlog

from gateway.outbox import Outbox
from gateway.practice import rooms, time_outs
from gateway.practice.microphones import AudioSource
from gateway.practice.practice import Practice, Services
from gateway.practice.registry import Record
from gateway.practice.rooms import Room
from gateway.protocol import (
    Act,
    BeginNow,
    Carry,
    ClientMessage,
    Consent,
    CuesWanted,
    Dismiss,
    End,
    Ended,
    FloorAct,
    FreshIce,
    Hello,
    Microphone,
    Note,
    Offer,
    Painted,
    Pause,
    Ping,
    Pong,
    Repair,
    Resume,
    RoomChanged,
    Setup,
    TakeTimeOut,
    Welcome,
    WireLine,
)
from gateway.refusals import refused_message
from gateway.tasks import Tasks
from streaming.errors import Refused, StoreUnavailable
from streaming.types import Speaker
from streaming.wire import seconds

log = structlog.get_logger("gateway.practice.session")


class Session:
    """One practice in memory. ``join`` gives somebody a seat, ``handle`` takes what they say."""

    def __init__(self, practice: Practice, services: Services) -> None:
        self.practice = practice
        self.touched_s = time.monotonic()  # when anybody was last here
        self.ended_s: float | None = None
        self._audience = practice.audience
        self._services = services
        self._closed = False
        self._tasks = Tasks()

    @classmethod
    async def open(cls, record: Record, services: Services) -> Self:
        return cls(await Practice.open(record, services), services)

    @property
    def record(self) -> Record:
        return self.practice.record

    @property
    def id(self) -> str:
        return self.practice.id

    @property
    def room(self) -> Room:
        return self.practice.room

    @property
    def people(self) -> int:
        return len(self._audience.everybody)

    def away_too_long(self, now_s: float) -> bool:
        """Both partners have been gone for longer than anybody would who comes back; a time-out is waited for."""
        if not self.room.empty or now_s - self.practice.partners_left_s <= self._services.settings.idle_s:
            return False
        out = self.room.time_out
        return out is None or not out.running(self._services.unix_now() - self._services.settings.idle_s)

    # People come and go

    async def join(self, seat: Outbox, name: str = "", microphone: AudioSource | None = None) -> None:
        """Gives a partner or an observer a seat and welcomes them. Raises Refused ``room_full``.

        ``microphone``: a partner's, where the audio does not come to this gateway.
        """
        await self._tasks.whole(self._join(seat, name, microphone), "join")

    async def _join(self, seat: Outbox, name: str, microphone: AudioSource | None) -> None:
        async with self.practice.order:
            if self.room.ended:
                self._farewell(seat)
            elif seat.role == "observer":
                await self._join_watcher(seat)
            else:
                await self._join_partner(Speaker(seat.role), seat, name, microphone)

    async def _join_partner(self, speaker: Speaker, seat: Outbox, name: str, microphone: AudioSource | None) -> None:
        before = self._audience.seats.pop(speaker, None)
        if before is not None:
            before.close(refused_message(Refused("taken_over", "The practice was opened in another window.")))
        self.practice.seated(speaker, microphone)
        await self.practice.change(rooms.joined(self.room, speaker, name), fact=True)
        self._audience.seats[speaker] = seat
        self._welcome(seat)

    async def _join_watcher(self, seat: Outbox) -> None:
        if len(self._audience.watchers) >= self._services.settings.max_observers:
            raise Refused("room_full", "As many observers as may be are here already.")
        await self._watched(1)  # the two are told first, though the store is slow
        try:
            history = await self._audience.history()
        except StoreUnavailable:
            await self._watched()
            raise
        self._audience.watchers.add(seat)
        self._welcome(seat, history)

    async def _watched(self, coming: int = 0) -> None:
        await self.practice.change(rooms.watched_by(self.room, len(self._audience.watchers) + coming), fact=True)

    async def leave(self, seat: Outbox) -> None:
        await self._tasks.whole(self._leave(seat), "leave")

    async def _leave(self, seat: Outbox) -> None:
        async with self.practice.order:
            seat.close()
            if self._closed:
                return
            for message in self._said_by(seat):
                await self._taken_back(Speaker(seat.role), message)
            self.unsaid(seat)
            if seat in self._audience.watchers:
                self._audience.watchers.discard(seat)
                await self._watched()
            elif seat.role in ("a", "b") and self._audience.seats.get(Speaker(seat.role)) is seat:
                del self._audience.seats[Speaker(seat.role)]
                await self.practice.change(rooms.left(self.room, Speaker(seat.role)), fact=True)

    def _welcome(self, seat: Outbox, history: Sequence[WireLine] = ()) -> None:
        room = self.practice.view()
        room = room.watched if seat.role == "observer" else room
        seat.offer(Welcome(role=seat.role, session=self.id, demo=self.record.demo, room=room, lines=tuple(history)))

    def _farewell(self, seat: Outbox) -> None:
        """Somebody comes back to a practice that is over: all that is left is the report."""
        self._welcome(seat)
        seat.close(Ended(report=self._report_for(seat)))

    def _report_for(self, seat: Outbox) -> str | None:
        return self.record.report if seat.role != "observer" or self.room.watchable else None

    # What they say

    def ahead(self, seat: Outbox, message: ClientMessage) -> None:
        """Called once it is said, though what was said earlier still waits: what it takes back is over from here on."""
        may_stop = isinstance(message, Consent | Pause | TakeTimeOut | End)
        if may_stop and not self._closed and seat in self._audience.seats.values():
            self.practice.ahead[id(message)] = (seat, message)
            self.practice.heed()

    def unsaid(self, seat: Outbox) -> None:
        """What this seat said and is still to be dealt with will not be."""
        for message in self._said_by(seat):
            self._dealt_with(message)

    def _said_by(self, seat: Outbox) -> list[ClientMessage]:
        return [message for own, message in self.practice.ahead.values() if own is seat]

    def _dealt_with(self, message: ClientMessage) -> None:
        if self.practice.ahead.pop(id(message), None) is not None and not self._closed:
            self.practice.heed()

    async def _taken_back(self, speaker: Speaker, message: ClientMessage) -> None:
        """Somebody went, or went on in another window, right after they said it: what it gives came too late."""
        if isinstance(message, End):
            await self._end(speaker)
        else:
            await self.practice.change(rooms.taken_back(self.room, speaker, message), fact=True)

    async def handle(self, seat: Outbox, message: ClientMessage) -> None:
        """What somebody with a seat says. Raises Refused, also where it cannot be kept."""
        self.ahead(seat, message)
        try:
            if id(message) in self.practice.ahead:
                await self._tasks.whole(self._stop(seat, message), message.type)
            else:
                await self._handle(seat, message)
        except StoreUnavailable as error:
            log.error("message could not be kept", session=self.id, error=str(error))
            raise Refused("store_unavailable", "This cannot be kept just now, so it did not count.") from error

    async def _stop(self, seat: Outbox, message: ClientMessage) -> None:
        try:
            await self._handle(seat, message)
        finally:
            self._dealt_with(message)

    async def _handle(self, seat: Outbox, message: ClientMessage) -> None:
        if isinstance(message, Ping):
            seat.offer(Pong(t=message.t, now_s=seconds(self.practice.now)))
            return
        if isinstance(message, Hello):
            raise Refused("bad_message", "Hello was said already.")
        if isinstance(message, Note):
            await self._tasks.whole(self._note(seat, message), message.type)
            return
        if seat.role not in ("a", "b"):
            raise Refused("not_a_partner", "An observer watches, and changes nothing.")
        speaker = Speaker(seat.role)
        if self._audience.seats.get(speaker) is not seat:  # another window took over; its refusal is on the way
            async with self.practice.order:
                if id(message) in self.practice.ahead:
                    await self._taken_back(speaker, message)
            return
        # A browser that goes right after it said something must not leave half of it done.
        if isinstance(message, Painted | Dismiss):
            await self._tasks.whole(self.practice.acknowledge(speaker, message), "acknowledge")
            return
        if self.room.ended:
            raise Refused("session_ended", "This practice has ended.")
        if isinstance(message, FreshIce):
            seat.offer(RoomChanged(room=self.practice.view()))
            return
        if isinstance(message, Offer):
            answering = self.practice.microphones.connect(speaker, seat, message.sdp)
            self._tasks.spawn(answering, f"offer of {speaker} in {self.id}")
            return
        await self._tasks.whole(self._act(speaker, message), message.type)

    async def _act(self, speaker: Speaker, message: Act) -> None:
        async with self.practice.order:
            room, change = self.room, self.practice.change
            match message:
                case Consent():
                    await change(rooms.consented(room, speaker, message.practice, message.observer, message.words))
                case Setup():
                    await change(rooms.set_up(room, speaker, message.same_room, message.name))
                case Pause():
                    self._check_running()
                    await change(rooms.paused(room, speaker))
                case TakeTimeOut():
                    self._check_running()
                    now_unix = self._services.unix_now()
                    await change(rooms.took_time_out(room, time_outs.asked(message, speaker, now_unix), now_unix))
                case Microphone():
                    await change(rooms.microphone_told(room, speaker, message.state), fact=True)
                case FloorAct():
                    await change(rooms.took_turn(room, speaker, message.act))
                case CuesWanted():
                    await self.practice.want_cues(speaker)
                case Repair():
                    await change(rooms.repaired(room, speaker, message.act))
                case Carry():
                    await change(rooms.carried(room, speaker, message.yes))
                case BeginNow():
                    if seconds(self.practice.now) < room.neutral_s:
                        await change(rooms.began_at_once(room))
                case Resume():
                    await change(rooms.resumed(room))
                case End():
                    await self._end(speaker)
                case _:
                    assert_never(message)

    async def _note(self, seat: Outbox, message: Note) -> None:
        if seat.role != "observer":
            raise Refused("not_an_observer", "A partner has no need of notes.")
        async with self.practice.order:
            if seat in self._audience.watchers:
                await self.practice.note(message.text)

    def _check_running(self) -> None:
        if self.room.phase not in ("practising", "paused"):
            raise Refused("not_now", "There is nothing to pause just now.")

    async def end(self, by: Speaker | None = None) -> None:
        """Over for both. ``by`` None: nobody came back in time."""
        async with self.practice.order:
            await self._end(by)

    async def _end(self, by: Speaker | None) -> None:
        if self.room.ended:
            return
        await self.practice.finish(by)
        self.ended_s = time.monotonic()
        for seat in self._audience.everybody:
            if self.record.began_unix is None:
                seat.close(refused_message(Refused("session_ended", "This practice was over before it began.")))
            else:
                seat.offer(Ended(report=self._report_for(seat)))

    async def close(self) -> None:
        """Out of memory; what is in the store can be opened again. Nobody has left by it."""
        self._closed = True
        for seat in self._audience.everybody:
            seat.close()
        await self._tasks.close()  # first: what is still being dealt with must not begin to listen again
        await self.practice.close()
