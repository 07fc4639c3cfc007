"""Acted clips of one speaker each, and what a room, a line or a microphone does to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from scipy import signal

from streaming.audio import read_audio
from streaming.types import SAMPLE_RATE_HZ, Samples

Condition: TypeAlias = Literal["clean", "noise_10db", "telephone", "bright_mic", "dull_mic"]
CONDITIONS: tuple[Condition, ...] = ("clean", "noise_10db", "telephone", "bright_mic", "dull_mic")
SPEECH_RMS = 0.05  # -26 dBFS: clips are brought to one level, so that none teaches loudness


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """``emotion``: W anger, F joy, A fear, N neutral, T sad, L boredom, E disgust (EmoDB's letters)."""

    name: str
    speaker: str
    emotion: str
    samples: Samples


@cache
def emodb(data: Path) -> dict[str, list[Clip]]:
    """The clips of each speaker, in the order of their names."""
    out: defaultdict[str, list[Clip]] = defaultdict(list)
    for path in sorted((data / "emodb").glob("*.flac")):
        samples = read_audio(path)[0]
        out[path.stem[:2]].append(Clip(path.stem, path.stem[:2], path.stem[5], samples))
    return dict(out)


@cache
def noises(data: Path) -> list[Samples]:
    """Rooms and machines, to be mixed under speech."""
    paths = sorted((data / "noise" / "misc").glob("*.flac")) + sorted((data / "noise" / "kitchen").glob("*.flac"))
    return [read_audio(path)[0] for path in paths]


def levelled(samples: Samples, rms: float = SPEECH_RMS) -> Samples:
    own = float(np.sqrt(np.mean(samples**2))) + 1e-9
    return np.asarray(samples * (rms / own), dtype=np.float32)


def joined_clips(clips: Sequence[Samples], random: np.random.Generator, pause_s: float = 0.5) -> Samples:
    """The clips one after the other with pauses of about ``pause_s`` and the faint hiss of any microphone."""
    parts: list[Samples] = []
    for clip in clips:
        parts += [np.zeros(round(pause_s * random.uniform(0.6, 1.4) * SAMPLE_RATE_HZ), np.float32), clip]
    line = np.concatenate([*parts, np.zeros(SAMPLE_RATE_HZ // 2, np.float32)])
    return np.asarray(line + random.standard_normal(len(line)) * 1e-4, dtype=np.float32)


def under(samples: Samples, condition: Condition, rooms: Sequence[Samples], random: np.random.Generator) -> Samples:
    """The same speech under a condition."""
    if condition == "clean":
        return samples
    if condition == "noise_10db":
        return mixed(samples, rooms[int(random.integers(len(rooms)))], 10.0, random)
    if condition == "telephone":
        band = signal.butter(4, [300, 3400], "bandpass", fs=SAMPLE_RATE_HZ, output="sos")
        return np.asarray(signal.sosfilt(band, samples), dtype=np.float32)
    zero = 0.4 if condition == "bright_mic" else 0.0
    pole = 0.4 if condition == "dull_mic" else 0.0
    return np.asarray(signal.lfilter([1.0, -zero], [1.0, -pole], samples), dtype=np.float32)


def mixed(samples: Samples, noise: Samples, snr_db: float, random: np.random.Generator) -> Samples:
    """Noise under speech of SPEECH_RMS."""
    start = int(random.integers(len(noise)))
    noise = np.take(noise, np.arange(start, start + len(samples)), mode="wrap")
    return np.asarray(samples + levelled(noise, SPEECH_RMS * 10 ** (-snr_db / 20)), dtype=np.float32)
