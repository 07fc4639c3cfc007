"""Packets on their way to a browser, behind aiortc's ICE, DTLS and SRTP.

aiortc 1.16 sends in a task of its own: a queue, a packet object, a history for retransmission that audio never
asks for, and a wake-up of the loop each time. Writing the packet where its payload arrives takes a quarter of
that. The names are private, so this is the one file that knows of them: aiortc is pinned, a contract test holds
the assumptions, and where they fail aiortc's own sender reads the track instead (``gateway.media.relay``).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from struct import Struct
from typing import Any

import pylibsrtp
from aiortc import RTCRtpSender
from aiortc.rtcdtlstransport import State

_HEADER = Struct("!BBHLL")
_VERSION = 2 << 6  # no padding, no source but the sender's, and no extension: none is ever negotiated
_WAITING_BYTES = 2000  # in the socket's queue where the network takes no more: 200 ms of a voice
_NTP_EPOCH_S = 2_208_988_800  # from 1900 to 1970
_NAMES = ("__started", "__packet_count", "__octet_count", "__rtp_timestamp", "__ntp_timestamp")


def sending_within_reach(sender: RTCRtpSender) -> bool:
    """Whether this aiortc is built as this file assumes."""
    connection = getattr(getattr(sender.transport, "transport", None), "_connection", None)
    return (
        all(hasattr(sender, f"_RTCRtpSender{name}") for name in _NAMES)
        and hasattr(sender, "_ssrc")
        and hasattr(sender.transport, "_tx_srtp")
        and isinstance(getattr(sender.transport, "_state", None), State)
        and hasattr(connection, "_nominated")
    )


class PacketSender:
    """Sends Opus payloads in aiortc's place, under its source and keys, and counted in its reports.

    Nothing waits: a packet that cannot leave at once is dropped.
    """

    def __init__(self, sender: RTCRtpSender, payload_type: Callable[[], int | None]) -> None:
        self._sender: Any = sender
        self._payload_type = payload_type
        # The lower half: a wrap-around before anything was decrypted would break SRTP.
        self._sequence = random.randrange(1 << 15)
        self._origin = random.randrange(1 << 32)

    def send(self, payload: bytes, timestamp: int) -> bool:
        """``timestamp``: RTP's, from any origin. False where the packet was dropped."""
        sender = self._sender
        transport = sender.transport
        pair = transport.transport._connection._nominated.get(1)
        if pair is None or transport._state is not State.CONNECTED or not sender._RTCRtpSender__started:
            return False
        socket = pair.protocol.transport  # asyncio's, or aioice's way through TURN, which has no size to tell
        if getattr(socket, "get_write_buffer_size", int)() > _WAITING_BYTES:
            return False
        sequence, timestamp = self._sequence, (self._origin + timestamp) & 0xFFFFFFFF
        header = _HEADER.pack(_VERSION, self._payload_type(), sequence, timestamp, sender._ssrc)
        try:
            packet = transport._tx_srtp.protect(header + payload)
        except (pylibsrtp.Error, ValueError):  # longer than a datagram
            return False
        self._sequence = (sequence + 1) & 0xFFFF
        socket.sendto(packet, pair.remote_addr)
        # aiortc's sender reports say these; from the answers to them we know the round trip.
        sender._RTCRtpSender__packet_count += 1
        sender._RTCRtpSender__octet_count += len(payload)
        sender._RTCRtpSender__rtp_timestamp = timestamp
        sender._RTCRtpSender__ntp_timestamp = int((time.time() + _NTP_EPOCH_S) * (1 << 32))
        return True
