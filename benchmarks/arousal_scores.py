"""Arousal on acted speech (EmoDB): each speaker's own neutral talk first, then a clip of another kind.

The shipped weights were learnt on the same corpus; ``benchmarks.train_arousal`` prints what speakers
that were held out give.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.clips import Clip, Condition, joined_clips, levelled, under
from benchmarks.voice_points import points_of
from detectors.pipeline import Pipeline
from streaming.audio import missing
from streaming.types import SAMPLE_RATE_HZ, Annotation, AudioChunk, Kind, Samples, Speaker

SESSION = "bench"
BASELINE_S = 20.0
_BLOCK = 4 * SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True)
class Heard:
    """A clip's mean level after the speaker's own baseline, and the same by two simple meters."""

    speaker: str
    high: bool
    level: float
    z: float
    confidence: float
    loudness: float
    pitch: float


@dataclass(frozen=True, slots=True)
class Change:
    """From neutral to angry and back. None where nothing was said."""

    speaker: str
    rise_delay_s: float | None
    settle_delay_s: float | None


def hear(pipeline: Pipeline, samples: Samples) -> list[Annotation]:
    """One partner's audio from where the pipeline stands; of the other nothing is heard."""
    out: list[Annotation] = []
    for at in range(0, len(samples), _BLOCK):
        start, block = pipeline.given(Speaker.A), samples[at : at + _BLOCK]
        out += pipeline.push(AudioChunk(SESSION, Speaker.A, start, block))
        out += pipeline.push(missing(SESSION, Speaker.B, start, len(block)))
    return out


def baseline(clips: Sequence[Samples], random: np.random.Generator) -> bytes:
    """A pipeline's state after about 20 s of these clips."""
    pipeline = Pipeline(SESSION)
    chosen: list[Samples] = []
    while sum(map(len, chosen)) < BASELINE_S * SAMPLE_RATE_HZ:
        chosen.append(clips[len(chosen) % len(clips)])
    hear(pipeline, joined_clips(chosen, random))
    return pipeline.save()


def heard_clips(
    speakers: dict[str, list[Clip]],
    emotions: str,
    per_speaker: int,
    *,
    natural_level: bool,
    condition: Condition = "clean",
    rooms: Sequence[Samples] = (),
) -> list[Heard]:
    """Every clip of these emotions after its speaker's neutral others. At most ``per_speaker`` of each emotion."""
    random = np.random.default_rng(1)
    out: list[Heard] = []
    for speaker, clips in speakers.items():
        audio = {clip.name: clip.samples if natural_level else levelled(clip.samples) for clip in clips}
        neutral = {clip.name: audio[clip.name] for clip in clips if clip.emotion == "N"}
        everything = baseline(list(neutral.values()), random)
        simple = _Simple(list(neutral.values()))
        for emotion in emotions:
            for clip in [clip for clip in clips if clip.emotion == emotion][:per_speaker]:
                others = [own for name, own in neutral.items() if name != clip.name]
                state = baseline(others, random) if emotion == "N" else everything
                line = under(joined_clips([audio[clip.name]], random), condition, rooms, random)
                points = [
                    a for a in hear(Pipeline.restore(SESSION, state), line) if a.kind is Kind.AROUSAL and a.confidence
                ]
                if points:
                    loudness, pitch = simple.compare(line)
                    out.append(
                        Heard(
                            speaker,
                            emotion in "WFA",
                            _mean([a.level for a in points]),
                            _mean([a.z for a in points]),
                            _mean([a.confidence for a in points]),
                            loudness,
                            pitch,
                        )
                    )
    return out


def _mean(values: Sequence[float | None]) -> float:
    return float(np.mean([value for value in values if value is not None]))


class _Simple:
    """Two meters that anyone would try first: mean level, and mean pitch, against own neutral mean."""

    def __init__(self, neutral: Sequence[Samples]) -> None:
        measures = [self._measure(samples) for samples in neutral]
        self._own = np.nanmean(measures, axis=0)

    def compare(self, line: Samples) -> tuple[float, float]:
        loudness, pitch = np.nan_to_num(self._measure(line) - self._own)
        return float(loudness), float(pitch)

    def _measure(self, samples: Samples) -> NDArray[np.float64]:
        points = points_of(samples)
        return np.array(
            [np.mean([p.level_db for p in points]), np.mean([p.features[0] for p in points])]
            if points
            else [np.nan] * 2
        )


def auc(values: Sequence[Heard], measure: str = "level") -> float:
    """Share of pairs of a high and a low clip that stand in the right order."""
    high = np.array([getattr(h, measure) for h in values if h.high])[:, None]
    low = np.array([getattr(h, measure) for h in values if not h.high])[None]
    if not high.size or not low.size:
        return float("nan")
    return float((high > low).mean() + 0.5 * (high == low).mean())


def change(clips: Sequence[Clip], random: np.random.Generator) -> Change:
    """25 s neutral, 15 s or more angry, then neutral again, as one line."""
    neutral = [clip.samples for clip in clips if clip.emotion == "N"]
    angry = [clip.samples for clip in clips if clip.emotion == "W"]
    before = joined_clips([neutral[i] for i in random.choice(len(neutral), 10)], random)
    heated = joined_clips([angry[i] for i in random.choice(len(angry), 7)], random)
    after = joined_clips([neutral[i] for i in random.choice(len(neutral), 6)], random)
    out = hear(Pipeline(SESSION), np.concatenate([before, heated, after]))
    speech = [a.span.start for a in out if a.kind is Kind.SPEECH and a.status == "final"]
    heated_at = next((at for at in speech if at >= len(before)), len(before))
    calm_at = next((at for at in speech if at >= len(before) + len(heated)), len(before) + len(heated))
    rises = [a.decided for a in out if a.kind is Kind.AROUSAL_RISE and heated_at <= a.decided < calm_at]
    settled = [a.decided for a in out if a.kind is Kind.AROUSAL_SETTLED and a.decided >= calm_at]
    return Change(
        clips[0].speaker,
        (rises[0] - heated_at) / SAMPLE_RATE_HZ if rises else None,
        (settled[0] - calm_at) / SAMPLE_RATE_HZ if rises and settled else None,
    )


def false_rises(clips: Sequence[Clip], seconds: float, random: np.random.Generator) -> tuple[int, float]:
    """Rises in neutral talk alone, and how many seconds there were of it."""
    neutral = [clip.samples for clip in clips if clip.emotion == "N"]
    pipeline, count, done_s = Pipeline(SESSION), 0, 0.0
    while done_s < seconds:
        line = joined_clips([neutral[i] for i in random.permutation(len(neutral))], random)
        count += sum(a.kind is Kind.AROUSAL_RISE for a in hear(pipeline, line))
        done_s += len(line) / SAMPLE_RATE_HZ
    return count, done_s
