"""What the voice detectors reach: speech activity, arousal, and what they cost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks import arousal_accuracy, bleed_accuracy, vad_scores
from benchmarks.clips import Clip, emodb, noises
from benchmarks.harness import REPOSITORY, Figure, measured, recordings
from benchmarks.vad_scores import Line, Scored
from detectors.pipeline import Pipeline
from detectors.settings import CONTEXT_SAMPLES, FRAME_SAMPLES
from detectors.silero import STATE_SHAPE, shared_model
from detectors.worker import Worker
from streaming.audio import chunks, read_partners
from streaming.types import SAMPLE_RATE_HZ, Annotation, Speaker

STREAMS = 20
_TURN_ROUNDS = 100  # of one chunk of one partner a session: 1 s
_OURS = "all detectors"


def figures(quick: bool) -> list[Figure]:
    """All figures; ``quick`` hears fewer clips and no bleed. Raises UnusableInput without recordings."""
    data = recordings()
    return [
        *vad_figures(data, quick),
        *([] if quick else bleed_accuracy.figures(data)),
        *arousal_accuracy.figures(data, quick),
        cost_figure(quick),
    ]


def vad_figures(data: Path, quick: bool) -> list[Figure]:
    out: list[Figure] = []
    clips = [clip for own in emodb(data).values() for clip in own]
    names: dict[Line, str] = {"clean": "vad_f1", "noise_5db": "vad_f1_noise_5db", "telephone": "vad_f1_telephone"}
    for line, name in names.items():
        ours, plain = _vad_parts(clips, line, data, 4 if quick else 12)
        out.append(measured(name, ours, Scored.f1, len(ours), {"plain silero": Scored.f1(plain)}))
        if line == "clean":
            out += [
                measured(
                    "vad_false_alarm_share",
                    ours,
                    Scored.false_alarm,
                    len(ours),
                    {"plain silero": Scored.false_alarm(plain)},
                ),
                measured("vad_miss_share", ours, Scored.miss, len(ours), {"plain silero": Scored.miss(plain)}),
                measured("speech_announced_p50_ms", ours, _announced, sum(len(p.announced_ms) for p in ours)),
            ]
    taken = vad_scores.noise_taken_for_speech(data, 12 if quick else 58)
    out.append(measured("noise_as_speech_share", taken, lambda x: float(np.mean(x)), len(taken)))
    voice = np.concatenate([clip.samples for clip in clips if clip.emotion == "N"][:6])
    after = vad_scores.noise_taken_for_speech(data, 12 if quick else 58, voice)
    out.append(measured("noise_after_voice_as_speech_share", after, lambda x: float(np.mean(x)), len(after)))
    return out


def _announced(parts: Sequence[Scored]) -> float:
    return float(np.median([ms for part in parts for ms in part.announced_ms] or [np.nan]))


def _vad_parts(clips: Sequence[Clip], line: Line, data: Path, parts: int) -> tuple[list[Scored], list[Scored]]:
    random = np.random.default_rng(0)
    ours: list[Scored] = []
    plain: list[Scored] = []
    for seed in range(parts):
        chosen = [clips[i] for i in random.choice(len(clips), 12, replace=False)]
        samples, truth = vad_scores.rendered(chosen, line, noises(data), seed)
        annotations, probabilities = vad_scores.listen(samples)
        announced = vad_scores.announcements_ms(annotations, truth)
        ours.append(vad_scores.score(vad_scores.final_spans(annotations), truth, len(samples), announced))
        plain.append(vad_scores.score(vad_scores.plain(probabilities), truth, len(samples)))
    return ours, plain


def cost_figure(quick: bool) -> Figure:
    """All detectors' share of one core a stream, at 20 streams of the bundled dialogue in 20 ms chunks."""
    heard_s = 10.0 if quick else 40.0
    audio = read_partners([REPOSITORY / "gateway" / "assets" / "dialogue.ogg"])
    cut = {speaker: own[: round(heard_s * SAMPLE_RATE_HZ)] for speaker, own in audio.items()}
    spent_s = asyncio.run(_spent_s(cut))
    percent = {name: 100 * own_s / heard_s / STREAMS for name, own_s in spent_s.items()}
    ours = percent.pop(_OURS)
    return Figure("detectors_core_percent_a_stream", ours, STREAMS, alternatives=percent)


class _ModelAlone:
    """The model asked of the same streams and of nothing left out, ``rows`` of them at once."""

    def __init__(self, audio: dict[Speaker, np.ndarray], rows: int) -> None:
        self._streams = [audio[speaker] for speaker in Speaker] * (STREAMS // 2)
        self._calls = [slice(first, first + rows) for first in range(0, STREAMS, rows)]
        self._memories = np.zeros((STREAMS, *STATE_SHAPE), np.float32)
        self._end = CONTEXT_SAMPLES  # of what it has heard

    def hear(self, until: int) -> None:
        while self._end + FRAME_SAMPLES <= until:
            begin, self._end = self._end - CONTEXT_SAMPLES, self._end + FRAME_SAMPLES
            windows = np.stack([own[begin : self._end] for own in self._streams])
            for rows in self._calls:
                _, self._memories[rows] = shared_model().infer(windows[rows], self._memories[rows])


async def _spent_s(audio: dict[Speaker, np.ndarray]) -> dict[str, float]:
    """Processor time of each, in turns of a second of audio: what else the machine does meets them alike."""

    async def deliver(session: str, annotations: list[Annotation], now: int) -> None:
        return None

    worker = Worker(deliver)
    sessions = [f"s{n}" for n in range(STREAMS // 2)]
    for session in sessions:
        worker.open(Pipeline(session))
    rounds = list(zip(*(chunks(session, audio) for session in sessions), strict=True))
    alone = {"plain silero, batched": _ModelAlone(audio, STREAMS), "plain silero, one by one": _ModelAlone(audio, 1)}
    spent_s = dict.fromkeys([_OURS, *alone], 0.0)
    await worker.warm()
    for first in range(0, len(rounds), _TURN_ROUNDS):
        began = time.process_time()
        for number, round_ in enumerate(rounds[first : first + _TURN_ROUNDS]):
            for chunk in round_:
                worker.offer(chunk)
            if number % 2:  # both partners' 20 ms are there
                await worker.tick()
        spent_s[_OURS] += time.process_time() - began
        for name, model in alone.items():
            began = time.process_time()
            model.hear(rounds[min(first + _TURN_ROUNDS, len(rounds)) - 1][0].end)
            spent_s[name] += time.process_time() - began
    return spent_s
