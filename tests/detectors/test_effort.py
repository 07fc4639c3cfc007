"""What the two voices add to the timing of an overlap."""

from __future__ import annotations

import json

import pytest

from detectors.effort import Effort
from detectors.turns import TurnDetector
from streaming.types import Speaker
from streaming.wire import samples

A, B = Speaker.A, Speaker.B


def spoken(*levels_db: float) -> Effort:
    """Ten seconds at the first level, then 0.3 s at each of the others."""
    effort = Effort()
    for _ in range(312):
        effort.hear(levels_db[0], speaking=True)
    for level_db in levels_db[1:]:
        for _ in range(10):
            effort.hear(level_db, speaking=True)
    return effort


def test_a_voice_is_raised_over_its_own_usual_not_over_a_fixed_level() -> None:
    assert spoken(-20.0, -14.0).raised_db == pytest.approx(spoken(-40.0, -34.0).raised_db)
    assert 3.0 < spoken(-20.0, -14.0).raised_db <= 6.0


def test_nothing_is_raised_before_the_usual_is_known_nor_after_a_silence() -> None:
    stranger = Effort()
    for _ in range(20):
        stranger.hear(-10.0, speaking=True)
    assert stranger.raised_db == 0.0
    rested = spoken(-20.0, -14.0)
    for _ in range(40):
        rested.hear(-60.0, speaking=False)
    assert rested.raised_db == 0.0


def p_interruption(by_db: float | None, over_db: float = 0.0) -> list[float]:
    """How sure the detector is, each 100 ms, of a start into a turn with voices raised like this."""
    detector = TurnDetector("s")
    raised = None if by_db is None else {A: over_db, B: by_db}
    detector.step(samples(3), {A: True, B: False}, {}, raised_db=raised)
    said = detector.step(samples(4), {A: True, B: True}, {}, raised_db=raised)
    return [a.p_interruption or 0.0 for a in said]


def test_coming_in_louder_than_usual_is_likelier_to_interrupt_and_a_holder_who_gets_softer_less() -> None:
    plain = p_interruption(None)
    assert p_interruption(0.0) == plain
    for louder, usual, softer in zip(p_interruption(6.0), plain, p_interruption(0.0, -6.0), strict=True):
        assert softer < usual < louder


def test_voices_alone_turn_no_timing_on_its_head() -> None:
    for raised, usual in zip(p_interruption(40.0, 40.0), p_interruption(None), strict=True):
        assert abs(raised - usual) < 0.16


def test_what_was_heard_of_the_voices_outlives_a_restart() -> None:
    detector = TurnDetector("s")
    detector.step(samples(3), {A: True, B: False}, {}, raised_db={B: 3.0})
    detector.step(samples(3.5), {A: True, B: True}, {}, raised_db={B: 3.0})
    again = TurnDetector.restore("s", json.loads(json.dumps(detector.save())))
    assert again.flush() == detector.flush()
