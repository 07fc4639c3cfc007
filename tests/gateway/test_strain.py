"""A process that falls behind takes no new practices until it has kept up for a while."""

from __future__ import annotations

from gateway.strain import Strain


def fed(strain: Strain, late_s: float, from_s: float, for_s: float) -> float:
    """Notes the same lateness every 20 ms; returns when it ended."""
    steps = round(for_s / 0.02)
    for n in range(steps + 1):
        strain.note(late_s, from_s + n * 0.02)
    return from_s + steps * 0.02


def test_a_process_that_is_late_for_seconds_is_full_and_one_that_kept_up_again_is_not() -> None:
    strain = Strain()
    at = fed(strain, 0.003, 0.0, 10.0)
    assert not strain.full
    at = fed(strain, 0.5, at, 5.0)
    assert strain.full
    fed(strain, 0.003, at, 15.0)
    assert not strain.full


def test_one_long_moment_is_no_strain() -> None:
    strain = Strain()
    at = fed(strain, 0.003, 0.0, 10.0)
    strain.note(0.8, at + 0.8)
    strain.note(0.003, at + 0.82)
    assert not strain.full


def test_between_well_and_over_it_stays_as_it_was() -> None:
    calm, strained = Strain(), Strain()
    fed(calm, 0.1, 0.0, 20.0)
    at = fed(strained, 0.5, 0.0, 5.0)
    fed(strained, 0.1, at, 20.0)
    assert (calm.full, strained.full) == (False, True)
