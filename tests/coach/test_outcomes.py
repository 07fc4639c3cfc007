from __future__ import annotations

import pytest

from coach.outcomes import Outcome, what_came_of
from streaming.types import Annotation, Cue, Happening, Kind, Line
from streaming.wire import samples
from tests.coach.streams import A, B, happening, in_order, interruption, note, rise, settled, speech


def cue(level: int, at_s: float = 100.0) -> Cue:
    return Cue("c", "s", level, "…", samples(at_s), 10.0)


def after(
    given: Cue, lines: list[Annotation], acts: list[Happening] | None = None, before: list[Line] | None = None
) -> Outcome:
    """What came of a cue after which these lines followed, and two minutes more."""
    later = note(Kind.SPEECH, A, 219.0, 220.0)
    (outcome,) = what_came_of([*(before or []), given, *(acts or []), *in_order([*lines, later])])
    return outcome


def test_one_at_a_time_is_followed_when_the_cluster_does_not_go_on() -> None:
    assert after(cue(1), [interruption(B, 130.0)]).verdict == "followed"
    assert after(cue(1), [interruption(B, 110.0), interruption(A, 130.0)]).verdict == "ignored"


def test_what_was_under_way_when_the_cue_came_does_not_count_against_it() -> None:
    assert after(cue(1), [interruption(B, 101.0), interruption(A, 130.0)]).verdict == "followed"


def test_a_breath_is_followed_when_the_voices_settle_within_a_minute() -> None:
    up: list[Line] = [rise(A, 90.0, 97.0), rise(B, 92.0, 98.0)]
    both = after(cue(2), [settled(A, 120.0), settled(B, 140.0)], before=up)
    assert (both.verdict, both.settled_s, both.signs) == ("followed", 40.0, ("arousal_settled",))
    assert after(cue(2), [settled(A, 120.0)], before=up).verdict == "ignored"
    assert after(cue(2), [settled(A, 120.0), settled(B, 165.0)], before=up).verdict == "ignored"


def test_a_breath_is_followed_when_both_fall_silent() -> None:
    silence = note(Kind.LONG_SILENCE, None, 103.0, 109.0)
    assert after(cue(2), [silence]).signs == ("breathed",)


def test_a_stem_is_followed_when_the_floor_goes_to_the_other() -> None:
    before: list[Line] = [*speech(A, 90.0, 99.0)]
    assert after(cue(3), speech(B, 103.0, 106.0), before=before).verdict == "followed"
    assert after(cue(3), speech(A, 103.0, 106.0), before=before).verdict == "ignored"
    assert after(cue(3), speech(B, 103.0, 103.5), before=before).verdict == "ignored"


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_a_pause_follows_any_cue(level: int) -> None:
    busy = [interruption(B, 110.0 + 5.0 * i) for i in range(5)]
    assert after(cue(level), busy, [happening("paused", 105.0, "b")]).verdict == "followed"


def test_a_dismissed_cue_is_neither_followed_nor_ignored() -> None:
    outcome = after(cue(1), [], [happening("cue_dismissed", 103.0, "b", cue="c")])
    assert (outcome.verdict, outcome.decided) == ("dismissed", samples(103.0))


def test_a_cue_that_no_screen_showed_is_unseen_where_screens_report() -> None:
    other = happening("cue_painted", 50.0, "a", cue="another")
    mine = happening("cue_painted", 100.2, "a", cue="c")
    busy = [interruption(B, 110.0 + 5.0 * i) for i in range(5)]
    assert after(cue(1), busy, [other]).verdict == "unseen"
    assert after(cue(1), busy, [other, mine]).verdict == "ignored"


def test_who_went_quiet_for_a_cue_is_told() -> None:
    before: list[Line] = [speech(A, 95.0, 102.0)[0], speech(B, 96.0, 109.0)[0]]
    later = [speech(A, 95.0, 102.0)[1], speech(B, 96.0, 109.0)[1]]
    assert after(cue(1), later, before=before).went_quiet == (A,)


def test_a_session_that_ended_soon_may_show_a_cue_followed_and_never_ignored() -> None:
    calm = what_came_of([cue(1), *speech(A, 120.0, 135.0)])
    busy = what_came_of([cue(1), *[interruption(B, 105.0 + 5.0 * i) for i in range(6)]])
    assert [outcome.verdict for outcome in calm] == ["followed"]
    assert busy == []


def test_what_the_live_coach_wrote_down_wins() -> None:
    written = happening("cue_outcome", 103.0, cue="c", verdict="dismissed")
    assert after(cue(1), [], [written]).verdict == "dismissed"


def test_an_outcome_is_a_line_of_the_timeline() -> None:
    outcome = after(cue(2), [settled(A, 120.0)], before=[rise(A, 90.0, 97.0)])
    line = outcome.happening("s")
    assert (line.kind, line.detector, line.detail["verdict"]) == ("cue_outcome", "coach@1", "followed")
    assert line.detail["settled_s"] == 20.0
