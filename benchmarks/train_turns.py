"""Fits the weights of ``detectors.turn_model`` to real talk: ``python -m benchmarks.train_turns``.

Each conversation is also heard with its boundaries moved at random, as no speech detector places
them exactly. What is held out is always a whole conversation, with all its moved copies.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.gold import Gold, gold_labels
from benchmarks.harness import recordings
from benchmarks.sbcsae import Conversation, read_all
from benchmarks.scoring import MATCH_SAMPLES
from detectors import turn_model
from detectors.overlap import Overlap
from detectors.turn_model import EARLY, RULED, WEIGHTS, Logit, TurnModel
from detectors.turns import TurnDetector, changes
from streaming.types import INTERRUPTION_KINDS, Annotation, Span, Speaker, joined

Table = NDArray[np.float64]
Truth = NDArray[np.bool_]

_RIDGE = 20.0  # pull of standardised weights to nothing; from 5 to 200 held-out figures hardly change
# Weight of overlaps that are neither demanded nor punished unless called an interruption (laughter, mostly). A
# probability should be true of the others; what these cost is for the final word's bar to weigh.
_UNDEMANDED = 0.1
_BLANK = TurnModel(*(Logit((0.0,) * len(names), 0.0) for names in (EARLY, RULED)))
_EARLY_TICKS = (1, 2, 3, 4, 6, 8, 10, 13)  # hundredths of seconds after the start, times ten
_MOVED_S = (0.05, 0.1, 0.05, 0.1)  # how far boundaries are moved in each copy


@dataclass(frozen=True, slots=True)
class Rows:
    """Moments of overlaps: what was known, and whether it was an interruption in the end."""

    x: Table
    y: Truth
    weight: Table

    @staticmethod
    def joined(parts: Sequence[Rows]) -> Rows:
        return Rows(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("x", "y", "weight")))


@dataclass(frozen=True, slots=True)
class Lessons:
    """What one conversation teaches the two models."""

    name: str
    early: Rows
    ruled: Rows


class _Listener(TurnDetector):
    """The detector itself, noting what it knew of each overlap whenever it looked."""

    def __init__(self) -> None:
        super().__init__("training", model=_BLANK)
        self.seen: list[tuple[int, Speaker, int, bool, list[float]]] = []

    def _progress(self, o: Overlap) -> list[Annotation]:
        said = super()._progress(o)
        if said and not o.together and (o.ruled is None or o.ruled in INTERRUPTION_KINDS):
            x = turn_model.ruled(o) if o.ruled else turn_model.early(o, self.now)
            self.seen.append((o.start, o.by, self.now, o.ruled is not None, x))
        return said


def learn(conversation: Conversation, gold: Sequence[Gold]) -> Lessons:
    """Everything that a conversation and its moved copies teach."""
    rng = np.random.default_rng(int.from_bytes(conversation.name.encode()[-4:], "big"))
    early: list[tuple[list[float], bool, float]] = []
    ruled: list[tuple[list[float], bool, float]] = []
    for moved_s in (0.0, *_MOVED_S):
        listener = _Listener()
        for end, active in changes(moved(conversation.activity, moved_s, rng)):
            listener.step(end, active, {})
        listener.flush()
        for start, by, now, is_ruled, x in listener.seen:
            label = _nearest(gold, start, by)
            row = (x, bool(label and label.interruption), 1.0 if label and label.demanded else _UNDEMANDED)
            tick, rest = divmod(now - start, listener.settings.refresh_samples)
            if is_ruled:
                ruled.append(row)
            elif rest == 0 and tick in _EARLY_TICKS:
                early.append(row)
    return Lessons(conversation.name, _rows(early), _rows(ruled))


def moved(activity: dict[Speaker, list[Span]], by_s: float, rng: np.random.Generator) -> dict[Speaker, list[Span]]:
    """Every boundary moved by up to ``by_s`` either way; spans that vanish are left out."""

    def shift(at: int) -> int:
        return max(0, at + round(float(rng.uniform(-by_s, by_s)) * 16_000))

    def one(span: Span) -> Span | None:
        start, end = shift(span.start), shift(span.end)
        return Span(start, end) if start < end else None

    return {who: joined([s for span in spans if (s := one(span))]) for who, spans in activity.items()}


def train(lessons: Sequence[Lessons]) -> TurnModel:
    """Both models from the conversations given."""
    return TurnModel(
        early=fit(Rows.joined([one.early for one in lessons])),
        ruled=fit(Rows.joined([one.ruled for one in lessons])),
    )


def fit(rows: Rows) -> Logit:
    """Ridge-penalised logistic regression by Newton's method."""
    middle, spread = rows.x.mean(axis=0), np.maximum(rows.x.std(axis=0), 1e-6)
    design = np.column_stack([(rows.x - middle) / spread, np.ones(len(rows.x))])
    pull = np.diag([_RIDGE] * len(middle) + [0.0])
    weights = np.zeros(len(middle) + 1)
    for _ in range(30):
        p = 1 / (1 + np.exp(-design @ weights))
        slope = design.T @ (rows.weight * (p - rows.y)) + pull @ weights
        weights -= np.linalg.solve((design * (rows.weight * p * (1 - p))[:, None]).T @ design + pull, slope)
    plain = weights[:-1] / spread
    offset = float(weights[-1] - plain @ middle)
    return Logit(tuple(round(float(weight), 4) for weight in plain), round(offset, 4))


def _nearest(gold: Sequence[Gold], start: int, by: Speaker) -> Gold | None:
    near = [label for label in gold if label.by is by and abs(label.start - start) <= MATCH_SAMPLES]
    return min(near, key=lambda label: abs(label.start - start), default=None)


def _rows(lines: list[tuple[list[float], bool, float]]) -> Rows:
    x, y, weight = zip(*lines, strict=True)
    return Rows(np.array(x), np.array(y, bool), np.array(weight))


def main() -> None:
    """Trains on all conversations and writes the weights that are shipped."""
    lessons = [learn(one, gold_labels(one)) for one in read_all(recordings())]
    model = train(lessons)
    WEIGHTS.write_text(json.dumps(model.as_json(), indent=1) + "\n", encoding="utf-8")
    print(f"{WEIGHTS}: from {len(lessons)} conversations")


if __name__ == "__main__":
    main()
