"""One session's way from audio to cues: media -> detectors -> timeline -> coach -> timeline -> people.

Exists from the moment the practice begins. Nothing is shown to anybody before it is on disk.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from coach.policy import Coach
from coach.settings import CoachSettings
from detectors.pipeline import Pipeline
from detectors.worker import Worker
from gateway.clock import SessionClock
from gateway.metrics import Metrics
from streaming.audio import missing
from streaming.errors import StoreUnavailable
from streaming.timeline import Stored, Timeline
from streaming.types import SAMPLE_RATE_HZ, Annotation, AudioChunk, Cue, Happening, Line, Speaker

MAX_UNWRITTEN = 20_000  # lines kept while the store fails: about an hour of one couple's
LIVE_S = 1.0  # a store slower than this must not hold up the detectors, which serve all sessions
MAX_FAILURES = 3  # of one session's detectors: the fourth time it is not chance
_SNAPSHOT_VERSION = 1

log = structlog.get_logger("gateway.analysis")


class Media(Protocol):
    """What the analysis needs of a partner's audio (``gateway.media.PartnerMedia``)."""

    def begin(self, clock: SessionClock, at: int) -> None: ...
    def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What every session of a gateway shares."""

    timeline: Timeline
    worker: Worker
    metrics: Metrics

    async def append(self, lines: Sequence[Line], within_s: float) -> None:
        """Returns once the lines are on disk. Raises StoreUnavailable where that takes too long to be of use.

        They may get there all the same; to append them again is safe.
        """
        try:
            async with asyncio.timeout(within_s):
                await self.timeline.append(lines)
        except TimeoutError as error:
            raise StoreUnavailable(f"{len(lines)} lines were not written within {within_s:g} s") from error


@dataclass(frozen=True, slots=True)
class Trace:
    """A cue's way so far: milliseconds of wall time, and when it was sent (monotonic seconds)."""

    captured_to_decided_ms: float
    decided_to_sent_ms: float
    sent_s: float


class Analysis:
    """Audio in, lines and cues out. ``show`` gets what is on disk, in order."""

    def __init__(
        self,
        clock: SessionClock,
        pipeline: Pipeline,
        coach: Coach,
        media: Mapping[Speaker, Media],
        tools: Tools,
        show: Callable[[Sequence[Line]], None],
        *,
        settled: frozenset[str] = frozenset(),
    ) -> None:
        self.session = pipeline.session
        self.clock = clock
        self.coach = coach
        self.on = False
        self.traces: dict[str, Trace] = {}
        self._media = media
        self._tools = tools
        self._show = show
        self._settled = settled  # ids that were final before a restart: not to be revised by less knowledge
        self._unwritten: list[Annotation] = []
        self._now = pipeline.now
        self._heard = -1  # newest happening that the coach knows
        self._failures = 0
        self._over = False
        self._saved: tuple[int, int] | None = None
        self._fed = {speaker: pipeline.given(speaker) for speaker in Speaker}
        tools.worker.open(pipeline)

    def switch(self, on: bool) -> None:
        """Starts or stops looking at audio, at once. What lies between is missing audio."""
        if on and not self.on:
            at = max(self.clock.now(), *self._fed.values())
            self._catch_up(at)
            for own in self._media.values():
                own.begin(self.clock, at)
        elif self.on and not on:
            for own in self._media.values():
                own.stop()
        self.on = on

    def heard(self, chunk: AudioChunk) -> None:
        """Takes a partner's audio; refuses it unless the practice is being analysed."""
        if not self.on:
            return
        seconds = len(chunk.samples) / SAMPLE_RATE_HZ
        metrics = self._tools.metrics
        (metrics.missing_seconds if chunk.missing else metrics.heard_seconds).inc(seconds)
        self._fed[chunk.speaker] = chunk.end
        self._tools.worker.offer(chunk)

    def pass_time(self) -> None:
        """Called while nothing is analysed, so that session time, and the coach's with it, goes on."""
        if not self.on:
            self._catch_up(self.clock.now())

    def _catch_up(self, at: int) -> None:
        for speaker, end in self._fed.items():
            if at > end:
                self._tools.worker.offer(missing(self.session, speaker, end, at - end))
                self._tools.metrics.missing_seconds.inc((at - end) / SAMPLE_RATE_HZ)
                self._fed[speaker] = at

    async def annotated(self, annotations: list[Annotation], now: int) -> None:
        """What the detectors say, in session order. Kept and tried again where the store fails."""
        decided_s = time.monotonic()
        fresh = [a for a in annotations if a.id not in self._settled]
        self._tools.metrics.repeats_dropped.inc(len(annotations) - len(fresh))
        self._unwritten += fresh
        if over := max(0, len(self._unwritten) - MAX_UNWRITTEN):
            self._tools.metrics.lines_lost.inc(over)
            del self._unwritten[:over]
        lines = list(self._unwritten)
        try:
            await self._tools.append(lines, LIVE_S)
        except StoreUnavailable as error:
            self._tools.metrics.store_failures.inc()
            log.error("annotations wait for the store", session=self.session, waiting=len(lines), error=str(error))
            return
        del self._unwritten[: len(lines)]
        self._now = now
        for annotation in lines:
            self._tools.metrics.annotations.labels(annotation.kind.value).inc()
        self._show(lines)
        cues = [cue for annotation in lines for cue in self.coach.observe(annotation)]
        await self._say(cues + self.coach.advance(now), decided_s)

    @property
    def owes(self) -> bool:
        return bool(self._unwritten)

    async def write_owed(self) -> None:
        """Tries again where no news of the detectors would."""
        if self._unwritten:
            await self.annotated([], self._now)

    async def happened(self, happenings: Sequence[Happening]) -> None:
        """Tells the coach what people did; it is in the timeline already."""
        decided_s = time.monotonic()
        cues: list[Cue] = []
        for happening in happenings:
            self._heard = max(self._heard, happening.at)
            cues += self.coach.happened(happening)
        await self._say(cues, decided_s)

    async def _say(self, cues: list[Cue], decided_s: float) -> None:
        outcomes = self.coach.take_outcomes()
        if self._over:
            self._tools.metrics.cues_withheld.inc(len(cues))
            cues = []
        if not cues and not outcomes:
            return
        captured_to_decided_ms = {cue.id: (self.clock.now() - cue.at) * 1000 / SAMPLE_RATE_HZ for cue in cues}
        try:
            await self._tools.append([*cues, *outcomes], LIVE_S)
        except StoreUnavailable as error:
            # A cue belongs to its moment: one that cannot be kept is not shown later.
            self._tools.metrics.store_failures.inc()
            self._tools.metrics.cues_withheld.inc(len(cues))
            log.error("a cue was withheld", session=self.session, error=str(error))
            return
        self._show([*cues, *outcomes])
        sent_s = time.monotonic()
        for cue in cues:
            trace = Trace(captured_to_decided_ms[cue.id], (sent_s - decided_s) * 1000, sent_s)
            self.traces[cue.id] = trace
            self._tools.metrics.captured_to_decided_ms.observe(trace.captured_to_decided_ms)
            self._tools.metrics.decided_to_sent_ms.observe(trace.decided_to_sent_ms)

    def begin_afresh(self) -> None:
        """The detectors failed: new ones go on from here. What they knew of the voices is learnt again."""
        self._failures += 1
        self._tools.metrics.detector_failures.inc()
        if self._failures > MAX_FAILURES:
            log.error("detectors failed too often, the practice goes on without them", session=self.session)
            return
        self._tools.worker.open(Pipeline(self.session, start=max(self._fed.values())))

    async def save(self) -> None:
        """Keeps the state of detectors and coach, both as of one session time."""
        if self._over or self._unwritten or self._saved == (self._now, self._heard):
            return
        now, pipeline = await self._tools.worker.save(self.session)
        coach = self.coach.save()
        if now != self._now or self._over:
            return  # a tick came between: the next snapshot is two seconds away
        await self._tools.timeline.save_snapshot(self.session, now, _framed(self._heard, coach, pipeline))
        self._saved = (now, self._heard)

    async def close(self) -> None:
        """Stops, works on what waits and keeps what it gives; says nothing more."""
        self._over = True
        self.switch(False)
        await self._tools.worker.close(self.session)
        try:
            await self._tools.timeline.forget_snapshot(self.session)
        except StoreUnavailable as error:  # an ended session's state is never read; retention takes it in the end
            log.error("the state of an ended practice is still there", session=self.session, error=str(error))


async def restore(
    session: str,
    clock: SessionClock,
    media: Mapping[Speaker, Media],
    tools: Tools,
    show: Callable[[Sequence[Line]], None],
    policy: CoachSettings,
) -> Analysis:
    """Goes on from the newest snapshot. What the timeline holds beyond it stays as it is."""
    stored = await tools.timeline.read(session)
    snapshot = await tools.timeline.read_snapshot(session)
    now, heard, pipeline, coach = 0, -1, Pipeline(session), Coach(session, policy)
    if snapshot is not None:
        try:
            now = snapshot[0]
            heard, coach_state, pipeline_state = _unframed(snapshot[1])
            pipeline = Pipeline.restore(session, pipeline_state)
            coach = Coach.restore(session, coach_state, policy)
        except (KeyError, TypeError, ValueError) as error:
            # A snapshot of another version: the baselines are learnt anew, the timeline is whole.
            log.warning("snapshot not usable", session=session, error=repr(error))
            tools.metrics.detector_failures.inc()
            now, heard, pipeline, coach = 0, -1, Pipeline(session, start=clock.now()), Coach(session, policy)
    settled = _replay(coach, stored, now, heard)
    analysis = Analysis(clock, pipeline, coach, media, tools, show, settled=settled)
    analysis._heard = max((s.line.at for s in stored if isinstance(s.line, Happening)), default=-1)
    return analysis


def _framed(heard: int, coach: bytes, pipeline: bytes) -> bytes:
    """A line that says what follows, then both states as they are."""
    head = {"v": _SNAPSHOT_VERSION, "heard": heard, "coach_bytes": len(coach)}
    return json.dumps(head).encode() + b"\n" + coach + pipeline


def _unframed(payload: bytes) -> tuple[int, bytes, bytes]:
    line, _, rest = payload.partition(b"\n")
    head = json.loads(line)
    if head["v"] != _SNAPSHOT_VERSION:
        raise ValueError(f"snapshot has version {head['v']!r}, expected {_SNAPSHOT_VERSION}")
    return int(head["heard"]), rest[: head["coach_bytes"]], rest[head["coach_bytes"] :]


def _replay(coach: Coach, stored: Sequence[Stored], now: int, heard: int) -> frozenset[str]:
    """Tells the coach what it missed; its cues of then were given or are stale. Returns ids already final."""
    settled: set[str] = set()
    for line in (entry.line for entry in stored):
        if isinstance(line, Annotation) and line.decided > now:
            coach.observe(line)
            if line.status == "final":
                settled.add(line.id)
        elif isinstance(line, Happening) and line.at > heard:
            coach.happened(line)
    return frozenset(settled)
