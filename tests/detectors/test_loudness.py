"""Level counts for as much as it can be trusted."""

from __future__ import annotations

import numpy as np

from detectors.loudness import Loudness
from detectors.settings import ArousalSettings

SETTINGS = ArousalSettings()
FLOOR_DB = -65.0


def known(points: int = 60) -> Loudness:
    own, random = Loudness(), np.random.default_rng(0)
    for level_db in random.normal(-20.0, 3.0, points):
        own.learn(float(level_db), FLOOR_DB, 1.0, SETTINGS)
    return own


def test_a_voice_raised_over_the_same_room_counts() -> None:
    assert known().compare(-8.0, FLOOR_DB, controlled=False, settings=SETTINGS) > 2.0


def test_a_gain_that_lifts_the_room_too_counts_for_nothing() -> None:
    assert known().compare(-8.0, FLOOR_DB + 12, controlled=False, settings=SETTINGS) == 0.0


def test_where_gain_follows_the_voice_level_counts_for_nothing() -> None:
    assert known().compare(-8.0, FLOOR_DB, controlled=True, settings=SETTINGS) == 0.0


def test_a_quieter_voice_is_not_held_against_what_else_it_shows() -> None:
    assert known().compare(-40.0, FLOOR_DB, controlled=False, settings=SETTINGS) == 0.0


def test_before_much_was_heard_level_counts_for_little() -> None:
    few = known(4).compare(-8.0, FLOOR_DB, controlled=False, settings=SETTINGS)
    assert 0.0 < few < 0.3 * known().compare(-8.0, FLOOR_DB, controlled=False, settings=SETTINGS)


def test_after_a_gain_step_level_is_learnt_anew() -> None:
    own = known()
    for _ in range(40):
        own.learn(-8.0, FLOOR_DB + 12, 1.0, SETTINGS)
    assert own.compare(-8.0, FLOOR_DB + 12, controlled=False, settings=SETTINGS) < 0.1
    assert own.compare(4.0, FLOOR_DB + 12, controlled=False, settings=SETTINGS) > 2.0
