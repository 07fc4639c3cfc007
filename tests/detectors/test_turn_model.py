"""How sure the detector is that an overlap is an interruption."""

from __future__ import annotations

import itertools

import pytest

from detectors.turn_model import EARLY, RULED, TurnModel, early, ruled, shipped
from detectors.turn_settings import TurnSettings
from detectors.turns import TurnDetector, annotate_activity
from streaming.types import INTERRUPTION_KINDS, Annotation, Kind, Span, Speaker
from streaming.wire import samples

A, B = Speaker.A, Speaker.B


def said(a: list[tuple[float, float]], b: list[tuple[float, float]]) -> list[Annotation]:
    activity = {who: [Span(samples(start), samples(end)) for start, end in spans] for who, spans in ((A, a), (B, b))}
    return annotate_activity("s", activity)


def p_of(annotation: Annotation) -> float:
    assert annotation.p_interruption is not None
    return annotation.p_interruption


def test_the_longer_both_go_on_the_likelier_is_an_interruption() -> None:
    opens = [p_of(x) for x in said([(0, 9)], [(5, 8)]) if x.status == "open"][1:14]
    assert all(later > earlier for earlier, later in itertools.pairwise(opens))


def test_a_short_word_that_has_ended_is_hardly_an_interruption() -> None:
    opens = [p_of(x) for x in said([(0, 9)], [(5, 5.3)]) if x.status == "open"]
    assert opens[-1] < 0.1


def test_a_starter_silent_for_longer_is_less_and_less_likely_to_interrupt() -> None:
    opens = [p_of(x) for x in said([(0, 9)], [(5, 5.45)]) if x.status == "open"][5:]
    assert len(opens) > 5
    assert all(later < earlier for earlier, later in itertools.pairwise(opens))


def test_a_starter_who_begins_again_while_the_holder_goes_on_is_likelier_to_interrupt() -> None:
    once, again = (
        [p_of(x) for x in said([(0, 9)], [(5, 5.4), *more]) if x.status == "open" and x.decided <= samples(6)][-1]
        for more in ([], [(5.8, 8)])
    )
    assert again > 5 * once


def test_who_fell_silent_before_the_holder_finished_did_not_take_the_floor() -> None:
    """By the table alone a pause of the starter, then a turn once the holder is done, takes the floor."""
    (final,) = [x for x in said([(0, 6)], [(5, 5.4), (5.8, 9)]) if x.status == "final"]
    assert final.kind is Kind.BUTTED_IN


@pytest.mark.parametrize("before_s", [1.5, 3.0, 10.0])
@pytest.mark.parametrize("together_s", [0.5, 0.8, 1.3, 2.5])
@pytest.mark.parametrize("after_s", [0.8, 4.0])
def test_a_clear_interruption_is_never_doubted(before_s: float, together_s: float, after_s: float) -> None:
    stop_s = before_s + together_s
    (final,) = [x for x in said([(0, stop_s)], [(before_s, stop_s + after_s)]) if x.status == "final"]
    assert final.kind in INTERRUPTION_KINDS
    assert p_of(final) == final.confidence > TurnSettings().least_p


def test_among_those_who_often_speak_at_once_a_take_over_is_less_sure_and_a_clear_one_stays_one() -> None:
    turns = [(at, at + 2.5) for at in range(0, 60, 3)]
    for together_s in (0.8, 2.5):
        quiet, lively = (
            said([*turns, (60, 63 + together_s)], [*laughs, (63, 68)])[-1]
            for laughs in ([], [(at + 1, at + 1.8) for at, _ in turns])
        )
        assert quiet.kind is lively.kind in INTERRUPTION_KINDS
        assert p_of(lively) < p_of(quiet)


def test_every_feature_has_its_name() -> None:
    detector = TurnDetector("s")
    detector.step(samples(2), {A: True, B: False}, {})
    detector.step(samples(2.2), {A: True, B: True}, {})
    (overlap,) = detector.undecided
    assert len(early(overlap, detector.now)) == len(EARLY)
    assert len(ruled(overlap)) == len(RULED)


def test_weights_survive_json_and_those_of_other_features_are_refused() -> None:
    model = shipped()
    assert TurnModel.from_json(model.as_json()) == model
    with pytest.raises(ValueError, match="loudness"):
        TurnModel.from_json({"early": {"offset": 0.0, "weights": {"loudness": 1.0}}, "ruled": {}})
