"""Pitch of steady voices is exact, of noise there is none, and it agrees with a trained tracker on speech."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal
from swift_f0 import SwiftF0

from detectors.pitch import WINDOW_SAMPLES, Pitch, power_spectra, track
from detectors.settings import PitchSettings
from streaming.types import SAMPLE_RATE_HZ, Samples, Speaker
from tests.detectors.talk import dialogue

HOP = 256


def pitch_of(samples: Samples) -> Pitch:
    """Half seconds at a time, as speech is measured."""
    windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW_SAMPLES)[::HOP]
    parts = [track(power_spectra(windows[at : at + 32]), PitchSettings()) for at in range(0, len(windows), 32)]
    return Pitch(np.concatenate([p.hz for p in parts]), np.concatenate([p.periodicity for p in parts]))


def voice(hz: float, *, without_fundamental: bool = False) -> Samples:
    time_s = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    first = 2 if without_fundamental else 1
    partials = [np.sin(2 * np.pi * hz * k * time_s) / k for k in range(first, int(4000 / hz))]
    return np.asarray(0.1 * np.sum(partials, axis=0), dtype=np.float32)


@pytest.mark.parametrize("hz", [70.0, 118.0, 210.0, 333.0, 500.0])
@pytest.mark.parametrize("without_fundamental", [False, True])
def test_a_steady_voice_has_its_pitch_within_a_tenth_of_a_semitone(hz: float, without_fundamental: bool) -> None:
    pitch = pitch_of(voice(hz, without_fundamental=without_fundamental))
    assert pitch.hz == pytest.approx(hz, rel=0.006)
    assert pitch.periodicity.min() > 0.85


def test_noise_has_no_pitch() -> None:
    noise = np.random.default_rng(0).standard_normal(SAMPLE_RATE_HZ).astype(np.float32)
    assert (pitch_of(noise).periodicity > PitchSettings().voiced).mean() < 0.05


@pytest.mark.parametrize("line", ["as it is", "telephone"])
def test_on_speech_it_agrees_with_a_trained_tracker(line: str) -> None:
    band = signal.butter(4, [300, 3400], "bandpass", fs=SAMPLE_RATE_HZ, output="sos")
    for speaker in Speaker:
        samples = dialogue(0, 40)[speaker]
        known = SwiftF0(threads=1).detect(samples, SAMPLE_RATE_HZ)
        heard = signal.sosfilt(band, samples).astype(np.float32) if line == "telephone" else samples
        pitch = pitch_of(heard)
        time_s = (np.arange(len(pitch.hz)) * HOP + WINDOW_SAMPLES // 2) / SAMPLE_RATE_HZ
        sure = np.interp(time_s, known.timestamps, (known.confidence > 0.8).astype(float)) == 1.0
        both = sure & (pitch.periodicity >= PitchSettings().voiced)
        assert both.sum() > 0.6 * sure.sum()
        apart_st = 12 * np.log2(pitch.hz[both] / np.interp(time_s[both], known.timestamps, known.pitch_hz))
        assert (np.abs(apart_st) > 1.0).mean() < 0.06
        assert np.median(np.abs(apart_st)) < 0.2
