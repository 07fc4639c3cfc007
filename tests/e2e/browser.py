"""Real browsers and a real gateway process, for every test that needs them.

A browser is a process of its own with a fresh profile, so that two partners share nothing but the gateway.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

from benchmarks.chromium import MICROPHONE
from benchmarks.servers import free_port

PHONE = (390, 844)
MICROPHONE_REFUSED = ("--use-fake-ui-for-media-stream=deny", "--use-fake-device-for-media-stream")
_START_S = 90.0  # a cold start imports every model's library
_STOP_S = 30.0
_STRAINED_S = 120.0  # a demo that somebody began before lasts so long
_POLL_S = 0.1


def speaking(file: Path) -> tuple[str, ...]:
    """The switches of a browser whose microphone hears ``file`` (48 kHz mono), over and over."""
    return (*MICROPHONE, f"--use-file-for-fake-audio-capture={file}")


@dataclass(slots=True)
class GatewayProcess:
    """`breathmark serve` as a user starts it, on a free loopback port, with its state under ``data``."""

    data: Path
    port: int = field(default_factory=free_port)
    options: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    def start(self) -> None:
        """Returns once it answers. After a stop or a kill it comes back on the same port, over the same data."""
        self.data.mkdir(parents=True, exist_ok=True)
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-c", "from gateway.cli import main; main()"),
                    *("serve", "--host", "127.0.0.1", "--port", str(self.port), "--data", str(self.data)),
                    *self.options,
                ],
                env=os.environ | {"OMP_NUM_THREADS": "1"} | self.environment,
                stdout=log,
                stderr=log,
            )
        patience_s = time.monotonic() + _START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > patience_s:
                self._process.kill()
                raise RuntimeError(f"the gateway did not start ({self._process.poll()}):\n{self.log()[-2000:]}")
            time.sleep(_POLL_S)

    def stop(self, how: signal.Signals = signal.SIGINT) -> int | None:
        """Asks it to end, by default as Ctrl-C does, and gives its exit status; None where it does not run."""
        if self._process is None or self._process.poll() is not None:
            return None
        self._process.send_signal(how)
        try:
            return self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """kill -9: no farewell to anybody."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def log(self) -> str:
        return self._log_path.read_text(encoding="utf-8", errors="replace")

    @property
    def _log_path(self) -> Path:
        return self.data.parent / f"{self.data.name}.log"

    async def get(self, path: str, token: str = "", *, method: str = "GET") -> Any:
        """The JSON of an answer; raises HTTPError on a refusal."""
        return json.loads(await asyncio.to_thread(self._request, path, token, method) or "null")

    async def lines(self, path: str, token: str) -> list[dict[str, Any]]:
        """The objects of an answer that holds one JSON object a line."""
        text = await asyncio.to_thread(self._request, path, token, "GET")
        return [json.loads(line) for line in text.splitlines()]

    async def new_session(self) -> dict[str, Any]:
        """``{"session", "links": {"a", "b", "observer", "report"}}``.

        A gateway on a machine that strains refuses new practices for a while: like everybody, one tries again.
        """
        patience_s = time.monotonic() + _STRAINED_S
        while True:
            try:
                made: dict[str, Any] = await self.get("/api/sessions", method="POST")
                return made
            except urllib.error.HTTPError as error:
                if error.code != HTTPStatus.SERVICE_UNAVAILABLE or time.monotonic() > patience_s:
                    raise
            await asyncio.sleep(1.0)

    def _request(self, path: str, token: str, method: str) -> str:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(self.url + path, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            body: bytes = answer.read()
            return body.decode()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
