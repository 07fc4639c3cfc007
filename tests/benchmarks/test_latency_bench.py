"""Stages are told from raw results, pairs belong to the same sound, and the floor hears what it should."""

from __future__ import annotations

from typing import Any

from benchmarks.latency import Onset, Seen, cue_ways, overlap_ways, speech_ways
from streaming.types import Speaker

A, B = Speaker.A, Speaker.B


def seen(**changes: Any) -> Seen:
    """A speaks at 100.0 s, B comes in at 101.0 s."""
    trace = [
        {"what": "placed", "by": "a", "received": 100.030, "at": 100.031, "peak": 0.001},
        {"what": "placed", "by": "a", "received": 100.050, "at": 100.051, "peak": 0.3},
        {"what": "decided", "id": "s1", "kind": "speech", "by": "a", "at": 100.1, "start": 100.0},
        {"what": "sent", "to": "observer", "ids": ["s1"], "at": 100.11},
        {"what": "placed", "by": "b", "received": 101.04, "at": 101.041, "peak": 0.3},
        {"what": "decided", "id": "s2", "kind": "speech", "by": "b", "at": 101.1, "start": 101.0},
        {"what": "decided", "id": "o1", "kind": "overlap", "by": "b", "at": 101.2, "start": 101.0},
        {"what": "cue", "id": "c1", "overlap": "o1", "at": 101.201},
        {"what": "sent", "to": "b", "ids": ["c1"], "at": 101.205},
        {"what": "sent", "to": "observer", "ids": ["s2", "o1"], "at": 101.21},
    ]
    shown = [
        {"id": "s1", "received": 100.112, "painted": 100.15},
        {"id": "s2", "received": 101.212, "painted": None},
        {"id": "o1", "received": 101.212, "painted": 101.25},
    ]
    answers = [{"name": "a", "received": 100.06, "painted": 100.08}]
    cues = [{"cue": "c1", "received": 101.206, "painted": 101.23}]
    raw: dict[str, Any] = {"trace": trace, "shown": shown, "answers": answers, "cues": cues}
    return Seen([Onset(A, 100.0, False), Onset(B, 101.0, True)], **(raw | changes), clock_offsets_ms=[])


def test_speech_goes_through_every_stage_and_stands_beside_the_floor() -> None:
    (way,) = speech_ways(seen())  # B's was never painted
    assert [round(t - 100, 3) for t in way.stages.values()] == [0, 0.05, 0.051, 0.1, 0.11, 0.112, 0.15]
    assert round(way.whole_ms) == 150
    assert round(way.floor_ms) == 80
    assert round(way.step_ms("placed", "decided")) == 49


def test_an_overlap_is_timed_from_the_one_who_came_in() -> None:
    (way,) = overlap_ways(seen())
    assert round(way.whole_ms) == 250
    assert way.floor is None


def test_a_cue_is_timed_from_the_sound_that_it_answers_to_the_partners_screen() -> None:
    (way,) = cue_ways(seen())
    assert [round(t - 101, 3) for t in way.stages.values()] == [0, 0.04, 0.041, 0.2, 0.201, 0.205, 0.206, 0.23]
    assert round(way.step_ms("decided", "painted")) == 29
    assert cue_ways(seen(cues=[])) == []


def test_an_answer_to_an_earlier_sound_is_nobodys() -> None:
    (way,) = speech_ways(seen(answers=[{"name": "a", "received": 99.9, "painted": 99.95}]))
    assert way.floor is None
