"""Audio files to session time: any rate or format that libav reads becomes 16 kHz mono chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer

from streaming.errors import UnusableInput
from streaming.types import SAMPLE_RATE_HZ, AudioChunk, Samples, Speaker

CHUNK_SAMPLES = 320  # 20 ms, what a WebRTC packet carries
_GAP_S = Fraction(40, 1000)  # two packets: what containers round their timestamps by is less
_LONGEST_GAP_S = 3600  # a longer one is a broken timestamp
_GIVE = "give wav, flac, ogg, mp3 or webm"


class Recording:
    """One audio file, read as it is asked for. Raises UnusableInput with a way out."""

    def __init__(self, path: Path) -> None:
        if path.is_dir():
            raise UnusableInput(f"{path}: is a folder; give an audio file such as a.wav")
        if not path.is_file():
            raise UnusableInput(f"{path}: no such file; give an audio file such as a.wav")
        self.path = path
        self._blocks = _blocks(path)
        self._waiting = next(self._blocks, np.zeros((1, 0), np.float32))
        if not self._waiting.size:
            raise UnusableInput(f"{path}: 0 seconds of audio; record at least one second")

    @property
    def channels(self) -> int:
        return len(self._waiting)

    def take(self, n: int) -> Samples:
        """The next ``n`` samples of each channel, float32 (channels, n), -1 to 1; fewer at the end."""
        have, blocks = self._waiting.shape[1], [self._waiting]
        while have < n and (block := next(self._blocks, None)) is not None:
            blocks.append(block)
            have += block.shape[1]
        whole = np.concatenate(blocks, axis=1) if len(blocks) > 1 else self._waiting
        self._waiting = whole[:, n:]
        return whole[:, :n]

    def take_all(self) -> Samples:
        return np.concatenate([self._waiting, *self._blocks], axis=1)


def _blocks(path: Path) -> Iterator[Samples]:
    """What is decoded, float32 (channels, n) each, at 16 kHz. Damaged parts are silence: the rest keeps its time."""
    try:
        with av.open(str(path.absolute())) as container:  # a name such as "http:x.wav" is no address
            if not container.streams.audio:
                raise UnusableInput(f"{path}: holds no audio stream; {_GIVE}")
            stream = container.streams.audio[0]
            resampler = av.AudioResampler("fltp", stream.layout, SAMPLE_RATE_HZ)
            place = _Place()
            for frame in _frames(container, stream):
                silence = np.zeros((len(stream.layout.channels), SAMPLE_RATE_HZ), np.float32)
                for n in place.silence_before(frame):
                    yield silence[:, :n]
                frame.pts = None  # the resampler puts one after the other
                yield from _samples(resampler.resample(frame))
            yield from _samples(resampler.resample(None))
    except (av.error.FFmpegError, UnicodeDecodeError) as error:
        raise UnusableInput(f"{path}: libav cannot read it ({_reason(error)}); {_GIVE}") from error


def _frames(container: InputContainer, stream: AudioStream) -> Iterator[av.AudioFrame]:
    """Of a recording that broke off, or has a damaged place, all that can be decoded."""
    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except av.error.InvalidDataError:
            continue


def _samples(frames: Iterable[av.AudioFrame]) -> Iterator[Samples]:
    for frame in frames:
        yield frame.to_ndarray().astype(np.float32, copy=False)


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


class _Place:
    """Where the frames of a file belong by their timestamps: what was lost, or never sent, is no shift."""

    def __init__(self) -> None:
        self._begin_s: Fraction | None = None
        self._given_s = Fraction(0)

    def silence_before(self, frame: av.AudioFrame) -> Iterator[int]:
        """Lengths of the silence that stands before this frame, in samples at 16 kHz, each up to a second."""
        gap_s = Fraction(0)
        if frame.pts is not None and frame.time_base is not None:
            at_s = frame.pts * frame.time_base
            gap_s = Fraction(0) if self._begin_s is None else at_s - self._begin_s - self._given_s
            if self._begin_s is None or not -_GAP_S <= gap_s <= _LONGEST_GAP_S:  # a broken timestamp, or a new count
                self._begin_s, gap_s = at_s - self._given_s, Fraction(0)
        gap = round(gap_s * SAMPLE_RATE_HZ) if gap_s > _GAP_S else 0
        self._given_s += Fraction(gap, SAMPLE_RATE_HZ) + Fraction(frame.samples, frame.sample_rate)
        while gap > 0:
            yield min(gap, SAMPLE_RATE_HZ)
            gap -= SAMPLE_RATE_HZ


def read_audio(path: Path) -> list[Samples]:
    """The file's channels, each float32 (n,), 16 kHz, -1 to 1. Raises UnusableInput with a way out."""
    return [np.ascontiguousarray(channel, dtype=np.float32) for channel in Recording(path).take_all()]


def read_partners(paths: Sequence[Path]) -> dict[Speaker, Samples]:
    """Both partners' audio, padded to one length: two mono files, or one stereo file (left = a)."""
    a, b = _sides([recording.take_all() for recording in _open(paths)])
    return {Speaker.A: a, Speaker.B: b}


def partner_chunks(session: str, paths: Sequence[Path], size: int) -> Iterator[AudioChunk]:
    """The same as it is read, ``size`` samples of each partner in turn: hours take no more memory than a minute.

    Raises UnusableInput before the first chunk.
    """
    return _partner_chunks(session, _open(paths), size)


def _partner_chunks(session: str, recordings: list[Recording], size: int) -> Iterator[AudioChunk]:
    at = 0
    while len((both := _sides([recording.take(size) for recording in recordings]))[0]):
        for speaker, own in zip(Speaker, both, strict=True):
            yield AudioChunk(session, speaker, at, own)
        at += len(both[0])


def _open(paths: Sequence[Path]) -> list[Recording]:
    if len(paths) > 2:
        raise UnusableInput(f"got {len(paths)} files; give one stereo file or two mono files")
    recordings = [Recording(path) for path in paths]
    if len(recordings) == 1 and recordings[0].channels != 2:
        raise UnusableInput(
            f"{paths[0]}: has {recordings[0].channels} channel(s) where 2 were expected (left = a, right = b); "
            "give a stereo file, or two mono files"
        )
    for recording in recordings if len(recordings) == 2 else []:
        if recording.channels != 1:
            raise UnusableInput(
                f"{recording.path}: has {recording.channels} channels where 1 was expected; "
                "give it alone, or a mono file"
            )
    return recordings


def _sides(read: list[Samples]) -> tuple[Samples, Samples]:
    """a's and b's part of what was read of one file or of two, padded to one length."""
    a, b = read[0] if len(read) == 1 else (read[0][0], read[1][0])
    n = max(len(a), len(b))
    return np.pad(a, (0, n - len(a))), np.pad(b, (0, n - len(b)))


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
