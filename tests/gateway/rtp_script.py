"""RTP streams written by hand for placement tests, and a decoder whose audio tells where it came from."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from gateway.media.placement import Placement
from streaming.types import AudioChunk, Samples, Speaker

PACKET = 320  # samples of 20 ms
_TOC_20_MS = bytes([31 << 3])  # RFC 6716: CELT, full band, one frame of 20 ms


class IndexDecoder:
    """Stands in for libopus so that a test can see, to the sample, which audio was put where.

    Each sample's value is its number since the stream began; guessed audio is -1.
    """

    def __init__(self) -> None:
        self.decoded = 0

    def decode(self, payload: bytes) -> Samples:
        self.decoded += 1
        index = int.from_bytes(payload[2:10], "big")
        return np.arange(index, index + PACKET, dtype=np.float32)

    def recover(self, next_payload: bytes, length: int) -> Samples | None:
        index = int.from_bytes(next_payload[2:10], "big")
        return np.arange(index - length, index, dtype=np.float32) if next_payload[1] else None

    def conceal(self, length: int) -> Samples:
        return np.full(length, -1, np.float32)


@dataclass(frozen=True)
class Sent:
    """A packet on its way; ``arrival`` in machine samples."""

    arrival: int
    sequence: int
    timestamp: int
    payload: bytes
    ssrc: int = 7


def stream(
    packets: int,
    *,
    first_arrival: int = 100_000,
    first_sequence: int = 0,
    first_timestamp: int = 0,
    drift_ppm: float = 0.0,
    delay: Callable[[int], int] = lambda n: 0,
    redundant: bool = False,
) -> list[Sent]:
    """20 ms packets of a sender whose clock runs ``drift_ppm`` slow, each later by ``delay(n)`` samples."""
    return [
        Sent(
            first_arrival + round(n * PACKET * (1 + drift_ppm / 1e6)) + delay(n),
            (first_sequence + n) % (1 << 16),
            (first_timestamp + n * PACKET * 3) % (1 << 32),
            payload(n * PACKET, redundant=redundant),
        )
        for n in range(packets)
    ]


def payload(index: int, *, redundant: bool = False) -> bytes:
    return _TOC_20_MS + bytes([redundant]) + index.to_bytes(8, "big")


def without(packets: list[Sent], *lost: int) -> list[Sent]:
    return [p for n, p in enumerate(packets) if n not in lost]


def later(packets: list[Sent], samples: int) -> list[Sent]:
    return [replace(p, arrival=p.arrival + samples) for p in packets]


@dataclass
class Heard:
    """What came out, and when."""

    chunks: list[AudioChunk]
    at: list[int]  # machine time of each chunk's delivery

    @property
    def samples(self) -> Samples:
        return np.concatenate([c.samples for c in self.chunks])

    @property
    def missing(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return np.concatenate([np.full(len(c.samples), c.missing or c.concealed) for c in self.chunks])

    def delays(self) -> list[int]:
        """How long after its last sample's time in the session each chunk of audio was delivered, in samples."""
        return [at - c.end for c, at in zip(self.chunks, self.at, strict=True) if not c.missing and not c.concealed]


def new_placement(decoder: IndexDecoder | None = None, **settings: object) -> Placement:
    from gateway.media.placement import PlacementSettings

    return Placement("s", Speaker.A, decoder or IndexDecoder(), PlacementSettings(**settings))  # type: ignore[arg-type]


def play(
    placement: Placement, packets: Iterable[Sent], *, until: int | None = None, poll_from: int | None = None
) -> Heard:
    """Drive a placement as the gateway does: packets as they arrive, a poll every 20 ms in between."""
    ordered = sorted(packets, key=lambda p: p.arrival)
    if until is None:
        until = ordered[-1].arrival + 1
    begin = poll_from if poll_from is not None else (ordered[0].arrival if ordered else 0)
    polls = ((at, 1, None) for at in range(begin, until, PACKET))
    arrivals = ((p.arrival, 0, p) for p in ordered)
    heard = Heard([], [])
    for at, _, packet in heapq.merge(arrivals, polls, key=lambda event: event[:2]):
        if packet is None:
            out = placement.poll(at)
        else:
            out = placement.push(packet.ssrc, packet.sequence, packet.timestamp, packet.payload, at)
        heard.chunks += out
        heard.at += [at] * len(out)
    return heard


def assert_contiguous(chunks: list[AudioChunk], start: int) -> None:
    for chunk in chunks:
        assert chunk.start == start, f"chunk starts at {chunk.start}, the one before ended at {start}"
        assert len(chunk.samples) > 0
        start = chunk.end
