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
from streaming.types import INTERRUPTION_KINDS, SAMPLE_RATE_HZ

WEIGHTS = Path(__file__).parent / "weights" / "turns.json"
P_OTHER = 0.02  # of types that are no interruption; what people call them rarely differs
_FORESEEN_S = 0.3  # a turn that ends this soon was foreseen to end (EVENTS)
_GOES_ON = 0.4  # a share below it is of a burst that is long already, which makes its start no less of an interruption
# Log odds a dB over own usual, while the type is open. No labelled sound stands behind them, only the literature's
# sign (see detectors/effort.py); the final word is left to the timing, which is measured.
_BY_RAISED, _OVER_RAISED = 0.06, 0.04
_MOST_DB = 6.0  # beyond it is a gain change or a shout, and no finer evidence
_USUAL_BOTH = 0.05  # share of the time in which two who talk both speak
_USUAL_SAMPLES = 60 * SAMPLE_RATE_HZ  # how much of a session weighs as much as what is usual
_MOST_BOTH = 0.1  # held out, more says little more; and where two fight, talk at once must not excuse itself
_FAR_S = 30.0  # longer ago than this makes no difference

# In this order. Durations are capped where longer ones say no more. Held out, nothing else of some 150 durations,
# shares and habits made either model better, nor did trees, splines, a model a type, waiting 1.2 or 4 s longer, or
# foretelling laughter and tokens from durations. What is missing is heard, not timed: of false ones at a recall of 0.7
# (2.1 in 10 minutes), knowing who laughs would leave 0.9, knowing which units were complete 1.4.
EARLY = (
    "log_over_burst",  # log(1 + seconds) of the floor holder's burst up to the start: long tellings are listened to
    "over_pauses",  # the holder had just fallen silent, for less than ends an IPU
    "over_speaks",
    "by_speaks",
    "both_s",
    "over_stopped_soon",
    "over_goes_on_s",  # past what could have been foreseen
    "over_silent_s",  # since the holder's IPU stopped
    "over_resumed",  # the holder stopped and began again
    "by_silent_s",  # since the starter's first IPU stopped
    "by_resumed",
    "by_goes_on",  # the share of the starter's own bursts that, having come this far, went on for long
)
RULED = (
    "by_ended_first",  # the starter's first IPU is over and the holder went on
    "both_half_s",  # how long both spoke; what is longer than this says no more
    "over_whole_s",  # the holder's IPU: a short one is often laughter or a listener's word
    "both_share",  # of all time so far: those who often speak at once mostly laugh or listen when they do
)


def context(now: int, other: Voice) -> list[float]:
    """The first two of ``EARLY``: what is known of the floor holder at the start."""
    return [math.log1p(_seconds(now - other.burst_start)), float(other.open and not other.speaking)]


def both_share(both: int, elapsed: int) -> float:
    """How much of the session two partners have spoken at once (samples); from what is usual to what is theirs."""
    return min((_USUAL_BOTH * _USUAL_SAMPLES + both) / (_USUAL_SAMPLES + elapsed), _MOST_BOTH)


def early(o: Overlap, now: int) -> list[float]:
    """``EARLY`` of an overlap whose type is open, at session time ``now``."""
    over_speaks = now <= o.heard_over
    held = _seconds(o.held)
    return [
        *o.context,
        float(over_speaks),
        float(now <= o.heard_by),
        min(_seconds(o.heard), 1.5),
        float(not over_speaks and held <= _FORESEEN_S),
        min(max(held - _FORESEEN_S, 0.0), 0.5),
        min(_seconds(now - o.heard_over), 1.0),
        float(o.resumed is not None),
        min(_seconds(now - o.heard_by), 1.0),
        float(o.burst_heard > o.heard_by),
        max(o.goes_on, _GOES_ON),
    ]


def ruled(o: Overlap) -> list[float]:
    """``RULED`` of an overlap that the table has ruled on."""
    return [
        float(o.by_end is not None and o.by_end < o.heard_over),
        min(_seconds(o.heard), 0.6),
        min(_seconds(o.heard_over - o.over_start), 1.6),
        o.both_share,
    ]


def effort(o: Overlap) -> float:
    """Log odds that the two voices add; exactly 0 without sound."""
    by, over = (min(max(db, -_MOST_DB), _MOST_DB) for db in (o.by_raised_db, o.over_raised_db))
    return _BY_RAISED * by + _OVER_RAISED * over


def _seconds(samples: int) -> float:
    return min(max(samples / SAMPLE_RATE_HZ, 0.0), _FAR_S)


@dataclass(frozen=True, slots=True)
class Logit:
    """A logistic model: a weight for each of its features."""

    weights: tuple[float, ...]
    offset: float

    def p(self, x: list[float], more: float = 0.0) -> float:
        """0 to 1. ``more`` is other evidence (log odds)."""
        odds = self.offset + more + sum(weight * value for weight, value in zip(self.weights, x, strict=True))
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, odds))))

    def as_json(self, names: tuple[str, ...]) -> dict[str, Any]:
        return {"offset": self.offset, "weights": dict(zip(names, self.weights, strict=True))}

    @classmethod
    def from_json(cls, data: dict[str, Any], names: tuple[str, ...]) -> Self:
        """Raises ValueError where the weights are not of these features."""
        if tuple(data["weights"]) != names:
            raise ValueError(f"weights for {', '.join(data['weights'])} instead of {', '.join(names)}: train anew")
        return cls(tuple(data["weights"].values()), data["offset"])


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
            return self.early.p(early(o, now), effort(o))
        return self.ruled.p(ruled(o)) if o.ruled in INTERRUPTION_KINDS else P_OTHER

    def as_json(self) -> dict[str, Any]:
        return {"early": self.early.as_json(EARLY), "ruled": self.ruled.as_json(RULED)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        return cls(Logit.from_json(data["early"], EARLY), Logit.from_json(data["ruled"], RULED))


@cache
def shipped() -> TurnModel:
    """The weights that come with the package; read once."""
    return TurnModel.from_json(json.loads(WEIGHTS.read_text(encoding="utf-8")))
