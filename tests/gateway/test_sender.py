"""Forwarded packets leave past aiortc's own sender, and the other end cannot tell."""

from __future__ import annotations

import asyncio
import itertools
import time

import pytest
from aiortc import RTCPeerConnection, RTCRtpSender
from aiortc.rtp import RtcpSrPacket, RtpPacket

import gateway.media.peer
from gateway.media.offer import opus_payload_type
from gateway.media.partner import PartnerMedia
from gateway.media.sender import PacketSender, sending_within_reach
from streaming.types import Speaker
from tests.gateway.media_peer import Caller, until


def taken(caller: Caller) -> tuple[list[RtpPacket], list[RtcpSrPacket]]:
    """What the caller's side is sent from now on, media and sender reports."""
    receiver = caller.connection.getReceivers()[0]
    packets: list[RtpPacket] = []
    reports: list[RtcpSrPacket] = []
    aiortc_rtcp = receiver._handle_rtcp_packet

    async def on_packet(packet: RtpPacket, arrival_time_ms: int) -> None:
        packets.append(packet)

    async def on_report(packet: object) -> None:
        if isinstance(packet, RtcpSrPacket):
            reports.append(packet)
        await aiortc_rtcp(packet)  # type: ignore[arg-type]

    receiver._handle_rtp_packet = on_packet  # type: ignore[method-assign]
    receiver._handle_rtcp_packet = on_report  # type: ignore[method-assign]
    return packets, reports


def sender_of(media: PartnerMedia) -> RTCRtpSender:
    assert media._peer is not None
    return media._peer._connection.getSenders()[0]


async def connected() -> tuple[PartnerMedia, Caller]:
    """A partner's connection, with aiortc ready to send on it."""
    media = PartnerMedia("s", Speaker.A, lambda chunk: None)
    caller = Caller()
    await caller.call(media)
    await until(lambda: getattr(sender_of(media), "_RTCRtpSender__started"))  # noqa: B009 - mypy knows no such name
    return media, caller


async def test_payloads_arrive_as_one_stream_of_the_senders_source_and_its_reports_count_them() -> None:
    media, caller = await connected()
    packets, reports = taken(caller)
    for n in range(20):
        media.forward(bytes([n, 1, 2]), 1, n * 960, n * 0.02)
    await until(lambda: len(packets) == 20)
    assert [packet.payload for packet in packets] == [bytes([n, 1, 2]) for n in range(20)]
    assert {packet.ssrc for packet in packets} == {sender_of(media)._ssrc}
    assert {packet.payload_type for packet in packets} == {opus_payload_type(caller.connection.localDescription.sdp)}
    for earlier, later in itertools.pairwise(packets):
        assert (later.sequence_number - earlier.sequence_number) % (1 << 16) == 1
        assert (later.timestamp - earlier.timestamp) % (1 << 32) == 960
    assert media.stats().relayed == 20
    await until(lambda: any(report.sender_info.packet_count == 20 for report in reports))
    told = reports[-1].sender_info
    assert (told.octet_count, told.rtp_timestamp) == (60, packets[-1].timestamp)
    assert abs(told.ntp_timestamp / (1 << 32) - 2_208_988_800 - time.time()) < 5
    await media.close()
    await caller.close()


async def test_what_cannot_leave_at_once_is_dropped_and_counted() -> None:
    media = PartnerMedia("s", Speaker.A, lambda chunk: None)
    caller = Caller()
    await media.connect(await caller.offer())
    media.forward(b"before there is a way", 1, 0, 0.0)
    assert (media.stats().relayed, media.stats().relay_dropped) == (0, 1)
    await media.close()
    await caller.close()


async def test_a_payload_longer_than_a_datagram_is_dropped_and_the_next_one_leaves() -> None:
    media, caller = await connected()
    packets, _ = taken(caller)
    media.forward(bytes(1500), 1, 0, 0.0)
    media.forward(b"short", 1, 960, 0.02)
    await until(lambda: len(packets) == 1)
    assert packets[0].payload == b"short"
    assert (media.stats().relayed, media.stats().relay_dropped) == (1, 1)
    await media.close()
    await caller.close()


async def test_where_the_names_are_gone_aiortcs_own_sender_reads_the_track(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway.media.peer, "sending_within_reach", lambda sender: False)
    media, caller = await connected()
    packets, _ = taken(caller)
    for n in range(5):
        media.forward(bytes([n, 1, 2]), 1, n * 960, n * 0.02)
    await until(lambda: len(packets) == 5)
    assert [packet.payload for packet in packets] == [bytes([n, 1, 2]) for n in range(5)]
    await media.close()
    await caller.close()


async def test_an_aiortc_of_another_build_is_not_within_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = RTCPeerConnection()
    sender = connection.addTransceiver("audio").sender
    assert sending_within_reach(sender)
    assert not PacketSender(sender, lambda: 111).send(b"x", 0)  # not connected
    del sender._RTCRtpSender__packet_count  # type: ignore[attr-defined]
    assert not sending_within_reach(sender)
    await connection.close()
    await asyncio.sleep(0)
