"""The rules for words, as anybody can read them in words_en.toml."""

from __future__ import annotations

import pytest

from coach.meaning import Phrase, language, read_language
from streaming.errors import UnusableInput

ENGLISH = language("en")


@pytest.mark.parametrize("text", ["Mm-hmm.", "Yeah, right. Right!", "Oh, I see.", "Uh-huh… okay", "That’s right."])
def test_listener_tokens_say_no_more_than_go_on(text: str) -> None:
    assert ENGLISH.listens_only(text)


@pytest.mark.parametrize("text", ["", "Yeah but", "I see you", "No.", "Okay, then the rent is covered."])
def test_anything_else_is_more_than_listening(text: str) -> None:
    assert not ENGLISH.listens_only(text)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("You never wait.", "You never"),
        ("you never wait", "You never"),
        ("Okay. You never wait.", "You never"),
        ("Okay, you never wait.", "…you never"),
    ],
)
def test_a_quote_begins_as_a_sentence_does_or_says_that_something_went_before(text: str, quoted: str) -> None:
    assert Phrase.read("you never").as_said(text) == quoted


def test_what_somebody_reaches_for_is_the_sentence_as_they_said_it() -> None:
    text = "Thank you. I don't want to be the one who says no. I just want us to decide together."
    assert ENGLISH.reached_for(text) == ["I just want us to decide together."]


@pytest.mark.parametrize(
    "text", ["I feel like you never listen.", "I wish you would stop.", "I'm afraid not.", "Do you?"]
)
def test_a_sentence_about_the_other_is_not_what_one_reaches_for(text: str) -> None:
    assert ENGLISH.reached_for(text) == []


def test_a_beginning_is_gentle_or_harsh_by_a_rule_that_is_named() -> None:
    harsh, gentle = ENGLISH.begins("You never told me about it."), ENGLISH.begins("I'd like to talk about Sunday.")
    assert harsh is not None
    assert gentle is not None
    assert (harsh.kind, str(harsh.phrase), "never" in harsh.reason) == ("harsh", "you never", True)
    assert (gentle.kind, str(gentle.phrase)) == ("gentle", "i'd like")
    assert ENGLISH.begins("So the card bill came on Tuesday.") is None


def test_what_is_said_late_in_a_turn_is_no_beginning() -> None:
    assert ENGLISH.begins("So I thought about it all day long, and you never called.") is None


def test_a_language_without_rules_is_refused_with_the_way_out() -> None:
    with pytest.raises(UnusableInput, match=r"coach/words_xx\.toml"):
        language("xx")
    with pytest.raises(UnusableInput, match="no rules"):
        language("../en")


def test_rules_that_lack_a_part_say_which() -> None:
    with pytest.raises(UnusableInput, match="listening"):
        read_language('language = "de"', "words_de.toml")
