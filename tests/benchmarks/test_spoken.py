"""Conversations spoken anew hold sound exactly where their truth has speech."""

from __future__ import annotations

import numpy as np

from benchmarks.clips import emodb
from benchmarks.sbcsae import Conversation, Unit
from benchmarks.spoken import cut, speak
from streaming.types import Span, Speaker
from streaming.wire import samples
from tests.data import shared_data

TALK = Conversation(
    "x",
    (
        Unit(Speaker.A, Span(samples(0.5), samples(4.0)), "and then I went"),
        Unit(Speaker.B, Span(samples(3.5), samples(6.0)), "Oh no."),
        Unit(Speaker.A, Span(samples(6.5), samples(9.0)), "home."),
    ),
)


def test_each_partner_sounds_where_that_partner_speaks_and_nowhere_else() -> None:
    audio = speak(TALK, list(emodb(shared_data()).values()), seed=1)
    for who, spans in TALK.activity.items():
        power = audio[who] ** 2
        inside = np.zeros(len(power), bool)
        for span in spans:
            inside[span.start : span.end] = True
        beside = np.convolve(inside, np.ones(641), mode="same") > 0.5  # the filter rings for a moment
        assert power[inside].mean() > 100 * power[~beside].mean()


def test_a_conversation_cut_short_ends_where_it_is_cut() -> None:
    short = cut(TALK, samples(5.0))
    assert short.length == samples(5.0)
    assert [unit.text for unit in short.units] == ["and then I went", "Oh no."]
