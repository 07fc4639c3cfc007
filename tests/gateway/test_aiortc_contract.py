"""What gateway.media.receiver assumes of aiortc's inside, held against the version that is installed.

Where one of these fails after an upgrade, the gateway still runs on the public track; mend the receiver
before you ship it.
"""

from __future__ import annotations

import asyncio
import inspect
from importlib.metadata import version
from pathlib import Path

import aioice.ice
import numpy as np
import pytest
from aiortc import RTCRtpReceiver
from aiortc.rtcrtpreceiver import StreamStatistics
from aiortc.rtp import RtcpSenderInfo, RtcpSrPacket, RtpPacket

import gateway.media.peer
import gateway.media.receiver
from gateway.media.clock import SessionClock
from gateway.media.partner import PartnerMedia
from gateway.media.receiver import bear_distance, packets_within_reach, take_packets
from gateway.media.rtp import Rtp
from streaming.types import AudioChunk, Samples, Speaker
from tests.gateway.media_peer import Caller, beep_errors_s, call_through, path, practise, until
from tests.gateway.rtp_script import assert_contiguous


def test_the_pinned_version_is_installed() -> None:
    pyproject = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert f'"aiortc=={version("aiortc")}"' in pyproject


def test_packets_and_reports_reach_the_receiver_by_the_names_that_we_take_over() -> None:
    assert list(inspect.signature(RTCRtpReceiver._handle_rtp_packet).parameters) == [
        "self",
        "packet",
        "arrival_time_ms",
    ]
    assert list(inspect.signature(RTCRtpReceiver._handle_rtcp_packet).parameters) == ["self", "packet"]
    assert inspect.iscoroutinefunction(RTCRtpReceiver._handle_rtp_packet)
    assert inspect.iscoroutinefunction(RTCRtpReceiver._handle_rtcp_packet)


def test_packets_and_statistics_have_the_fields_that_we_read() -> None:
    packet = RtpPacket(payload_type=111, sequence_number=5, timestamp=960, ssrc=7, payload=b"x")
    assert (packet.payload_type, packet.sequence_number, packet.timestamp, packet.ssrc) == (111, 5, 960, 7)
    statistics = StreamStatistics(48_000)
    statistics.add(packet)
    assert (statistics.packets_received, statistics.packets_lost) == (1, 0)


class Taken:
    def __init__(self) -> None:
        self.packets: list[Rtp | RtpPacket] = []
        self.reports: list[tuple[int, int, float]] = []

    def on_packet(self, packet: Rtp | RtpPacket) -> None:
        self.packets.append(packet)

    def on_report(self, source: int, timestamp: int, sender_time_s: float) -> None:
        self.reports.append((source, timestamp, sender_time_s))


class Transport:
    """Stands in for DTLS, which a receiver only asks for its state here."""

    state = "new"
    _stats_id = "transport"


async def test_a_receiver_hands_over_opus_and_drops_what_was_not_negotiated() -> None:
    receiver = RTCRtpReceiver("audio", Transport())  # type: ignore[arg-type]
    assert packets_within_reach(receiver)
    taken = Taken()
    take_packets(receiver, lambda: 111, taken)
    for payload_type, payload in [(111, b"abc"), (0, b"pcmu"), (111, b"")]:
        packet = RtpPacket(payload_type=payload_type, sequence_number=5, timestamp=960, ssrc=7, payload=payload)
        await receiver._handle_rtp_packet(packet, arrival_time_ms=0)
    report = RtcpSrPacket(7, RtcpSenderInfo(5 << 32, 960, 1, 3))
    await receiver._handle_rtcp_packet(report)
    assert [(p.ssrc, p.sequence_number, p.timestamp, p.payload) for p in taken.packets] == [(7, 5, 960, b"abc")]
    assert taken.reports == [(7, 960, 5.0)]


async def test_media_is_taken_as_its_datagram_is_read_and_forgeries_are_dropped() -> None:
    media = PartnerMedia("s", Speaker.A, lambda chunk: None)
    caller = Caller()
    await caller.call(media)
    assert media._peer is not None
    receiver = media._peer._connection.getReceivers()[0]
    queued: list[RtpPacket] = []

    async def through_the_queue(packet: RtpPacket, arrival_time_ms: int) -> None:
        queued.append(packet)

    receiver._handle_rtp_packet = through_the_queue  # type: ignore[method-assign]
    before = media.stats().packets
    await until(lambda: media.stats().packets > before + 10)
    assert queued == []
    data_received = receiver.transport.transport._connection.data_received
    for forged in (b"", b"\x80", b"\x80\xc8" + bytes(1600), b"\x80\x6f" + bytes(60), b"\x80\x6f" + bytes(60_000)):
        data_received(forged, 1)
    before = media.stats().packets
    await until(lambda: media.stats().packets > before + 10)
    assert media.state == "connected"
    await media.close()
    await caller.close()


async def test_where_the_short_way_is_closed_packets_come_through_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway.media.receiver, "_shorten_the_way", lambda receiver, handle: False)
    media = PartnerMedia("s", Speaker.A, lambda chunk: None)
    caller = Caller()
    await caller.call(media)
    await until(lambda: media.stats().packets > 10)
    await media.close()
    await caller.close()


async def test_our_packets_count_in_the_reports_that_aiortc_sends_back() -> None:
    media = PartnerMedia("s", Speaker.A, lambda chunk: None)
    caller = Caller()
    await caller.call(media)

    async def reported() -> bool:
        stats = (await caller.connection.getStats()).values()
        return any(getattr(s, "type", "") == "remote-inbound-rtp" and s.packetsReceived > 10 for s in stats)

    async with asyncio.timeout(8):
        while not await reported():  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    await media.close()
    await caller.close()


async def test_without_the_private_method_the_public_track_gives_the_same_audio(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    direct, fallback = await _two_ways(monkeypatch)
    assert abs(_shift(np.abs(direct), np.abs(fallback), slice(16_000, 32_000), 1600)) < 0.025 * 16_000
    # Each path bends its clock by single samples as it goes: compare waveforms a beep at a time.
    for beep in (slice(s, s + 1600) for s in (16_200, 24_200, 32_200)):
        shift = _shift(direct, fallback, beep, 500)
        same = fallback[beep.start + shift : beep.stop + shift]
        assert np.corrcoef(direct[beep], same)[0, 1] > 0.99
        assert same.std() == pytest.approx(direct[beep].std(), rel=0.02)


async def _two_ways(monkeypatch: pytest.MonkeyPatch) -> tuple[Samples, Samples]:
    """The same beeps through both paths, from the first sample of the sender on."""
    out = []
    for reachable in (True, False):
        monkeypatch.setattr(gateway.media.peer, "packets_within_reach", lambda receiver, r=reachable: r)
        chunks: list[AudioChunk] = []
        media = PartnerMedia("s", Speaker.A, chunks.append)
        caller = Caller()
        await caller.call(media)
        clock = SessionClock.start()
        media.begin(clock, 0)
        await practise([media], 3.0)
        assert_contiguous(chunks, 0)
        errors = beep_errors_s(chunks, caller.track, clock)
        assert max(errors) - min(errors) < 0.01
        assert media.stats().heard_s > 2.5
        assert caller.track.began_s is not None
        first = round(caller.track.began_s * 16_000) - clock.zero
        audio = np.concatenate([c.samples for c in chunks])
        out.append(np.pad(audio, (max(0, -first), 0))[max(0, first) :])
        await media.close()
        await caller.close()
    return out[0], out[1]


def _shift(one: Samples, other: Samples, window: slice, reach: int) -> int:
    """How many samples later ``other`` says what ``one`` says in ``window``, up to ``reach`` either way."""
    around = other[window.start - reach : window.stop + reach]
    return int(np.argmax(np.correlate(around, one[window], "valid"))) - reach


async def test_the_fallback_also_lets_partners_hear_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway.media.peer, "packets_within_reach", lambda receiver: False)
    a = PartnerMedia("s", Speaker.A, lambda chunk: None)
    b = PartnerMedia("s", Speaker.B, lambda chunk: None)
    caller_a, caller_b = Caller(), Caller()
    await caller_a.call(a)
    await caller_b.call(b)
    b.hear(a)
    await until(lambda: any(np.abs(block).max() > 0.2 for block in caller_b.heard))
    for media in (a, b):
        await media.close()
    for caller in (caller_a, caller_b):
        await caller.close()


async def test_a_path_of_over_half_a_second_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0.05)
    monkeypatch.setattr(aioice.ice, "CONSENT_FAILURES", 2)  # aioice alone would end it after 1.1 s
    monkeypatch.setattr(gateway.media.receiver, "_CONSENT_FAILURES", 1)
    media = PartnerMedia("s", Speaker.A, lambda chunk: None)
    caller = Caller()
    assert bear_distance(caller.connection.getTransceivers()[0].receiver)
    async with path(lambda n: 0.0, one_way_s=0.3) as between:
        await call_through(between, caller, media)
        await asyncio.sleep(2.0)
        assert media.state == caller.connection.connectionState == "connected"
    await media.close()
    await caller.close()


async def test_a_path_on_which_nobody_answers_any_more_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0.05)
    monkeypatch.setattr(gateway.media.receiver, "_CONSENT_REPEATS", 0)
    monkeypatch.setattr(gateway.media.receiver, "_CONSENT_FAILURES", 1)
    media = PartnerMedia("s", Speaker.A, lambda chunk: None)
    caller = Caller()
    async with path(lambda n: 0.0) as between:
        await call_through(between, caller, media)
        between.close()
        await until(lambda: media.state == "lost", 3.0)
    await media.close()
    await caller.close()


async def test_media_is_read_before_it_is_looked_at_as_stun_and_all_else_as_ever() -> None:
    media = PartnerMedia("s", Speaker.A, lambda chunk: None)
    caller = Caller()
    await caller.call(media)
    assert media._peer is not None
    (protocol, *_) = media._peer._connection.getReceivers()[0].transport.transport._connection._protocols
    assert protocol.datagram_received.__name__ == "received"
    assert getattr(protocol.transport, "max_size") == 2048  # noqa: B009 - asyncio does not tell its type
    await until(lambda: media.stats().packets > 10)  # ICE and DTLS came the same way, or there would be none
    await media.close()
    await caller.close()
