"""How the other partner's voice comes into this microphone: a filter from the one microphone to the other.

Where what this microphone hears can be made out of what the other one heard, it is the other's voice;
what is left over is this partner's own, as far as it is more than bleed leaves: a room rings on longer than
the filter is, and has a noise of its own. The filter is learnt block by block in the frequency domain, at each
frequency as fast as it is doubted there and as nothing else is heard (a Kalman filter: G. Enzner and P. Vary,
"Frequency-domain adaptive Kalman filter for acoustic echo control in hands-free telephones", 2006). So both may
speak while it learns. A voice that this microphone hears first can't be made out of what comes later elsewhere.

The other microphone hears this partner too. What comes back of that would ring on after own speech as if
it went on; so each filter is given what the other has left over, as in symmetric adaptive decorrelation
(D. Van Compernolle and S. Van Gerven, 1992).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.packing import pack, unpack
from detectors.settings import FRAME_SAMPLES, SUBS, BleedSettings
from streaming.types import Samples

PARTS = 8  # of a frame each: 256 ms of a room
_BINS = FRAME_SAMPLES // 2 + 1  # up to 4 kHz: the rest of the voice says little more and costs as much again
_BAND = np.zeros(_BINS, np.float32)
_BAND[4:230] = 1.0  # 62 to 3600 Hz
_KEPT = FRAME_SAMPLES // 2  # a frame at 8 kHz
_NOTHING = np.zeros(FRAME_SAMPLES, np.float32)


def _spectrum(block: Samples) -> NDArray[np.complex64]:
    return np.asarray(np.fft.rfft(block), dtype=np.complex64)


def _frame_of(spectrum: NDArray[np.complex64], length: int) -> Samples:
    """The later half of the block that has this spectrum: ``length`` 512 samples at 8 kHz, 1024 at 16 kHz."""
    return np.asarray(np.fft.irfft(spectrum, length)[length // 2 :], dtype=np.float32)


def _power(spectrum: NDArray[np.complex64]) -> NDArray[np.float32]:
    return np.asarray(spectrum.real**2 + spectrum.imag**2, dtype=np.float32)


@dataclass(slots=True)
class Microphone:
    """The last 288 ms of one microphone at 8 kHz, without the other's voice as far as its way is known."""

    kept: Samples = field(default_factory=lambda: np.zeros((PARTS + 1) * _KEPT, np.float32))
    spectra: NDArray[np.complex64] = field(default_factory=lambda: np.zeros((PARTS, _BINS), np.complex64))
    signal: Samples = field(default_factory=lambda: np.zeros(_KEPT, np.float32))  # of the frame, with all in it

    def take(self, recent: Samples) -> None:
        """The next frame; ``recent`` (1024,) ends with it."""
        self.signal = np.fft.irfft(np.fft.rfft(recent)[:_BINS] * _BAND, FRAME_SAMPLES)[_KEPT:].astype(np.float32)
        self.kept[:-_KEPT] = self.kept[_KEPT:]
        self.spectra[1:] = self.spectra[:-1]
        self.keep(self.signal)

    def keep(self, own: Samples) -> None:
        """Of the frame taken last, this is left."""
        self.kept[-_KEPT:] = own
        self.spectra[0] = _spectrum(self.kept[-2 * _KEPT :])

    @classmethod
    def restore(cls, kept: Samples) -> Microphone:
        blocks = [kept[len(kept) - (part + 2) * _KEPT : len(kept) - part * _KEPT] for part in range(PARTS)]
        return cls(kept, np.stack([_spectrum(block) for block in blocks]))


@dataclass(slots=True)
class EchoPath:
    """From the other's microphone to this one."""

    learnt: int = 0  # frames
    usual_left_db: float = 0.0  # of the bleed that it was learnt from
    own_share_db: Samples = field(default_factory=lambda: np.zeros(SUBS, np.float32))  # of each 4 ms of the last frame
    echo: Samples = field(default_factory=lambda: _NOTHING)  # (512,) what of the last frame came this way, at 16 kHz
    _weights: NDArray[np.complex64] = field(default_factory=lambda: np.zeros((PARTS, _BINS), np.complex64))
    noise: float = 0.008  # energy that is left of a frame of next to nothing; at first that of a loud room, -45 dB
    over_due_db: float = 0.0  # what was left of late, over what bleed and noise would leave
    _doubt: NDArray[np.float32] = field(default_factory=lambda: np.ones((PARTS, _BINS), np.float32))  # power of errors
    _beside: NDArray[np.float32] = field(default_factory=lambda: np.zeros(_BINS, np.float32))  # power of all else
    _heard: float = 0.0  # energy of this microphone, of late
    _left: float = 0.0  # what of it could not be explained
    _rings: float = 0.0  # energy of what was explained, as it dies away in the room
    _due: float = 0.0  # what bleed and noise would have left, of late
    _over: float = 0.0  # what was left, of late; sooner forgotten than ``_left`` when it gets fainter

    def rest(self) -> None:
        """Nothing was to be told apart for a while."""
        self._heard = self._left = self._rings = self._due = self._over = 0.0

    def explained(self, there: Microphone) -> NDArray[np.complex64]:
        """Of the frame and the one before, what comes from the other microphone."""
        return np.asarray(np.einsum("ij,ij->j", self._weights, there.spectra))

    def left(self, here: Microphone, there: Microphone) -> Samples:
        """What of this frame can't come from the other microphone."""
        return here.signal - _frame_of(self.explained(there), FRAME_SAMPLES)

    def hear(self, here: Microphone, there: Microphone, learn: bool, settings: BleedSettings) -> float:
        """How much is left of what was heard of late, in dB, never over 0. ``learn`` where the other speaks.

        Before the way is known that has to be all that is heard. Then it is also learnt on from whatever it explains.
        """
        spectrum = self.explained(there)
        rest = here.signal - _frame_of(spectrum, FRAME_SAMPLES)
        heards, lefts = ((x * x).reshape(SUBS, -1).sum(axis=1) for x in (here.signal, rest))
        self.own_share_db = 10.0 * np.log10(np.minimum(1.0, (lefts + 1e-9) / (heards + 1e-9)))
        heard, left = float(heards.sum()), float(lefts.sum())
        self.echo = _frame_of(spectrum, 2 * FRAME_SAMPLES) if left < heard else _NOTHING
        memory = settings.left_memory
        if self._left > 0.5 * self._heard:  # an own voice that has just ended hides what is so much fainter no longer
            memory *= min(1.0, settings.left_frames * heard / (self._heard + 1e-9))
        self._heard = memory * self._heard + heard
        self._left = memory * self._left + min(left, heard)
        left_db = 10.0 * math.log10((self._left + 1e-9) / (self._heard + 1e-9))
        explained, left = here.signal - rest, min(left, heard)
        self._expect(min(float(explained @ explained), heard), left, settings)
        bleed = left_db <= self.threshold_db(settings) if self.known(settings) else learn
        if learn or bleed:
            self._learn(there.spectra, rest, settings)
        if bleed:
            self.usual_left_db += settings.usual_left_share * (left_db - self.usual_left_db)
            share = settings.noise_fall if left < self.noise else settings.noise_rise
            self.noise += share * (min(left, settings.noise_most * self.noise) - self.noise)
        return left_db

    def is_bleed(self, left_db: float, settings: BleedSettings) -> bool:
        """Whether nothing in the frame just heard has to be this partner's own, where the way is known.

        By the share alone, which ``hear`` gives, the faint end of every word of the other's would be own speech.
        """
        return left_db <= settings.most_left_db and self.over_due_db <= settings.most_over_db

    def _expect(self, explained: float, left: float, settings: BleedSettings) -> None:
        """Compares the energy that is ``left`` with what is due to bleed, as loud as it is and was, and to noise."""
        s = settings
        self._rings = max(explained, s.ring_fall * self._rings)
        due = 10.0 ** (self.usual_left_db / 10.0) * self._rings + s.noise_times * self.noise
        self._due = s.left_memory * self._due + due
        self._over = min(s.left_memory * self._over, left) + left
        self.over_due_db = 10.0 * math.log10((self._over + 1e-9) / (self._due + 1e-9))

    def known(self, settings: BleedSettings) -> bool:
        """Whether it has explained bleed well enough to be believed."""
        return self.learnt >= settings.echo_frames and self.usual_left_db <= settings.known_left_db

    def useless(self, settings: BleedSettings) -> bool:
        """Whether it learnt long enough and explains nothing: there is no way from there to here."""
        return self.learnt >= settings.echo_frames and self.usual_left_db > settings.useless_left_db

    def threshold_db(self, settings: BleedSettings) -> float:
        """What leaves less than this is bleed alone. The better the way is known, the less."""
        return max(settings.least_left_db, min(settings.bleed_left_db, settings.left_share * self.usual_left_db))

    def _learn(self, spectra: NDArray[np.complex64], rest: Samples, settings: BleedSettings) -> None:
        error = _spectrum(np.concatenate([np.zeros(_KEPT, np.float32), rest]))
        self._beside += np.float32(1.0 - settings.beside_memory) * (_power(error) - self._beside)
        power = _power(spectra)
        # Half of a block of the error is padding, so its power counts twice, and what is learnt from it half.
        due = (self._doubt * power).sum(axis=0) + np.float32(2.0) * self._beside + np.float32(1e-6)
        gain = self._doubt / due
        self._weights += gain * np.conj(spectra) * error
        lasting = np.float32(settings.way_lasts)
        self._doubt *= lasting * (np.float32(1.0) - np.float32(0.5) * gain * power)
        self._doubt += (np.float32(1.0) - lasting) * _power(self._weights)
        # One part a frame is brought back to what a filter of its length can be.
        part = self.learnt % PARTS
        response = np.fft.irfft(self._weights[part], FRAME_SAMPLES)
        response[_KEPT:] = 0.0
        self._weights[part] = np.fft.rfft(response)
        self.learnt += 1

    def save(self) -> dict[str, Any]:
        numbers = [self.learnt, self.usual_left_db, self.noise]
        late = [self._heard, self._left, self._rings, self._due, self._over]
        arrays = {"weights": self._weights, "doubt": self._doubt, "beside": self._beside}
        return {"numbers": numbers, "late": late} | {name: pack(array) for name, array in arrays.items()}

    @classmethod
    def restore(cls, saved: dict[str, Any]) -> EchoPath:
        learnt, usual_left_db, noise = saved["numbers"]
        path = cls(learnt, usual_left_db, noise=noise, _weights=unpack(saved["weights"]))
        path._doubt, path._beside = unpack(saved["doubt"]), unpack(saved["beside"])
        path._heard, path._left, path._rings, path._due, path._over = saved["late"]
        return path


def tell_apart(here: Microphone, there: Microphone, to_here: EchoPath | None, to_there: EchoPath | None) -> None:
    """Keeps of both microphones' frame what is their own. A way that is not known is None.

    Twice, for each is cleaned of what the other has left. What a filter makes louder is kept as it was.
    """
    for _ in range(2):
        ways = ((here, there, to_here), (there, here, to_there))
        lefts = [(own, own.signal if way is None else way.left(own, other)) for own, other, way in ways]
        for own, left in lefts:
            own.keep(left if left @ left < own.signal @ own.signal else own.signal)
