"""The demo: a real session that begins when somebody watches, ends by itself, and is bounded in number."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from gateway.demo import Demos, DemoSettings
from gateway.practice.registry import NewSession
from streaming.errors import Refused
from tests.gateway.serving import PATIENCE_S, Page, Served, serving, settings_in, until

pytestmark = pytest.mark.alone

LONG_S = 30.0


@pytest_asyncio.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(settings_in(tmp_path / "data")) as running:
        yield running


@asynccontextmanager
async def demos(gateway: Served, settings: DemoSettings) -> AsyncIterator[Demos]:
    running = Demos(lambda: gateway.gateway.create(demo=True), lambda: gateway.socket_url, settings)
    try:
        yield running
    finally:
        await running.close()
        assert running.running == 0


def dialogue(folder: Path, length_s: float) -> Path:
    """Both channels hum; what matters here is how long."""
    path = folder / f"{length_s}.wav"
    tone = np.sin(np.arange(round(length_s * 16_000)) * 0.1) * 8000
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(np.stack([tone, tone], axis=1).astype("<i2").tobytes())
    return path


async def phase(page: Page, wanted: str) -> None:
    await page.room(lambda room: room["phase"] == wanted)


async def report_duration_s(gateway: Served, links: NewSession) -> float:
    answer = await gateway.http.get("/api/report", headers={"Authorization": f"Bearer {links.tokens['report']}"})
    assert answer.status_code == 200, answer.text
    return float(answer.json()["duration_s"])


async def test_it_begins_once_somebody_watches_and_ends_with_a_report(gateway: Served, tmp_path: Path) -> None:
    settings = DemoSettings(dialogue=dialogue(tmp_path, 1.0), wait_for_watcher_s=LONG_S, after_last_word_s=0.2)
    async with demos(gateway, settings) as running:
        links = await running.start()
        async with gateway.page(links.tokens["observer"]) as page:
            await phase(page, "practising")
            ended = await page.one("ended")
            assert ended["report"] == links.tokens["report"]
        assert 1.0 < await report_duration_s(gateway, links) < 10


async def test_it_begins_alone_after_a_while_and_ends_when_nobody_comes(gateway: Served, tmp_path: Path) -> None:
    settings = DemoSettings(dialogue=dialogue(tmp_path, LONG_S), wait_for_watcher_s=0.2, unwatched_s=0.5)
    async with demos(gateway, settings) as running, asyncio.timeout(PATIENCE_S):
        links = await running.start()
        await until(lambda: running.running == 0)
        assert await report_duration_s(gateway, links) < LONG_S


async def test_a_watcher_who_reloads_the_page_does_not_end_it(gateway: Served, tmp_path: Path) -> None:
    settings = DemoSettings(dialogue=dialogue(tmp_path, 3.0), wait_for_watcher_s=LONG_S, unwatched_s=2.0)
    async with demos(gateway, settings) as running:
        links = await running.start()
        async with gateway.page(links.tokens["observer"]) as page:
            await phase(page, "practising")
        async with gateway.page(links.tokens["observer"]) as page:
            await page.one("ended")
        assert await report_duration_s(gateway, links) > 3.0


async def test_beyond_the_bound_a_demo_is_refused_until_one_has_ended(gateway: Served, tmp_path: Path) -> None:
    settings = DemoSettings(dialogue=dialogue(tmp_path, 0.5), at_once=1, wait_for_watcher_s=0.1, after_last_word_s=0.1)
    async with demos(gateway, settings) as running, asyncio.timeout(PATIENCE_S):
        await running.start()
        with pytest.raises(Refused, match="taken") as refusal:
            await running.start()
        assert refusal.value.code == "no_demo"
        await until(lambda: running.running == 0)
        await running.start()


async def test_closing_lets_go_of_a_demo_in_the_middle(gateway: Served, tmp_path: Path) -> None:
    settings = DemoSettings(dialogue=dialogue(tmp_path, LONG_S), wait_for_watcher_s=LONG_S)
    async with demos(gateway, settings) as running:
        links = await running.start()
        async with gateway.page(links.tokens["observer"]) as page, asyncio.timeout(PATIENCE_S):
            await phase(page, "practising")
            await running.close()
            await page.room(lambda room: not room["partners"]["a"]["present"] and not room["partners"]["b"]["present"])
