from __future__ import annotations

from benchmarks.coach import answer, judge, listen, tempt
from benchmarks.couples import Moment, Scripted, as_heard, ipus, scripted_couple
from benchmarks.sbcsae import read_all
from coach.settings import CoachSettings
from streaming.types import INTERRUPTION_KINDS, Kind, Span, Speaker
from streaming.wire import samples
from tests.data import shared_data

SETTINGS = CoachSettings()


def moment(start_s: float, end_s: float) -> Moment:
    return Moment("cluster", Span(samples(start_s), samples(end_s)))


def test_a_moment_is_answered_where_a_cue_comes_within_five_seconds_of_its_evidence() -> None:
    judged = judge([moment(10.0, 30.0)], [(20.0, None)], [24.0])
    assert (judged.answered, judged.delays_s) == (1, [4.0])
    assert judge([moment(10.0, 30.0)], [(20.0, None)], [25.5]).missed == 1
    assert judge([moment(10.0, 30.0)], [(20.0, None)], [19.0]).missed == 1


def test_a_moment_held_back_by_the_dose_alone_is_counted_apart() -> None:
    assert judge([moment(10.0, 30.0)], [(20.0, "spacing")], []).held_by_dose == 1
    assert judge([moment(10.0, 30.0)], [(20.0, "poor_audio")], []).missed == 1
    assert judge([moment(10.0, 30.0)], [], []).without_evidence == 1


def test_a_scripted_quarrel_is_one_to_the_turn_detector_too() -> None:
    couple = Scripted(7)
    couple.calm(30.0)
    couple.cluster()
    couple.shouting()
    found = [line for line in couple.lines() if line.status == "final" and line.kind in INTERRUPTION_KINDS]
    for scripted in couple.moments:
        assert sum(scripted.span.start <= line.span.start <= scripted.span.end for line in found) >= 3


def test_a_scripted_couple_is_the_same_every_time() -> None:
    assert scripted_couple(3).lines() == scripted_couple(3).lines()
    assert scripted_couple(3).lines() != scripted_couple(4).lines()


def test_scripted_heated_moments_are_mostly_answered() -> None:
    heated = [answer(scripted_couple(seed), SETTINGS) for seed in range(3)]
    answered, asked = sum(h.answered for h in heated), sum(h.asked for h in heated)
    assert asked >= 10
    assert answered / asked >= 0.8


def test_voices_are_announced_and_ended_as_a_detector_would() -> None:
    lines = as_heard("s", {Speaker.A: [Span(0, 16_000), Span(17_600, 32_000)], Speaker.B: []})
    voices = [line for line in lines if line.kind is Kind.SPEECH]
    assert [(v.status, v.span.end) for v in voices] == [("open", 1_600), ("final", 32_000)]
    assert ipus([Span(0, 10), Span(20_000, 30_000)]) == [Span(0, 10), Span(20_000, 30_000)]


def test_calm_talk_mirrored_and_restarted_gives_the_same_cues() -> None:
    shortest = min(read_all(shared_data()), key=lambda conversation: conversation.length)
    calm = listen(shortest, SETTINGS)
    assert calm.same_mirrored
    assert calm.same_restarted
    assert len(calm.cues) <= 1


def test_temptation_gives_cues_and_breaks_no_rule() -> None:
    cues, violations = tempt(3, SETTINGS)
    assert cues > 3
    assert violations == []
