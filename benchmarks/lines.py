"""What lies between a voice and the detectors: a room, a microphone, a codec, a gain that follows the voice."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

import av
import numpy as np
from scipy import signal

from benchmarks.clips import Condition, levelled, mixed, noises, under
from streaming.audio import read_audio
from streaming.types import SAMPLE_RATE_HZ, Samples

Line: TypeAlias = Condition | Literal["noise_5db", "room", "opus_24k", "agc", "gain_up_12db", "gain_down_12db"]
_AGC_TARGET_DB = -20.0  # of speech, mean power; browsers aim at about this
_AGC_MOST_DB = 30.0
_AGC_UP_DB = 0.06  # in 10 ms: 6 dB a second
_AGC_DOWN_DB = 0.5  # in 10 ms: a loud voice is caught within a word
_AGC_RELEASE_DB = 0.3  # in 10 ms, of the level it follows
_AGC_SPEECH_DB = -55.0  # quieter than this moves nothing


@cache
def responses(data: Path) -> list[Samples]:
    """Rooms, from their direct sound on."""
    rooms = [read_audio(path)[0] for path in sorted((data / "rir").glob("*.flac"))]
    return [room[int(np.abs(room).argmax()) :][:SAMPLE_RATE_HZ] for room in rooms]


def through(samples: Samples, line: Line, data: Path, random: np.random.Generator) -> Samples:
    """The same speech over another line."""
    if line == "room":
        rooms = responses(data)
        return in_room(samples, rooms[int(random.integers(len(rooms)))])
    if line == "noise_5db":
        choice = noises(data)
        return mixed(samples, choice[int(random.integers(len(choice)))], 5.0, random)
    if line == "opus_24k":
        return opus(samples, 24_000)
    if line == "agc":
        return controlled(samples)
    if line == "gain_up_12db" or line == "gain_down_12db":
        return np.asarray(samples * (4.0 if line == "gain_up_12db" else 0.25), dtype=np.float32)
    return under(samples, line, noises(data), random)


def in_room(samples: Samples, response: Samples) -> Samples:
    rms = float(np.sqrt(np.mean(samples**2)))
    return levelled(signal.fftconvolve(samples, response)[: len(samples)].astype(np.float32), rms)


def controlled(samples: Samples) -> Samples:
    """Automatic gain control as browsers have it: quickly down, slowly up, still while nobody speaks."""
    step = SAMPLE_RATE_HZ // 100
    out = samples.astype(np.float32).copy()
    gain_db, heard_db = 0.0, -60.0
    for at in range(0, len(samples), step):
        block = out[at : at + step]
        heard_db = max(10 * float(np.log10(np.mean(block**2) + 1e-12)), heard_db - _AGC_RELEASE_DB)
        if heard_db > _AGC_SPEECH_DB:
            wanted = min(_AGC_MOST_DB, _AGC_TARGET_DB - heard_db)
            gain_db += min(max(wanted - gain_db, -_AGC_DOWN_DB), _AGC_UP_DB)
        out[at : at + step] = np.clip(block * 10 ** (gain_db / 20), -1.0, 1.0)
    return out


def opus(samples: Samples, bits_a_second: int) -> Samples:
    """Coded and decoded; as long as before."""
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as coded:
        stream = coded.add_stream("libopus", rate=48_000, layout="mono", bit_rate=bits_a_second)
        frame = av.AudioFrame.from_ndarray(
            (np.clip(signal.resample_poly(samples, 3, 1), -1, 1) * 32767).astype(np.int16)[None], "s16", "mono"
        )
        frame.sample_rate = 48_000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            coded.mux(packet)
    file.seek(0)
    with av.open(file, "r") as container:
        back = av.AudioResampler("fltp", "mono", SAMPLE_RATE_HZ)
        frames = [out for frame in container.decode(audio=0) for out in back.resample(frame)] + back.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])[: len(samples)].astype(np.float32)
