"""The bundled dialogue as two people would have it over a distance: each line is timed at its speaker's ear.

Somebody who answers 0.2 s after the other's last word, or comes in 1.4 s after the other's first, does so after
what reached their ear. In session time (arrival at the gateway) all that is later by ``hears_late``: down to
the ear and back up. The dialogue is written for 0; here it is laid out anew for any delay.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gateway.demo import DIALOGUE
from streaming.audio import read_partners
from streaming.types import SAMPLE_RATE_HZ, Annotation, Samples, Speaker

TRUTH = DIALOGUE.with_name("dialogue.truth.json")
_EDGE_S = 0.06  # a line's audio begins a little before its first sound and rings on a little after
_APART_S = 0.15  # between two lines of one person, at the least
_FADE = 80  # samples


@dataclass(frozen=True, slots=True)
class SpokenLine:
    """Seconds in the recording, and where the line begins in this layout."""

    by: Speaker
    start_s: float
    end_s: float
    at_s: float

    @property
    def until_s(self) -> float:
        return self.at_s + self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class Script:
    lines: Sequence[SpokenLine]
    audio: dict[Speaker, Samples]  # 16 kHz

    def spoken(self, annotation: Annotation, offset: int = 0) -> int:
        """Number of the line whose start (and speaker, where there is one) the annotation is nearest to."""
        at_s = (annotation.span.start - offset) / SAMPLE_RATE_HZ
        numbers = [i for i, li in enumerate(self.lines) if annotation.by in (li.by, None)]
        return min(numbers, key=lambda i: abs(self.lines[i].at_s - at_s))


def script(hears_late_s: float, *, first: int = 0, last: int | None = None) -> Script:
    """Lines ``first`` to ``last`` (not included) where both hear each other so late. 0: as recorded."""
    said = json.loads(TRUTH.read_text(encoding="utf-8"))["lines"][first:last]
    lines: list[SpokenLine] = []
    for line in sorted(said, key=lambda line: line["start_s"]):
        by, start_s, end_s = Speaker(line["by"]), line["start_s"], line["end_s"]
        lines.append(SpokenLine(by, start_s, end_s, _begins_s(by, start_s, lines, hears_late_s)))
    recorded = read_partners([DIALOGUE])
    return Script(lines, {speaker: _laid_out(recorded[speaker], speaker, lines) for speaker in Speaker})


def _begins_s(by: Speaker, start_s: float, before: Sequence[SpokenLine], late_s: float) -> float:
    own = [line for line in before if line.by is by]
    others = [line for line in before if line.by is not by]
    free_s = own[-1].until_s + _APART_S if own else 0.0
    if not before:
        return 1.0  # of silence, as at the head of any practice
    if not others or (own and own[-1].end_s > others[-1].end_s):  # goes on after the other's last word
        return own[-1].until_s + start_s - own[-1].end_s
    heard = others[-1]
    over = start_s < heard.end_s  # timed by the other's first word, else by the last
    at_s = heard.at_s + start_s - heard.start_s if over else heard.until_s + start_s - heard.end_s
    return max(free_s, at_s + late_s)


def _laid_out(recorded: Samples, speaker: Speaker, lines: Sequence[SpokenLine]) -> Samples:
    out = np.zeros(round((max(line.until_s for line in lines) + 2.0) * SAMPLE_RATE_HZ), np.float32)
    for line in (line for line in lines if line.by is speaker):
        lo = max(0, round((line.start_s - _EDGE_S) * SAMPLE_RATE_HZ))
        hi = min(len(recorded), round((line.end_s + _EDGE_S) * SAMPLE_RATE_HZ))
        sound = recorded[lo:hi].copy()
        sound[:_FADE] *= np.linspace(0, 1, _FADE, dtype=np.float32)
        sound[-_FADE:] *= np.linspace(1, 0, _FADE, dtype=np.float32)
        at = round(line.at_s * SAMPLE_RATE_HZ) - round(line.start_s * SAMPLE_RATE_HZ) + lo
        out[at : at + len(sound)] += sound
    return out
