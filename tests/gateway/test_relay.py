"""Forwarded packets keep their payload, form one stream in time, and never pile up."""

from __future__ import annotations

import asyncio
import itertools

import av
import pytest
from aiortc.mediastreams import MediaStreamError

from gateway.media.relay import RelayTrack


async def taken(track: RelayTrack) -> list[tuple[bytes, int]]:
    out = []
    for _ in range(len(track._queue)):
        packet = await track.recv()
        assert isinstance(packet, av.Packet)
        assert packet.pts is not None
        out.append((bytes(packet), packet.pts))
    return out


async def test_payloads_and_spacing_pass_unchanged() -> None:
    track = RelayTrack(10)
    for n, timestamp in enumerate([5000, 5960, 7880]):
        track.forward(bytes([n]), 1, timestamp, n * 0.02)
    packets = await taken(track)
    assert [payload for payload, _ in packets] == [b"\0", b"\1", b"\2"]
    assert [pts - packets[0][1] for _, pts in packets] == [0, 960, 2880]


async def test_timestamps_wrap_without_a_jump() -> None:
    track = RelayTrack(10)
    for n in range(4):
        track.forward(b"x", 1, ((1 << 32) - 1920 + n * 960) % (1 << 32), n * 0.02)
    pts = [p for _, p in await taken(track)]
    assert [later - earlier for earlier, later in itertools.pairwise(pts)] == [960] * 3


async def test_another_source_goes_on_by_the_time_that_passed() -> None:
    track = RelayTrack(10)
    track.forward(b"x", 1, 4_000_000_000, 10.0)
    track.forward(b"y", 2, 17, 10.5)
    track.forward(b"z", 2, 17 + 960, 10.52)
    pts = [p for _, p in await taken(track)]
    assert [p - pts[0] for p in pts] == [0, 24_000, 24_960]


async def test_a_listener_that_lags_loses_the_oldest_and_it_is_counted() -> None:
    track = RelayTrack(10)
    for n in range(25):
        track.forward(bytes([n]), 1, n * 960, n * 0.02)
    assert [payload[0] for payload, _ in await taken(track)] == list(range(15, 25))
    assert track.dropped == 15
    assert track.forwarded == 10


async def test_a_stopped_track_wakes_its_reader_and_holds_nothing() -> None:
    track = RelayTrack(10)
    reading = asyncio.create_task(track.recv())
    await asyncio.sleep(0)
    track.stop()
    with pytest.raises(MediaStreamError):
        await reading
    track.forward(b"x", 1, 0, 0.0)
    assert not track._queue
