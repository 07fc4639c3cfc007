from __future__ import annotations

from dataclasses import replace

import pytest

from coach.adherence import BUTTONS, acted, answers_of
from coach.cards import LIBRARY, as_told, card_named, card_told, own_card
from coach.practice import MOST_MINUTES, Card, cards_from_toml, faults, for_card
from coach.reminder import reminder
from coach.settings import CoachSettings
from streaming.errors import UnusableInput

GOOD = """
[[card]]
id = "say-it-back"
title = "Say it back, then answer"
profile = "restructuring"
skill = "say back what you heard before answering"
steps = ["One speaks for one minute.", "The other says it back."]
turns = 4
minutes = 10
anchor = "after the dinner clean-up"
done_when = "Each has said back two things."
fallback = "One minute each, standing."
"""


def test_a_dozen_cards_come_along_and_each_is_specific_small_and_anchored() -> None:
    assert len(LIBRARY) >= 12
    assert len({card.id for card in LIBRARY}) == len(LIBRARY)
    for card in LIBRARY:
        assert faults(card) == [], card.id
        assert card.minutes <= MOST_MINUTES
        assert card_named(card.id) is card


def test_every_cue_profile_has_its_cards() -> None:
    for profile in ("interruption", "soothing", "restructuring"):
        assert sum(card.profile == profile for card in LIBRARY) >= 3


def test_a_good_card_is_read_as_it_was_written() -> None:
    (card,) = cards_from_toml(GOOD)
    assert card.minutes == 10
    assert card.steps == ("One speaks for one minute.", "The other says it back.")
    assert card.fallback_minutes == 3


@pytest.mark.parametrize(
    ("old", "new", "line", "reason", "instead"),
    [
        ("say back what you heard before answering", "work on communication", 6, "can't be seen", "name one act"),
        ("say back what you heard before answering", "be nicer to each other", 6, "can't be seen", "name one act"),
        ("Each has said back two things.", "", 11, "it is empty", "say what one would see"),
        (
            "Each has said back two things.",
            "We feel closer afterwards.",
            11,
            "can't tell from outside",
            "one would see",
        ),
        ("Each has said back two things.", "Two.", 11, "can't tell from outside", "say what one would see"),
        ("minutes = 10", "minutes = 45", 9, "45 is not from 1 to 10", "nearest valid value is 10"),
        ("minutes = 10", "minutes = 'ten'", 9, "is not a whole number", "write it as a whole number"),
        ("turns = 4", "turns = 0", 8, "0 is not from 1 to 12", "nearest valid value is 1"),
        ("after the dinner clean-up", "the evening", 10, "no moment that comes by itself", "after the dinner"),
        ("after the dinner clean-up", "whenever", 10, "can't be seen", "after the dinner"),
        ('"restructuring"', '"talking"', 5, "there is none called 'talking'", "interruption, soothing"),
        ('"say-it-back"', '"Say it back!"', 3, "not made of small letters", "'say-it-back'"),
        ("fallback = ", "fall_back = ", 2, "it is missing", "three minutes"),
    ],
)
def test_a_card_that_would_fail_is_refused_with_line_reason_and_what_would_do(
    old: str, new: str, line: int, reason: str, instead: str
) -> None:
    assert old in GOOD
    with pytest.raises(UnusableInput) as caught:
        cards_from_toml(GOOD.replace(old, new), "ours.toml")
    message = str(caught.value)
    assert message.startswith(f"ours.toml:{line}: ")
    assert reason in message
    assert instead in message


def test_every_fault_of_a_file_is_told_at_once() -> None:
    bad = GOOD.replace("minutes = 10", "minutes = 45").replace("Each has said back two things.", "")
    with pytest.raises(UnusableInput) as caught:
        cards_from_toml(GOOD + bad.replace("say-it-back", "second"), "ours.toml")
    assert [line.split(":")[1] for line in str(caught.value).splitlines()] == ["21", "23"]


@pytest.mark.parametrize("text", ["", "card = 3", "[[card]\n", "title = 'x'"])
def test_a_file_without_a_card_is_refused(text: str) -> None:
    with pytest.raises(UnusableInput, match=r"cards:1: "):
        cards_from_toml(text)


def test_a_card_changes_the_emphasis_and_never_the_dose() -> None:
    settings = CoachSettings()
    for card in LIBRARY:
        changed = for_card(card, settings)
        assert changed != settings
        for name in ("spacing_s", "cues_per_window", "dose_window_s", "ignored_before_silence", "wait_s"):
            assert getattr(changed, name) == getattr(settings, name)


def test_a_card_of_their_own_needs_three_answers_and_leaves_the_policy_as_it_was_set() -> None:
    own = own_card("hand the spoon over.", "after the tea", 5)
    assert (faults(own), own.id, own.title) == ([], "own-hand-the-spoon-over", "Hand the spoon over")
    assert for_card(own, CoachSettings()) == CoachSettings()
    assert {fault.field for fault in faults(own_card("", "tea", 60))} == {"title", "skill", "anchor", "minutes"}


def test_what_the_timeline_keeps_of_a_card_gives_that_card_with_its_habit() -> None:
    for card in (own_card("подать ложку", "after the tea", 3), replace(LIBRARY[0], anchor="after the tea")):
        assert card_told(as_told(card)) == card
    assert card_told({"card": "one-that-is-no-more", "anchor": "after the tea"}) is None


def test_who_thinks_again_and_again_is_heard_each_time() -> None:
    said = ("bend", "finish", "bend")
    lines = [acted("s", "say-it-back", act, 9, "a", nth=nth) for nth, act in enumerate(said)]
    lines.append(acted("s", "say-it-back", "avoid", 9, "b"))
    assert len({line.id for line in lines}) == 4
    assert answers_of(lines, "a") == list(said)


def test_an_act_that_there_is_not_is_refused() -> None:
    with pytest.raises(UnusableInput, match="start, finish, bend, defer, avoid"):
        acted("s", "say-it-back", "fail", 0)


def test_no_button_shames() -> None:
    words = " ".join(text for pair in BUTTONS.values() for text in pair).lower()
    assert not any(word in words for word in ("fail", "miss", "should", "sorry", "streak", "only", "but"))


def test_a_reminder_is_a_calendar_event_on_the_anchor() -> None:
    text = reminder(LIBRARY[0], date="2026-11-25", time="19:30", uid="x@breathmark", stamp="20261123T080000Z")
    lines = text.split("\r\n")
    assert lines[0] == "BEGIN:VCALENDAR"
    assert "DTSTART:20261125T193000" in lines
    assert f"DURATION:PT{LIBRARY[0].minutes}M" in lines
    assert all(len(line.encode()) <= 75 for line in lines)
    unfolded = text.replace("\r\n ", "")
    assert "after the dinner clean-up\\n1. One tells something from the day\\, for one minute." in unfolded


def test_a_reminder_escapes_what_a_card_says() -> None:
    card: Card = replace(LIBRARY[0], title="One; two, three\\ ünd\r\nATTENDEE:x " + "ä" * 60)
    text = reminder(card, date="2024-02-29", time="07:05", uid="x", stamp="20261123T080000Z")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "SUMMARY:One\\; two\\, three\\\\ ünd\\nATTENDEE:x" in text.replace("\r\n ", "")


@pytest.mark.parametrize(
    ("date", "time", "hint"),
    [
        ("2026-02-29", "19:30", "2026-11-25"),
        ("25.11.2026", "19:30", "2026-11-25"),
        ("2026-11-25", "24:00", "19:30"),
    ],
)
def test_a_time_that_is_none_is_refused(date: str, time: str, hint: str) -> None:
    with pytest.raises(UnusableInput, match=hint):
        reminder(LIBRARY[0], date=date, time=time, uid="x", stamp="20261123T080000Z")
