"""Words come after timing: what was only listening counts no more, and a cue given for it is held against nobody."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from coach.outcomes import what_came_of
from coach.policy import Coach
from streaming.types import Annotation, Cue, Happening, Kind, Line
from streaming.wire import samples, seconds
from tests.coach.streams import A, B, Lines, cluster, greetings, hear, in_order, interruption, note, said


def by_words(overlap: Annotation, decided_s: float) -> Annotation:
    return replace(overlap, kind=Kind.BACKCHANNEL, decided=samples(decided_s), detector="words@1", confidence=1.0)


def test_what_words_make_a_listening_sound_asks_for_no_cue() -> None:
    first, second, third = cluster(40.0)
    assert hear(Coach("s"), [*greetings(), first, second, by_words(second, 58.0), third], 120.0) == []


@pytest.mark.parametrize("place", [1, 2])
def test_words_count_from_their_own_time_whenever_they_were_written_down_before_it(place: int) -> None:
    """Between the first overlap and the cue that would come: at any place the same."""
    lines: Lines = [*greetings(), *cluster(40.0)]
    lines.insert(len(greetings()) + place, by_words(cluster(40.0)[0], 71.1))
    assert hear(Coach("s"), lines, 120.0) == []


def test_before_its_time_a_revision_changes_nothing_and_is_part_of_the_saved_state() -> None:
    first, second, third = cluster(40.0)
    coach = Coach("s")
    early = hear(coach, [*greetings(), first, by_words(first, 90.0), second], 70.0)
    coach = Coach.restore("s", coach.save())
    cues = early + hear(coach, [third], 95.0)
    assert said(cues) == [(1, "One at a time?")]
    assert coach.save() != hear_all([*greetings(), first, second, third], 95.0).save()


def hear_all(lines: Lines, until_s: float) -> Coach:
    coach = Coach("s")
    hear(coach, lines, until_s)
    return coach


def quarrel(at_s: float) -> list[Annotation]:
    """Starts over the other as often as every 4 s, which no cue changes."""
    return [interruption(B if n % 2 else A, at_s + 4.0 * n) for n in range(60)]


def test_a_cue_that_was_not_needed_is_neither_ignored_nor_taken_up_and_silences_nobody() -> None:
    lines: Lines = [*greetings(), *quarrel(40.0)]
    coach = Coach("s")
    given: list[Cue] = []
    for before, line in pairwise(lines):
        for cue in hear(coach, [before], seconds(line.decided if isinstance(line, Annotation) else 0)):
            given.append(cue)
            for id in cue.because:
                overlap = next(a for a in lines if isinstance(a, Annotation) and a.id == id)
                coach.observe(by_words(overlap, seconds(cue.at) + 1.0))
    verdicts = [line.detail["verdict"] for line in coach.take_outcomes()]
    assert verdicts[:2] == ["unneeded", "unneeded"]
    assert not coach.fallen_silent
    assert len(given) == 3, "three in four minutes: the spacing between cues stays"


def test_the_report_judges_an_unneeded_cue_as_the_live_coach_does() -> None:
    first, second, third = cluster(40.0)
    cue = Cue("c", "s", 1, "One at a time?", samples(71.2), 10.0, (first.id, second.id, third.id))
    later: Lines = in_order([by_words(third, 72.5), interruption(A, 80.0), interruption(B, 90.0)])  # type: ignore[assignment]
    end = note(Kind.SPEECH, A, 190.0, 192.0)

    def verdict(*more: Line) -> str:
        (outcome,) = what_came_of([*greetings(), first, second, third, cue, *more, *later, end])
        return outcome.verdict

    assert verdict() == "unneeded"
    assert verdict(Happening("p", "s", "paused", samples(75.0), "a", {})) == "followed"
