"""Audio files to session time: any rate or format that libav reads becomes 16 kHz mono chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import av.error
import numpy as np

from streaming.errors import UnusableInput
from streaming.types import SAMPLE_RATE_HZ, AudioChunk, Samples, Speaker

CHUNK_SAMPLES = 320  # 20 ms, what a WebRTC packet carries


def read_audio(path: Path) -> list[Samples]:
    """The file's channels, each float32 (n,), 16 kHz, -1 to 1. Raises UnusableInput with a way out."""
    if not path.is_file():
        raise UnusableInput(f"{path}: no such file; give an audio file such as a.wav")
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise UnusableInput(f"{path}: holds no audio stream; give wav, flac, ogg, mp3 or webm")
            stream = container.streams.audio[0]
            resampler = av.AudioResampler("fltp", stream.layout, SAMPLE_RATE_HZ)
            blocks = [f.to_ndarray() for frame in container.decode(stream) for f in resampler.resample(frame)]
            blocks += [f.to_ndarray() for f in resampler.resample(None)]
    except (av.error.FFmpegError, UnicodeDecodeError) as error:
        raise UnusableInput(f"{path}: libav cannot read it ({error}); give wav, flac, ogg, mp3 or webm") from error
    audio = np.concatenate(blocks, axis=1) if blocks else np.zeros((1, 0), np.float32)
    if audio.shape[1] == 0:
        raise UnusableInput(f"{path}: 0 seconds of audio; record at least one second")
    return [np.ascontiguousarray(channel, dtype=np.float32) for channel in audio]


def read_partners(paths: list[Path]) -> dict[Speaker, Samples]:
    """Both partners' audio, padded to one length: two mono files, or one stereo file (left = a)."""
    channels = [read_audio(path) for path in paths]
    if len(paths) == 1 and len(channels[0]) != 2:
        raise UnusableInput(
            f"{paths[0]}: has {len(channels[0])} channel(s) where 2 were expected (left = a, right = b); "
            "give a stereo file, or two mono files"
        )
    if len(paths) == 2:
        for path, own in zip(paths, channels, strict=True):
            if len(own) != 1:
                raise UnusableInput(
                    f"{path}: has {len(own)} channels where 1 was expected; give it alone, or a mono file"
                )
    if len(paths) > 2:
        raise UnusableInput(f"got {len(paths)} files; give one stereo file or two mono files")
    a, b = channels[0] if len(paths) == 1 else (channels[0][0], channels[1][0])
    n = max(len(a), len(b))
    return {Speaker.A: np.pad(a, (0, n - len(a))), Speaker.B: np.pad(b, (0, n - len(b)))}


def chunks(session: str, audio: dict[Speaker, Samples], sizes: Iterable[int] | None = None) -> Iterator[AudioChunk]:
    """The partners' audio in turn, a chunk each, as a live session would deliver it.

    ``sizes`` gives the length of each round in samples (default: 20 ms for ever); the last is cut.
    """
    total = max(len(own) for own in audio.values())
    step = iter(sizes) if sizes is not None else None
    at = 0
    while at < total:
        size = next(step, CHUNK_SAMPLES) if step else CHUNK_SAMPLES
        for speaker, own in audio.items():
            if at < len(own):
                yield AudioChunk(session, speaker, at, own[at : at + size])
        at += size


def missing(session: str, speaker: Speaker, start: int, length: int) -> AudioChunk:
    """A stretch in which nothing of this partner was heard: a couple may come back after an hour."""
    zeros = np.broadcast_to(np.float32(0.0), (length,))  # takes no memory, however long
    return AudioChunk(session, speaker, start, zeros, missing=True)
