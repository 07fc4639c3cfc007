"""Coughs, sneezes, laughs, breaths and sighs, made of a source and a vocal tract: no recordings of them are at hand.

The source is breath (noise), the vocal folds (a pulse train that wavers in period and height), or both one after
the other; the tract is an open mouth's four resonances, of a length drawn anew for each sound (G. Fant, "Acoustic
Theory of Speech Production", 1960). How the parts follow each other is after descriptions of each: the three
phases of a cough (J. Korpáš, J. Sadloňová and M. Vrabec, 1996), and laughs as five breathy vowels a second that
fall in pitch and strength (J.-A. Bachorowski, M. J. Smoski and M. J. Owren, 2001).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from scipy import signal

from benchmarks.clips import levelled
from streaming.types import SAMPLE_RATE_HZ, Samples

Random: TypeAlias = np.random.Generator
_OPEN_HZ = np.array([680.0, 1300.0, 2600.0, 3600.0])  # an open mouth's resonances, a tract of 17 cm
_WIDTHS_HZ = np.array([130.0, 140.0, 220.0, 300.0])  # broader than a vowel's: the glottis stands open


def body_sounds(each: int) -> dict[str, list[Samples]]:
    """``each`` of every sort, at the level at which a voice stands or as far below it as they are in life."""
    random = np.random.default_rng(0)
    return {name: [_captured(make(random)) for _ in range(each)] for name, make in _SORTS.items()}


def _captured(sound: Samples) -> Samples:
    """A microphone set for a voice clips a cough's burst."""
    return np.asarray(np.clip(sound, -1.0, 1.0), dtype=np.float32)


def _length(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE_HZ)


def _breath_source(seconds: float, random: Random, low_hz: float = 300.0, high_hz: float = 6000.0) -> Samples:
    band = signal.butter(1, [low_hz, high_hz], "bandpass", fs=SAMPLE_RATE_HZ, output="sos")
    return np.asarray(signal.sosfilt(band, random.standard_normal(_length(seconds))), dtype=np.float32)


def _folds(seconds: float, from_hz: float, to_hz: float, random: Random) -> Samples:
    """Pulses whose rate goes from one pitch to another; period and height waver by a tenth, as in a rough voice."""
    out = np.zeros(_length(seconds), np.float32)
    at = 0.0
    while at < len(out):
        out[int(at)] = random.normal(1.0, 0.15)
        hz = from_hz + (to_hz - from_hz) * at / len(out)
        at += SAMPLE_RATE_HZ / hz * random.normal(1.0, 0.04)
    falling = signal.lfilter([1.0], [1.0, -0.97], out)  # 12 dB an octave in all, as pulses of the folds have it
    return levelled(np.asarray(falling - falling.mean(), dtype=np.float32), 1.0)


def _mouth(source: Samples, random: Random) -> Samples:
    scale = random.uniform(0.85, 1.25)
    out = source.astype(np.float64)
    for hz, width_hz in zip(_OPEN_HZ * scale, _WIDTHS_HZ, strict=True):
        radius = np.exp(-np.pi * width_hz / SAMPLE_RATE_HZ)
        poles = [1.0, -2.0 * radius * np.cos(2 * np.pi * hz / SAMPLE_RATE_HZ), radius**2]
        out = signal.lfilter([sum(poles)], poles, out)
    lips = signal.lfilter([1.0, -0.95], [1.0], out)
    return np.asarray(lips, dtype=np.float32)


def _shaped(sound: Samples, attack_s: float, decay_s: float) -> Samples:
    """Up within ``attack_s``, then down by a factor of e every ``decay_s``."""
    at_s = np.arange(len(sound)) / SAMPLE_RATE_HZ
    return levelled(np.asarray(sound * np.minimum(at_s / attack_s, 1.0) * np.exp(-at_s / decay_s), np.float32), 1.0)


def _cough(random: Random) -> Samples:
    """Once to three times: it bursts open, rushes, and in two of three ends with the folds closing again."""
    parts: list[Samples] = []
    for _ in range(int(random.integers(1, 4))):
        parts.append(3.0 * _shaped(_mouth(_breath_source(0.05, random), random), 0.002, 0.02))
        parts.append(_shaped(_mouth(_breath_source(random.uniform(0.12, 0.25), random), random), 0.002, 0.1))
        if random.random() < 2 / 3:
            hz = random.uniform(150.0, 380.0)
            closing = _mouth(_folds(random.uniform(0.06, 0.14), hz, 0.7 * hz, random), random)
            parts.append(0.7 * _shaped(closing, 0.01, 0.05))
        parts.append(np.zeros(_length(random.uniform(0.05, 0.25)), np.float32))
    return levelled(np.concatenate(parts))


def _sneeze(random: Random) -> Samples:
    """Air drawn in, a hissing burst, and a voice that it carries along."""
    drawn = 0.15 * _shaped(_mouth(_breath_source(random.uniform(0.3, 0.6), random), random), 0.3, 1.0)
    burst = _shaped(_breath_source(random.uniform(0.15, 0.3), random, 1500.0, 7000.0), 0.005, 0.12)
    hz = random.uniform(180.0, 420.0)
    voiced = 0.5 * _shaped(_mouth(_folds(random.uniform(0.08, 0.25), hz, 0.6 * hz, random), random), 0.01, 0.08)
    return levelled(np.concatenate([drawn, 2.0 * burst, voiced]))


def _laugh(random: Random) -> Samples:
    """Three to eight breathy vowels, or, one time in three, the same without any voice."""
    voiceless = random.random() < 1 / 3
    hz = random.uniform(160.0, 420.0)
    parts: list[Samples] = []
    for number in range(int(random.integers(3, 9))):
        strength, high_hz = 0.85**number, hz * 0.96**number
        if voiceless:
            vowel = _breath_source(0.09, random)
        else:
            vowel = _folds(0.09, high_hz, 0.85 * high_hz, random) + 0.4 * levelled(_breath_source(0.09, random), 1.0)
        parts.append(np.float32(strength) * _shaped(_mouth(vowel, random), 0.01, 0.06))
        parts.append(
            0.12 * strength * levelled(_mouth(_breath_source(random.uniform(0.07, 0.14), random), random), 1.0)
        )
    return levelled(np.concatenate(parts).astype(np.float32))


def _breath(random: Random) -> Samples:
    sound = _mouth(_breath_source(random.uniform(0.5, 1.2), random), random)
    return levelled(sound * np.hanning(len(sound)).astype(np.float32), 0.015)


def _sigh(random: Random) -> Samples:
    """Breath that goes out for a second or more; in every second one the folds just sound along at first."""
    sound = _shaped(_mouth(_breath_source(random.uniform(1.0, 1.8), random), random), 0.15, 0.6)
    if random.random() < 0.5:
        hz = random.uniform(110.0, 260.0)
        along = _shaped(_mouth(_folds(0.4, hz, 0.75 * hz, random), random), 0.1, 0.15)
        sound[: len(along)] += 0.4 * along
    return levelled(sound, 0.02)


_SORTS: dict[str, Callable[[Random], Samples]] = {
    "cough": _cough,
    "sneeze": _sneeze,
    "laugh": _laugh,
    "breath": _breath,
    "sigh": _sigh,
}
