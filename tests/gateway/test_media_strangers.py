"""What strangers, liars and broken pages send to a partner's connection: refused or absorbed, others undisturbed."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from contextlib import ExitStack, suppress

import av
import pytest
from aioice import stun

from gateway.media.clock import SessionClock
from gateway.media.partner import MediaSettings, PeerSettings
from gateway.media.rtp import Rtp
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
    many = [f"a=candidate:{n} 1 udp {n} 127.{n // 250}.{n % 250}.9 9000 typ host" for n in range(1000)]
    flooded = offer.replace("a=candidate:", "\r\n".join(many) + "\r\na=candidate:", 1)
    began = time.monotonic()
    answer = await partner.media.connect(flooded)
    assert time.monotonic() - began < 0.5
    await caller.accept(answer)
    await until(lambda: partner.media.state == "connected")
    assert partner.media.stats().candidates_dropped > 900


async def test_whoever_asks_from_everywhere_is_asked_back_at_a_bounded_number_of_addresses() -> None:
    partner = Partner(settings=MediaSettings(peer=PeerSettings(max_addresses=20)))
    caller = Caller()
    partner.callers.append(caller)
    offer = await caller.offer()
    answer = await partner.media.connect(offer)
    await caller.accept(answer)
    await until(lambda: partner.media.state == "connected")
    fields = next(line.split() for line in answer.splitlines() if line.startswith("a=candidate:") and "." in line)
    check = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    check.attributes["USERNAME"] = f"{_named('ice-ufrag', answer)}:{_named('ice-ufrag', offer)}"
    check.attributes["PRIORITY"] = 1
    check.attributes["ICE-CONTROLLING"] = 1
    check.add_message_integrity(_named("ice-pwd", answer).encode())
    with ExitStack() as stack:
        others = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(100)]
        for other in others:
            other.setblocking(False)
            other.connect((fields[4], int(fields[5])))
            other.send(bytes(check))
        await asyncio.sleep(0.2)  # the first of seven times that aioice asks back
        written_to = [other for other in others if len(_received(other)) > 1]  # one is the answer
    assert 0 < len(written_to) < 20
    packets = partner.media.stats().packets
    await until(lambda: partner.media.stats().packets > packets + 20)
    await partner.close()


async def test_a_partner_who_floods_is_heard_at_a_bounded_rate_and_the_other_is_undisturbed() -> None:
    liar, honest = Partner(Speaker.A, MediaSettings(packets_per_s=100, burst_packets=50)), Partner(Speaker.B)
    await honest.call()
    caller = await liar.call()
    caller.track.stop()
    ear = Ear()
    liar.media.add_ear(ear)
    clock = SessionClock.start()
    for partner in (liar, honest):
        partner.media.begin(clock, 0)
    gate = liar.media._gate
    assert gate is not None
    began = time.monotonic()
    for n in range(1000):
        gate.on_packet(Rtp(111, n, n * 960, 5, bytes([31 << 3, n % 256])))
        if n % 20 == 19:
            await practise([liar.media, honest.media], 0.02)
    assert 50 <= ear.heard <= 50 + 100 * (time.monotonic() - began)
    assert liar.media.stats().disbelieved >= 1000 - ear.heard
    for partner in (liar, honest):
        assert_contiguous(partner.chunks, 0)
    assert honest.media.stats().disbelieved == 0
    await liar.close()
    await honest.close()


class Ear:
    """Counts what it is sent: a browser would not tell."""

    def __init__(self) -> None:
        self.heard = 0

    def forward(self, payload: bytes, source: int, timestamp: int, at_s: float) -> None:
        self.heard += 1

    def forward_frame(self, frame: av.AudioFrame, source: int, at_s: float) -> None:
        raise AssertionError("packets are within reach here")


def _named(name: str, sdp: str) -> str:
    return next(line.split(":", 1)[1] for line in sdp.splitlines() if line.startswith(f"a={name}:"))


def _received(own: socket.socket) -> list[bytes]:
    out = []
    with suppress(BlockingIOError):
        while True:
            out.append(own.recv(2048))
    return out


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
            gate.on_packet(Rtp(111, rng.getrandbits(16), rng.getrandbits(32), rng.choice((1, 2, n)), payload))
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
