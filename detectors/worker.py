"""Many sessions' pipelines on the event loop, the model asked for all of them at once.

They work between packets, not beside them: Python runs one thread at a time, and a thread of their own that asks for
its turn, and gives it back at every array operation, costs the process a tenth of all that it does. Where there is more
than one frame to work on, the loop gets its turn between any two. Every session's queue is bounded; when one runs over,
its oldest audio becomes missing audio, which is counted.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from detectors.pipeline import Heard, Pipeline, heard
from detectors.settings import FRAME_SAMPLES
from detectors.silero import shared_model
from streaming.types import SAMPLE_RATE_HZ, Annotation, AudioChunk, Speaker

MAX_WAITING_SAMPLES = 10 * SAMPLE_RATE_HZ  # a partner; beyond it live audio is stale
MAX_FRAMES_A_TICK = 64  # a session: one that catches up must not hold up the others

Deliver: TypeAlias = Callable[[str, list[Annotation], int], Awaitable[None]]
Failed: TypeAlias = Callable[[str, Exception], None]


@dataclass(slots=True)
class WorkerCounts:
    """What a worker did since it began."""

    ticks: int = 0
    frames: int = 0  # 32 ms of both partners each
    dropped_samples: int = 0  # became missing because a queue ran over
    late_samples: int = 0  # refused: that time had been given already
    skipped_samples: int = 0  # became missing because the audio after them came first
    unknown_chunks: int = 0  # for a session that is not open
    failed_sessions: int = 0  # whose pipeline raised; they are closed
    failed_deliveries: int = 0


@dataclass(slots=True)
class _Queue:
    """One partner's audio, contiguous from ``begin``; what ran over lies before it as missing."""

    begin: int
    end: int
    lost: int = 0  # samples before ``begin`` that are to be given as missing
    chunks: deque[AudioChunk] = field(default_factory=deque)


class _Session:
    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.queues = {s: _Queue(pipeline.given(s), pipeline.given(s)) for s in Speaker}

    def put(self, chunk: AudioChunk, counts: WorkerCounts, most_waiting: int | None) -> None:
        queue = self.queues[chunk.speaker]
        if chunk.start < queue.end:
            late = min(queue.end - chunk.start, len(chunk.samples))
            counts.late_samples += late
            chunk = dataclasses.replace(chunk, start=chunk.start + late, samples=chunk.samples[late:])
        elif chunk.start > queue.end:
            counts.skipped_samples += chunk.start - queue.end
            queue.chunks.append(_missing(chunk, queue.end, chunk.start))
        if len(chunk.samples):
            queue.chunks.append(chunk)
            queue.end = chunk.end
        while most_waiting is not None and queue.end - queue.begin > most_waiting and len(queue.chunks) > 1:
            oldest = queue.chunks.popleft()
            queue.lost += len(oldest.samples)
            queue.begin = oldest.end
            counts.dropped_samples += 0 if oldest.missing else len(oldest.samples)

    @property
    def ready(self) -> bool:
        """There is a frame to be worked on, here or in the pipeline: for less no tick is worth its cost."""
        until = min(queue.end for queue in self.queues.values())
        return until - self.pipeline.now >= FRAME_SAMPLES or self.pipeline.ready

    def take(self) -> list[AudioChunk]:
        """All that both partners have; a partner who is ahead waits here, under the bound."""
        until = min(queue.end for queue in self.queues.values())
        out: list[AudioChunk] = []
        for queue in self.queues.values():
            if queue.lost and queue.chunks and queue.begin - queue.lost < until:
                out.append(_missing(queue.chunks[0], queue.begin - queue.lost, queue.begin))
                queue.lost = 0
            while queue.chunks and queue.chunks[0].start < until:
                chunk = queue.chunks.popleft()
                queue.begin = chunk.end
                out.append(chunk)
        return out

    def take_all(self) -> list[AudioChunk]:
        """All there is, whoever is ahead."""
        out = self.take()
        for queue in self.queues.values():
            out += queue.chunks
            queue.begin = queue.end
            queue.chunks.clear()
        return out


def _missing(like: AudioChunk, start: int, end: int) -> AudioChunk:
    zeros = np.broadcast_to(np.float32(0.0), (end - start,))  # takes no memory, however long
    return dataclasses.replace(like, start=start, samples=zeros, missing=True)


class _Run:
    """One pipeline's part of a tick, and what came of it."""

    def __init__(self, pipeline: Pipeline, chunks: list[AudioChunk]) -> None:
        self.pipeline = pipeline
        self.annotations: list[Annotation] = []
        self.frames = 0
        self.error: Exception | None = None
        self._guard(lambda: self._offer(chunks))

    @property
    def going(self) -> bool:
        return self.error is None and self.pipeline.ready

    def _offer(self, chunks: list[AudioChunk]) -> None:
        for chunk in chunks:
            self.pipeline.offer(chunk)

    def advance(self, both: tuple[Heard, Heard]) -> None:
        self.frames += 1
        self._guard(lambda: self.annotations.extend(self.pipeline.advance(both)))

    def flush(self) -> None:
        self._guard(lambda: self.annotations.extend(self.pipeline.flush()))

    def _guard(self, work: Callable[[], object]) -> None:
        """One session's error is its own: the others of the tick go on."""
        if self.error is None:
            try:
                work()
            except Exception as error:
                self.error = error


class Worker:
    """Runs pipelines. ``deliver(session, annotations, now)`` is awaited in order, also when only time went on.

    ``most_waiting`` samples of a partner may wait; None where whoever offers them keeps the bound.
    """

    def __init__(
        self,
        deliver: Deliver,
        *,
        tick_s: float = 0.02,
        failed: Failed | None = None,
        most_waiting: int | None = MAX_WAITING_SAMPLES,
    ) -> None:
        self.counts = WorkerCounts()
        self._deliver = deliver
        self._failed = failed
        self._tick_s = tick_s
        self._most_waiting = most_waiting
        self._sessions: dict[str, _Session] = {}
        self._between_ticks = asyncio.Lock()

    def open(self, pipeline: Pipeline) -> None:
        self._sessions[pipeline.session] = _Session(pipeline)

    def offer(self, chunk: AudioChunk) -> None:
        """Takes a chunk, at once. A jump forward becomes missing audio; what lies before the end is refused."""
        session = self._sessions.get(chunk.session)
        if session is None:
            self.counts.unknown_chunks += 1
        else:
            session.put(chunk, self.counts, self._most_waiting)

    async def close(self, session: str) -> None:
        """Works on what waits, flushes, and delivers the rest. The session is gone afterwards."""
        async with self._between_ticks:
            state = self._sessions.pop(session, None)
            if state is not None:
                await self._work([(state.pipeline, state.take())], None, flush=True)

    async def settle(self, session: str) -> tuple[int, bytes] | None:
        """Works on all that was offered and delivers it; the state then. None where the session is not open."""
        async with self._between_ticks:
            state = self._sessions.get(session)
            if state is None:
                return None
            await self._work([(state.pipeline, state.take_all())], None)
            if self._sessions.get(session) is not state:  # it failed on this
                return None
            return state.pipeline.now, state.pipeline.save()

    def forget(self, session: str) -> None:
        """Another worker has it."""
        self._sessions.pop(session, None)

    async def save(self, session: str) -> tuple[int, bytes]:
        """Session time and state of a pipeline, between ticks. Raises KeyError where it is not open."""
        async with self._between_ticks:
            state = self._sessions[session]
            await self._work([(state.pipeline, state.take())], 0)
            pipeline = self._sessions[session].pipeline  # unless it failed on what was offered
            return pipeline.now, pipeline.save()

    async def warm(self) -> None:
        """The model is loaded before the first session speaks."""
        await asyncio.to_thread(shared_model)

    async def run(self) -> None:
        """Ticks until cancelled."""
        loop = asyncio.get_running_loop()
        await self.warm()
        while True:
            # At whole multiples, as a gateway polls its audio: one wake-up serves both.
            due_s = (loop.time() // self._tick_s + 1) * self._tick_s
            await self.tick()
            await asyncio.sleep(max(0.0, due_s - loop.time()))

    async def tick(self) -> None:
        """Works on all that came since the last."""
        async with self._between_ticks:
            jobs = [(state.pipeline, state.take()) for state in self._sessions.values() if state.ready]
            if jobs:
                await self._work(jobs, MAX_FRAMES_A_TICK)

    async def _work(
        self, jobs: list[tuple[Pipeline, list[AudioChunk]]], most_frames: int | None, *, flush: bool = False
    ) -> None:
        self.counts.ticks += 1
        runs = [_Run(pipeline, chunks) for pipeline, chunks in jobs]
        done = 0
        while (most_frames is None or done < most_frames) and (going := [run for run in runs if run.going]):
            if done:
                await asyncio.sleep(0)
            for run, both in zip(going, heard([run.pipeline for run in going]), strict=True):
                run.advance(both)
            done += 1
        if flush:
            for run in runs:
                run.flush()
        await self._hand_out(runs)

    async def _hand_out(self, runs: list[_Run]) -> None:
        for run in runs:
            self.counts.frames += run.frames
            if run.error is not None:
                self.counts.failed_sessions += 1
                self._sessions.pop(run.pipeline.session, None)
                self._report(run.pipeline.session, run.error)
        news = [run for run in runs if run.annotations or run.frames]
        answers = await asyncio.gather(
            *(self._deliver(run.pipeline.session, run.annotations, run.pipeline.now) for run in news),
            return_exceptions=True,
        )
        for run, answer in zip(news, answers, strict=True):
            if isinstance(answer, Exception):
                self.counts.failed_deliveries += 1
                self._report(run.pipeline.session, answer)

    def _report(self, session: str, error: Exception) -> None:
        if self._failed is not None:
            self._failed(session, error)
