"""Two phones on one table: each hears both voices, and each voice still has one owner."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from detectors.pipeline import Pipeline
from streaming.types import INTERRUPTION_KINDS, SAMPLE_RATE_HZ, Annotation, Kind, Samples, Speaker
from tests.detectors.talk import dialogue, packets, run, speech

UNTIL_S = 48.0


def room(late_ms: float, seed: int) -> Samples:
    """A made-up room: the direct sound, then 0.3 s of dense reflections that die away."""
    random = np.random.default_rng(seed)
    tail = random.standard_normal(4_800) * np.exp(-np.arange(4_800) / 1_000) * 0.12
    response = np.concatenate([np.zeros(round(late_ms * 16)), [1.0], tail])
    return np.asarray(response / np.sqrt((response**2).sum()), dtype=np.float32)


def one_table(down_db: float, late_ms: float) -> dict[Speaker, Samples]:
    audio = dialogue(0, UNTIL_S)
    out = {}
    for seed, speaker in enumerate(Speaker):
        other = signal.fftconvolve(audio[speaker.other], room(late_ms, seed))[: len(audio[speaker])]
        hiss = np.random.default_rng(seed).standard_normal(len(other)) * 1e-4
        out[speaker] = (audio[speaker] + other * 10 ** (-down_db / 20) + hiss).astype(np.float32)
    return out


def steps(annotations: list[Annotation], speaker: Speaker) -> np.ndarray:
    out = np.zeros(round(UNTIL_S * 100) + 1, dtype=bool)
    for a in speech(annotations, speaker):
        out[a.span.start // 160 : a.span.end // 160] = True
    return out


@pytest.fixture(scope="module")
def apart() -> list[Annotation]:
    return run(Pipeline("s"), packets(dialogue(0, UNTIL_S)))


@pytest.mark.parametrize(("down_db", "late_ms"), [(6.0, 5.0), (12.0, 20.0)])
def test_the_other_voice_in_a_microphone_is_not_this_partners_speech(
    apart: list[Annotation], down_db: float, late_ms: float
) -> None:
    together = run(Pipeline("s"), packets(one_table(down_db, late_ms)))
    for speaker in Speaker:
        alone, beside = steps(apart, speaker), steps(together, speaker)
        assert (beside & ~alone).sum() < 0.08 * (~alone).sum()
        assert (alone & ~beside).sum() < 0.08 * alone.sum()
    real = [a.span.start for a in apart if a.kind in INTERRUPTION_KINDS]
    false = [
        a
        for a in together
        if a.kind in INTERRUPTION_KINDS and all(abs(a.span.start - at) > 0.35 * SAMPLE_RATE_HZ for at in real)
    ]
    assert false == []
    assert {a.by for a in together if a.kind is Kind.QUALITY and a.reason == "bleed"} == set(Speaker)


def test_two_rooms_are_never_taken_for_one(apart: list[Annotation]) -> None:
    assert not [a for a in apart if a.reason == "bleed"]
