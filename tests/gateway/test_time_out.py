"""A pause with a time to be back: seen by both, kept over reloads and restarts, and waited for."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coach.wording import SOOTHING
from gateway.settings import GatewaySettings
from streaming.wire import samples
from tests.coach.streams import A, B, greetings, interruption
from tests.gateway.serving import Served, practising, serving, settings_in

MINUTE_S = 60.0


async def kinds(served: Served, links: dict[str, str]) -> list[str]:
    return [line["kind"] for line in await served.timeline(links["a"])]


def resting(room: dict[str, Any]) -> bool:
    return room["phase"] == "paused" and room["time_out"] is not None


@pytest.mark.parametrize("who", [0, 1])
async def test_either_partner_takes_a_time_out_and_both_see_the_same_return(served: Served, who: int) -> None:
    links = await served.links()
    async with practising(served, links) as pages:
        await pages[who].say("time_out", minutes=22, back_at="8:40")
        seen = [(await page.room(resting))["time_out"] for page in pages]
        assert seen[0] == seen[1]
        assert (seen[0]["minutes"], seen[0]["back_at"]) == (22, "8:40")
        assert 22 * MINUTE_S - 5 < seen[0]["left_s"] <= 22 * MINUTE_S
        assert seen[0]["task"] in SOOTHING
        assert set(seen[0]) == {"minutes", "back_at", "left_s", "task"}, "nobody is named"
        for page in pages:
            cue = (await page.one("cue"))["line"]
            assert (cue["level"], cue["text"], cue["ttl_s"]) == (4, "Pause. Back at 8:40.", 22 * MINUTE_S)
        await pages[1 - who].say("resume")
        await pages[1 - who].pong()
        for page in pages:
            await page.pong()
            back = [m["room"] for m in page.got if m["type"] == "room"][-1]
            assert (back["phase"], back["time_out"]) == ("practising", None)
    told = await kinds(served, links)
    assert told[told.index("neutral") + 1 :][:2] == ["time_out", "paused"]
    assert told.index("cue") < told.index("resumed")


async def test_the_first_time_to_be_back_stands_and_a_plain_pause_may_become_a_time_out(served: Served) -> None:
    links = await served.links()
    async with practising(served, links) as (a, b):
        await a.say("pause")
        await b.room(lambda room: room["phase"] == "paused" and room["time_out"] is None)
        await b.say("time_out", minutes=20, back_at="8:40")
        await b.room(resting)
        await a.say("time_out", minutes=60, back_at="9:20")
        await a.pong()
        assert {m["room"]["time_out"]["back_at"] for m in a.got if m["type"] == "room" and m["room"]["time_out"]} == {
            "8:40"
        }
    assert (await kinds(served, links)).count("time_out") == 1


@pytest.mark.parametrize(
    ("fields", "code", "says"),
    [
        ({"minutes": 19, "back_at": "8:40"}, "bad_time_out", "from 20 to 60 minutes, not 19; nearest is 20"),
        ({"minutes": 61, "back_at": "8:40"}, "bad_time_out", "nearest is 60"),
        ({"minutes": -(10**30), "back_at": "8:40"}, "bad_time_out", "nearest is 20"),
        ({"minutes": 20, "back_at": "<b>soon</b>"}, "bad_time_out", "such as 8:40"),
        ({"minutes": 20, "back_at": "25:61"}, "bad_time_out", "such as 8:40"),
        ({"minutes": 20, "back_at": "8" * 10_000}, "bad_message", "back_at"),
        ({"minutes": "soon", "back_at": "8:40"}, "bad_message", "minutes"),
        ({"minutes": 20}, "bad_message", "back_at"),
    ],
)
async def test_a_time_out_that_cannot_be_is_told_with_a_way_out_and_changes_nothing(
    served: Served, fields: dict[str, Any], code: str, says: str
) -> None:
    async with practising(served, await served.links()) as (a, b):
        await a.say("time_out", **fields)
        refused = await a.refusal(code)
        assert says in refused["message"]
        assert refused["way_out"]
        assert not refused["fatal"]
        await b.pong()
        assert not any(resting(m["room"]) for m in b.got if m["type"] == "room")
        await a.say("time_out", minutes=20, back_at="8:40")
        await b.room(resting)


async def test_before_a_practice_there_is_nothing_to_take_a_time_out_from(served: Served) -> None:
    async with served.page((await served.links())["a"]) as a:
        await a.say("time_out", minutes=20, back_at="8:40")
        await a.refusal("not_now")


async def test_a_time_out_outlasts_a_reload_and_a_new_gateway(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path)) as served:
        links = await served.links()
        async with practising(served, links) as (a, b):
            await a.say("time_out", minutes=30, back_at="20:40")
            before = (await b.room(resting))["time_out"]
        async with served.page(links["b"], "device of b") as again:
            assert (await again.room(resting))["time_out"]["back_at"] == "20:40"
    async with serving(settings_in(tmp_path)) as served, served.page(links["a"], "device of a") as a:
        after = (await a.room(resting))["time_out"]
        assert {**after, "left_s": 0} == {**before, "left_s": 0}
        assert 0 < before["left_s"] - after["left_s"] < 60
        await a.say("resume")
        await a.room(lambda room: room["phase"] == "practising" and room["time_out"] is None)


async def test_nobody_has_to_stay_at_the_screen_during_a_time_out(tmp_path: Path) -> None:
    """Both devices may sleep for the whole of it; only well after the return the practice is over."""
    late_s = 0.0
    async with serving(GatewaySettings(data=tmp_path, idle_s=0.2)) as served:
        gateway = served.gateway
        gateway._services = replace(gateway._services, unix_now=lambda: time.time() + late_s)
        async with practising(served, await served.links()) as (a, _):
            live = gateway.in_memory(a.session)
            assert live is not None
            await a.say("time_out", minutes=20, back_at="8:40")
            await a.room(resting)
        async with asyncio.timeout(10):
            while time.monotonic() - live.practice.partners_left_s < 0.3 or not live.room.empty:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.05)
        await gateway.sweep()
        assert not live.room.ended
        late_s = 20 * MINUTE_S + 1.0
        await gateway.sweep()
        assert live.room.ended


async def test_a_coach_that_has_fallen_silent_says_so_and_speaks_again_when_asked(served: Served) -> None:
    links = await served.links()
    async with practising(served, links) as (a, b):
        live = served.gateway.in_memory(a.session)
        assert live is not None
        analyst = served.analysts._analysts[a.session]
        assert not live.practice.view().cues_silent
        # an interruption every seven seconds, whatever the coach says
        lines = [*greetings(), *[interruption(A if i % 2 else B, 130.0 + 7.0 * i) for i in range(100)]]
        for line in lines:
            await analyst.annotated([line], line.decided)
        await analyst.annotated([], samples(900.0))
        for page in (a, b):
            await page.room(lambda room: room["cues_silent"])
        await b.say("cues_wanted")
        await b.pong()
        for page in (a, b):
            await page.pong()
            assert [m["room"]["cues_silent"] for m in page.got if m["type"] == "room"][-1] is False
        assert not live.practice.view().cues_silent
        await b.say("cues_wanted")  # nothing to ask for
        await b.pong()
    assert (await kinds(served, links)).count("cues_wanted") == 1
