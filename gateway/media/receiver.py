"""Packets as they arrive, behind aiortc's ICE, DTLS and SRTP.

aiortc 1.16 hands each RTP packet to ``RTCRtpReceiver._handle_rtp_packet``, which buffers (80 ms, and
280 ms for good after one loss), decodes in a thread per track and resamples nothing. Taking the packet
there instead saves all of the delay and half of the cost. The method is private, so this is the one file
that knows of it: aiortc is pinned, a contract test holds the assumptions, and where they fail the public
track is read instead (``gateway.media.track``), with the same audio, later by its buffer.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any, Protocol

import aioice.ice
import aioice.stun
import pylibsrtp
import structlog
from aiortc import RTCRtpReceiver
from aiortc.rtcrtpreceiver import StreamStatistics
from aiortc.rtp import RtcpSrPacket, RtpPacket, is_rtcp

from gateway.media import rtp
from gateway.media.clock import RTP_HZ
from gateway.media.rtp import Rtp
from gateway.media.together import read_together

log = structlog.get_logger(__name__)

_STATISTICS = "_RTCRtpReceiver__remote_streams"
_MAX_DATAGRAM_BYTES = 1500  # no more fits through Ethernet, or into libsrtp's buffer
_READ_BYTES = 2048  # more than is taken, so that a longer datagram shows as one
_MEDIA = (128, 192)  # the first byte of RTP and RTCP
_MAX_SOURCES = 31  # a receiver report holds no more
_CONSENT_REPEATS = 2  # of a question whether the other still listens: 0.5, 1 and 2 s make 3.5 s
_CONSENT_FAILURES = 4  # in a row: with 5 s between two of them about 30 s, as RFC 7675 has it


class Listener(Protocol):
    """Who takes what arrives. Called on the event loop; must not block."""

    def on_packet(self, packet: Rtp | RtpPacket) -> None: ...

    def on_report(self, source: int, timestamp: int, sender_time_s: float) -> None: ...


def packets_within_reach(receiver: RTCRtpReceiver) -> bool:
    """Whether this aiortc is built as this file assumes."""
    return (
        callable(getattr(receiver, "_handle_rtp_packet", None))
        and callable(getattr(receiver, "_handle_rtcp_packet", None))
        and isinstance(getattr(receiver, _STATISTICS, None), dict)
    )


def take_packets(receiver: RTCRtpReceiver, payload_type: Callable[[], int | None], listener: Listener) -> None:
    """Give the receiver's Opus packets and sender reports to ``listener`` in place of aiortc's own decoding.

    ``payload_type`` tells the type negotiated for Opus once it is; packets of another are dropped.
    """
    aiortc_rtcp = receiver._handle_rtcp_packet
    statistics: dict[int, StreamStatistics] = getattr(receiver, _STATISTICS)

    def handle(packet: Rtp | RtpPacket) -> None:
        if packet.payload_type != payload_type() or not packet.payload:
            return
        # aiortc's receiver reports come from these; the browser adapts its redundancy to them.
        stream = statistics.get(packet.ssrc)
        if stream is None:
            if len(statistics) >= _MAX_SOURCES:
                statistics.clear()
            stream = statistics[packet.ssrc] = StreamStatistics(RTP_HZ)
        stream.add(packet)  # type: ignore[arg-type]  # which reads two numbers of it
        try:
            listener.on_packet(packet)
        except Exception:  # what we do with a packet must not end aiortc's transport, which would end the call
            log.exception("packet_not_handled")

    async def handle_rtp(packet: RtpPacket, arrival_time_ms: int) -> None:
        handle(packet)

    async def handle_rtcp(packet: Any) -> None:
        await aiortc_rtcp(packet)
        if isinstance(packet, RtcpSrPacket):
            info = packet.sender_info
            try:
                listener.on_report(packet.ssrc, info.rtp_timestamp, info.ntp_timestamp / (1 << 32))
            except Exception:
                log.exception("report_not_handled")

    # On the one object, not the class: other connections in this process keep aiortc's own way.
    receiver._handle_rtp_packet = handle_rtp  # type: ignore[method-assign]
    receiver._handle_rtcp_packet = handle_rtcp  # type: ignore[method-assign]
    _shorten_the_way(receiver, handle)


def _shorten_the_way(receiver: RTCRtpReceiver, handle: Callable[[Rtp], None]) -> bool:
    """Decrypt media as its datagram is read, without the queue and the task in between; False where it can't be.

    They cost a fifth of a stream. What is not media, or comes before the keys, goes aiortc's way.
    """
    dtls = receiver.transport
    connection = getattr(getattr(dtls, "transport", None), "_connection", None)
    queued = getattr(connection, "data_received", None)
    if connection is None or not callable(queued) or not hasattr(dtls, "_rx_srtp"):
        return False

    def data_received(data: bytes, component: int) -> None:
        if not 0 < len(data) <= _MAX_DATAGRAM_BYTES:  # anybody can send these; aiortc would end the call over them
            return
        keys = dtls._rx_srtp
        if keys is None or len(data) < rtp.HEADER_BYTES or not _MEDIA[0] <= data[0] < _MEDIA[1] or is_rtcp(data):
            queued(data, component)
            return
        try:
            packet = rtp.parse(keys.unprotect(data))
        except (pylibsrtp.Error, ValueError):  # forged, replayed, or not RTP
            return
        handle(packet)

    connection.data_received = data_received
    return True


def read_media_first(receiver: RTCRtpReceiver) -> None:
    """Call it once addresses are gathered: media is not looked at as STUN, and read into no 256 KiB each time."""
    connection: Any = getattr(getattr(receiver.transport, "transport", None), "_connection", None)
    for protocol in getattr(connection, "_protocols", []):
        if callable(getattr(protocol, "datagram_received", None)):
            _read_media_first(protocol, connection)


def _read_media_first(protocol: Any, connection: Any) -> None:
    stun_first = protocol.datagram_received
    alone = True

    def received(data: bytes, addr: Any) -> None:
        nonlocal alone
        if data and _MEDIA[0] <= data[0] < _MEDIA[1]:  # RFC 7983
            if alone:
                alone = False
                read_together(protocol.transport)
            connection.data_received(data, 1)  # the only component: RTCP comes over the same port
        else:
            stun_first(data, addr)

    protocol.datagram_received = received
    if hasattr(protocol.transport, "max_size"):
        protocol.transport.max_size = _READ_BYTES


def bear_distance(receiver: RTCRtpReceiver) -> bool:
    """Keep the connection where the other is more than half a second away; False where it can't be done.

    aioice asks every 5 s whether the other still listens (RFC 7675) and waits 0.5 s for the answer: on a longer
    path every one comes too late, and the call would end after half a minute. Here each question is repeated.
    """
    connection: Any = getattr(getattr(receiver.transport, "transport", None), "_connection", None)
    needed = ("_nominated", "_query_consent_task", "query_consent", "build_request", "remote_password")
    if not all(hasattr(connection, name) for name in needed):
        return False

    async def query_consent() -> None:
        unanswered = 0
        while unanswered < _CONSENT_FAILURES:
            await asyncio.sleep(aioice.ice.CONSENT_INTERVAL * random.uniform(0.8, 1.2))
            for pair in list(connection._nominated.values()):
                try:
                    await pair.protocol.request(
                        connection.build_request(pair, nominate=False),
                        pair.remote_addr,
                        integrity_key=connection.remote_password.encode(),
                        retransmissions=_CONSENT_REPEATS,
                    )
                    unanswered = 0
                except aioice.stun.TransactionError:
                    unanswered += 1
        connection._query_consent_task = None  # close() would cancel it, and with it itself
        await connection.close()

    connection.query_consent = query_consent
    return True


def bound_addresses(receiver: RTCRtpReceiver, most: int) -> bool:
    """Try to reach no more addresses than ``most``; False where it can't be done.

    aioice asks back, seven times, wherever a check with the right password came from, and remembers it: a partner
    who asks from thousands of addresses, or in the name of others, would have as many of them written to.
    """
    connection: Any = getattr(getattr(receiver.transport, "transport", None), "_connection", None)
    check = getattr(connection, "check_incoming", None)
    if not callable(check) or not hasattr(connection, "_remote_candidates"):
        return False

    def check_incoming(message: Any, addr: Any, protocol: Any) -> None:
        known = connection._remote_candidates
        if len(known) < most or any((c._network_host, c.port) == addr[:2] for c in known):
            check(message, addr, protocol)

    connection.check_incoming = check_incoming
    return True
