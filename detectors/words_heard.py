"""What a transcriber made of an utterance, and whether that may count as heard.

The gates are Whisper's own (A. Radford et al., "Robust speech recognition via large-scale weak supervision", 2022,
section 4.5), tighter where the model itself doubts that there was speech.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from detectors.words_settings import GuardSettings
from streaming.types import SAMPLE_RATE_HZ

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_SAME_MARKS = re.compile(r"([^.…])\1{4}")  # "It's$$$$$$": no word has five of one in a row
_LONGEST_PHRASE = 8  # words; a loop of longer ones shows in the compression


@dataclass(frozen=True, slots=True)
class HeardWord:
    """Times in seconds from the beginning of the sound that was given."""

    text: str
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Heard:
    """One decoding. ``logprob`` is the mean of a token; ``no_speech`` the model's own doubt, 0 to 1."""

    words: tuple[HeardWord, ...]
    logprob: float
    no_speech: float

    @property
    def text(self) -> str:
        return "".join(word.text for word in self.words).strip()

    @property
    def confidence(self) -> float:
        return sum(w.confidence for w in self.words) / len(self.words) if self.words else 0.0


def plain(text: str) -> list[str]:
    """The bare words in lower case."""
    return [word.replace("’", "'") for word in _WORD.findall(text.lower())]


def doubt(
    heard: Heard, samples: int, invented: Collection[str] = (), settings: GuardSettings | None = None
) -> str | None:
    """Why this is not to be believed, None where it is.

    ``invented``: phrases, in bare words, that the model is known to make of noise; the last resort.
    """
    settings = settings or GuardSettings()
    words = plain(heard.text)
    if not words:
        return "empty"
    if heard.no_speech > settings.most_no_speech and heard.logprob < settings.sure_logprob:
        return "no_speech"
    if heard.logprob < settings.least_logprob:
        return "unsure"
    if heard.confidence < settings.least_word:
        return "unsure_words"
    looped = loops(words, settings) or _SAME_MARKS.search(heard.text) is not None
    if looped or compression(heard.text) > settings.most_compression:
        return "repeats"
    if len(words) > settings.allowed_words + settings.most_words_per_s * samples / SAMPLE_RATE_HZ:
        return "too_many"
    if " ".join(words) in invented and heard.confidence < settings.doubted_word:
        return "known_invention"
    return None


def compression(text: str) -> float:
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0


def loops(words: Sequence[str], settings: GuardSettings) -> bool:
    """Whether a word or a phrase comes more often in a row than anybody says it."""
    phrases = max((repeats(words, length) for length in range(2, _LONGEST_PHRASE + 1)), default=1)
    single = repeats(words, 1)
    return single > settings.most_repeats or (phrases > settings.most_phrases and single == 1)


def repeats(words: Sequence[str], length: int) -> int:
    """How many times in a row the most repeated phrase of so many words comes."""
    most, run = 1, 0
    for at in range(length, len(words)):
        run = run + 1 if words[at] == words[at - length] else 0
        most = max(most, 1 + run // length)
    return most
