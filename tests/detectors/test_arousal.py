"""Arousal is judged against own usual, and a microphone's gain is not arousal."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from detectors.arousal import Arousal, shared_arousal_model
from detectors.pipeline import Pipeline
from detectors.prosody import FEATURES, Prosody
from detectors.settings import ArousalSettings
from streaming.types import SAMPLE_RATE_HZ, Annotation, Kind, Span, Speaker
from tests.detectors.talk import DIALOGUE, dialogue, packets, run

SPREADS = np.array(shared_arousal_model().spreads, np.float32)
USUAL = np.array([8.0, 6.0, -6.0, -5.0, 5.0], np.float32)
CALM, HEATED = 0.0, 2.5  # shift of each feature in usual spreads


def points(shift: float, count: int, start: int, seed: int = 0) -> list[Prosody]:
    """Half seconds of one voice whose features lie ``shift`` spreads over its usual."""
    random = np.random.default_rng(seed)
    common, own = random.normal(0, 0.5, (count, 1)), random.normal(0, 0.6, (count, len(FEATURES)))
    features = USUAL + SPREADS * (shift + common + own)
    spans = [Span(start + n * 9_000, start + n * 9_000 + 8_000) for n in range(count)]
    return [
        Prosody(span, row.astype(np.float32), 12, -20.0, np.zeros(641, np.float32))
        for span, row in zip(spans, features, strict=True)
    ]


def hear(arousal: Arousal, *stretches: list[Prosody], trust: float = 1.0) -> list[Annotation]:
    return [a for stretch in stretches for p in stretch for a in arousal.hear(p, p.span.end, trust)]


def fresh() -> Arousal:
    return Arousal("s", Speaker.A, ArousalSettings())


def kinds(out: list[Annotation]) -> list[Kind]:
    return [a.kind for a in out if a.kind is not Kind.AROUSAL]


def test_a_rise_is_told_soon_where_it_began_and_settles_with_the_time_it_took() -> None:
    calm, heated = points(CALM, 60, 0), points(HEATED, 16, 600_000, 1)
    after = points(CALM, 12, 900_000, 2)
    out = hear(fresh(), calm, heated, after)
    assert kinds(out) == [Kind.AROUSAL_RISE, Kind.AROUSAL_SETTLED]
    rise, settled = (a for a in out if a.kind is not Kind.AROUSAL)
    assert abs(rise.span.start - 600_000) <= 2 * 9_000
    assert rise.decided - 600_000 < 4 * SAMPLE_RATE_HZ
    assert settled.decided - 900_000 < 6 * SAMPLE_RATE_HZ
    assert settled.recovery_s == pytest.approx((settled.span.end - rise.span.start) / SAMPLE_RATE_HZ)


def test_an_hour_of_calm_talk_holds_no_rise() -> None:
    arousal = fresh()
    assert kinds([a for n in range(72) for a in hear(arousal, points(CALM, 100, n * 900_000, n))]) == []


def test_one_loud_word_is_no_rise() -> None:
    assert kinds(hear(fresh(), points(CALM, 60, 0), points(HEATED, 1, 600_000), points(CALM, 20, 620_000, 3))) == []


def test_before_own_usual_is_known_nothing_rises_and_confidence_is_low() -> None:
    out = hear(fresh(), points(CALM, 6, 0), points(HEATED, 9, 60_000))
    assert kinds(out) == []
    assert max(a.confidence for a in out) < 0.3


def test_raised_speech_does_not_become_the_usual_while_that_is_hardly_known() -> None:
    arousal = fresh()
    out = hear(arousal, points(CALM, 12, 0), points(HEATED, 14, 120_000, 1))
    assert kinds(out) == [Kind.AROUSAL_RISE]
    assert abs(arousal.own.features[0].mean - USUAL[0]) < 0.7 * SPREADS[0]


def test_who_began_raised_is_soon_known_as_the_calm_voice_that_followed() -> None:
    out = hear(fresh(), points(HEATED, 10, 0), points(CALM, 60, 100_000, 1))
    assert kinds(out) == []
    assert out[-1].z == pytest.approx(0.0, abs=1.0)


def test_audio_that_cannot_be_trusted_raises_nothing_and_teaches_nothing() -> None:
    arousal = fresh()
    hear(arousal, points(CALM, 60, 0))
    before = arousal.own.save()
    out = hear(arousal, points(HEATED, 20, 600_000), trust=0.2)
    assert kinds(out) == []
    assert arousal.own.save() == before


def test_a_whisper_gives_a_point_without_confidence() -> None:
    (point,) = points(CALM, 1, 0)
    (said,) = hear(fresh(), [replace(point, voiced=0)])
    assert said.confidence == 0.0
    assert said.level == 0.5


def test_the_baseline_follows_a_voice_that_drifts() -> None:
    arousal = fresh()
    stretches = [points(CALM + 0.02 * n, 10, n * 90_000, n) for n in range(60)]
    assert kinds(hear(arousal, *stretches)) == []
    assert abs(arousal.z) < 2.0


def test_the_dialogues_rise_is_found_where_its_truth_file_has_it_and_nowhere_else() -> None:
    truth = json.loads((DIALOGUE.parent / "dialogue.truth.json").read_text())["rise"]
    out = run(Pipeline("s"), packets(dialogue()))
    (rise,) = (a for a in out if a.kind is Kind.AROUSAL_RISE)
    (settled,) = (a for a in out if a.kind is Kind.AROUSAL_SETTLED)
    assert rise.by == settled.by == truth["by"]
    assert truth["start_s"] - 1.5 < rise.span.start / SAMPLE_RATE_HZ
    assert rise.decided / SAMPLE_RATE_HZ < truth["end_s"]
    assert truth["end_s"] < settled.decided / SAMPLE_RATE_HZ < truth["calm_again_s"] + 6


@pytest.mark.parametrize("gain_db", [-12.0, 12.0])
def test_a_step_of_the_microphones_gain_moves_nothing(gain_db: float) -> None:
    def levels(step_db: float) -> list[float]:
        audio = dialogue(0, 50)
        voice = audio[Speaker.A] * 0.2
        voice[25 * SAMPLE_RATE_HZ :] *= 10 ** (step_db / 20)
        out = run(Pipeline("s"), packets({**audio, Speaker.A: voice.astype(np.float32)}))
        assert Kind.AROUSAL_RISE not in {a.kind for a in out}
        after = (a for a in out if a.by is Speaker.A and a.span.start >= 27 * SAMPLE_RATE_HZ)
        return [a.level for a in after if a.kind is Kind.AROUSAL and a.level is not None]

    # A step moves where a word is heard to begin by a frame, and with it which half second holds which sound.
    assert abs(np.mean(levels(gain_db)) - np.mean(levels(0.0))) < 0.03


def test_a_raised_voice_over_the_same_room_stands_out_more_than_one_made_as_loud_as_before() -> None:
    def risen(level_db: float) -> float:
        arousal = fresh()
        hear(arousal, points(CALM, 60, 0))
        raised = [replace(p, level_db=p.level_db + level_db) for p in points(1.2, 12, 600_000, 1)]
        return float(np.mean([a.z or 0.0 for a in hear(arousal, raised) if a.kind is Kind.AROUSAL]))

    assert risen(12.0) > 1.4 * risen(0.0)
    assert risen(-12.0) == pytest.approx(risen(0.0), abs=0.05)


def test_a_level_that_rises_alone_is_no_rise() -> None:
    arousal = fresh()
    hear(arousal, points(CALM, 60, 0))
    louder = [replace(p, level_db=p.level_db + 12.0) for p in points(CALM, 60, 600_000, 1)]
    assert kinds(hear(arousal, louder)) == []


def test_evidence_from_before_a_long_silence_is_half_forgotten() -> None:
    def rises(pause: int) -> list[Kind]:
        heated = points(HEATED, 2, 600_000, 1), points(HEATED, 2, 620_000 + pause, 5)
        return kinds(hear(fresh(), points(CALM, 60, 0), *heated))

    assert rises(0) == [Kind.AROUSAL_RISE]
    assert rises(60 * SAMPLE_RATE_HZ) == []


def test_a_rise_began_after_the_long_silence_before_it() -> None:
    before, after = points(HEATED, 2, 600_000, 1), points(HEATED, 8, 620_000 + 20 * SAMPLE_RATE_HZ, 5)
    out = hear(fresh(), points(CALM, 60, 0), before, after)
    (rise,) = (a for a in out if a.kind is Kind.AROUSAL_RISE)
    assert rise.span.start >= after[0].span.start
