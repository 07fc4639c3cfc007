"""The floor under every latency: a bare aiortc loop that answers the first loud frame at once.

No placement, no detectors, no timeline. ``python -m benchmarks.floor`` prints its address and runs until its
standard input ends. A page sends ``{"name", "sdp"}`` and gets ``{"sdp"}``, or ``{"watch": true}`` and then
``{"name"}`` whenever somebody begins.
"""

from __future__ import annotations

import asyncio
import json
import sys

import av
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.jitterbuffer import JitterBuffer
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from websockets.asyncio.server import ServerConnection, serve

LOUD = 0.02  # of full scale, -34 dBFS: the room's tone lies 40 dB below, a voice 10 dB above
QUIET_S = 0.25  # without a loud frame; longer than the closures within words
_FRAME_S = 0.02


class Floor:
    def __init__(self) -> None:
        self._watchers: set[ServerConnection] = set()
        self._peers: list[RTCPeerConnection] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, socket: ServerConnection) -> None:
        async for text in socket:
            message = json.loads(text)
            if message.get("watch"):
                self._watchers.add(socket)
            else:
                await socket.send(json.dumps({"sdp": await self._answer(message["name"], message["sdp"])}))
        self._watchers.discard(socket)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for peer in self._peers:
            await peer.close()

    async def _answer(self, name: str, sdp: str) -> str:
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peers.append(peer)

        @peer.on("track")
        def listens(track: MediaStreamTrack) -> None:
            for receiver in (transceiver.receiver for transceiver in peer.getTransceivers()):
                # The buffer it ships with would hold the floor 60 ms higher.
                receiver._RTCRtpReceiver__jitter_buffer = JitterBuffer(capacity=4, prefetch=1)  # type: ignore[attr-defined]
            task = asyncio.create_task(self._listen(name, track))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        await peer.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        return str(peer.localDescription.sdp)

    async def _listen(self, name: str, track: MediaStreamTrack) -> None:
        quiet_s = 0.0
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            assert isinstance(frame, av.AudioFrame)
            if np.abs(frame.to_ndarray()).max() / 32768 < LOUD:
                quiet_s += _FRAME_S
                continue
            if quiet_s >= QUIET_S:
                for watcher in self._watchers:
                    await watcher.send(json.dumps({"name": name}))
            quiet_s = 0.0


async def main() -> None:
    floor = Floor()
    async with serve(floor.serve, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        sys.stdout.write(f"ws://127.0.0.1:{port}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
        await floor.close()


if __name__ == "__main__":
    asyncio.run(main())
