from __future__ import annotations

import json
from typing import get_args

import pytest

from coach import floor as floors
from coach.floor import Act, Floor, Phase, act_between, allowed, prompt, speaks, step
from streaming.errors import UnusableInput
from streaming.types import Speaker
from tests.coach.streams import A, B

ACTS: tuple[Act, ...] = get_args(Act)
State = tuple[Phase, Speaker | None]


def key(floor: Floor) -> State:
    return floor.phase, floor.holder


def graph() -> dict[State, dict[tuple[Act, Speaker], State]]:
    """Every state that can be reached from the start, with every act of either partner in it."""
    edges: dict[State, dict[tuple[Act, Speaker], State]] = {}
    ahead = [Floor()]
    while ahead:
        floor = ahead.pop()
        if key(floor) in edges:
            continue
        nexts = {(act, by): step(floor, act, by) for act in ACTS for by in Speaker}
        edges[key(floor)] = {doing: key(after) for doing, after in nexts.items()}
        ahead += nexts.values()
    return edges


GRAPH = graph()
SWAP = {A: B, B: A, None: None}


def test_there_are_seven_states_and_each_has_one_holder_exactly_while_the_mode_is_on() -> None:
    on = (Phase.HOLDING, Phase.REFLECTING, Phase.CONFIRMING)
    assert set(GRAPH) == {(Phase.OFF, None)} | {(phase, by) for phase in on for by in Speaker}


def test_either_partner_can_always_end_the_mode() -> None:
    for state, edges in GRAPH.items():
        for by in Speaker:
            assert state[0] is Phase.OFF or edges["stop", by] == (Phase.OFF, None)


def test_nobody_can_take_the_floor_from_the_one_who_holds_it() -> None:
    for state, edges in GRAPH.items():
        for (act, by), after in edges.items():
            if state[1] is not None and after[1] not in (state[1], None):
                assert (act, by) == ("yes", state[1])


def test_the_floor_is_handed_over_only_after_it_was_said_back_and_found_right() -> None:
    for state, edges in GRAPH.items():
        for after in edges.values():
            if state[1] is not None and after[1] is state[1].other:
                assert state[0] is Phase.CONFIRMING
            if after[0] is Phase.CONFIRMING and after != state:
                assert state[0] is Phase.REFLECTING


def test_no_state_is_a_trap_while_both_want_to_go_on() -> None:
    """From every state both partners can come to hold the floor, without ending the mode."""
    for start in GRAPH:
        seen, ahead = {start}, [start]
        while ahead:
            for (act, _), after in GRAPH[ahead.pop()].items():
                if act != "stop" and after not in seen:
                    seen.add(after)
                    ahead.append(after)
        assert {(Phase.HOLDING, A), (Phase.HOLDING, B)} <= seen


def test_what_a_screen_offers_is_what_changes_something() -> None:
    for (phase, holder), edges in GRAPH.items():
        for by in Speaker:
            offered = set(allowed(Floor(phase, holder), by))
            assert offered == {act for act in ACTS if edges[act, by] != (phase, holder)}


def test_the_two_partners_are_treated_alike() -> None:
    for (phase, holder), edges in GRAPH.items():
        for (act, by), (after, holds) in edges.items():
            assert GRAPH[phase, SWAP[holder]][act, by.other] == (after, SWAP[holds])


def test_every_prompt_has_at_most_five_words() -> None:
    for phase, holder in GRAPH:
        for by in Speaker:
            assert 1 <= len(prompt(Floor(phase, holder), by).split()) <= 5


def test_a_round_goes_hold_done_say_back_yes_and_swaps() -> None:
    floor = Floor()
    for act, by in (("take", A), ("done", A), ("reflected", B), ("add", A), ("done", A), ("reflected", B), ("yes", A)):
        floor = step(floor, act, by)  # type: ignore[arg-type]
    assert floor == Floor(Phase.HOLDING, B, 1)


def test_one_state_and_the_next_tell_what_was_done() -> None:
    for (phase, holder), edges in GRAPH.items():
        for (act, _), after in edges.items():
            changed = after != (phase, holder)
            assert act_between(Floor(phase, holder), Floor(*after)) == (act if changed else None)


def test_only_while_the_two_agree_on_what_was_said_it_is_nobody_s_turn() -> None:
    for phase, holder in GRAPH:
        turn = {Phase.HOLDING: holder, Phase.REFLECTING: SWAP[holder]}.get(phase)
        assert speaks(Floor(phase, holder)) == turn


def test_every_state_outlives_a_restart() -> None:
    for phase, holder in GRAPH:
        floor = Floor(phase, holder, 3)
        assert floors.restore(json.loads(json.dumps(floors.save(floor)))) == floor


@pytest.mark.parametrize(
    "saved", [{}, {"phase": "off", "holder": "a", "swaps": 0}, {"phase": "shouting", "holder": "a", "swaps": 0}]
)
def test_a_state_that_cannot_be_is_refused(saved: dict[str, object]) -> None:
    with pytest.raises(UnusableInput, match="start it again"):
        floors.restore(saved)
