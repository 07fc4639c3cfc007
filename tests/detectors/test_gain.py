"""Gain that follows the voice is told from a voice that changes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from detectors.frames import Frame
from detectors.gain import GainWatch
from detectors.settings import FRAME_SAMPLES, GainSettings
from streaming.types import Samples

PHRASE, PAUSE = 40, 25  # frames: 1.3 s and 0.8 s
ROOM_DB = -65.0


def noise(frames: int, level_db: float, random: np.random.Generator) -> Samples:
    return (random.standard_normal(frames * FRAME_SAMPLES) * 10 ** (level_db / 20)).astype(np.float32)


def heard(levels_db: list[float], rooms_db: list[float], *, peak: float | None = None) -> GainWatch:
    """Phrases at these levels, each before a pause at that level of the room; None of it with a fixed peak."""
    random, watch, at = np.random.default_rng(0), GainWatch(GainSettings()), 0
    for level_db, room_db in zip(levels_db, rooms_db, strict=True):
        voice = noise(PHRASE, level_db, random)
        if peak is not None:
            voice *= peak / np.abs(voice).max()
        for active, samples in ((True, voice), (False, noise(PAUSE, room_db, random))):
            for block in samples.reshape(-1, FRAME_SAMPLES):
                watch.hear(Frame.of(at, block.astype(np.float32)), active, 0.9 if active else 0.0)
                at += FRAME_SAMPLES
    return watch


SPOKEN_DB = [-30.0, -27.0, -33.0, -24.0, -31.0, -20.0, -28.0, -35.0, -26.0, -30.0]


def test_a_fixed_gain_leaves_the_room_where_it_is() -> None:
    assert not heard(SPOKEN_DB, [ROOM_DB] * 10).controlled


def test_a_gain_that_evens_the_voice_moves_the_room() -> None:
    gains_db = [-24.0 - level for level in SPOKEN_DB]
    assert heard([-24.0] * 10, [ROOM_DB + gain for gain in gains_db]).controlled


def test_what_a_codec_leaves_of_silence_is_no_room_that_moves() -> None:
    gains_db = [-24.0 - level for level in SPOKEN_DB]
    assert not heard([-24.0] * 10, [ROOM_DB - 25.0 + gain for gain in gains_db]).controlled


@pytest.mark.parametrize("step_db", [3, 12], ids=["a little", "much"])
def test_a_room_that_changes_by_itself_is_no_gain_control(step_db: int) -> None:
    softly_db = [-28.0 + 0.5 * (level + 28.0) for level in SPOKEN_DB]
    assert not heard(softly_db, [ROOM_DB + step_db * (n % 3) for n in range(10)]).controlled


def test_one_who_always_speaks_alike_gives_no_reason_to_say_so() -> None:
    assert not heard([-28.0, -28.5] * 5, [ROOM_DB] * 10).controlled


def test_recordings_brought_to_one_peak_are_told_without_any_room() -> None:
    assert heard(SPOKEN_DB, [-200.0] * 10, peak=0.9).controlled


def test_a_few_phrases_prove_nothing() -> None:
    assert not heard([-24.0] * 5, [-65.0, -55.0, -60.0, -52.0, -67.0]).controlled


@pytest.mark.parametrize("cut", [3, 30, 50, 65, 200])
def test_saved_and_restored_it_goes_on_alike(cut: int) -> None:
    random = np.random.default_rng(1)
    frames = [
        (Frame.of(n * FRAME_SAMPLES, block.astype(np.float32)), n % 65 < 40)
        for n, block in enumerate(noise(600, -30.0, random).reshape(-1, FRAME_SAMPLES))
    ]
    whole, cut_off = GainWatch(GainSettings()), GainWatch(GainSettings())
    for number, (frame, active) in enumerate(frames):
        if number == cut:
            cut_off = GainWatch.restore(GainSettings(), json.loads(json.dumps(cut_off.save())))
        for watch in (whole, cut_off):
            watch.hear(frame, active, 0.9 if active else 0.1)
    assert cut_off.save() == whole.save()
