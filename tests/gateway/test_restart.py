"""The gateway's process is killed in the middle of a practice, and another goes on with its folder."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.gateway_process import PLAIN
from benchmarks.servers import free_port
from gateway.demo import DIALOGUE
from gateway.simulated import SimulatedPartner, speak_together
from streaming.audio import read_partners
from streaming.types import OVERLAP_KINDS, SAMPLE_RATE_HZ, Speaker
from tests.gateway.serving import QUARREL_FROM_S, Page, bearer

DEVICES = {Speaker.A: "the device of partner a", Speaker.B: "the device of partner b"}


class Process:
    """``breathmark serve`` as people start it."""

    def __init__(self, data: Path, port: int, **options: str | None) -> None:
        self.port = port
        self._options = [part for name, value in options.items() if value for part in (f"--{name}", value)]
        self._data = data
        self._process: asyncio.subprocess.Process | None = None
        self.said = b""

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, *PLAIN),
            *("serve", "--port", str(self.port), "--data", str(self._data), *self._options),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(60):
            said = await self._process.stdout.readline()
        assert re.search(rb"http://127\.0\.0\.1:\d+/", said), said

    async def stop(self, how: signal.Signals) -> int:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(how)
        async with asyncio.timeout(30):
            out, errors = await self._process.communicate()
        self.said += out + errors
        assert self._process.returncode is not None
        return self._process.returncode

    @property
    def http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", trust_env=False)

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"


@asynccontextmanager
async def running(data: Path, port: int) -> AsyncIterator[Process]:
    process = Process(data, port)
    await process.start()
    try:
        yield process
    finally:
        await process.stop(signal.SIGKILL)
        sys.stderr.write(process.said.decode(errors="replace"))  # shown where a test fails


async def partners(stack: AsyncExitStack, process: Process, links: dict[str, str]) -> list[SimulatedPartner]:
    audio = read_partners([DIALOGUE])
    out = []
    for speaker in Speaker:
        own = audio[speaker][int(QUARREL_FROM_S * SAMPLE_RATE_HZ) :]
        partner = SimulatedPartner(process.socket_url, links[speaker.value], own, rate_hz=SAMPLE_RATE_HZ)
        partner._device = DEVICES[speaker]  # the browser's own storage survives
        out.append(await stack.enter_async_context(partner))
    for partner in out:
        await partner.connect_media()
    return out


def key(line: dict[str, Any]) -> tuple[str, str, float]:
    return line["id"], line["status"], line["decided_s"]


def overlaps(lines: list[dict[str, Any]], from_s: float) -> list[dict[str, Any]]:
    """Typed ones: which type it is, is for others to test."""
    return [line for line in lines if line["kind"] in OVERLAP_KINDS and line["start_s"] > from_s]


async def timeline(process: Process, token: str) -> list[dict[str, Any]]:
    async with process.http as http:
        answer = await http.get("/api/timeline", headers=bearer(token))
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


@pytest.mark.slow
async def test_after_a_kill_everything_shown_is_there_and_the_practice_goes_on_in_its_own_time(tmp_path: Path) -> None:
    port = free_port()
    async with running(tmp_path, port) as process:
        async with process.http as http:
            links: dict[str, str] = (await http.post("/api/sessions")).json()["links"]
        async with AsyncExitStack() as stack:
            watching = await stack.enter_async_context(Page(process.socket_url, links["observer"], "x" * 16))
            a, b = await partners(stack, process, links)
            await a.consent()
            await b.consent()
            await speak_together([a, b])
            await watching.one("lines", where=lambda m: bool(overlaps(m["lines"], 0.0)))
            await asyncio.sleep(2.5)  # past a snapshot
            await process.stop(signal.SIGKILL)
            await watching.closed()
            shown = watching.lines()
            killed_unix = time.time()

    async with running(tmp_path, port) as process:
        kept = await timeline(process, links["a"])
        assert {key(line) for line in shown} <= {key(line) for line in kept}
        async with process.http as http:
            stranger = Page(process.socket_url, links["a"], "another device")
            async with stranger:
                await stranger.refusal("link_in_use")
            report = await http.get("/api/report", headers=bearer(links["a"]))
            began_unix = report.json()["began_unix"]
        async with AsyncExitStack() as stack:
            watching = await stack.enter_async_context(Page(process.socket_url, links["observer"], "x" * 16))
            assert {key(line) for line in shown} <= {key(line) for line in watching.lines()}, "the history is whole"
            a, b = await partners(stack, process, links)
            assert a.room["phase"] == "practising", "nobody has to agree again"
            back_unix = time.time()
            drift_s = await a.session_time_at() + asyncio.get_running_loop().time() - (time.time() - began_unix)
            assert abs(drift_s) < 0.2, "the same session time"
            await speak_together([a, b])
            await watching.one("lines", where=lambda m: bool(overlaps(m["lines"], back_unix - began_unix)))
            token = await a.end()
        assert token == links["report"]
        after = await timeline(process, links["a"])
        async with process.http as http:
            report = await http.get("/api/report", headers=bearer(token))

    assert [key(line) for line in after[: len(kept)]] == [key(line) for line in kept], "only appended to"
    outage = (killed_unix - began_unix, back_unix - began_unix)
    for line in after:
        if line["kind"] == "speech":
            assert not outage[0] + 0.5 < line["start_s"] < outage[1] - 0.5, "nobody was heard while it was down"
    finals: dict[str, int] = {}
    for line in after:
        if line["status"] == "final" and "confidence" in line:
            finals[line["id"]] = finals.get(line["id"], 0) + 1
    assert set(finals.values()) == {1}, "what was final is not revised by less knowledge"
    opened = {line["id"] for line in after if line["kind"] == "overlap" and line["start_s"] < outage[0]}
    assert opened <= set(finals), "no overlap of before stays open"
    told = {item["id"] for item in report.json()["rail"] if item["group"] == "overlap"}
    assert {line["id"] for line in overlaps(after, 0.0)} <= told


async def test_ctrl_c_ends_it_quietly_and_the_links_work_at_the_next_start(tmp_path: Path) -> None:
    port = free_port()
    async with running(tmp_path, port) as process:
        async with process.http as http:
            links: dict[str, str] = (await http.post("/api/sessions")).json()["links"]
        async with Page(process.socket_url, links["a"], DEVICES[Speaker.A]) as page:
            await page.pong()
            began = time.monotonic()
            await process.stop(signal.SIGINT)
            assert time.monotonic() - began < 6
            assert await page.closed() == 1012
    assert b"Traceback" not in process.said
    assert b"stopped" in process.said
    for token in links.values():
        assert token.encode() not in process.said
    async with running(tmp_path, port) as process:
        async with Page(process.socket_url, links["a"], DEVICES[Speaker.A]) as page:
            await page.pong()
        async with Page(process.socket_url, links["a"], "another device") as stranger:
            await stranger.refusal("link_in_use")
