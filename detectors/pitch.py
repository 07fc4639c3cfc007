"""Pitch of many windows at once: autocorrelation by FFT, corrected for the window's own.

After P. Boersma, "Accurate short-term analysis of the fundamental frequency and the
harmonics-to-noise ratio of a sampled sound" (1993). One call works on all windows of a point.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from detectors.settings import PitchSettings
from streaming.types import SAMPLE_RATE_HZ, Samples

WINDOW_SAMPLES = 1024  # 64 ms: three periods of 65 Hz would be 46 ms
FFT_SAMPLES = 1280  # no lag that is looked at wraps round
PITCH_BINS = FFT_SAMPLES // 4  # up to 4 kHz: higher harmonics only add noise, and the inverse is half as long
LAG_RATE_HZ = SAMPLE_RATE_HZ // 2
_TINY = np.float32(1e-12)

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Pitch:
    """Per window: ``hz`` (n,), and ``periodicity`` (n,) from 0 (noise) to 1 (a pure period)."""

    hz: Floats
    periodicity: Floats


@cache
def hann() -> Samples:
    return np.hanning(WINDOW_SAMPLES).astype(np.float32)


@cache
def window_autocorrelation(lags: int) -> Floats:
    """The window's own, 1 at lag 0: what a pure tone's is multiplied by."""
    power = np.abs(np.fft.rfft(hann(), FFT_SAMPLES)) ** 2
    own = np.fft.irfft(power[:PITCH_BINS], FFT_SAMPLES // 2)[:lags]
    return np.asarray(own / own[0], dtype=np.float32)


def power_spectra(windows: Samples) -> Floats:
    """Power (n, 641) of windows (n, 1024); bins are 12.5 Hz apart."""
    padded = np.zeros((len(windows), FFT_SAMPLES), np.float32)
    own = padded[:, :WINDOW_SAMPLES]
    np.subtract(windows, windows.mean(axis=1, keepdims=True), out=own)
    own *= hann()
    spectrum = np.fft.rfft(padded, axis=1)
    power = np.asarray(spectrum.real**2, dtype=np.float32)
    power += spectrum.imag**2
    return power


@cache
def _octaves(lags: int) -> Floats:
    return np.log2(np.maximum(np.arange(lags, dtype=np.float32), 1.0))


def track(power: Floats, settings: PitchSettings) -> Pitch:
    """Pitch of the windows of half a second or so, from their power spectra (n, 641).

    A voice does not jump: every window's period is chosen twice, the second time near the median of the first.
    """
    shortest = int(LAG_RATE_HZ / settings.max_hz)
    longest = int(LAG_RATE_HZ / settings.min_hz) + 2
    amplitude = np.sqrt(power[:, :PITCH_BINS])
    # Power to three quarters: a formant on an even harmonic, or a lost fundamental, no longer doubles the pitch.
    correlation = np.fft.irfft(amplitude * np.sqrt(amplitude), FFT_SAMPLES // 2, axis=1)[:, :longest]
    normal = correlation / np.maximum(correlation[:, :1], _TINY) / window_autocorrelation(longest)
    octaves = _octaves(longest)
    peaks = np.zeros(normal.shape, dtype=bool)
    peaks[:, 1:-1] = (normal[:, 1:-1] >= normal[:, :-2]) & (normal[:, 1:-1] >= normal[:, 2:])
    peaks[:, :shortest] = False
    strength = np.where(peaks, normal - settings.octave_cost * octaves, -np.inf)
    rows = np.arange(len(strength))
    best = strength.argmax(axis=1)
    voiced = normal[rows, best] >= settings.voiced
    if voiced.any():
        middle = np.median(octaves[best[voiced]])
        best = (strength - settings.jump_cost * np.abs(octaves - middle)).argmax(axis=1)
    found = peaks[rows, best]
    best = np.clip(best, 1, longest - 2)
    left, top, right = normal[rows, best - 1], normal[rows, best], normal[rows, best + 1]
    bend = np.minimum(left - 2.0 * top + right, -_TINY)
    hz = LAG_RATE_HZ / (best + np.clip(0.5 * (left - right) / bend, -0.5, 0.5))
    return Pitch(hz.astype(np.float32), np.where(found, np.clip(top, 0.0, 1.0), 0.0).astype(np.float32))
