"""The yardsticks of words: errors counted right, loads simulated right, gains measured by the same refinement."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.sbcsae import Conversation, Unit
from benchmarks.words_load import Timed, sessions_a_core, simulate
from benchmarks.words_overlaps import said, with_words
from benchmarks.words_texts import errors, same_spelling
from detectors.turns import annotate_activity
from detectors.words_utterances import Utterance
from streaming.types import OVERLAP_KINDS, Kind, Span, Speaker
from tests.detectors.spoken import at

A, B = Speaker


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's $400.", "it's four hundred dollars"),
        ("Mr. Dashwood’s cold-hearted", "mister dashwood's cold hearted"),
        ("1,234 and 21", "one thousand two hundred thirty four and twenty one"),
    ],
)
def test_one_spelling(text: str, words: str) -> None:
    assert " ".join(same_spelling(text)) == words


def test_errors_are_words_put_in_taken_out_and_changed() -> None:
    truth = ["he", "was", "not", "an", "ill", "disposed", "young", "man"]
    assert errors(truth, truth) == 0
    assert errors(truth, ["he", "was", "an", "old", "disposed", "young", "young", "man"]) == 3
    assert errors(truth, []) == 8


def talk(busy_s: float) -> list[Timed]:
    """A minute of talk: an utterance every 4 s."""
    sound = np.zeros(0, np.float32)
    return [
        Timed(Utterance(str(n), "s", A, Span(at(4 * n), at(4 * n + 3)), at(4 * n + 3.6), True, 0, sound), 4 * n + 3.6,
              4 * n + 3.0, busy_s, busy_s)
        for n in range(15)
    ]  # fmt: skip


def test_alone_a_text_is_as_late_as_its_pause_and_its_hearing() -> None:
    served = simulate(talk(0.2), 1)
    assert served.finals_s == pytest.approx([0.8] * 15)


def test_what_a_core_carries_follows_from_the_time_that_hearing_takes() -> None:
    assert 15 <= sessions_a_core(talk(0.2)) <= 25  # 4 s of talk for 0.2 s of work, if it came evenly
    assert sessions_a_core(talk(0.2)) > sessions_a_core(talk(0.8)) > 0


def test_words_of_the_corpus_turn_a_long_mm_hm_into_a_backchannel() -> None:
    units = (
        Unit(A, Span(at(0.0), at(9.0)), "and then we went all the way back to the house,"),
        Unit(B, Span(at(4.0), at(6.0)), "mhm yeah right,"),
    )
    c = Conversation("c", units)
    timing = annotate_activity("c", c.activity)

    def finals(lines: list[object]) -> list[Kind]:
        return [a.kind for a in lines if a.status == "final" and a.kind in OVERLAP_KINDS]  # type: ignore[attr-defined]

    assert finals([*timing]) != [Kind.BACKCHANNEL]
    assert finals([*with_words(c, timing, said(c))]) == [Kind.BACKCHANNEL]
