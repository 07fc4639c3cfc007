"""Two phones in one room: real timing, real voices and real room responses, each microphone hearing both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy import signal

from benchmarks import scoring, vad_scores
from benchmarks.clips import Clip, emodb, levelled
from benchmarks.gold import gold_labels
from benchmarks.harness import Figure, measured
from benchmarks.sbcsae import Conversation, Unit, read_all
from benchmarks.scoring import Scored
from detectors.pipeline import Pipeline
from detectors.settings import BleedSettings, DetectorSettings
from streaming.audio import chunks, read_audio
from streaming.types import INTERRUPTION_KINDS, SAMPLE_RATE_HZ, Annotation, Samples, Span, Speaker

UNGUARDED = DetectorSettings(bleed=BleedSettings(seems_speech=2.0))  # no probability reaches it
DOWN_DB = (6.0, 12.0, 20.0)
_HISS = 1e-3  # -60 dB of full scale
_WITHOUT = "without the guard"
_CLEAN = "two rooms"
_STEP = 5 * SAMPLE_RATE_HZ  # stretches begin on this grid
_NONE_SEEN = 3.0  # events that 95 % of chance allow where none was seen


def figures(data: Path) -> list[Figure]:
    """Interruptions at -6, -12 and -20 dB beside the same talk in two rooms."""
    length = 90 * SAMPLE_RATE_HZ  # of each conversation, or it takes 20 minutes
    lively = [liveliest(one, length) for one in read_all(data)]
    spoken = [_spoken(one, data, seed) for seed, one in enumerate(lively)]
    rooms = responses(data)
    clean = _f1("bleed_none_interruption_f1", spoken, None, rooms)
    out = [clean]
    for down_db in DOWN_DB:
        name = f"bleed_{down_db:.0f}db"
        hard = down_db == DOWN_DB[0]
        out.append(_f1(f"{name}_interruption_f1", spoken, down_db, rooms, clean=clean.value, compare=hard))
        out.append(_alone(f"{name}_alone_interruptions_per_10_min", spoken, down_db, rooms, compare=hard))
    return out


def liveliest(conversation: Conversation, length: int) -> Conversation:
    """The stretch of ``length`` samples with the most interruptions, begun anew at 0."""
    starts = [gold.start for gold in gold_labels(conversation) if gold.interruption]
    begins = range(0, max(1, conversation.length - length), _STEP)
    begin = max(begins, key=lambda at: sum(at <= start < at + length for start in starts))
    units = [
        Unit(
            unit.by,
            Span(max(0, unit.span.start - begin), min(length, unit.span.end - begin)),
            unit.text,
        )
        for unit in conversation.units
        if unit.span.end > begin and unit.span.start < begin + length
    ]
    return Conversation(conversation.name, tuple(units))


def _spoken(one: Conversation, data: Path, seed: int) -> tuple[Conversation, dict[Speaker, Samples]]:
    """The conversation in two voices of natural breadth, in two microphones that hear one voice each."""
    random = np.random.default_rng(seed)
    speakers = list(emodb(data).values())
    drawn = random.choice(len(speakers), 2, replace=False)
    return one, {who: _said(speakers[number], one, who, random) for who, number in zip(Speaker, drawn, strict=True)}


def _said(clips: Sequence[Clip], one: Conversation, who: Speaker, random: np.random.Generator) -> Samples:
    clean = [levelled(clips[i].samples) for i in random.permutation(len(clips))]
    voice = np.concatenate([clip[span.start : span.end] for clip in clean for span in vad_scores.spoken(clip)])
    out = np.zeros(one.length + SAMPLE_RATE_HZ, np.float32)
    at = 0
    for span in one.activity[who]:
        out[span.start : span.end] = np.take(voice, np.arange(at, at + span.length), mode="wrap")
        at += span.length
    return out * np.float32(10 ** (random.uniform(-3, 3) / 20))


def responses(data: Path) -> list[Samples]:
    """Responses from the direct sound on, of unit energy."""
    out = []
    for path in sorted((data / "rir").glob("rir*.flac")):
        response = read_audio(path)[0]
        response = response[int(np.abs(response).argmax()) :]
        out.append((response / np.sqrt((response**2).sum())).astype(np.float32))
    return out


def bled(
    audio: Mapping[Speaker, Samples], down_db: float | None, rooms: Sequence[Samples], seed: int
) -> dict[Speaker, Samples]:
    """Each microphone with the other's voice in it, ``down_db`` down and 1 to 30 ms late; None leaves it out."""
    random = np.random.default_rng(seed)
    out: dict[Speaker, Samples] = {}
    for number, (who, own) in enumerate(audio.items()):
        late = round(random.uniform(0.001, 0.03) * SAMPLE_RATE_HZ)
        heard = own + random.standard_normal(len(own)) * _HISS
        if down_db is not None:
            response = np.concatenate([np.zeros(late, np.float32), rooms[(seed + number) % len(rooms)]])
            heard += signal.fftconvolve(audio[who.other], response)[: len(own)] * 10 ** (-down_db / 20)
        out[who] = heard.astype(np.float32)
    return out


def _heard(one: Conversation, audio: dict[Speaker, Samples], settings: DetectorSettings) -> list[Annotation]:
    pipeline = Pipeline(one.name, settings)
    out = [a for chunk in chunks(one.name, audio) for a in pipeline.push(chunk)]
    return out + pipeline.flush()


def _f1(
    name: str,
    spoken: Sequence[tuple[Conversation, dict[Speaker, Samples]]],
    down_db: float | None,
    rooms: Sequence[Samples],
    *,
    clean: float | None = None,
    compare: bool = False,
) -> Figure:
    def scored(settings: DetectorSettings) -> list[Scored]:
        return [
            Scored(
                one.name,
                one.minutes,
                tuple(scoring.match(gold_labels(one), scoring.heard(_heard(one, both, settings)))),
            )
            for seed, (one, own) in enumerate(spoken)
            for both in [bled(own, down_db, rooms, seed)]
        ]

    ours = scored(DetectorSettings())
    others = ({} if clean is None else {_CLEAN: clean}) | ({_WITHOUT: scoring.f1(scored(UNGUARDED))} if compare else {})
    wanted = sum(bool(p.gold and p.gold.demanded and p.gold.interruption) for p in scoring.pairs_of(ours))
    return measured(name, ours, scoring.f1, wanted, others)


def _alone(
    name: str,
    spoken: Sequence[tuple[Conversation, dict[Speaker, Samples]]],
    down_db: float,
    rooms: Sequence[Samples],
    *,
    compare: bool,
) -> Figure:
    """One partner is silent: what is called an interruption comes from bleed alone. And the most it may be."""

    def per_10_min(counts: Sequence[tuple[int, float]]) -> float:
        return sum(n for n, _ in counts) / sum(minutes for _, minutes in counts) * 10

    def counted(settings: DetectorSettings) -> list[tuple[int, float]]:
        out = []
        for seed, (one, own) in enumerate(spoken):
            both = bled({**own, Speaker.B: np.zeros_like(own[Speaker.B])}, down_db, rooms, seed)
            said = _heard(one, both, settings)
            out.append((sum(a.status == "final" and a.kind in INTERRUPTION_KINDS for a in said), one.minutes))
        return out

    ours = counted(DetectorSettings())
    others = {_WITHOUT: per_10_min(counted(UNGUARDED))} if compare else {}
    seen = sum(number for number, _ in ours)
    minutes = sum(length for _, length in ours)
    most = max(seen + 2.0 * seen**0.5, _NONE_SEEN) / minutes * 10
    return Figure(name, per_10_min(ours), len(ours), 0.0, most, others)
