"""A partner without a person: a real WebRTC peer and a real socket that play prepared audio in real time.

The demo, the tests and the benchmarks all use it. What it says to the gateway is what a browser
says, over the same two connections; only the microphone is an array.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from aiortc import MediaStreamTrack, RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from gateway.media.receiver import bear_distance
from gateway.protocol import PROTOCOL_VERSION
from gateway.tasks import Tasks, first_of
from gateway.voice_track import RATE_HZ, VoiceTrack, resampled
from streaming.errors import BreathmarkError, Refused
from streaming.types import Samples, Speaker

_LEAD_S = 0.4  # from "both are connected" to the first sample, so that neither track is behind
_HISTORY_BYTES = 16 * 1024 * 1024  # an observer who comes late gets the whole practice in one message


class SimulatedPartner:
    """One partner of a session, from hello to the end: ``async with SimulatedPartner(…) as partner``.

    Waiting methods raise Refused with the gateway's own words where it turns this partner away, and
    BreathmarkError where the connection is gone.
    """

    def __init__(
        self, url: str, token: str, audio: Samples, *, rate_hz: int = RATE_HZ, name: str = "", device: str = ""
    ) -> None:
        """``url``: the gateway's socket, ws://…/ws. ``audio``: float32 (n,) at ``rate_hz``, -1 to 1.

        ``device``: the secret of an earlier partner who comes back; by default a new one.
        """
        self._url = url
        self._token = token
        self._name = name
        self._device = device or secrets.token_urlsafe(16)
        self._track = VoiceTrack(resampled(audio, rate_hz))
        self._peer: RTCPeerConnection | None = None
        self._open = contextlib.AsyncExitStack()
        self._socket: ClientConnection | None = None
        self._tasks = Tasks()
        self._changed = asyncio.Condition()
        self._gone: BreathmarkError | None = None
        self._answer: str | None = None
        self._pong: dict[str, Any] | None = None
        self.role: str = ""
        self.session: str = ""
        self.room: dict[str, Any] = {}
        self.cues: list[dict[str, Any]] = []  # wire lines, in the order in which they came
        self.refusals: list[dict[str, Any]] = []
        self.ended = False
        self.report: str | None = None  # the report's token, once the practice has ended
        self.frames_heard = 0  # of the other partner, 20 ms each

    async def __aenter__(self) -> Self:
        try:
            self._socket = await self._open.enter_async_context(
                # proxy: the gateway is on this machine or named in the address, never behind a proxy's guess
                connect(self._url, max_size=_HISTORY_BYTES, proxy=None, open_timeout=10)
            )
        except (OSError, TimeoutError, WebSocketException) as error:
            raise BreathmarkError(f"no gateway at {self._url} ({error}); start it first") from error
        self._tasks.spawn(self._listen(self._socket), "simulated partner hears the gateway")
        hello = {"type": "hello", "v": PROTOCOL_VERSION, "token": self._token, "device": self._device}
        try:
            await self.say({**hello, "name": self._name})
            await self.until(lambda: bool(self.role))
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Leaves as a closed browser window does."""
        self._track.stop()
        await self._tasks.close()
        if self._peer is not None:
            await self._peer.close()
        await self._open.aclose()

    async def consent(self, *, practice: bool = True, observer: bool = True) -> None:
        await self.say({"type": "consent", "practice": practice, "observer": observer})

    async def set_up(self, *, same_room: bool) -> None:
        await self.say({"type": "setup", "same_room": same_room, "name": self._name})

    async def connect_media(self) -> None:
        """Offers the microphone and waits until the gateway receives it."""
        servers = [
            RTCIceServer(given["urls"], given.get("username"), given.get("credential"))
            for given in self.room["ice_servers"]
        ]
        peer = self._peer = RTCPeerConnection(RTCConfiguration(iceServers=servers))

        @peer.on("track")
        def heard(track: MediaStreamTrack) -> None:
            self._tasks.spawn(self._hear(track), "simulated partner hears the other")

        peer.addTrack(self._track)
        bear_distance(peer.getTransceivers()[0].receiver)
        await peer.setLocalDescription(await peer.createOffer())  # gathers all candidates
        await self.say({"type": "offer", "sdp": peer.localDescription.sdp})
        await self.until(lambda: self._answer is not None)
        assert self._answer is not None
        await peer.setRemoteDescription(RTCSessionDescription(self._answer, "answer"))

    async def ready(self) -> None:
        """Waits until the practice runs and both partners' audio arrives."""
        await self.until(
            lambda: (
                self.room.get("phase") == "practising"
                and all(self.room["partners"][s.value]["media"] == "connected" for s in Speaker)
            )
        )

    def play_at(self, instant: float) -> None:
        """From ``instant`` (loop time) on, the audio is spoken."""
        self._track.play_at(instant)

    async def played(self) -> None:
        """Waits until the last sample has been spoken."""
        await first_of(self._track.played.wait(), self.until(lambda: self.ended))

    async def end(self) -> str | None:
        """Ends the practice for both, and gives the report's token."""
        await self.say({"type": "end"})
        await self.until(lambda: self.ended)
        return self.report

    async def session_time_at(self) -> float:
        """What to add to loop time to get session time, seconds; off by at most half a round trip."""
        loop = asyncio.get_running_loop()
        asked = loop.time()
        self._pong = None
        await self.say({"type": "ping", "t": asked})
        await self.until(lambda: self._pong is not None)
        assert self._pong is not None
        return float(self._pong["now_s"]) - (asked + loop.time()) / 2

    async def say(self, message: dict[str, Any]) -> None:
        if self._socket is None:
            raise BreathmarkError("not connected: use `async with`")
        try:
            await self._socket.send(json.dumps(message))
        except WebSocketException as error:
            raise self._gone or BreathmarkError(f"the gateway closed the connection: {error}") from error

    async def until(self, holds: Callable[[], bool]) -> None:
        """Waits for what the gateway says next to make ``holds`` true."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._gone is not None or holds())
        if self._gone is not None and not holds():
            raise self._gone

    async def _listen(self, socket: ClientConnection) -> None:
        try:
            async for text in socket:
                await self._take(json.loads(text))
            reason = "the gateway closed the connection"
        except WebSocketException as error:
            reason = f"the connection to the gateway broke: {error}"
        async with self._changed:
            self._gone = self._gone or BreathmarkError(reason)
            self._changed.notify_all()

    async def _take(self, message: dict[str, Any]) -> None:
        """One message of the gateway. Types that are not known are passed over."""
        match message["type"]:
            case "welcome":
                self.role, self.session, self.room = message["role"], message["session"], message["room"]
            case "room":
                self.room = message["room"]
            case "answer":
                self._answer = message["sdp"]
            case "cue":
                await self._paint(message["line"])
            case "pong":
                self._pong = message
            case "ended":
                self.ended, self.report = True, message["report"]
            case "refused":
                self.refusals.append(message)
                if message["fatal"]:
                    self._gone = Refused(message["code"], f"{message['message']} {message['way_out']}")
        async with self._changed:
            self._changed.notify_all()

    async def _paint(self, line: dict[str, Any]) -> None:
        """There is no screen: a cue counts as painted when it has come in."""
        self.cues.append(line)
        now_ms = asyncio.get_running_loop().time() * 1000
        await self.say({"type": "painted", "cue": line["id"], "received_ms": now_ms, "painted_ms": now_ms})

    async def _hear(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:  # aiortc's queue is unbounded: always drain it
                await track.recv()
                self.frames_heard += 1


async def speak_together(partners: Sequence[SimulatedPartner]) -> float:
    """Once all are ready, starts their audio at one instant. Gives that instant in session seconds."""
    await asyncio.gather(*(partner.ready() for partner in partners))
    to_session_s = await partners[0].session_time_at()
    instant = asyncio.get_running_loop().time() + _LEAD_S
    for partner in partners:
        partner.play_at(instant)
    return instant + to_session_s
