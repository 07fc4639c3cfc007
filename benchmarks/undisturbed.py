"""The reference timeline of a practice's stream: its messages in order, without bus, workers or store."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from coach.policy import Coach
from detectors.pipeline import Pipeline
from gateway.practice.exchange import Begin, Close, Heard
from gateway.practice.learnt import beginning
from streaming.audio import missing
from streaming.timeline import line_key
from streaming.types import Annotation, AudioChunk, Happening, Line


def undisturbed(session: str, messages: Iterable[Heard]) -> list[Line]:
    """What detectors and coach say of it. Messages that came twice, or for a time that was given, count once."""
    pipeline, coach = Pipeline(session), Coach(session)
    heard: set[str] = set()
    kept: dict[str, Line] = {}
    begun = ended = False
    for message in messages:
        if ended or not (begun or isinstance(message, Begin)):
            continue
        said: list[Line] = []
        match message:
            case Begin():
                if not begun:
                    begun, (pipeline, coach) = True, beginning(session, message.policy, message.learnt)
            case AudioChunk():
                for chunk in placed(pipeline, message):
                    said += observed(pipeline, coach, pipeline.push(chunk))
            case Happening():
                said += coach.happened(message) if message.id not in heard else []
                heard.add(message.id)
            case Annotation():
                said += coach.observe(message)
            case Close():
                ended = True
                flushed = observed(pipeline, coach, pipeline.flush())
                said += [line for line in flushed if isinstance(line, Annotation)]  # no cue into the end
        for line in [*said, *coach.take_outcomes()]:
            kept.setdefault(line_key(line), line)
    return list(kept.values())


def placed(pipeline: Pipeline, chunk: AudioChunk) -> list[AudioChunk]:
    """The chunk where it belongs: a jump is missing audio, what was given already is cut off."""
    given = pipeline.given(chunk.speaker)
    if chunk.start > given:
        gap = dataclasses.replace(
            chunk, samples=missing(chunk.session, chunk.speaker, given, chunk.start - given).samples
        )
        return [dataclasses.replace(gap, start=given, missing=True), chunk]
    late = min(given - chunk.start, len(chunk.samples))
    return [dataclasses.replace(chunk, start=chunk.start + late, samples=chunk.samples[late:])]


def observed(pipeline: Pipeline, coach: Coach, annotations: list[Annotation]) -> list[Line]:
    cues = [cue for annotation in annotations for cue in coach.observe(annotation)]
    return [*annotations, *cues, *coach.advance(pipeline.now)]
