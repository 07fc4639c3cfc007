"""Opus packets, when each arrives over an impaired path, and what placement and detectors make of them.

No socket and no clock: the same impairments as on the wire (``impaired``), many times faster than real time.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np

from benchmarks.impaired import Impairment
from detectors.pipeline import Pipeline
from gateway.media.opus import OpusDecoder
from gateway.media.placement import Placement, PlacementCounts
from gateway.voice_track import RATE_HZ, resampled
from streaming.types import SAMPLE_RATE_HZ, Annotation, AudioChunk, Samples, Speaker

LEAD_S = 2.0  # the room, before the first word; connections are made before practice begins, too
_FRAME_S = 0.02
_PACKET = int(_FRAME_S * SAMPLE_RATE_HZ)
_ORIGIN = 1_000_000  # machine time of session sample 0
_ROOM_TONE = 10 ** (-70 / 20)
_BIT_RATE = 32_000  # Chromium's for one voice


@dataclass(frozen=True, slots=True)
class Delivered:
    """A chunk, and the machine time (in session samples) at which it came out."""

    at: int
    chunk: AudioChunk


@dataclass(frozen=True, slots=True)
class Stream:
    """One partner's stream as the gateway had it."""

    chunks: list[Delivered]
    counts: PlacementCounts

    def delays(self, start_s: float = 0.0, end_s: float = float("inf")) -> list[float]:
        """How long after its last sample's time each heard chunk came out, ms; session seconds of its end."""
        return [
            (d.at - d.chunk.end) / SAMPLE_RATE_HZ * 1000
            for d in self.chunks
            if not (d.chunk.missing or d.chunk.concealed)
            and start_s * SAMPLE_RATE_HZ <= d.chunk.end < end_s * SAMPLE_RATE_HZ
        ]


def encoded(audio: Samples, *, fec_for_loss: float = 0.0) -> list[bytes]:
    """16 kHz audio, with ``LEAD_S`` of room in front, as 20 ms Opus packets.

    ``fec_for_loss``: share of loss that the encoder expects; above 0 packets carry copies of the one before.
    """
    lead = np.zeros(round(LEAD_S * RATE_HZ), np.float32)
    sound = np.concatenate([lead, resampled(audio, SAMPLE_RATE_HZ)])
    sound = np.pad(sound, (0, -len(sound) % 960))
    sound = sound + np.random.default_rng(1).standard_normal(len(sound)).astype(np.float32) * np.float32(_ROOM_TONE)
    codec = av.CodecContext.create("libopus", "w")
    codec.sample_rate, codec.layout, codec.format, codec.bit_rate = RATE_HZ, "mono", "flt", _BIT_RATE
    codec.options = {"application": "voip", "compression_level": "5"}  # half the time, hardly another sound
    if fec_for_loss > 0:
        codec.options |= {"fec": "1", "packet_loss": str(round(fec_for_loss * 100))}
    codec.time_base = Fraction(1, RATE_HZ)
    packets: list[bytes] = []
    for block in sound.reshape(-1, 960):
        frame = av.AudioFrame.from_ndarray(block[None], "flt", "mono")
        frame.sample_rate = RATE_HZ
        packets += [bytes(packet) for packet in codec.encode(frame)]
    return packets


def received(
    speaker: Speaker, packets: Iterable[bytes], impairment: Impairment, seed: int, *, hears_late_s: float = 0.0
) -> Stream:
    """The packets over the path and through placement, polled as the gateway does.

    Session time 0 is when the first packet was sent off; the path's ``one_way_ms`` is part of session time.
    """
    placement = Placement("bench", speaker, OpusDecoder())
    placement.hears_late = round(hears_late_s * SAMPLE_RATE_HZ)
    placement.begin(0, _ORIGIN)
    fate = impairment.fate(seed)
    arrivals: list[tuple[int, int, int, bytes]] = []  # machine time, kind, number, payload
    number = 0
    for number, payload in enumerate(packets):
        late_s = fate(number * _FRAME_S)
        if late_s is not None:
            late = round((late_s + impairment.one_way_ms / 1000) * SAMPLE_RATE_HZ)
            arrivals.append((_ORIGIN + (number + 1) * _PACKET + late, 0, number, payload))
    end = _ORIGIN + (number + 1) * _PACKET + round(impairment.one_way_ms / 1000 * SAMPLE_RATE_HZ)
    polls = ((at, 1, 0, b"") for at in range(_ORIGIN + _PACKET // 2, end + 10 * _PACKET, _PACKET))
    chunks: list[Delivered] = []
    for at, kind, number, payload in heapq.merge(sorted(arrivals), polls):
        if kind == 0:
            out = placement.push(7, number % (1 << 16), number * 3 * _PACKET, payload, at)
        else:
            out = placement.poll(at)
        chunks += [Delivered(at - _ORIGIN, chunk) for chunk in out]
    return Stream(chunks, placement.counts)


def annotated(streams: Mapping[Speaker, Stream]) -> list[Annotation]:
    """What the detectors say of both streams, in order."""
    pipeline = Pipeline("bench")
    out: list[Annotation] = []
    for delivered in sorted((d for s in streams.values() for d in s.chunks), key=lambda d: d.at):
        out += pipeline.push(delivered.chunk)
    return out + pipeline.flush()


def heard(
    packets: Mapping[Speaker, list[bytes]], impairment: Impairment, seed: int, *, hears_late_s: float = 0.0
) -> tuple[list[Annotation], dict[Speaker, Stream]]:
    streams = {
        speaker: received(speaker, own, impairment, 2 * seed + (speaker is Speaker.B), hears_late_s=hears_late_s)
        for speaker, own in packets.items()
    }
    return annotated(streams), streams
