"""The one place that knows faster-whisper: sound of one utterance in, words with times out.

An utterance is decoded alone, by greedy or beam search at temperature 0, with nothing of what was said before: so
the same sound gives the same words, and one error does not breed others. The model was taught on windows of
30 s; most utterances last a few, and a window just long enough gives the same words for a quarter of the work. Where
that fails the guards, the whole window is tried.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer

from detectors.words_heard import Heard, HeardWord, doubt
from detectors.words_settings import GuardSettings
from streaming.types import Samples

_FRAMES_A_S = 100  # of the model's input
_WHOLE_FRAMES = 3000  # 30 s


@dataclass(frozen=True, slots=True)
class WhisperSettings:
    """How it decodes."""

    spare_frames: int = 200  # 2 s of nothing after the utterance: without it the last words are repeated
    least_frames: int = 300  # shorter windows than 3 s are unlike anything it was taught
    whole_beam: int = 5  # the second try is rare, and may take its time
    tokens_a_s: int = 8  # fast speech has about 6
    more_tokens: int = 12  # however short


class Whisper:
    """A model on one thread. Raises RuntimeError, ValueError where ``folder`` holds none that CTranslate2 reads."""

    def __init__(self, folder: Path, *, threads: int = 1, settings: WhisperSettings = WhisperSettings()) -> None:
        self.settings = settings
        self._model = WhisperModel(
            str(folder), device="cpu", compute_type="int8", cpu_threads=threads, num_workers=1, local_files_only=True
        )
        self._tokenizers: dict[str, Tokenizer] = {}

    @property
    def languages(self) -> list[str]:
        return list(self._model.supported_languages)

    def hear(
        self,
        sound: Samples,
        language: str,
        invented: Collection[str] = (),
        guards: GuardSettings | None = None,
    ) -> tuple[Heard, str | None]:
        """What was said in ``sound``, float32 (n,) of at most 30 s, and why it is not to be believed, if so."""
        features = self._model.feature_extractor(sound)
        frames = min(_WHOLE_FRAMES, features.shape[-1])
        short = max(self.settings.least_frames, frames + self.settings.spare_frames)
        if short < _WHOLE_FRAMES:
            heard = self._decode(features, frames, short, 1, language)
            reason = doubt(heard, len(sound), invented, guards)
            if reason is None or reason in ("empty", "no_speech"):
                return heard, reason
        heard = self._decode(features, frames, _WHOLE_FRAMES, self.settings.whole_beam, language)
        return heard, doubt(heard, len(sound), invented, guards)

    def _decode(self, features: Samples, frames: int, window: int, beam: int, language: str) -> Heard:
        padded = np.zeros((features.shape[0], window), np.float32)
        padded[:, :frames] = features[:, :frames]
        tokenizer = self._tokenizer(language)
        encoded = self._model.encode(padded)
        prompt = self._model.get_prompt(tokenizer, [], without_timestamps=True)
        most = self.settings.more_tokens + self.settings.tokens_a_s * frames // _FRAMES_A_S
        found: Any = self._model.model.generate(
            encoded,
            [prompt],
            beam_size=beam,
            max_length=min(self._model.max_length, len(prompt) + most),
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        tokens = [token for token in found.sequences_ids[0] if token < tokenizer.eot]
        if not tokens:
            return Heard((), float(found.scores[0]), float(found.no_speech_prob))
        return Heard(
            tuple(self._timed(tokenizer, tokens, encoded, frames)), float(found.scores[0]), float(found.no_speech_prob)
        )

    def _timed(self, tokenizer: Tokenizer, tokens: list[int], encoded: Any, frames: int) -> list[HeardWord]:
        """Words by the model's own alignment; marks stand with the word that they follow."""
        words: list[HeardWord] = []
        for found in self._model.find_alignment(tokenizer, [tokens], encoded, frames)[0]:
            text = str(found["word"])
            if not text or not found["tokens"] or found["tokens"][0] >= tokenizer.eot:
                continue
            word = HeardWord(text, float(found["start"]), float(found["end"]), float(found["probability"]))
            if words and not any(letter.isalnum() for letter in text):
                last = words[-1]
                words[-1] = HeardWord(last.text + text.strip(), last.start_s, last.end_s, last.confidence)
            else:
                words.append(word)
        return words

    def _tokenizer(self, language: str) -> Tokenizer:
        if language not in self._tokenizers:
            model = self._model
            many = model.model.is_multilingual
            self._tokenizers[language] = Tokenizer(
                model.hf_tokenizer, many, task="transcribe", language=language if many else "en"
            )
        return self._tokenizers[language]
