"""The bundled dialogue and its truth hold together, and the detectors hear in it what is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.dialogue import read_script
from detectors.pipeline import Pipeline
from detectors.turns import annotate_activity
from streaming.audio import chunks, read_partners
from streaming.types import OVERLAP_KINDS, SAMPLE_RATE_HZ, Annotation, Kind, Samples, Span, Speaker
from streaming.wire import samples, seconds

ASSETS = Path(__file__).parents[1] / "gateway" / "assets"
SOUND = ASSETS / "dialogue.ogg"
NEAR_S = 0.2  # what the detectors are allowed
SAME_S = 0.001  # what the truth's own rounding allows


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((ASSETS / "dialogue.truth.json").read_text(encoding="utf-8"))
    return facts


@pytest.fixture(scope="module")
def sound() -> dict[Speaker, Samples]:
    return read_partners([SOUND])


@pytest.fixture(scope="module")
def heard(sound: dict[Speaker, Samples]) -> list[Annotation]:
    pipeline = Pipeline("dialogue")
    said = [annotation for chunk in chunks("dialogue", sound) for annotation in pipeline.push(chunk)]
    return said + pipeline.flush()


def overlaps(said: list[Annotation]) -> list[tuple[str, str | None, str | None, float]]:
    finals = [a for a in said if a.kind in OVERLAP_KINDS and a.status == "final"]
    return sorted(((a.kind.value, a.by, a.over, seconds(a.span.start)) for a in finals), key=lambda event: event[3])


def test_the_dialogue_is_small_and_about_a_minute_and_a_half_long(
    truth: dict[str, Any], sound: dict[Speaker, Samples]
) -> None:
    assert SOUND.stat().st_size < 1_000_000
    assert 80 < truth["duration_s"] < 100
    assert len(sound[Speaker.A]) / SAMPLE_RATE_HZ == pytest.approx(truth["duration_s"], abs=0.02)


def test_the_dialogue_holds_what_the_demo_needs(truth: dict[str, Any]) -> None:
    kinds = [event["kind"] for event in truth["events"]]
    assert (kinds.count("took_floor"), kinds.count("talk_over")) == (2, 1)
    assert kinds.count("backchannel") >= 3
    interruptions = [e["start_s"] for e in truth["events"] if e["kind"] in ("took_floor", "talk_over")]
    assert max(interruptions) - min(interruptions) < 60, "a level-1 cue answers three interruptions within a minute"
    assert min(interruptions) > 25, "it begins with talk from which a baseline can be learnt"
    assert truth["rise"]["start_s"] > 40
    assert truth["duration_s"] - truth["rise"]["calm_again_s"] > 15, "there is time to settle"


def test_the_truth_and_the_script_tell_the_same_story(truth: dict[str, Any]) -> None:
    _, lines = read_script()
    assert [(line["by"], line["text"]) for line in truth["lines"]] == [(line.by.value, line.text) for line in lines]
    meant = [(line.event, line.by.value) for line in lines if line.event]
    assert [(event["kind"], event["by"]) for event in truth["events"]] == meant


def test_sound_starts_and_ends_where_the_truth_says(truth: dict[str, Any], sound: dict[Speaker, Samples]) -> None:
    """Speech is what lies above -65 dB of full scale; the room's tone has -70 dB, a breath may lie between."""
    for speaker, channel in sound.items():
        frame = SAMPLE_RATE_HZ // 200
        power = np.mean(channel[: len(channel) // frame * frame].reshape(-1, frame) ** 2, axis=1)
        heard, loud = power > 10**-6.6, power > 10**-5.8
        for start_s, end_s in truth["speech"][speaker.value]:
            first, last = round(start_s / 0.005), round(end_s / 0.005)
            assert heard[first - 1 : first + 6].any(), f"{speaker} says nothing at {start_s} s"
            assert heard[last - 6 : last + 2].any(), f"{speaker} says nothing just before {end_s} s"
            assert not loud[first - 20 : first - 4].any(), f"{speaker} is loud before {start_s} s"
            assert not loud[last + 6 : last + 20].any(), f"{speaker} is loud after {end_s} s"


def test_the_definitions_give_the_true_events_for_the_true_speech(truth: dict[str, Any]) -> None:
    activity = {
        speaker: [Span(samples(start_s), samples(end_s)) for start_s, end_s in truth["speech"][speaker.value]]
        for speaker in Speaker
    }
    found = overlaps(annotate_activity("dialogue", activity))
    true = [(e["kind"], e["by"], e["over"], e["start_s"]) for e in truth["events"]]
    assert [event[:3] for event in found] == [event[:3] for event in true]
    assert [event[3] for event in found] == pytest.approx([event[3] for event in true], abs=SAME_S)


def test_the_detectors_find_the_true_events_in_the_sound(truth: dict[str, Any], heard: list[Annotation]) -> None:
    found = overlaps(heard)
    true = [(e["kind"], e["by"], e["over"], e["start_s"]) for e in truth["events"]]
    assert [event[:3] for event in found] == [event[:3] for event in true]
    assert [event[3] for event in found] == pytest.approx([event[3] for event in true], abs=NEAR_S)


def test_the_detectors_find_one_rise_of_arousal_and_its_settling(
    truth: dict[str, Any], heard: list[Annotation]
) -> None:
    rise = truth["rise"]
    rises = [a for a in heard if a.kind is Kind.AROUSAL_RISE]
    settled = [a for a in heard if a.kind is Kind.AROUSAL_SETTLED]
    assert [a.by for a in rises] == [rise["by"]]
    assert rise["start_s"] - 1 < seconds(rises[0].span.start) < rise["end_s"]
    assert [a.by for a in settled] == [rise["by"]]
    assert seconds(settled[0].span.end) > rise["end_s"]
