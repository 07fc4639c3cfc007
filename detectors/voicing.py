"""Whether a sound that may be speech has a pitch as speech has, and whether that pitch is this voice's.

Keys, dishes, coughs and breath have none, or for a moment; a child's cry lies far above. Asked only
until a unit is proven, so it costs a few windows an utterance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from detectors.pitch import FFT_SAMPLES, LAG_RATE_HZ, PITCH_BINS, power_spectra, window_autocorrelation
from detectors.settings import VoicingSettings
from streaming.types import Samples


@dataclass(slots=True)
class Voicing:
    """Of the frames of what may be a unit; and what is usual for this partner."""

    usual_octaves: float = 0.0  # over 100 Hz, of the pitch of own utterances' beginnings
    known: int = 0  # utterances that taught it
    weight: float = 0.0  # amplitude, summed over the frames: vowels are what is loud in speech
    periodicity: float = 0.0  # times amplitude, summed likewise
    octaves: list[float] = field(default_factory=list)  # over 100 Hz, of those that have a pitch

    def hear(self, window: Samples, settings: VoicingSettings) -> bool:
        """``window`` (1024,) ends with the frame. True where it has a clear pitch, and one that adults speak at."""
        hz, periodicity, amplitude = pitch(window, settings)
        self.weight += amplitude
        self.periodicity += amplitude * periodicity
        if periodicity < settings.periodic:
            return False
        self.octaves.append(math.log2(hz / 100.0))
        return periodicity >= settings.clear and self.octaves[-1] <= settings.least_top_octaves

    def adult(self, settings: VoicingSettings) -> bool:
        """Whether what was heard since ``forget`` is pitched as adults' speech is: cries, keys and coughs are not."""
        s = settings
        low = sum(octaves <= s.least_top_octaves for octaves in self.octaves)
        pitched = self.periodicity >= s.adult_periodicity * self.weight
        return pitched and low >= s.adult_frames and low >= s.adult_share * len(self.octaves)

    def doubt(self, settings: VoicingSettings, narrow: bool) -> float:
        """How much more evidence than usual (log odds) is wanted of what was heard since ``forget``."""
        s, familiar = settings, self.known >= settings.known_units
        top = max(s.least_top_octaves, self.usual_octaves + s.reach_octaves) if familiar else s.stranger_top_octaves
        doubt = 0.0 if narrow or self.periodicity >= s.least_periodicity * self.weight else s.voiceless_doubt
        high = sum(octaves > top for octaves in self.octaves)
        return doubt + (s.high_doubt if high * 2 > len(self.octaves) else 0.0)

    def learn(self, settings: VoicingSettings) -> None:
        """What was heard since ``forget`` was this partner's voice."""
        if self.octaves:
            self.known += 1
            share = max(1.0 / self.known, settings.usual_memory)
            self.usual_octaves += share * (float(np.median(self.octaves)) - self.usual_octaves)

    def forget(self) -> None:
        """What was heard is over."""
        self.weight, self.periodicity, self.octaves = 0.0, 0.0, []


def pitch(window: Samples, settings: VoicingSettings) -> tuple[float, float, float]:
    """Frequency (Hz) of the strongest period in a window (1024,), how periodic it is (0 to 1), and its amplitude."""
    shortest, longest = int(LAG_RATE_HZ / settings.max_hz), int(LAG_RATE_HZ / settings.min_hz) + 2
    power = power_spectra(window[None])[0, :PITCH_BINS]
    amplitude = math.sqrt(float(power.sum()))
    lags = np.fft.irfft(power, FFT_SAMPLES // 2)[:longest]
    normal = lags / max(float(lags[0]), 1e-12) / window_autocorrelation(longest)
    inner = normal[shortest:-1]
    peaks = (inner >= normal[shortest - 1 : -2]) & (inner >= normal[shortest + 1 :])
    octaves = np.log2(np.arange(shortest, longest - 1, dtype=np.float32))
    strength = np.where(peaks, inner - settings.octave_cost * octaves, -1.0)
    best = int(strength.argmax())
    if not peaks[best]:
        return settings.max_hz, 0.0, amplitude
    return LAG_RATE_HZ / (best + shortest), min(1.0, max(0.0, float(inner[best]))), amplitude
