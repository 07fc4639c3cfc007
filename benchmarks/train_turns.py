"""Grows the forests of ``detectors.turn_model`` on real talk: ``python -m benchmarks.train_turns``.

Each conversation is also heard with its boundaries moved at random, as no speech detector places
them exactly. What is held out is always a whole conversation, with all its moved copies.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.gold import gold_labels
from benchmarks.grow import Growth, Table, Truth, calibrated, grow, means
from benchmarks.harness import recordings
from benchmarks.sbcsae import Conversation, read_all
from benchmarks.scoring import MATCH_SAMPLES
from detectors.forest import Forest, Tree
from detectors.overlap import Overlap
from detectors.turn_model import WEIGHTS, TurnModel, features
from detectors.turns import TurnDetector, changes
from streaming.rttm import joined
from streaming.types import INTERRUPTION_KINDS, Annotation, Span, Speaker

EARLY = Growth(trees=40, leaf=60)
RULED = Growth(trees=60, leaf=15)
_BLANK = Forest((Tree((-1,), (0.5,), (0,)),))
_EARLY_TICKS = (1, 2, 3, 4, 6, 8, 10, 13)  # hundredths of seconds after the start, times ten
_MOVED_S = (0.05, 0.1, 0.05, 0.1)  # how far boundaries are moved in each copy


@dataclass(frozen=True, slots=True)
class Rows:
    """Moments of overlaps: what was known, and whether it was an interruption in the end."""

    x: Table
    y: Truth
    copy: np.ndarray[Any, np.dtype[np.int64]]  # 0: the boundaries as they are

    @staticmethod
    def joined(parts: Sequence[Rows]) -> Rows:
        return Rows(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("x", "y", "copy")))


@dataclass(frozen=True, slots=True)
class Lessons:
    """What one conversation teaches the two forests."""

    name: str
    early: Rows
    ruled: Rows


class _Listener(TurnDetector):
    """The detector itself, noting what it knew of each overlap whenever it looked."""

    def __init__(self) -> None:
        super().__init__("training", model=TurnModel(_BLANK, _BLANK))
        self.seen: list[tuple[int, Speaker, int, bool, list[float]]] = []

    def _progress(self, o: Overlap) -> list[Annotation]:
        said = super()._progress(o)
        if said and not o.together and (o.ruled is None or o.ruled in INTERRUPTION_KINDS):
            self.seen.append((o.start, o.by, self.now, o.ruled is not None, features(o, self.now)))
        return said


def learn(conversation: Conversation) -> Lessons:
    """Everything that a conversation and its moved copies teach."""
    rng = np.random.default_rng(int.from_bytes(conversation.name.encode()[-4:], "big"))
    starts = {(g.start, g.by): g.interruption for g in gold_labels(conversation)}
    early: list[tuple[list[float], bool, int]] = []
    ruled: list[tuple[list[float], bool, int]] = []
    for copy, moved_s in enumerate((0.0, *_MOVED_S)):
        listener = _Listener()
        for end, active in changes(moved(conversation.activity, moved_s, rng)):
            listener.step(end, active, {})
        listener.flush()
        for start, by, now, is_ruled, x in listener.seen:
            truth = _truth(starts, start, by)
            tick, rest = divmod(now - start, listener.settings.refresh_samples)
            if is_ruled:
                ruled.append((x, truth, copy))
            elif rest == 0 and tick in _EARLY_TICKS:
                early.append((x, truth, copy))
    return Lessons(conversation.name, _rows(early), _rows(ruled))


def moved(activity: dict[Speaker, list[Span]], by_s: float, rng: np.random.Generator) -> dict[Speaker, list[Span]]:
    """Every boundary moved by up to ``by_s`` either way; spans that vanish are left out."""

    def shift(at: int) -> int:
        return max(0, at + round(float(rng.uniform(-by_s, by_s)) * 16_000))

    def one(span: Span) -> Span | None:
        start, end = shift(span.start), shift(span.end)
        return Span(start, end) if start < end else None

    return {who: joined([s for span in spans if (s := one(span))]) for who, spans in activity.items()}


def train(lessons: Sequence[Lessons], *, seed: int = 0) -> TurnModel:
    """Both forests, calibrated on conversations that the trees which judge them have not seen."""
    return TurnModel(
        _grown([one.early for one in lessons], EARLY, seed), _grown([one.ruled for one in lessons], RULED, seed)
    )


def _grown(parts: Sequence[Rows], growth: Growth, seed: int, folds: int = 5) -> Forest:
    held: list[Table] = []
    truth: list[Truth] = []
    for fold in range(folds):
        rest = Rows.joined([part for i, part in enumerate(parts) if i % folds != fold])
        forest = grow(rest.x, rest.y, growth, seed)
        for part in parts[fold::folds]:
            as_is = part.copy == 0
            held.append(means(forest, part.x[as_is]))
            truth.append(part.y[as_is])
    every = Rows.joined(parts)
    return calibrated(grow(every.x, every.y, growth, seed), np.concatenate(held), np.concatenate(truth))


def _truth(starts: dict[tuple[int, Speaker | None], bool], start: int, by: Speaker) -> bool:
    near = [(abs(at - start), is_one) for (at, who), is_one in starts.items() if who is by]
    distance, is_one = min(near, default=(MATCH_SAMPLES + 1, False))
    return is_one and distance <= MATCH_SAMPLES


def _rows(lines: list[tuple[list[float], bool, int]]) -> Rows:
    x, y, copy = zip(*lines, strict=True)
    return Rows(np.array(x), np.array(y, bool), np.array(copy))


def main() -> None:
    """Trains on all conversations and writes the weights that are shipped."""
    lessons = [learn(conversation) for conversation in read_all(recordings())]
    model = train(lessons)
    WEIGHTS.write_text(json.dumps(model.as_json(), separators=(",", ":")) + "\n", encoding="utf-8")
    events = sum(int((one.ruled.copy == 0).sum()) for one in lessons)
    print(
        f"{WEIGHTS}: {WEIGHTS.stat().st_size / 1000:.0f} kB from {len(lessons)} conversations, {events} judged overlaps"
    )


if __name__ == "__main__":
    main()
