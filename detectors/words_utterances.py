"""What the transcriber is to hear: each partner's speech as utterances, cut at pauses.

Driven by ``speech`` annotations and session time alone, so the same audio gives the same utterances however it
was cut into chunks. Sound is kept only as long as an utterance may still need it.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from detectors.words_settings import UtteranceSettings
from streaming.ids import event_id
from streaming.types import Annotation, AudioChunk, Kind, Samples, Span, Speaker

DETECTOR = "words@1"


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """One partner's speech to be put into words. ``samples``: float32 (n,), from ``heard_from`` on.

    Not ``final`` while it is still being spoken. ``decided``: session time up to which audio had to be heard.
    """

    id: str
    session: str
    by: Speaker
    span: Span
    decided: int
    final: bool
    heard_from: int
    samples: Samples

    @property
    def length_s(self) -> float:
        return len(self.samples) / 16_000


@dataclass(slots=True)
class _Sound:
    """The newest sound of one partner, contiguous."""

    chunks: deque[AudioChunk] = field(default_factory=deque)

    def put(self, chunk: AudioChunk, most: int) -> None:
        if self.chunks and chunk.start != self.chunks[-1].end:
            self.chunks.clear()  # a hole: what lay before belongs to another stretch
        self.chunks.append(chunk)
        while self.chunks[-1].end - self.chunks[0].end >= most:
            self.chunks.popleft()

    def drop(self, until: int) -> None:
        while self.chunks and self.chunks[0].end <= until:
            self.chunks.popleft()

    def cut(self, span: Span) -> tuple[int, Samples]:
        """What is there of the span, and where that begins."""
        parts = [c for c in self.chunks if c.end > span.start and c.start < span.end]
        if not parts:
            return span.start, np.zeros(0, np.float32)
        whole = np.concatenate([c.samples for c in parts])
        begin = parts[0].start
        return max(begin, span.start), whole[max(0, span.start - begin) : span.end - begin]


@dataclass(slots=True)
class _Voice:
    """One partner: the utterance that is going on, if any."""

    sound: _Sound = field(default_factory=_Sound)
    start: int | None = None  # of the utterance
    spoken: int = 0  # end of its last finished IPU; 0 while there is none
    decided: int = 0  # when that was known
    speaking: bool = False
    told: int = 0  # session time of the last partial
    ended: int = 0  # where the utterance before ended: never heard twice


class Utterances:
    """Both partners of one session. ``hear`` takes sound, ``step`` what the detectors say of it."""

    def __init__(self, session: str, settings: UtteranceSettings | None = None) -> None:
        self.session = session
        self.settings = settings or UtteranceSettings()
        self._voices = {speaker: _Voice() for speaker in Speaker}

    def hear(self, chunk: AudioChunk) -> None:
        self._voices[chunk.speaker].sound.put(chunk, self.settings.kept_samples)

    def step(self, annotations: Iterable[Annotation], now: int) -> list[Utterance]:
        """Goes on to ``now``; annotations come in the order in which they were decided."""
        out: list[Utterance] = []
        for a in annotations:
            if a.kind is Kind.SPEECH and a.by is not None:
                out += self._advance(a.decided)
                out += self._take(self._voices[a.by], a.by, a)
        out += self._advance(now)
        for voice in self._voices.values():
            begin = now - self.settings.look_back_samples if voice.start is None else voice.start
            voice.sound.drop(max(voice.ended, begin - self.settings.pad_samples))
        return out

    def flush(self, now: int) -> list[Utterance]:
        """The session is over: what was begun is an utterance as it is."""
        out: list[Utterance] = []
        for by, voice in self._voices.items():
            end = now if voice.speaking else voice.spoken
            out += self._close(voice, by, end, now)
            voice.speaking = False
        return out

    def forget(self) -> None:
        """Consent was withdrawn: nothing that was heard is kept."""
        self._voices = {speaker: _Voice() for speaker in Speaker}

    def _take(self, voice: _Voice, by: Speaker, a: Annotation) -> list[Utterance]:
        if a.status == "open":
            voice.speaking = True
            if voice.start is None:
                voice.start = voice.told = max(a.span.start, voice.ended)
            return []
        voice.speaking = False
        if voice.start is None:
            voice.start = max(a.span.start, voice.ended)
        if a.confidence >= self.settings.least_confidence and a.span.end > voice.ended:
            voice.spoken, voice.decided = a.span.end, a.decided
        if not voice.spoken:  # it was no speech after all
            voice.start = None
            return []
        if voice.spoken - voice.start >= self.settings.enough_samples:
            return self._close(voice, by, voice.spoken, a.decided)
        return []

    def _advance(self, now: int) -> list[Utterance]:
        out = [u for by, voice in self._voices.items() for u in self._follow(voice, by, now)]
        return sorted(out, key=lambda u: (u.decided, u.by))

    def _follow(self, voice: _Voice, by: Speaker, now: int) -> list[Utterance]:
        """One partner up to ``now``: too long a stretch is cut, a long enough pause ends it."""
        s, out = self.settings, list[Utterance]()
        if voice.start is None:
            return out
        if not voice.speaking:
            due = max(voice.spoken + s.pause_samples, voice.decided)
            return self._close(voice, by, voice.spoken, due) if now >= due else out
        while now - voice.start >= s.longest_samples:
            full = voice.start + s.longest_samples
            cut = self._quietest(voice, Span(full - s.cut_within_samples, full))
            out += self._close(voice, by, cut, full)
            voice.start = voice.told = cut
        if now - voice.told >= s.partial_samples:
            voice.told += (now - voice.told) // s.partial_samples * s.partial_samples
            out += self._utterance(voice, by, voice.told, voice.told, final=False)
        return out

    def _close(self, voice: _Voice, by: Speaker, end: int, decided: int) -> list[Utterance]:
        out: list[Utterance] = []
        if voice.start is not None and end - voice.start >= self.settings.shortest_samples:
            out = self._utterance(voice, by, end, decided, final=True)
        voice.ended = max(voice.ended, end)
        voice.start, voice.spoken = None, 0
        return out

    def _utterance(self, voice: _Voice, by: Speaker, end: int, decided: int, *, final: bool) -> list[Utterance]:
        assert voice.start is not None
        pad, span = self.settings.pad_samples, Span(voice.start, end)
        reach = Span(max(voice.ended, span.start - pad), min(span.end + pad, max(decided, end)))
        heard_from, sound = voice.sound.cut(reach)
        if len(sound) < self.settings.shortest_samples:
            return []
        id = event_id(self.session, DETECTOR, "words", by, span.start)
        return [Utterance(id, self.session, by, span, decided, final, heard_from, sound)]

    def _quietest(self, voice: _Voice, span: Span) -> int:
        """Where a long stretch without a pause is cut: most likely between two words."""
        begin, sound = voice.sound.cut(span)
        step = self.settings.cut_frame_samples
        frames = len(sound) // step
        if not frames:
            return span.end
        energy = np.square(sound[: frames * step].reshape(frames, step)).sum(axis=1)
        return begin + int(np.argmin(energy)) * step + step // 2


def silent(utterance: Utterance) -> Utterance:
    """The same without its sound: what is kept while the transcriber has that."""
    return dataclasses.replace(utterance, samples=np.zeros(0, np.float32))
