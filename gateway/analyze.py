"""Recordings in, timeline out: the very pipeline and coach that run live, as fast as they can."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from coach.evidence import revised_by_words
from coach.policy import Coach
from detectors.pipeline import Pipeline
from detectors.turns import annotate_activity
from gateway.words.models import OFF
from gateway.words.transcript import Transcript, transcript
from streaming import audio, wire
from streaming.errors import UnusableInput
from streaming.rttm import read_rttm
from streaming.types import (
    INTERRUPTION_KINDS,
    OVERLAP_KINDS,
    SAMPLE_RATE_HZ,
    Annotation,
    AudioChunk,
    Cue,
    Kind,
    Line,
    Samples,
    Span,
    Speaker,
)

_BLOCK_SAMPLES = SAMPLE_RATE_HZ // 10  # the coach is told of the time as often as this


def timeline_of_audio(
    session: str,
    partners: dict[Speaker, Samples],
    sizes: Iterable[int] | None = None,
    words: Transcript | None = None,
) -> Iterator[Line]:
    """Annotations and the cues that would have come, in the order in which they were decided.

    ``sizes`` are the chunk lengths in samples; whatever they are, the lines are the same. ``words`` puts
    what was said between them, a little after it was said; the coach hears which overlaps were only listening.
    """
    sizes = sizes if sizes is not None else _for_ever(_BLOCK_SAMPLES)
    return _timeline(session, audio.chunks(session, partners, sizes), words)


def _timeline(session: str, chunks: Iterable[AudioChunk], words: Transcript | None) -> Iterator[Line]:
    pipeline, coach = Pipeline(session), Coach(session)
    for chunk in chunks:
        annotations = pipeline.push(chunk)
        yield from _coached(coach, annotations, pipeline.now)
        if words is not None:
            yield from _reworded(coach, words.follow(chunk, annotations))
    annotations = pipeline.flush()
    yield from _coached(coach, annotations, pipeline.now)
    if words is not None:
        yield from _reworded(coach, words.told(annotations))
        yield from _reworded(coach, words.finish(pipeline.now))


def timeline_of_activity(session: str, activity: dict[Speaker, list[Span]]) -> Iterator[Line]:
    """The same from given speech activity: turn-taking alone, without audio."""
    annotations = annotate_activity(session, activity)
    end = max((span.end for spans in activity.values() for span in spans), default=0)
    yield from _coached(Coach(session), annotations, end)


def _for_ever(size: int) -> Iterator[int]:
    while True:
        yield size


def _coached(coach: Coach, annotations: Iterable[Annotation], now: int) -> Iterator[Line]:
    for annotation in annotations:
        yield from coach.advance(annotation.decided)
        yield annotation
        yield from coach.observe(annotation)
    yield from coach.advance(now)


def _reworded(coach: Coach, said: Iterable[Annotation]) -> Iterator[Line]:
    for annotation in said:
        yield annotation
        if revised_by_words(annotation):
            yield from coach.observe(annotation)


def timeline_of_files(
    files: list[Path], rttm: Path | None, session: str | None = None, *, words: str = OFF, masked: bool = False
) -> Iterator[Line]:
    """The lines for what the command line was given; raises UnusableInput before the first one."""
    if rttm is not None:
        if files:
            raise UnusableInput("give either audio files or --rttm, not both")
        if words != OFF:
            raise UnusableInput("--words needs audio, and --rttm holds none")
        return timeline_of_activity(session or rttm.stem, read_rttm(rttm))
    if not files:
        raise UnusableInput("nothing to analyze: give A.wav B.wav, one STEREO.wav, or --rttm FILE")
    name = session or files[0].stem
    heard = audio.partner_chunks(name, files, _BLOCK_SAMPLES)
    return _timeline(name, heard, None if words == OFF else transcript(name, words, masked=masked))


@dataclass(slots=True)
class Summary:
    """What a person wants to know of a timeline at a glance. Only final annotations count."""

    end_s: float = 0.0
    speech_s: dict[Speaker, float] = field(default_factory=lambda: dict.fromkeys(Speaker, 0.0))
    overlaps: Counter[tuple[Kind, Speaker | None]] = field(default_factory=Counter)
    rises: Counter[Speaker] = field(default_factory=Counter)
    settled: Counter[Speaker] = field(default_factory=Counter)
    cues: list[Cue] = field(default_factory=list)
    said: list[Annotation] = field(default_factory=list)

    def add(self, line: Line) -> None:
        if isinstance(line, Cue):
            self.cues.append(line)
        if not isinstance(line, Annotation):
            return
        self.end_s = max(self.end_s, wire.seconds(line.decided))
        if line.status != "final":
            return
        if line.kind in OVERLAP_KINDS:
            self.overlaps[line.kind, line.by] += 1
        if line.by is None:
            return
        if line.kind is Kind.SPEECH:
            self.speech_s[line.by] += wire.seconds(line.span.length)
        elif line.kind is Kind.WORDS and line.text:
            self.said.append(line)
        elif line.kind is Kind.AROUSAL_RISE:
            self.rises[line.by] += 1
        elif line.kind is Kind.AROUSAL_SETTLED:
            self.settled[line.by] += 1

    @property
    def interruptions(self) -> int:
        return sum(n for (kind, _), n in self.overlaps.items() if kind in INTERRUPTION_KINDS)
