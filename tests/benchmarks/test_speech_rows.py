"""What the rows about speech and about two phones in one room are made of."""

from __future__ import annotations

import numpy as np

from benchmarks.bleed_accuracy import liveliest
from benchmarks.body_sounds import body_sounds
from benchmarks.sbcsae import Conversation, Unit
from benchmarks.vad_scores import plain
from detectors.settings import VoicingSettings
from detectors.voicing import pitch
from streaming.types import SAMPLE_RATE_HZ, Span, Speaker


def unit(by: Speaker, start_s: float, end_s: float) -> Unit:
    return Unit(by, Span(round(start_s * SAMPLE_RATE_HZ), round(end_s * SAMPLE_RATE_HZ)), "and then we went there.")


def test_the_liveliest_stretch_holds_the_interruption_and_begins_anew() -> None:
    calm = [unit(Speaker.A, 0.0, 5.0), unit(Speaker.B, 6.0, 11.0)]
    cut_off = [unit(Speaker.A, 40.0, 46.0), unit(Speaker.B, 43.0, 52.0)]
    found = liveliest(Conversation("talk", tuple(calm + cut_off)), 20 * SAMPLE_RATE_HZ)
    assert [u.by for u in found.units] == [Speaker.A, Speaker.B]
    assert found.units[1].span.start - found.units[0].span.start == 3 * SAMPLE_RATE_HZ
    assert found.units[-1].span.end <= 20 * SAMPLE_RATE_HZ


def test_body_sounds_are_heard_and_stay_within_full_scale() -> None:
    sounds = [sound for own in body_sounds(2).values() for sound in own]
    assert len(sounds) == 10
    assert all(np.sqrt(np.mean(sound**2)) > 0.005 and np.abs(sound).max() <= 1.0 for sound in sounds)


def test_a_laugh_has_the_pitch_of_folds_and_a_breath_has_none() -> None:
    sounds, asked = body_sounds(6), VoicingSettings()
    periodic = {
        sort: max(pitch(own[at : at + 1024], asked)[1] for own in sounds[sort] for at in range(0, len(own) - 1024, 512))
        for sort in ("laugh", "breath")
    }
    assert periodic["laugh"] > 0.8 > asked.periodic > periodic["breath"]


def test_the_usual_way_misses_more_the_surer_it_has_to_be() -> None:
    p = [0.1] * 10 + [0.7] * 20 + [0.1] * 10
    assert plain(p, 0.5)
    assert plain(p, 0.8) == []
