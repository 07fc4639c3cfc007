"""One partner's chunks, of any length, to frames of 512 samples on a fixed grid of session time."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from detectors.packing import pack, unpack
from detectors.settings import FRAME_SAMPLES, SUB_SAMPLES, SUBS
from streaming.types import AudioChunk, Samples, Span, Speaker


class Frame(NamedTuple):
    """512 samples of one partner. ``missing`` are the spans within it of which nothing is known.

    ``energies_db`` is the power of each 4 ms, relative to full scale, not below -100. The mean of each 4 ms is
    taken off: what is left of a rumble under 60 Hz hides no pause between words.
    """

    start: int
    samples: Samples
    energies_db: tuple[float, ...]
    mean_db: float  # of the energies
    loudest_db: float  # likewise
    peak: float  # of the samples, without sign
    missing: tuple[Span, ...] = ()
    uncertainty: int = 0
    hears_late: int = 0

    @classmethod
    def of(
        cls, start: int, samples: Samples, missing: tuple[Span, ...] = (), uncertainty: int = 0, hears_late: int = 0
    ) -> Frame:
        return measured([Cut(start, missing, uncertainty, hears_late)], samples[None])[0]

    @property
    def end(self) -> int:
        return self.start + FRAME_SAMPLES

    @property
    def wholly_missing(self) -> bool:
        return bool(self.missing) and self.missing[0].length == FRAME_SAMPLES


class Cut(NamedTuple):
    """What is known of a frame beside its samples."""

    start: int
    missing: tuple[Span, ...]
    uncertainty: int
    hears_late: int


def measured(cuts: Sequence[Cut], samples: Samples) -> list[Frame]:
    """Frames of any partners: the samples are (n, 512). A frame's figures do not depend on those beside it."""
    blocks = samples.reshape(-1, SUB_SAMPLES)
    power = np.einsum("ij,ij->i", blocks, blocks)
    sane = power.reshape(-1, SUBS).sum(axis=1) <= FRAME_SAMPLES
    if not sane.all():  # a decoder gone wrong must not poison what remembers
        wrong = samples[~sane]
        samples = samples.copy()
        samples[~sane] = np.clip(np.nan_to_num(wrong, nan=0.0, posinf=0.0, neginf=0.0), -1.0, 1.0)
        blocks = samples.reshape(-1, SUB_SAMPLES)
        power = np.einsum("ij,ij->i", blocks, blocks)
    sums = blocks.sum(axis=1)
    power = np.maximum(power - sums * sums / SUB_SAMPLES, 0.0)
    energies_db = (10.0 * np.log10(power / SUB_SAMPLES + 1e-10)).reshape(-1, SUBS).tolist()
    peaks = np.abs(samples).max(axis=1).tolist()
    return [
        Frame(cut.start, own, tuple(db), sum(db) / SUBS, max(db), peak, cut.missing, cut.uncertainty, cut.hears_late)
        for cut, own, db, peak in zip(cuts, samples, energies_db, peaks, strict=True)
    ]


class FrameBuffer:
    """Contiguous chunks in, frames out; what a frame says of itself does not depend on how chunks were cut."""

    def __init__(self, speaker: Speaker, start: int) -> None:
        self._speaker = speaker
        self._chunks: deque[AudioChunk] = deque()
        self._begin = start  # first sample not yet framed
        self.end = start  # session time up to which audio was given

    def push(self, chunk: AudioChunk) -> None:
        if chunk.start != self.end:
            raise ValueError(
                f"chunk of {self._speaker} starts at {chunk.start}, expected {self.end}: "
                "chunks of a partner follow each other; give a gap as missing audio"
            )
        if chunk.samples.ndim != 1 or chunk.samples.dtype != np.float32:
            raise ValueError(f"got samples {chunk.samples.dtype} {chunk.samples.shape}, expected float32 (n,)")
        if len(chunk.samples):
            self._chunks.append(chunk)
            self.end = chunk.end

    @property
    def ready(self) -> bool:
        return self.end - self._begin >= FRAME_SAMPLES

    @property
    def waiting(self) -> int:
        """Samples that do not yet fill a frame."""
        return self.end - self._begin

    def take(self, into: Samples) -> Cut:
        """The next frame, its samples (512,) written to zeros. Call only when ``ready``."""
        begin = at = self._begin
        end = begin + FRAME_SAMPLES
        missing: list[Span] = []
        uncertainty = hears_late = 0
        while at < end:
            chunk = self._chunks[0]
            skip = at - chunk.start
            left = len(chunk.samples) - skip
            until = min(end, at + left)
            if chunk.missing:
                touches = missing and missing[-1].end == at
                missing[-1:] = [Span(missing[-1].start, until)] if touches else [*missing[-1:], Span(at, until)]
            else:
                into[at - begin : until - begin] = chunk.samples[skip : skip + until - at]
            if chunk.uncertainty > uncertainty:
                uncertainty = chunk.uncertainty
            if chunk.hears_late > hears_late:
                hears_late = chunk.hears_late
            if until - at == left:
                self._chunks.popleft()
            at = until
        self._begin = end
        return Cut(begin, tuple(missing), uncertainty, hears_late)

    def save(self) -> dict[str, Any]:
        """What waits for the rest of its frame (and all that a partner is ahead of the other)."""
        waiting = [
            {
                "start": max(c.start, self._begin),
                "length": c.end - max(c.start, self._begin),
                # After an hour's pause an hour of nothing waits to be worked on: saved every few seconds, and small.
                "samples": None if c.missing else pack(c.samples[max(0, self._begin - c.start) :]),
                "uncertainty": c.uncertainty,
                "hears_late": c.hears_late,
            }
            for c in self._chunks
        ]
        return {"begin": self._begin, "waiting": waiting}

    @classmethod
    def restore(cls, session: str, speaker: Speaker, saved: dict[str, Any]) -> FrameBuffer:
        buffer = cls(speaker, saved["begin"])
        for c in saved["waiting"]:
            missing = c["samples"] is None
            samples = np.broadcast_to(np.float32(0.0), (c["length"],)) if missing else unpack(c["samples"])
            buffer.push(AudioChunk(session, speaker, c["start"], samples, missing, c["uncertainty"], c["hears_late"]))
        return buffer
