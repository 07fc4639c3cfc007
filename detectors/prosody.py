"""What a half second of one partner's speech sounds like.

All but the level is independent of the microphone's gain. Speech frames are collected and measured together, so
a point costs a few array operations and silence costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.frames import Frame
from detectors.packing import pack, unpack
from detectors.pitch import FFT_SAMPLES, WINDOW_SAMPLES, Floats, power_spectra, track
from detectors.settings import FRAME_SAMPLES, ProsodySettings
from streaming.types import SAMPLE_RATE_HZ, Samples, Span

_EARLIER_SAMPLES = 256  # with the frame before a frame, its windows are whole
_ROOMS = 8  # windows of the room that are measured together
_HOP_SAMPLES = 256  # 16 ms
_BIN_HZ = SAMPLE_RATE_HZ / FFT_SAMPLES
_TINY = 1e-9
FEATURES = (
    "pitch_st",  # median, semitones over 100 Hz
    "pitch_low_st",  # 20th centile; the 80th would believe every doubled period
    "slope_db",  # an octave, over half octaves from 300 Hz to 3.4 kHz: an effortful voice falls off less
    "centre_st",  # centre of gravity of the same band, semitones over 1 kHz
    "change_db",  # of the spectrum's shape over third octaves, from one window to the next
)
OF_THE_VOICE = ("pitch_st", "pitch_low_st")  # whatever the microphone


@dataclass(frozen=True, slots=True, eq=False)
class Prosody:
    """A point. ``features`` are in the order of FEATURES; ``spectrum`` is the mean power (641,).

    ``level_db`` is that of the voiced windows from 300 Hz to 3.4 kHz, the room's noise taken off.
    """

    span: Span
    features: Floats
    voiced: int  # windows with a pitch; 0 where too few for features
    level_db: float
    spectrum: Floats


def _bin(hz: float) -> int:
    return int(hz / _BIN_HZ)


# Only what a telephone lets through is compared, so that a narrow band does not sound like arousal.
_BAND = slice(_bin(300), _bin(3400))
_BAND_OCTAVES = np.log2(np.arange(_BAND.start, _BAND.stop) * _BIN_HZ / 1000.0).astype(np.float32)


def _edges(an_octave: int) -> NDArray[np.intp]:
    """First bins of bands from 300 Hz, as many as fit into what a telephone lets through."""
    count = int(an_octave * np.log2(3500 / 300))
    return (300 * 2 ** (np.arange(count + 1) / an_octave) / _BIN_HZ).astype(np.intp)


_HALVES, _THIRDS = _edges(2), _edges(3)
_PLACES = np.arange(len(_HALVES) - 1) / 2 - (len(_HALVES) - 2) / 4  # of half octaves round their middle, octaves
_SLOPE = (_PLACES / (_PLACES**2).sum()).astype(np.float32)


def _db(power: Floats) -> Floats:
    return np.asarray(10.0 * np.log10(power + _TINY), dtype=np.float32)


def _bands_db(power: Floats, edges: NDArray[np.intp]) -> Floats:
    """Power (n, 641) by band (n, edges - 1)."""
    return _db(np.add.reduceat(power[:, : edges[-1]], edges[:-1], axis=1))


def measure(segments: Samples, noise: Floats, span: Span, settings: ProsodySettings) -> Prosody:
    """A point from frames of speech, each with the 768 samples before it: (n, 1280).

    ``noise`` (641,) is the power that the room has without speech; it is taken off before bands are compared.
    """
    windows = np.concatenate([segments[:, :WINDOW_SAMPLES], segments[:, _HOP_SAMPLES:]], axis=1)
    power = power_spectra(windows.reshape(-1, WINDOW_SAMPLES))
    total_db = _db(power.sum(axis=1))
    pitch = track(power, settings.pitch)
    voiced = (total_db >= total_db.max() - settings.loud_db) & (pitch.periodicity >= settings.pitch.voiced)
    spectrum, count = power.mean(axis=0), int(voiced.sum())
    if count < settings.least_voiced:
        return Prosody(span, np.zeros(len(FEATURES), np.float32), 0, float(np.median(total_db)), spectrum)
    own = power[voiced]
    clean = np.maximum(own - noise, settings.noise_left * own)
    level_db = _db(clean[:, _BAND].sum(axis=1)).mean()
    follows = np.diff(np.flatnonzero(voiced)) == 1
    return Prosody(span, _voice(clean, pitch.hz[voiced], follows), count, float(level_db), spectrum)


def _voice(power: Floats, hz: Floats, follows: NDArray[np.bool_]) -> Floats:
    """The features of voiced windows: power (n, 641), pitch (n,), and which follow the one before (n - 1,)."""
    pitch_st = np.sort(12.0 * np.log2(hz / 100.0))
    low_st, middle_st = pitch_st[len(hz) // 5], pitch_st[len(hz) // 2]
    slopes = _bands_db(power, _HALVES) @ _SLOPE
    band = power[:, _BAND]
    centres = np.log2((band @ np.exp2(_BAND_OCTAVES)) / (band.sum(axis=1) + _TINY) + _TINY)
    shapes = _bands_db(power, _THIRDS)
    shapes = shapes - shapes.mean(axis=1, keepdims=True)
    changes = np.abs(np.diff(shapes, axis=0)).mean(axis=1)
    change = changes[follows].mean() if follows.any() else changes.mean()
    return np.array([middle_st, low_st, slopes.mean(), 12.0 * centres.mean(), change], np.float32)


@dataclass(slots=True)
class SpeechCollector:
    """One partner's speech frames until they make a point."""

    settings: ProsodySettings
    _before: Samples = field(default_factory=lambda: np.zeros(FRAME_SAMPLES, np.float32))  # the frame before
    _earlier: Samples = field(default_factory=lambda: np.zeros(_EARLIER_SAMPLES, np.float32))  # what came before it
    _segments: list[Samples] = field(default_factory=list)  # three to a frame: earlier, before, itself
    _start: int = 0
    _end: int = 0
    _due: int = 0  # samples of speech towards the next point
    _quiet: int = 0  # frames in a row without speech
    _noise: Floats = field(default_factory=lambda: np.zeros(FFT_SAMPLES // 2 + 1, np.float32))
    _rooms: list[Samples] = field(default_factory=list)  # windows of the room that ``_noise`` has not heard yet

    def hear(self, frame: Frame, speaking: bool, quiet: bool) -> Prosody | None:
        """A point whenever another half second of own speech is complete.

        ``quiet`` frames hold the room alone; a frame may be neither.
        """
        earlier, before = self._earlier, self._before
        # A copy: what is kept for half a second of speech must not keep alive a whole batch of streams' frames.
        self._earlier, self._before = before[-_EARLIER_SAMPLES:], frame.samples.copy()
        self._quiet = self._quiet + 1 if quiet else 0
        if not speaking:
            if self._tells_of_room():
                self._rooms.append(np.concatenate([before, self._before]))
                if len(self._rooms) == _ROOMS:
                    self._hear_room()
            return None
        if self._segments and frame.start - self._end > self.settings.forget_samples:
            self._segments, self._due = [], 0
        if not self._segments:
            self._start = frame.start
        self._segments += [earlier, before, self._before]
        self._end = frame.end
        self._due += FRAME_SAMPLES
        if self._due < self.settings.point_samples:
            return None
        self._due -= self.settings.point_samples
        span = Span(self._start, self._end)
        self._hear_room()
        point = measure(np.concatenate(self._segments).reshape(-1, FFT_SAMPLES), self._noise, span, self.settings)
        self._segments = []
        return point

    def _tells_of_room(self) -> bool:
        s, rung = self.settings, self._quiet - self.settings.room_after_frames
        return rung >= 0 and rung % s.room_every_frames == 0

    def _hear_room(self) -> None:
        """Windows are measured several at a time; what comes of them is the same."""
        if not self._rooms:
            return
        for power in power_spectra(np.stack(self._rooms)):
            share = self.settings.room_share if self._noise.any() else 1.0
            self._noise = self._noise + np.float32(share) * (power - self._noise)
        self._rooms = []

    def save(self) -> dict[str, Any]:
        self._hear_room()
        return {
            "tail": pack(np.concatenate([self._earlier, self._before])),
            "segments": pack(np.concatenate([*self._segments, np.zeros(0, np.float32)])),
            "at": [self._start, self._end, self._due, self._quiet],
            "noise": pack(self._noise),
        }

    @classmethod
    def restore(cls, settings: ProsodySettings, saved: dict[str, Any]) -> SpeechCollector:
        tail = unpack(saved["tail"])
        before, earlier = tail[_EARLIER_SAMPLES:], tail[:_EARLIER_SAMPLES]
        segments = unpack(saved["segments"])
        own = cls(settings, before, earlier, [segments] if len(segments) else [])
        own._start, own._end, own._due, own._quiet = saved["at"]
        own._noise = unpack(saved["noise"])
        return own
