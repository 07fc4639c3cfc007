"""A practice as it runs: its room, its audio, and what is kept and shown of it.

All that changes the room runs one after the other, and is on disk before anybody is told of it. What
stops the analysis takes effect first and is written then.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import structlog

from coach.evidence import revised_by_words
from coach.practice import for_card
from coach.settings import CoachSettings
from gateway.media.clock import SessionClock
from gateway.media.ice import for_browser
from gateway.media.partner import MediaSettings
from gateway.outbox import Outbox
from gateway.practice import notes, rooms
from gateway.practice.acknowledgements import Acknowledgements
from gateway.practice.analysis import Analysis
from gateway.practice.analyst import Analyst, Practised, Told, Tools
from gateway.practice.analysts import Analysts
from gateway.practice.audience import Audience
from gateway.practice.learnt import Learnt
from gateway.practice.ledger import WRITE_S, Ledger
from gateway.practice.microphones import AudioSource, Microphones
from gateway.practice.registry import Record, Registry
from gateway.practice.rooms import Room
from gateway.practice.view import view
from gateway.practice.words import PracticeWords
from gateway.protocol import ClientMessage, Dismiss, Painted, RoomChanged, RoomView
from gateway.settings import GatewaySettings
from gateway.tasks import Tasks
from gateway.words.service import Words
from streaming.errors import LeaseLost, Refused, StoreUnavailable
from streaming.types import Annotation, AudioChunk, Happening, Line, Speaker
from streaming.wire import seconds

CLOSE_S = 10.0  # what a connection or the last detector work may take at the end

log = structlog.get_logger("gateway.practice.practice")


@dataclass(frozen=True, slots=True)
class Services:
    """What every session of a gateway stands on."""

    registry: Registry
    tools: Tools
    analysts: Analysts
    settings: GatewaySettings
    unix_now: Callable[[], float] = time.time
    words: Words | None = None  # None: this gateway writes no words down


class Practice:
    """Whoever calls ``change``, ``want_cues``, ``note`` or ``finish`` holds ``order``.

    ``ahead`` holds what was said, may take something back, and is still to be dealt with; ``heed`` follows each change
    of it.
    """

    def __init__(self, record: Record, services: Services) -> None:
        tools, settings = services.tools, services.settings
        self.room: Room = record.room
        self.audience = Audience(
            record.session, tools.timeline, tools.metrics, settings.sockets.batch_lines, lambda: self.heeded
        )
        self.order = asyncio.Lock()
        self.ahead: dict[int, tuple[Outbox, ClientMessage]] = {}  # by the message's id
        self.partners_left_s = time.monotonic()  # when the last partner left
        self.gone_s = 0.0  # how long nobody carried this practice, when it was opened
        self._left_at = 0  # session time at which the room was last left empty
        self._note_from = 0  # session time from which an observer may send a note
        self._services = services
        self._ledger = Ledger(record, services.registry, tools, services.unix_now)
        self._acknowledgements = Acknowledgements(record.session, tools.metrics)
        self._tasks = Tasks()
        self._words = PracticeWords(
            record.session,
            services.words,
            tools,
            self._tell,
            self._tell_room,
            masked=settings.words_masked,
        )
        self.microphones = Microphones(
            record.session, self.heard, self._media_state, MediaSettings(peer=settings.peer), tools.metrics
        )
        self._analysis = Analysis(record.session, self.microphones.sources, tools.metrics)

    @classmethod
    async def open(cls, record: Record, services: Services) -> Self:
        """From the store; where it had begun it goes on in its own session time. Raises StoreUnavailable."""
        practice = cls(record, services)
        if record.began_unix is not None and not record.room.ended:
            await practice._go_on(SessionClock(record.began_unix))
        return practice

    async def _go_on(self, clock: SessionClock) -> None:
        analyst = await self._services.analysts.resume(self._practised(clock))
        self._analysis.begin(clock, analyst)
        lines = [entry.line for entry in await self._services.tools.timeline.read(self.id)]
        self._remember(lines)
        self._left_at = max((_told_at(line) for line in lines), default=0)
        known = max(self._left_at, analyst.carried)
        clock.not_before(max(known, *analyst.given.values()))
        self.gone_s = seconds(clock.now() - known)
        self.microphones.hear_each_other(self.room.audible)
        await self.change(rooms.silenced(self.room), fact=True, at=self._left_at)
        self._services.tools.metrics.sessions_restored.inc()

    @property
    def record(self) -> Record:
        return self._ledger.record

    @property
    def id(self) -> str:
        return self.record.session

    @property
    def clock(self) -> SessionClock | None:
        """None until the practice begins."""
        return self._analysis.clock

    @property
    def now(self) -> int:
        """Session time; 0 until the practice begins."""
        return self._analysis.now

    @property
    def _policy(self) -> CoachSettings:
        """The gateway's coach settings, with the emphasis of the card that is practised."""
        settings = self._services.settings.coach
        return for_card(self.room.card, settings) if self.room.card else settings

    def _practised(self, clock: SessionClock, learnt: Learnt | None = None) -> Practised:
        return Practised(self.id, clock, self._policy, self._show, self._tell_room, learnt)

    def view(self) -> RoomView:
        """As it is now, with credentials that are good from now on."""
        room, now_unix, ice = self.room, self._services.unix_now(), self._services.settings.ice
        return view(
            room,
            now_unix,
            now_s=seconds(self.now),
            observer_waiting=room.observers > 0 and not room.watchable,
            cues_silent=self._analysis.analyst.fallen_silent,
            coaching_paused=self._analysis.analyst.coaching_paused,
            words_offered=self._words.offered,
            words_behind=self._words.behind,
            note_from_s=seconds(self._note_from),
            ice_servers=for_browser(ice.servers_at(now_unix, self.id)),
            ice_good_s=ice.good_s,
        )

    # The room

    async def change(
        self, after: Room, *, fact: bool = False, at: int | None = None, also: Sequence[Happening] = ()
    ) -> None:
        """From one room to the next: written, then true, then told. ``also``: what is to be written with it.

        A ``fact`` (somebody came or went), and whatever stops something, is true even while the store cannot take it:
        it is written as soon as it can. All else raises StoreUnavailable.
        """
        before = self.room
        if after == before:
            return
        starts = after.analysing and not before.analysing
        stops = rooms.stops(before, after) and not starts
        fact = stops or (fact and not starts)
        if stops and not after.ended:  # before an end the analysis was closed, and had its last words
            self._become(after)
        record = self._ledger.entry(before, after)
        begins = self._beginning(record)
        if at is None:
            at = self.now if before.began else 0  # the beginning itself is sample 0
        news = [*also, *self._ledger.happenings(before, after, at)]
        try:
            await self._ledger.write(news, record, fact=fact)
        except (StoreUnavailable, LeaseLost):
            if begins:
                await begins[1].close()
            raise
        if begins:
            self._analysis.begin(*begins)
        self._become(after)
        await self._apply(before, news)

    def _beginning(self, record: Record) -> tuple[SessionClock, Analyst] | None:
        """Made before it is written that the practice began: what cannot be made must not have begun."""
        if self.clock is not None or record.began_unix is None:
            return None
        clock = SessionClock(record.began_unix)
        known = record.learnt if record.room.carries else None
        return clock, self._services.analysts.begin(self._practised(clock, known))

    def _become(self, room: Room) -> None:
        self.room = room
        self.heed()

    @property
    def heeded(self) -> Room:
        """The room, less what was taken back and is still to be dealt with."""
        room = self.room
        for seat, message in self.ahead.values():
            room = rooms.taken_back(room, Speaker(seat.role), message)
        return room

    def heed(self) -> None:
        """What stops, stops here: whoever takes something back waits for nothing."""
        room = self.heeded
        self._analysis.switch(room.analysing)
        if not room.watchable:
            self.audience.stop_watching()
        self._words.switch(room.worded, (room.a.name, room.b.name))

    async def _apply(self, before: Room, news: list[Happening]) -> None:
        """The new room is true: let audio, observers and everybody's page follow."""
        after = self.room
        if after.empty and not before.empty:
            self.partners_left_s, self._left_at = time.monotonic(), self.now
        if after.audible != before.audible:
            self.microphones.hear_each_other(after.audible)
        self.audience.tell(RoomChanged(room=self.view()))
        if after.watchable and not before.watchable:
            await self.audience.catch_up()
        else:
            self._show(news)
        await self._analysis.analyst.happened(news)

    async def want_cues(self, speaker: Speaker) -> None:
        """The coach has fallen silent, and a partner would like it to speak again."""
        if not self._analysis.analyst.fallen_silent:
            return
        wanted = self._ledger.happening("cues_wanted", self.now, speaker)
        await self._services.tools.append([wanted], WRITE_S)
        await self._tell([wanted])
        self._tell_room()

    async def note(self, text: str) -> None:
        """An observer's few words, for both at the same moment. Raises Refused, StoreUnavailable."""
        shown = notes.as_shown(text)
        notes.check_now(self.heeded, self.now, self._note_from)
        note = self._ledger.happening(notes.KIND, self.now, None, {"text": shown})
        await self._services.tools.append([note], WRITE_S)
        self._remember([note])
        if not (self.heeded.watchable and self.heeded.analysing):
            stopped = "The two have just stopped, or said no to an observer: it is kept, and was not shown."
            raise Refused("not_now", stopped)
        await self._tell([note])
        self._tell_room()

    async def finish(self, by: Speaker | None) -> None:
        """Over for both. ``by`` None: nobody came back in time."""
        learnt = await self._learn()  # the state that it is read from is forgotten with the end
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._analysis.close()  # what the detectors still have to say comes before the end
        except TimeoutError:
            log.error("the detectors did not finish in time", session=self.id)
        self._words.finish(self.now)
        # Where nobody came back, it was over when the last of them left.
        at = self._left_at if by is None and self.room.empty else None
        ended = rooms.ended(replace(self.room, learnt=learnt), by)
        await self.change(ended, fact=True, at=at, also=self._unheard(self.now if at is None else at))
        self._services.tools.metrics.sessions_ended.labels("idle" if by is None else "asked").inc()
        self._tasks.spawn(self.microphones.close(), f"microphones of {self.id}")

    def _unheard(self, at: int) -> list[Happening]:
        """How much of each partner did not come through, for the report: most losses are too short for a line each."""
        unheard = self._analysis.unheard.items()
        return [self._ledger.happening("unheard", at, by, {"seconds": seconds(n)}) for by, n in unheard if n]

    async def _learn(self) -> bool:
        """Keeps what this practice taught, where both want it. Whether there is anything."""
        if not self.room.carries:
            return False
        try:
            learnt = await self._services.analysts.learnt(self.id, self._policy) if self.clock else None
        except StoreUnavailable as error:  # the end must not wait for it
            log.error("what was learnt could not be kept", session=self.id, error=str(error))
            return self.room.learnt
        if learnt:
            self._ledger.keep(learnt)
        return self.room.learnt or learnt is not None

    def let_go(self, record: Record) -> None:
        """What is kept of an ended practice was changed in the store."""
        self._ledger.record = record
        self.room = record.room

    # What is shown

    def _remember(self, lines: Sequence[Line]) -> None:
        self._acknowledgements.shown(lines)
        self._note_from = max(self._note_from, notes.free_from(lines, self._services.settings.note_every_s))

    def _show(self, lines: Sequence[Line]) -> None:
        self._remember(lines)
        self.audience.show(lines)
        if any(isinstance(line, Happening) and line.kind == "cue_outcome" for line in lines):
            self._tell_room()  # the coach may have fallen silent
        for line in lines:
            if isinstance(line, Annotation) and line.reason == "muted" and line.by is not None:
                silence = self._microphone_heard(line.by, silent=line.status == "open")
                self._tasks.spawn(silence, f"microphone of {line.by} in {self.id}")
        if revised := self._words.told(lines):
            self._tasks.spawn(self._words.keep(revised), f"refined overlaps of {self.id}")

    def _tell_room(self) -> None:
        if not self.room.ended:
            self.audience.tell(RoomChanged(room=self.view()))

    async def _tell(self, lines: Sequence[Told]) -> None:
        """What people did or said, and is on disk: observers see it; the coach knows it, but never reads words."""
        self._show(lines)
        heard: list[Told] = [line for line in lines if isinstance(line, Happening)]
        heard += [line for line in lines if revised_by_words(line) and not self.room.ended]
        await self._analysis.analyst.happened(heard)

    async def acknowledge(self, speaker: Speaker, message: Painted | Dismiss) -> None:
        """The browser says what became of a cue. Saying it again changes nothing. Raises StoreUnavailable."""
        happening = self._acknowledgements.happening(speaker, message, self.now, self._analysis.analyst.traces)
        if happening is None:
            return
        try:
            await self._services.tools.append([happening], WRITE_S)
        except StoreUnavailable:
            self._acknowledgements.not_kept(happening)
            raise
        await self._tell([happening])

    # Audio

    def seated(self, speaker: Speaker, elsewhere: AudioSource | None) -> None:
        """Where this partner's audio comes from now on; None: from a connection to this gateway."""
        before = self.microphones.use(speaker, elsewhere)
        if before is None:
            return
        self._tasks.spawn(before.close(), f"an earlier microphone of {speaker} in {self.id}")
        self._analysis.replaced(speaker)
        self._media_state(speaker)

    def _media_state(self, speaker: Speaker) -> None:
        self._tasks.spawn(self._media_changed(speaker), f"media state of {speaker} in {self.id}")

    async def _media_changed(self, speaker: Speaker) -> None:
        async with self.order:
            after = rooms.media_changed(self.room, speaker, self.microphones.state(speaker))
            await self.change(after, fact=True)

    async def _microphone_heard(self, speaker: Speaker, *, silent: bool) -> None:
        async with self.order:
            await self.change(rooms.microphone_heard(self.room, speaker, silent=silent), fact=True)

    def heard(self, chunk: AudioChunk) -> None:
        if self._analysis.on:
            self._analysis.heard(chunk)
            self._words.heard(chunk)

    # Time

    def pass_time(self) -> None:
        """Called now and then: session time goes on while nothing is analysed, but not in an empty room."""
        if not self.room.ended and not self.room.empty:
            self._analysis.pass_time()

    @property
    def owes(self) -> bool:
        """Something is still to be written."""
        return self._ledger.owes or self._words.owes or self._analysis.analyst.owes

    async def write_owed(self) -> None:
        """Tries again what the store could not take."""
        await self._analysis.analyst.write_owed()
        await self._words.write_owed()
        async with self.order:
            await self._ledger.write_owed()

    async def close(self) -> None:
        """Out of memory; what is in the store can be opened again."""
        self._analysis.switch(False)
        self._analysis.analyst.leave()
        self._words.switch(False)
        await self.microphones.close()
        await self._tasks.close()


def _told_at(line: Line) -> int:
    return line.decided if isinstance(line, Annotation) else line.at
