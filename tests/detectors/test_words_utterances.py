"""Speech is cut into utterances at pauses, by the audio alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.words_settings import UtteranceSettings
from detectors.words_utterances import Utterance, Utterances
from streaming.types import Annotation, AudioChunk, Samples, Span, Speaker
from tests.detectors.spoken import SESSION, at, speech

A, B = Speaker
SETTINGS = UtteranceSettings()


RAMP: Samples = (np.arange(60 * 16_000) % 30_000 / 30_000).astype(np.float32)  # every sample tells where it lies


def heard(annotations: Sequence[Annotation], length_s: float, sizes: Sequence[int] = (320,)) -> list[Utterance]:
    """What comes out of talk, cut into chunks of these sizes in turn; lines come as soon as they are decided."""
    own, out, position, turn = Utterances(SESSION), list[Utterance](), 0, 0
    waiting = sorted(annotations, key=lambda a: a.decided)
    while position < at(length_s):
        size = min(sizes[turn % len(sizes)], at(length_s) - position)
        for speaker in Speaker:
            own.hear(AudioChunk(SESSION, speaker, position, RAMP[position : position + size]))
        position, turn = position + size, turn + 1
        due = [a for a in waiting if a.decided <= position]
        waiting = waiting[len(due) :]
        out += own.step(due, position)
    return out + own.flush(position)


def finals(utterances: Sequence[Utterance]) -> list[Utterance]:
    return [u for u in utterances if u.final]


def test_a_sentence_with_a_breath_in_it_is_one_utterance() -> None:
    (only,) = finals(heard([*speech(A, 1.0, 2.0), *speech(A, 2.4, 3.0)], 6.0))
    assert only.span == Span(at(1.0), at(3.0))
    assert only.by is A


def test_a_pause_of_over_half_a_second_ends_it_and_nothing_later_is_waited_for() -> None:
    first, second = finals(heard([*speech(A, 1.0, 2.0), *speech(A, 3.0, 4.0)], 6.0))
    assert (first.span.end, second.span.start) == (at(2.0), at(3.0))
    assert first.decided == at(2.6)


def test_the_sound_is_that_of_the_utterance_with_a_little_around_it() -> None:
    (only,) = finals(heard(speech(A, 1.0, 2.0), 4.0))
    assert only.heard_from == at(0.5)
    np.testing.assert_array_equal(only.samples, RAMP[at(0.5) : at(2.5)])


def test_what_was_no_speech_after_all_is_not_heard() -> None:
    assert heard(speech(A, 1.0, 1.004, confidence=0.0), 4.0) == []


def test_while_somebody_speaks_there_are_partial_texts_of_the_same_id() -> None:
    all_of_it = heard(speech(A, 1.0, 5.0), 7.0)
    (final,) = finals(all_of_it)
    partials = [u for u in all_of_it if not u.final]
    assert [u.span.end for u in partials] == [at(2.2), at(3.4), at(4.6)]
    assert {u.id for u in all_of_it} == {final.id}


def test_speech_without_a_pause_is_cut_before_it_is_too_long_and_no_sound_is_heard_twice() -> None:
    cut = finals(heard(speech(B, 0.5, 45.0), 47.0))
    assert len(cut) == 3
    assert all(len(u.samples) <= 30 * 16_000 for u in cut)
    for before, after in pairwise(cut):
        assert after.span.start == before.span.end
        assert after.heard_from >= before.span.end


def test_both_partners_at_once_are_heard_each_alone() -> None:
    both = finals(heard([*speech(A, 1.0, 2.0), *speech(B, 1.5, 2.5)], 5.0))
    assert [(u.by, u.span.start) for u in both] == [(A, at(1.0)), (B, at(1.5))]


def test_after_consent_is_withdrawn_nothing_that_was_heard_is_left() -> None:
    own = Utterances(SESSION)
    own.hear(AudioChunk(SESSION, A, 0, RAMP[:16_000]))
    own.step(speech(A, 0.1, 0.9)[:1], 16_000)
    own.forget()
    assert own.flush(16_000) == []


spans = st.lists(st.tuples(st.floats(0.3, 2.0), st.floats(0.25, 1.5)), min_size=1, max_size=6)


@settings(max_examples=25, deadline=None)
@given(a=spans, b=spans, sizes=st.lists(st.integers(80, 9000), min_size=1, max_size=5))
def test_however_the_audio_is_cut_the_same_utterances_come_out(
    a: list[tuple[float, float]], b: list[tuple[float, float]], sizes: list[int]
) -> None:
    lines: list[Annotation] = []
    for by, talk in ((A, a), (B, b)):
        now = 0.5
        for length_s, gap_s in talk:
            lines += speech(by, round(now, 3), round(now + length_s, 3))
            now += length_s + gap_s

    def told(utterances: list[Utterance]) -> list[tuple[str, Span, int, bytes]]:
        return [(u.id, u.span, u.decided, u.samples.tobytes()) for u in finals(utterances)]

    assert sorted(told(heard(lines, 24.0, sizes))) == sorted(told(heard(lines, 24.0)))
