"""Properties that hold for any stream, however unlikely: dose, mirror, restart, cutting."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.random_sessions import DoseWatch, drive, random_session
from coach.policy import Coach
from coach.settings import PRESETS
from streaming.types import Annotation, Cue, Happening
from streaming.wire import samples
from tests.coach.streams import mirrored

Lines = list[Annotation | Happening]
# Samples from one telling of the time to the next, short and long in every session: the shortest alone take minutes.
TICKS = st.lists(st.integers(500, 40_000), min_size=8, max_size=20)
OTHER = {"a": "b", "b": "a", None: None}


def session(seed: int, steps: int = 600) -> Lines:
    return list(random_session(seed, steps))


def heard(coach: Coach, lines: Lines) -> list[Cue]:
    cues: list[Cue] = []
    for line in lines:
        cues += coach.happened(line) if isinstance(line, Happening) else coach.observe(line)
    return cues


@pytest.mark.parametrize("preset", PRESETS)
def test_no_stream_makes_the_coach_break_its_dose(preset: str) -> None:
    cues = 0
    for seed in range(12):
        watch = DoseWatch()
        drive(Coach(f"random-{seed}", PRESETS[preset]), random_session(seed, 1_500), watch)
        assert watch.violations == []
        cues += watch.cues
    assert cues > 10


@given(seed=st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_swapped_partners_get_the_same_cues(seed: int) -> None:
    lines = session(seed)
    swapped: Lines = [_acted_by_other(line) if isinstance(line, Happening) else mirrored(line) for line in lines]
    assert heard(Coach("s"), swapped) == heard(Coach("s"), lines)


def _acted_by_other(act: Happening) -> Happening:
    detail = {**act.detail, "holder": OTHER[act.detail["holder"]]} if "holder" in act.detail else act.detail
    return replace(act, by=OTHER[act.by], detail=detail)


@given(seed=st.integers(0, 10**6), every=st.integers(1, 50))
@settings(max_examples=25, deadline=None)
def test_a_restart_at_any_moment_changes_nothing(seed: int, every: int) -> None:
    lines = session(seed)
    straight = Coach("s")
    cues = heard(straight, lines)
    coach, again = Coach("s"), list[Cue]()
    outcomes = 0
    for i in range(0, len(lines), every):
        again += heard(coach, lines[i : i + every])
        coach = Coach.restore("s", coach.save())
        outcomes += len(coach.take_outcomes())
    assert again == cues
    assert outcomes == len(straight.take_outcomes())
    assert Coach.restore("s", coach.save()).save() == coach.save()


@given(seed=st.integers(0, 10**6), ticks=TICKS)
@settings(max_examples=25, deadline=None)
def test_the_cues_do_not_depend_on_how_often_time_is_told(seed: int, ticks: list[int]) -> None:
    lines = [line for line in session(seed) if isinstance(line, Annotation)]
    whole = heard(Coach("s"), list(lines))
    coach, cues, now, i = Coach("s"), list[Cue](), 0, 0
    for line in lines:
        while now + ticks[i % len(ticks)] <= line.decided:
            now += ticks[i % len(ticks)]
            i += 1
            cues += coach.advance(now)
        cues += coach.observe(line)
    assert cues == whole


@given(seed=st.integers(0, 10**6), ticks=TICKS)
@settings(max_examples=25, deadline=None)
def test_what_people_do_in_its_place_has_the_same_effect_however_often_time_was_told_before(
    seed: int, ticks: list[int]
) -> None:
    often, seldom = Coach("s"), Coach("s")
    cues: tuple[list[Cue], list[Cue]] = ([], [])
    now = i = 0
    for line in session(seed):
        at = max(often.now, line.decided if isinstance(line, Annotation) else line.at)
        while now + ticks[i % len(ticks)] <= at:
            now += ticks[i % len(ticks)]
            i += 1
            cues[0].extend(often.advance(now))
        for coach, said in zip((often, seldom), cues, strict=True):
            if isinstance(line, Happening):
                said.extend(coach.advance(at))  # all audio before it was worked on
                said.extend(coach.happened(line))
            else:
                said.extend(coach.observe(line))
    assert cues[0] == cues[1]
    assert often.take_outcomes() == seldom.take_outcomes()
    later = often.now + samples(120.0)
    assert often.advance(later) == seldom.advance(later)


def test_the_watch_itself_sees_a_broken_dose() -> None:
    def cue(at_s: float, text: str = "Breathe together") -> Cue:
        return Cue(f"{at_s}", "s", 2, text, samples(at_s), 10.0)

    def told(*times_s: float) -> int:
        watch = DoseWatch()
        for at_s in times_s:
            watch.cue(cue(at_s), asked=False)
        return len(watch.violations)

    assert told(0.0, 90.0, 180.0, 270.0) == 0
    assert told(0.0, 89.9) == 1
    assert told(0.0, 100.0, 200.0, 300.0, 600.0) == 1
    wordy = DoseWatch()
    wordy.cue(cue(0.0, "Please take one breath together now"), asked=False)
    assert len(wordy.violations) == 1
