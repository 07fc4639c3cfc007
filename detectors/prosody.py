"""What a half second of one partner's speech sounds like, none of it dependent on the microphone's gain.

Speech frames are collected and measured together, so a point costs a few array operations and
silence costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from detectors.frames import Frame
from detectors.packing import pack, unpack
from detectors.pitch import FFT_SAMPLES, WINDOW_SAMPLES, Floats, power_spectra, track
from detectors.settings import FRAME_SAMPLES, ProsodySettings
from streaming.types import SAMPLE_RATE_HZ, Samples, Span

TAIL_SAMPLES = 768  # audio before a frame, so that its windows are whole
_HOP_SAMPLES = 256  # 16 ms
_BIN_HZ = SAMPLE_RATE_HZ / FFT_SAMPLES
FEATURES = ("pitch_st", "pitch_high_st", "bright_db", "first_formant_db", "periodicity", "rate_hz", "swing_db")


@dataclass(frozen=True, slots=True, eq=False)
class Prosody:
    """A point. ``features`` are in the order of FEATURES; ``spectrum`` is the mean power (641,)."""

    span: Span
    features: Floats
    voiced: int  # windows with a pitch
    level_db: float
    spectrum: Floats


def _band(power: Floats, low_hz: float, high_hz: float) -> Floats:
    return np.asarray(power[:, int(low_hz / _BIN_HZ) : int(high_hz / _BIN_HZ)].sum(axis=1) + 1e-9)


def measure(segments: Samples, energies_db: list[float], span: Span, settings: ProsodySettings) -> Prosody:
    """A point from frames of speech, each with the 768 samples before it: (n, 1280)."""
    windows = np.concatenate([segments[:, :WINDOW_SAMPLES], segments[:, _HOP_SAMPLES:]], axis=1)
    power = power_spectra(windows.reshape(-1, WINDOW_SAMPLES))
    total_db = 10.0 * np.log10(power.sum(axis=1) + 1e-9)
    loud = total_db >= total_db.max() - settings.loud_db
    pitch = track(power, settings.pitch)
    voiced = loud & (pitch.periodicity >= settings.pitch.voiced)
    spoken = power[voiced] if voiced.any() else power
    semitones = 12.0 * np.log2(pitch.hz[voiced] / 100.0) if voiced.any() else np.zeros(1, np.float32)
    low, first, bright = _band(spoken, 80, 500), _band(spoken, 500, 1000), _band(spoken, 1000, 3400)
    features = (
        float(np.median(semitones)),
        float(np.quantile(semitones, 0.8)),
        float(np.mean(10.0 * np.log10(bright / (low + first)))),
        float(np.mean(10.0 * np.log10(first / low))),
        float(np.mean(pitch.periodicity[voiced])) if voiced.any() else 0.0,
        _syllables_hz(energies_db),
        float(np.std(total_db[loud])),
    )
    return Prosody(
        span, np.array(features, np.float32), int(voiced.sum()), float(np.median(total_db[loud])), spoken.mean(axis=0)
    )


def _syllables_hz(energies_db: list[float]) -> float:
    """Peaks of the smoothed envelope (4 ms steps) a second of speech; a peak stands 2 dB over both valleys."""
    smooth = np.convolve(energies_db, np.full(12, 1 / 12), mode="same").tolist()
    count, low, high, rising = 0, smooth[0], smooth[0], True
    for db in smooth:
        if rising:
            high = max(high, db)
            if db < high - 2.0:
                count, low, rising = count + 1, db, False
        else:
            low = min(low, db)
            if db > low + 2.0:
                high, rising = db, True
    return count * 250.0 / len(energies_db)


@dataclass(slots=True)
class SpeechCollector:
    """One partner's speech frames until they make a point."""

    settings: ProsodySettings
    _tail: Samples = field(default_factory=lambda: np.zeros(TAIL_SAMPLES, np.float32))
    _segments: list[Samples] = field(default_factory=list)
    _energies: list[float] = field(default_factory=list)
    _start: int = 0
    _end: int = 0
    _due: int = 0  # samples of speech towards the next point

    def hear(self, frame: Frame, energies_db: list[float], speaking: bool) -> Prosody | None:
        """A point whenever another half second of own speech is complete."""
        segment = np.concatenate([self._tail, frame.samples])
        self._tail = segment[FRAME_SAMPLES:]
        if not speaking:
            return None
        if self._segments and frame.start - self._end > self.settings.forget_samples:
            self._segments, self._energies, self._due = [], [], 0
        if not self._segments:
            self._start = frame.start
        self._segments.append(segment)
        self._energies += energies_db
        self._end = frame.end
        self._due += FRAME_SAMPLES
        if self._due < self.settings.point_samples:
            return None
        self._due -= self.settings.point_samples
        point = measure(np.stack(self._segments), self._energies, Span(self._start, self._end), self.settings)
        self._segments, self._energies = [], []
        return point

    def save(self) -> dict[str, Any]:
        segments = np.stack(self._segments) if self._segments else np.zeros((0, FFT_SAMPLES), np.float32)
        return {
            "tail": pack(self._tail),
            "segments": pack(segments),
            "energies": self._energies,
            "at": [self._start, self._end, self._due],
        }

    @classmethod
    def restore(cls, settings: ProsodySettings, saved: dict[str, Any]) -> SpeechCollector:
        segments = list(unpack(saved["segments"]))
        return cls(settings, unpack(saved["tail"]), segments, list(saved["energies"]), *saved["at"])
