"""Real conversations spoken anew over the telephone: the timing of real talk, filled with real voices.

Truth is exact: each unit of the conversation holds sound from its first sample to its last, and no other does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.clips import SPEECH_RMS, Clip, levelled, under
from benchmarks.sbcsae import Conversation, Unit
from benchmarks.vad_scores import companded, spoken
from streaming.types import Samples, Span, Speaker

_HISS_DB = -35.0  # under speech, before the band is cut
_FADE_SAMPLES = 80  # 5 ms: cuts do not click


@dataclass
class _Voice:
    """One speaker's clips, one after the other for ever, without the pauses between phrases."""

    sounds: Sequence[Samples]
    at: int = 0

    def say(self, length: int) -> Samples:
        """``length`` samples of speech that begin where a phrase does."""
        out: list[Samples] = []
        while (missing := length - sum(len(part) for part in out)) > 0:
            out.append(self.sounds[self.at % len(self.sounds)][:missing].copy())
            self.at += 1
            fade = min(_FADE_SAMPLES, len(out[-1]) // 2)
            ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)
            out[-1][:fade] *= ramp
            out[-1][len(out[-1]) - fade :] *= ramp[::-1]
        return np.concatenate(out)


def cut(conversation: Conversation, length: int) -> Conversation:
    """The first ``length`` samples of it."""
    units = [
        Unit(unit.by, Span(unit.span.start, min(unit.span.end, length)), unit.text)
        for unit in conversation.units
        if unit.span.start < length
    ]
    return Conversation(conversation.name, tuple(units))


def speak(conversation: Conversation, speakers: Sequence[Sequence[Clip]], seed: int) -> dict[Speaker, Samples]:
    """Both partners' telephones. Two of ``speakers`` are drawn, each at an own level, on a line that hisses."""
    random = np.random.default_rng(seed)
    drawn = random.choice(len(speakers), 2, replace=False)
    out: dict[Speaker, Samples] = {}
    for partner, number in zip(Speaker, drawn, strict=True):
        order = random.permutation(len(speakers[number]))
        clips = [levelled(speakers[number][i].samples) for i in order]
        voice = _Voice([clip[span.start : span.end] for clip in clips for span in spoken(clip)])
        samples = np.zeros(conversation.length + 16_000, np.float32)
        for span in conversation.activity[partner]:
            samples[span.start : span.end] = voice.say(span.length)
        samples *= np.float32(10 ** (random.uniform(-6, 6) / 20))
        hiss = random.standard_normal(len(samples)) * SPEECH_RMS * 10 ** (_HISS_DB / 20)
        out[partner] = companded(under((samples + hiss).astype(np.float32), "telephone", (), random))
    return out
