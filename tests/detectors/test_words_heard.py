"""A text counts only where the transcriber and the sound both speak for it."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.words import nothing_heard, said
from detectors.words_heard import Heard, HeardWord, doubt
from detectors.words_utterances import Utterance
from streaming.types import SAMPLE_RATE_HZ, Annotation, Samples, Span, Speaker
from streaming.wire import dumps, loads
from tests.detectors.spoken import SESSION, at

TWO_S = 2 * SAMPLE_RATE_HZ
NO_SOUND: Samples = np.zeros(0, np.float32)


def heard(text: str, logprob: float = -0.2, no_speech: float = 0.05, confidence: float = 0.9) -> Heard:
    words = [HeardWord(f" {w}", i * 0.2, (i + 1) * 0.2, confidence) for i, w in enumerate(text.split())]
    return Heard(tuple(words), logprob, no_speech)


@pytest.mark.parametrize("text", ["I saw it.", "Yeah yeah yeah.", "No.", "That’s four hundred dollars"])
def test_clear_speech_is_believed(text: str) -> None:
    assert doubt(heard(text), TWO_S) is None


@pytest.mark.parametrize(
    ("doubtful", "why"),
    [
        (heard("..."), "empty"),
        (heard("Thank you.", -0.9, 0.7), "no_speech"),
        (heard("See you later.", -0.94, 0.55), "no_speech"),
        (heard("Good boy.", -1.3, 0.1), "unsure"),
        (heard("Hey!", -0.8, 0.1, confidence=0.1), "unsure_words"),
        (heard("Ah ah ah ah"), "repeats"),
        (heard("It's$$$$$$$$$"), "repeats"),
        (heard("what are you up what are you up what are you up"), "repeats"),
        (heard("one two three four five six seven eight nine ten a b c d e f g h"), "too_many"),
    ],
)
def test_invented_text_is_not_believed_and_the_reason_is_named(doubtful: Heard, why: str) -> None:
    assert doubt(doubtful, TWO_S) == why


def test_a_phrase_known_from_noise_counts_where_the_words_are_sure() -> None:
    known = frozenset({"thank you"})
    assert doubt(heard("Thank you.", confidence=0.4), TWO_S, known) == "known_invention"
    assert doubt(heard("Thank you.", confidence=0.9), TWO_S, known) is None


def test_word_times_lie_in_session_time_within_the_utterance_and_in_order() -> None:
    utterance = Utterance("id", SESSION, Speaker.A, Span(at(10.0), at(11.0)), at(11.6), True, at(9.8), NO_SOUND)
    words = (HeardWord(" So", 0.0, 0.4, 0.9), HeardWord(" we", 0.35, 0.7, 1.2), HeardWord(" go.", 0.6, 3.0, 0.8))
    line = said(utterance, Heard(words, -0.2, 0.0), "en")
    assert line.words is not None
    assert [w.text for w in line.words] == ["So", "we", "go."]
    assert [w.span.start for w in line.words] == [at(10.0), at(10.2), at(10.5)]
    assert line.words[-1].span.end == at(11.0)
    assert line.text == "So we go."
    assert dumps(loads(dumps(line))) == dumps(line)
    back = loads(dumps(line))
    assert isinstance(back, Annotation)
    assert (back.words, back.text, back.language) == (line.words, line.text, "en")


def test_a_text_that_is_taken_back_is_an_empty_final_of_the_same_id() -> None:
    utterance = Utterance("id", SESSION, Speaker.B, Span(0, at(1.0)), at(1.6), True, 0, NO_SOUND)
    line = nothing_heard(utterance, "en")
    assert (line.id, line.status, line.text, line.confidence) == ("id", "final", "", 0.0)
