"""A speaker's own usual goes on to another session, and another microphone does not spoil it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import signal

from detectors.pipeline import Pipeline
from streaming.types import SAMPLE_RATE_HZ, Annotation, Kind, Samples, Speaker
from tests.detectors.talk import dialogue, lines, packets, run


def both(voice: Samples) -> dict[Speaker, Samples]:
    return {Speaker.A: voice.astype(np.float32), Speaker.B: np.zeros(len(voice), np.float32)}


def calm() -> Samples:
    return dialogue(0, 50)[Speaker.A]


@pytest.fixture(scope="module")
def known() -> Pipeline:
    pipeline = Pipeline("before")
    for chunk in packets(both(calm()), session="before"):
        pipeline.push(chunk)
    return pipeline


def points(out: list[Annotation]) -> list[Annotation]:
    return [a for a in out if a.kind is Kind.AROUSAL]


def test_who_has_hardly_spoken_has_no_usual_to_carry(known: Pipeline) -> None:
    assert set(known.baselines()) == {Speaker.A}
    assert Pipeline("s").baselines() == {}


def test_what_is_carried_is_small_plain_json(known: Pipeline) -> None:
    text = json.dumps(known.baselines()[Speaker.A])
    assert len(text) < 1000
    carried = {Speaker.A: json.loads(text)}
    again = lines(run(Pipeline("s", baselines=known.baselines()), packets(both(calm()))))
    assert lines(run(Pipeline("s", baselines=carried), packets(both(calm())))) == again


def test_a_known_speaker_is_compared_from_the_first_points_on(known: Pipeline) -> None:
    fresh = points(run(Pipeline("s"), packets(both(calm()[: 8 * SAMPLE_RATE_HZ]))))
    out = points(run(Pipeline("s", baselines=known.baselines()), packets(both(calm()[: 8 * SAMPLE_RATE_HZ]))))
    assert max(a.confidence for a in fresh) < 0.3
    assert min(a.confidence for a in out) >= 0.5


def test_another_microphone_and_gain_are_no_arousal_of_a_known_speaker(known: Pipeline) -> None:
    bright = signal.lfilter([1.0, -0.5], [1.0], calm()) * 4.0
    out = run(Pipeline("s", baselines=known.baselines()), packets(both(bright)))
    assert Kind.AROUSAL_RISE not in {a.kind for a in out}
    assert np.mean([a.level or 0.0 for a in points(out)]) == pytest.approx(0.5, abs=0.1)


def test_a_baseline_of_another_format_is_not_used(known: Pipeline) -> None:
    old = {Speaker.A: {**known.baselines()[Speaker.A], "v": 0}}
    expected = lines(run(Pipeline("s"), packets(both(calm()[: 8 * SAMPLE_RATE_HZ]))))
    assert lines(run(Pipeline("s", baselines=old), packets(both(calm()[: 8 * SAMPLE_RATE_HZ])))) == expected


@pytest.mark.parametrize("wrong", [{"points": None}, {"score": [0.0, -1.0, 3.0]}, {"features": {}}])
def test_a_baseline_that_holds_no_numbers_is_refused(known: Pipeline, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="carried baseline is not one"):
        Pipeline("s", baselines={Speaker.A: {**known.baselines()[Speaker.A], **wrong}})
