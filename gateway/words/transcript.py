"""Words of a recording: the same utterances, guards and lines as live, heard in this process, finals only."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from coach.meaning import Language, language
from detectors.words_mask import Usage
from detectors.words_utterances import Utterance
from gateway.words.models import find_model, usage_of
from gateway.words.session import SessionWords
from streaming.errors import UnusableInput
from streaming.types import Annotation, AudioChunk

if TYPE_CHECKING:
    from detectors.whisper import Whisper  # a second of loading, which only those who want words should wait for

APPLICATION = "breathmark"


class Transcript:
    """One recording. ``follow`` what the detectors were given and said, then ``finish``."""

    def __init__(self, session: str, whisper: Whisper, rules: Language, *, masked: Usage | None = None) -> None:
        self._words = SessionWords(session, rules, masked=masked)
        self._whisper = whisper
        self._rules = rules

    def follow(self, chunk: AudioChunk, annotations: Sequence[Annotation]) -> Iterator[Annotation]:
        yield from self._hear(self._words.heard(chunk))
        yield from self.told(annotations)

    def told(self, annotations: Sequence[Annotation]) -> Iterator[Annotation]:
        utterances, revised = self._words.told(annotations)
        yield from revised
        yield from self._hear(utterances)

    def finish(self, now: int) -> Iterator[Annotation]:
        yield from self._hear(self._words.finish(now))

    def _hear(self, utterances: Iterable[Utterance]) -> Iterator[Annotation]:
        for utterance in utterances:
            if utterance.final:
                heard, doubt = self._whisper.hear(utterance.samples, self._rules.name, self._rules.invented)
                yield from self._words.said(utterance, None if doubt else heard)


def transcript(session: str, model: str, *, masked: bool = False, rules: str = "en") -> Transcript:
    """With the model of that name or path, in this process. Raises UnusableInput."""
    from detectors.whisper import Whisper

    folder = find_model(model, cache_folder())
    try:
        whisper = Whisper(folder)
    except (RuntimeError, ValueError) as error:
        raise UnusableInput(f"--words {model}: {folder} holds no model that can be used ({error})") from error
    return Transcript(session, whisper, language(rules), masked=usage_of(folder) if masked else None)


def cache_folder() -> Path:
    """Where models that come in pieces are put together."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / APPLICATION
