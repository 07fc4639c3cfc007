"""A gateway that was off for a while, or whose machine woke up with another time of day."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.gateway.serving import Served, serving, settings_in

DEVICES = {"a": "device of a", "b": "device of b"}


async def practised(served: Served) -> tuple[dict[str, str], float]:
    """The links of a practice that runs still, and the session time at which both pages were cut off."""
    links = await served.links()
    async with served.page(links["a"], DEVICES["a"]) as a, served.page(links["b"], DEVICES["b"]) as b:
        for page in (a, b):
            await page.say("consent", practice=True)
        for page in (a, b):
            await page.room(lambda room: room["phase"] == "practising")
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
