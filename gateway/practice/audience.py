"""Who sits before the screens of one practice, and what they are shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from gateway.metrics import Metrics
from gateway.outbox import Outbox
from gateway.practice.notes import is_note
from gateway.practice.rooms import Room
from gateway.protocol import CueShown, Lines, NoteShown, RoomChanged, WireLine
from streaming.errors import StoreUnavailable
from streaming.timeline import Timeline
from streaming.types import Annotation, Cue, Kind, Line, Speaker
from streaming.wire import to_wire

log = structlog.get_logger("gateway.practice.audience")


def without_words(lines: Sequence[Line], room: Room) -> Sequence[Line]:
    """The lines as they may be shown: what was said is left out unless both agree to that."""
    if room.worded:
        return lines
    return [line for line in lines if not (isinstance(line, Annotation) and line.kind is Kind.WORDS)]


class Audience:
    """The partners' seats and the observers. Showing never waits for anybody.

    ``heeded`` is the room at any time, less what somebody has just taken back.
    """

    def __init__(
        self, session: str, timeline: Timeline, metrics: Metrics, batch_lines: int, heeded: Callable[[], Room]
    ) -> None:
        self.seats: dict[Speaker, Outbox] = {}
        self.watchers: set[Outbox] = set()
        self._session = session
        self._timeline = timeline
        self._metrics = metrics
        self._batch_lines = batch_lines
        self._heeded = heeded

    @property
    def everybody(self) -> list[Outbox]:
        return [*self.seats.values(), *self.watchers]

    def tell(self, message: RoomChanged) -> None:
        for seat in self.seats.values():
            seat.offer(message)
        for watcher in self.watchers:
            watcher.offer(RoomChanged(room=message.room.watched))

    def show(self, lines: Sequence[Line]) -> None:
        """Lines that are on disk. Cues and notes go to all, the others to observers whom both agreed to.

        Words only while both agree to those too.
        """
        room = self._heeded()
        watchers = self.watchers if room.watchable else ()
        for cue in (line for line in lines if isinstance(line, Cue)):
            if room.ended or not room.agreed:
                self._metrics.cues_withheld.inc()
                continue
            self._metrics.cues.labels(str(cue.level)).inc()
            message = CueShown(line=to_wire(cue))
            for seat in [*self.seats.values(), *watchers]:
                seat.offer(message)
        for note in (line for line in lines if is_note(line)):
            for seat in [*self.seats.values(), *watchers]:
                seat.offer(NoteShown(line=to_wire(note)))
        shared = without_words(lines, room) if watchers else ()
        rest = [to_wire(line) for line in shared if not (isinstance(line, Cue) or is_note(line))]
        for watcher in watchers:
            watcher.offer_lines(rest)

    async def history(self) -> list[WireLine]:
        """What was before, for observers whom both agree to; nothing for others. Raises StoreUnavailable."""
        if not self._heeded().watchable:
            return []
        lines = [stored.line for stored in await self._timeline.read(self._session)]
        room = self._heeded()  # by now: somebody may have taken a yes back meanwhile
        return [to_wire(line) for line in without_words(lines, room)] if room.watchable else []

    async def catch_up(self) -> None:
        """Both have just agreed: observers get what was before. Lines of this moment may come twice."""
        if not self.watchers:
            return
        try:
            history = await self.history()
        except StoreUnavailable as error:  # live lines go on all the same
            log.error("an observer could not be shown the history", session=self._session, error=str(error))
            return
        for start in range(0, len(history), self._batch_lines):
            batch = Lines(lines=tuple(history[start : start + self._batch_lines]))
            for watcher in self.watchers:
                watcher.offer(batch)

    def stop_watching(self) -> None:
        """An agreement was withdrawn: what observers were not sent yet, they are not sent."""
        for watcher in self.watchers:
            watcher.drop_lines()
