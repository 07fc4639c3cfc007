"""An observer may send both a few words: seldom, only while both agree and talk, and kept before it is shown."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coach.report import ReportFacts, build_report
from gateway.practice import notes, rooms
from gateway.practice.rooms import Room
from streaming.errors import Refused
from streaming.types import Happening, Speaker
from streaming.wire import loads, samples
from tests.gateway.serving import Page, Served, bearer, practising, serving, settings_in, until

A, B = Speaker.A, Speaker.B


def watched() -> Room:
    room = Room()
    for speaker in Speaker:
        room = rooms.consented(rooms.joined(room, speaker, ""), speaker, practice=True, observer=True)
    assert room.phase == "practising"
    return room


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("  Slow   down together \n", "Slow down together"),
        ("Breathe out, both.", "Breathe out, both."),
        ("C’est bien, à deux", "C’est bien, à deux"),
        ("一息ついて", "一息ついて"),
        ("More... say more", "More... say more"),
        ("Well done \U0001fae8", "Well done \U0001fae8"),  # newer than Python's tables
        ("a" * 40, "a" * 40),
    ],
)
def test_plain_words_are_shown_on_one_line(typed: str, shown: str) -> None:
    assert notes.as_shown(typed) == shown


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("", "no word"),
        (" \n ", "no word"),
        ("…", "no word"),
        ("one two three four five", "5 words; 4 at most"),
        ("a" * 41, "41 characters; 40 at most"),
        ("two\nlines", "plain words only"),
        ("bell\x07", "plain words only"),
        ("turned \u202earound", "plain words only"),
        ("turned \u2067around", "plain words only"),
        ("marked \u200faround", "plain words only"),
        ("\u3164 \u115f", "plain words only"),
        ("see https://a.example", "no address"),
        ("www.a.example", "no address"),
        ("a.example/x", "no address"),
        ("me@somewhere", "no address"),
        ("tel:123", "no address"),
    ],
)
def test_what_is_no_note_is_refused_with_the_one_thing_that_will_not_do(typed: str, told: str) -> None:
    with pytest.raises(Refused, match=told) as refused:
        notes.as_shown(typed)
    assert refused.value.code == "bad_note"


@pytest.mark.parametrize(
    ("room", "code"),
    [
        (rooms.consented(watched(), B, practice=True, observer=False), "not_agreed"),
        (rooms.consented(watched(), A, practice=False, observer=True), "not_now"),
        (rooms.paused(watched(), A), "not_now"),
        (rooms.left(watched(), B), "not_now"),
        (rooms.ended(watched(), A), "not_now"),
        (replace(watched(), began=False, a=replace(watched().a, present=False)), "not_now"),
    ],
    ids=["no yes of one", "no practice", "a pause", "one away", "the end", "before"],
)
def test_a_note_needs_two_who_agree_and_are_talking(room: Room, code: str) -> None:
    notes.check_now(watched(), 0, 0)
    with pytest.raises(Refused) as refused:
        notes.check_now(room, 0, 0)
    assert refused.value.code == code


def test_a_minute_passes_between_two_notes_and_who_comes_too_early_is_told_how_long() -> None:
    def note(at_s: float) -> Happening:
        return Happening(f"{at_s}", "s", "note", samples(at_s), None, {"text": "Well done"})

    free = notes.free_from([note(10.0), note(100.0), note(40.0)], 60.0)
    assert notes.free_from([], 60.0) == 0
    assert free == samples(160.0)
    notes.check_now(watched(), free, free)
    for now_s, left in ((100.5, "60 seconds"), (158.9, "2 seconds"), (159.5, "1 second")):
        with pytest.raises(Refused, match=rf"in {left}\.") as refused:
            notes.check_now(watched(), samples(now_s), free)
        assert refused.value.code == "note_too_soon"


@asynccontextmanager
async def observed(served: Served, links: dict[str, str]) -> AsyncIterator[tuple[Page, Page, Page]]:
    async with served.page(links["observer"]) as eyes, practising(served, links, observer=True) as (a, b):
        await eyes.room(lambda room: room["phase"] == "practising" and room["partners"]["b"]["observer"])
        yield a, b, eyes


def noted(page: Page) -> list[str]:
    return [m["line"]["text"] for m in page.got if m["type"] == "note"]


def seen_by(partner: str) -> Callable[[dict[str, Any]], bool]:
    return lambda message: ("note_painted", partner) in [(x["kind"], x.get("by")) for x in message["lines"]]


async def test_both_and_every_observer_see_it_and_the_timeline_and_the_report_keep_it(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path)) as served:
        links = await served.links()
        async with observed(served, links) as (a, b, eyes), served.page(links["observer"]) as other:
            await eyes.say("note", text=" Slow  down together ")
            shown = [await page.one("note") for page in (a, b, eyes, other)]
            assert all(message == shown[0] for message in shown)
            line = shown[0]["line"]
            assert (line["kind"], line["text"], line.get("by")) == ("note", "Slow down together", None)
            kept = [each for each in await served.timeline(links["a"]) if each["kind"] == "note"]
            assert kept == [line], "it is on disk before it is shown"
            room = await other.room(lambda room: room["note_from_s"] > 0)
            assert room["note_from_s"] == line["start_s"] + 60.0
            for page in (a, b, a):
                await page.say("painted", cue=line["id"], received_ms=10.0, painted_ms=26.0)
            await eyes.one("lines", where=seen_by("a"))
            await eyes.one("lines", where=seen_by("b"))
            await other.say("note", text="And breathe")
            refused = await other.refusal("note_too_soon")
            assert not refused["fatal"]
            assert "59 seconds" in refused["message"] or "60 seconds" in refused["message"]
            await a.say("end")
            await b.one("ended")
            assert [noted(page) for page in (a, b, eyes, other)] == [["Slow down together"]] * 4
        answer = await served.http.get("/api/timeline", headers=bearer(links["report"]))
    told = build_report("s", [loads(text) for text in answer.text.splitlines()], ReportFacts())
    assert [(note.text, note.shown_on) for note in told.notes] == [("Slow down together", (A, B))]
    assert [(m.label, m.text, m.by) for m in told.rail if m.group == "note"] == [
        ("From the observer", "Slow down together", None)
    ]


async def test_nobody_but_an_observer_sends_one_and_only_words_that_fit(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path)) as served, observed(served, await served.links()) as (a, b, eyes):
        await a.say("note", text="Listen to me")
        await a.refusal("not_an_observer")
        await eyes.say("note", text="one two three four five")
        assert "5 words" in (await eyes.refusal("bad_note"))["message"]
        await eyes.say("note", text="x" * 401)
        await eyes.refusal("bad_message")
        await eyes.say("note", text="Go on")  # what was refused does not count
        await b.one("note")
        assert noted(a) == ["Go on"]


async def test_a_yes_taken_back_a_pause_and_the_end_leave_no_room_for_one(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path)) as served:
        links = await served.links()
        async with observed(served, links) as (a, b, eyes):
            await b.say("consent", practice=True, observer=False)
            await b.pong()
            await eyes.say("note", text="Slow down")
            await eyes.refusal("not_agreed")
            await b.say("consent", practice=True, observer=True)
            await b.say("pause")
            await eyes.room(lambda room: room["phase"] == "paused")
            await eyes.say("note", text="Slow down")
            await eyes.refusal("not_now")
            await a.say("end")
            await eyes.one("ended")
            before = len(eyes.got)
            await eyes.say("note", text="Slow down")
            await eyes.pong()
            late = [m for m in eyes.got[before:] if m["type"] == "refused"]
            assert [(m["code"], m["fatal"]) for m in late] == [("not_now", False)]
            assert noted(a) == noted(b) == []
        lines = await served.timeline(links["report"])
    assert "note" not in {line["kind"] for line in lines}


@pytest.mark.parametrize(
    ("word", "fields"),
    [("pause", {}), ("consent", {"practice": True, "observer": False})],
    ids=["pause", "no observer"],
)
async def test_what_one_takes_back_while_a_note_is_being_written_keeps_it_from_both(
    tmp_path: Path, word: str, fields: dict[str, Any]
) -> None:
    async with serving(settings_in(tmp_path)) as served, observed(served, await served.links()) as (a, b, eyes):
        session = served.gateway.in_memory(a.session)
        assert session is not None
        for page in (a, b, eyes):
            await page.pong()  # nobody is still dealing with what they said before
        store = sqlite3.connect(tmp_path / "breathmark.sqlite3", isolation_level=None)
        store.execute("BEGIN IMMEDIATE")
        await eyes.say("note", text="Slow down")
        await until(session.practice.order.locked)
        await b.say(word, **fields)
        await until(lambda: bool(session.practice.ahead))
        store.execute("ROLLBACK")
        store.close()
        await eyes.refusal("not_now")
        for page in (a, b, eyes):
            await page.pong()
        assert [noted(page) for page in (a, b, eyes)] == [[], [], []]
        assert not session.practice.ahead


async def test_the_minute_outlives_a_restart_of_the_gateway(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path)) as served:
        links = await served.links()
        async with observed(served, links) as (a, b, eyes):
            await eyes.say("note", text="Slow down")
            shown = (await a.one("note"))["line"]
            await b.one("note")
    async with serving(settings_in(tmp_path)) as served, observed(served, links) as (a, b, eyes):
        await eyes.say("note", text="And again")
        await eyes.refusal("note_too_soon")
        assert eyes.got[0]["room"]["note_from_s"] == shown["start_s"] + 60.0
        await a.say("painted", cue=shown["id"], received_ms=10.0, painted_ms=26.0)
        await eyes.one("lines", where=seen_by("a"))
        assert noted(a) == []
