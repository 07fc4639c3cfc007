"""Bad audio is named once a condition, and costs confidence."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from benchmarks.lines import controlled
from detectors.pipeline import Pipeline
from streaming.types import SAMPLE_RATE_HZ, Annotation, Kind, Samples, Speaker
from tests.detectors.talk import dialogue, packets, run


def told(out: list[Annotation], by: Speaker = Speaker.A) -> dict[str | None, list[Annotation]]:
    found: dict[str | None, list[Annotation]] = {}
    for a in out:
        if a.kind is Kind.QUALITY and a.by is by:
            found.setdefault(a.reason, []).append(a)
    return found


def heard(spoil_a: Samples) -> list[Annotation]:
    return run(Pipeline("s"), packets({Speaker.A: spoil_a.astype(np.float32), Speaker.B: dialogue(0, 60)[Speaker.B]}))


def confidence(out: list[Annotation], kind: Kind) -> float:
    said = [a.confidence for a in out if a.kind is kind and a.status == "final" and a.by is Speaker.A]
    return float(np.mean(said[len(said) // 3 :]))


@pytest.fixture(scope="module")
def clean() -> list[Annotation]:
    return heard(dialogue(0, 60)[Speaker.A])


def test_clean_audio_is_not_complained_of(clean: list[Annotation]) -> None:
    assert told(clean) == {}


@pytest.mark.parametrize("reason", ["clipping", "noisy", "narrow_band", "muted"])
def test_each_condition_is_named_with_one_open_and_one_final_line_and_lowers_confidence(
    clean: list[Annotation], reason: str
) -> None:
    voice = dialogue(0, 60)[Speaker.A]
    random = np.random.default_rng(0)
    telephone = signal.butter(6, [300, 3400], "bandpass", fs=SAMPLE_RATE_HZ, output="sos")
    rms = np.sqrt(np.mean(voice[np.abs(voice) > 0.01] ** 2))
    spoilt = {
        "clipping": np.clip(voice * 14.0, -1.0, 1.0),
        "noisy": voice + random.standard_normal(len(voice)) * rms * 0.35,
        "narrow_band": signal.sosfilt(telephone, voice),
        "muted": np.where(np.arange(len(voice)) < 30 * SAMPLE_RATE_HZ, voice, 0.0),
    }[reason]
    out = heard(spoilt)
    assert [a.status for a in told(out)[reason]] == ["open", "final"]
    opened, final = told(out)[reason]
    assert opened.id == final.id
    assert final.span.length >= SAMPLE_RATE_HZ
    if reason != "muted":
        for kind in (Kind.AROUSAL, Kind.SPEECH):
            assert confidence(out, kind) < 0.95 * confidence(clean, kind)


def test_gain_control_is_named_and_a_voice_that_changes_is_not() -> None:
    voice, random = dialogue(0, 60)[Speaker.A] * 0.3, np.random.default_rng(0)
    speaks_up = np.repeat(10 ** (random.uniform(-10, 10, 24) / 20), len(voice) // 24)
    room = random.standard_normal(len(speaks_up)) * 10 ** (-65 / 20)
    lively = (voice[: len(speaks_up)] * speaks_up + room).astype(np.float32)
    assert "gain_control" not in told(run(Pipeline("s"), packets(both(lively))))
    evened = run(Pipeline("s"), packets(both(controlled(lively))))
    assert [a.status for a in told(evened)["gain_control"]] == ["open", "final"]


def both(voice: Samples) -> dict[Speaker, Samples]:
    return {Speaker.A: voice, Speaker.B: np.zeros_like(voice)}


def test_missing_audio_is_not_called_muted() -> None:
    out = run(Pipeline("s"), packets(dialogue(0, 40), lost=[(Speaker.A, 0, 40 * SAMPLE_RATE_HZ)]))
    assert told(out) == {}
