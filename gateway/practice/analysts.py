"""The analysts of one process: their detectors run together, their states are kept every few seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import structlog

from coach.evidence import revised_by_words
from coach.policy import Coach
from coach.settings import CoachSettings
from detectors.pipeline import Pipeline
from detectors.worker import Worker, WorkerCounts
from gateway.practice.analyst import Analyst, LocalAnalyst, Practised, Tools
from gateway.practice.kept import Kept, learnt_of
from gateway.practice.learnt import Learnt, beginning
from streaming.errors import StoreUnavailable, UnusableInput
from streaming.timeline import Stored
from streaming.types import Annotation, Happening

log = structlog.get_logger("gateway.practice.analysts")


class Analysts(Protocol):
    """Whoever analyses a gateway's practices: this process, or workers elsewhere."""

    def begin(self, practised: Practised) -> Analyst:
        """A practice begins at session time 0. Begun again, it replaces the one before."""

    async def resume(self, practised: Practised) -> Analyst:
        """A practice goes on after a restart. Raises StoreUnavailable."""

    async def learnt(self, session: str, policy: CoachSettings) -> Learnt | None:
        """What a running practice has taught, by its newest state; None where that tells too little.

        Raises StoreUnavailable.
        """

    async def run(self) -> None:
        """Works until cancelled."""

    async def save(self) -> None:
        """Called every few seconds and at the end: what only this process knows is kept."""


class LocalAnalysts:
    """All on one detectors' worker, which asks the model for all of them at once."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._worker = Worker(self._annotated, failed=self._failed)
        self._analysts: dict[str, LocalAnalyst] = {}

    @property
    def counts(self) -> WorkerCounts:
        return self._worker.counts

    async def run(self) -> None:
        """Works until cancelled."""
        await self._worker.run()

    def begin(self, practised: Practised) -> LocalAnalyst:
        pipeline, coach = beginning(practised.session, practised.policy, practised.learnt)
        return self._add(LocalAnalyst(practised, pipeline, coach, self._worker, self._tools))

    async def resume(self, practised: Practised) -> LocalAnalyst:
        """Goes on from the newest state in the store. What the timeline holds beyond it stays as it is."""
        session, policy = practised.session, practised.policy
        stored = await self._tools.timeline.read(session)
        snapshot = await self._tools.timeline.read_snapshot(session)
        now, heard, pipeline, coach = 0, -1, Pipeline(session), Coach(session, policy)
        if snapshot is not None:
            try:
                kept = Kept.unpacked(snapshot[1])
                pipeline, coach = kept.restored(session, policy)
                now, heard = kept.now, kept.heard
            except UnusableInput as error:
                # A state of another version: the baselines are learnt anew, the timeline is whole.
                log.warning("snapshot not usable", session=session, error=str(error))
                self._tools.metrics.detector_failures.inc()
                pipeline = Pipeline(session, start=practised.clock.now())
        settled = replay(coach, stored, now, heard)
        heard = max((s.line.at for s in stored if isinstance(s.line, Happening)), default=-1)
        args = (practised, pipeline, coach, self._worker, self._tools)
        return self._add(LocalAnalyst(*args, settled=settled, heard=heard))

    async def learnt(self, session: str, policy: CoachSettings) -> Learnt | None:
        snapshot = await self._tools.timeline.read_snapshot(session)
        return learnt_of(session, snapshot[1] if snapshot else None, policy)

    async def save(self) -> None:
        """Keeps what changed since the last time. One practice's failure is its own."""
        for analyst in list(self._analysts.values()):
            if analyst.closed:
                await self._forget(analyst)
                continue
            try:
                await self._save(analyst)
            except (StoreUnavailable, KeyError) as error:
                log.error("a state was not kept", session=analyst.session, error=repr(error))

    async def _save(self, analyst: LocalAnalyst) -> None:
        if analyst.kept == (analyst.now, analyst.heard):
            return
        state = await analyst.state()
        if state is None:
            return
        await self._tools.timeline.save_snapshot(analyst.session, state.now, state.packed())
        analyst.kept = (state.now, state.heard)
        if analyst.closed:  # it ended while this was written
            await self._forget(analyst)

    async def _forget(self, analyst: LocalAnalyst) -> None:
        """An ended practice needs no state any more, and it holds up to a second of sound."""
        session = analyst.session
        try:
            await self._tools.timeline.forget_snapshot(session)
        except StoreUnavailable as error:  # tried again at the next saving
            log.error("the state of an ended practice is still there", session=session, error=str(error))
            return
        if self._analysts.get(session) is analyst:  # else its beginning had failed, and it has begun again
            del self._analysts[session]

    def _add(self, analyst: LocalAnalyst) -> LocalAnalyst:
        self._analysts[analyst.session] = analyst
        return analyst

    async def _annotated(self, session: str, annotations: list[Annotation], now: int) -> None:
        await self._analysts[session].annotated(annotations, now)

    def _failed(self, session: str, error: Exception) -> None:
        log.error("detectors failed", session=session, error=repr(error), exc_info=error)
        if session in self._analysts:
            self._analysts[session].begin_afresh()


def replay(coach: Coach, stored: Sequence[Stored], now: int, heard: int) -> frozenset[str]:
    """Tells the coach what it missed; its cues of then were given or are stale. Returns ids already final."""
    settled: set[str] = set()
    for line in (entry.line for entry in stored):
        if isinstance(line, Annotation) and (line.decided > now or revised_by_words(line)):
            coach.observe(line)
            if line.status == "final":
                settled.add(line.id)
        elif isinstance(line, Happening) and line.at > heard:
            coach.happened(line)
    return frozenset(settled)
