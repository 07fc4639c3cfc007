"""A microphone that is an array: a track of prepared audio, captured in real time."""

from __future__ import annotations

import asyncio
from fractions import Fraction

import av
import numpy as np
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from numpy.typing import NDArray

from streaming.types import Samples

RATE_HZ = 48_000  # what Opus and every browser's microphone use
FRAME = 960  # 20 ms
_ROOM_TONE = 10 ** (-70 / 20)  # a microphone is never digitally silent
_TONE_SEED = 1


class VoiceTrack(MediaStreamTrack):
    """A microphone that hears ``audio`` from a given instant on, and the tone of a quiet room before and after.

    A frame leaves once its last sample has been heard, as from a real microphone: 20 ms after it began.
    """

    kind = "audio"

    def __init__(self, audio: Samples) -> None:
        """``audio``: float32 (n,), 48 kHz."""
        super().__init__()
        self._audio = audio
        self._tone = np.random.default_rng(_TONE_SEED).standard_normal(RATE_HZ).astype(np.float32) * _ROOM_TONE
        self._began_at: float | None = None  # loop time of the track's sample 0
        self._start_at: float | None = None  # loop time of the audio's sample 0
        self._sent = 0
        self.played = asyncio.Event()

    def play_at(self, instant: float) -> None:
        """The audio's first sample is captured at ``instant`` (loop time), to the sample."""
        self._start_at = instant

    async def recv(self) -> av.AudioFrame:
        loop = asyncio.get_running_loop()
        if self._began_at is None:
            self._began_at = loop.time()
        first, self._sent = self._sent, self._sent + FRAME
        await asyncio.sleep(max(0.0, self._began_at + self._sent / RATE_HZ - loop.time()))
        if self.readyState != "live":
            raise MediaStreamError
        frame = av.AudioFrame.from_ndarray(_pcm(self._heard(first, self._began_at))[None], "s16", "mono")
        frame.sample_rate = RATE_HZ
        frame.pts = first
        frame.time_base = Fraction(1, RATE_HZ)
        return frame

    def _heard(self, first: int, began_at: float) -> Samples:
        block: Samples = np.take(self._tone, range(first, first + FRAME), mode="wrap")
        if self._start_at is None:
            return block
        at = first - round((self._start_at - began_at) * RATE_HZ)  # the block's place in the audio
        if at >= len(self._audio):
            self.played.set()
        lo, hi = max(0, at), min(len(self._audio), at + FRAME)
        if lo < hi:
            block[lo - at : hi - at] += self._audio[lo:hi]
        return block


def resampled(audio: Samples, rate_hz: int) -> Samples:
    """float32 (n,) at 48 kHz."""
    if rate_hz == RATE_HZ or len(audio) == 0:
        return np.asarray(audio, np.float32)
    resampler = av.AudioResampler("fltp", "mono", RATE_HZ)
    frame = av.AudioFrame.from_ndarray(np.asarray(audio, np.float32)[None], "fltp", "mono")
    frame.sample_rate = rate_hz
    blocks = [f.to_ndarray()[0] for f in [*resampler.resample(frame), *resampler.resample(None)]]
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def _pcm(block: Samples) -> NDArray[np.int16]:
    return np.asarray(np.clip(block, -1, 1) * 32767, np.int16)
