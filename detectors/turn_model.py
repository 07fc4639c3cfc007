"""How likely an overlap is an interruption in people's sense, from durations heard so far.

Two logistic models: ``early`` while the table of types has not spoken, ``ruled`` once it says
interruption: by timing alone four in ten of those are completed turns, laughter or listening.
Fitted by ``benchmarks/train_turns.py`` on real talk; neither sees anything later than the moment at
which it is asked.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

from detectors.floor import Voice
from detectors.overlap import Overlap
from streaming.types import INTERRUPTION_KINDS, SAMPLE_RATE_HZ, Kind

WEIGHTS = Path(__file__).parent / "weights" / "turns.json"
P_OTHER = 0.02  # of types that are no interruption; what people call them rarely differs
_FORESEEN_S = 0.3  # a turn that ends this soon was foreseen to end (EVENTS)
# Log odds a dB over own usual, while the type is open. No labelled sound stands behind them, only the literature's
# sign (see detectors/effort.py); the final word is left to the timing, which is measured.
_BY_RAISED, _OVER_RAISED = 0.06, 0.04
_MOST_DB = 6.0  # beyond it is a gain change or a shout, and no finer evidence
_FAR_S = 30.0  # longer ago than this makes no difference

# Durations are capped where longer ones say no more; ``log_`` is log(1 + seconds).
BEFORE = (
    "log_over_burst",  # the floor holder's burst up to the start: long tellings are listened to
    "by_silent_for_s",  # since the starter was last heard
    "over_pauses",  # the holder had just fallen silent, for less than ends an IPU
)
DURING = (
    "over_speaks",
    "by_speaks",
    "both_speak",
    "by_ended_first",  # the starter's first IPU is over and the holder went on
    "over_silent_s",
    "by_silent_s",
    "both_s",
    "over_stopped_after_s",
    "over_stopped_soon",
    "by_after_s",  # of the starter's burst after the holder's IPU
    "by_burst_s",
    "by_speaks_alone",
    "since_start_s",
    "by_speaks_since_s",
    "by_silent_since_s",
    "by_goes_on",  # the share of the starter's own bursts that, having come this far, went on for long
    "over_resumed",  # the holder stopped and began again
    "over_goes_on_s",  # past what could have been foreseen
)
RULED = (
    "both_half_s",  # how long both spoke; what is longer than this says no more
    "over_whole_s",  # the holder's IPU: a short one is often laughter or a listener's word
    "talk_over",
)
FEATURES = BEFORE + DURING + RULED

EARLY_USES = ("log_over_burst", "over_pauses", *DURING)
RULED_USES = ("by_ended_first", "by_silent_for_s", *RULED)


def context(now: int, own: Voice, other: Voice) -> list[float]:
    """``BEFORE``: what is known of the starter (``own``) and the floor holder at the start."""
    return [
        math.log1p(_seconds(now - other.burst_start)),
        min(_seconds(now - own.last), 2.0),
        float(other.open and not other.speaking),
    ]


def features(o: Overlap, now: int) -> list[float]:
    """``FEATURES`` of an overlap at session time ``now``."""
    over_silent = now - (o.heard_over if o.over_end is None else o.over_end)
    by_silent = now - (o.heard_by if o.by_end is None else o.by_end)
    since = _seconds(now - o.start)
    over_speaks, by_speaks = over_silent <= 0, by_silent <= 0
    held = _seconds(o.held)
    return [
        *o.context,
        float(over_speaks),
        float(by_speaks),
        float(over_speaks and by_speaks),
        float(o.by_end is not None and o.by_end < o.heard_over),
        min(_seconds(over_silent), 0.8),
        min(_seconds(by_silent), 1.0),
        min(_seconds(o.heard), 1.5),
        0.0 if over_speaks else min(held, 1.5),
        float(not over_speaks and held <= _FORESEEN_S),
        0.0 if o.over_end is None else min(_seconds(o.burst_heard - o.over_end), 0.6),
        min(_seconds(o.burst_heard - o.burst_start), 3.0),
        float(by_speaks and not over_speaks),
        since,
        since * by_speaks,
        since * (not by_speaks),
        o.goes_on,
        float(o.resumed is not None),
        min(max(held - _FORESEEN_S, 0.0), 0.5),
        min(_seconds(o.heard), 0.6),
        min(_seconds(o.heard_over - o.over_start), 1.6),
        float(o.ruled is Kind.TALK_OVER),
    ]


def effort(o: Overlap) -> float:
    """Log odds that the two voices add; exactly 0 without sound."""
    by, over = (min(max(db, -_MOST_DB), _MOST_DB) for db in (o.by_raised_db, o.over_raised_db))
    return _BY_RAISED * by + _OVER_RAISED * over


def _seconds(samples: int) -> float:
    return min(max(samples / SAMPLE_RATE_HZ, 0.0), _FAR_S)


@dataclass(frozen=True, slots=True)
class Logit:
    """A logistic model on some of the features, by their index in ``FEATURES``."""

    uses: tuple[int, ...]
    weights: tuple[float, ...]
    offset: float

    def p(self, x: list[float], more: float = 0.0) -> float:
        """0 to 1. ``x`` holds all features, ``more`` is other evidence (log odds)."""
        odds = self.offset + more + sum(weight * x[i] for i, weight in zip(self.uses, self.weights, strict=True))
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, odds))))

    def as_json(self) -> dict[str, Any]:
        named = {FEATURES[i]: weight for i, weight in zip(self.uses, self.weights, strict=True)}
        return {"offset": self.offset, "weights": named}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Raises ValueError where the weights name a feature that there is not."""
        if unknown := [name for name in data["weights"] if name not in FEATURES]:
            raise ValueError(f"weights for {', '.join(unknown)}, which are no features here: train anew")
        uses = tuple(FEATURES.index(name) for name in data["weights"])
        return cls(uses, tuple(data["weights"].values()), data["offset"])


@dataclass(frozen=True, slots=True)
class TurnModel:
    """What is asked before and after the table has spoken."""

    early: Logit
    ruled: Logit

    def p_interruption(self, o: Overlap, now: int) -> float:
        """0 to 1."""
        if o.together:
            return P_OTHER
        if o.ruled is None:
            return self.early.p(features(o, now), effort(o))
        return self.ruled.p(features(o, now)) if o.ruled in INTERRUPTION_KINDS else P_OTHER

    def as_json(self) -> dict[str, Any]:
        return {"early": self.early.as_json(), "ruled": self.ruled.as_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        return cls(Logit.from_json(data["early"]), Logit.from_json(data["ruled"]))


@cache
def shipped() -> TurnModel:
    """The weights that come with the package; read once."""
    return TurnModel.from_json(json.loads(WEIGHTS.read_text(encoding="utf-8")))
