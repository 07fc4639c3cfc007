"""An impaired path does to datagrams what it says, and only to media."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.impaired import REORDERED_MS, Impairment, UdpPath

MEDIA = bytes([128, 111]) + bytes(18)
STUN = bytes([0, 1]) + bytes(18)


@contextmanager
def port() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind(("127.0.0.1", 0))
        own.setblocking(False)
        yield own


async def through(impairment: Impairment, datagrams: list[bytes]) -> list[tuple[float, bytes]]:
    """What of the datagrams arrives, and after how long."""
    loop = asyncio.get_running_loop()
    path = UdpPath(impairment, seed=0)
    got: list[tuple[float, bytes]] = []
    with port() as gateway, port() as partner:
        host, number = gateway.getsockname()
        answer = await path.open(f"v=0\r\na=candidate:1 1 udp 1 {host} {number} typ host\r\na=end-of-candidates\r\n")
        candidate = next(line.split() for line in answer.splitlines() if line.startswith("a=candidate:"))
        assert int(candidate[5]) != number, "the gateway's own address is hidden"
        sent_s = loop.time()
        for datagram in datagrams:
            partner.sendto(datagram, (candidate[4], int(candidate[5])))
        try:
            async with asyncio.timeout(0.4):
                while len(got) < len(datagrams):
                    data = await loop.sock_recv(gateway, 2000)
                    got.append((loop.time() - sent_s, data))
        except TimeoutError:
            pass  # the rest was lost
    path.close()
    return got


async def test_all_media_can_be_lost_while_ice_and_keys_pass() -> None:
    got = await through(Impairment(loss=1.0), [MEDIA, STUN, MEDIA])
    assert [data for _, data in got] == [STUN]


async def test_distance_delays_everything() -> None:
    got = await through(Impairment(one_way_ms=80), [MEDIA, STUN])
    assert len(got) == 2
    assert all(0.07 < late_s < 0.3 for late_s, _ in got)


def test_the_same_seed_gives_the_same_fate() -> None:
    impairment = Impairment(loss=0.1, jitter_ms=30, reorder=0.1)
    first, second, other = (impairment.fate(seed) for seed in (1, 1, 2))
    fates = [[fate(n * 0.02) for n in range(500)] for fate in (first, second, other)]
    assert fates[0] == fates[1] != fates[2]


def test_loss_comes_as_often_as_asked() -> None:
    fate = Impairment(loss=0.05).fate(0)
    assert sum(fate(n * 0.02) is None for n in range(20_000)) == pytest.approx(1000, rel=0.1)


def test_a_burst_takes_everything_for_its_length_and_nothing_else() -> None:
    fate = Impairment(burst_ms=300, burst_every_s=2.0).fate(0)
    lost = [n for n in range(250) if fate(n / 64) is None]  # binary fractions, so that edges are exact
    assert lost == [*range(128, 148)]


def test_reordered_packets_come_after_the_next_one() -> None:
    fate = Impairment(reorder=1.0).fate(0)
    assert fate(0.0) == pytest.approx(REORDERED_MS / 1000)
    assert REORDERED_MS > 20
