"""Vocal arousal of one partner against own baseline: a signal, not an emotion.

Each point's features are compared with the speaker's own usual; their weighted sum, scaled by its
own usual spread, is ``z``. A rise has to last, and so has its settling.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from detectors.prosody import FEATURES, Prosody
from detectors.settings import ArousalSettings
from streaming.ids import event_id
from streaming.types import SAMPLE_RATE_HZ, Annotation, Kind, Span, Speaker

DETECTOR = "arousal@1"

# Usual spread of a point within one calm speaker, and what one such spread adds to arousal.
SPREADS = dict(zip(FEATURES, (2.0, 2.3, 4.0, 4.0, 0.06, 1.6, 2.0), strict=True))
WEIGHTS = dict(zip(FEATURES, (0.5, 0.5, 0.6, 0.6, 0.0, 0.1, 0.0), strict=True))


@dataclass(slots=True)
class Running:
    """Mean and spread of one quantity, learnt quickly at first and slowly later."""

    usual: float  # spread assumed before any was seen
    mean: float = 0.0
    square: float = 0.0  # mean squared distance from the mean
    seen: float = 0.0

    def learn(self, value: float, slowest: float) -> None:
        self.seen = min(self.seen + 1.0, slowest)
        share = 1.0 / self.seen
        apart = value - self.mean
        self.mean += share * apart
        self.square += share * (apart * (value - self.mean) - self.square)

    def spread(self, prior: float) -> float:
        total = prior * self.usual**2 + self.seen * self.square
        return math.sqrt(total / (prior + self.seen))


@dataclass(slots=True)
class Arousal:
    """One partner's baseline and where the level stands."""

    session: str
    speaker: Speaker
    settings: ArousalSettings
    baseline: list[Running] = field(default_factory=lambda: [Running(SPREADS[name]) for name in FEATURES])
    score: Running = field(default_factory=lambda: Running(1.0))
    points: int = 0
    z: float = 0.0
    _above: int = 0  # points in a row over rise_z
    _below: int = 0
    _began: int | None = None  # where z last came up over begin_z
    _risen: int | None = None  # start of the rise that has not settled

    def hear(self, point: Prosody, now: int, trust: float) -> list[Annotation]:
        """``trust`` (0 to 1) is what quality allows; ``now`` is the end of the frame that completed the point."""
        s = self.settings
        values = point.features.tolist()
        raw = sum(
            WEIGHTS[name] * (value - own.mean) / own.spread(s.prior_points)
            for name, value, own in zip(FEATURES, values, self.baseline, strict=True)
            if own.seen
        )
        z = (raw - self.score.mean) / self.score.spread(s.prior_points)
        self.z += (z - self.z) / min(s.smooth_points, self.points + 1)
        known = min(1.0, self.points / s.full_points)
        confidence = trust * (0.2 + 0.8 * known if self.points >= s.trust_points else 0.2 * known)
        self._learn(values, raw, trust)
        level = 1.0 / (1.0 + math.exp(-self.z / s.level_z))
        out = [self._annotation(Kind.AROUSAL, point.span, now, confidence, level=level, z=self.z)]
        return out + self._follow(point.span, now, confidence)

    def _learn(self, values: list[float], raw: float, trust: float) -> None:
        s = self.settings
        learnt = self.points >= s.full_points
        if trust < s.least_confidence or (learnt and (self.z > s.calm_z or self._risen is not None)):
            return
        slowest = s.adapt_points
        for own, value in zip(self.baseline, values, strict=True):
            own.learn(value, slowest)
        if self.points >= 4:  # the first few compare with almost nothing
            self.score.learn(raw, slowest)
        self.points += 1

    def _follow(self, span: Span, now: int, confidence: float) -> list[Annotation]:
        s = self.settings
        if self.z < s.begin_z:
            self._began = None
        elif self._began is None:
            self._began = span.start
        self._above = self._above + 1 if self.z >= s.rise_z and confidence >= s.least_confidence else 0
        self._below = self._below + 1 if self.z < s.settle_z else 0
        if self._risen is None and self._above >= s.rise_points and self._began is not None:
            self._risen = self._began
            return [self._annotation(Kind.AROUSAL_RISE, Span(self._risen, span.end), now, confidence)]
        if self._risen is not None and self._below >= s.settle_points:
            took_s = (span.end - self._risen) / SAMPLE_RATE_HZ
            self._risen = None
            return [self._annotation(Kind.AROUSAL_SETTLED, span, now, confidence, recovery_s=took_s)]
        return []

    def _annotation(self, kind: Kind, span: Span, now: int, confidence: float, **more: float) -> Annotation:
        return Annotation(
            id=event_id(self.session, DETECTOR, kind.value, self.speaker, span.start),
            session=self.session,
            kind=kind,
            status="final",
            span=span,
            decided=now,
            detector=DETECTOR,
            confidence=confidence,
            by=self.speaker,
            level=more.get("level"),
            z=more.get("z"),
            recovery_s=more.get("recovery_s"),
        )

    def save(self) -> dict[str, Any]:
        return {
            "baseline": [[r.usual, r.mean, r.square, r.seen] for r in [*self.baseline, self.score]],
            "points": self.points,
            "z": self.z,
            "follow": [self._above, self._below, self._began, self._risen],
        }

    @classmethod
    def restore(cls, session: str, speaker: Speaker, settings: ArousalSettings, saved: dict[str, Any]) -> Arousal:
        running = [Running(*numbers) for numbers in saved["baseline"]]
        return cls(session, speaker, settings, running[:-1], running[-1], saved["points"], saved["z"], *saved["follow"])
