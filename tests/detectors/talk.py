"""The bundled dialogue as both partners' audio, cut, lost and delivered as a test wants it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import numpy as np

from detectors.pipeline import Pipeline
from streaming import wire
from streaming.audio import read_partners
from streaming.types import SAMPLE_RATE_HZ, Annotation, AudioChunk, Kind, Samples, Speaker

DIALOGUE = Path(__file__).parents[2] / "gateway" / "assets" / "dialogue.ogg"
PACKET = 320


@cache
def dialogue(start_s: float = 0.0, end_s: float | None = None) -> dict[Speaker, Samples]:
    low, high = round(start_s * SAMPLE_RATE_HZ), None if end_s is None else round(end_s * SAMPLE_RATE_HZ)
    return {speaker: audio[low:high] for speaker, audio in read_partners([DIALOGUE]).items()}


def packets(
    audio: dict[Speaker, Samples],
    *,
    start: int = 0,
    lost: Iterable[tuple[Speaker, int, int]] = (),
    session: str = "s",
) -> Iterator[AudioChunk]:
    """20 ms chunks in turn from session time ``start``; of ``lost`` (who, from, to) nothing arrived."""
    losses = list(lost)
    for at in range(0, len(audio[Speaker.A]), PACKET):
        for speaker, own in audio.items():
            gone = any(who is speaker and low <= at < high for who, low, high in losses)
            samples = own[at : at + PACKET]
            yield AudioChunk(session, speaker, start + at, np.zeros_like(samples) if gone else samples, gone)


def run(pipeline: Pipeline, chunks: Iterable[AudioChunk]) -> list[Annotation]:
    out = [annotation for chunk in chunks for annotation in pipeline.push(chunk)]
    return out + pipeline.flush()


def lines(annotations: Iterable[Annotation]) -> list[str]:
    return [wire.dumps(annotation) for annotation in annotations]


def speech(annotations: Iterable[Annotation], by: Speaker) -> list[Annotation]:
    return [a for a in annotations if a.kind is Kind.SPEECH and a.status == "final" and a.by is by]
