"""In the floor mode it is known whose turn it is, so an interruption is exact, live and in the report."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from coach import floor as floors
from coach.floor import Floor, Phase
from coach.floor_watch import BrokeIn, FloorWatch
from coach.policy import Coach
from streaming.types import Annotation, Happening, Kind, Speaker
from streaming.wire import samples, seconds
from tests.coach.streams import A, B, greetings, happening, hear, in_order, interruption, note, said, speech

Line = Annotation | Happening


def turn(at_s: float, phase: Phase, holder: Speaker | None) -> Happening:
    return happening("floor", at_s, **floors.save(Floor(phase, holder)))


def found(lines: Sequence[Line], until_s: float = 60.0) -> list[tuple[Speaker, Speaker, float]]:
    watch, out = FloorWatch(), list[BrokeIn]()
    for line in lines:
        if isinstance(line, Happening):
            watch.happened(line)
        else:
            out += watch.observe("s", line, 0.6)
    out += watch.advance("s", samples(until_s))
    return [(b.by, b.over, seconds(b.start)) for b in out]


def holding(by: Speaker = A) -> Happening:
    return turn(1.0, Phase.HOLDING, by)


def test_speech_beyond_a_listening_sound_breaks_into_the_other_s_turn() -> None:
    assert found([holding(), *speech(B, 5.0, 7.0)]) == [(B, A, 5.0)]
    assert found([holding(), *speech(B, 5.0, 6.0)]) == []
    assert found([holding(), *speech(A, 5.0, 9.0)]) == []
    assert found([turn(1.0, Phase.REFLECTING, A), *speech(A, 5.0, 7.0)]) == [(A, B, 5.0)]
    assert found([turn(1.0, Phase.CONFIRMING, A), *speech(B, 5.0, 7.0)]) == []
    assert found(speech(B, 5.0, 7.0)) == []


def test_it_is_told_two_seconds_after_it_began_though_it_goes_on() -> None:
    watch = FloorWatch()
    watch.happened(holding())
    watch.observe("s", speech(B, 5.0, 50.0)[0], 0.6)
    assert watch.advance("s", samples(6.9)) == []
    (broken,) = watch.advance("s", samples(7.0))
    assert seconds(broken.decided - broken.start) == 2.0
    assert watch.observe("s", speech(B, 5.0, 50.0)[1], 0.6) == []
    assert watch.advance("s", samples(60.0)) == [], "one start, told once"


def test_who_is_handed_the_floor_just_after_beginning_had_it_already() -> None:
    handed = turn(6.5, Phase.HOLDING, B)
    assert found([holding(), handed, *speech(B, 5.0, 9.0)]) == []
    late = turn(7.5, Phase.HOLDING, B)
    assert found([holding(), late, *speech(B, 5.0, 9.0)]) == [(B, A, 5.0)]


def test_what_was_no_voice_after_all_breaks_into_nothing() -> None:
    taken_back = note(Kind.SPEECH, B, 5.0, 5.1, decided_s=5.6, confidence=0.0)
    assert found([holding(), speech(B, 5.0, 8.0)[0], taken_back]) == []


def test_a_state_that_cannot_be_read_calls_nothing_exact() -> None:
    assert found([happening("floor", 1.0, phase="shouting", holder="a", swaps=0), *speech(B, 5.0, 8.0)]) == []


def test_three_starts_into_agreed_turns_bring_a_cue_whatever_the_couple_s_habit() -> None:
    lines: list[Line] = [*greetings(), holding()]
    lines += in_order([line for at_s in (60.0, 70.0, 80.0) for line in speech(B, at_s, at_s + 2.5)])
    coach = Coach("s", habit_per_min=6.0)
    assert said(hear(coach, lines, 100.0)) == [(1, "One at a time?")]
    told = coach.take_outcomes()
    assert [(line.kind, line.by, line.detail) for line in told] == [("broke_in", "b", {"holder": "a"})] * 3
    assert Coach.restore("s", coach.save()).save() == coach.save()


def test_where_turns_are_agreed_on_nothing_is_guessed_from_timing() -> None:
    typed = [interruption(A, at_s) for at_s in (60.0, 66.0, 72.0)]
    assert said(hear(Coach("s"), [*greetings(), *typed], 100.0)) == [(1, "One at a time?")]
    assert hear(Coach("s"), [*greetings(), holding(), *typed], 100.0) == []


@pytest.mark.parametrize("silence", ["paused", "media_lost"])
def test_a_pause_and_lost_audio_count_nothing(silence: str) -> None:
    coach = Coach("s")
    lines: list[Line] = [*greetings(), holding(), happening(silence, 55.0, "b"), *speech(B, 60.0, 63.0)]
    hear(coach, lines, 70.0)
    assert coach.take_outcomes() == []


def test_the_watch_goes_on_after_a_restart_in_mid_speech() -> None:
    coach = Coach("s")
    hear(coach, [holding(), speech(B, 5.0, 50.0)[0]], 5.5)
    again = Coach.restore("s", coach.save())
    coach.advance(samples(8.0))
    again.advance(samples(8.0))
    assert again.take_outcomes() == coach.take_outcomes() != []


def test_nothing_is_said_into_the_neutral_first_minute_and_anybody_may_cut_it_short() -> None:
    typed = [interruption(A, at_s) for at_s in (46.0, 48.0, 50.0)]
    minute = happening("neutral", 0.0, seconds=60)
    late = [interruption(A, at_s) for at_s in (56.0, 57.5, 59.0)]  # still fresh when the minute is over
    assert hear(Coach("s"), [minute, *greetings(), *late], 100.0) == []
    assert len(hear(Coach("s"), [*greetings(), *typed], 100.0)) == 1
    assert hear(Coach("s"), [minute, *greetings(), *typed], 100.0) == []
    assert len(hear(Coach("s"), [minute, *greetings(), happening("neutral_over", 20.0, "a"), *typed], 100.0)) == 1
