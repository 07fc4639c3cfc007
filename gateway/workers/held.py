"""One practice on a worker: reads its stream, runs detectors and coach, writes the timeline, then tells the gateway.

What is written depends only on the order of messages in the stream. All audio before a message is worked on before
the coach hears that message; how the stream was cut into reads, and how slow the store was, change no line. So a
worker that goes on from a kept state writes the same lines again, and the timeline ignores those it already has.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import suppress

import structlog

from coach.evidence import revised_by_words
from coach.outcomes import DETECTOR as COACH
from coach.policy import Coach
from detectors.pipeline import Pipeline
from gateway.media.clock import SessionClock
from gateway.practice.analyst import MAX_FAILURES
from gateway.practice.analysts import replay
from gateway.practice.exchange import Begin, Came, Close, Heard, in_stream, state_stream, unpack
from gateway.practice.kept import Kept
from gateway.practice.learnt import beginning
from gateway.workers.outgoing import Means, Outgoing
from streaming.bus import START, Message, missed_between
from streaming.errors import BusUnavailable, StoreUnavailable, UnusableInput
from streaming.types import SAMPLE_RATE_HZ, Annotation, AudioChunk, Cue, Happening, Line

TOO_SLOW_S = 30.0  # a stream holds 20 s: who catches up with it does not fall behind again so soon
HEARD_IDS = 512  # of happenings: many more than can be delivered twice

log = structlog.get_logger("gateway.workers.held")


class Held:
    """``work`` is one batch of the stream at a time."""

    def __init__(self, session: str, means: Means) -> None:
        self.session = session
        self.position = START
        self.order = asyncio.Lock()  # held while the stream's messages are worked on, or the practice is given away
        self.out = Outgoing(session, means, self._still_here)
        self.going = False  # its last things are being done
        self.touched_s = time.monotonic()  # when the stream last said anything
        self.kept_s = time.monotonic()
        self._means = means
        self._begun: Begin | None = None
        self._coach = Coach(self.session)
        self._clock = SessionClock(0.0)
        self._now = 0
        self._leaving = False  # it goes to another worker
        self._ended = False
        self._failures = 0
        self._missed_s = -TOO_SLOW_S
        self._untold = False  # the coach is still to be told what people did
        self._settled: frozenset[str] = frozenset()
        self._heard: deque[str] = deque(maxlen=HEARD_IDS)

    @property
    def reads(self) -> bool:
        """More of the stream may come. Where the store is far behind, it waits there."""
        return not (self._leaving or self._ended or self.out.lost or self.out.full)

    # Coming and going

    async def restore(self) -> None:
        """Goes on from the newest state; without one, from the stream's own beginning. Raises BusUnavailable."""
        last = await self._means.bus.last(state_stream(self.session))
        if last is None:
            return
        try:
            kept = Kept.unpacked(last.payload)
            if kept.begin is None:
                raise UnusableInput("it is of no practice that had begun")
            pipeline, coach = kept.restored(self.session, kept.begin.policy)
        except UnusableInput as error:
            log.warning("a state was not usable", session=self.session, error=str(error))
            return
        self._start(kept.begin, pipeline, coach)
        self.position = kept.position
        self._heard.extend(kept.told)
        self._means.metrics.restores.inc()

    async def give_away(self) -> None:
        """Returns once all is written and the state is kept: another worker can go on from here at once."""
        async with self.order:
            self._leaving = True
            await self._keep()
        await self.out.end()
        self._means.detectors.forget(self.session)

    async def drop(self) -> None:
        """Another has it, or nobody needs it: not a word more."""
        self._means.detectors.forget(self.session)
        await self.out.close()

    # In

    async def work(self, messages: list[Message]) -> None:
        async with self.order:
            for message in messages:
                if self._leaving or self._ended or self.out.lost:
                    return
                self.position = message.position
                if message.missed and await self._missed(message.missed):
                    return
                try:
                    await self._hear(unpack(self.session, message.payload))
                except UnusableInput as error:
                    self._means.metrics.not_understood.inc()
                    log.error("a message was not understood", session=self.session, error=str(error))
        self.touched_s = time.monotonic()

    async def keep(self) -> None:
        """A state of this moment goes out, once all that led to it is written."""
        async with self.order:
            if not self._leaving and not self._ended:
                await self._keep()

    async def _keep(self) -> None:
        self.kept_s = time.monotonic()
        if self._begun is None:
            return
        settled = await self._means.detectors.settle(self.session)
        if settled is None:
            return
        now, pipeline = settled
        told, begin = tuple(self._heard), self._begun
        self.out.put(Kept(now, self._coach.save(), pipeline, told=told, position=self.position, begin=begin))

    async def _hear(self, heard: Heard) -> None:
        match heard:
            case Begin():
                if self._begun is None or self._begun.began_unix != heard.began_unix:
                    await self._begin(heard)
                elif self._untold:
                    await self._tell_what_people_did()
            case AudioChunk():
                if self._begun is not None:
                    self._means.detectors.offer(heard)
            case Happening():
                if self._begun is not None and heard.id not in self._heard:
                    await self._means.detectors.settle(self.session)
                    self._heard.append(heard.id)
                    self._said(self._coach.happened(heard), [])
            case Annotation():
                if self._begun is not None:
                    await self._means.detectors.settle(self.session)
                    self._said(self._coach.observe(heard), [])
            case Close():
                if self._begun is None or self._begun.began_unix == heard.began_unix:
                    await self._close(heard)

    async def _begin(self, begin: Begin) -> None:
        """At the start of a practice, or where the bus lost its state: then the coach reads the timeline again."""
        pipeline, coach = beginning(self.session, begin.policy, begin.learnt)
        settled = frozenset[str]()
        if begin.at > 0:
            pipeline = Pipeline(self.session, start=begin.at)
            try:
                stored = await self._means.timeline.read(self.session)
            except StoreUnavailable as error:  # it is said again in a few seconds
                log.error("a practice cannot be gone on with yet", session=self.session, error=str(error))
                return
            settled = replay(coach, stored, 0, -1)
            self._heard.extend(entry.line.id for entry in stored if isinstance(entry.line, Happening))
            coach.take_outcomes()  # they are in the timeline, too
            coach.advance(begin.at)
            self._means.metrics.begun_anew.inc()
        self._start(begin, pipeline, coach, settled)

    def _start(self, begin: Begin, pipeline: Pipeline, coach: Coach, settled: frozenset[str] = frozenset()) -> None:
        self._begun, self._coach, self._settled = begin, coach, settled
        self._clock = SessionClock(begin.began_unix)
        self._now = pipeline.now
        self._means.detectors.open(pipeline)

    async def _missed(self, messages: int) -> bool:
        """Messages were dropped unread: their audio counts as missing, what people did is read from the timeline.

        Returns True where this happens again soon: a worker that is too slow jumps to the newest message.
        """
        self._means.metrics.missed.inc(messages)
        log.error("messages were dropped before anybody worked on them", session=self.session, messages=messages)
        too_slow = time.monotonic() - self._missed_s < TOO_SLOW_S
        self._missed_s = time.monotonic()
        with suppress(BusUnavailable):
            if too_slow and (last := await self._means.bus.last(in_stream(self.session))):
                self._means.metrics.skipped.inc(max(0, missed_between(self.position, last.position)))
                self.position = last.position
        if self._begun is not None:
            await self._tell_what_people_did()
        return too_slow

    async def _tell_what_people_did(self) -> None:
        self._untold = True
        try:
            stored = await self._means.timeline.read(self.session)
        except StoreUnavailable as error:  # tried again in a few seconds, as the practice is said to be on
            log.error("the coach was not told what people did", session=self.session, error=str(error))
            return
        self._untold = False
        for line in (entry.line for entry in stored):
            if (isinstance(line, Happening) and line.detector != COACH) or revised_by_words(line):
                await self._hear(line)

    async def _close(self, close: Close) -> None:
        await self._means.detectors.settle(self.session)
        self._ended = True
        await self._means.detectors.close(self.session)
        self.out.put(Came(close.began_unix, closed=True))

    # What the detectors say

    def annotated(self, annotations: list[Annotation], now: int) -> None:
        self._now = now
        fresh = [annotation for annotation in annotations if annotation.id not in self._settled]
        cues = [cue for annotation in fresh for cue in self._coach.observe(annotation)]
        self._said(cues + self._coach.advance(now), fresh)

    def _said(self, cues: list[Cue], annotations: list[Annotation]) -> None:
        outcomes = self._coach.take_outcomes()
        if self._ended:
            cues = []  # said into the end of a practice
        if annotations or cues or outcomes:
            self.out.put(self._came([*annotations, *cues, *outcomes], cues))

    def _still_here(self) -> None:
        if self._begun is not None and not self.out.full:
            self.out.put(self._came([], []))

    def _came(self, lines: list[Line], cues: list[Cue]) -> Came:
        assert self._begun is not None
        now = self._clock.now()
        decided_ms = {cue.id: round((now - cue.at) * 1000 / SAMPLE_RATE_HZ, 1) for cue in cues}
        return Came(self._begun.began_unix, lines, decided_ms, self._coach.fallen_silent)

    def failed(self) -> None:
        """The detectors failed: new ones go on from here."""
        self._failures += 1
        self._means.metrics.detector_failures.inc()
        if self._failures > MAX_FAILURES or self._ended:
            log.error("detectors failed too often, the practice goes on without them", session=self.session)
            return
        self._means.detectors.open(Pipeline(self.session, start=self._now))
