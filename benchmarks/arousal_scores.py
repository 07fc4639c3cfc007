"""Arousal on acted speech (EmoDB): each speaker's own neutral talk first, then a clip of another kind.

No speaker is heard by a model that learnt from that speaker, and no text by a baseline that holds it.
"""

from __future__ import annotations

import functools
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.clips import Clip, emodb, joined_clips, levelled
from benchmarks.lines import Line, through
from benchmarks.voice_points import points_of
from detectors.arousal import Arousal
from detectors.pipeline import Pipeline
from detectors.prosody import Prosody
from detectors.settings import ArousalModel, DetectorSettings
from streaming.audio import missing
from streaming.types import SAMPLE_RATE_HZ, Annotation, AudioChunk, Kind, Samples, Span, Speaker

SESSION = "bench"
BASELINE_S = 20.0
HIGH = "WFA"
HELD_OUT = Path(__file__).with_name("arousal_held_out.json")
SESSION_SAMPLES = 600 * SAMPLE_RATE_HZ
CALM_LINES: tuple[Line, ...] = ("clean", "telephone", "noise_10db")
_BLOCK = 4 * SAMPLE_RATE_HZ
_POINT_SAMPLES = 8_000

Level: TypeAlias = Literal["recorded", "removed", "natural"]
# What acted corpora with natural level show of each kind against neutral: mean and spread of a clip, dB.
# Only a stand-in: the clips at hand are peak-normalised.
_NATURAL_DB = {"W": (12.0, 4.0), "F": (8.0, 3.0), "A": (3.0, 3.0), "N": (0.0, 2.5), "L": (-3.0, 2.5), "T": (-4.0, 2.5)}


@dataclass(frozen=True, slots=True)
class Heard:
    """A clip's mean level after the speaker's own baseline, its highest, and the same by simple meters."""

    speaker: str
    high: bool
    level: float
    top: float
    z: float
    confidence: float
    loudness: float
    pitch: float
    both: float


@dataclass(frozen=True, slots=True)
class Change:
    """From neutral to angry and back. None where nothing was said."""

    speaker: str
    rise_delay_s: float | None
    settle_delay_s: float | None


@functools.cache
def held_out(speaker: str) -> DetectorSettings:
    """The detectors with weights that ``benchmarks.train_arousal`` learnt without this speaker."""
    learnt = json.loads(HELD_OUT.read_text(encoding="utf-8"))[speaker]
    model = ArousalModel(tuple(learnt["spreads"]), tuple(learnt["weights"]))
    settings = DetectorSettings()
    return replace(settings, arousal=replace(settings.arousal, model=model))


def hear(pipeline: Pipeline, samples: Samples) -> list[Annotation]:
    """One partner's audio from where the pipeline stands; of the other nothing is heard."""
    out: list[Annotation] = []
    for at in range(0, len(samples), _BLOCK):
        start, block = pipeline.given(Speaker.A), samples[at : at + _BLOCK]
        out += pipeline.push(AudioChunk(SESSION, Speaker.A, start, block))
        out += pipeline.push(missing(SESSION, Speaker.B, start, len(block)))
    return out


def spoken(clip: Clip, level: Level, random: np.random.Generator) -> Samples:
    """The clip at the level that was asked for."""
    if level == "recorded":
        return clip.samples
    gain_db = random.normal(*_NATURAL_DB[clip.emotion]) if level == "natural" else 0.0
    return np.asarray(levelled(clip.samples, 0.02) * 10 ** (gain_db / 20), dtype=np.float32)


def own_random(name: str) -> np.random.Generator:
    """Chance of a clip's own, so that what is drawn for it does not hang on what was heard before."""
    return np.random.default_rng(zlib.crc32(name.encode()))


@functools.cache
def baseline(data: Path, speaker: str, text: str, level: Level, gain_db: float) -> bytes:
    """A pipeline's state after about 20 s of the speaker's neutral clips of other texts."""
    clips = [clip for clip in emodb(data)[speaker] if clip.emotion == "N" and clip.name[2:5] != text]
    chosen: list[Samples] = []
    while sum(map(len, chosen)) < BASELINE_S * SAMPLE_RATE_HZ:
        clip = clips[len(chosen) % len(clips)]
        chosen.append(spoken(clip, level, own_random(clip.name)))
    pipeline = Pipeline(SESSION, held_out(speaker))
    hear(pipeline, joined_clips(chosen, own_random(speaker + text)) * np.float32(10 ** (gain_db / 20)))
    return pipeline.save()


def heard_clips(
    speakers: Sequence[str],
    emotions: str,
    per_speaker: int,
    data: Path,
    *,
    level: Level,
    line: Line = "clean",
    gain_db: float = 0.0,
) -> list[Heard]:
    """Every clip of these emotions after its speaker's neutral others. At most ``per_speaker`` of each emotion.

    The clip comes over ``line``, the neutral talk before it over a clean one; ``gain_db`` is the whole session's.
    """
    gain = np.float32(10 ** (gain_db / 20))
    out: list[Heard] = []
    for speaker in speakers:
        meters = _simple(data, speaker, level)
        for emotion in emotions:
            for clip in [clip for clip in emodb(data)[speaker] if clip.emotion == emotion][:per_speaker]:
                state = baseline(data, speaker, clip.name[2:5], level, gain_db)
                random = own_random(clip.name)
                said = joined_clips([spoken(clip, level, random)], random)
                said = through(said, line, data, random) * gain
                points = [
                    a
                    for a in hear(Pipeline.restore(SESSION, state, held_out(speaker)), said)
                    if a.kind is Kind.AROUSAL and a.confidence
                ]
                if points:
                    levels = [a.level for a in points if a.level is not None]
                    zs = [a.z for a in points if a.z is not None]
                    confidence = float(np.mean([a.confidence for a in points]))
                    found = float(np.mean(levels)), max(levels), float(np.mean(zs)), confidence
                    out.append(Heard(speaker, emotion in HIGH, *found, *meters.compare(said)))
    return out


@functools.cache
def _simple(data: Path, speaker: str, level: Level) -> _Simple:
    neutral = [clip for clip in emodb(data)[speaker] if clip.emotion == "N"]
    return _Simple([spoken(clip, level, own_random(clip.name)) for clip in neutral])


class _Simple:
    """Meters that anyone would try first: mean level, mean pitch, and both, against own neutral mean and spread."""

    def __init__(self, neutral: Sequence[Samples]) -> None:
        measures = np.array([self._measure(samples) for samples in neutral])
        self._mean, self._spread = np.nanmean(measures, axis=0), np.nanstd(measures, axis=0) + 0.5

    def compare(self, line: Samples) -> tuple[float, float, float]:
        loudness, pitch = np.nan_to_num((self._measure(line) - self._mean) / self._spread)
        return float(loudness), float(pitch), float(loudness + pitch)

    def _measure(self, samples: Samples) -> NDArray[np.float64]:
        points = points_of(samples)
        return np.array(
            [np.mean([p.level_db for p in points]), np.mean([p.features[0] for p in points])]
            if points
            else [np.nan] * 2
        )


def usual_pitch_st(neutral: Sequence[Samples]) -> float:
    """Median pitch of the clips, semitones over 100 Hz."""
    return float(np.median([p.features[0] for samples in neutral for p in points_of(samples)]))


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
    out = hear(Pipeline(SESSION, held_out(clips[0].speaker)), np.concatenate([before, heated, after]))
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


@functools.cache
def neutral_points(data: Path, speaker: str, line: Line) -> list[tuple[list[Prosody], int]]:
    """The points of each neutral clip over a line, as the detectors' own parts measured them, and its samples."""
    out: list[tuple[list[Prosody], int]] = []
    for clip in emodb(data)[speaker]:
        if clip.emotion == "N":
            random = own_random(clip.name)
            said = joined_clips(
                [levelled(clip.samples, 0.02)], random, pause_s=1.0
            )  # the room is heard before the voice
            out.append((points_of(through(said, line, data, random)), len(clip.samples)))
    return out


def false_rises(data: Path, speaker: str, sessions: int, random: np.random.Generator) -> tuple[int, float]:
    """Rises in neutral talk alone, and how many seconds there were of it.

    Sessions of ten minutes, each over one line from the start: the speaker's neutral clips again and again in
    another order, with pauses. Levels vary as people's do, and half-way the gain steps by up to 12 dB, and with
    it the room's noise.
    """
    settings = held_out(speaker).arousal
    count, total = 0, 0
    for number in range(sessions):
        clips = neutral_points(data, speaker, CALM_LINES[number % len(CALM_LINES)])
        arousal, at, gain_db = Arousal(SESSION, Speaker.A, settings), 0, 0.0
        while at < SESSION_SAMPLES:
            for chosen in random.permutation(len(clips)):
                points, length = clips[chosen]
                own_db = random.normal(*_NATURAL_DB["N"]) + gain_db
                for place, point in enumerate(points):
                    span = Span(at + place * _POINT_SAMPLES, at + (place + 1) * _POINT_SAMPLES)
                    heard = replace(point, span=span, level_db=point.level_db + own_db)
                    said = arousal.hear(heard, span.end, 1.0, -60.0 + gain_db)
                    count += sum(a.kind is Kind.AROUSAL_RISE for a in said)
                at += length + int(random.uniform(0.3, 0.7) * SAMPLE_RATE_HZ)
            if at > SESSION_SAMPLES // 2 and gain_db == 0.0:
                gain_db = random.uniform(-12.0, 12.0)
        total += at
    return count, total / SAMPLE_RATE_HZ
