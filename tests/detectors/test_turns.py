"""What the turn detector says of who speaks when."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.turns import TurnDetector, annotate_activity, changes
from streaming.types import INTERRUPTION_KINDS, OVERLAP_KINDS, Annotation, Kind, Span, Speaker
from streaming.wire import samples
from tests.detectors.activities import Activity, activities, drive, edges, missings

A, B = Speaker.A, Speaker.B


def talk(a: list[tuple[float, float]], b: list[tuple[float, float]]) -> Activity:
    return {who: [Span(samples(start), samples(end)) for start, end in spans] for who, spans in ((A, a), (B, b))}


def finals(activity: Activity) -> list[Annotation]:
    return [x for x in annotate_activity("s", activity) if x.status == "final" and x.kind in OVERLAP_KINDS]


def only(activity: Activity) -> Annotation:
    (event,) = finals(activity)
    return event


def mirrored(activity: Activity) -> Activity:
    return {who: activity[who.other] for who in Speaker}


def test_a_start_into_a_turn_that_stops_for_it_took_the_floor() -> None:
    event = only(talk([(0, 5)], [(4, 8)]))
    assert event.kind is Kind.TOOK_FLOOR
    assert (event.by, event.over) == (B, A)
    assert event.span == Span(samples(4), samples(5))
    assert event.decided <= samples(5.5 + 1.2)


def test_speaking_together_for_long_is_a_talk_over() -> None:
    event = only(talk([(0, 8)], [(4, 6.5)]))
    assert event.kind is Kind.TALK_OVER
    assert (event.by, event.over) == (B, A)
    assert event.decided <= samples(5.5 + 1.2)


def test_foreseeing_the_end_of_a_turn_is_not_an_interruption() -> None:
    assert only(talk([(0, 5)], [(4.8, 8)])).kind is Kind.TERMINAL_OVERLAP


def test_a_short_word_of_a_listener_is_a_backchannel() -> None:
    event = only(talk([(0, 8)], [(4, 4.4)]))
    assert event.kind is Kind.BACKCHANNEL
    assert event.decided <= samples(5.4 + 1.2)


def test_a_listeners_word_stays_one_when_more_is_said_a_moment_later() -> None:
    assert only(talk([(0, 9)], [(4, 4.4), (5.2, 6.2)])).kind is Kind.BACKCHANNEL
    assert only(talk([(0, 9)], [(4, 4.9), (5.7, 6.7)])).kind is Kind.BUTTED_IN


def test_who_tries_and_stops_first_butted_in() -> None:
    assert only(talk([(0, 8)], [(4, 5.3)])).kind is Kind.BUTTED_IN


def test_who_enters_at_once_has_no_culprit() -> None:
    event = only(talk([(1, 3)], [(1.1, 4)]))
    assert event.kind is Kind.DUAL_START
    assert event.by is None
    assert event.over is None


def test_a_pause_inside_an_ipu_does_not_end_it() -> None:
    assert only(talk([(0, 4.1), (4.25, 5.6)], [(4, 8)])).kind is Kind.TALK_OVER


def test_a_burst_gives_one_event_however_often_it_pauses() -> None:
    assert len(finals(talk([(0, 12)], [(4, 4.6), (5.2, 5.9), (6.3, 6.6)]))) == 1


def test_who_does_not_hold_the_floor_cannot_be_interrupted() -> None:
    assert finals(talk([(0, 5), (5.7, 8)], [(5.3, 5.9)])) == []


def test_an_overlap_is_announced_early_and_revised_under_one_id() -> None:
    said = annotate_activity("s", talk([(0, 5)], [(4, 8)]))
    opens = [x for x in said if x.status == "open"]
    assert opens[0].decided <= samples(4.4)
    steps = {later.decided - earlier.decided for earlier, later in itertools.pairwise(opens)}
    assert steps == {samples(0.1)}
    assert all(x.p_interruption is not None and 0 <= x.p_interruption <= 1 for x in said)
    assert len({x.id for x in said}) == 1
    assert [x.status for x in said].count("final") == 1


def test_missing_audio_ends_speech_and_blames_nobody() -> None:
    detector = TurnDetector("s")
    heard = {A: False, B: False}
    out = detector.step(samples(4), {A: True, B: False}, heard)
    out += detector.step(samples(4.6), {A: True, B: True}, heard)
    out += detector.step(samples(8), {A: True, B: True}, {A: True, B: False})
    (event,) = [x for x in out + detector.flush() if x.status == "final"]
    assert event.by is None
    assert event.kind not in INTERRUPTION_KINDS


def test_a_start_right_after_missing_audio_has_no_culprit() -> None:
    detector = TurnDetector("s")
    out = detector.step(samples(3.5), {A: True, B: False}, {A: False, B: False})
    out += detector.step(samples(4), {A: True, B: False}, {A: False, B: True})
    out += detector.step(samples(8), {A: True, B: True}, {A: False, B: False})
    (event,) = [x for x in out + detector.flush() if x.status == "final"]
    assert event.by is None


def placed(activity: Activity, *, uncertainty: int = 0, hears_late: dict[Speaker, int] | None = None) -> Annotation:
    """The final word on the one overlap of an activity whose streams are placed like this."""
    detector = TurnDetector("s")
    out: list[Annotation] = []
    for end, active in changes(activity):
        out += detector.step(end, active, {}, uncertainty=uncertainty, hears_late=hears_late)
    (final,) = [x for x in out + detector.flush() if x.status == "final"]
    return final


def test_an_overlap_within_the_timing_uncertainty_has_no_culprit() -> None:
    short = talk([(0, 5)], [(4.85, 8)])
    assert placed(short).by is B
    assert placed(short, uncertainty=samples(0.2)).by is None


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([(1, 3), (4, 9)], [(4.3, 6)]),
        ([(1, 3), (3.15, 9)], [(3.2, 6)]),
    ],
    ids=["300 ms after a common silence", "into the end of a pause too short to end an IPU"],
)
def test_what_may_have_been_a_common_start_blames_nobody(
    a: list[tuple[float, float]], b: list[tuple[float, float]]
) -> None:
    """No detector places a boundary better than to 100 ms."""
    assert only(talk(a, b)).by is None
    assert only(talk(a, [(start + 0.4, end) for start, end in b])).by is B


def test_a_start_is_judged_by_what_the_starter_could_have_heard() -> None:
    """At the server b starts half a second into a's turn; at b's ear a had not begun."""
    resumed = talk([(0, 3), (4, 8)], [(4.5, 8.5)])
    assert placed(resumed).by is B
    late = placed(resumed, hears_late={B: samples(0.6)})
    assert late.kind is Kind.DUAL_START
    assert late.by is None


def test_an_end_that_the_starter_could_not_have_foreseen_is_not_foreseen_at_a_distance_either() -> None:
    """At the server a stops 250 ms after b's start; b heard a go on for 0.6 s longer."""
    taken = talk([(0, 5)], [(4.75, 9)])
    assert placed(taken).kind is Kind.TERMINAL_OVERLAP
    far = placed(taken, hears_late={B: samples(0.6)})
    assert (far.kind, far.by, far.over) == (Kind.TOOK_FLOOR, B, A)


@pytest.mark.parametrize("late_s", [0.0, 0.1, 0.3, 0.6, 1.0])
@pytest.mark.parametrize(
    ("a", "b", "kind"),
    [
        ([(0, 5)], [(4.8, 9)], Kind.TERMINAL_OVERLAP),
        ([(0, 5)], [(4.5, 9)], Kind.TOOK_FLOOR),
        ([(0, 9)], [(4, 7)], Kind.TALK_OVER),
        ([(0, 9)], [(4, 4.6)], Kind.BACKCHANNEL),
        ([(0, 9)], [(4, 5.3)], Kind.BUTTED_IN),
        ([(0, 5)], [(3.8, 5.3)], Kind.BUTTED_IN),
    ],
)
def test_what_a_partner_does_is_called_the_same_at_any_distance(
    a: list[tuple[float, float]], b: list[tuple[float, float]], kind: Kind, late_s: float
) -> None:
    """b does all by ear, hence later in session time; the last words of a may be over there by then."""
    far = talk(a, [(start + late_s, end + late_s) for start, end in b])
    event = placed(far, hears_late={B: samples(late_s)})
    assert (event.kind, event.by, event.over) == (kind, B, A)
    mirrored = placed(talk([(s + late_s, e + late_s) for s, e in b], a), hears_late={A: samples(late_s)})
    assert (mirrored.kind, mirrored.by, mirrored.over) == (kind, A, B)


def test_an_answer_to_what_was_heard_to_the_end_overlaps_nothing() -> None:
    detector = TurnDetector("s")
    for end, active in changes(talk([(0, 5)], [(5.7, 9)])):
        assert not detector.step(end, active, {}, hears_late={B: samples(0.6)})
    assert not detector.flush()


def test_two_who_could_not_hear_each_other_yet_have_met_nobody() -> None:
    detector = TurnDetector("s")
    for end, active in changes(talk([(0, 0.6)], [(0.7, 4)])):
        assert not detector.step(end, active, {}, hears_late={B: samples(0.6)})
    assert not detector.flush()


def test_four_seconds_without_a_word_are_a_long_silence() -> None:
    said = annotate_activity("s", talk([(0, 2)], [(7, 8)]))
    opened, ended = [x for x in said if x.kind is Kind.LONG_SILENCE]
    assert (opened.status, ended.status) == ("open", "final")
    assert opened.decided == samples(6)
    assert ended.span == Span(samples(2), samples(7))


def test_missing_audio_is_not_silence() -> None:
    detector = TurnDetector("s")
    out = detector.step(samples(2), {A: True, B: False}, {A: False, B: False})
    out += detector.step(samples(12), {A: False, B: False}, {A: False, B: True})
    assert [x for x in out if x.kind is Kind.LONG_SILENCE] == []


def test_ninety_seconds_of_one_partner_are_a_monologue_with_backchannels_or_without() -> None:
    speech = [(10.0 * i, 10.0 * i + 9.0) for i in range(12)]
    said = annotate_activity("s", talk(speech, [(33, 33.4), (60, 60.5)]))
    opened, ended = [x for x in said if x.kind is Kind.MONOLOGUE]
    assert opened.decided == samples(90)
    assert ended.span == Span(0, samples(119))
    assert opened.by is A


def test_a_turn_of_the_other_breaks_a_monologue() -> None:
    speech = [(10.0 * i, 10.0 * i + 9.0) for i in range(12)]
    said = annotate_activity("s", talk(speech, [(49.2, 50.8)]))
    assert [x for x in said if x.kind is Kind.MONOLOGUE] == []


def heard(activity: Activity, missing: Activity, cuts: list[int], *, save: bool = False) -> list[Annotation]:
    """What is said when steps also end at ``cuts``, with the state saved and restored there where wanted."""
    detector = TurnDetector("s")
    out: list[Annotation] = []
    last = max(edges(activity, missing), default=0)
    for end in sorted(edges(activity, missing) | {cut for cut in cuts if cut < last}):
        out += drive(detector, activity, missing, [end])
        if save and end in cuts:
            detector = TurnDetector.restore("s", json.loads(json.dumps(detector.save())))
    return out + detector.flush()


CUTS = st.lists(st.integers(0, 30 * 16_000), max_size=60)


@settings(max_examples=150, deadline=None)
@given(activities(), missings(), CUTS)
def test_how_time_is_cut_into_steps_changes_nothing(activity: Activity, missing: Activity, cuts: list[int]) -> None:
    assert heard(activity, missing, cuts) == heard(activity, missing, [])


@settings(max_examples=100, deadline=None)
@given(activities(), missings(), CUTS)
def test_a_detector_restored_anywhere_goes_on_as_if_nothing_had_happened(
    activity: Activity, missing: Activity, cuts: list[int]
) -> None:
    assert heard(activity, missing, cuts, save=True) == heard(activity, missing, [])


@settings(max_examples=50, deadline=None)
@given(activities())
def test_given_activity_is_heard_as_it_would_be_live(activity: Activity) -> None:
    assert annotate_activity("s", activity) == heard(activity, {A: [], B: []}, list(range(0, 30 * 16_000, 512)))


@settings(max_examples=150, deadline=None)
@given(activities(), missings())
def test_swapping_the_partners_mirrors_every_label(activity: Activity, missing: Activity) -> None:
    def plain(annotation: Annotation) -> Annotation:
        return replace(annotation, id="")

    swapped = [
        replace(plain(x), by=x.by and x.by.other, over=x.over and x.over.other)
        for x in heard(mirrored(activity), mirrored(missing), [])
    ]
    said = [plain(x) for x in heard(activity, missing, [])]
    assert sorted(map(repr, swapped)) == sorted(map(repr, said))


@settings(max_examples=150, deadline=None)
@given(activities())
def test_every_overlap_is_announced_in_time_and_ends_in_one_final(activity: Activity) -> None:
    said = [x for x in annotate_activity("s", activity) if x.kind in OVERLAP_KINDS | {Kind.OVERLAP}]
    for event in {x.id for x in said}:
        lines = [x for x in said if x.id == event]
        assert [x.status for x in lines] == ["open"] * (len(lines) - 1) + ["final"]
        assert lines[0].decided - lines[0].span.start <= samples(0.4)
        assert len({x.span.start for x in lines}) == 1


@pytest.mark.parametrize("length", [0, 1])
def test_empty_activity_gives_nothing(length: int) -> None:
    assert annotate_activity("s", {A: [Span(0, length)], B: []}) == []


def test_what_is_undecided_when_the_session_ends_is_decided_then() -> None:
    detector = TurnDetector("s")
    detector.step(samples(5), {A: True, B: False}, {})
    said = detector.step(samples(5.6), {A: True, B: True}, {})
    assert {x.status for x in said} == {"open"}
    assert [x.status for x in detector.flush()][-1:] == ["final"]
    assert detector.undecided == ()


def test_listening_that_begins_late_is_not_silence_before() -> None:
    detector = TurnDetector("s", start=samples(60))
    assert detector.step(samples(63), {A: False, B: False}, {}) == []
