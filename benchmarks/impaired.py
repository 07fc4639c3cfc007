"""A bad network on loopback: datagrams that are lost, late, out of order or far away, without any privileges.

``far_gateway`` stands between a partner and a gateway. It hands on what they say over the socket, and
puts its own UDP ports in place of the gateway's, so that all media goes through ``UdpPath``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from aiortc.rtp import is_rtcp
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

Address: TypeAlias = tuple[str, int]
_HISTORY_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Impairment:
    """What a path does to media packets; ``one_way_ms`` delays all datagrams."""

    loss: float = 0.0  # share
    jitter_ms: float = 0.0  # standard deviation of a normal deviate, of which the size makes a packet late
    reorder: float = 0.0  # share of packets that come 30 ms late, behind the next one
    burst_ms: float = 0.0  # everything is lost for so long …
    burst_every_s: float = 10.0  # … this often, for the first time after this time
    one_way_ms: float = 0.0

    def fate(self, seed: int) -> Callable[[float], float | None]:
        """Asked once a media packet with its time in seconds: None where it is lost, else how late it comes, s."""
        rng = np.random.default_rng(seed)

        def of(at_s: float) -> float | None:
            lost, out_of_order, late = rng.random(), rng.random(), abs(rng.normal(0.0, 1.0))
            in_burst = at_s >= self.burst_every_s and at_s % self.burst_every_s < self.burst_ms / 1000
            if lost < self.loss or in_burst:
                return None
            late_ms = late * self.jitter_ms + (REORDERED_MS if out_of_order < self.reorder else 0.0)
            return float(late_ms) / 1000

        return of


REORDERED_MS = 30.0  # a packet and a half: the next one overtakes it
PERFECT = Impairment()


class UdpPath:
    """Two ports in this process: what comes in at one leaves at the other, later or never."""

    def __init__(self, impairment: Impairment, seed: int) -> None:
        self._one_way_s = impairment.one_way_ms / 1000
        self._up, self._down = impairment.fate(2 * seed), impairment.fate(2 * seed + 1)
        self._partner: Address | None = None
        self._gateway: Address | None = None
        self._outer: asyncio.DatagramTransport | None = None
        self._inner: asyncio.DatagramTransport | None = None
        self._began_s = 0.0

    async def open(self, answer: str) -> str:
        """The gateway's answer (SDP) with this path's address in place of the gateway's."""
        self.close()  # of an earlier answer
        lines = answer.splitlines()
        ours = next(line.split() for line in lines if line.startswith("a=candidate:") and "." in line.split()[4])
        host, self._gateway = ours[4], (ours[4], int(ours[5]))
        loop = asyncio.get_running_loop()
        self._began_s = loop.time()
        self._outer, _ = await loop.create_datagram_endpoint(lambda: _Port(self._from_partner), (host, 0))
        self._inner, _ = await loop.create_datagram_endpoint(lambda: _Port(self._from_gateway), (host, 0))
        port = self._outer.get_extra_info("sockname")[1]
        at = next(i for i, line in enumerate(lines) if line.startswith("a=candidate:"))
        kept = [line for line in lines if not line.startswith("a=candidate:")]
        kept.insert(at, f"a=candidate:1 1 udp 2130706431 {host} {port} typ host")
        return "\r\n".join(kept) + "\r\n"

    def close(self) -> None:
        for transport in (self._outer, self._inner):
            if transport is not None:
                transport.close()

    def _from_partner(self, data: bytes, address: Address) -> None:
        self._partner = address
        self._send(self._inner, data, self._gateway, self._late_s(data, self._up))

    def _from_gateway(self, data: bytes, _: Address) -> None:
        self._send(self._outer, data, self._partner, self._late_s(data, self._down))

    def _late_s(self, data: bytes, fate: Callable[[float], float | None]) -> float | None:
        late_s = fate(asyncio.get_running_loop().time() - self._began_s) if _is_media(data) else 0.0
        return None if late_s is None else late_s + self._one_way_s

    def _send(
        self, port: asyncio.DatagramTransport | None, data: bytes, to: Address | None, late_s: float | None
    ) -> None:
        if port is None or to is None or late_s is None:
            return

        def now() -> None:
            if not port.is_closing():
                port.sendto(data, to)

        if late_s > 0:
            asyncio.get_running_loop().call_later(late_s, now)
        else:
            now()


def placeless(sdp: str) -> str:
    """Without its candidates, or the other side would send around the path."""
    return "".join(f"{line}\r\n" for line in sdp.splitlines() if not line.startswith("a=candidate:"))


def _is_media(data: bytes) -> bool:
    """RTP but not RTCP (RFC 7983): ICE, DTLS and reports are only delayed."""
    return len(data) >= 12 and 127 < data[0] < 192 and not is_rtcp(data)


class _Port(asyncio.DatagramProtocol):
    def __init__(self, received: Callable[[bytes, Address], None]) -> None:
        self._received = received

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self._received(data, addr)


@asynccontextmanager
async def far_gateway(socket_url: str, impairment: Impairment) -> AsyncIterator[str]:
    """The ws:// address of a gateway behind the impaired path; every connection has a path and a fate of its own."""
    met = 0

    async def carry(partner: ServerConnection) -> None:
        nonlocal met
        met += 1
        path = UdpPath(impairment, met)
        try:
            async with connect(socket_url, proxy=None, max_size=_HISTORY_BYTES) as real:
                up = asyncio.create_task(_hand_up(partner, real))
                down = asyncio.create_task(_hand_down(real, partner, path))
                await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
                for task in (up, down):
                    task.cancel()
                await asyncio.gather(up, down, return_exceptions=True)
        finally:
            path.close()

    async with serve(carry, "127.0.0.1", 0, max_size=_HISTORY_BYTES) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}/ws"


async def _hand_up(partner: ServerConnection, real: ClientConnection) -> None:
    try:
        async for text in partner:
            message = json.loads(text)
            if message["type"] == "offer":
                message["sdp"] = placeless(message["sdp"])
                text = json.dumps(message)
            await real.send(text)
    except ConnectionClosed:
        return


async def _hand_down(real: ClientConnection, partner: ServerConnection, path: UdpPath) -> None:
    try:
        async for text in real:
            message = json.loads(text)
            if message["type"] == "answer":
                message["sdp"] = await path.open(message["sdp"])
                text = json.dumps(message)
            await partner.send(text)
    except ConnectionClosed:
        return
