"""One practice's words: its sound and the detectors' lines in, lines with words out.

Exists only while both partners agree to words; without it no sound goes anywhere but to the detectors.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from coach.meaning import Language
from detectors.words import nothing_heard, said
from detectors.words_heard import Heard
from detectors.words_mask import Mask, MaskRules, Usage, names_of
from detectors.words_refine import Refinement
from detectors.words_utterances import Utterance, Utterances
from streaming.types import Annotation, AudioChunk, Line, Speaker

STEP_SAMPLES = 1600  # 0.1 s: how often time alone may end an utterance
LAG_SAMPLES = 4000  # 0.25 s: the detectors say what they heard so much later, and a new onset must come first


class SessionWords:
    """Gives utterances to be heard, and lines for what was heard in them.

    ``masked``: how words are usually written, where names and numbers are to be taken out.
    """

    def __init__(
        self, session: str, language: Language, people: Collection[str] = (), *, masked: Usage | None = None
    ) -> None:
        self._language = language
        self._utterances = Utterances(session)
        self._refinement = Refinement(language.listens_only)
        usual = language.capitals | language.listening
        rules = MaskRules(language.numbers, language.counted, usual)
        self._mask = None if masked is None else Mask(names_of(people), rules, masked)
        self._ends = dict.fromkeys(Speaker, 0)  # of each partner's sound
        self._now = 0  # session time up to which utterances were looked for

    def heard(self, chunk: AudioChunk) -> list[Utterance]:
        """Takes sound; returns the utterances that time alone ends."""
        out: list[Utterance] = []
        if chunk.start > self._ends[chunk.speaker]:
            out += self._step([], chunk.start)  # a pause: what was said before it is over
        self._ends[chunk.speaker] = chunk.end
        self._utterances.hear(chunk)
        now = min(self._ends.values()) - LAG_SAMPLES
        return out + (self._step([], now) if now >= self._now + STEP_SAMPLES else [])

    def told(self, lines: Sequence[Line]) -> tuple[list[Utterance], list[Annotation]]:
        """Takes what the detectors say; returns utterances to be heard, and overlaps that words make another type."""
        annotations = [line for line in lines if isinstance(line, Annotation)]
        if not annotations:
            return [], []
        revised = [overlap for a in annotations for overlap in self._refinement.step([a], max(self._now, a.decided))]
        return self._step(annotations, max(a.decided for a in annotations)), revised

    def finish(self, now: int) -> list[Utterance]:
        """The practice is over."""
        return self._utterances.flush(now)

    def said(self, utterance: Utterance, heard: Heard | None) -> list[Annotation]:
        """The lines for what was heard; ``heard`` None: nothing that may count as heard.

        Each final utterance leaves a line, an empty one where nothing was heard: so where speech has none, words
        were lost, and the report says so. It also takes back whatever partial text was shown.
        """
        name = self._language.name
        if not utterance.final:
            return [] if heard is None else [said(utterance, heard, name, self._mask)]
        line = nothing_heard(utterance, name) if heard is None else said(utterance, heard, name, self._mask)
        return [line, *self._refinement.step([line], max(self._now, line.decided))]

    def _step(self, annotations: Sequence[Annotation], now: int) -> list[Utterance]:
        self._now = max(self._now, now)
        return self._utterances.step(annotations, self._now)
