"""The public track, where packets are out of reach (``gateway.media.receiver``): the same audio, later."""

from __future__ import annotations

from typing import Protocol

import av
import numpy as np
import structlog
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from streaming.types import SAMPLE_RATE_HZ, Samples, on_steps

log = structlog.get_logger(__name__)

PREFETCH_S = 0.08  # aiortc's jitter buffer gives out a packet when four later ones have come


class FrameListener(Protocol):
    """Who takes frames. ``audio`` is the frame's, 16 kHz mono; they are numbered in the order in which they come."""

    def on_frame(self, frame: av.AudioFrame, audio: Samples, number: int) -> None: ...


class TrackReader:
    """The track, decoded by aiortc, as 16 kHz mono.

    aiortc decodes here whatever arrives, before anyone agreed to it too; none of it leaves this class
    then, for ``listener`` is the one who knows of consent. Always drains: the track's queue is unbounded.
    """

    def __init__(self, track: MediaStreamTrack, listener: FrameListener) -> None:
        self._track = track
        self._listener = listener
        self._number = 0
        self._expected_pts: int | None = None
        self._resampler = _resampler()
        self._carry = np.zeros(0, np.float32)

    async def run(self) -> None:
        while True:
            try:
                frame = await self._track.recv()
            except MediaStreamError:
                return
            if isinstance(frame, av.AudioFrame) and frame.pts is not None:
                try:
                    self._on_frame(frame)
                except Exception:  # what we do with one frame must not leave the track undrained
                    log.exception("frame_not_handled")

    def _on_frame(self, frame: av.AudioFrame) -> None:
        pts = frame.pts or 0
        if pts != self._expected_pts:
            self._resampler = _resampler()
            self._carry = np.zeros(0, np.float32)
        self._expected_pts = pts + frame.samples
        wanted = frame.samples * SAMPLE_RATE_HZ // frame.sample_rate
        resampled = [f.to_ndarray().mean(axis=0, dtype=np.float32) for f in self._resampler.resample(frame)]
        audio = np.concatenate([self._carry, *resampled])
        # The resampler holds back about 1 ms after a start: make up for it once, in front.
        audio = np.pad(audio, (max(0, wanted - len(audio)), 0))
        self._carry = audio[wanted:]
        self._number += 1
        self._listener.on_frame(frame, on_steps(audio[:wanted]), self._number)


def _resampler() -> av.AudioResampler:
    # To stereo, then the mean: libav's own mix to mono makes a voice on both channels 3 dB louder.
    return av.AudioResampler("fltp", "stereo", SAMPLE_RATE_HZ)
