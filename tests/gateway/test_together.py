"""Media sockets are read at common moments where there are many, and as ever where there are few."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack

import pytest

import gateway.media.together
from gateway.media.clock import SessionClock
from gateway.media.partner import PartnerMedia
from gateway.media.together import Together, TogetherSettings, afterwards, read_together
from streaming.types import AudioChunk, Speaker
from tests.gateway.media_peer import Caller, Machine, beep_errors_s, practise, until
from tests.gateway.rtp_script import assert_contiguous

SETTINGS = TogetherSettings(from_sockets=3, forget_every_s=0.02)


class Heard(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.datagrams: list[bytes] = []
        self.moments: list[float] = []

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.datagrams.append(data)
        self.moments.append(asyncio.get_running_loop().time())


class Sockets:
    def __init__(self) -> None:
        self.transports: list[asyncio.DatagramTransport] = []
        self.heard: list[Heard] = []
        self._stack = ExitStack()
        self._senders: list[socket.socket] = []

    async def open(self, count: int) -> None:
        for _ in range(count):
            transport, heard = await asyncio.get_running_loop().create_datagram_endpoint(
                Heard, local_addr=("127.0.0.1", 0)
            )
            sender = self._stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            sender.connect(transport.get_extra_info("sockname"))
            self.transports.append(transport)
            self.heard.append(heard)
            self._senders.append(sender)

    def send(self, data: bytes) -> None:
        for sender in self._senders:
            sender.send(data)

    def close(self) -> None:
        for transport in self.transports:
            transport.close()
        self._stack.close()


@pytest.fixture
async def sockets() -> AsyncIterator[Sockets]:
    own = Sockets()
    yield own
    own.close()


async def test_many_are_read_at_one_moment_all_that_they_hold_and_in_order(sockets: Sockets) -> None:
    await sockets.open(3)
    together = Together(SETTINGS)
    for transport in sockets.transports:
        together.add(transport)
    assert together.reading == 3
    for n in range(5):
        sockets.send(bytes([n]))
    await until(lambda: all(len(heard.datagrams) == 5 for heard in sockets.heard))
    assert all(heard.datagrams == [bytes([n]) for n in range(5)] for heard in sockets.heard)
    moments = [moment for heard in sockets.heard for moment in heard.moments]
    assert max(moments) // SETTINGS.every_s - min(moments) // SETTINGS.every_s <= 1


def test_packets_of_a_steady_stream_meet_the_moments_at_every_phase() -> None:
    every_s = TogetherSettings().every_s
    for arrival_s in (0.0, 0.0012, 0.0031, 0.0044):  # after a moment, at first
        waits = [every_s - (arrival_s + 0.02 * n) % every_s for n in range(50)]
        assert min(waits) < 0.0005  # the least of a second's packets is what places the stream


async def test_an_error_over_one_datagram_leaves_the_others_heard(sockets: Sockets) -> None:
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context["exception"]))
    await sockets.open(3)
    together = Together(SETTINGS)
    for transport in sockets.transports:
        together.add(transport)

    def refuse(data: bytes, addr: tuple[str, int]) -> None:
        raise ValueError("not for me")

    sockets.heard[0].datagram_received = refuse  # type: ignore[method-assign]
    sockets.send(b"x")
    await until(lambda: len(told) == 1)
    sockets.send(b"y")
    await until(lambda: all(heard.datagrams == [b"x", b"y"] for heard in sockets.heard[1:]))
    await until(lambda: [str(error) for error in told] == ["not for me"] * 2)


async def test_what_may_wait_is_done_when_all_of_a_moment_are_handed_on(sockets: Sockets) -> None:
    await sockets.open(3)
    together, done = Together(SETTINGS), []
    for number, heard in enumerate(sockets.heard):

        def received(data: bytes, addr: tuple[str, int], number: int = number) -> None:
            done.append(f"handed on {number}")
            afterwards(done.append, f"after {number}")

        heard.datagram_received = received  # type: ignore[method-assign]
    sockets.send(b"x")
    await asyncio.sleep(0)  # so that one moment finds all three
    for transport in sockets.transports:
        together.add(transport)
    await until(lambda: len(done) == 6)
    assert sorted(done[:3]) == ["handed on 0", "handed on 1", "handed on 2"]
    assert [one.split()[-1] for one in done[3:]] == [one.split()[-1] for one in done[:3]]
    afterwards(done.append, "at once")
    assert done[-1] == "at once"


async def test_an_error_of_what_was_to_wait_leaves_the_rest_done(sockets: Sockets) -> None:
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context["exception"]))
    await sockets.open(3)
    together, done = Together(SETTINGS), []

    def fail() -> None:
        raise ValueError("not this one")

    for number, heard in enumerate(sockets.heard):

        def received(data: bytes, addr: tuple[str, int], number: int = number) -> None:
            afterwards(fail if number == 0 else lambda: done.append(True))

        heard.datagram_received = received  # type: ignore[method-assign]
    for transport in sockets.transports:
        together.add(transport)
    sockets.send(b"x")
    await until(lambda: len(done) == 2 and [str(error) for error in told] == ["not this one"])


async def test_few_are_left_to_the_loop(sockets: Sockets) -> None:
    await sockets.open(2)
    together = Together(SETTINGS)
    for transport in sockets.transports:
        together.add(transport)
    assert together.reading == 0
    sockets.send(b"x")
    await until(lambda: all(heard.datagrams == [b"x"] for heard in sockets.heard))


async def test_those_that_remain_are_given_back_and_a_number_used_again_is_another_socket(sockets: Sockets) -> None:
    await sockets.open(3)
    together = Together(SETTINGS)
    for transport in sockets.transports:
        together.add(transport)
    closed = sockets.transports[1]
    fd = closed.get_extra_info("socket").fileno()
    closed.close()
    await until(lambda: together.reading == 0)
    await sockets.open(1)
    assert sockets.transports[-1].get_extra_info("socket").fileno() == fd
    together.add(sockets.transports[-1])
    assert together.reading == 3
    sockets.heard.pop(1)
    for sender in (s for n, s in enumerate(sockets._senders) if n != 1):
        sender.send(b"still here")
    await until(lambda: all(heard.datagrams == [b"still here"] for heard in sockets.heard))


async def test_a_loop_of_another_kind_is_left_as_it_is() -> None:
    class Foreign:
        def is_closing(self) -> bool:
            return False

    assert not read_together(Foreign())


async def test_what_partners_say_is_placed_as_ever_and_their_ends_are_noticed(
    monkeypatch: pytest.MonkeyPatch, machine: Machine
) -> None:
    monkeypatch.setattr(gateway.media.together, "TogetherSettings", lambda: SETTINGS)
    chunks: list[AudioChunk] = []
    media = [PartnerMedia("s", Speaker.A, chunks.append)]
    media += [PartnerMedia("s", Speaker.B, lambda chunk: None) for _ in range(2)]
    callers = [Caller() for _ in media]
    for own, caller in zip(media, callers, strict=True):
        await caller.call(own)
    together = gateway.media.together._of_loops[asyncio.get_running_loop()]
    await until(lambda: together.reading == 3)
    clock = SessionClock.start()
    media[0].begin(clock, 0)
    await practise(media, 1.5)
    assert_contiguous(chunks, 0)
    assert all(0 < error < 0.035 + machine.late_s for error in beep_errors_s(chunks, callers[0].track, clock))
    assert media[0].stats().lost == 0
    await media[2].close()
    await until(lambda: together.reading == 0)
    packets = media[0].stats().packets
    await until(lambda: media[0].stats().packets > packets + 10)
    for own, caller in zip(media, callers, strict=True):
        await own.close()
        await caller.close()
