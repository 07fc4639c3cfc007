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
_TINY = 1e-9
FEATURES = (
    "pitch_st",  # median, semitones over 100 Hz
    "pitch_low_st",  # 20th centile; the 80th would believe every doubled period
    "centre_st",  # centre of gravity of 300 to 3400 Hz, semitones over 1 kHz
    "bright_db",  # 1 to 3.4 kHz against 0.3 to 1 kHz
    "first_formant_db",  # 600 to 1000 Hz against 300 to 600 Hz
    "second_harmonic_db",  # 2 to 3.4 kHz against the second harmonic: the tension of the voice
    "rate_hz",  # syllables a second
)
OF_THE_VOICE = ("pitch_st", "pitch_low_st", "rate_hz")  # whatever the microphone


@dataclass(frozen=True, slots=True, eq=False)
class Prosody:
    """A point. ``features`` are in the order of FEATURES; ``spectrum`` is the mean power (641,)."""

    span: Span
    features: Floats
    voiced: int  # windows with a pitch; 0 where too few for features
    level_db: float
    spectrum: Floats


def _bin(hz: float) -> int:
    return int(hz / _BIN_HZ)


# Only what a telephone lets through is compared, so that a narrow band does not sound like arousal.
_BAND = slice(_bin(300), _bin(3400))
_BAND_ST = (12.0 * np.log2(np.arange(_BAND.start, _BAND.stop) * _BIN_HZ / 1000.0)).astype(np.float32)


def _db(power: Floats) -> Floats:
    return np.asarray(10.0 * np.log10(power + _TINY), dtype=np.float32)


def _band_db(power: Floats, low_hz: float, high_hz: float) -> Floats:
    return _db(power[:, _bin(low_hz) : _bin(high_hz)].sum(axis=1))


def measure(
    segments: Samples, energies_db: list[float], noise: Floats, span: Span, settings: ProsodySettings
) -> Prosody:
    """A point from frames of speech, each with the 768 samples before it: (n, 1280).

    ``noise`` (641,) is the power that the room has without speech; it is taken off before bands are compared.
    """
    windows = np.concatenate([segments[:, :WINDOW_SAMPLES], segments[:, _HOP_SAMPLES:]], axis=1)
    power = power_spectra(windows.reshape(-1, WINDOW_SAMPLES))
    total_db = _db(power.sum(axis=1))
    pitch = track(power, settings.pitch)
    voiced = (total_db >= total_db.max() - settings.loud_db) & (pitch.periodicity >= settings.pitch.voiced)
    count = int(voiced.sum())
    features = np.zeros(len(FEATURES), np.float32)
    if count >= settings.least_voiced:
        features[:-1] = _voice(power[voiced], pitch.hz[voiced], noise, settings)
        features[-1] = _syllables_hz(energies_db)
    else:
        count = 0
    return Prosody(span, features, count, float(np.median(total_db)), power.mean(axis=0))


def _voice(power: Floats, hz: Floats, noise: Floats, settings: ProsodySettings) -> list[float]:
    """The features but the last of voiced windows: power (n, 641), pitch (n,)."""
    semitones = 12.0 * np.log2(hz / 100.0)
    low_st, middle_st = np.quantile(semitones, (0.2, 0.5))
    clean = np.maximum(power - noise, settings.noise_left * power)
    band = clean[:, _BAND]
    centre_st = 12.0 * np.log2((band @ np.exp2(_BAND_ST / 12.0)) / (band.sum(axis=1) + _TINY) + _TINY)
    second = np.clip(np.rint(2.0 * hz / _BIN_HZ).astype(np.intp), 1, power.shape[1] - 2)
    rows = np.arange(len(second))
    harmonic = np.maximum(np.maximum(clean[rows, second - 1], clean[rows, second]), clean[rows, second + 1])
    return [
        float(middle_st),
        float(low_st),
        float(np.mean(centre_st)),
        float(np.mean(_band_db(clean, 1000, 3400) - _band_db(clean, 300, 1000))),
        float(np.mean(_band_db(clean, 600, 1000) - _band_db(clean, 300, 600))),
        float(np.mean(_band_db(clean, 2000, 3400) - _db(harmonic))),
    ]


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
    _quiet: int = 0  # frames in a row without speech
    _noise: Floats = field(default_factory=lambda: np.zeros(FFT_SAMPLES // 2 + 1, np.float32))

    def hear(self, frame: Frame, speaking: bool, quiet: bool) -> Prosody | None:
        """A point whenever another half second of own speech is complete.

        ``quiet`` frames hold the room alone; a frame may be neither.
        """
        segment = np.concatenate([self._tail, frame.samples])
        self._tail = segment[FRAME_SAMPLES:]
        self._quiet = self._quiet + 1 if quiet else 0
        if not speaking:
            self._hear_room(segment)
            return None
        if self._segments and frame.start - self._end > self.settings.forget_samples:
            self._segments, self._energies, self._due = [], [], 0
        if not self._segments:
            self._start = frame.start
        self._segments.append(segment)
        self._energies += frame.energies_db
        self._end = frame.end
        self._due += FRAME_SAMPLES
        if self._due < self.settings.point_samples:
            return None
        self._due -= self.settings.point_samples
        span = Span(self._start, self._end)
        point = measure(np.stack(self._segments), self._energies, self._noise, span, self.settings)
        self._segments, self._energies = [], []
        return point

    def _hear_room(self, segment: Samples) -> None:
        s = self.settings
        if self._quiet < s.room_after_frames or (self._quiet - s.room_after_frames) % s.room_every_frames:
            return
        power = power_spectra(segment[None, -WINDOW_SAMPLES:])[0]
        share = s.room_share if self._noise.any() else 1.0
        self._noise = self._noise + np.float32(share) * (power - self._noise)

    def save(self) -> dict[str, Any]:
        segments = np.stack(self._segments) if self._segments else np.zeros((0, FFT_SAMPLES), np.float32)
        return {
            "tail": pack(self._tail),
            "segments": pack(segments),
            "energies": self._energies,
            "at": [self._start, self._end, self._due, self._quiet],
            "noise": pack(self._noise),
        }

    @classmethod
    def restore(cls, settings: ProsodySettings, saved: dict[str, Any]) -> SpeechCollector:
        own = cls(settings, unpack(saved["tail"]), list(unpack(saved["segments"])), list(saved["energies"]))
        own._start, own._end, own._due, own._quiet = saved["at"]
        own._noise = unpack(saved["noise"])
        return own
