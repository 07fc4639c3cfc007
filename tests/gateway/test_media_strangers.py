"""What strangers, liars and broken pages send to a partner's connection: refused or absorbed, others undisturbed."""

from __future__ import annotations

import asyncio
import random
import socket
import time

import pytest

from gateway.clock import SessionClock
from gateway.receiver import Arrival
from streaming.errors import Refused
from streaming.types import Speaker
from tests.gateway.media_peer import (
    Caller,
    Partner,
    beep_errors_s,
    practise,
    until,
)
from tests.gateway.rtp_script import assert_contiguous


@pytest.mark.parametrize("sdp", ["", "hello", "v=0\r\nm=audio\r\n", "x" * 70_000, "v=0\r\n" * 100])
async def test_a_bad_offer_is_refused_and_leaves_the_call_alone(partner: Partner, sdp: str) -> None:
    await partner.call()
    with pytest.raises(Refused) as refused:
        await partner.media.connect(sdp)
    assert refused.value.code == "bad_offer"
    assert "\n" not in str(refused.value)
    assert partner.media.state == "connected"
    packets = partner.media.stats().packets
    await until(lambda: partner.media.stats().packets > packets + 5)


async def test_junk_from_a_stranger_ends_no_call(partner: Partner) -> None:
    caller = Caller()
    partner.callers.append(caller)
    answer = await partner.media.connect(await caller.offer())
    await caller.accept(answer)
    await until(lambda: partner.media.state == "connected")
    fields = next(line.split() for line in answer.splitlines() if line.startswith("a=candidate:") and "." in line)
    rng = random.Random(6)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.connect((fields[4], int(fields[5])))
        for first in range(256):
            for size in (0, 1, 3, 19, 60, 1600):
                stranger.send(bytes([first]) + rng.randbytes(size))
            stranger.send(b"")
            await asyncio.sleep(0)
    packets = partner.media.stats().packets
    await until(lambda: partner.media.stats().packets > packets + 20)
    assert partner.media.state == "connected"
    assert partner.media.stats().undecodable == 0


async def test_a_thousand_addresses_delay_nothing(partner: Partner) -> None:
    caller = Caller()
    partner.callers.append(caller)
    offer = await caller.offer()
    many = [f"a=candidate:{n} 1 udp {n} 127.{n // 250}.{n % 250}.9 9 typ host" for n in range(1000)]
    flooded = offer.replace("a=candidate:", "\r\n".join(many) + "\r\na=candidate:", 1)
    began = time.monotonic()
    answer = await partner.media.connect(flooded)
    assert time.monotonic() - began < 0.5
    await caller.accept(answer)
    await until(lambda: partner.media.state == "connected")
    assert partner.media.stats().candidates_dropped > 900


async def test_a_stream_that_lies_disturbs_only_itself() -> None:
    liar, honest = Partner(Speaker.A), Partner(Speaker.B)
    caller = await honest.call()
    await liar.call()
    clock = SessionClock.start()
    for partner in (liar, honest):
        partner.media.begin(clock, 0)
    rng = random.Random(9)
    gate = liar.media._gate
    assert gate is not None
    for n in range(60):  # other sources, times, orders and contents, faster than any voice
        for _ in range(10):
            payload = rng.randbytes(rng.choice((1, 60, 1200)))
            gate.on_packet(Arrival(rng.choice((1, 2, n)), rng.getrandbits(16), rng.getrandbits(32), payload))
        gate.on_report(rng.choice((1, 2, n)), rng.getrandbits(32), rng.uniform(0, 1e9))
        await practise([liar.media, honest.media], 0.03)
    for partner in (liar, honest):
        assert_contiguous(partner.chunks, 0)
    stats = liar.media.stats()
    assert stats.disbelieved + stats.undecodable + stats.late > 300
    assert honest.media.state == "connected"
    assert honest.media.stats().disbelieved == 0
    assert beep_errors_s(honest.chunks, caller.track, clock)
    await liar.close()
    await honest.close()
