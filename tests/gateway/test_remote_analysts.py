"""A gateway whose detectors are elsewhere: lines reach the screens, an absent bus or worker is told calmly."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from benchmarks.servers import Server
from gateway.demo import DIALOGUE
from gateway.simulated import SimulatedPartner, speak_together
from streaming.audio import read_partners
from streaming.backbone import Backbone
from streaming.timeline import Timeline
from streaming.types import OVERLAP_KINDS, SAMPLE_RATE_HZ, Speaker
from streaming.wire import dumps
from tests.gateway.serving import QUARREL_FROM_S, Page, Served, serving, settings_in
from tests.gateway.test_workers import working
from tests.streaming.conftest import redis_url


@asynccontextmanager
async def practising(served: Served) -> AsyncIterator[tuple[SimulatedPartner, SimulatedPartner, Page]]:
    """Both partners with their voices, and an observer; both agreed to all."""
    links = await served.links()
    audio = read_partners([DIALOGUE])
    async with AsyncExitStack() as stack:
        watching = await stack.enter_async_context(served.page(links["observer"]))
        couple = []
        for speaker in Speaker:
            own = audio[speaker][int(QUARREL_FROM_S * SAMPLE_RATE_HZ) :]
            partner = SimulatedPartner(served.socket_url, links[speaker.value], own, rate_hz=SAMPLE_RATE_HZ)
            couple.append(await stack.enter_async_context(partner))
            await partner.connect_media()
            await partner.consent()
        yield couple[0], couple[1], watching


def starts_s(page: Page, kind: str) -> list[float]:
    return [line["start_s"] for line in page.lines() if line["kind"] == kind]


async def test_lines_of_a_worker_reach_the_screens_and_an_absent_bus_is_told_calmly_and_goes_by_itself(
    tmp_path: Path, redis: Server, backbone: Backbone, store: str, timeline: Timeline
) -> None:
    settings = settings_in(tmp_path, bus_url=redis_url(redis), store_url=store)
    async with serving(settings) as served, working(backbone, timeline), practising(served) as (a, b, watching):
        began_s = await speak_together([a, b])
        await watching.one("lines", where=lambda m: any(line["kind"] in OVERLAP_KINDS for line in m["lines"]))
        assert min(starts_s(watching, "speech")) >= began_s - 0.1
        redis.pause()
        try:
            await watching.room(lambda room: room["coaching_paused"])
            await a.until(lambda: a.room["coaching_paused"])
            assert a.room["phase"] == "practising", "they go on talking"
        finally:
            redis.go_on()
        back_s = await a.session_time_at() + asyncio.get_running_loop().time()
        await b.until(lambda: not b.room["coaching_paused"])
        await watching.one("lines", where=lambda m: any(line["start_s"] > back_s for line in m["lines"]))
        asked = time.monotonic()
        await a.end()
        assert time.monotonic() - asked < 4, "the worker had its last words"
        lines = watching.lines()
        shown = {(line["id"], line["status"], line["decided_s"]) for line in lines}
        kept = [json.loads(dumps(stored.line)) for stored in await timeline.read(a.session)]
        assert shown <= {(line["id"], line["status"], line["decided_s"]) for line in kept}
        assert len(shown) == len(lines), "nothing is shown twice"
