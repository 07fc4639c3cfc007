"""Speech activity of one microphone, driven by probabilities that a test chooses."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest

from detectors.frames import Frame
from detectors.settings import FRAME_SAMPLES, VadSettings
from detectors.vad import RETRACTED_SAMPLES, VoiceActivity
from streaming.types import SAMPLE_RATE_HZ, Annotation, Samples, Span, Speaker

FLOOR, VOICE = 1e-3, 0.1
LOW_HZ, CRY_HZ = 130.0, 470.0


def sound(loud: Sequence[tuple[int, int]], frames: int, hz: float | None = LOW_HZ) -> Samples:
    """Faint hiss, with a voice in the given stretches of samples: pulses at ``hz``, or noise where that is None."""
    hiss = np.random.default_rng(0).standard_normal(frames * FRAME_SAMPLES)
    at = np.arange(len(hiss)) / SAMPLE_RATE_HZ
    voice = hiss
    if hz is not None:
        harmonics = np.arange(1, int(4000 / hz))[:, None]
        voice = np.sin(2 * np.pi * hz * harmonics * at).sum(axis=0) / 4
    samples = hiss * FLOOR
    for start, end in loud:
        samples[start:end] = voice[start:end] * VOICE
    return np.asarray(samples, dtype=np.float32)


def listen(samples: Samples, p: Sequence[float], missing: Span | None = None) -> tuple[VoiceActivity, list[Annotation]]:
    voice = VoiceActivity("s", Speaker.A, VadSettings(), 0)
    out: list[Annotation] = []
    for number, probability in enumerate(p):
        start = number * FRAME_SAMPLES
        holes: tuple[Span, ...] = ()
        if missing and missing.overlap(Span(start, start + FRAME_SAMPLES)):
            holes = (Span(max(start, missing.start), min(start + FRAME_SAMPLES, missing.end)),)
        frame = Frame.of(start, samples[start : start + FRAME_SAMPLES], holes)
        out += voice.step(frame, None if frame.wholly_missing else probability)
    return voice, out


def probabilities(frames: int, *speech: tuple[int, int]) -> list[float]:
    return [0.95 if any(a <= n < b for a, b in speech) else 0.05 for n in range(frames)]


def test_boundaries_are_where_the_sound_is_finer_than_frames() -> None:
    start, end = 40 * FRAME_SAMPLES + 200, 80 * FRAME_SAMPLES + 300
    _, out = listen(sound([(start, end)], 120), probabilities(120, (41, 82)))
    opened, final = out
    assert (opened.status, final.status) == ("open", "final")
    assert opened.id == final.id
    assert abs(final.span.start - start) <= 64
    assert abs(final.span.end - end) <= FRAME_SAMPLES // 2
    assert opened.decided - start < 0.15 * 16_000


def test_a_dip_within_a_word_does_not_end_speech_and_a_pause_of_200_ms_does() -> None:
    dip = [(40 * FRAME_SAMPLES, 60 * FRAME_SAMPLES), (62 * FRAME_SAMPLES, 80 * FRAME_SAMPLES)]
    _, out = listen(sound(dip, 120), probabilities(120, (40, 60), (62, 80)))
    assert [a.status for a in out] == ["open", "final"]
    pause = [(40 * FRAME_SAMPLES, 60 * FRAME_SAMPLES), (68 * FRAME_SAMPLES, 90 * FRAME_SAMPLES)]
    _, out = listen(sound(pause, 120), probabilities(120, (40, 60), (68, 90)))
    assert [a.status for a in out] == ["open", "final", "open", "final"]


def test_one_unsure_frame_is_no_speech() -> None:
    p = probabilities(60)
    p[30] = 0.7
    assert listen(sound([(30 * FRAME_SAMPLES, 31 * FRAME_SAMPLES)], 60), p)[1] == []


def test_activity_shows_a_gap_that_the_spoken_unit_bridges() -> None:
    loud = [(40 * FRAME_SAMPLES, 60 * FRAME_SAMPLES), (65 * FRAME_SAMPLES, 80 * FRAME_SAMPLES)]
    voice, out = listen(sound(loud, 120), probabilities(120, (40, 60), (65, 80)))
    assert [a.status for a in out] == ["open", "final"]  # 160 ms: one unit
    assert [on for _, _, on in voice.settled(120 * FRAME_SAMPLES)] == [True, False, True, False]


def test_boundaries_are_settled_in_order_and_never_before_what_was_settled() -> None:
    voice, _ = listen(sound([(40 * FRAME_SAMPLES, 60 * FRAME_SAMPLES)], 80), probabilities(80, (40, 60)))
    first = voice.settled(50 * FRAME_SAMPLES)
    rest = voice.settled(80 * FRAME_SAMPLES)
    assert [on for _, _, on in first] == [True]
    assert [on for _, _, on in rest] == [False]
    assert first[0][0] <= 50 * FRAME_SAMPLES <= rest[0][0]


def test_what_is_lost_for_long_is_marked_missing_and_ends_speech_at_its_start() -> None:
    gone = Span(60 * FRAME_SAMPLES + 100, 90 * FRAME_SAMPLES + 7)
    loud = [(40 * FRAME_SAMPLES, gone.start), (gone.end, 110 * FRAME_SAMPLES)]
    voice, out = listen(sound(loud, 130), probabilities(130, (40, 110)), gone)
    spans = [a.span for a in out if a.status == "final"]
    assert spans[0].end == gone.start
    assert spans[1].start >= gone.end
    marks = voice.settled(130 * FRAME_SAMPLES)
    assert [(at, on) for at, what, on in marks if what == "missing"] == [(gone.start, True), (gone.end, False)]


HOLE = Span(60 * FRAME_SAMPLES + 100, 69 * FRAME_SAMPLES + 7)  # 285 ms


def test_speech_on_both_sides_of_a_hole_is_one_unit_and_a_little_less_certain() -> None:
    samples, p = sound([(40 * FRAME_SAMPLES, 110 * FRAME_SAMPLES)], 130), probabilities(130, (40, 110))
    (_, whole), (_, holed) = listen(samples, p)[1], listen(samples, p, HOLE)[1]
    assert (holed.span, holed.id) == (whole.span, whole.id)
    assert 0.8 * whole.confidence < holed.confidence < whole.confidence


def test_speech_that_is_gone_behind_a_hole_ended_where_the_hole_began() -> None:
    loud = [(40 * FRAME_SAMPLES, HOLE.start), (100 * FRAME_SAMPLES, 120 * FRAME_SAMPLES)]
    voice, out = listen(sound(loud, 140), probabilities(140, (40, 61), (100, 120)), HOLE)
    assert next(a.span.end for a in out if a.status == "final") == HOLE.start
    marks = voice.settled(140 * FRAME_SAMPLES)
    stops = [at for at, what, on in marks if what == "active" and not on]
    assert stops[0] == HOLE.end  # so that the turn detector, told of the hole, hears nothing behind it
    assert len(stops) == 2


def test_packets_lost_again_and_again_bridge_no_more_than_one_hole_does() -> None:
    voice = VoiceActivity("s", Speaker.A, VadSettings(), 0)
    samples = sound([(40 * FRAME_SAMPLES, 60 * FRAME_SAMPLES)], 120)
    ended: list[Annotation] = []
    for n, p in enumerate(probabilities(120, (40, 60))):
        start = n * FRAME_SAMPLES
        holes = (Span(start + 100, start + 420),) if n >= 60 else ()
        ended += voice.step(Frame.of(start, samples[start : start + FRAME_SAMPLES], holes), p)
    assert [a.span.end for a in ended if a.status == "final"] == [60 * FRAME_SAMPLES + 100]
    assert ended[-1].decided < 60 * FRAME_SAMPLES + 0.75 * SAMPLE_RATE_HZ


def test_the_session_s_end_ends_speech() -> None:
    voice, out = listen(sound([(40 * FRAME_SAMPLES, 60 * FRAME_SAMPLES)], 60), probabilities(60, (40, 60)))
    assert [a.status for a in out] == ["open"]
    (final,) = voice.flush(60 * FRAME_SAMPLES)
    assert final.span.end == 60 * FRAME_SAMPLES


def unsure(frames: int, start: int, count: int, p: float) -> list[float]:
    return [p if start <= n < start + count else 0.05 for n in range(frames)]


def test_what_never_becomes_sure_is_taken_back_and_the_turn_detector_never_hears_of_it() -> None:
    """A cry: loud, and for a second now and then as likely speech as not."""
    p = unsure(120, 40, 30, 0.78)
    p[41] = 0.93
    voice, out = listen(sound([(40 * FRAME_SAMPLES, 70 * FRAME_SAMPLES)], 120, CRY_HZ), p)
    opened, taken_back = out
    assert (opened.status, taken_back.status) == ("open", "final")
    assert opened.id == taken_back.id
    assert taken_back.span.length == RETRACTED_SAMPLES
    assert taken_back.confidence == 0.0
    assert list(voice.settled(120 * FRAME_SAMPLES)) == []


def test_the_same_doubtful_sound_is_a_listening_sound_once_a_voice_is_known_at_that_level() -> None:
    hum = (150 * FRAME_SAMPLES, 158 * FRAME_SAMPLES)
    p = [
        high if n < 120 else low
        for n, (high, low) in enumerate(zip(probabilities(200, (40, 110)), unsure(200, 150, 8, 0.78), strict=True))
    ]
    voice, out = listen(sound([(40 * FRAME_SAMPLES, 110 * FRAME_SAMPLES), hum], 200), p)
    assert [a.span.length > RETRACTED_SAMPLES for a in out if a.status == "final"] == [True, True]
    assert [on for _, _, on in voice.settled(200 * FRAME_SAMPLES)] == [True, False, True, False]
    faint = sound([(40 * FRAME_SAMPLES, 110 * FRAME_SAMPLES)], 200)
    faint[hum[0] : hum[1]] *= 10.0  # 20 dB below the voice
    voice, out = listen(faint, p)
    assert [a.span.length > RETRACTED_SAMPLES for a in out if a.status == "final"] == [True, False]


@pytest.mark.parametrize("hz", [None, CRY_HZ], ids=["a stroke of keys", "a cry"])
def test_what_the_model_is_sure_of_for_a_moment_is_doubted_where_it_is_voiceless_or_too_high(hz: float | None) -> None:
    burst = [(150 * FRAME_SAMPLES, 155 * FRAME_SAMPLES)]
    before = sound([(40 * FRAME_SAMPLES, 110 * FRAME_SAMPLES)], 150)
    p = probabilities(200, (40, 110), (150, 155))
    _, voiced = listen(np.concatenate([before, sound(burst, 200)[len(before) :]]), p)
    _, other = listen(np.concatenate([before, sound(burst, 200, hz)[len(before) :]]), p)
    assert [a.span.length > RETRACTED_SAMPLES for a in voiced if a.status == "final"] == [True, True]
    assert [a.span.length > RETRACTED_SAMPLES for a in other if a.status == "final"] == [True, False]


@pytest.mark.parametrize(("hz", "heard"), [(LOW_HZ, True), (CRY_HZ, False), (None, False)])
def test_a_stranger_s_first_short_word_is_heard_where_it_is_pitched_as_adults_speak(
    hz: float | None, heard: bool
) -> None:
    word = [(40 * FRAME_SAMPLES, 45 * FRAME_SAMPLES)]
    _, out = listen(sound(word, 80, hz), probabilities(80, (40, 45)))
    assert [a.span.length > RETRACTED_SAMPLES for a in out if a.status == "final"] == [heard]


@pytest.mark.parametrize(("hz", "heard"), [(LOW_HZ, [True, True]), (CRY_HZ, [True]), (None, [True])])
def test_what_a_known_voice_mumbles_is_heard_where_its_pitch_is_clear(hz: float | None, heard: list[bool]) -> None:
    """Far or mumbled talk leaves the model near p 0.6 for long; so does much else."""
    before = sound([(40 * FRAME_SAMPLES, 110 * FRAME_SAMPLES)], 150)
    mumbled = sound([(150 * FRAME_SAMPLES, 166 * FRAME_SAMPLES)], 200, hz)[len(before) :]
    p = [*probabilities(150, (40, 110)), *[0.62] * 16, *[0.05] * 34]
    _, out = listen(np.concatenate([before, mumbled]), p)
    assert [a.span.length > RETRACTED_SAMPLES for a in out if a.status == "final"] == heard


def test_over_a_telephone_nothing_is_doubted_for_having_no_clear_pitch() -> None:
    burst = sound([(40 * FRAME_SAMPLES, 50 * FRAME_SAMPLES)], 90, None)
    for narrow in (False, True):
        voice = VoiceActivity("s", Speaker.A, VadSettings(), 0, narrow=narrow)
        out = [
            a
            for n, p in enumerate(probabilities(90, (40, 50)))
            for a in voice.step(Frame.of(n * FRAME_SAMPLES, burst[n * FRAME_SAMPLES : (n + 1) * FRAME_SAMPLES]), p)
        ]
        assert [a.span.length > RETRACTED_SAMPLES for a in out if a.status == "final"] == [narrow]


def test_whisper_gets_there_in_the_end() -> None:
    _, out = listen(
        sound([(40 * FRAME_SAMPLES, 70 * FRAME_SAMPLES)], 110, None),
        [0.98 if 40 <= n < 70 else 0.02 for n in range(110)],
    )
    assert [a.span.length > RETRACTED_SAMPLES for a in out if a.status == "final"] == [True]


def test_evidence_of_one_sentence_proves_no_later_sound() -> None:
    loud = [(40 * FRAME_SAMPLES, 110 * FRAME_SAMPLES), (130 * FRAME_SAMPLES, 132 * FRAME_SAMPLES)]
    p = probabilities(200, (40, 110))
    p[130:132] = [0.6, 0.6]
    _, out = listen(sound(loud, 200), p)
    assert [a.status for a in out] == ["open", "final"]


def test_a_voice_that_pauses_within_its_unit_goes_on_without_new_proof() -> None:
    loud = [(40 * FRAME_SAMPLES, 60 * FRAME_SAMPLES), (65 * FRAME_SAMPLES, 80 * FRAME_SAMPLES)]
    p = probabilities(120, (40, 60))
    p[65:80] = [0.5] * 15
    voice, out = listen(sound(loud, 120), p)
    assert [a.status for a in out] == ["open", "final"]
    assert [on for _, _, on in voice.settled(120 * FRAME_SAMPLES)] == [True, False, True, False]


def test_saved_within_a_hole_it_goes_on_alike() -> None:
    samples, p = sound([(40 * FRAME_SAMPLES, 110 * FRAME_SAMPLES)], 130), probabilities(130, (40, 110))
    _, whole = listen(samples, p, HOLE)
    for cut in range(60, 72):
        voice = VoiceActivity("s", Speaker.A, VadSettings(), 0)
        out: list[Annotation] = []
        for n in range(130):
            if n == cut:
                voice = VoiceActivity.restore("s", Speaker.A, VadSettings(), json.loads(json.dumps(voice.save())))
            own = Span(n * FRAME_SAMPLES, (n + 1) * FRAME_SAMPLES)
            lost = (Span(max(own.start, HOLE.start), min(own.end, HOLE.end)),) if HOLE.overlap(own) else ()
            frame = Frame.of(own.start, samples[own.start : own.end], lost)
            out += voice.step(frame, None if frame.wholly_missing else p[n])
        assert out == whole


def test_saved_between_announcement_and_proof_it_goes_on_alike() -> None:
    samples, p = sound([(40 * FRAME_SAMPLES, 70 * FRAME_SAMPLES)], 120), unsure(120, 40, 30, 0.92)
    _, whole = listen(samples, p)
    for cut in range(38, 60):
        voice, out = listen(samples[: cut * FRAME_SAMPLES], p[:cut])
        voice = VoiceActivity.restore("s", Speaker.A, VadSettings(), json.loads(json.dumps(voice.save())))
        for n in range(cut, 120):
            out += voice.step(Frame.of(n * FRAME_SAMPLES, samples[n * FRAME_SAMPLES : (n + 1) * FRAME_SAMPLES]), p[n])
        assert out == whole
