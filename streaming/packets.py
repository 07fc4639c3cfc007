"""Audio chunks as bytes for the bus: exact to the 16 bits of live audio, so that a replay hears what was heard live.

The first byte tells audio from the JSON lines that may stand between it in the same stream.
"""

from __future__ import annotations

import struct

import numpy as np

from streaming.errors import UnusableInput
from streaming.types import STEP, AudioChunk, Speaker

_AUDIO = b"A"
# speaker, flags, start, length, uncertainty, hears_late (samples); then 16-bit samples, none where missing
_HEAD = struct.Struct("<ccBqIII")
_MISSING, _CONCEALED = 1, 2


def is_audio(payload: bytes) -> bool:
    return payload[:1] == _AUDIO


def pack(chunk: AudioChunk) -> bytes:
    """0.7 kB for 20 ms. The session is not in it: the stream's name says it."""
    speaker, n = chunk.speaker.value.encode(), len(chunk.samples)
    flags = _MISSING * chunk.missing | _CONCEALED * chunk.concealed
    head = _HEAD.pack(_AUDIO, speaker, flags, chunk.start, n, chunk.uncertainty, chunk.hears_late)
    if chunk.missing:
        return head
    steps = np.rint(chunk.samples / STEP)
    sound: bytes = np.minimum(steps, 32_767, out=steps).astype("<i2").tobytes()
    return head + sound


def unpack(session: str, payload: bytes) -> AudioChunk:
    """Raises UnusableInput where it is not what ``pack`` gave."""
    try:
        kind, speaker, flags, start, n, uncertainty, hears_late = _HEAD.unpack_from(payload)
        is_missing, is_concealed = bool(flags & _MISSING), bool(flags & _CONCEALED)
        if kind != _AUDIO or len(payload) != _HEAD.size + (0 if is_missing else 2 * n):
            raise ValueError(f"{len(payload)} bytes do not hold {n} samples")
        steps = np.zeros(n, np.int16) if is_missing else np.frombuffer(payload, "<i2", offset=_HEAD.size)
        samples = np.multiply(steps, STEP, dtype=np.float32)
        speaker = Speaker(speaker.decode())
        return AudioChunk(session, speaker, start, samples, is_missing, uncertainty, hears_late, is_concealed)
    except (struct.error, ValueError) as error:
        raise UnusableInput(f"not an audio packet: {error}") from error
