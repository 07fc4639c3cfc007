"""An analyst makes lines and cues out of one practice's audio: detectors first, then timeline, then coach.

Nothing is shown to anybody before it is on disk. An analyst knows no room and no connection, so it can run in another
process than the one that hears the couple.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import structlog

from coach.policy import Coach
from coach.settings import CoachSettings
from detectors.pipeline import Pipeline
from detectors.worker import Worker
from gateway.media.clock import SessionClock
from gateway.metrics import Metrics
from gateway.practice.holdings import SCOPE
from gateway.practice.kept import Kept
from gateway.practice.learnt import Learnt
from streaming.errors import StoreUnavailable
from streaming.timeline import Timeline
from streaming.types import SAMPLE_RATE_HZ, Annotation, AudioChunk, Cue, Happening, Line, Speaker

MAX_UNWRITTEN = 20_000  # lines kept while the store fails: about an hour of one couple's
LIVE_S = 1.0  # a store slower than this must not hold up the detectors, which serve all sessions
MAX_FAILURES = 3  # of one session's detectors: the fourth time it is not chance

log = structlog.get_logger("gateway.practice.analyst")


def _no_fence(session: str) -> None:
    """There is one process only."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What every session of a process shares."""

    timeline: Timeline
    metrics: Metrics
    fence_of: Callable[[str], int | None] = _no_fence  # what a session's home writes with, where there are several

    async def append(self, lines: Sequence[Line], within_s: float) -> None:
        """Returns once the lines of one session are on disk.

        Raises StoreUnavailable where that takes too long to be of use: they may get there all the same,
        and to append them again is safe. Raises LeaseLost where another gateway is the session's home.
        """
        if not lines:
            return
        fence = self.fence_of(lines[0].session)
        try:
            async with asyncio.timeout(within_s):
                await self.timeline.append(lines, fence=fence, scope=SCOPE)
        except TimeoutError as error:
            raise StoreUnavailable(f"{len(lines)} lines were not written within {within_s:g} s") from error


class Backlog:
    """Lines that are decided and still to be written, in order; at most so many are kept while the store fails."""

    def __init__(self, tools: Tools, most: int) -> None:
        self._tools = tools
        self._most = most
        self._lines: list[Annotation] = []
        self._writing = asyncio.Lock()  # one after the other: else what two find waiting is shown, and told, twice

    def __bool__(self) -> bool:
        return bool(self._lines)

    async def write(self, more: Sequence[Annotation]) -> list[Annotation] | None:
        """All that waits and these, once they are on disk. None where the store fails: they go on waiting."""
        metrics = self._tools.metrics
        self._lines += more
        async with self._writing:
            if over := max(0, len(self._lines) - self._most):
                metrics.lines_lost.inc(over)
                del self._lines[:over]
            lines = list(self._lines)
            try:
                await self._tools.append(lines, LIVE_S)
            except StoreUnavailable as error:
                metrics.store_failures.inc()
                log.error("lines wait for the store", session=lines[0].session, waiting=len(lines), error=str(error))
                return None
            del self._lines[: len(lines)]
        metrics.count(lines)
        return lines


@dataclass(frozen=True, slots=True)
class Trace:
    """A cue's way so far: milliseconds of wall time, and when it was sent (monotonic seconds)."""

    captured_to_decided_ms: float
    decided_to_sent_ms: float
    sent_s: float

    def counted(self, metrics: Metrics) -> Trace:
        metrics.captured_to_decided_ms.observe(self.captured_to_decided_ms)
        metrics.decided_to_sent_ms.observe(self.decided_to_sent_ms)
        return self


Told: TypeAlias = Happening | Annotation
Show: TypeAlias = Callable[[Sequence[Line]], None]  # gets what is on disk, in order
Changed: TypeAlias = Callable[[], None]  # the analyst itself: coaching_paused, fallen_silent


@dataclass(frozen=True, slots=True)
class Practised:
    """A practice, as whoever analyses it has to know it. ``learnt``: of the two, from an earlier one."""

    session: str
    clock: SessionClock
    policy: CoachSettings
    show: Show
    changed: Changed
    learnt: Learnt | None = None


class Analyst(Protocol):
    """What a practice needs of whoever analyses it."""

    @property
    def given(self) -> Mapping[Speaker, int]:
        """Session time up to which each partner's audio was offered: where the next chunk has to start."""

    @property
    def carried(self) -> int:
        """Session time up to which a gateway is known to have carried the practice."""

    @property
    def traces(self) -> Mapping[str, Trace]:
        """How each cue came, by its id."""

    @property
    def fallen_silent(self) -> bool:
        """Two cues in a row were ignored: the coach says nothing more unless it is asked."""

    @property
    def coaching_paused(self) -> bool:
        """Nobody analyses just now, and nobody's doing: it goes on by itself."""

    @property
    def owes(self) -> bool:
        """Something is still to be written."""

    def offer(self, chunk: AudioChunk) -> None:
        """Takes audio. Never blocks."""

    async def happened(self, lines: Sequence[Told]) -> None:
        """Hears what people did, and what words make of an overlap; it is in the timeline already."""

    async def write_owed(self) -> None:
        """Tries again what the store could not take."""

    async def close(self) -> None:
        """The practice is over: works on what waits, keeps what that gives, says nothing more."""

    def leave(self) -> None:
        """This process has no more to do with the practice, which may go on elsewhere or later."""


@dataclass(frozen=True, slots=True)
class Nobody:
    """Whoever analyses a practice that has not begun."""

    given: Mapping[Speaker, int] = field(default_factory=dict)
    carried: int = 0
    traces: Mapping[str, Trace] = field(default_factory=dict)
    fallen_silent: bool = False
    coaching_paused: bool = False
    owes: bool = False

    def offer(self, chunk: AudioChunk) -> None: ...
    async def happened(self, lines: Sequence[Told]) -> None: ...
    async def write_owed(self) -> None: ...
    async def close(self) -> None: ...
    def leave(self) -> None: ...


class LocalAnalyst:
    """An analyst whose detectors run on a worker of this process. Made by ``gateway.practice.analysts.Analysts``."""

    def __init__(
        self,
        practised: Practised,
        pipeline: Pipeline,
        coach: Coach,
        worker: Worker,
        tools: Tools,
        *,
        settled: frozenset[str] = frozenset(),
        heard: int = -1,
    ) -> None:
        self.session = pipeline.session
        self.coach = coach
        self.now = pipeline.now  # the timeline and the coach are told everything up to here
        self.heard = heard  # session time of the newest happening that the coach knows
        self.kept: tuple[int, int] | None = None  # both of these, as the newest state in the store has them
        self.closed = False
        self.coaching_paused = False
        self.given = {speaker: pipeline.given(speaker) for speaker in Speaker}
        self.carried = max(self.given.values())  # as it was opened
        self.traces: dict[str, Trace] = {}
        self._clock = practised.clock
        self._worker = worker
        self._tools = tools
        self._show = practised.show
        self._settled = settled  # ids that were final before a restart: not to be revised by less knowledge
        self._backlog = Backlog(tools, MAX_UNWRITTEN)
        self._failures = 0
        self._over = False
        worker.open(pipeline)

    @property
    def fallen_silent(self) -> bool:
        return self.coach.fallen_silent

    @property
    def owes(self) -> bool:
        return bool(self._backlog)

    def offer(self, chunk: AudioChunk) -> None:
        self.given[chunk.speaker] = max(chunk.end, self.given[chunk.speaker])
        self._worker.offer(chunk)

    async def annotated(self, annotations: list[Annotation], now: int) -> None:
        """What the detectors say, in session order. Kept and tried again where the store fails."""
        decided_s = time.monotonic()
        fresh = [a for a in annotations if a.id not in self._settled]
        self._tools.metrics.repeats_dropped.inc(len(annotations) - len(fresh))
        lines = await self._backlog.write(fresh)
        if lines is None:
            return
        self.now = max(self.now, now)
        self._show(lines)
        cues = [cue for annotation in lines for cue in self.coach.observe(annotation)]
        await self._say(cues + self.coach.advance(self.now), decided_s)

    async def write_owed(self) -> None:
        if self._backlog:
            await self.annotated([], self.now)

    async def happened(self, lines: Sequence[Told]) -> None:
        decided_s = time.monotonic()
        cues: list[Cue] = []
        for line in lines:
            if isinstance(line, Annotation):
                cues += self.coach.observe(line)
            else:
                self.heard = max(self.heard, line.at)
                cues += self.coach.happened(line)
        await self._say(cues, decided_s)

    async def _say(self, cues: list[Cue], decided_s: float) -> None:
        outcomes = self.coach.take_outcomes()
        if self._over:
            self._tools.metrics.cues_withheld.inc(len(cues))
            cues = []
        if not cues and not outcomes:
            return
        captured_to_decided_ms = {cue.id: (self._clock.now() - cue.at) * 1000 / SAMPLE_RATE_HZ for cue in cues}
        try:
            await self._tools.append([*cues, *outcomes], LIVE_S)
        except StoreUnavailable as error:
            # A cue belongs to its moment: one that cannot be kept is not shown later.
            self._tools.metrics.store_failures.inc()
            self._tools.metrics.cues_withheld.inc(len(cues))
            log.error("a cue was withheld", session=self.session, error=str(error))
            return
        sent_s = time.monotonic()
        for cue in cues:
            trace = Trace(captured_to_decided_ms[cue.id], (sent_s - decided_s) * 1000, sent_s)
            self.traces[cue.id] = trace.counted(self._tools.metrics)
        self._show([*cues, *outcomes])

    def begin_afresh(self) -> None:
        """The detectors failed: new ones go on from here. What they knew of the voices is learnt again."""
        if self._over:
            return
        self._failures += 1
        self._tools.metrics.detector_failures.inc()
        if self._failures > MAX_FAILURES:
            log.error("detectors failed too often, the practice goes on without them", session=self.session)
            return
        self._worker.open(Pipeline(self.session, start=max(self.given.values())))

    async def state(self) -> Kept | None:
        """None where it cannot be kept just now: the next chance is two seconds away."""
        if self._over or self._backlog:
            return None
        now, pipeline = await self._worker.save(self.session)
        coach = self.coach.save()
        # A tick may have come between: both have to be of one session time.
        return Kept(now, coach, pipeline, self.heard) if now == self.now and not self._over else None

    async def close(self) -> None:
        self._over = True
        await self._worker.close(self.session)
        self.closed = True

    def leave(self) -> None:
        """Goes on with what it has: states are kept by ``LocalAnalysts`` until the process ends."""
