"""Weights come out of training alone, and figures out of conversations that training did not see."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.gold import gold_labels
from benchmarks.harness import recordings
from benchmarks.sbcsae import Conversation, read_all
from benchmarks.scoring import Said, heard
from benchmarks.train_turns import Rows, fit, learn, moved, train
from benchmarks.turns_accuracy import RULES, figures, find
from detectors.turn_model import Logit, TurnModel, shipped
from detectors.turns import annotate_activity
from streaming.types import Span, Speaker
from tests.data import shared_data


def test_a_known_relation_is_found_again() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20_000, 2))
    y = rng.random(len(x)) < 1 / (1 + np.exp(-(2.0 * x[:, 0] - 1.0 * x[:, 1] - 0.5)))
    model = fit(Rows(x, y, np.ones(len(x))))
    assert model.weights == pytest.approx((2.0, -1.0), abs=0.1)
    assert model.offset == pytest.approx(-0.5, abs=0.1)


def test_boundaries_move_no_further_than_asked_and_spans_stay_in_order() -> None:
    spans = [Span(at, at + 8000) for at in range(0, 320_000, 16_000)]
    shifted = moved({Speaker.A: spans, Speaker.B: []}, 0.1, np.random.default_rng(0))[Speaker.A]
    assert len(shifted) == len(spans)
    for old, new in zip(spans, shifted, strict=True):
        assert max(abs(old.start - new.start), abs(old.end - new.end)) <= 1600
    assert [span.start for span in shifted] == sorted(span.start for span in shifted)


def test_the_shipped_weights_are_what_training_gives() -> None:
    shared_data()
    trained = train([learn(one, gold_labels(one)) for one in read_all(recordings())])

    def plain(model: Logit) -> list[float]:
        return [model.offset, *model.weights]

    assert plain(trained.early) == pytest.approx(plain(shipped().early), abs=0.002)
    assert plain(trained.ruled) == pytest.approx(plain(shipped().ruled), abs=0.002)


def test_nobody_is_judged_by_weights_that_it_taught() -> None:
    shared_data()
    some = read_all(recordings())[:3]
    found = find(some[:1], some)
    lessons = {one.name: learn(one, gold_labels(one)) for one in some}
    models = {name: train([own for other, own in lessons.items() if other != name]) for name in lessons}
    assert found.models == models
    judged = [pair.said for pair in found.ours[0].pairs if pair.said]
    assert sorted(judged, key=str) == sorted(heard_by(models[some[0].name], some[0]), key=str)
    assert sorted(judged, key=str) != sorted(heard_by(shipped(), some[0]), key=str)


def heard_by(model: TurnModel, conversation: Conversation) -> list[Said]:
    return heard(annotate_activity(conversation.name, conversation.activity, model=model))


def test_held_out_conversations_are_judged_better_than_by_the_table_alone() -> None:
    shared_data()
    some = read_all(recordings())[::3]
    measured = {figure.name: figure for figure in figures(find(some, some))}
    f1 = measured["interruption_f1"]
    assert f1.value > f1.alternatives[RULES] + 0.02
    assert measured["wrong_by"].value == 0
    assert measured["open_p95_ms"].value <= 400
