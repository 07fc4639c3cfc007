"""What the couple chose to practise, from the start page to the report and the calendar."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from coach.adherence import answers_of
from coach.cards import LIBRARY, card_named
from coach.practice import for_card
from coach.settings import PRESETS, CoachSettings
from tests.gateway.serving import Served, bearer, practising, serving, settings_in

CARD = "say-it-back"
OWN = {"skill": "hand the spoon over.", "anchor": "after the tea", "minutes": 5}
ANCHOR = "after the tea & the “9 o’clock” news"


async def started(served: Served, body: dict[str, Any]) -> dict[str, str]:
    answer = await served.http.post("/api/sessions", json=body)
    assert answer.status_code == 201, answer.text
    links: dict[str, str] = answer.json()["links"]
    return links


async def practised(served: Served, links: dict[str, str]) -> None:
    async with practising(served, links) as (a, b):
        await a.say("end")
        await b.one("ended")


async def report(served: Served, links: dict[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = (await served.http.get("/api/report", headers=bearer(links["report"]))).json()["practised"]
    return told


async def say(served: Served, links: dict[str, str], role: str, act: str) -> httpx.Response:
    headers = bearer(links[role]) | {"breathmark-device": f"device of {role}"}
    return await served.http.post("/api/practised", headers=headers, json={"act": act})


async def test_the_library_is_there_before_any_practice(served: Served) -> None:
    cards = (await served.http.get("/api/cards")).json()["cards"]
    assert [card["id"] for card in cards] == [card.id for card in LIBRARY]
    for card in cards:
        assert card["minutes"] <= 10
        assert card["fallback_minutes"] <= 3
        assert card["anchor"]


async def test_both_see_the_card_with_their_own_habit_and_the_report_tells_of_it(served: Served) -> None:
    links = await started(served, {"card": CARD, "anchor": f"  {ANCHOR} "})
    async with served.page(links["b"]) as b:
        shown = (await b.one("welcome"))["room"]["card"]
    assert (shown["id"], shown["anchor"], shown["turns"]) == (CARD, ANCHOR, 4)
    assert "profile" not in shown
    links = await started(served, {"card": CARD, "anchor": ANCHOR})
    await practised(served, links)
    told = await report(served, links)
    assert (told["card"], told["anchor"], told["planned_s"]) == ("Say it back, then answer", ANCHOR, 600.0)
    assert told["answers"] == []


async def test_a_card_of_their_own_goes_all_the_way_and_on_to_their_next_practice(served: Served) -> None:
    links = await started(served, {"own": OWN})
    async with served.page(links["b"]) as b:
        shown = (await b.one("welcome"))["room"]["card"]
    assert (shown["skill"], shown["anchor"], shown["minutes"], shown["own"]) == (
        "hand the spoon over",
        "after the tea",
        5,
        True,
    )
    links = await started(served, {"own": OWN})
    await practised(served, links)
    await say(served, links, "a", "bend")
    told = await report(served, links)
    assert (told["card"], told["anchor"], told["planned_s"]) == ("Hand the spoon over", "after the tea", 300.0)
    assert told["answers"] == [{"by": "a", "act": "bend"}]
    day = {"date": "2026-12-01", "time": "19:30"}
    calendar = await served.http.get("/api/reminder", headers=bearer(links["a"]), params=day)
    assert "SUMMARY:Hand the spoon over" in calendar.text
    again = await served.http.post("/api/again", headers=bearer(links["a"]), json={"device": "device of a"})
    async with served.page(again.json()["links"]["a"], "device of a") as a:
        assert (await a.one("welcome"))["room"]["card"] == shown


@pytest.mark.parametrize("body", [None, {}, {"card": None, "anchor": "x" * 10_000}])
async def test_without_a_card_they_just_talk(served: Served, body: dict[str, Any] | None) -> None:
    answer = await served.http.post("/api/sessions", content=b"" if body is None else json.dumps(body))
    links = answer.json()["links"]
    await practised(served, links)
    assert (await report(served, links))["card"] is None
    assert (await say(served, links, "a", "finish")).json()["code"] == "no_card"
    assert (await served.http.get("/api/reminder", headers=bearer(links["a"]))).json()["code"] == "no_card"


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ({"card": "no-such-card"}, "bad_card", "no-such-card"),
        ({"card": "x" * 10_000}, "bad_card", "no card called"),
        ({"card": 7}, "bad_request", "card"),
        ({"card": CARD, "anchor": "after <b>dinner</b>"}, "bad_anchor", "plain words"),
        ({"card": CARD, "anchor": "after\ndinner"}, "bad_anchor", "one line"),
        ({"card": CARD, "anchor": "after " + "x" * 10_240}, "bad_anchor", "10246 characters; 80 at most"),
        ({"card": CARD, "anchor": "sometime"}, "bad_anchor", "after the dinner clean-up"),
        ({"card": CARD, "anchor": "dinner"}, "bad_anchor", "no moment that comes by itself"),
        ({"card": CARD, "anchor": "x" * 100_000}, "too_large", "64 KiB"),
        ([CARD], "bad_request", "the body"),
        ({"own": OWN | {"skill": "communicate better"}}, "bad_skill", "“communicate” can't be seen or counted"),
        ({"own": OWN | {"skill": " "}}, "bad_skill", "What you’ll do is still open; name one act"),
        ({"own": OWN | {"skill": "say " * 13}}, "bad_skill", "over 12 words"),
        ({"own": OWN | {"skill": "<b>sing</b>"}}, "bad_skill", "plain words"),
        ({"own": OWN | {"skill": "\u200b\u2060"}}, "bad_skill", "plain words"),  # nobody would see anything
        ({"own": OWN | {"skill": "\u3164"}}, "bad_skill", "plain words"),
        ({"own": OWN | {"skill": "hand \u202erevo"}}, "bad_skill", "plain words"),
        ({"own": OWN | {"anchor": ""}}, "bad_anchor", "When is still open; tie it to a habit"),
        ({"own": OWN | {"anchor": "x" * 81}}, "bad_anchor", "81 characters; 80 at most"),
        ({"own": OWN | {"minutes": 45}}, "bad_card", "nearest valid value is 10"),
        ({"own": {"skill": "sing"}}, "bad_request", "own.anchor"),
    ],
)
async def test_a_choice_that_cannot_be_is_told_in_one_line_with_a_way_out(
    served: Served, body: Any, code: str, says: str
) -> None:
    answer = await served.http.post("/api/sessions", json=body)
    told = answer.json()
    assert (answer.status_code >= 400, told["code"]) == (True, code)
    assert says in told["message"]
    assert told["way_out"]
    assert "\n" not in told["message"]
    assert len(told["message"]) < 200


async def test_one_tap_each_says_how_it_went_and_the_newest_counts(served: Served) -> None:
    links = await started(served, {"card": CARD})
    assert (await say(served, links, "a", "finish")).json()["code"] == "not_now"
    await practised(served, links)
    first = await say(served, links, "a", "bend")
    assert (first.status_code, first.json()) == (
        201,
        {"said": "Half counts. What you did is what works for you."},
    )
    for _ in range(2):
        assert (await say(served, links, "b", "avoid")).status_code == 201
    await say(served, links, "a", "finish")
    told = await report(served, links)
    assert told["answers"] == [{"by": "a", "act": "finish"}, {"by": "b", "act": "avoid"}]
    answer = await served.http.get("/api/timeline", headers=bearer(links["report"]))
    kinds = [json.loads(line)["kind"] for line in answer.text.splitlines()]
    assert [kind for kind in kinds if kind.startswith("practice_")] == [
        "practice_start",
        "practice_bend",
        "practice_avoid",
        "practice_finish",
    ]


async def test_answers_that_nobody_taps_so_fast_fill_no_disk(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path, answers_per_minute=4)) as served:
        links = await started(served, {"card": CARD})
        answers = [await say(served, links, role, act) for act in ("defer", "avoid") * 3 for role in "ab"]
        assert [answer.status_code for answer in answers] == [201] * 8 + [429] * 4
        assert answers[-1].json()["code"] == "too_fast"


@pytest.mark.parametrize("act", ["defer", "avoid"])
async def test_a_card_is_put_off_or_aside_without_beginning_it(served: Served, act: str) -> None:
    links = await started(served, {"card": CARD})
    assert (await say(served, links, "a", act)).status_code == 201
    assert (await say(served, links, "a", "bend")).json()["code"] == "not_now"
    async with served.page(links["a"], "device of a") as a:
        lines = [stored.line for stored in await served.gateway.timeline.read(a.session)]
    assert answers_of(lines, "a") == [act]


@pytest.mark.parametrize(
    ("role", "body", "code"),
    [
        ("a", '{"act": "start"}', "bad_answer"),
        ("a", '{"act": "' + "x" * 10_000 + '"}', "bad_answer"),
        ("a", "{}", "bad_request"),
        ("a", "not json", "bad_request"),
        ("observer", '{"act": "finish"}', "not_a_partner"),
        ("report", '{"act": "finish"}', "not_a_partner"),
    ],
)
async def test_an_answer_that_is_none_is_told_with_a_way_out(served: Served, role: str, body: str, code: str) -> None:
    links = await started(served, {"card": CARD})
    await practised(served, links)
    headers = bearer(links[role]) | {"breathmark-device": f"device of {role}"}
    answer = await served.http.post("/api/practised", headers=headers, content=body)
    assert answer.json()["code"] == code
    assert answer.json()["way_out"]
    assert len(answer.json()["message"]) < 200
    assert (await report(served, links))["answers"] == []


async def test_nobody_answers_for_the_other_with_the_link_that_they_sent_them(served: Served) -> None:
    links = await started(served, {"card": CARD})
    await practised(served, links)
    for headers, code in (({"breathmark-device": "device of a"}, "link_in_use"), ({}, "bad_request")):
        answer = await served.http.post("/api/practised", headers=bearer(links["b"]) | headers, json={"act": "avoid"})
        assert (answer.json()["code"], bool(answer.json()["way_out"])) == (code, True)
    assert (await report(served, links))["answers"] == []


async def test_a_reminder_is_a_calendar_file_on_the_couple_s_own_habit(served: Served) -> None:
    links = await started(served, {"card": CARD, "anchor": "after the dinner clean-up, on Wednesday"})
    when = {"date": "2026-11-25", "time": "19:30"}
    answer = await served.http.get("/api/reminder", headers=bearer(links["a"]), params=when)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert "say-it-back.ics" in answer.headers["content-disposition"]
    unfolded = answer.text.replace("\r\n ", "")
    assert "DTSTART:20261125T193000\r\n" in unfolded
    assert "after the dinner clean-up\\, on Wednesday" in unfolded
    for wrong in ({}, {**when, "date": "2026-02-30"}, {**when, "time": "x" * 5_000}):
        refused = await served.http.get("/api/reminder", headers=bearer(links["a"]), params=wrong)
        assert (refused.status_code, refused.json()["code"]) == (400, "bad_reminder")
        assert refused.json()["way_out"]
        assert len(refused.json()["message"]) < 200
    watching = await served.http.get("/api/reminder", headers=bearer(links["observer"]), params=when)
    assert watching.json()["code"] == "not_a_partner"


@pytest.mark.parametrize("card", [None, "three-breaths", CARD])
async def test_a_practice_has_the_gateway_s_policy_with_the_card_s_emphasis_and_keeps_it_over_a_restart(
    tmp_path: Path, card: str | None
) -> None:
    gentle = PRESETS["gentle"]
    chosen = card_named(card) if card else None
    wanted: CoachSettings = for_card(chosen, gentle) if chosen else gentle
    assert (wanted == gentle) is (card is None)
    async with serving(settings_in(tmp_path, coach=gentle)) as served:
        links = await started(served, {"card": card})
        async with practising(served, links) as (a, _):
            assert _policy(served, a.session) == wanted
            session = a.session
    async with serving(settings_in(tmp_path, coach=gentle)) as served:
        assert _policy(served, session) == wanted


def _policy(served: Served, session: str) -> CoachSettings:
    return served.analysts._analysts[session].coach.settings
