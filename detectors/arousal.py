"""Vocal arousal of one partner against own baseline: a signal, not an emotion.

Each point's features are compared with the speaker's own usual; their weighted sum, with what the level
adds where it can be trusted, scaled by its own usual spread, is ``z``. Evidence for a rise gathers point
by point, quickly where the voice is far from its usual and slowly where it is near, and so does evidence
that it settled (Page's cumulative sums, 1954).
"""

from __future__ import annotations

import functools
import importlib.resources
import json
import math
from dataclasses import dataclass, field
from typing import Any

from detectors.baseline import Baseline
from detectors.loudness import Loudness
from detectors.prosody import FEATURES, Prosody
from detectors.settings import ArousalModel, ArousalSettings
from streaming.ids import event_id
from streaming.types import SAMPLE_RATE_HZ, Annotation, Kind, Span, Speaker

DETECTOR = "arousal@1"


@functools.cache
def shared_arousal_model() -> ArousalModel:
    """What ``benchmarks.train_arousal`` learnt and shipped."""
    text = (importlib.resources.files("detectors") / "weights" / "arousal.json").read_text(encoding="utf-8")
    learnt = json.loads(text)
    return ArousalModel(
        tuple(learnt[name]["spread"] for name in FEATURES), tuple(learnt[name]["weight"] for name in FEATURES)
    )


@dataclass(slots=True)
class Arousal:
    """One partner's baseline, and where the level stands."""

    session: str
    speaker: Speaker
    settings: ArousalSettings
    own: Baseline = field(default_factory=Baseline)
    loudness: Loudness = field(default_factory=Loudness)
    z: float = 0.0  # smoothed
    _up: float = 0.0  # evidence of a rise
    _up_from: int = 0  # start of the point at which it began to gather
    _down: float = 0.0  # evidence that it settled
    _risen: int | None = None  # start of the rise that has not settled
    _heard: int | None = None  # end of the last point

    def hear(
        self, point: Prosody, now: int, trust: float, floor_db: float = -60.0, controlled: bool = False
    ) -> list[Annotation]:
        """``trust`` (0 to 1) is what the audio allows; ``now`` is the end of the frame that completed the point.

        ``floor_db`` is the microphone's noise floor; ``controlled``: its gain follows the voice.
        """
        if not point.voiced:  # a whisper, a sigh: nothing to compare
            return [self._level(point.span, now, 0.0)]
        z = self._compare(point, trust, floor_db, controlled)
        weight = min(1.0, point.voiced / self.settings.full_voiced)
        self.z += (z - self.z) * self.settings.smooth_share * weight
        confidence = trust * self._known()
        return [self._level(point.span, now, confidence), *self._follow(z, weight, point.span, now, confidence)]

    def _known(self) -> float:
        """How far the baseline can be trusted, 0 to 1."""
        s, points = self.settings, self.own.points
        if points < s.trust_points:
            return 0.3 * points / s.trust_points
        return min(1.0, 0.6 + 0.4 * (points - s.trust_points) / (s.full_points - s.trust_points))

    def _compare(self, point: Prosody, trust: float, floor_db: float, controlled: bool) -> float:
        """The point's z; what is calm and trusted teaches the baseline."""
        s, own, values = self.settings, self.own, point.features.tolist()
        raw = self._raw(values)
        louder = self.loudness.compare(point.level_db, floor_db, controlled, s)
        # Level can go with what the voice shows, and hardly stand for it.
        raw += min(s.level_weight * louder, s.level_alone + max(0.0, raw))
        spread = own.score.spread(s.usual_score, s.prior_points)
        off = max(-s.most_off, min(s.most_off, own.score.mean))
        z = max(-s.most_z, min(s.most_z, (raw - off) / spread))
        if trust >= s.least_trust:
            share = self._teaches(z)
            self._learn(values, raw, share)
            self.loudness.learn(point.level_db, floor_db, share, s)
        return z

    def _teaches(self, z: float) -> float:
        """How much a point says of the usual: less the longer and further the voice is up, never nothing.

        Voices drift, and a baseline must follow. Only upwards: a voice far below its usual says that the usual
        was learnt from something else.
        """
        s = self.settings
        if self.own.points < s.steady_points:
            return 1.0
        up = 0.5 * (max(self.z, 0.0) + z)
        return max(s.unusual_share, min(1.0, (s.unusual_z - up) / (s.unusual_z - s.calm_z)))

    def _raw(self, values: list[float]) -> float:
        """Weighted mean of how many own spreads each feature is off; one less known than others weighs less."""
        s, model = self.settings, self.settings.model or shared_arousal_model()
        total = most = 0.0
        for value, own, usual, weight in zip(values, self.own.features, model.spreads, model.weights, strict=True):
            if own.seen:
                apart = (value - own.mean) / own.spread(usual, s.prior_points)
                weight *= min(1.0, own.seen / s.trust_points)
                total += weight * max(-s.least_spreads, min(s.most_spreads, apart))
                most += weight
        return total / most if most else 0.0

    def _learn(self, values: list[float], raw: float, weight: float) -> None:
        s, own = self.settings, self.own
        for learnt, value in zip(own.features, values, strict=True):
            learnt.learn(value, weight, s.adapt_points)
        if own.points >= s.first_points:
            own.score.learn(raw, weight, s.adapt_points)
        own.points += 1

    def _follow(self, z: float, weight: float, span: Span, now: int, confidence: float) -> list[Annotation]:
        s = self.settings
        if confidence < s.least_confidence:
            return []
        z = max(-s.evidence_z, min(s.evidence_z, z))
        kept = 0.5 ** (max(0, span.start - self._heard) / s.half_life_samples) if self._heard is not None else 1.0
        self._up, self._down, self._heard = self._up * kept, self._down * kept, span.end
        if self._risen is None:
            before, self._up = self._up, max(0.0, self._up + weight * (z - s.rise_drift_z))
            if before == 0.0 or kept <= 0.5:  # before a long silence is not where it began
                self._up_from = span.start
            if self._up < s.rise_sum_z:
                return []
            self._risen, self._up, self._down = self._up_from, 0.0, 0.0
            return [self._annotation(Kind.AROUSAL_RISE, Span(self._risen, span.end), now, confidence)]
        self._down = max(0.0, self._down + weight * (s.settle_drift_z - z))
        if self._down < s.settle_sum_z:
            return []
        took_s = (span.end - self._risen) / SAMPLE_RATE_HZ
        self._risen = None
        return [self._annotation(Kind.AROUSAL_SETTLED, span, now, confidence, recovery_s=took_s)]

    def _level(self, span: Span, now: int, confidence: float) -> Annotation:
        level = 1.0 / (1.0 + math.exp(-self.z / self.settings.level_z))
        return self._annotation(Kind.AROUSAL, span, now, confidence, level=level, z=self.z)

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
            "own": self.own.save(),
            "loudness": self.loudness.save(),
            "follow": [self.z, self._up, self._up_from, self._down, self._risen, self._heard],
        }

    @classmethod
    def restore(cls, session: str, speaker: Speaker, settings: ArousalSettings, saved: dict[str, Any]) -> Arousal:
        arousal = cls(session, speaker, settings, Baseline.restore(saved["own"]))
        arousal.loudness = Loudness.restore(saved["loudness"])
        arousal.z, arousal._up, arousal._up_from, arousal._down, arousal._risen, arousal._heard = saved["follow"]
        return arousal
