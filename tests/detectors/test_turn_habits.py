"""What a partner's own bursts teach about the next one."""

from __future__ import annotations

import pytest

from detectors.turn_habits import Bursts
from detectors.turns import TurnDetector
from streaming.types import Annotation, Speaker
from streaming.wire import samples

A, B = Speaker.A, Speaker.B


def test_who_says_little_but_mhm_is_expected_to_stop_and_who_takes_turns_to_go_on() -> None:
    listener, talker = Bursts(), Bursts()
    for _ in range(30):
        listener.hear(samples(0.4))
        talker.hear(samples(4.0))
    at = samples(0.35)
    assert listener.goes_on(at) < Bursts().goes_on(at) < talker.goes_on(at)


@pytest.mark.parametrize("length_s", [0.0, 0.1, 0.3, 1.0, 5.0, 20.0, 60.0])
def test_a_share_is_a_share_however_long_the_burst(length_s: float) -> None:
    assert 0.0 <= Bursts().goes_on(samples(length_s)) <= 1.0


def opened(history_s: float) -> Annotation:
    """The fourth word on a start into a long turn, after thirty bursts of ``history_s`` by the same partner."""
    detector = TurnDetector("s")
    at = 0.0
    for _ in range(30):
        detector.step(samples(at + 3), {A: True, B: False}, {})
        detector.step(samples(at + 5), {A: False, B: False}, {})
        detector.step(samples(at + 5 + history_s), {A: False, B: True}, {})
        at += 7 + history_s
        detector.step(samples(at), {A: False, B: False}, {})
    detector.step(samples(at + 3), {A: True, B: False}, {})
    said = detector.step(samples(at + 3.45), {A: True, B: True}, {})
    return said[-1]


def test_the_same_start_is_likelier_to_interrupt_from_one_whose_bursts_are_long() -> None:
    short, long = opened(0.4).p_interruption, opened(4.0).p_interruption
    assert short is not None
    assert long is not None
    assert short < long - 0.1
