from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.practice import rooms
from gateway.practice.rooms import Room
from streaming.errors import UnusableInput
from streaming.types import Speaker

A, B = Speaker.A, Speaker.B


def practising() -> Room:
    room = rooms.joined(rooms.joined(Room(), A, "Nora"), B, "Ben")
    return rooms.consented(rooms.consented(room, A, True, False), B, True, False)


def kinds(before: Room, after: Room) -> list[str]:
    return [change.kind for change in rooms.happened(before, after)]


def test_a_room_waits_until_both_are_here_and_then_asks_for_consent() -> None:
    room = Room()
    assert room.phase == "waiting"
    room = rooms.joined(room, A, "Nora")
    assert room.phase == "waiting"
    assert rooms.joined(room, B, "Ben").phase == "consent"


def test_a_practice_begins_with_the_second_yes_and_not_with_the_first() -> None:
    room = rooms.joined(rooms.joined(Room(), A, ""), B, "")
    one = rooms.consented(room, B, True, False)
    assert (one.phase, one.began, one.analysing) == ("consent", False, False)
    both = rooms.consented(one, A, True, False)
    assert (both.phase, both.began, both.analysing) == ("practising", True, True)
    assert kinds(one, both) == ["consent", "began"]


def test_consent_of_somebody_who_is_not_here_begins_nothing() -> None:
    room = rooms.consented(rooms.joined(Room(), A, ""), A, True, True)
    room = rooms.left(room, A)
    room = rooms.consented(rooms.joined(room, B, ""), B, True, True)
    assert (room.phase, room.began) == ("waiting", False)
    assert rooms.joined(room, A, "").phase == "practising"


@pytest.mark.parametrize("who", [A, B])
def test_either_withdrawal_stops_the_analysis_and_a_new_yes_goes_on(who: Speaker) -> None:
    stopped = rooms.consented(practising(), who, False, False)
    assert (stopped.phase, stopped.analysing, stopped.began) == ("consent", False, True)
    assert rooms.consented(stopped, who, True, False).phase == "practising"


def test_anyone_may_pause_and_both_still_hear_each_other() -> None:
    room = rooms.paused(practising(), B)
    assert (room.phase, room.analysing, room.audible) == ("paused", False, True)
    assert kinds(practising(), room) == ["paused"]
    assert kinds(room, rooms.resumed(room)) == ["resumed"]
    assert rooms.resumed(room).phase == "practising"


def test_a_pause_before_the_practice_is_none() -> None:
    room = rooms.joined(Room(), A, "")
    assert rooms.paused(room, A) == room


def test_a_partner_who_drops_out_does_not_stop_the_other_but_an_empty_room_does() -> None:
    one = rooms.left(practising(), A)
    assert (one.phase, one.analysing) == ("practising", True)
    none = rooms.left(one, B)
    assert (none.phase, none.analysing) == ("waiting", False)
    assert rooms.joined(none, A, "").phase == "practising"


def test_an_ended_practice_stays_ended() -> None:
    room = rooms.ended(practising(), B)
    for after in (rooms.joined(room, A, ""), rooms.consented(room, A, True, True), rooms.resumed(room)):
        assert (after.phase, after.analysing, after.audible) == ("ended", False, False)
    assert rooms.ended(room, A).ended_by is B
    assert kinds(practising(), room) == ["ended"]


def test_partners_in_one_room_hear_nothing_back() -> None:
    assert practising().audible
    assert not rooms.set_up(practising(), A, True, None).audible


def test_an_observer_may_watch_only_while_both_agree() -> None:
    room = practising()
    for a, b in itertools.product((False, True), repeat=2):
        asked = rooms.consented(rooms.consented(room, A, True, a), B, True, b)
        assert asked.watchable == (a and b)


def test_a_name_is_kept_when_somebody_comes_back_without_one() -> None:
    room = rooms.joined(Room(), A, "  Nora ")
    assert rooms.joined(rooms.left(room, A), A, "").a.name == "Nora"
    assert rooms.set_up(room, A, None, "Eleonora").a.name == "Eleonora"


def test_lost_audio_that_comes_back_is_told_once_each() -> None:
    room = rooms.media_changed(practising(), A, "connected")
    lost = rooms.media_changed(room, A, "lost")
    assert kinds(room, lost) == ["media_lost"]
    assert kinds(lost, rooms.media_changed(lost, A, "connected")) == ["media_back"]
    trying = rooms.media_changed(lost, A, "connecting")
    assert kinds(lost, trying) == []
    assert kinds(trying, rooms.media_changed(trying, A, "lost")) == []
    assert kinds(trying, rooms.media_changed(trying, A, "connected")) == ["media_back"]
    assert kinds(practising(), room) == []


def test_a_gateway_that_was_away_heard_nobody_until_they_are_connected_again() -> None:
    again = rooms.from_state(rooms.to_state(practising()))
    silent = rooms.silenced(again)
    assert kinds(again, silent) == ["media_lost", "media_lost"]
    assert kinds(silent, rooms.media_changed(silent, B, "connecting")) == []
    assert kinds(silent, rooms.media_changed(silent, B, "connected")) == ["media_back"]


def test_what_outlives_the_process_comes_back_without_anybody_in_the_room() -> None:
    room = rooms.paused(rooms.set_up(practising(), B, True, "Ben"), A)
    again = rooms.from_state(rooms.to_state(room))
    assert (again.a.name, again.b.name, again.same_room, again.paused_by, again.began) == ("Nora", "Ben", True, A, True)
    assert (again.agreed, again.empty, again.phase) == (True, True, "waiting")


def test_a_stored_room_that_does_not_fit_says_so() -> None:
    with pytest.raises(UnusableInput, match="stored room"):
        rooms.from_state({"partners": {}})


ACTS = st.lists(
    st.sampled_from(
        [
            *(("join", s) for s in Speaker),
            *(("leave", s) for s in Speaker),
            *(("yes", s) for s in Speaker),
            *(("no", s) for s in Speaker),
            ("pause", A),
            ("resume", A),
            ("end", B),
        ]
    ),
    max_size=40,
)


@given(ACTS)
def test_whatever_people_do_nothing_is_analysed_without_both_standing_consents(acts: list[tuple[str, Speaker]]) -> None:
    room = Room()
    for act, who in acts:
        before = room
        match act:
            case "join":
                room = rooms.joined(room, who, "")
            case "leave":
                room = rooms.left(room, who)
            case "yes" | "no":
                room = rooms.consented(room, who, act == "yes", False)
            case "pause":
                room = rooms.paused(room, who)
            case "resume":
                room = rooms.resumed(room)
            case "end":
                room = rooms.ended(room, who)
        if room.analysing:
            assert room.a.practice
            assert room.b.practice
            assert room.began
            assert not room.ended
        assert room.began or not before.began, "a practice that began stays begun"
        assert rooms.happened(room, room) == []
        again = rooms.from_state(rooms.to_state(room))
        assert (again.agreed, again.began, again.ended, again.paused_by) == (
            room.agreed,
            room.began,
            room.ended,
            room.paused_by,
        )
