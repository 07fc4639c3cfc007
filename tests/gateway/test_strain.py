"""A process that falls behind takes no new practices, and a rush of them is not let in before it shows."""

from __future__ import annotations

from gateway.protocol import Phase
from gateway.strain import Strain, StrainSettings


def fed(strain: Strain, late_s: float, from_s: float, for_s: float) -> float:
    """Notes the same lateness every 20 ms; returns when it ended."""
    steps = round(for_s / 0.02)
    for n in range(steps + 1):
        strain.note(late_s, from_s + n * 0.02)
    return from_s + steps * 0.02


def test_a_process_that_is_late_for_seconds_has_no_room_and_one_that_kept_up_again_has() -> None:
    strain = Strain()
    at = fed(strain, 0.003, 0.0, 10.0)
    assert not strain.late
    at = fed(strain, 0.5, at, 5.0)
    assert strain.late
    fed(strain, 0.003, at, 15.0)
    assert not strain.late


def test_one_long_moment_is_no_strain() -> None:
    strain = Strain()
    at = fed(strain, 0.003, 0.0, 10.0)
    strain.note(0.8, at + 0.8)
    strain.note(0.003, at + 0.82)
    assert not strain.late


def test_between_well_and_over_it_stays_as_it_was() -> None:
    calm, strained = Strain(), Strain()
    fed(calm, 0.1, 0.0, 20.0)
    at = fed(strained, 0.5, 0.0, 5.0)
    fed(strained, 0.1, at, 20.0)
    assert (calm.late, strained.late) == (False, True)


class Process:
    """Spends a given share of a core a practice, and what it costs anyhow."""

    def __init__(self, each: float = 0.04, anyhow: float = 0.05) -> None:
        self.strain = Strain()
        self.phases: dict[str, Phase] = {}
        self.each, self.anyhow = each, anyhow
        self.at_s = self.spent_s = 0.0

    def run(self, for_s: float) -> None:
        for _ in range(round(for_s)):
            self.at_s += 1.0
            self.spent_s += self.anyhow + self.each * sum(phase == "practising" for phase in self.phases.values())
            self.strain.look(self.phases, self.spent_s, self.at_s)

    def knock(self, session: str, phase: Phase | None = "practising") -> bool:
        """A newcomer; whether there was room."""
        if self.strain.room < 1:
            return False
        self.strain.let_in(session, self.at_s)
        if phase is not None:
            self.phases[session] = phase
        return True


def test_of_a_rush_only_those_are_let_in_whom_the_core_can_carry() -> None:
    process = Process()
    process.run(10.0)
    assert sum(process.knock(f"first {n}") for n in range(12)) == 12
    process.run(20.0)
    let_in = sum(process.knock(f"rush {n}") for n in range(30))  # within one second: nothing of it shows yet
    assert 6 <= let_in <= 9
    process.run(20.0)
    assert process.strain.share < StrainSettings().most_share
    assert not process.strain.late


def test_what_was_reckoned_in_beforehand_is_not_counted_twice_once_it_shows() -> None:
    process = Process()
    process.run(10.0)
    for n in range(8):
        assert process.knock(str(n))
    before = process.strain.room
    process.run(20.0)
    assert process.strain.room >= before


def test_a_room_in_which_somebody_waits_is_reckoned_with_and_one_that_nobody_came_to_is_not() -> None:
    waited_in, empty = Process(), Process()
    for process, phase in ((waited_in, "waiting"), (empty, None)):
        process.run(10.0)
        for n in range(10):
            assert process.knock(str(n), phase)  # type: ignore[arg-type]
        process.run(120.0)
    assert empty.strain.room - waited_in.strain.room == 10


def test_a_process_that_is_spent_has_no_room_and_has_it_again_when_they_leave() -> None:
    process = Process(each=0.09)
    process.run(5.0)
    for n in range(10):
        process.knock(str(n))
    process.run(30.0)
    assert process.strain.room == 0
    process.phases.clear()
    process.run(30.0)
    assert process.strain.room > 5
