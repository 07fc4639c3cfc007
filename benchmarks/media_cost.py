"""What a stream costs: our receiver beside bare aiortc receive, in one run on one machine.

``python -m benchmarks.media_cost --streams 10 --seconds 10``. The speakers run in a process of their own,
so that the figures are the gateway's side alone: ICE, DTLS and SRTP, and what each way does with a packet.

* bare: aiortc as it comes, each track read and its 48 kHz stereo frames dropped
* ours, waiting: connected, nobody has consented yet; packets align the clock
* ours, practising: decoded to 16 kHz mono, placed in session time, delivered
* ours, relaying: the same, and forwarded to the other partner of each couple
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from gateway.media.clock import SessionClock
from gateway.media.partner import PartnerMedia
from streaming.types import Speaker

SETTLE_S = 3.0  # connections and clocks are at rest by then
POLL_S = 0.02


def spoken_packets() -> list[bytes]:
    """Ten seconds of speech-like sound as a browser encodes it: Opus, 20 ms, 32 kbit/s, mono."""
    rng = np.random.default_rng(0)
    t = np.arange(480_000) / 48_000
    syllables = np.clip(np.sin(2 * np.pi * 2 * t), 0, 1)
    voice = np.sign(np.sin(2 * np.pi * 120 * t)) * 0.15 + rng.normal(0, 0.02, len(t))
    codec = av.CodecContext.create("libopus", "w")
    codec.sample_rate, codec.layout, codec.format, codec.bit_rate = 48_000, "mono", "flt", 32_000
    codec.options = {"application": "voip"}
    codec.time_base = Fraction(1, 48_000)
    packets: list[bytes] = []
    for block in (voice * syllables).astype(np.float32).reshape(-1, 960):
        frame = av.AudioFrame.from_ndarray(block[None], "flt", "mono")
        frame.sample_rate = 48_000
        packets += [bytes(packet) for packet in codec.encode(frame)]
    return packets


class Speech(MediaStreamTrack):
    """The packets again and again, one each 20 ms."""

    kind = "audio"

    def __init__(self, packets: list[bytes], late_s: float) -> None:
        super().__init__()
        self._packets = packets
        self._n = 0
        self._began_s = time.monotonic() + late_s

    async def recv(self) -> av.Packet[Any]:
        await asyncio.sleep(max(0.0, self._began_s + self._n * 0.02 - time.monotonic()))
        packet = av.Packet(self._packets[self._n % len(self._packets)])
        packet.pts, packet.time_base = self._n * 960, Fraction(1, 48_000)
        self._n += 1
        return packet


async def speak(streams: int) -> None:
    """The speakers' process: offers on standard output, answers on standard input, one JSON line each."""
    packets = spoken_packets()
    connections = []
    for n in range(streams):
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.addTrack(Speech(packets, n * 0.02 / streams))
        await connection.setLocalDescription(await connection.createOffer())
        sys.stdout.write(json.dumps(connection.localDescription.sdp) + "\n")
        connections.append(connection)
    sys.stdout.flush()
    for connection in connections:
        line = await asyncio.to_thread(sys.stdin.readline)
        await connection.setRemoteDescription(RTCSessionDescription(json.loads(line), "answer"))
    await asyncio.to_thread(sys.stdin.read)


class Bare:
    """aiortc as it comes."""

    def __init__(self) -> None:
        self._connections: list[RTCPeerConnection] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def answer(self, offer: str) -> str:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.on("track", lambda track: self._tasks.append(asyncio.create_task(_drain(track))))
        await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        self._connections.append(connection)
        return str(connection.localDescription.sdp)

    def begin(self) -> None:
        """It decodes from the first packet on."""

    async def run(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        for connection in self._connections:
            await connection.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class Ours:
    """PartnerMedia, polled as the gateway does."""

    def __init__(self, *, practising: bool, relaying: bool) -> None:
        self._practising = practising
        self._relaying = relaying
        self._media: list[PartnerMedia] = []
        self._clock = SessionClock.start()

    async def answer(self, offer: str) -> str:
        media = PartnerMedia("bench", Speaker.A, lambda chunk: None)
        self._media.append(media)
        answer = await media.connect(offer)
        if self._relaying and len(self._media) % 2 == 0:
            media.hear(self._media[-2])
            self._media[-2].hear(media)
        return answer

    def begin(self) -> None:
        if self._practising:
            for media in self._media:
                media.begin(self._clock, self._clock.now())

    async def run(self, seconds: float) -> None:
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            await asyncio.sleep(POLL_S - time.monotonic() % POLL_S)
            for media in self._media:
                media.poll()

    async def close(self) -> None:
        for media in self._media:
            await media.close()


async def _drain(track: MediaStreamTrack) -> None:
    while True:
        try:
            await track.recv()
        except MediaStreamError:
            return


async def cost_percent(way: Bare | Ours, streams: int, seconds: float) -> float:
    """Per cent of one core that one stream takes, all threads of this process counted."""
    speakers = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "benchmarks.media_cost", "--speak", "--streams", str(streams)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert speakers.stdin is not None
    assert speakers.stdout is not None
    answers = [await way.answer(json.loads(await speakers.stdout.readline())) for _ in range(streams)]
    speakers.stdin.write("".join(json.dumps(answer) + "\n" for answer in answers).encode())
    await speakers.stdin.drain()
    await way.run(SETTLE_S)
    way.begin()
    cpu_s, wall_s = time.process_time(), time.monotonic()
    await way.run(seconds)
    used = (time.process_time() - cpu_s) / (time.monotonic() - wall_s) / streams * 100
    await way.close()
    speakers.stdin.close()
    await speakers.wait()
    return used


async def measure(streams: int, seconds: float, rounds: int) -> dict[str, float]:
    """The median of ``rounds`` rounds, each of which measures every way once."""
    ways: dict[str, Callable[[], Bare | Ours]] = {
        "bare": Bare,
        "ours_waiting": lambda: Ours(practising=False, relaying=False),
        "ours_practising": lambda: Ours(practising=True, relaying=False),
        "ours_relaying": lambda: Ours(practising=True, relaying=True),
    }
    seen: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, make in ways.items():
            seen[name].append(await cost_percent(make(), streams, seconds))
    figures = {f"{name}_percent_of_core": float(np.median(values)) for name, values in seen.items()}
    figures["media_cpu_ratio_to_bare_receive"] = (
        figures["ours_practising_percent_of_core"] / figures["bare_percent_of_core"]
    )
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--streams", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--speak", action="store_true", help="be the speakers' process")
    asked = parser.parse_args()
    if asked.speak:
        asyncio.run(speak(asked.streams))
        return
    for name, value in asyncio.run(measure(asked.streams, asked.seconds, asked.rounds)).items():
        print(f"{name:40} {value:6.3f}")


if __name__ == "__main__":
    main()
