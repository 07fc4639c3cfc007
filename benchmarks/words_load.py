"""How many sessions one transcriber carries, in virtual time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.harness import quantile
from detectors.words_utterances import Utterance
from gateway.words.queue import Waiting, WordsQueue

LATE_S = 5.0  # a text later than this is no longer "what was just said"
MOST_SESSIONS = 200


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


def simulate(session: Sequence[Timed], sessions: int) -> Served:
    """So many sessions like this one, each begun at another moment, heard one utterance after another."""
    rng = np.random.default_rng(0)
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
    return Served(finals, dropped)


def sessions_a_core(session: Sequence[Timed]) -> int:
    """With a core of its own: the most sessions of which no final text is dropped, and 95 in 100 come within 5 s."""

    session = [replace(timed, busy_s=timed.cpu_s) for timed in session]  # whatever else the machine did then

    def carries(sessions: int) -> bool:
        served = simulate(session, sessions)
        return not served.finals_dropped and quantile(served.finals_s, 0.95) <= LATE_S

    low, high = 0, MOST_SESSIONS
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if carries(middle) else (low, middle - 1)
    return low
