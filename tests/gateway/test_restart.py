"""The gateway's process is killed in the middle of a practice, and another goes on with its folder."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from gateway.demo import DIALOGUE
from gateway.simulated import SimulatedPartner, speak_together
from streaming.audio import read_partners
from streaming.types import OVERLAP_KINDS, SAMPLE_RATE_HZ, Speaker
from tests.e2e.browser import GatewayProcess
from tests.gateway.serving import QUARREL_FROM_S, Page

DEVICES = {Speaker.A: "the device of partner a", Speaker.B: "the device of partner b"}


async def partners(stack: AsyncExitStack, process: GatewayProcess, links: dict[str, str]) -> list[SimulatedPartner]:
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


async def test_after_a_kill_everything_shown_is_there_and_the_practice_goes_on_in_its_own_time(tmp_path: Path) -> None:
    process = GatewayProcess(tmp_path / "data")
    with process:
        links = (await process.new_session())["links"]
        async with AsyncExitStack() as stack:
            watching = await stack.enter_async_context(Page(process.socket_url, links["observer"], "x" * 16))
            a, b = await partners(stack, process, links)
            await a.consent()
            await b.consent()
            await speak_together([a, b])
            await watching.one("lines", where=lambda m: bool(overlaps(m["lines"], 0.0)))
            await asyncio.sleep(2.5)  # past a snapshot
            process.kill()
            await watching.closed()
            shown = watching.lines()
            killed_unix = time.time()

    with process:
        kept = await process.lines("/api/timeline", links["a"])
        assert {key(line) for line in shown} <= {key(line) for line in kept}
        async with Page(process.socket_url, links["a"], "another device") as stranger:
            await stranger.refusal("link_in_use")
        began_unix = (await process.get("/api/report", links["a"]))["began_unix"]
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
        after = await process.lines("/api/timeline", links["a"])
        report = await process.get("/api/report", links["report"])

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
    told = {item["id"] for item in report["rail"] if item["group"] == "overlap"}
    assert {line["id"] for line in overlaps(after, 0.0)} <= told


async def test_ctrl_c_ends_it_quietly_and_the_links_work_at_the_next_start(tmp_path: Path) -> None:
    process = GatewayProcess(tmp_path / "data")
    with process:
        links = (await process.new_session())["links"]
        async with Page(process.socket_url, links["a"], DEVICES[Speaker.A]) as page:
            await page.pong()
            began = time.monotonic()
            await asyncio.to_thread(process.stop)
            assert time.monotonic() - began < 6
            assert await page.closed() == 1012
    said = process.log()
    assert "Traceback" not in said
    assert "stopped" in said
    for token in links.values():
        assert token not in said
    with process:
        async with Page(process.socket_url, links["a"], DEVICES[Speaker.A]) as page:
            await page.pong()
        async with Page(process.socket_url, links["a"], "another device") as stranger:
            await stranger.refusal("link_in_use")
