"""What the arousal benchmark does to voices, and how it learns and counts."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.arousal_accuracy import _hourly
from benchmarks.arousal_scores import held_out
from benchmarks.clips import Clip
from benchmarks.lines import controlled, opus
from benchmarks.train_arousal import Heard, fit, moved, usual_spreads
from detectors.arousal import shared_arousal_model
from detectors.prosody import FEATURES, OF_THE_VOICE
from streaming.types import SAMPLE_RATE_HZ, Samples


def tone(seconds: float, level: float) -> Samples:
    return (level * np.sin(2 * np.pi * 200 * np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ)).astype("f4")


def rms_db(samples: Samples) -> float:
    return float(10 * np.log10(np.mean(samples**2)))


def test_the_simulated_gain_control_makes_loud_and_soft_alike_and_lifts_the_room_after_the_soft() -> None:
    hiss = np.random.default_rng(0).standard_normal(SAMPLE_RATE_HZ).astype(np.float32) * 1e-3
    line = np.concatenate([tone(4, 0.5), hiss, tone(8, 0.02), hiss])
    out = controlled(line)
    second = SAMPLE_RATE_HZ
    loud, soft = out[3 * second : 4 * second], out[12 * second : 13 * second]
    assert abs(rms_db(loud) - rms_db(soft)) < 2.0
    assert rms_db(line[3 * second : 4 * second]) - rms_db(line[12 * second : 13 * second]) > 25.0
    assert rms_db(out[-second // 2 :]) - rms_db(out[4 * second + second // 2 : 5 * second]) > 10.0


def test_a_voice_through_opus_is_as_long_and_as_loud_as_before() -> None:
    voice = tone(1.0, 0.2)
    back = opus(voice, 24_000)
    assert abs(len(back) - len(voice)) < SAMPLE_RATE_HZ // 50
    assert rms_db(back) == pytest.approx(rms_db(voice), abs=1.0)


def clips(random: np.random.Generator) -> list[Heard]:
    """Three speakers, neutral and angry, in whose anger every feature rises by two spreads."""
    return [
        Heard(
            Clip(f"{speaker}{text}{emotion}a", speaker, emotion, np.zeros(1, np.float32)),
            "clean",
            random.normal(5.0 + 2.0 * (emotion == "W"), 1.0, (6, len(FEATURES))),
        )
        for speaker in ("03", "08", "10")
        for text in ("a01", "a02", "a04", "b01")
        for emotion in "NW"
    ]


def test_weights_are_positive_sum_to_one_and_lean_on_no_single_feature() -> None:
    model = fit(clips(np.random.default_rng(0)))
    assert sum(model.weights) == pytest.approx(1.0, abs=0.01)
    assert min(model.weights) > 0.05
    assert max(model.weights) < 0.45


def test_a_clip_is_compared_with_neutral_clips_of_other_texts_alone() -> None:
    heard = clips(np.random.default_rng(0))
    spreads = usual_spreads(heard)
    own = next(h for h in heard if h.clip.emotion == "N")
    others = [h for h in heard if h.clip.speaker == own.clip.speaker and h.clip.emotion == "N" and h is not own]
    (row,) = (row for h, row in moved(heard, spreads) if h is own)
    expected = (own.points.mean(axis=0) - np.concatenate([h.points for h in others]).mean(axis=0)) / spreads
    assert row == pytest.approx(expected)


def test_who_is_held_out_is_heard_by_other_weights_than_the_shipped() -> None:
    models = {speaker: held_out(speaker).arousal.model for speaker in ("03", "08", "14")}
    assert len({*models.values(), shared_arousal_model()}) == 4


def test_shipped_weights_give_pitch_and_spectrum_about_the_same_say() -> None:
    model = shared_arousal_model()
    pitch = sum(weight for name, weight in zip(FEATURES, model.weights, strict=True) if name in OF_THE_VOICE)
    assert 0.35 < pitch < 0.65


def test_where_no_rise_was_heard_the_bound_is_the_rule_of_three() -> None:
    figure = _hourly("false_rises_per_hour", [(0, 1800.0), (0, 9000.0)])
    assert figure.value == 0.0
    assert figure.n == 180
    assert figure.high == pytest.approx(1.0, abs=0.01)
