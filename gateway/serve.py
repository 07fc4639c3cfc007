"""``breathmark serve``: one gateway in this process until Ctrl-C."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import resource
import socket
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TextIO, cast

import uvicorn
from fastapi import FastAPI

from coach.settings import CoachSettings
from gateway.live import Gateway, open_store
from gateway.logs import configure
from gateway.practice.registry import Registry
from gateway.protocol import MAX_MESSAGE_BYTES
from gateway.settings import GatewaySettings, from_environment
from gateway.web.app import create_app
from gateway.web.connections import bounded
from gateway.words.models import OFF, find_model
from streaming.backbone import open_backbone
from streaming.errors import UnusableInput

BACKLOG = 128  # asyncio logs a line for each of these, every second, while the process has no file left to open
MOST_FILES = 16_384
GOODBYE_S = 5  # for requests and sockets in flight at Ctrl-C


def serve(
    host: str,
    port: int,
    data: Path,
    coach: CoachSettings | None = None,
    settings: GatewaySettings | None = None,
    *,
    bus: str | None = None,
    store: str | None = None,
    words: str = OFF,
    words_masked: bool = False,
) -> None:
    """Runs until SIGINT or SIGTERM. Raises UnusableInput, StoreUnavailable and
    BusUnavailable before anything listens.

    Port 0 picks a free one; the address is printed on stdout once browsers can open it.
    """
    settings = replace(settings or from_environment(GatewaySettings()), data=data)
    settings = replace(settings, coach=coach or settings.coach)
    settings = replace(settings, bus_url=bus or settings.bus_url, store_url=store or settings.store_url)
    if words != OFF:
        settings = replace(settings, words=words, words_masked=words_masked)
        find_model(words, data / "models")  # told in one line, before uvicorn would tell it at length
    if settings.bus_url and not settings.store_url:
        raise UnusableInput(
            "--bus needs --store: workers and other gateways would write their lines where this one does not find "
            "them; give --store postgresql://…, or leave --bus out"
        )
    configure(settings.log_level)
    with sole_use(data) if settings.store_url is None else nullcontext():
        _run(settings, host, port)


def _run(settings: GatewaySettings, host: str, port: int) -> None:
    _open_more_files()
    asyncio.run(_check(settings))
    if settings.store_url and not settings.bus_url:
        sys.stderr.write("breathmark: without --bus this must be the only gateway on its store\n")
    listening = bind(host, port)
    server = Server(settings, lambda: _tell(address(host, listening)))
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        sys.stderr.write("breathmark: stopped; practices that were running go on at the next start\n")
    finally:
        listening.close()
    if not server.started:
        raise UnusableInput(f"the gateway could not start with --data {settings.data}: see the log above")


def _open_more_files() -> None:
    """By default a process may open 1024: few, where a thousand sockets may come and couples have 20 each for sound."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


def sole_use(data: Path) -> TextIO:
    """Two gateways on one folder would both carry the same practices: what is withdrawn in one goes on in the other.

    A lock that goes with the process, however that ends. Raises UnusableInput.
    """
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = (data / "lock").open("a", encoding="utf-8")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UnusableInput(
            f"{data}: another gateway keeps its state there; stop it, or give another --data"
        ) from error
    except OSError as error:
        raise UnusableInput(f"{data}: cannot hold the data ({error.strerror}); give another --data") from error
    return file


async def _check(settings: GatewaySettings) -> None:
    """A store or a bus that cannot be used is told in one line, before uvicorn would tell it at length."""
    if settings.bus_url is not None:
        async with open_backbone(settings.bus_url) as backbone:
            await backbone.leases.wanted()
    engine = await open_store(settings)
    try:
        await Registry(engine).running()  # what the start reads first: a file that is damaged further in opens well
    finally:
        await engine.dispose()


def server_config(settings: GatewaySettings) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(settings),
        # The same ``websockets`` library; its older adapter in uvicorn is on its way out.
        ws="websockets-sansio",
        http=bounded(settings.sockets.max_requests),
        backlog=BACKLOG,
        ws_max_size=4 * MAX_MESSAGE_BYTES,  # up to here a page is told why; beyond it is cut off
        ws_ping_interval=settings.sockets.ping_s,
        ws_ping_timeout=settings.sockets.ping_s,
        ws_per_message_deflate=False,  # 300 kB of memory a socket, for messages of 300 bytes
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=GOODBYE_S,
    )


def _tell(address: str) -> None:
    sys.stdout.write(f"Breathmark is ready: {address}   (Ctrl-C stops it)\n")
    sys.stdout.flush()


class Server(uvicorn.Server):
    """A gateway over HTTP; ``ready`` is called once browsers can open it."""

    def __init__(self, settings: GatewaySettings, ready: Callable[[], None]) -> None:
        super().__init__(server_config(settings))
        self._ready = ready

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """First the practices go to other gateways: who is thrown out here should find them there."""
        gateway: Gateway = cast(FastAPI, self.config.app).state.gateway
        if not gateway.neighbours.alone:
            await gateway.hand_over()
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises UnusableInput naming the address and what to do."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise UnusableInput(f"{host}: not an address of this machine; try --host 127.0.0.1") from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(place)
        listening.listen()
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise UnusableInput(
                f"port {port} on {host} is in use: stop the other program, or give another with --port"
            ) from error
        raise UnusableInput(f"cannot listen on {host}, port {port}: {error.strerror}; give another") from error
    listening.setblocking(False)
    return listening


def address(host: str, listening: socket.socket) -> str:
    port = listening.getsockname()[1]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}/"
