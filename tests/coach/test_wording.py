from __future__ import annotations

import re

import pytest

from coach import wording

EVERY_TEXT = [
    wording.ONE_AT_A_TIME,
    wording.BREATHE,
    *wording.STEMS,
    wording.time_out_offered(20),
    wording.time_out(20, {}),
    wording.time_out(60, {"back_at": "12:40 pm"}),
]


@pytest.mark.parametrize("text", EVERY_TEXT)
def test_a_cue_has_at_most_five_words_and_names_nobody(text: str) -> None:
    words = re.findall(r"[\w:']+", text.lower())
    assert 1 <= len(words) <= wording.MAX_WORDS
    assert not {"he", "she", "him", "her", "partner", "a", "b", "stop", "never", "always"} & set(words) - {"a"}
    assert not {"angry", "anger", "upset", "calm", "afraid", "sad", "hurt"} & set(words)


def test_a_time_out_says_when_it_ends() -> None:
    assert wording.time_out(20, {"back_at": "8:40"}) == "Pause. Back at 8:40."
    assert wording.time_out(20, {}) == "Pause. Back in 20 minutes."


@pytest.mark.parametrize("back_at", ["<b>now</b>", "25:00", "8:40 and it is your fault", 840, None])
def test_a_return_time_that_is_no_time_is_not_shown(back_at: object) -> None:
    assert wording.time_out(20, {"back_at": back_at}) == "Pause. Back in 20 minutes."
