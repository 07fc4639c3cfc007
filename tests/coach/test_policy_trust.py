from __future__ import annotations

import pytest

from coach.policy import Coach
from streaming.types import Kind
from tests.coach.streams import (
    A,
    B,
    Lines,
    cluster,
    greetings,
    happening,
    hear,
    in_order,
    note,
    rise,
    settled,
    speech,
)


@pytest.mark.parametrize("reason", ["noisy", "bleed", "muted"])
def test_poor_audio_brings_no_cue(reason: str) -> None:
    poor = note(Kind.QUALITY, A, 60.0, 65.0, reason=reason)
    lines = in_order([*greetings(), *cluster(40.0), poor])
    assert hear(Coach("s"), lines, 120.0) == []
    assert len(hear(Coach("s"), [*greetings(), *cluster(40.0)], 120.0)) == 1


def test_poor_audio_that_goes_on_keeps_the_coach_silent_until_it_ends() -> None:
    begun = note(Kind.QUALITY, A, 20.0, 21.0, status="open", reason="noisy")
    ended = note(Kind.QUALITY, A, 20.0, 100.0, reason="noisy")
    coach = Coach("s")
    assert hear(coach, [*greetings(), begun, *cluster(40.0), ended], 105.0) == []
    assert coach.why_silent() == "poor_audio"
    assert len(hear(coach, cluster(120.0), 200.0)) == 1


def test_a_listener_behind_a_noise_gate_does_not_hide_the_other_voice() -> None:
    gated = note(Kind.QUALITY, B, 30.0, 40.0, status="open", reason="muted")
    assert len(hear(Coach("s"), [*greetings(), gated, rise(A, 40.0, 47.0)], 100.0)) == 1
    assert hear(Coach("s"), [*greetings(), gated, *cluster(50.0)], 120.0) == []


def test_a_voice_that_came_down_is_believed_even_in_poor_audio() -> None:
    """Settled while it was noisy: nothing is left of the rise when the noise is over."""
    noise = note(Kind.QUALITY, A, 41.0, 42.0, reason="noisy")
    points = [note(Kind.AROUSAL, A, 53.0 + i, 53.5 + i, level=0.9) for i in range(6)]
    up = [*greetings(), rise(A, 30.0, 40.0), noise]
    assert hear(Coach("s"), [*up, settled(A, 48.0), *points], 100.0) == []
    assert len(hear(Coach("s"), [*up, *points], 100.0)) == 1


def test_a_condition_that_nobody_knows_silences_the_coach() -> None:
    unknown = note(Kind.QUALITY, B, 30.0, 40.0, status="open", reason="helium")
    assert hear(Coach("s"), [*greetings(), unknown, rise(A, 40.0, 47.0)], 100.0) == []


def test_a_saved_state_of_another_version_is_refused() -> None:
    payload = Coach("s").save().replace(b'"v":4', b'"v":99')
    with pytest.raises(ValueError, match="version 99, expected 4"):
        Coach.restore("s", payload)


def test_a_clipped_microphone_spoils_arousal_but_not_timing() -> None:
    clipped = note(Kind.QUALITY, A, 38.0, 39.0, status="open", reason="clipping")
    assert hear(Coach("s"), [*greetings(), clipped, rise(A, 40.0, 43.0)], 100.0) == []
    assert len(hear(Coach("s"), [*greetings(), clipped, rise(B, 40.0, 43.0)], 100.0)) == 1
    assert len(hear(Coach("s"), [*greetings(), clipped, *cluster(40.0)], 100.0)) == 1


def test_evidence_from_one_microphone_alone_brings_no_cue() -> None:
    only_a = [*speech(A, 1.0, 5.0), *speech(A, 6.0, 10.0)]
    assert hear(Coach("s"), [*only_a, rise(A, 40.0, 43.0)], 100.0) == []
    assert len(hear(Coach("s"), [*greetings(), rise(A, 40.0, 43.0)], 100.0)) == 1


def test_nothing_is_said_while_a_partner_is_cut_off() -> None:
    lost = happening("media_lost", 41.0, "b")
    assert hear(Coach("s"), [*greetings(), lost, rise(A, 42.0, 45.0)], 100.0) == []


def test_nothing_is_said_during_a_pause_and_what_was_before_it_is_gone() -> None:
    lines: Lines = [*greetings(), *cluster(40.0)[:2], happening("paused", 58.0, "a"), happening("resumed", 62.0, "a")]
    coach = Coach("s")
    assert hear(coach, [*lines, *cluster(70.0)[:1]], 100.0) == []
    paused: Lines = [happening("paused", 101.0, "b"), *cluster(105.0)]
    assert hear(coach, paused, 200.0) == []


def test_without_consent_of_both_nothing_is_said() -> None:
    withdrawn = happening("consent", 39.0, "b", practice=False, observer=False)
    coach = Coach("s")
    assert hear(coach, [*greetings(), withdrawn, *cluster(40.0)], 100.0) == []
    again = happening("consent", 101.0, "b", practice=True, observer=False)
    assert len(hear(coach, [again, *cluster(110.0)], 200.0)) == 1
