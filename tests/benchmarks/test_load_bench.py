"""Where the next step of ever more couples goes."""

from __future__ import annotations

from benchmarks.load import Step, aimed


def step(couples: int, core_percent: float) -> Step:
    return Step(couples, core_percent, 0.0, 0.0, 0.0, 0.0, [])


def test_the_next_step_is_aimed_by_what_the_last_couples_added_and_not_by_what_the_first_cost() -> None:
    assert aimed([step(3, 30.0), step(6, 45.0)], 90) == 15 - 3, "never more than twice as many"
    assert aimed([step(6, 45.0), step(12, 75.0)], 90) == 15
    assert aimed([step(1, 20.0), step(3, 30.0), step(3, 31.0)], 50) == 6, "the same number twice says nothing"


def test_a_step_is_always_a_step() -> None:
    assert aimed([step(3, 30.0), step(6, 89.0)], 90) == 7
    assert aimed([step(3, 30.0)], 20) == 4
    assert aimed([step(3, 30.0), step(6, 30.0)], 90) == 12, "what adds nothing is no reason to ask for thousands"
