"""A burst of listener tokens is a backchannel, whatever its timing said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coach.meaning import language
from detectors.words_refine import Refinement
from streaming.types import Annotation, Kind, Speaker
from tests.detectors.spoken import at, overlap, speech, words

A, B = Speaker


def refined(*lines: Annotation, now_s: float = 20.0) -> list[Annotation]:
    own = Refinement(language("en").listens_only)
    ordered = sorted(lines, key=lambda a: a.decided)
    return [r for line in ordered for r in own.step([line], line.decided)] + own.step([], at(now_s))


def held(over_end_s: float = 6.0) -> list[Annotation]:
    """A speaks from 1 s on; B's burst overlaps it from 3.0 to 4.6 s."""
    return [*speech(A, 1.0, over_end_s), *speech(B, 3.0, 4.6), words(A, 1.0, over_end_s, "so the car")]


def test_mm_hm_that_was_taken_for_an_interruption_is_a_backchannel_under_the_same_id() -> None:
    first = overlap(B, 3.0, 4.6, Kind.TALK_OVER)
    (again,) = refined(*held(), first, words(B, 3.0, 4.6, "Mm-hmm. Yeah, I see."))
    assert (again.id, again.kind, again.status) == (first.id, Kind.BACKCHANNEL, "final")
    assert (again.by, again.over, again.span) == (B, A, first.span)
    assert again.p_interruption == 0.0


def test_the_revision_is_another_line_of_the_timeline() -> None:
    first = overlap(B, 3.0, 4.6, Kind.TALK_OVER)
    (again,) = refined(*held(), first, words(B, 3.0, 4.6, "Right, right."))
    assert again.decided > first.decided


def test_other_words_change_nothing() -> None:
    assert refined(*held(), overlap(B, 3.0, 4.6), words(B, 3.0, 4.6, "Yeah but the roof")) == []


def test_without_the_words_of_the_whole_burst_nothing_is_said() -> None:
    later = speech(B, 5.2, 6.0)
    assert refined(*held(), *later, overlap(B, 3.0, 4.6), words(B, 3.0, 4.6, "Yeah.")) == []
    both = (words(B, 3.0, 4.6, "Yeah."), words(B, 5.2, 6.0, "Okay."))
    assert [r.kind for r in refined(*held(), *later, overlap(B, 3.0, 4.6), *both)] == [Kind.BACKCHANNEL]


def test_a_burst_that_began_with_a_token_and_went_on_as_a_turn_after_the_partner_ended_is_a_backchannel_first() -> None:
    lines = [*speech(A, 1.0, 4.0), *speech(B, 3.0, 3.4), *speech(B, 4.1, 6.0)]
    texts = (words(B, 3.0, 3.4, "Right."), words(B, 4.1, 6.0, "Then the rent is covered"))
    assert [r.kind for r in refined(*lines, overlap(B, 3.0, 3.4), *texts)] == [Kind.BACKCHANNEL]


def test_okay_at_the_very_end_of_a_turn_with_nobody_after_it_stays_what_it_was() -> None:
    lines = [*speech(A, 1.0, 3.2), *speech(B, 3.0, 3.6), words(B, 3.0, 3.6, "Okay.")]
    first = overlap(B, 3.0, 3.2, Kind.TERMINAL_OVERLAP)
    assert refined(*lines, first) == []
    assert [r.kind for r in refined(*lines, first, *speech(A, 8.0, 9.0))] == [Kind.BACKCHANNEL]
    assert refined(*lines, first, *speech(B, 8.0, 9.0)) == []


def test_both_at_once_stays_both_at_once() -> None:
    assert refined(*held(), overlap(B, 3.0, 4.6, Kind.DUAL_START), words(B, 3.0, 4.6, "Yeah.")) == []


def test_nobody_is_named_by_words_whom_timing_could_not_name() -> None:
    first = overlap(B, 3.0, 4.6, Kind.TALK_OVER, blame=False)
    (again,) = refined(*held(), first, words(B, 3.0, 4.6, "Uh-huh."))
    assert again.by is None


def test_who_begins_while_the_other_only_listens_interrupts_nobody() -> None:
    lines = [*speech(A, 3.0, 3.7), words(A, 3.0, 3.7, "Yeah."), *speech(B, 3.3, 6.0)]
    first = overlap(B, 3.3, 3.7, Kind.TOOK_FLOOR)
    (again,) = refined(*lines, first, words(B, 3.3, 6.0, "then the rent is covered"))
    assert (again.id, again.kind, again.by, again.p_interruption) == (first.id, Kind.TERMINAL_OVERLAP, B, 0.0)
    spoke = words(A, 3.0, 3.7, "Yeah but")
    assert refined(*lines[:2], spoke, *lines[3:], first, words(B, 3.3, 6.0, "then the rent is covered")) == []


def test_a_burst_that_was_listened_to_and_held_no_word_is_no_interruption() -> None:
    sure = replace(overlap(B, 3.0, 4.6, Kind.TALK_OVER), p_interruption=0.95)
    assert [r.kind for r in refined(*held(), sure, words(B, 3.0, 4.6, ""))] == [Kind.BACKCHANNEL]


def test_a_burst_whose_words_were_lost_stays_what_its_timing_says() -> None:
    assert refined(*held(), replace(overlap(B, 3.0, 4.6, Kind.TALK_OVER), p_interruption=0.6)) == []


@pytest.mark.parametrize("late_s", [0.0, 0.3, 0.8])
def test_words_that_come_within_the_time_they_usually_take_give_the_very_same_line(late_s: float) -> None:
    text = words(B, 3.0, 4.6, "Right, right.")
    own = Refinement(language("en").listens_only)
    out: list[Annotation] = []
    for line in sorted([*held(8.0), overlap(B, 3.0, 4.6, Kind.TALK_OVER)], key=lambda a: a.decided):
        if line.decided <= at(5.4):
            out += own.step([line], line.decided)
    out += own.step([], at(5.2 + late_s / 2)) + own.step([text], at(5.2 + late_s)) + own.step([], at(6.05))
    assert [(a.kind, a.decided) for a in out] == [(Kind.BACKCHANNEL, at(6.1))]
