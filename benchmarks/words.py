"""``breathmark bench words``: what the transcriber hears, how late, what it invents, and what it costs the others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks import words_overlaps
from benchmarks.far_script import TRUTH
from benchmarks.harness import BenchResult, Figure, bootstrap, quantile, recordings
from benchmarks.words_cues import Cues, cue_delays
from benchmarks.words_load import Timed, sessions_a_core, simulate
from benchmarks.words_texts import errors, same_spelling
from coach.meaning import language
from detectors.pipeline import Pipeline
from detectors.words_heard import plain
from detectors.words_utterances import Utterance, silent
from gateway.demo import DIALOGUE
from gateway.words.models import find_model
from gateway.words.process import Transcriber
from gateway.words.session import SessionWords
from streaming import audio
from streaming.audio import read_audio, read_partners
from streaming.types import SAMPLE_RATE_HZ, Annotation, Samples, Speaker
from streaming.wire import seconds

MODEL = "tiny.en"
LIBRIVOX = Path("/usr/share/pocketsphinx/test/data/librivox")
SILENCE_S = 600.0  # ten minutes in which nothing is said
COUPLES = 6  # about half a core of theirs, and as much again of the transcriber's
LISTENING = ("Right.", "Okay.", "Yeah.", "Yes.", "Deal.", "Good.")  # lines of the dialogue of one word


@dataclass(frozen=True, slots=True)
class Read:
    """One text as it is, and what was heard of it."""

    truth: Sequence[str]
    heard: Sequence[str]


@dataclass(frozen=True, slots=True)
class Heard:
    """A recording put into words: the lines, and each utterance with the time it took."""

    lines: Sequence[Annotation]
    timed: Sequence[Timed]
    doubted: int  # utterances whose text was not believed

    def text(self, by: Speaker) -> str:
        finals = [a for a in self.lines if a.status == "final" and a.by is by and a.text]
        return " ".join(a.text or "" for a in sorted(finals, key=lambda a: a.span.start))


def run(quick: bool) -> BenchResult:
    return asyncio.run(_measure(quick))


async def _measure(quick: bool) -> BenchResult:
    notes: list[str] = []
    live_s = 46.0 if quick else 1e9  # of the dialogue: heard as live, with its partial texts
    with TemporaryDirectory(prefix="breathmark-bench-") as folder:
        model = find_model(MODEL, Path(folder))
        transcriber = await Transcriber.start(model, language("en").invented)
        try:
            dialogue = await _heard(transcriber, read_partners([DIALOGUE]), partials_until_s=live_s)
            librivox = await _librivox(transcriber, notes)
            heard = [] if quick else await words_overlaps.transcribed(transcriber, notes)
            noise_s, invented, doubted, forced = await _noise(transcriber, quick, notes)
        finally:
            await transcriber.stop()
        truth = _dialogue_truth()
        dialogue_reads = [Read(same_spelling(truth[s]), same_spelling(dialogue.text(s))) for s in Speaker]
        cues = await cue_delays(MODEL, couples=COUPLES, turns=2 if quick else 10, turn_s=3.0 if quick else 15.0)
    live = [t for t in dialogue.timed if t.ready_s <= live_s]
    one = simulate(live, 1)
    unaware = [(t.ready_s - t.said_s) * 1000 for t in live if t.utterance.final]
    alone = [(t.ready_s - t.said_s + t.busy_s) * 1000 for t in live if t.utterance.final]
    finals_ms = [delay_s * 1000 for delay_s in one.finals_s]
    busy_s = sum(t.busy_s for t in dialogue.timed if t.utterance.final)
    cpu_s = sum(t.cpu_s for t in dialogue.timed if t.utterance.final)
    sound_s = sum(t.utterance.span.length for t in dialogue.timed if t.utterance.final) / SAMPLE_RATE_HZ
    n = len(finals_ms)
    figures = [
        _wer("wer", [*librivox, *dialogue_reads]),
        *([_wer("wer_librivox", librivox)] if librivox else []),
        _wer("wer_dialogue", dialogue_reads),
        Figure("rtf", busy_s / sound_s, n, alternatives={"processor time": cpu_s / sound_s}),
        *(
            Figure(f"final_p{q}_ms", quantile(finals_ms, q / 100), n, alternatives={"utterance alone": at_once})
            for q, at_once in ((q, quantile(alone, q / 100)) for q in (50, 95))
        ),
        *(Figure(f"final_unaware_p{q}_ms", quantile(unaware, q / 100), n) for q in (50, 95)),
        Figure("sessions_a_core", sessions_a_core(live), n),
        Figure("invented_words", invented, round(noise_s), alternatives={"speech detector off": forced}),
        Figure("doubted_utterances_of_noise", doubted, round(noise_s)),
        *_cues(cues),
        _listening(dialogue),
        *words_overlaps.figures(quick, notes),
        *heard,
    ]
    notes += [
        f"final_*: from the end of the last word to its final text. unaware: audio time alone. aware: one couple's {n} "
        "finals and their partial texts through the queue in virtual time, each with the time that hearing it took.",
        f"sessions_a_core: copies of the dialogue ({100 * _spoken_share(dialogue):.0f} % speech of both together) at "
        "random offsets on one transcriber; no final dropped, p95 within 5 s.",
        "invented_words: n is seconds of noise, silence and made noise through the detectors; beside it the same sound "
        "cut blindly into 4 s and given to the transcriber and its guards alone.",
        f"cue_…: {cues.couples} couples with a gateway process of its own, from the audio that decides a cue to the "
        "partner's socket; whoever begins to speak gets one. Words agreed to and withdrawn in turns; meanwhile "
        f"{cues.heard} utterances were put into words.",
    ]
    return BenchResult("words", {"quick": quick, "model": MODEL}, figures, (), notes)


async def _heard(
    transcriber: Transcriber, sound: dict[Speaker, Samples], *, partials_until_s: float = 0.0, step: int = 1600
) -> Heard:
    """The way of a live session, as fast as it goes: detectors, utterances, the transcriber's process, guards."""
    rules = language("en")
    words, pipeline, lines, timed = SessionWords("bench", rules), Pipeline("bench"), list[Annotation](), list[Timed]()
    doubted = 0

    async def hear(utterances: Sequence[Utterance]) -> None:
        nonlocal doubted
        for utterance in utterances:
            if not utterance.final and seconds(utterance.decided) > partials_until_s:
                continue
            answer = await transcriber.hear(utterance.samples, rules.name)
            said = words.said(utterance, None if answer.doubt else answer.heard)
            lines.extend(said)
            doubted += utterance.final and answer.doubt is not None
            ends = [seconds(word.span.end) for line in said for word in line.words or ()]
            if not utterance.final or ends:
                said_s = max(ends, default=seconds(utterance.span.end))
                timed.append(Timed(silent(utterance), seconds(utterance.decided), said_s, answer.busy_s, answer.cpu_s))

    for chunk in audio.chunks("bench", sound, iter(lambda: step, 0)):
        await hear(words.heard(chunk))
        await hear(words.told(pipeline.push(chunk))[0])
    await hear(words.told(pipeline.flush())[0])
    await hear(words.finish(pipeline.now))
    return Heard(lines, timed, doubted)


async def _librivox(transcriber: Transcriber, notes: list[str]) -> list[Read]:
    """The clips that Debian's pocketsphinx-testdata holds: one reader, five sentences."""
    file = LIBRIVOX / "transcription"
    if not file.is_file():
        notes.append(f"No clips at {LIBRIVOX}: apt-get install pocketsphinx-testdata; wer is of the dialogue alone.")
        return []
    out = []
    for line in file.read_text(encoding="utf-8").splitlines():
        text, _, name = line.rpartition("(")
        own = np.pad(read_audio(LIBRIVOX / f"{name.rstrip(')')}.wav")[0], (8000, 24_000))
        heard = await _heard(transcriber, {Speaker.A: own, Speaker.B: np.zeros_like(own)})
        truth = same_spelling(text.replace("<s>", "").replace("</s>", ""))
        out.append(Read(truth, same_spelling(heard.text(Speaker.A))))
    return out


async def _noise(transcriber: Transcriber, quick: bool, notes: list[str]) -> tuple[float, int, int, int]:
    """Seconds of it, words invented in them, utterances that were doubted, and words invented without detectors."""
    length_s, invented, doubted, forced = 0.0, 0, 0, 0
    rules = language("en")
    for own in _noises(quick, notes):
        heard = await _heard(transcriber, {Speaker.A: own, Speaker.B: np.zeros_like(own)}, step=8000)
        finals = [line for line in heard.lines if line.status == "final"]
        invented += sum(len(plain(line.text or "")) for line in finals)
        doubted += heard.doubted
        length_s += len(own) / SAMPLE_RATE_HZ
        for at in range(0, len(own) - SAMPLE_RATE_HZ, (128 if quick else 4) * SAMPLE_RATE_HZ):
            answer = await transcriber.hear(own[at : at + 4 * SAMPLE_RATE_HZ], rules.name)
            forced += 0 if answer.doubt else len(plain(answer.heard.text))
    return length_s, invented, doubted, forced


def _noises(quick: bool, notes: list[str]) -> Iterator[Samples]:
    """The recorded noises, then made ones until there are ten minutes."""
    left_s, made = SILENCE_S, 0
    try:
        files = sorted((recordings() / "noise").glob("*/*.flac"))
    except Exception as error:
        notes.append(f"No recorded noise ({error}): made noise and silence alone.")
        files = []
    for file in files[:: 4 if quick else 1]:
        own = np.pad(read_audio(file)[0], (0, SAMPLE_RATE_HZ))
        left_s -= len(own) / SAMPLE_RATE_HZ
        yield own
    rng = np.random.default_rng(0)
    while left_s > 0:
        length = 30 * SAMPLE_RATE_HZ
        level = (0.0, 0.0003, 0.003, 0.03)[made % 4]
        yield (rng.standard_normal(length) * level).astype(np.float32)
        made, left_s = made + 1, left_s - 30.0


def _truth() -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = json.loads(TRUTH.read_text(encoding="utf-8"))["lines"]
    return lines


def _dialogue_truth() -> dict[Speaker, str]:
    ordered = sorted(_truth(), key=lambda line: line["start_s"])
    return {s: " ".join(line["text"] for line in ordered if line["by"] == s.value) for s in Speaker}


def _listening(dialogue: Heard) -> Figure:
    """Of the dialogue's lines of a single word, the share that was heard right."""
    single = [line for line in _truth() if line["text"] in LISTENING]
    found = 0
    for line in single:
        said = [
            word
            for a in dialogue.lines
            if a.status == "final" and a.by == line["by"]
            for word in a.words or ()
            if line["start_s"] - 0.3 <= seconds(word.span.start) <= line["end_s"]
        ]
        found += any(plain(word.text) == plain(line["text"]) for word in said)
    return Figure("single_words_heard_share", found / len(single), len(single))


def _spoken_share(dialogue: Heard) -> float:
    finals = [t.utterance.span.length for t in dialogue.timed if t.utterance.final]
    return sum(finals) / SAMPLE_RATE_HZ / max(t.ready_s for t in dialogue.timed)


def _wer(name: str, reads: Sequence[Read]) -> Figure:
    def rate(some: Sequence[Read]) -> float:
        return sum(errors(r.truth, r.heard) for r in some) / sum(len(r.truth) for r in some)

    low, high = bootstrap(reads, rate)
    return Figure(name, rate(reads), sum(len(r.truth) for r in reads), low, high)


def _cues(cues: Cues) -> list[Figure]:
    """Both p95 and their ratio, with an interval from drawing couples' turns."""
    rng = np.random.default_rng(0)

    def p95(blocks: Sequence[Sequence[float]]) -> float:
        return quantile([delay for block in blocks for delay in block], 0.95)

    def drawn(blocks: Sequence[Sequence[float]]) -> float:
        return p95([blocks[i] for i in rng.integers(0, len(blocks), len(blocks))]) if blocks else float("nan")

    low, high = np.quantile([drawn(cues.on) / drawn(cues.off) for _ in range(300)], [0.025, 0.975])
    n = {name: sum(map(len, blocks)) for name, blocks in (("off", cues.off), ("on", cues.on))}
    return [
        Figure("cue_p95_ratio_words_on", p95(cues.on) / p95(cues.off), sum(n.values()), float(low), float(high)),
        Figure("cue_p95_ms_words_off", p95(cues.off), n["off"]),
        Figure("cue_p95_ms_words_on", p95(cues.on), n["on"]),
    ]
