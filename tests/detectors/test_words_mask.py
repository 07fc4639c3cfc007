"""Names and numbers can be taken out before anything is kept."""

from __future__ import annotations

import pytest

from coach.meaning import language
from detectors.words_mask import Mask, MaskRules, Usage, names_of
from gateway.words.models import find_model, usage_of
from streaming.types import Span, Word


@pytest.fixture(scope="module")
def usage(tmp_path_factory: pytest.TempPathFactory) -> Usage:
    return usage_of(find_model("tiny.en", tmp_path_factory.mktemp("models")))


NOTHING_KNOWN = Usage()


def mask(*people: str, usage: Usage = NOTHING_KNOWN) -> Mask:
    own = language("en")
    rules = MaskRules(own.numbers, own.counted, own.capitals | own.listening)
    return Mask(names_of(people), rules, usage)


def taken_out(own: Mask, text: str) -> str:
    return " ".join(word.text for word in own([Word(w, Span(0, 1), 1.0) for w in text.split()]))


def masked(text: str, *people: str) -> str:
    return taken_out(mask(*people), text)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (
            "I moved 200 into savings on Friday, the way we planned.",
            "I moved [number] into savings on Friday, the way we planned.",
        ),
        ("It's $400.", "It's [number]."),
        ("We saw Morgan's mother in Boston.", "We saw [name] mother in [name]."),
        ("That is twenty-five, not thirty!", "That is [number], not [number]!"),
        ("I think I'm okay. You know that.", "I think I'm okay. You know that."),
        ("No one said one thing.", "No one said one thing."),
        ("One of us owes one hundred, or one euro.", "One of us owes [number] [number], or [number] euro."),
        ("We wait until the twenty-first.", "We wait until the [number]."),
    ],
)
def test_names_and_numbers_are_replaced_and_the_sentence_stays(said: str, kept: str) -> None:
    assert masked(said) == kept


def test_the_partners_own_names_are_taken_out_at_the_beginning_of_a_sentence_too() -> None:
    assert masked("Sam, listen. sam said so.", "Sam Rivers") == "[name], listen. [name] said so."


# Not one of these was looked at while the rules were made.
NAMES = """Abigail Alejandro Anders Benedikt Bronwyn Carlos Dimitri Eleanor Emeka Esperanza Farrukh Gareth Giulia Gwen
  Hamish Henrik Ingrid Isabelle Jerome Joaquin Katarzyna Kwame Leila Lorenzo Mahmoud Marjorie Matthias Mehmet Nadia
  Nikolai Oluwaseun Padraig Quentin Rafael Rajesh Rosalind Sanjay Siobhan Svetlana Tadeusz Theodore Ulrich Valentina
  Vikram Wilhelmina Xavier Yasmin Zachary Zoltan Stephen""".split()  # noqa: SIM905 a list would take fifty lines
BEGINNINGS = """Sometimes I think so. Nobody asked me. Groceries are expensive. Maybe we should wait. Weekends are hard.
  Honestly, I forgot. Listening is work. Because you left. Whatever you like. Couldn't you call? Every time it rains.
  Breakfast was fine. Tomorrow is better. Neither of us slept. Stop it. Arguing helps nobody. Lately you seem tired.
  Parents worry. Something is off. They're late. Apologies are easy. Dinner got cold. Fine. Laundry can wait. Besides,
  it is late. Suppose we try. Forget it. Kids hear that. Money is tight. Promise me."""


def test_a_name_that_begins_a_sentence_is_known_by_how_words_are_usually_written(usage: Usage) -> None:
    found = [taken_out(mask(usage=usage), f"{name} called.") == "[name] called." for name in NAMES]
    assert sum(found) / len(found) >= 0.95
    assert taken_out(mask(usage=usage), BEGINNINGS) == " ".join(BEGINNINGS.split())


def test_a_name_that_is_a_word_too_is_known_once_it_had_its_capital_inside_a_sentence(usage: Usage) -> None:
    own = mask(usage=usage)
    assert taken_out(own, "Hope called. I hope so.") == "Hope called. I hope so."
    assert taken_out(own, "Then I saw Hope there.") == "Then I saw [name] there."
    assert taken_out(own, "Hope called. I hope so.") == "[name] called. I hope so."
    assert taken_out(own, "I said The end. The end.") == "I said [name] end. The end.", "an odd capital is no name"


def test_word_times_stay() -> None:
    (word,) = mask()([Word("1984,", Span(5, 9), 0.5)])
    assert word == Word("[number],", Span(5, 9), 0.5)
