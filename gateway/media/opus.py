"""Opus through libopus itself, which decodes straight to 16 kHz mono.

The path through libav decodes to 48 kHz stereo and resamples, at twice the cost, and offers neither the
in-band copy of a lost packet (FEC) nor a guess at it (concealment). Function names and the layout of a
packet's first bytes are those of RFC 6716 and libopus' ``opus.h``.
"""

from __future__ import annotations

import ctypes
from typing import Protocol

import numpy as np
import opuslib_next.api

from streaming.types import SAMPLE_RATE_HZ, STEP, Samples

MAX_PACKET_SAMPLES = SAMPLE_RATE_HZ * 120 // 1000  # RFC 6716: a packet holds at most 120 ms
MAX_PAYLOAD_BYTES = 3 * 1275 * 2 + 7  # RFC 6716: six frames of 1275 bytes and their lengths
_STEP_SAMPLES = SAMPLE_RATE_HZ * 5 // 2000  # 2.5 ms: libopus conceals multiples of it
_STEP = np.float32(STEP)

# A handle of our own, so that the argument types set here are nobody else's.
_libopus = ctypes.CDLL(opuslib_next.api.libopus._name)
_libopus.opus_decoder_create.argtypes = (ctypes.c_int32, ctypes.c_int, ctypes.POINTER(ctypes.c_int))
_libopus.opus_decoder_create.restype = ctypes.c_void_p
_libopus.opus_decoder_destroy.argtypes = (ctypes.c_void_p,)
_libopus.opus_decoder_destroy.restype = None
_libopus.opus_decode.argtypes = (
    ctypes.c_void_p,
    ctypes.c_char_p,
    ctypes.c_int32,
    ctypes.c_void_p,
    ctypes.c_int,
    ctypes.c_int,
)
_libopus.opus_decode.restype = ctypes.c_int
_libopus.opus_packet_has_lbrr.argtypes = (ctypes.c_char_p, ctypes.c_int32)
_libopus.opus_packet_has_lbrr.restype = ctypes.c_int
_libopus.opus_strerror.argtypes = (ctypes.c_int,)
_libopus.opus_strerror.restype = ctypes.c_char_p


class UndecodableAudio(ValueError):
    """A payload that is not Opus; what it stood for is missing audio."""


class Decoder(Protocol):
    """What placement needs of a codec. Arrays are float32 (n,), 16 kHz mono, -1 to 1, in whole steps of 16 bits."""

    def decode(self, payload: bytes) -> Samples: ...

    def recover(self, next_payload: bytes, length: int) -> Samples | None: ...

    def conceal(self, length: int) -> Samples: ...


def _frame_samples() -> tuple[int, ...]:
    """Samples of one frame by the 5 configuration bits of a packet's first byte (RFC 6716, table 2)."""
    silk, hybrid, celt = (10, 20, 40, 60), (10, 20), (2.5, 5, 10, 20)
    milliseconds = silk * 3 + hybrid * 2 + celt * 4
    return tuple(int(ms * SAMPLE_RATE_HZ / 1000) for ms in milliseconds)


_FRAME_SAMPLES = _frame_samples()


def packet_samples(payload: bytes) -> int:
    """How long the packet's audio is, in samples, read from its header alone; nothing is decoded.

    Raises UndecodableAudio where the header cannot be Opus.
    """
    if not 1 <= len(payload) <= MAX_PAYLOAD_BYTES:
        raise UndecodableAudio(f"{len(payload)} bytes; an Opus packet has 1 to {MAX_PAYLOAD_BYTES}")
    code = payload[0] & 3
    if code == 3 and len(payload) < 2:
        raise UndecodableAudio("the packet ends before its frame count")
    frames = (1, 2, 2)[code] if code < 3 else payload[1] & 63
    samples = frames * _FRAME_SAMPLES[payload[0] >> 3]
    if not 0 < samples <= MAX_PACKET_SAMPLES:
        raise UndecodableAudio(f"a packet of {samples} samples; Opus has at most {MAX_PACKET_SAMPLES}")
    return samples


def carries_previous(payload: bytes) -> bool:
    """Whether the packet holds a low-rate copy of the one before it."""
    return bool(_libopus.opus_packet_has_lbrr(payload, len(payload)) == 1)


class OpusDecoder:
    """One stream's decoder; packets go in in the order in which they were spoken."""

    def __init__(self) -> None:
        error = ctypes.c_int()
        self._state = _libopus.opus_decoder_create(SAMPLE_RATE_HZ, 1, ctypes.byref(error))
        if not self._state:
            raise MemoryError(f"libopus made no decoder: {_describe(error.value)}")
        self._pcm = np.empty(MAX_PACKET_SAMPLES, np.int16)
        self._pcm_address = self._pcm.ctypes.data

    def __del__(self) -> None:
        if getattr(self, "_state", None):
            _libopus.opus_decoder_destroy(self._state)
            self._state = None

    def decode(self, payload: bytes) -> Samples:
        """The packet's audio. Raises UndecodableAudio; the decoder can go on after it."""
        return self._decode(payload, len(payload), MAX_PACKET_SAMPLES, fec=0)

    def recover(self, next_payload: bytes, length: int) -> Samples | None:
        """The ``length`` samples before ``next_payload`` from the copy inside it; None where it has none."""
        if length <= 0 or length % _STEP_SAMPLES or not carries_previous(next_payload):
            return None
        return self._decode(next_payload, len(next_payload), length, fec=1)

    def conceal(self, length: int) -> Samples:
        """libopus' guess at ``length`` samples that did not come; fades out as the loss grows."""
        rounded = max(_STEP_SAMPLES, -(-length // _STEP_SAMPLES) * _STEP_SAMPLES)
        return self._decode(None, 0, min(rounded, MAX_PACKET_SAMPLES), fec=0)[:length]

    def _decode(self, payload: bytes | None, size: int, room: int, fec: int) -> Samples:
        n = _libopus.opus_decode(self._state, payload, size, self._pcm_address, room, fec)
        if n < 0:
            raise UndecodableAudio(f"libopus refused {size} bytes: {_describe(n)}")
        audio: Samples = self._pcm[:n].astype(np.float32)
        return np.multiply(audio, _STEP, out=audio)  # two plain passes: one that converts as it goes takes longer


def _describe(error: int) -> str:
    return bytes(_libopus.opus_strerror(error)).decode()
