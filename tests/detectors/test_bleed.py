"""Two phones on one table: each hears both voices, and each voice still has one owner."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import signal

from detectors.bleed import BleedGuard
from detectors.echo import EchoPath, Microphone, tell_apart
from detectors.frames import Frame
from detectors.pipeline import Pipeline
from detectors.settings import BleedSettings
from streaming.types import INTERRUPTION_KINDS, SAMPLE_RATE_HZ, Annotation, Kind, Samples, Speaker
from tests.detectors.talk import dialogue, lines, packets, run, speech

UNTIL_S = 48.0


def room(late_ms: float, seed: int) -> Samples:
    """A made-up room: the direct sound, then 0.3 s of dense reflections that die away."""
    random = np.random.default_rng(seed)
    tail = random.standard_normal(4_800) * np.exp(-np.arange(4_800) / 1_000) * 0.12
    response = np.concatenate([np.zeros(round(late_ms * 16)), [1.0], tail])
    return np.asarray(response / np.sqrt((response**2).sum()), dtype=np.float32)


def one_table(down_db: float, late_ms: float) -> dict[Speaker, Samples]:
    audio = dialogue(0, UNTIL_S)
    out = {}
    for seed, speaker in enumerate(Speaker):
        other = signal.fftconvolve(audio[speaker.other], room(late_ms, seed))[: len(audio[speaker])]
        hiss = np.random.default_rng(seed).standard_normal(len(other)) * 1e-4
        out[speaker] = (audio[speaker] + other * 10 ** (-down_db / 20) + hiss).astype(np.float32)
    return out


def steps(annotations: list[Annotation], speaker: Speaker) -> np.ndarray:
    out = np.zeros(round(UNTIL_S * 100) + 1, dtype=bool)
    for a in speech(annotations, speaker):
        out[a.span.start // 160 : a.span.end // 160] = True
    return out


@pytest.fixture(scope="module")
def apart() -> list[Annotation]:
    return run(Pipeline("s"), packets(dialogue(0, UNTIL_S)))


@pytest.mark.parametrize(("down_db", "late_ms"), [(6.0, 5.0), (12.0, 20.0), (20.0, 10.0)])
def test_the_other_voice_in_a_microphone_is_not_this_partners_speech(
    apart: list[Annotation], down_db: float, late_ms: float
) -> None:
    together = run(Pipeline("s"), packets(one_table(down_db, late_ms)))
    for speaker in Speaker:
        alone, beside = steps(apart, speaker), steps(together, speaker)
        assert (beside & ~alone).sum() < 0.08 * (~alone).sum()
        assert (alone & ~beside).sum() < 0.08 * alone.sum()
    real = [a.span.start for a in apart if a.kind in INTERRUPTION_KINDS]
    false = [
        a
        for a in together
        if a.kind in INTERRUPTION_KINDS and all(abs(a.span.start - at) > 0.35 * SAMPLE_RATE_HZ for at in real)
    ]
    assert false == []
    assert {a.by for a in together if a.kind is Kind.QUALITY and a.reason == "bleed"} == set(Speaker)


def test_two_rooms_are_never_taken_for_one(apart: list[Annotation]) -> None:
    assert not [a for a in apart if a.reason == "bleed"]


def test_a_known_way_between_two_microphones_explains_bleed_and_not_a_voice_of_ones_own() -> None:
    audio, path, settings = dialogue(0, UNTIL_S), EchoPath(), BleedSettings()
    there = audio[Speaker.A][: 20 * SAMPLE_RATE_HZ]
    bleed = signal.fftconvolve(there, room(5.0, 0))[: len(there)].astype(np.float32) * np.float32(0.5)
    own = np.ascontiguousarray(there[::-1])
    heard = {"bleed": bleed, "both": bleed + own}

    def left_db(name: str, *, learn: bool) -> list[float]:
        """Where the other is loud."""
        out, here, other = [], Microphone(), Microphone()
        path.rest()
        for at in range(1024, len(there), 512):
            here.take(heard[name][at - 1024 : at])
            other.take(there[at - 1024 : at])
            left = path.hear(here, other, learn, settings)
            if (
                np.abs(there[max(0, at - 4096) : at]).mean() > 0.01
                and np.abs(own[max(0, at - 4096) : at]).mean() > 0.01
            ):
                out.append(left)
        return out

    left_db("bleed", learn=True)
    assert path.known(settings)
    saved = json.loads(json.dumps(path.save()))
    assert np.median(left_db("bleed", learn=False)) < -6.0
    path = EchoPath.restore(saved)
    assert np.median(left_db("both", learn=False)) > path.threshold_db(settings)
    path = EchoPath.restore(saved)
    again = left_db("both", learn=False)
    path = EchoPath.restore(json.loads(json.dumps(saved)))
    assert left_db("both", learn=False) == again


def test_the_faint_end_of_the_others_words_is_no_own_speech_and_a_voice_over_them_is() -> None:
    """There the room rings on longer than any filter, and its noise is all that is left: a large share of little."""
    audio, path, settings = dialogue(0, UNTIL_S), EchoPath(), BleedSettings()
    there = audio[Speaker.A][: 24 * SAMPLE_RATE_HZ]
    hiss = np.random.default_rng(1).standard_normal(len(there)) * 5e-4
    bleed = (signal.fftconvolve(there, room(5.0, 0))[: len(there)] * 0.4 + hiss).astype(np.float32)
    own = np.ascontiguousarray(there[::-1])

    def taken_for_own(heard: Samples, *, learn: bool) -> list[tuple[float, float, bool]]:
        """Of each frame: what both said in it, mean amplitude, and whether some of it must be own."""
        out, here, other = [], Microphone(), Microphone()
        path.rest()
        for at in range(1024, len(there), 512):
            here.take(heard[at - 1024 : at])
            other.take(there[at - 1024 : at])
            is_own = not path.is_bleed(path.hear(here, other, learn, settings), settings)
            out.append((float(np.abs(there[at - 512 : at]).mean()), float(np.abs(own[at - 512 : at]).mean()), is_own))
        return out

    taken_for_own(bleed, learn=True)
    faint = [is_own for theirs, _, is_own in taken_for_own(bleed, learn=False) if 0.0002 < theirs < 0.002]
    assert len(faint) > 40
    assert np.mean(faint) < 0.1
    over = [is_own for theirs, mine, is_own in taken_for_own(bleed + own, learn=False) if theirs > 0.01 and mine > 0.01]
    assert np.mean(over) > 0.9


def test_what_comes_back_of_own_speech_is_not_taken_for_the_others() -> None:
    """After own speech the other microphone still rings with it; that must not go on as own speech."""
    voice = dialogue(0, UNTIL_S)[Speaker.A][: 20 * SAMPLE_RATE_HZ]
    ways, settings = {speaker: EchoPath() for speaker in Speaker}, BleedSettings()
    for here in Speaker:
        bleed = signal.fftconvolve(voice, room(5.0, 0))[: len(voice)].astype(np.float32) * np.float32(0.5)
        near, far = Microphone(), Microphone()
        for at in range(1024, len(voice), 512):
            near.take(bleed[at - 1024 : at])
            far.take(voice[at - 1024 : at])
            ways[here].hear(near, far, True, settings)
    a, b = Microphone(), Microphone()
    kept = raw = 0.0
    for at in range(1024, len(voice), 512):
        a.take(voice[at - 1024 : at])
        b.take(bleed[at - 1024 : at])
        raw += float(b.signal @ b.signal)
        tell_apart(a, b, ways[Speaker.A], ways[Speaker.B])
        kept += float(b.kept[-256:] @ b.kept[-256:])
    assert kept < 0.1 * raw
    restored = Microphone.restore(a.kept.copy())
    assert np.array_equal(restored.spectra, a.spectra)


def test_at_one_table_a_restart_from_a_saved_state_says_the_same() -> None:
    audio = {speaker: own[: 16 * SAMPLE_RATE_HZ] for speaker, own in one_table(6.0, 5.0).items()}
    whole = run(Pipeline("s"), packets(audio))
    pipeline, out = Pipeline("s"), []
    for number, chunk in enumerate(packets(audio)):
        if number in (700, 1333):
            pipeline = Pipeline.restore("s", pipeline.save())
        out += pipeline.push(chunk)
    assert lines(out + pipeline.flush()) == lines(whole)


def test_a_way_that_explains_nothing_is_given_up() -> None:
    """Two people who often speak at once in two rooms may seem to be one for a moment; not for long."""
    voice, settings = dialogue(0, UNTIL_S)[Speaker.A][: 20 * SAMPLE_RATE_HZ], BleedSettings()
    here, other, path = Microphone(), Microphone(), EchoPath()
    stranger = np.ascontiguousarray(voice[::-1])
    for at in range(1024, len(voice), 512):
        here.take(stranger[at - 1024 : at])
        other.take(voice[at - 1024 : at])
        path.hear(here, other, True, settings)
    assert path.useless(settings)
    assert not path.known(settings)


def heard_bleed(guard: BleedGuard, voice: Samples, bleed: Samples) -> list[Samples]:
    """What the model is to hear of b's microphone while a speaks and b's seems to hold no speech."""
    out = []
    for at in range(0, len(voice) - 511, 512):
        frames = {
            Speaker.A: Frame.of(at, voice[at : at + 512]),
            Speaker.B: Frame.of(at, bleed[at : at + 512]),
        }
        out.append(guard.look(frames).get(Speaker.B, bleed[at : at + 512]))
        guard.judge(frames, {Speaker.A: float(np.abs(voice[at : at + 512]).max() > 0.01), Speaker.B: 0.0})
    return out


def test_bleed_too_faint_to_seem_speech_is_learnt_and_kept_from_the_model() -> None:
    """It would be heard as speech once own speech comes before it."""
    voice = dialogue(0, UNTIL_S)[Speaker.A][: 20 * SAMPLE_RATE_HZ]
    hiss = np.random.default_rng(1).standard_normal(len(voice)) * 3e-4
    bleed = (signal.fftconvolve(voice, room(5.0, 0))[: len(voice)] * 0.1 + hiss).astype(np.float32)
    shown = heard_bleed(BleedGuard(BleedSettings()), voice, bleed)
    loud = [
        float(own.any()) for at, own in enumerate(shown) if at > 400 and np.abs(voice[at * 512 :][:512]).max() > 0.05
    ]
    assert len(loud) > 30
    assert np.mean(loud) < 0.25  # the first 96 ms of each bit of bleed are shown


def test_own_speech_over_the_others_is_shown_to_the_model_without_it() -> None:
    voice = dialogue(0, UNTIL_S)[Speaker.A][: 20 * SAMPLE_RATE_HZ]
    bleed = signal.fftconvolve(voice, room(5.0, 0))[: len(voice)].astype(np.float32) * np.float32(0.5)
    own = np.zeros_like(voice)
    own[12 * SAMPLE_RATE_HZ :] = voice[::-1][: len(voice) - 12 * SAMPLE_RATE_HZ]
    shown = np.concatenate(heard_bleed(BleedGuard(BleedSettings()), voice, bleed + own))
    over = slice(12 * SAMPLE_RATE_HZ, len(shown))
    both = (np.abs(own) > 0.02)[over] & (np.abs(bleed) > 0.005)[over]
    assert both.sum() > SAMPLE_RATE_HZ // 10
    left = (shown - own[: len(shown)])[over][both]
    assert np.square(left).sum() < 0.2 * np.square(bleed[over][both]).sum()


def test_the_way_to_a_phone_that_was_moved_is_learnt_anew() -> None:
    audio, path, settings = dialogue(0, UNTIL_S), EchoPath(), BleedSettings()
    there = audio[Speaker.A]
    left: list[list[float]] = []
    for seed, late_ms in ((0, 5.0), (1, 14.0)):
        bleed = signal.fftconvolve(there, room(late_ms, seed))[: len(there)].astype(np.float32) * np.float32(0.5)
        here, other = Microphone(), Microphone()
        left.append([])
        for at in range(1024, len(there), 512):
            here.take(bleed[at - 1024 : at])
            other.take(there[at - 1024 : at])
            left_db = path.hear(here, other, True, settings)
            if np.abs(there[at - 512 : at]).max() > 0.05:
                left[-1].append(left_db)
    before, after = left
    assert np.median(before[-100:]) < -8.0
    assert np.median(after[:10]) > -4.0
    assert np.median(after[-100:]) < -8.0
    assert path.known(settings)
