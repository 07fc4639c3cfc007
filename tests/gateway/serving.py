"""A gateway on a free port of this process, and a page without a screen to talk to it."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import httpx
import uvicorn
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gateway.live import Gateway
from gateway.practice.analysts import LocalAnalysts
from gateway.serve import bind, server_config
from gateway.settings import GatewaySettings
from streaming.types import Annotation, Kind, Span, Speaker

DEVICES = {"a": "device of a", "b": "device of b"}
QUARREL_FROM_S = 28.0  # of the dialogue: an interruption follows within 4 s
PATIENCE_S = 30.0  # the machine may be busy; nothing waits so long when all is well


@dataclass(frozen=True, slots=True)
class Served:
    """Where it is, and what is inside."""

    http: httpx.AsyncClient
    socket_url: str
    gateway: Gateway

    @property
    def analysts(self) -> LocalAnalysts:
        """Detectors and coaches, which are in this process."""
        own = self.gateway._analysts
        assert isinstance(own, LocalAnalysts)
        return own

    async def links(self) -> dict[str, str]:
        answer = await self.http.post("/api/sessions")
        assert answer.status_code == 201, answer.text
        links: dict[str, str] = answer.json()["links"]
        return links

    async def told(self, path: str, token: str) -> dict[str, Any]:
        """What this path says to whoever has the link."""
        answer = await self.http.get(path, headers=bearer(token))
        assert answer.status_code == 200, answer.text
        out: dict[str, Any] = answer.json()
        return out

    async def timeline(self, token: str) -> list[dict[str, Any]]:
        answer = await self.http.get("/api/timeline", headers=bearer(token))
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]

    def page(self, token: str, device: str = "", **options: Any) -> Page:
        return Page(self.socket_url, token, device or secrets.token_urlsafe(16), **options)


@asynccontextmanager
async def serving(settings: GatewaySettings) -> AsyncIterator[Served]:
    listening = bind("127.0.0.1", 0)
    port = listening.getsockname()[1]
    config = server_config(settings)
    app = cast(FastAPI, config.app)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve(sockets=[listening]))  # without its signal handlers
    try:
        while not server.started:
            if running.done():
                running.result()
            await asyncio.sleep(0.01)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
            yield Served(http, f"ws://127.0.0.1:{port}/ws", app.state.gateway)
    finally:
        server.should_exit = True
        await running
        listening.close()


def settings_in(folder: Path, **changes: Any) -> GatewaySettings:
    return GatewaySettings(data=folder, **changes)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@asynccontextmanager
async def practising(
    served: Served, links: dict[str, str], devices: dict[str, str] = DEVICES, **agreed: bool
) -> AsyncIterator[tuple[Page, Page]]:
    """Both partners' pages, once both have agreed, also to ``agreed``."""
    async with served.page(links["a"], devices["a"]) as a, served.page(links["b"], devices["b"]) as b:
        for page in (a, b):
            await page.say("consent", practice=True, **agreed)
        for page in (a, b):
            await page.room(lambda room: room["phase"] == "practising")
        yield a, b


async def say_so(served: Served, session: str) -> None:
    """A single word of partner a's, "w", in the timeline: no transcriber has to run for it."""
    said = Annotation(
        "w", session, Kind.WORDS, "final", Span(0, 16_000), 16_000, "words@1", by=Speaker.A, text="So.", words=()
    )
    await served.gateway.timeline.append([said])


async def until(holds: Callable[[], bool | Awaitable[bool]], within_s: float = PATIENCE_S) -> None:
    """For what has no event: a counter, another gateway's memory, a file, Redis."""
    async with asyncio.timeout(within_s):
        while not (held := holds()) or (not isinstance(held, bool) and not await held):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


class Page:
    """A browser's socket: says hello on entering, keeps what comes."""

    def __init__(
        self, url: str, token: str, device: str, *, name: str = "", origin: str | None = None, hello: bool = True
    ) -> None:
        self.token, self.device = token, device
        self.got: list[dict[str, Any]] = []
        self.close_code: int | None = None
        self._url, self._name, self._origin, self._says_hello = url, name, origin, hello
        self._socket: ClientConnection | None = None
        self._news = asyncio.Condition()
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._socket = await connect(
            self._url, max_size=None, proxy=None, additional_headers={"Origin": self._origin} if self._origin else None
        )
        self._listening = asyncio.create_task(self._listen(self._socket))
        if self._says_hello:
            await self.say("hello", v=1, token=self.token, device=self.device, name=self._name)
            await self.one("welcome", "refused")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._socket is not None
        assert self._listening is not None
        await self._socket.close()
        await self._listening

    async def say(self, type: str, **fields: Any) -> None:
        await self.say_text(json.dumps({"type": type, **fields}))

    async def say_text(self, text: str | bytes) -> None:
        assert self._socket is not None
        await self._socket.send(text)

    async def one(self, *types: str, where: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        """The first message of these types (for which ``where`` holds) that came or comes."""

        def found() -> list[dict[str, Any]]:
            return [m for m in self.got if m["type"] in types and where(m)]

        async with asyncio.timeout(PATIENCE_S), self._news:
            await self._news.wait_for(lambda: bool(found()) or self.close_code is not None)
        assert found(), f"closed with {self.close_code} before any of {types}: {self.got}"
        return found()[0]

    async def room(self, where: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """A room for which ``where`` holds."""
        message = await self.one("welcome", "room", where=lambda m: where(m["room"]))
        room: dict[str, Any] = message["room"]
        return room

    async def refusal(self, code: str) -> dict[str, Any]:
        return await self.one("refused", where=lambda m: m["code"] == code)

    async def closed(self) -> int:
        async with asyncio.timeout(PATIENCE_S), self._news:
            await self._news.wait_for(lambda: self.close_code is not None)
        assert self.close_code is not None
        return self.close_code

    @property
    def session(self) -> str:
        return str(next(m["session"] for m in self.got if m["type"] == "welcome"))

    def lines(self) -> list[dict[str, Any]]:
        """Timeline lines that were shown, in the order in which they came."""
        return [line for m in self.got if m["type"] in ("welcome", "lines") for line in m["lines"]]

    async def pong(self) -> dict[str, Any]:
        """Everything said before has been dealt with once this returns."""
        mark = float(secrets.randbits(40))
        await self.say("ping", t=mark)
        return await self.one("pong", where=lambda m: m["t"] == mark)

    async def _listen(self, socket: ClientConnection) -> None:
        try:
            async for text in socket:
                async with self._news:
                    self.got.append(json.loads(text))
                    self._news.notify_all()
        except ConnectionClosed:
            pass  # the code below tells how
        async with self._news:
            self.close_code = socket.close_code or 1006
            self._news.notify_all()
