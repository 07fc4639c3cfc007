"""Names and numbers can be taken out before anything is kept."""

from __future__ import annotations

import pytest

from coach.meaning import language
from detectors.words_mask import Mask, names_of
from streaming.types import Span, Word


def masked(text: str, *people: str) -> str:
    rules = language("en")
    mask = Mask(names_of(people), rules.numbers, rules.capitals)
    return " ".join(word.text for word in mask([Word(w, Span(0, 1), 1.0) for w in text.split()]))


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
    ],
)
def test_names_and_numbers_are_replaced_and_the_sentence_stays(said: str, kept: str) -> None:
    assert masked(said) == kept


def test_the_partners_own_names_are_taken_out_at_the_beginning_of_a_sentence_too() -> None:
    assert masked("Sam, listen. sam said so.", "Sam Rivers") == "[name], listen. [name] said so."


def test_word_times_stay() -> None:
    mask = Mask(frozenset(), frozenset(), frozenset())
    (word,) = mask([Word("1984,", Span(5, 9), 0.5)])
    assert word == Word("[number],", Span(5, 9), 0.5)
