"""How likely an overlap is an interruption in people's sense, from durations heard so far.

Two forests: ``early`` while the table of types has not spoken, ``ruled`` once it says interruption:
by timing alone about four in ten of those are completed turns, laughter or listening. Grown by
``benchmarks/train_turns.py`` on real talk; neither sees anything later than the moment it is asked.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

from detectors.floor import Voice
from detectors.forest import Forest
from detectors.overlap import Overlap
from streaming.types import INTERRUPTION_KINDS, SAMPLE_RATE_HZ, Kind

WEIGHTS = Path(__file__).parent / "weights" / "turns.json"
_FAR_S = 30.0  # longer ago than this makes no difference
P_OTHER = 0.02  # of types that are no interruption; what people call them rarely differs

FEATURES = (
    "since_start_s",
    "heard_s",
    "over_held_s",  # how long the floor holder spoke on
    "over_silent_s",
    "over_paused_s",  # when the holder first fell silent, if only for a moment
    "over_whole_s",  # the holder's IPU from its beginning
    "by_spoke_s",  # the starter's first IPU, from the overlap on
    "by_silent_s",
    "by_burst_s",
    "by_after_s",  # of the starter's burst after the holder stopped
    "by_ended_first",
    "talk_over",
    "over_spoke_before_s",
    "over_burst_before_s",
    "floor_age_s",
    "by_silent_before_s",
    "by_last_burst_s",
    "over_pause_ago_s",
)


def context(now: int, own: Voice, other: Voice, floor_since: int) -> list[float]:
    """What is known of starter (``own``) and floor holder at the start, seconds."""
    return [
        _seconds(now - other.start),
        _seconds(now - other.burst_start),
        _seconds(now - floor_since),
        _seconds(now - own.last),
        _seconds(own.last_burst),
        _seconds(now - other.last),
    ]


def features(o: Overlap, now: int) -> list[float]:
    """``FEATURES`` of an overlap at session time ``now``."""
    over_silent = now - o.heard_over if o.over_end is None else now - o.over_end
    by_silent = now - (o.heard_by if o.by_end is None else o.by_end)
    return [
        _seconds(now - o.start),
        _seconds(o.heard),
        _seconds(o.heard_over - o.start),
        _seconds(over_silent),
        _seconds(_FAR if o.over_paused is None else o.over_paused - o.start),
        _seconds(o.heard_over - o.over_start),
        _seconds(o.heard_by - o.start),
        _seconds(by_silent),
        _seconds(o.burst_heard - o.burst_start),
        _seconds(0 if o.over_end is None else o.burst_heard - o.over_end),
        float(o.by_end is not None and o.by_end < o.heard_over),
        float(o.ruled is Kind.TALK_OVER),
        *o.context,
    ]


_FAR = round(_FAR_S * SAMPLE_RATE_HZ)


def _seconds(samples: int) -> float:
    return min(max(samples, 0), _FAR) / SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True)
class TurnModel:
    """The two forests."""

    early: Forest
    ruled: Forest

    def p_interruption(self, o: Overlap, now: int) -> float:
        """0 to 1."""
        if o.together:
            return P_OTHER
        if o.ruled is None:
            return self.early.p(features(o, now))
        return self.ruled.p(features(o, now)) if o.ruled in INTERRUPTION_KINDS else P_OTHER

    def as_json(self) -> dict[str, Any]:
        return {"features": list(FEATURES), "early": self.early.as_json(), "ruled": self.ruled.as_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Raises ValueError where the weights were made for other features."""
        if tuple(data["features"]) != FEATURES:
            raise ValueError(f"weights for features {data['features']}, expected {list(FEATURES)}: train anew")
        return cls(Forest.from_json(data["early"]), Forest.from_json(data["ruled"]))


@cache
def shipped() -> TurnModel:
    """The weights that come with the package; read once."""
    return TurnModel.from_json(json.loads(WEIGHTS.read_text(encoding="utf-8")))
