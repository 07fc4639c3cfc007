"""The same two practise again: each from their own link, with what was learnt while both want it kept."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest

from coach.policy import Coach
from detectors.pipeline import Pipeline
from gateway.practice.kept import Kept
from gateway.practice.learnt import Learnt, beginning, learnt_by
from streaming.types import Speaker
from tests.coach.streams import A, B, hear, in_order, interruption, speech
from tests.gateway.serving import DEVICES, Page, Served, bearer, practising

NEXT = {"a": "next device of a", "b": "next device of b"}


def talked() -> Coach:
    """A coach that has heard three minutes of a couple who overlap about twice a minute."""
    lines = [line for i in range(18) for line in speech(A if i % 2 else B, 10.0 * i + 1.0, 10.0 * i + 10.0)]
    lines += [interruption(A, 30.0 * i + 5.0) for i in range(6)]
    coach = Coach("s")
    hear(coach, in_order(lines), 185.0)
    return coach


async def a_practice(served: Served, links: dict[str, str], carry: tuple[bool, bool]) -> str:
    """A practice that taught something; each says whether that may be kept."""
    async with practising(served, links) as (a, b):
        for page, yes in zip((a, b), carry, strict=True):
            await page.say("carry", yes=yes)
            await page.pong()
        payload = Kept(0, talked().save(), Pipeline(a.session).save()).packed()
        await served.gateway.timeline.save_snapshot(a.session, 10**9, payload)
        await a.say("end")
        await b.one("ended")
        return a.session


async def again(served: Served, token: str, device: str) -> httpx.Response:
    return await served.http.post("/api/again", headers=bearer(token), json={"device": device})


async def forget(served: Served, token: str, device: str) -> httpx.Response:
    return await served.http.post("/api/forget", headers=bearer(token), json={"device": device})


def newest(page: Page) -> Any:
    return [m["room"] for m in page.got if m["type"] in ("welcome", "room")][-1]


@pytest.mark.parametrize(("carry", "kept"), [((True, True), True), ((True, False), False), ((False, False), False)])
async def test_what_was_learnt_is_kept_only_where_both_want_it(
    served: Served, carry: tuple[bool, bool], kept: bool
) -> None:
    session = await a_practice(served, await served.links(), carry)
    record = await served.gateway.registry.load(session)
    assert (record.learnt is not None, record.room.learnt) == (kept, kept)
    if record.learnt:
        assert record.learnt.habit_per_min == pytest.approx(talked().habit_per_min())


async def test_both_come_back_from_their_own_links_and_the_coach_knows_them(served: Served) -> None:
    made = await served.http.post("/api/sessions", json={"card": "say-it-back", "anchor": "after the tea"})
    links = made.json()["links"]
    first = await a_practice(served, links, (True, True))
    opened = await again(served, links["b"], DEVICES["b"])
    assert opened.status_code == 201
    assert set(opened.json()["links"]) == {"a", "b", "observer", "report"}
    came = (await again(served, links["a"], DEVICES["a"])).json()
    assert (came["session"], set(came["links"])) == (opened.json()["session"], {"a"}), "only what is theirs"
    assert (await served.gateway.registry.load(first)).learnt is None, "it moved on, and is kept once"
    stale = await served.http.get("/api/link", headers=bearer(opened.json()["links"]["a"]))
    assert stale.json()["code"] == "unknown_link", "one link a seat"
    both = {"a": came["links"]["a"], "b": opened.json()["links"]["b"]}
    async with practising(served, both, NEXT) as (a, _):
        room = newest(a)
        assert (room["learnt"], room["neutral_s"], room["card"]["anchor"]) == (True, 0.0, "after the tea")
        assert [room["partners"][who]["carry"] for who in "ab"] == [True, True]
        live = served.gateway.in_memory(a.session)
        assert live is not None
        assert live.practice._analysis is not None
        coach: Coach = live.practice._analysis.analyst.coach  # type: ignore[attr-defined]
        assert coach.habit_per_min() == pytest.approx(talked().habit_per_min())
        taken = await again(served, links["a"], DEVICES["a"])
        assert taken.json()["code"] == "link_in_use"


async def test_a_no_in_the_next_practice_erases_what_was_kept(served: Served, tmp_path: Path) -> None:
    links = await served.links()
    await a_practice(served, links, (True, True))
    both = (await again(served, links["a"], DEVICES["a"])).json()["links"]
    async with served.page(both["b"], NEXT["b"]) as b:
        assert newest(b)["learnt"]
        await b.say("carry", yes=False)
        await b.pong()
        assert not newest(b)["learnt"]
        assert newest(b)["neutral_s"] == 60.0
        assert (await served.gateway.registry.load(b.session)).learnt is None
    assert b"habit_per_min" not in await asyncio.to_thread(_stored, tmp_path)


async def test_after_the_end_either_may_have_it_forgotten_wherever_it_is_by_then(
    served: Served, tmp_path: Path
) -> None:
    links = await served.links()
    await a_practice(served, links, (True, True))
    assert (await forget(served, links["a"], "another device")).json()["code"] == "link_in_use"
    assert (await forget(served, links["observer"], DEVICES["a"])).json()["code"] == "not_a_partner"
    assert b"habit_per_min" in await asyncio.to_thread(_stored, tmp_path)
    both = (await again(served, links["a"], DEVICES["a"])).json()["links"]
    async with served.page(both["a"], NEXT["a"]) as a:
        assert newest(a)["learnt"]
        assert (await forget(served, links["b"], DEVICES["b"])).json() == {"learnt": False}
        await a.pong()
        assert not newest(a)["learnt"], "the old link reaches what has moved on"
    assert b"habit_per_min" not in await asyncio.to_thread(_stored, tmp_path)


async def test_only_the_two_can_open_the_next_practice_and_only_after_the_end(served: Served) -> None:
    links = await served.links()
    async with practising(served, links):
        assert (await again(served, links["a"], DEVICES["a"])).json()["code"] == "not_now"
    await a_practice(served, links, (False, False))
    assert (await again(served, links["a"], "another device")).json()["code"] == "link_in_use"
    for role in ("observer", "report"):
        assert (await again(served, links[role], DEVICES["a"])).json()["code"] == "not_a_partner"
    bad = await served.http.post("/api/again", headers=bearer(links["a"]), content=b"{}")
    assert bad.json()["code"] == "bad_request"


async def test_both_at_once_open_one_practice(served: Served) -> None:
    links = await served.links()
    await a_practice(served, links, (False, False))
    answers = await asyncio.gather(*(again(served, links[who], DEVICES[who]) for who in "ab"))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["session"] for answer in answers}) == 1


async def test_the_first_minute_asks_for_easy_talk_and_either_may_cut_it_short(served: Served) -> None:
    links = await served.links()
    async with practising(served, links) as (a, b):
        assert newest(a)["neutral_s"] == 60.0
        await b.say("begin_now")
        await b.pong()
        await a.pong()
        assert newest(a)["neutral_s"] == newest(b)["neutral_s"] == 0.0
        await a.say("begin_now")  # nothing is left to cut short
        await a.say("end")
        await b.one("ended")
    kinds = [line["kind"] for line in await served.timeline(links["report"])]
    assert (kinds.count("neutral"), kinds.count("neutral_over")) == (1, 1)


def test_a_short_talk_takes_nothing_away_from_what_was_known() -> None:
    known = Learnt({Speaker.A: {"v": 1}}, 2.0)
    assert Learnt({Speaker.B: {"v": 1}}, None).over(known) == Learnt({Speaker.A: {"v": 1}, Speaker.B: {"v": 1}}, 2.0)
    assert learnt_by(Pipeline("s"), Coach("s")) is None


def test_baselines_that_are_none_leave_detectors_that_begin_afresh() -> None:
    damaged = Learnt({Speaker.A: {"v": 1, "points": "many"}}, 2.0)
    pipeline, coach = beginning("s", Coach("s").settings, damaged)
    assert pipeline.baselines() == {}
    assert coach.habit_per_min() == 2.0


def _stored(data: Path) -> bytes:
    """Every session's payload, as it lies on disk."""
    (file,) = data.glob("*.sqlite3")
    with sqlite3.connect(file) as store:
        return b"".join(row[0] for row in store.execute("select payload from sessions"))
