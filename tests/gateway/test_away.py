"""A gateway that was off for a while, or whose machine woke up with another time of day."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from redis import Redis

from benchmarks.servers import Server
from streaming.engine import sqlite_url
from tests.gateway.serving import Served, bearer, practising, serving, settings_in
from tests.streaming.conftest import redis_url

DEVICES = {"a": "device of a", "b": "device of b"}


async def practised(served: Served) -> tuple[dict[str, str], float]:
    """The links of a practice that runs still, and the session time at which both pages were cut off."""
    links = await served.links()
    async with practising(served, links) as (a, _):
        return links, float((await a.pong())["now_s"])


def began_earlier(data: Path, by_s: float) -> None:
    """As if the machine's clock had gone on by that much meanwhile; below 0: been set back."""
    with sqlite3.connect(data / "breathmark.sqlite3") as store:
        store.execute("UPDATE sessions SET began_unix = began_unix - ?", (by_s,))
    store.close()


async def test_after_a_night_without_a_gateway_the_practice_is_over_and_leads_to_its_report(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path)) as served:
        links, _ = await practised(served)
    began_earlier(tmp_path, 9 * 3600.0)
    async with serving(settings_in(tmp_path)) as served:
        async with served.page(links["a"], DEVICES["a"]) as page:
            assert (await page.one("ended"))["report"] == links["report"]
        report = await served.http.get("/api/report", headers={"Authorization": f"Bearer {links['report']}"})
    assert report.json()["duration_s"] < 60


@pytest.mark.parametrize("away_s", [120.0, -3600.0])
async def test_after_a_short_absence_session_time_goes_on_whatever_the_clock_on_the_wall_says(
    tmp_path: Path, away_s: float
) -> None:
    async with serving(settings_in(tmp_path)) as served:
        links, left_s = await practised(served)
    began_earlier(tmp_path, away_s)
    async with serving(settings_in(tmp_path)) as served, served.page(links["a"], DEVICES["a"]) as page:
        assert page.got[0]["room"]["phase"] == "practising"
        now_s = (await page.pong())["now_s"]
    assert max(0.0, away_s) <= now_s - left_s + 2.1 < max(0.0, away_s) + 30  # of the last 2 s nothing may be known


@pytest.mark.parametrize(("away_s", "phase"), [(0.0, "practising"), (50 * 3600.0, "ended")])
async def test_the_same_where_workers_analyse_it(redis: Server, tmp_path: Path, away_s: float, phase: str) -> None:
    with Redis(port=redis.port) as bus:
        bus.flushall()
        settings = settings_in(tmp_path, bus_url=redis_url(redis), store_url=sqlite_url(tmp_path))
        async with serving(settings) as served:
            links, left_s = await practised(served)
        if away_s:
            began_earlier(tmp_path, away_s)
            bus.flushall()  # it forgets within the hour what nobody adds to
        async with serving(settings) as served, served.page(links["a"], DEVICES["a"]) as page:
            assert page.got[0]["room"]["phase"] == phase
            if phase == "practising":
                assert (await page.pong())["now_s"] > left_s


async def test_an_answer_belongs_to_the_end_of_the_practice_though_the_clock_on_the_wall_was_set(
    tmp_path: Path,
) -> None:
    async with serving(settings_in(tmp_path)) as served:
        links = (await served.http.post("/api/sessions", json={"card": "say-it-back"})).json()["links"]
        async with practising(served, links, DEVICES) as (a, b):
            await a.say("end")
            await b.one("ended")
    began_earlier(tmp_path, 3600.0)
    async with serving(settings_in(tmp_path)) as served:
        headers = bearer(links["a"]) | {"breathmark-device": DEVICES["a"]}
        answer = await served.http.post("/api/practised", headers=headers, json={"act": "finish"})
        assert answer.status_code == 201, answer.text
        lines = await served.timeline(links["a"])
    (ended,) = [line for line in lines if line["kind"] == "ended"]
    assert lines[-1]["start_s"] == ended["start_s"]
