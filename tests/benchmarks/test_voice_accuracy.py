"""The voice benchmark's own parts: what it calls truth, and how it scores."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.arousal_scores import Heard, auc
from benchmarks.clips import SPEECH_RMS, levelled, mixed
from benchmarks.vad_scores import Scored, plain, score, spoken
from benchmarks.voice_accuracy import cost_figure, vad_figures
from streaming.types import SAMPLE_RATE_HZ, Span
from tests.data import shared_data


def heard(high: bool, level: float) -> Heard:
    return Heard("03", high, level, level, 0.0, 1.0, 0.0, 0.0, 0.0)


def test_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    low = [heard(False, 0.4), heard(False, 0.6)]
    assert auc([*low, heard(True, 0.7)]) == 1.0
    assert auc([*low, heard(True, 0.5)]) == 0.5
    assert auc([*low, heard(True, 0.6)]) == 0.75
    assert np.isnan(auc(low))


def test_speech_found_late_and_held_long_is_counted_as_missed_and_false() -> None:
    found = score([Span(16_000, 48_000)], [Span(8_000, 40_000)], 64_000)
    assert (found.hits, found.missed, found.false) == (150, 50, 50)
    assert Scored.f1([found]) == pytest.approx(0.75)


def test_what_is_called_truth_bridges_short_pauses_and_leaves_long_ones() -> None:
    voice = np.random.default_rng(0).standard_normal(3 * SAMPLE_RATE_HZ).astype(np.float32) * 0.1
    for start_s, end_s in ((0.5, 0.6), (1.5, 2.0)):
        voice[round(start_s * SAMPLE_RATE_HZ) : round(end_s * SAMPLE_RATE_HZ)] *= 1e-4
    first, second = spoken(voice)
    assert first.end == pytest.approx(1.5 * SAMPLE_RATE_HZ, abs=320)
    assert second.start == pytest.approx(2.0 * SAMPLE_RATE_HZ, abs=320)


def test_the_usual_way_with_silero_ends_speech_after_100_ms_of_quiet() -> None:
    (span,) = plain([0.1] * 10 + [0.9] * 20 + [0.1] * 10)
    assert span == Span(10 * 512 - 480, 30 * 512 + 480)


def test_noise_is_mixed_at_the_ratio_asked_for() -> None:
    random = np.random.default_rng(0)
    speech = levelled(random.standard_normal(SAMPLE_RATE_HZ).astype(np.float32))
    noise = random.standard_normal(SAMPLE_RATE_HZ // 2).astype(np.float32)
    added = mixed(speech, noise, 10.0, random) - speech
    assert 20 * np.log10(SPEECH_RMS / np.sqrt(np.mean(added**2))) == pytest.approx(10.0, abs=0.1)


def test_a_stream_s_cost_is_measured() -> None:
    figure = cost_figure(quick=True)
    assert figure.name == "detectors_core_percent_a_stream"
    assert 0.0 < figure.value < 5.0  # the machine may be busy; the goal is 0.5


def test_on_recordings_speech_activity_beats_plain_silero() -> None:
    figures = {figure.name: figure for figure in vad_figures(shared_data(), quick=True)}
    assert figures["vad_f1"].value > figures["vad_f1"].alternatives["plain silero"]
    assert figures["vad_f1"].value > 0.955
    assert figures["speech_announced_p50_ms"].value < 150
