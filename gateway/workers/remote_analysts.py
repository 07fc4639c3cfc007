"""Analysts that live in other processes: audio and what people do go out over the bus, lines come back.

Nothing here waits for the bus. While it is away, or no worker answers, the newest second of audio is kept
and the couple is told that coaching is paused; it goes on by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from coach.settings import CoachSettings
from gateway.practice.analyst import Practised, Told, Tools, Trace
from gateway.practice.exchange import (
    Begin,
    Close,
    Heard,
    in_stream,
    lines_stream,
    pack,
    state_stream,
    unpack_came,
)
from gateway.practice.kept import learnt_of
from gateway.practice.learnt import Learnt
from streaming import packets
from streaming.backbone import Backbone
from streaming.errors import BusUnavailable, StoreUnavailable
from streaming.flow import Lane, Outbox
from streaming.timeline import line_key
from streaming.types import SAMPLE_RATE_HZ, Annotation, AudioChunk, Cue, Line, Speaker
from streaming.wire import samples

log = structlog.get_logger("gateway.workers.remote_analysts")


@dataclass(frozen=True, slots=True)
class RemoteSettings:
    want_s: float = 3.0  # a bus that lost its memory knows of the practice again within this
    look_s: float = 0.25  # how soon a change of the bus or the worker is told to the couple
    silent_s: float = 6.0  # workers say something every 2 s; a killed one is replaced within 3 s
    stale_cue_s: float = 5.0  # a hint later than this is noise
    last_words_s: float = 5.0  # what a worker may take over the end of a practice before people see the report
    give_up_s: float = 60.0  # nobody took over: what was not worked on by then stays so
    known_lines: int = 4096  # for duplicates: over ten minutes of one couple's lines


class RemoteAnalyst:
    """One practice, as its gateway sees it. Made by RemoteAnalysts."""

    def __init__(
        self,
        practised: Practised,
        lane: Lane,
        tools: Tools,
        settings: RemoteSettings,
        at: int,
    ) -> None:
        self.session = practised.session
        self.fallen_silent = False
        self.coaching_paused = False
        self.owes = False  # what a worker has to write is with the worker, and on the bus
        self.given = dict.fromkeys(Speaker, at)
        self.carried = at
        self.traces: dict[str, Trace] = {}
        self.heard_s = time.monotonic()  # when a worker last said something
        self.closed = asyncio.Event()
        self.closing_s: float | None = None
        self.wanted_s: float | None = None  # when workers were last told that there is such a practice
        self._practised = practised
        self._clock = practised.clock
        self._lane = lane
        self._tools = tools
        self._settings = settings
        self._known: dict[str, None] = {}  # keys of lines, the oldest first

    @property
    def is_unheard(self) -> bool:
        """No worker has said anything for longer than it takes to replace one."""
        return time.monotonic() - self.heard_s > self._settings.silent_s

    @property
    def is_over(self) -> bool:
        """Left, worked on to its end, or given up after it."""
        ended_s = 0.0 if self.closing_s is None else time.monotonic() - self.closing_s
        return self.closed.is_set() or ended_s > self._settings.give_up_s

    def remind(self) -> None:
        """Said again and again: whoever works on the practice knows it already."""
        if self.closing_s is not None:
            self._say(Close(self._clock.began_unix))
            return
        policy, learnt = self._practised.policy, self._practised.learnt
        self._say(Begin(self._clock.began_unix, max(self.given.values()), policy, learnt))

    def offer(self, chunk: AudioChunk) -> None:
        self.given[chunk.speaker] = max(chunk.end, self.given[chunk.speaker])
        self._say(chunk)

    async def happened(self, lines: Sequence[Told]) -> None:
        for line in lines:
            self._say(line)
            if line.kind == "cues_wanted":
                self.fallen_silent = False  # as the coach will see it, too

    async def write_owed(self) -> None:
        """Nothing is owed here."""

    def heard(self, payload: bytes) -> None:
        """A worker's message. Raises UnusableInput for what is none."""
        came = unpack_came(payload)
        if came.began_unix != self._clock.began_unix:
            return  # of a beginning that failed
        self.heard_s = time.monotonic()
        silent, self.fallen_silent = self.fallen_silent, came.silent
        fresh = [line for line in came.lines if self._is_new(line)]
        shown = [line for line in fresh if not isinstance(line, Cue) or self._in_time(line)]
        for cue in (line for line in shown if isinstance(line, Cue)):
            self._trace(cue, came.decided_ms.get(cue.id))
        self._tools.metrics.count(line for line in fresh if isinstance(line, Annotation))  # cues when they are shown
        if shown:
            self._practised.show(shown)
        if silent != came.silent:
            self._practised.changed()
        if came.closed:
            self.closed.set()

    def pause(self, paused: bool) -> None:
        if paused != self.coaching_paused:
            self.coaching_paused = paused
            log.info("coaching paused" if paused else "coaching goes on", session=self.session)
            self._practised.changed()

    async def close(self) -> None:
        """Waits a few seconds for the worker's last lines; later ones still reach the timeline."""
        self.closing_s = time.monotonic()
        self._say(Close(self._clock.began_unix))
        try:
            async with asyncio.timeout(self._settings.last_words_s):
                await self.closed.wait()
        except TimeoutError:
            log.warning("no worker has finished with this practice yet", session=self.session)

    def leave(self) -> None:
        """Whoever opens the practice next says that it goes on."""
        if self.closing_s is None:
            self.closed.set()

    def _say(self, message: Heard) -> None:
        self._lane.send(in_stream(self.session), pack(message))

    def _is_new(self, line: Line) -> bool:
        key = line_key(line)
        if key in self._known:
            self._tools.metrics.repeats_dropped.inc()
            return False
        self._known[key] = None
        if len(self._known) > self._settings.known_lines:
            del self._known[next(iter(self._known))]
        return True

    def _in_time(self, cue: Cue) -> bool:
        late = self._clock.now() - cue.at > self._settings.stale_cue_s * SAMPLE_RATE_HZ
        self._tools.metrics.cues_withheld.inc(late)
        return not late

    def _trace(self, cue: Cue, decided_ms: float | None) -> None:
        """Compares two hosts' clocks: an error moves time from one part to the other; their sum stays right."""
        so_far_ms = (self._clock.now() - cue.at) * 1000 / SAMPLE_RATE_HZ
        decided_ms = so_far_ms if decided_ms is None else decided_ms
        trace = Trace(decided_ms, max(0.0, so_far_ms - decided_ms), time.monotonic())
        self.traces[cue.id] = trace.counted(self._tools.metrics)


class RemoteAnalysts:
    """All practices of one gateway. Workers find them by their leases' names."""

    def __init__(self, tools: Tools, backbone: Backbone, settings: RemoteSettings = RemoteSettings()) -> None:
        self._tools = tools
        self._backbone = backbone
        self._settings = settings
        self._lane = Lane(backbone.bus, Outbox(backbone.bus, is_live=packets.is_audio))
        self._analysts: dict[str, RemoteAnalyst] = {}
        tools.metrics.watch_outbox(lambda: self._lane.out.dropped)
        tools.metrics.watch_bus(lambda: backbone.bus.degraded)

    def begin(self, practised: Practised) -> RemoteAnalyst:
        analyst = self._add(practised, 0)
        self._lane.follow(lines_stream(practised.session), analyst.heard)
        return analyst

    async def resume(self, practised: Practised) -> RemoteAnalyst:
        """What workers said before is in the timeline."""
        carried = await self._carried(practised)
        analyst = self._add(practised, practised.clock.now())
        analyst.carried = carried
        lines = lines_stream(practised.session)
        try:
            await self._lane.follow_from_now(lines, analyst.heard)
        except BusUnavailable:
            self._lane.follow(lines, analyst.heard)  # observers see lines twice rather than never
        return analyst

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._lane.run(), name="to and from workers")
            group.create_task(self._look(), name="practices with workers")

    async def save(self) -> None:
        """Audio on its way is all that this process alone knows."""
        try:
            async with asyncio.timeout(self._settings.look_s):
                await self._lane.sent()
        except TimeoutError:
            log.warning("the bus has not taken everything yet")

    async def learnt(self, session: str, policy: CoachSettings) -> Learnt | None:
        try:
            last = await self._backbone.bus.last(state_stream(session))
        except BusUnavailable as error:
            raise StoreUnavailable(f"the state of a practice cannot be read: {error}") from error
        return learnt_of(session, last.payload if last else None, policy)

    async def _carried(self, practised: Practised) -> int:
        """Whoever carries a practice reminds the bus of it; what nobody adds to is forgotten by the bus in an hour."""
        now = practised.clock.now()
        try:
            last = await self._backbone.bus.last(in_stream(practised.session))
        except BusUnavailable:
            return now  # nothing can be told
        return max(0, now - samples(max(0.0, time.time() - last.published_unix_s))) if last else 0

    def _add(self, practised: Practised, at: int) -> RemoteAnalyst:
        if practised.session in self._analysts:  # whoever opened it before has left, or its beginning failed
            self._forget(practised.session)
        analyst = RemoteAnalyst(practised, self._lane, self._tools, self._settings, at)
        self._analysts[practised.session] = analyst
        analyst.remind()
        return analyst

    def _forget(self, session: str) -> None:
        analyst = self._analysts.pop(session)
        self._lane.unfollow(lines_stream(session), analyst.heard)

    async def _look(self) -> None:
        while True:
            for analyst in list(self._analysts.values()):
                if analyst.is_over:
                    await self._put_away(analyst)
                else:
                    analyst.pause(self._backbone.bus.degraded or analyst.is_unheard)
            with suppress(BusUnavailable):
                await self._want()
            await asyncio.sleep(self._settings.look_s)

    async def _want(self) -> None:
        """A practice that was just begun is wanted at once, all of them every few seconds. Raises BusUnavailable."""
        for session, analyst in list(self._analysts.items()):
            again = analyst.wanted_s is not None
            if analyst.wanted_s is None or time.monotonic() - analyst.wanted_s > self._settings.want_s:
                await self._backbone.leases.want(session, again=again)
                analyst.remind()
                analyst.wanted_s = time.monotonic()

    async def _put_away(self, analyst: RemoteAnalyst) -> None:
        """Its lines are in the timeline; where it came to its end, nobody else reads them here."""
        self._forget(analyst.session)
        if analyst.closing_s is None:
            return
        try:
            await self._backbone.bus.drop(lines_stream(analyst.session))
        except BusUnavailable as error:  # forgotten by the bus after an hour
            log.warning("lines are still on the bus", session=analyst.session, error=str(error))
