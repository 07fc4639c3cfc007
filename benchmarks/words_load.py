"""How many sessions one transcriber carries, in virtual time; and what it does to the detectors beside it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from coach.meaning import language
from detectors.pipeline import Pipeline
from detectors.silero import shared_model
from detectors.words_utterances import Utterance
from detectors.worker import Worker
from gateway.words_process import Transcriber
from gateway.words_queue import Waiting, WordsQueue
from streaming.types import SAMPLE_RATE_HZ, Annotation, AudioChunk, Samples, Speaker

LATE_S = 5.0  # a text later than this is no longer "what was just said"
MOST_SESSIONS = 200
PACKET = 320


@dataclass(frozen=True, slots=True)
class Timed:
    """An utterance without its sound, when it was ready (session seconds), and how long hearing it took.

    ``busy_s`` by the wall clock, ``cpu_s`` of the processor.
    """

    utterance: Utterance
    ready_s: float
    said_s: float  # end of its last word
    busy_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Served:
    """What came of a simulated load: delays of final texts from the end of their last word, and what was dropped."""

    finals_s: Sequence[float]
    finals_dropped: int
    finals_only: bool


def simulate(session: Sequence[Timed], sessions: int, *, seed: int = 0) -> Served:
    """So many sessions like this one, each begun at another moment, heard one utterance after another."""
    rng = np.random.default_rng(seed)
    length_s = max(t.ready_s for t in session) + 1.0
    offers: list[tuple[float, Timed, Utterance]] = []
    for number in range(sessions):
        offset_s = float(rng.uniform(0, length_s))
        for timed in session:
            at_s = (timed.ready_s + offset_s) % length_s  # who began before the first moment is heard round
            named = replace(timed.utterance, session=f"s{number}", id=f"s{number} {timed.utterance.id}")
            offers.append((at_s, timed, named))
    offers.sort(key=lambda offer: offer[0])
    known = {(named.id, named.decided): (at_s, timed) for at_s, timed, named in offers}
    queue, finals, now_s, i = WordsQueue(), list[float](), 0.0, 0
    while i < len(offers) or len(queue):
        while i < len(offers) and offers[i][0] <= now_s:
            queue.offer(offers[i][2], offers[i][0])
            i += 1
        waiting: Waiting | None = queue.take(now_s)
        if waiting is None:
            now_s = offers[i][0] if i < len(offers) else now_s + 1.0
            continue
        at_s, timed = known[waiting.utterance.id, waiting.utterance.decided]
        now_s += timed.busy_s
        if waiting.utterance.final:
            finals.append(now_s - at_s + timed.ready_s - timed.said_s)
    dropped = queue.counts.stale_finals + queue.counts.overflowed_finals
    return Served(finals, dropped, queue.counts.partials_shed > 0)


def sessions_a_core(session: Sequence[Timed]) -> int:
    """With a core of its own: the most sessions of which no final text is dropped, and 95 in 100 come within 5 s."""

    session = [replace(timed, busy_s=timed.cpu_s) for timed in session]  # whatever else the machine did then

    def carries(sessions: int) -> bool:
        served = simulate(session, sessions)
        return not served.finals_dropped and float(np.quantile(served.finals_s, 0.95)) <= LATE_S

    low, high = 0, MOST_SESSIONS
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if carries(middle) else (low, middle - 1)
    return low


async def detector_delays_ms(
    model: Path, sound: dict[Speaker, Samples], *, sessions: int, turns: int, turn_s: float
) -> tuple[list[float], list[float], int]:
    """Delays from a packet to the detectors' word on its time: transcriber at rest, and never at rest; and what it did.

    Turns of the two alternate, so that whatever else the machine does falls on both.
    """
    shared_model()
    transcriber = await Transcriber.start(model, language("en").invented)
    given: dict[tuple[str, int], float] = {}
    delays: dict[bool, list[float]] = {False: [], True: []}
    busy, heard = False, 0

    async def deliver(session: str, annotations: list[Annotation], now: int) -> None:
        for key in [key for key in given if key[0] == session and key[1] <= now]:
            delays[busy].append((time.perf_counter() - given.pop(key)) * 1000)

    async def keep_busy() -> None:
        nonlocal heard
        own = sound[Speaker.B][5 * SAMPLE_RATE_HZ : 9 * SAMPLE_RATE_HZ]
        while busy:
            await transcriber.hear(own, "en")
            heard += 1

    worker = Worker(deliver)
    running = asyncio.create_task(worker.run())
    for number in range(sessions):
        worker.open(Pipeline(f"s{number}"))
    position, due_s = 0, time.perf_counter() + 0.5
    try:
        for turn in range(2 * turns):
            busy = turn % 2 == 1
            words = asyncio.create_task(keep_busy()) if busy else None
            until_s = due_s + turn_s
            while due_s < until_s:
                await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
                due_s += PACKET / SAMPLE_RATE_HZ
                now_s = time.perf_counter()
                for number in range(sessions):
                    given[f"s{number}", position + PACKET] = now_s
                    for speaker, own in sound.items():
                        at = position % (len(own) - PACKET)
                        worker.offer(AudioChunk(f"s{number}", speaker, position, own[at : at + PACKET]))
                position += PACKET
            busy = False
            if words:
                await words
                due_s = time.perf_counter()
            given.clear()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await transcriber.stop()
    return delays[False], delays[True], heard
