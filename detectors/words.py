"""Utterances and what was heard in them become annotations of kind ``words``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from detectors.words_heard import Heard
from detectors.words_utterances import DETECTOR, Utterance
from streaming.types import SAMPLE_RATE_HZ, Annotation, Kind, Span, Word

Mask = Callable[[Sequence[Word]], Sequence[Word]]


def said(utterance: Utterance, heard: Heard, language: str, mask: Mask | None = None) -> Annotation:
    """The text with its words in session time; each word lies within the utterance, in order, none before the last."""
    words: list[Word] = []
    at = utterance.span.start
    for word in heard.words:
        start = utterance.heard_from + round(word.start_s * SAMPLE_RATE_HZ)
        end = utterance.heard_from + round(word.end_s * SAMPLE_RATE_HZ)
        start = min(max(start, at), utterance.span.end)
        at = min(max(end, start), utterance.span.end)
        words.append(Word(word.text.strip(), Span(start, at), min(1.0, max(0.0, word.confidence))))
    shown = tuple(mask(words) if mask else words)
    return _annotation(utterance, " ".join(word.text for word in shown), heard.confidence, language, shown)


def nothing_heard(utterance: Utterance, language: str) -> Annotation:
    """No word was heard: what a partial text showed is no longer so."""
    return _annotation(utterance, "", 0.0, language, ())


def _annotation(
    utterance: Utterance, text: str, confidence: float, language: str, words: tuple[Word, ...]
) -> Annotation:
    return Annotation(
        id=utterance.id,
        session=utterance.session,
        kind=Kind.WORDS,
        status="final" if utterance.final else "open",
        span=utterance.span,
        decided=utterance.decided,
        detector=DETECTOR,
        confidence=min(1.0, max(0.0, confidence)),
        by=utterance.by,
        text=text,
        language=language,
        words=words,
    )
