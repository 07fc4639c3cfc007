"""Speech activity on clips at known places: clean, in noise, over a telephone; and on noise alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from benchmarks.clips import Clip, levelled, mixed, under
from detectors.frames import Frame
from detectors.partner import Partner
from detectors.settings import FRAME_SAMPLES, DetectorSettings
from detectors.silero import shared_model
from streaming.audio import read_audio
from streaming.types import SAMPLE_RATE_HZ, Annotation, Kind, Samples, Span, Speaker, joined

Line: TypeAlias = Literal["clean", "noise_5db", "telephone"]
_STEP = 160  # 10 ms, the grid on which activity is compared
_RUMBLE = signal.butter(4, 150, "highpass", fs=SAMPLE_RATE_HZ, output="sos")
_QUIETEST_DB = -38.0  # under the clip's loudest 20 ms: fainter sound is the room


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """10 ms steps of a stretch: how many were speech and heard as such, heard falsely, missed, and silent in truth."""

    hits: int
    false: int
    missed: int
    silent: int
    announced_ms: tuple[float, ...]

    @staticmethod
    def f1(parts: Sequence[Scored]) -> float:
        hits = 2 * sum(p.hits for p in parts)
        return hits / max(1, hits + sum(p.false + p.missed for p in parts))

    @staticmethod
    def false_alarm(parts: Sequence[Scored]) -> float:
        return sum(p.false for p in parts) / max(1, sum(p.silent for p in parts))

    @staticmethod
    def miss(parts: Sequence[Scored]) -> float:
        return sum(p.missed for p in parts) / max(1, sum(p.hits + p.missed for p in parts))


def spoken(samples: Samples) -> list[Span]:
    """Where a clean clip holds sound, pauses under 200 ms filled (the definition of an IPU).

    Below 150 Hz lies the rumble of the room in which it was recorded, in the median 15 dB of it.
    """
    blocks = signal.sosfiltfilt(_RUMBLE, samples)[: len(samples) // _STEP * _STEP].reshape(-1, _STEP)
    power = np.convolve((blocks**2).mean(axis=1), [0.5, 0.5], mode="same")
    on = power > power.max() * 10 ** (_QUIETEST_DB / 10)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], on, [False]]).astype(np.int8)))
    gap = SAMPLE_RATE_HZ // 5
    wide = [Span(a * _STEP, b * _STEP + gap) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= 3]
    return [Span(span.start, span.end - gap) for span in joined(wide)]


def rendered(clips: Sequence[Clip], line: Line, rooms: Sequence[Samples], seed: int) -> tuple[Samples, list[Span]]:
    """The clips at random distances, and where speech is."""
    random = np.random.default_rng(seed)
    parts: list[Samples] = []
    truth: list[Span] = []
    at = 0
    for clip in clips:
        pause = round(random.uniform(0.4, 2.0) * SAMPLE_RATE_HZ)
        parts += [np.zeros(pause, np.float32), levelled(clip.samples) * np.float32(10 ** (random.uniform(-6, 6) / 20))]
        truth += [Span(at + pause + span.start, at + pause + span.end) for span in spoken(clip.samples)]
        at += pause + len(clip.samples)
    samples = np.concatenate([*parts, np.zeros(SAMPLE_RATE_HZ, np.float32)])
    samples = (samples + random.standard_normal(len(samples)) * 1e-4).astype(np.float32)
    if line == "noise_5db":
        samples = mixed(samples, rooms[seed % len(rooms)], 5.0, random)
    if line == "telephone":
        samples = companded(under(samples, "telephone", rooms, random))
    return samples, truth


def companded(samples: Samples) -> Samples:
    """Eight bits of µ-law, as a telephone exchange leaves them."""
    packed = np.round(np.sign(samples) * np.log1p(255 * np.abs(samples)) / np.log(256) * 127) / 127
    return np.asarray(np.sign(packed) * (256 ** np.abs(packed) - 1) / 255, dtype=np.float32)


def listen(samples: Samples) -> tuple[list[Annotation], list[float]]:
    """One microphone's speech annotations, and silero's own probabilities."""
    settings, model = DetectorSettings(), shared_model()
    own = Partner("bench", Speaker.A, settings, 0)
    out: list[Annotation] = []
    probabilities: list[float] = []
    for start in range(0, len(samples) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        frame = Frame.of(start, samples[start : start + FRAME_SAMPLES])
        (p,), memories = model.infer(own.window(frame)[None], own.memory[None])
        out += own.hear(frame, p, memories[0], bleeding=False)
        own.voice.settled(frame.end - settings.vad.feed_delay_samples)
        probabilities.append(p)
    out += own.voice.flush(len(probabilities) * FRAME_SAMPLES)
    return [a for a in out if a.kind is Kind.SPEECH], probabilities


def plain(probabilities: Sequence[float], level: float = 0.5) -> list[Span]:
    """The usual way with silero: begin over 0.5, end under 0.35 for 100 ms, 30 ms added on both sides."""
    ends = max(level - 0.15, 0.01)
    spans: list[Span] = []
    start = quiet = None
    after = [0.0] * (1600 // FRAME_SAMPLES + 2)  # what goes on to the end of the audio ends there
    for number, p in enumerate([*probabilities, *after]):
        at = number * FRAME_SAMPLES
        if p >= level:
            start, quiet = at if start is None else start, None
        elif p < ends and start is not None:
            quiet = at if quiet is None else quiet
            if at - quiet >= 1600:
                spans.append(Span(max(0, start - 480), min(quiet + 480, len(probabilities) * FRAME_SAMPLES)))
                start = quiet = None
    return joined(spans)


def score(spans: Sequence[Span], truth: Sequence[Span], length: int, announced_ms: Sequence[float] = ()) -> Scored:
    heard, true = _steps(spans, length), _steps(truth, length)
    return Scored(
        int((heard & true).sum()),
        int((heard & ~true).sum()),
        int((~heard & true).sum()),
        int((~true).sum()),
        tuple(announced_ms),
    )


def final_spans(annotations: Sequence[Annotation]) -> list[Span]:
    return [a.span for a in annotations if a.status == "final"]


def announcements_ms(annotations: Sequence[Annotation], truth: Sequence[Span]) -> list[float]:
    """From the true onset to its announcement, for onsets that were found within 300 ms."""
    starts = np.array([span.start for span in truth])
    out: list[float] = []
    for a in annotations:
        if a.status == "open":
            nearest = int(starts[np.abs(starts - a.span.start).argmin()])
            if abs(nearest - a.span.start) < 0.3 * SAMPLE_RATE_HZ:
                out.append((a.decided - nearest) * 1000 / SAMPLE_RATE_HZ)
    return out


def noise_taken_for_speech(data: Path, at_most: int, voice: Samples | None = None) -> list[bool]:
    """For each recording of a baby, keyboard, kitchen or machine: whether over 200 ms of it were called speech.

    With ``voice``, each follows that voice after half a second, as loud as it.
    """
    hiss = (np.random.default_rng(0).standard_normal(SAMPLE_RATE_HZ) * 1e-4).astype(np.float32)
    before = hiss if voice is None else np.concatenate([levelled(voice), hiss[: SAMPLE_RATE_HZ // 2]])
    out: list[bool] = []
    for path in sorted((data / "noise").rglob("*.flac"))[:: max(1, round(58 / at_most))]:
        noise = read_audio(path)[0]
        annotations, _ = listen(np.concatenate([before, noise if voice is None else levelled(noise)]))
        heard = [span.length for span in final_spans(annotations) if span.start > len(before) - SAMPLE_RATE_HZ // 4]
        out.append(sum(heard) > 0.2 * SAMPLE_RATE_HZ)
    return out


def _steps(spans: Sequence[Span], length: int) -> NDArray[np.bool_]:
    steps = np.zeros(length // _STEP + 1, dtype=bool)
    for span in spans:
        steps[round(span.start / _STEP) : round(span.end / _STEP)] = True
    return steps
