from __future__ import annotations

import pytest

from coach.policy import Coach
from streaming.types import Annotation, Happening, Kind
from streaming.wire import samples, seconds
from tests.coach.streams import (
    A,
    B,
    Lines,
    cluster,
    greetings,
    happening,
    hear,
    in_order,
    interruption,
    mirrored,
    note,
    rise,
    said,
    settled,
    speech,
)


def test_three_interruptions_in_a_minute_ask_for_one_at_a_time() -> None:
    lines = [*greetings(), *cluster(40.0)]
    cues = hear(Coach("s"), lines, 120.0)
    assert said(cues) == [(1, "One at a time?")]
    assert seconds(cues[0].at) == 71.2  # when the third was decided: nobody is known to speak
    assert cues[0].because == tuple(line.id for line in lines[-3:])


def test_two_interruptions_are_no_cluster() -> None:
    assert hear(Coach("s"), [*greetings(), *cluster(40.0)[:2]], 200.0) == []


def test_three_interruptions_in_more_than_a_minute_are_no_cluster() -> None:
    lines = [interruption(B, at_s) for at_s in (40.0, 75.0, 101.0)]
    assert hear(Coach("s"), [*greetings(), *lines], 200.0) == []


def test_an_interruption_that_is_announced_and_then_confirmed_counts_once() -> None:
    lines: list[Annotation] = []
    for final in cluster(40.0)[:2]:
        start_s = seconds(final.span.start)
        opens = [
            note(Kind.OVERLAP, B, start_s, start_s + i / 10, status="open", family="overlap", p_interruption=0.9)
            for i in range(4, 9)
        ]
        lines += [*opens, final, final]
    assert hear(Coach("s"), [*greetings(), *in_order(lines)], 200.0) == []


def test_an_interruption_revised_to_a_backchannel_no_longer_counts() -> None:
    first, second, third = cluster(40.0)
    words = interruption(B, 40.0, Kind.BACKCHANNEL, decided_s=65.0)
    assert words.id == first.id
    assert hear(Coach("s"), [*greetings(), first, second, words, third], 200.0) == []


@pytest.mark.parametrize(
    "kind", [Kind.BACKCHANNEL, Kind.BUTTED_IN, Kind.TERMINAL_OVERLAP, Kind.DUAL_START], ids=lambda kind: kind.value
)
def test_other_overlaps_are_not_interruptions(kind: Kind) -> None:
    assert hear(Coach("s"), [*greetings(), *cluster(40.0, kind=kind)], 200.0) == []


def test_interruptions_of_both_partners_count_alike_and_nobody_is_named() -> None:
    lines = [interruption(by, at_s) for by, at_s in ((A, 40.0), (B, 55.0), (None, 70.0))]
    assert said(hear(Coach("s"), [*greetings(), *lines], 120.0)) == [(1, "One at a time?")]


def test_unsure_interruptions_bring_no_cue() -> None:
    assert hear(Coach("s"), [*greetings(), *cluster(40.0, confidence=0.45)], 120.0) == []


def test_interruptions_by_one_partner_alone_need_a_surer_detector() -> None:
    """A microphone that picks up the other voice makes its owner interrupt all the time."""
    assert hear(Coach("s"), [*greetings(), *cluster(40.0, confidence=0.55)], 120.0) == []
    both = [interruption(by, at_s, confidence=0.55) for by, at_s in ((A, 40.0), (B, 55.0), (A, 70.0))]
    assert len(hear(Coach("s"), [*greetings(), *both], 120.0)) == 1


def test_a_cue_waits_for_a_pause() -> None:
    lines = [*greetings(), *cluster(40.0), *speech(B, 70.0, 73.0)]
    cues = hear(Coach("s"), in_order(lines), 120.0)
    assert [seconds(cue.at) for cue in cues] == [73.25]  # the pause is known 250 ms after it began


def test_a_change_of_speaker_is_a_boundary() -> None:
    lines = [*greetings(), *cluster(40.0), *speech(B, 70.0, 73.0), *speech(A, 73.05, 80.0)]
    assert [seconds(cue.at) for cue in hear(Coach("s"), in_order(lines), 120.0)] == [73.25]


def test_a_cue_that_finds_no_boundary_within_five_seconds_is_let_go() -> None:
    lines = [*greetings(), *cluster(40.0), *speech(B, 70.0, 77.0)]
    assert hear(Coach("s"), in_order(lines), 120.0) == []


def test_a_cue_does_not_wait_while_both_talk_at_once() -> None:
    lines = [
        *greetings(),
        *cluster(40.0)[:2],
        *speech(A, 66.0, 80.0),
        *speech(B, 70.0, 80.0),
        interruption(B, 70.0, Kind.TALK_OVER, decided_s=71.5),
    ]
    assert [seconds(cue.at) for cue in hear(Coach("s"), in_order(lines), 120.0)] == [71.5]


def test_a_rise_that_stays_up_asks_for_a_breath() -> None:
    cues = hear(Coach("s"), [*greetings(), rise(A, 40.0, 43.0)], 120.0)
    assert said(cues) == [(2, "Breathe together")]
    assert seconds(cues[0].at) == 46.0  # sustained for six seconds
    assert cues[0].ttl_s == 10.0


def test_a_rise_that_settles_by_itself_needs_no_cue() -> None:
    assert hear(Coach("s"), [*greetings(), rise(A, 40.0, 43.0), settled(A, 45.0)], 120.0) == []


def test_a_rise_that_is_on_its_way_down_needs_no_cue() -> None:
    lower = [note(Kind.AROUSAL, A, 42.5 + i, 43.0 + i, level=0.52) for i in range(8)]
    higher = [note(Kind.AROUSAL, A, 42.5 + i, 43.0 + i, level=0.8) for i in range(8)]
    assert hear(Coach("s"), [*greetings(), rise(A, 40.0, 43.0), *lower], 120.0) == []
    assert len(hear(Coach("s"), [*greetings(), rise(A, 40.0, 43.0), *higher], 120.0)) == 1


def test_a_voice_that_stays_up_is_answered_as_soon_as_the_dose_allows() -> None:
    lines = [*greetings(), *cluster(40.0), rise(B, 100.0, 107.0)]
    lines += [note(Kind.AROUSAL, B, 100.0 + i, 100.5 + i, level=0.8) for i in range(90)]
    cues = hear(Coach("s"), in_order(lines), 300.0)
    assert [(cue.level, seconds(cue.at)) for cue in cues] == [(1, 71.2), (2, 161.2)]


def test_an_unsure_rise_brings_no_cue() -> None:
    assert hear(Coach("s"), [*greetings(), rise(A, 40.0, 43.0, confidence=0.4)], 120.0) == []


def test_a_breath_goes_before_one_at_a_time() -> None:
    lines = [*greetings(), *cluster(40.0), *speech(B, 70.0, 73.0), rise(A, 60.0, 71.3)]
    assert said(hear(Coach("s"), in_order(lines), 120.0)) == [(2, "Breathe together")]


def test_a_followed_breath_is_later_followed_by_a_stem() -> None:
    lines = [*greetings(), rise(A, 40.0, 43.0), settled(A, 60.0), *speech(B, 130.0, 137.0)]
    cues = hear(Coach("s"), lines, 300.0)
    assert said(cues) == [(2, "Breathe together"), (3, "What did you hear?")]
    assert seconds(cues[1].at - cues[0].at) >= 90.0
    assert cues[1].because == (cues[0].id,)


def test_an_ignored_breath_is_not_followed_by_a_stem() -> None:
    lines = [*greetings(), rise(A, 40.0, 43.0), *speech(B, 130.0, 137.0), settled(A, 120.0)]
    assert said(hear(Coach("s"), in_order(lines), 300.0)) == [(2, "Breathe together")]


def test_a_long_monologue_brings_a_stem_once_the_speaker_pauses() -> None:
    lines = [
        *greetings(),
        *speech(A, 12.0, 109.0),
        note(Kind.MONOLOGUE, A, 12.0, 102.0, status="open"),
        note(Kind.MONOLOGUE, A, 12.0, 109.0, decided_s=111.0),
    ]
    cues = hear(Coach("s"), in_order(lines), 300.0)
    assert said(cues) == [(3, "What did you hear?")]
    assert 109.7 <= seconds(cues[0].at) <= 109.8


def test_stems_take_turns() -> None:
    lines = [
        note(Kind.MONOLOGUE, by, at_s - 90.0, at_s) for by, at_s in ((A, 100.0), (B, 400.0), (A, 800.0), (B, 1200.0))
    ]
    answers = ((B, 100.0), (A, 400.0), (B, 800.0), (A, 1200.0))
    replies = [line for by, at_s in answers for line in speech(by, at_s + 5.0, at_s + 9.0)]
    everything = in_order([*greetings(), *lines, *replies])
    texts = [cue.text for cue in hear(Coach("s"), everything, 1300.0)]
    assert texts == ["What did you hear?", "Did I get that right?", "Is there more?", "What did you hear?"]


def test_a_breath_again_and_again_that_does_not_help_becomes_a_time_out() -> None:
    coach = Coach("s")
    given = hear(coach, greetings(), 45.0)
    for at_s in (50.0, 250.0, 450.0):
        new = hear(coach, [rise(A, at_s, at_s + 3.0)], at_s + 30.0)
        given += new
        hear(
            coach, [happening("cue_dismissed", at_s + 30.0, "a", cue=new[0].id), settled(A, at_s + 150.0)], at_s + 160.0
        )
    breathe = (2, "Breathe together")
    assert said(given) == [breathe, breathe, (4, "Shall we take 20 minutes?")]
    assert given[-1].ttl_s < 30.0, "a question leaves by itself; only a time-out that was taken lasts"


def test_a_breath_that_helps_may_come_as_often_as_it_helps() -> None:
    lines: list[Annotation] = [*greetings()]
    for at_s in (50.0, 250.0, 450.0):
        lines += [rise(A, at_s, at_s + 3.0), settled(A, at_s + 30.0)]
    cues = [cue for cue in hear(Coach("s"), lines, 600.0) if cue.level != 3]
    assert said(cues) == [(2, "Breathe together")] * 3


def test_either_partner_may_ask_for_a_time_out_at_any_moment() -> None:
    coach = Coach("s")
    lines: Lines = [*greetings(), *cluster(40.0), happening("time_out", 72.0, "b", back_at="8:40")]
    cues = hear(coach, lines, 80.0)
    assert said(cues) == [(1, "One at a time?"), (4, "Pause. Back at 8:40.")]
    assert cues[1].ttl_s == 1200.0


def test_a_time_out_is_quiet_until_the_couple_comes_back() -> None:
    coach = Coach("s")
    lines: Lines = [*greetings(), happening("time_out", 20.0, "a"), *cluster(200.0)]
    assert said(hear(coach, lines, 400.0)) == [(4, "Pause. Back in 20 minutes.")]
    later: Lines = [happening("resumed", 410.0, "a"), *cluster(420.0)]
    assert said(hear(coach, later, 500.0)) == [(1, "One at a time?")]


def test_a_time_out_lasts_as_long_as_was_asked_for() -> None:
    lines: Lines = [*greetings(), happening("time_out", 50.0, "a", minutes=30, back_at="8:40"), *cluster(1800.0)]
    coach = Coach("s")
    assert [cue.ttl_s for cue in hear(coach, lines, 1840.0)] == [1800.0]
    assert coach.why_silent() == "time_out"
    assert said(hear(coach, cluster(1851.0), 1900.0)) == [(1, "One at a time?")]


def test_after_an_observers_note_the_coach_keeps_its_distance_and_it_is_no_dose() -> None:
    sent: Lines = [happening("note", at_s, None, text="Slow down") for at_s in (50.0, 200.0, 300.0, 400.0, 500.0)]
    spoken_into: Lines = [*greetings(), sent[0], *cluster(60.0)]
    coach = Coach("s")
    assert hear(coach, spoken_into, 139.9) == []
    assert coach.why_silent() == "spacing"
    again = Coach.restore("s", coach.save())
    for each in (coach, again):
        assert said(hear(each, cluster(140.5), 190.0)) == [(1, "One at a time?")], "90 s after it, and not sooner"
    assert hear(coach, sent[1:], 595.0) == []
    assert coach._dose.left(coach.now, coach.settings) == 3, "of four cues in ten minutes one was given"


def test_a_note_counts_from_when_it_was_sent_however_far_behind_the_detectors_are() -> None:
    late = Coach("s")
    lines: Lines = [*greetings(), happening("note", 50.0, None, text="Slow down")]
    for line in lines:  # nothing tells it that time has come to 50 s
        late.happened(line) if isinstance(line, Happening) else late.observe(line)
    prompt = Coach("s")
    hear(prompt, lines, 50.0)
    assert late.advance(samples(139.0)) == prompt.advance(samples(139.0)) == []
    assert late.why_silent() == prompt.why_silent() == "spacing"
    assert late.advance(samples(140.1)) == []
    assert late.why_silent() is None


def test_cues_are_ninety_seconds_apart() -> None:
    coach = Coach("s")
    lines = [*greetings(), *cluster(40.0), *cluster(100.0), *cluster(150.0)]
    cues = hear(coach, lines, 240.0)
    assert [seconds(cue.at) for cue in cues] == [71.2, 166.2]


def test_there_are_at_most_four_cues_in_ten_minutes() -> None:
    lines: Lines = [*greetings()]
    for at_s in range(40, 1600, 100):
        lines += [rise(A, at_s, at_s + 7.0), happening("cues_wanted", at_s + 8.0, "a"), settled(A, at_s + 20.0)]
    cues = hear(Coach("s"), lines, 1700.0)
    assert len(cues) >= 9
    for i in range(len(cues) - 4):
        assert seconds(cues[i + 4].at - cues[i].at) > 600.0


def ignored_twice() -> list[Annotation]:
    """An interruption every seven seconds, whatever the coach says."""
    return [*greetings(), *[interruption(A if i % 2 else B, 130.0 + 7.0 * i) for i in range(100)]]


def test_after_two_ignored_cues_the_coach_is_silent_for_the_rest() -> None:
    coach = Coach("s")
    assert len(hear(coach, ignored_twice(), 900.0)) == 2
    assert coach.why_silent() == "ignored"
    assert [line.detail["verdict"] for line in coach.take_outcomes()] == ["ignored", "ignored"]


def test_a_silent_coach_speaks_again_when_asked() -> None:
    coach = Coach("s")
    hear(coach, ignored_twice(), 900.0)
    asked: Lines = [happening("cues_wanted", 900.0, "a"), *cluster(910.0)]
    assert len(hear(coach, asked, 1000.0)) == 1


def test_a_dismissed_cue_is_not_an_ignored_one_but_the_next_waits_longer() -> None:
    coach = Coach("s")
    first = hear(coach, [*greetings(), *cluster(40.0)], 75.0)
    coach.happened(happening("cue_dismissed", 75.0, "a", cue=first[0].id))
    assert [line.detail["verdict"] for line in coach.take_outcomes()] == ["dismissed"]
    assert hear(coach, cluster(160.0), 230.0) == []
    assert len(hear(coach, cluster(240.0), 300.0)) == 1


def test_nothing_is_said_in_the_first_three_quarters_of_a_minute() -> None:
    lines = [*greetings(), *[interruption(A, at_s) for at_s in (20.0, 26.0, 32.0)]]
    assert hear(Coach("s"), lines, 100.0) == []


def ordinary_talk(until_s: float) -> list[Annotation]:
    lines: list[Annotation] = []
    at_s, by = 0.5, A
    while at_s + 4.0 < until_s:
        lines += speech(by, at_s, at_s + 4.0)
        at_s, by = at_s + 4.5, by.other
    return lines


def warm_habit(until_s: float) -> list[Annotation]:
    """An interruption every half minute."""
    return [interruption(A if i % 2 else B, 12.0 + 30.0 * i) for i in range(int((until_s - 12.0) / 30.0))]


def test_a_couple_that_overlaps_warmly_needs_a_bigger_cluster() -> None:
    """Two a minute in calm talk are their habit: three later on are nothing special."""
    coach = Coach("s")
    assert hear(coach, in_order([*ordinary_talk(195.0), *warm_habit(195.0), *cluster(200.0)]), 260.0) == []
    habit = coach.habit_per_min()
    assert habit is not None
    assert 1.5 < habit < 3.0
    assert len(hear(coach, [interruption(A, 300.0 + 2.0 * i) for i in range(10)], 400.0)) == 1


def test_a_couple_that_hardly_overlaps_is_held_to_the_plain_rule() -> None:
    lines = in_order([*ordinary_talk(195.0), *cluster(200.0)])
    assert said(hear(Coach("s"), lines, 260.0)) == [(1, "One at a time?")]


def test_three_interruptions_close_together_count_before_the_habit_is_known() -> None:
    close = [interruption(by, at_s) for by, at_s in ((A, 42.0), (B, 50.0), (A, 58.0))]
    apart = [interruption(by, at_s) for by, at_s in ((A, 12.0), (B, 35.0), (A, 58.0))]
    assert len(hear(Coach("s"), in_order([*ordinary_talk(58.0), *close]), 90.0)) == 1
    assert hear(Coach("s"), in_order([*ordinary_talk(58.0), *apart]), 90.0) == []


def test_with_arousal_up_the_habit_is_no_excuse() -> None:
    talk = [*ordinary_talk(195.0), *warm_habit(195.0)]
    heat = [rise(B, 228.0, 229.0), *cluster(200.0)]
    assert said(hear(Coach("s"), in_order([*talk, *heat]), 233.0)) == [(1, "One at a time?")]
    assert hear(Coach("s"), in_order([*talk, *cluster(200.0)]), 233.0) == []


def test_a_carried_habit_holds_from_the_beginning() -> None:
    close = [interruption(by, at_s) for by, at_s in ((A, 52.0), (B, 60.0), (A, 68.0))]
    lines = in_order([*ordinary_talk(70.0), *close])
    assert len(hear(Coach("s"), lines, 119.0)) == 1
    assert hear(Coach("s", habit_per_min=2.0), lines, 119.0) == []


def test_swapped_partners_get_the_same_cues() -> None:
    lines = in_order(
        [
            *greetings(),
            *cluster(40.0, B),
            *speech(A, 66.0, 73.0),
            *speech(B, 70.0, 71.0),
            rise(A, 180.0, 184.0),
            rise(B, 181.0, 184.0),
            settled(B, 200.0),
            settled(A, 203.0),
            *speech(B, 280.0, 284.0),
        ]
    )
    cues = hear(Coach("s"), lines, 400.0)
    assert [cue.level for cue in cues] == [1, 2, 3]
    assert hear(Coach("s"), [mirrored(line) for line in lines], 400.0) == cues


def test_the_cue_comes_at_the_same_time_however_time_is_cut() -> None:
    lines = in_order([*greetings(), *cluster(40.0), *speech(B, 70.0, 72.55), rise(A, 200.0, 204.0)])
    whole = hear(Coach("s"), lines, 300.0)
    coach, cues = Coach("s"), []
    left = list(lines)
    for now in range(0, samples(300.0), 523):
        while left and left[0].decided <= now:
            cues += coach.observe(left.pop(0))
        cues += coach.advance(now)
    assert [cue.level for cue in whole] == [1, 2]
    assert cues == whole
    eager, early = Coach("s"), []
    for line in lines:
        early += eager.advance(line.decided) + eager.observe(line)
    assert early + eager.advance(samples(300.0)) == whole


def test_a_second_delivery_changes_nothing() -> None:
    lines = [*greetings(), *cluster(40.0)[:2]]
    coach = Coach("s")
    assert hear(coach, [*lines, *lines, *lines], 90.0) == []
