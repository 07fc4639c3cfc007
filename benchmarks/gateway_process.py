"""A gateway in a process of its own on a free loopback port, as benchmarks need it: real, and nobody else's."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from streaming.errors import Refused, UnusableInput
from streaming.types import Line
from streaming.wire import loads

PLAIN = ("-c", "from gateway.cli import main; main()")  # `breathmark`, wherever it is installed
_START_S = 60.0  # a cold start on a busy machine imports every model's library
_STOP_S = 15.0


@dataclass(frozen=True, slots=True)
class RunningGateway:
    """``folder`` holds its state and goes with it."""

    url: str
    folder: Path
    pid: int

    @property
    def socket_url(self) -> str:
        return f"{self.url.replace('http', 'ws', 1)}/ws"

    async def new_session(self) -> dict[str, str]:
        """The tokens of a new session: a, b, observer, report."""
        links: dict[str, str] = json.loads(await self._ask("/api/sessions", method="POST"))["links"]
        return links

    async def timeline(self, token: str) -> list[Line]:
        """All that the session's timeline holds, in order."""
        return [loads(line) for line in (await self._ask("/api/timeline", token)).splitlines()]

    async def began_unix(self, token: str) -> float:
        """Wall clock at session time 0."""
        return float(json.loads(await self._ask("/api/report", token))["began_unix"])

    async def metrics(self) -> dict[str, float]:
        """What it counts, by name and labels as Prometheus writes them."""
        lines = [line for line in (await self._ask("/metrics")).splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}

    async def _ask(self, path: str, token: str = "", method: str = "GET") -> str:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(self.url + path, method=method, headers=headers)

        def read() -> str:
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return bytes(answer.read()).decode()
            except urllib.error.HTTPError as error:
                told = json.loads(error.read())
                raise Refused(told["code"], told["message"]) from error

        return await asyncio.to_thread(read)


@asynccontextmanager
async def gateway(
    program: Sequence[str] = PLAIN,
    *,
    host: str = "127.0.0.1",
    inside: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
) -> AsyncIterator[RunningGateway]:
    """Runs until left. ``program``: what Python is to run; it gets the arguments of ``breathmark serve``.

    ``inside``: the command that runs it elsewhere (``namespaces``); ``environment``: more of it; ``options``: more
    of ``breathmark serve``'s own.
    """
    with TemporaryDirectory(prefix="breathmark-bench-", ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "log"
        with log.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                *(*inside, sys.executable, *program, "serve", "--host", host, "--port", "0"),
                *("--data", str(Path(folder) / "data")),
                *options,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env=os.environ | dict(environment or {}),
            )
        try:
            yield RunningGateway(await _address(process, log), Path(folder), process.pid)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGINT)
                try:
                    await asyncio.wait_for(process.wait(), _STOP_S)
                except TimeoutError:
                    process.kill()
                    await process.wait()


async def _address(process: asyncio.subprocess.Process, log: Path) -> str:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_START_S):
            async for line in process.stdout:
                if b"http://" in line:
                    return line[line.index(b"http://") :].split()[0].decode().rstrip("/")
    except TimeoutError:
        pass
    told = await asyncio.to_thread(log.read_text, errors="replace")
    raise UnusableInput(f"the gateway did not start within {_START_S:g} s: {told[-2000:]}")
