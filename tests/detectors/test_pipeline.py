"""The one pipeline: what it says depends on the audio alone."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detectors.pipeline import Pipeline
from streaming.types import OVERLAP_KINDS, SAMPLE_RATE_HZ, AudioChunk, Kind, Samples, Speaker
from tests.detectors.talk import DIALOGUE, dialogue, lines, packets, run, speech

EXCERPT_S = (28.0, 50.0)  # two interruptions, a terminal overlap, the start of a talk-over
SLOW = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def excerpt() -> dict[Speaker, Samples]:
    return dialogue(*EXCERPT_S)


@pytest.fixture(scope="module")
def expected() -> list[str]:
    return lines(run(Pipeline("s"), packets(excerpt())))


def test_the_dialogue_gives_speech_overlaps_and_arousal_of_both(expected: list[str]) -> None:
    kinds = {(json.loads(line)["kind"], json.loads(line)["by"]) for line in expected}
    assert {("speech", "a"), ("speech", "b"), ("arousal", "a"), ("arousal", "b"), ("took_floor", "b")} <= kinds


CUT = st.tuples(st.sampled_from(list(Speaker)), st.integers(1, 2_000) | st.integers(2_000, 100_000))


@SLOW
@given(cuts=st.lists(CUT, max_size=30))
def test_any_cutting_and_interleaving_gives_the_same_lines_in_the_same_order(
    expected: list[str], cuts: list[tuple[Speaker, int]]
) -> None:
    audio = excerpt()
    given_to = dict.fromkeys(Speaker, 0)
    pipeline, out = Pipeline("s"), []
    for speaker, size in itertools.cycle([*cuts, (Speaker.A, 5_000), (Speaker.B, 7_777)]):
        at = given_to[speaker]
        samples = audio[speaker][at : at + size]
        given_to[speaker] += len(samples)
        out += pipeline.push(AudioChunk("s", speaker, at, samples))
        if all(given_to[s] == len(audio[s]) for s in Speaker):
            break
    assert lines(out + pipeline.flush()) == expected


@SLOW
@given(cuts=st.sets(st.integers(0, 2 * 1_100), min_size=1, max_size=4))
def test_saved_and_restored_anywhere_it_goes_on_as_if_nothing_had_happened(expected: list[str], cuts: set[int]) -> None:
    pipeline, out = Pipeline("s"), []
    for number, chunk in enumerate(packets(excerpt())):
        if number in cuts:
            pipeline = Pipeline.restore("s", pipeline.save())
        out += pipeline.push(chunk)
    assert lines(out + pipeline.flush()) == expected


def test_a_session_that_starts_later_says_the_same_that_much_later() -> None:
    start = 5 * 3600 * SAMPLE_RATE_HZ + 77
    early = run(Pipeline("s"), packets(excerpt()))
    late = run(Pipeline("s", start=start), packets(excerpt(), start=start))
    assert [
        (x.kind, x.by, x.span.start + start, x.decided + start, x.z) for x in early if x.kind is not Kind.LONG_SILENCE
    ] == [(x.kind, x.by, x.span.start, x.decided, x.z) for x in late if x.kind is not Kind.LONG_SILENCE]


def test_missing_audio_ends_speech_where_it_began() -> None:
    lost_at, back_at = 4 * SAMPLE_RATE_HZ, 9 * SAMPLE_RATE_HZ  # within the first sentence of a
    out = run(Pipeline("s"), packets(dialogue(0, 20), lost=[(Speaker.A, lost_at, back_at)]))
    (cut_off,) = (a for a in speech(out, Speaker.A) if a.span.start < lost_at < a.decided)
    assert cut_off.span.end == lost_at
    assert cut_off.decided - lost_at < SAMPLE_RATE_HZ // 2
    assert [a for a in speech(out, Speaker.A) if a.span.start >= back_at]
    heard = [a for a in out if a.by is Speaker.A and a.kind in (Kind.SPEECH, Kind.AROUSAL)]
    assert not [a for a in heard if lost_at < a.span.start < back_at]


@pytest.mark.parametrize("lost_s", [3.0, 13.2], ids=["the starter begins", "the holder goes on"])
def test_a_burst_of_loss_within_an_overlap_changes_no_label(expected: list[str], lost_s: float) -> None:
    at = round(lost_s * SAMPLE_RATE_HZ)
    for who in Speaker:
        holed = run(Pipeline("s"), packets(excerpt(), lost=[(who, at, at + 4_800)]))
        assert _typed(lines(holed)) == _typed(expected)


def _typed(said: list[str]) -> list[tuple[str, str | None]]:
    found = (json.loads(line) for line in said)
    return [(a["kind"], a.get("by")) for a in found if a["status"] == "final" and a["kind"] in set(OVERLAP_KINDS)]


def test_one_lost_packet_changes_no_boundary_of_speech() -> None:
    audio = dialogue(0, 12)
    whole = run(Pipeline("s"), packets(audio))
    holed = run(Pipeline("s"), packets(audio, lost=[(Speaker.A, 2 * SAMPLE_RATE_HZ, 2 * SAMPLE_RATE_HZ + 320)]))
    assert [a.span for a in speech(whole, Speaker.A)] == [a.span for a in speech(holed, Speaker.A)]


def test_speech_is_where_the_truth_file_says_and_is_announced_at_once() -> None:
    truth = json.loads((DIALOGUE.parent / "dialogue.truth.json").read_text())["speech"]
    out = run(Pipeline("s"), packets(dialogue()))
    opens = {a.id: a for a in out if a.kind is Kind.SPEECH and a.status == "open"}
    for speaker in Speaker:
        frames = np.arange(0, 91_000, 10) / 1000
        spoken = _inside(frames, truth[speaker.value])
        heard = _inside(
            frames, [(a.span.start / SAMPLE_RATE_HZ, a.span.end / SAMPLE_RATE_HZ) for a in speech(out, speaker)]
        )
        assert (spoken == heard).mean() > 0.96
        waits = [opens[a.id].decided - a.span.start for a in speech(out, speaker)]
        assert np.median(waits) < 0.15 * SAMPLE_RATE_HZ


def _inside(times_s: np.ndarray, spans_s: list[tuple[float, float]]) -> np.ndarray:
    inside = np.zeros(len(times_s), dtype=bool)
    for low, high in spans_s:
        inside |= (times_s >= low) & (times_s < high)
    return inside


def test_a_chunk_out_of_sequence_is_refused_with_both_numbers() -> None:
    pipeline = Pipeline("s")
    with pytest.raises(ValueError, match="starts at 320, expected 0"):
        pipeline.push(AudioChunk("s", Speaker.A, 320, np.zeros(320, np.float32)))


def test_samples_that_are_no_numbers_do_not_poison_what_follows() -> None:
    audio = {s: own.copy() for s, own in dialogue(0, 8).items()}
    audio[Speaker.A][100:400] = np.nan
    audio[Speaker.B][100:400] = np.inf
    out = run(Pipeline("s"), packets(audio))
    assert speech(out, Speaker.A)
    assert speech(out, Speaker.B)


def test_nothing_is_said_of_silence_and_of_missing_audio_alone() -> None:
    silent = {s: np.zeros(4 * SAMPLE_RATE_HZ, np.float32) for s in Speaker}
    out = run(Pipeline("s"), packets(silent, lost=[(Speaker.B, 0, 4 * SAMPLE_RATE_HZ)]))
    assert [a for a in out if a.kind is not Kind.LONG_SILENCE] == []
