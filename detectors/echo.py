"""How the other partner's voice comes into this microphone: a filter from the one microphone to the other.

Where what this microphone hears can be made out of what the other one heard, it is the other's voice;
what is left over is this partner's own. The filter is learnt block by block in the frequency domain
(J.-S. Soo and K. K. Pang, "Multidelay block frequency domain adaptive filter", 1990) while bleed
alone is heard. A voice that this microphone hears first can't be made out of what comes later elsewhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.packing import pack, unpack
from detectors.settings import FRAME_SAMPLES, BleedSettings
from streaming.types import Samples

PARTS = 8  # of a frame each: 256 ms of a room
HEARD_SAMPLES = (PARTS + 1) * FRAME_SAMPLES  # that ``hear`` is given of both microphones
_BINS = FRAME_SAMPLES // 2 + 1  # up to 4 kHz: the rest of the voice says little more and costs as much again
_BAND = np.zeros(_BINS, np.float32)
_BAND[4:230] = 1.0  # 62 to 3600 Hz
_KEPT = FRAME_SAMPLES // 2  # of a block's inverse, at 8 kHz


def _no_filter() -> NDArray[np.complex64]:
    return np.zeros((PARTS, _BINS), np.complex64)


@dataclass(slots=True)
class EchoPath:
    """From the other's microphone to this one."""

    learnt: int = 0  # frames
    usual_left_db: float = 0.0  # of the bleed that it was learnt from
    _weights: NDArray[np.complex64] = field(default_factory=_no_filter)
    _heard: float = 0.0  # energy of this microphone, of late
    _left: float = 0.0  # what of it could not be explained

    def rest(self) -> None:
        """Nothing was to be told apart for a while."""
        self._heard = self._left = 0.0

    def hear(self, here: Samples, there: Samples, learn: bool, settings: BleedSettings) -> float:
        """What of this frame can't come from the other microphone, in dB of what it holds, never over 0.

        ``here`` and ``there`` are the last HEARD_SAMPLES of both. ``learn`` where only the other speaks.
        """
        blocks = np.lib.stride_tricks.sliding_window_view(there, 2 * FRAME_SAMPLES)[::FRAME_SAMPLES][::-1]
        spectra = (np.fft.rfft(blocks, axis=1)[:, :_BINS] * _BAND).astype(np.complex64)
        own = np.fft.rfft(here[-2 * FRAME_SAMPLES :])[:_BINS] * _BAND
        explained = np.einsum("ij,ij->j", self._weights, spectra)
        signal, echo = np.fft.irfft(np.stack([own, explained]), FRAME_SAMPLES, axis=1)[:, _KEPT:]
        rest = signal - echo
        heard, left = float(signal @ signal), float(rest @ rest)
        memory = settings.left_memory
        if self._left > 0.5 * self._heard:  # an own voice that has just ended hides what is so much fainter no longer
            memory *= min(1.0, settings.left_frames * heard / (self._heard + 1e-9))
        self._heard = memory * self._heard + heard
        self._left = memory * self._left + min(left, heard)
        left_db = 10.0 * math.log10((self._left + 1e-9) / (self._heard + 1e-9))
        if learn:
            self._learn(spectra, rest, settings)
            self.usual_left_db += settings.usual_left_share * (left_db - self.usual_left_db)
        return left_db

    def known(self, settings: BleedSettings) -> bool:
        """Whether it has explained bleed well enough to be believed."""
        return self.learnt >= settings.echo_frames and self.usual_left_db <= settings.known_left_db

    def _learn(self, spectra: NDArray[np.complex64], rest: Samples, settings: BleedSettings) -> None:
        error = np.fft.rfft(np.concatenate([np.zeros(_KEPT, np.float32), rest]))
        power = (spectra.real**2 + spectra.imag**2).sum(axis=0)
        step = settings.echo_step * error / (power + np.float32(0.05) * power.mean() + np.float32(1e-6))
        self._weights += (np.conj(spectra) * step).astype(np.complex64)
        # One part a frame is brought back to what a filter of its length can be.
        part = self.learnt % PARTS
        response = np.fft.irfft(self._weights[part], FRAME_SAMPLES)
        response[_KEPT:] = 0.0
        self._weights[part] = np.fft.rfft(response)
        self.learnt += 1

    def save(self) -> dict[str, Any]:
        numbers = [self.learnt, self.usual_left_db, self._heard, self._left]
        return {"numbers": numbers, "weights": pack(self._weights)}

    @classmethod
    def restore(cls, saved: dict[str, Any]) -> EchoPath:
        learnt, usual_left_db, heard, left = saved["numbers"]
        return cls(learnt, usual_left_db, unpack(saved["weights"]), heard, left)
