"""A sentence that came out wrong may be begun again: one offers, the other answers, and both are told."""

from __future__ import annotations

from pathlib import Path

from coach.report import ReportFacts, build_report
from gateway.practice import rooms
from gateway.practice.rooms import Room
from streaming.types import Speaker
from streaming.wire import loads
from tests.gateway.serving import bearer, practising, serving, settings_in

A, B = Speaker.A, Speaker.B


def talking() -> Room:
    room = Room()
    for speaker in Speaker:
        room = rooms.consented(rooms.joined(room, speaker, ""), speaker, practice=True, observer=False)
    assert room.phase == "practising"
    return room


def test_an_offer_is_taken_up_by_the_other_alone_or_put_off_without_a_line() -> None:
    room = talking()
    offered = rooms.repaired(room, A, "offer")
    assert [(c.kind, c.by) for c in rooms.happened(room, offered)] == [("repair_offered", A)]
    assert rooms.repaired(offered, A, "accept") == offered, "nobody accepts for the other"
    accepted = rooms.repaired(offered, B, "accept")
    assert [(c.kind, c.by) for c in rooms.happened(offered, accepted)] == [("repair_accepted", B)]
    later = rooms.repaired(offered, B, "later")
    assert (later.repair, rooms.happened(offered, later)) == (None, [])
    assert rooms.repaired(room, B, "accept") == room, "there is nothing to accept"


def test_two_offers_at_once_are_a_yes_and_in_a_pause_there_is_nothing_to_begin_again() -> None:
    offered = rooms.repaired(talking(), A, "offer")
    assert rooms.repaired(offered, B, "offer").repairs == 1
    resting = rooms.paused(talking(), B)
    assert rooms.repaired(resting, A, "offer") == resting


async def test_both_screens_and_the_report_know_of_it(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path)) as served:
        links = await served.links()
        async with practising(served, links) as (a, b):
            await a.say("repair", act="offer")
            assert (await b.room(lambda room: room["repair"] == "a"))["phase"] == "practising"
            await b.say("repair", act="accept")
            await b.pong()
            assert [m["room"]["repair"] for m in b.got if m["type"] == "room"][-1] is None
            await a.say("end")
            await b.one("ended")
        answer = await served.http.get("/api/timeline", headers=bearer(links["report"]))
    lines = [loads(line) for line in answer.text.splitlines()]
    told = build_report("s", lines, ReportFacts()).practised.repairs
    assert (told.offered, told.accepted) == (1, 1)
