"""Gold labels from words and contours, the matching, and the figures made of them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings

from benchmarks import scoring
from benchmarks.definition import Talk
from benchmarks.gold import Gold, gold_labels
from benchmarks.sbcsae import Conversation, Unit, read_all
from benchmarks.scoring import Said, Scored
from detectors.turn_settings import TurnSettings
from detectors.turns import annotate_activity
from streaming.types import OVERLAP_KINDS, Kind, Span, Speaker
from streaming.wire import samples
from tests.data import shared_data
from tests.detectors.activities import Activity, activities

A, B = Speaker.A, Speaker.B
RULES = TurnSettings(least_p=0.0, blame_margin_samples=0, listener_samples=0)


def conversation(*units: tuple[Speaker, float, float, str]) -> Conversation:
    spans = [Unit(by, Span(samples(start), samples(end)), text) for by, start, end, text in units]
    return Conversation("x", tuple(sorted(spans, key=lambda unit: unit.span.start)))


def only(*units: tuple[Speaker, float, float, str]) -> Gold:
    (label,) = gold_labels(conversation(*units))
    return label


def test_who_cuts_an_unfinished_unit_took_the_floor() -> None:
    label = only((A, 0, 5, "and then I wanted to"), (B, 4, 8, "No that was me."))
    assert (label.kind, label.by, label.demanded) == (Kind.TOOK_FLOOR, B, True)


def test_a_long_burst_of_listener_tokens_is_a_backchannel() -> None:
    label = only((A, 0, 8, "and then I went,"), (B, 4, 6, "Oh yeah, right, I see."), (A, 8.2, 9, "home."))
    assert label.timing is Kind.TALK_OVER
    assert label.kind is Kind.BACKCHANNEL


def test_a_start_at_a_completed_unit_is_terminal_even_where_the_other_adds_more() -> None:
    label = only((A, 0, 4.1, "I went home."), (A, 4.1, 5, "You know"), (B, 4, 8, "And who was there?"))
    assert label.timing is Kind.TOOK_FLOOR
    assert label.kind is Kind.TERMINAL_OVERLAP


def test_the_table_goes_top_down_a_short_burst_at_a_completed_unit_is_terminal() -> None:
    label = only((A, 0, 4.6, "I went home."), (A, 4.6, 7, "You know"), (B, 4.4, 5.1, "Which one"))
    assert label.timing is Kind.BACKCHANNEL
    assert label.kind is Kind.TERMINAL_OVERLAP


def test_unintelligible_speech_is_spoken_over_like_any_other() -> None:
    label = only((A, 0, 3, "So,"), (A, 3, 5, "<UNK>"), (B, 4, 8, "No that was me."))
    assert label.demanded


def test_a_turn_after_a_failed_try_and_a_completed_unit_took_nothing() -> None:
    label = only((A, 0, 5, "and then I went home."), (B, 4, 4.5, "But he"), (B, 5.1, 8, "But he was there."))
    assert label.timing is Kind.TOOK_FLOOR
    assert label.kind is Kind.BUTTED_IN


@pytest.mark.parametrize(
    ("excuse", "units"),
    [
        ("starter laughs", ((A, 0, 5, "and then I"), (B, 4, 8, "<LAUGH>"))),
        ("over laughter", ((A, 0, 3, "So,"), (A, 3, 5, "<LAUGH>"), (B, 4, 8, "No that was me."))),
        ("over listening", ((A, 0, 5, "Mhm."), (B, 4, 8, "No that was me."))),
        ("too short", ((A, 0, 4.05, "and then I"), (B, 4, 8, "No that was me."))),
    ],
)
def test_laughter_tokens_and_moments_are_neither_demanded_nor_punished(
    excuse: str, units: tuple[tuple[Speaker, float, float, str], ...]
) -> None:
    label = only(*units)
    assert (label.excuse, label.demanded) == (excuse, False)
    assert not label.interruption


def said(start_s: float, kind: Kind, by: Speaker | None = B, p: float = 0.9) -> Said:
    start = samples(start_s)
    return Said(start, kind, by, start + 16_000, start + 1600, p, ((1600, p),))


def gold(start_s: float, kind: Kind, *, demanded: bool = True, by: Speaker | None = B) -> Gold:
    start = samples(start_s)
    return Gold(start, kind, by, Span(start, start + 16_000), kind, "" if demanded else "over laughter")


def scored(labels: list[Gold], heard: list[Said]) -> list[Scored]:
    return [Scored("x", 10.0, tuple(scoring.match(labels, heard)))]


def test_starts_match_one_to_one_nearest_first() -> None:
    pairs = scoring.match(
        [gold(10.0, Kind.BACKCHANNEL), gold(10.3, Kind.TOOK_FLOOR)],
        [said(10.25, Kind.TOOK_FLOOR), said(10.9, Kind.BACKCHANNEL)],
    )
    assert [(p.gold and p.gold.kind, p.said and p.said.kind) for p in pairs] == [
        (Kind.BACKCHANNEL, None),
        (Kind.TOOK_FLOOR, Kind.TOOK_FLOOR),
        (None, Kind.BACKCHANNEL),
    ]


def test_a_wrong_culprit_is_wrong_and_none_is_not() -> None:
    labels = [gold(10.0, Kind.TOOK_FLOOR)]
    assert scoring.f1(scored(labels, [said(10.0, Kind.TOOK_FLOOR, A)])) == 0.0
    assert scoring.f1(scored(labels, [said(10.0, Kind.TALK_OVER, None)])) == 1.0


def test_what_is_not_demanded_is_false_only_as_an_interruption() -> None:
    labels = [gold(10.0, Kind.TOOK_FLOOR, demanded=False)]
    interrupting = scored(labels, [said(10.0, Kind.TOOK_FLOOR)])
    assert scoring.false_per_10_min(interrupting) == 1.0
    assert scoring.false_by_cause(interrupting) == {"over laughter": 1}
    assert scoring.counts(scored(labels, [said(10.0, Kind.BACKCHANNEL)]), Kind.BACKCHANNEL.__eq__) == (0, 0, 0)


def test_auc_and_calibration_of_certain_and_of_blind_guesses() -> None:
    truth = [True, True, False, False]
    assert scoring.auc([0.9, 0.8, 0.2, 0.1], truth) == 1.0
    assert scoring.auc([0.5] * 4, truth) == 0.5
    assert math.isnan(scoring.auc([0.5], [True]))
    assert scoring.calibration_error([0.5] * 4, truth) == 0.0
    assert scoring.calibration_error([1.0] * 4, truth) == 0.5


def agreeing(activity: Activity) -> None:
    """Two programs written apart: one hears moments as they come, the other sees all at once."""
    finals = {
        (a.span.start, a.kind, a.by)
        for a in annotate_activity("x", activity, RULES)
        if a.status == "final" and a.kind in OVERLAP_KINDS
    }
    table = {
        (m.start, m.kind, None if m.kind is Kind.DUAL_START else m.by)
        for m in Talk(activity).meetings()
        if m.overlap.length >= RULES.min_overlap_samples
    }
    assert finals == table


def test_a_floor_got_before_the_other_resumed_counts_even_if_a_pause_lay_between() -> None:
    agreeing({A: [Span(4800, 40640), Span(48640, 51200)], B: [Span(320, 4000), Span(16800, 45760), Span(48800, 62720)]})


def test_the_causal_detector_agrees_with_the_table_read_off_whole_conversations() -> None:
    for one in read_all(shared_data()):
        agreeing(one.activity)


@settings(max_examples=400, deadline=None)
@given(activities())
def test_the_causal_detector_agrees_with_the_table_on_any_activity(activity: Activity) -> None:
    agreeing(activity)
