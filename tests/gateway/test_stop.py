"""Either partner can stop at any moment, also when everything else stands still."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.gateway.serving import practising, serving, settings_in, until
from tests.streaming.conftest import locked

STORE_S = 4.0  # whoever waited for the store would wait 5 s
STOPS: list[tuple[str, dict[str, Any], str]] = [
    ("pause", {}, "paused"),
    ("time_out", {"minutes": 20, "back_at": "8:40"}, "paused"),
    ("consent", {"practice": False}, "consent"),
    ("end", {}, "ended"),
]


@pytest.mark.parametrize("earlier", ["a", "b"])
@pytest.mark.parametrize(("word", "fields", "phase"), STOPS)
async def test_nothing_is_listened_to_from_the_moment_of_a_stop_though_something_said_earlier_waits_for_the_store(
    tmp_path: Path, word: str, fields: dict[str, Any], phase: str, earlier: str
) -> None:
    async with serving(settings_in(tmp_path)) as served:
        links = await served.links()
        async with practising(served, links) as (a, b):
            session = served.gateway.in_memory(a.session)
            assert session is not None
            analysis = session.practice._analysis
            assert analysis is not None
            with locked(tmp_path):
                await {"a": a, "b": b}[earlier].say("setup", name="Kim")
                await until(session.practice.order.locked)
                assert analysis.on
                await a.say(word, **fields)
                await until(lambda: not analysis.on, within_s=STORE_S)
            if phase == "ended":
                await a.one("ended")
            else:
                await a.room(lambda room: room["phase"] == phase)
            assert not analysis.on


async def test_a_stop_that_is_refused_stops_nothing_for_good(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path)) as served:
        links = await served.links()
        async with practising(served, links) as (a, b):
            session = served.gateway.in_memory(a.session)
            assert session is not None
            analysis = session.practice._analysis
            assert analysis is not None
            await a.say("time_out", minutes=600, back_at="8:40")
            await a.refusal("bad_time_out")
            await b.pong()
            assert analysis.on


async def test_both_know_of_an_observer_before_the_observer_sees_anything_though_the_store_is_away(
    tmp_path: Path,
) -> None:
    async with serving(settings_in(tmp_path)) as served:
        links = await served.links()
        async with practising(served, links, observer=True) as (a, b):
            with locked(tmp_path):
                async with served.page(links["observer"]) as observer:
                    welcome = await observer.one("welcome")
                    assert welcome["room"]["observers"] == 1
                    assert welcome["lines"]
                    for page in (a, b):
                        await page.pong()
                        assert any(m["type"] == "room" and m["room"]["observers"] == 1 for m in page.got)
