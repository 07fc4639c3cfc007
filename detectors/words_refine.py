"""Typed overlap, refined by the words: what was no more than listening, or was said over that, interrupts nobody.

A burst of listener tokens alone is a backchannel. So is one that was listened to and held no word (laughter, a cough).
And whoever begins while the other says no more than such tokens does not interrupt: that end could be foreseen.

The turn detector types an overlap within about a second, by timing. The words of a burst come later. Where they
change the type, the overlap is said again: same id, ``final``, and ``decided`` after the first word on it. A timeline
keys a line by id, status and decision time, so both stay in it, and readers take the last.

``decided`` leaves a transcriber the time that it usually takes, so a live one that keeps up and one that reads a
recording give the same lines.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from detectors.turn_settings import TurnSettings
from streaming.types import INTERRUPTION_KINDS, OVERLAP_KINDS, SAMPLE_RATE_HZ, Annotation, Kind, Span, Speaker, Word

DETECTOR = "words@1"
_FIXED = frozenset({Kind.DUAL_START, Kind.BACKCHANNEL})  # both began at once: nobody listened
_NEAR_SAMPLES = 4000  # 0.25 s: an overlap begins with the starter's IPU, within what boundaries are sure of
_SPOKE_ON_SAMPLES = 4800  # 0.3 s: the partner went on after the start (EVENTS)
_HEARD_SAMPLES = 8000  # 0.5 s to write a burst down, beyond the 1 s after which it is over: 95 in 100 are done by then
_KEPT_SAMPLES = 40 * SAMPLE_RATE_HZ  # words later than this change nothing any more; bounds what is kept

ListensOnly = Callable[[str], bool]


@dataclass(slots=True)
class _Voice:
    """What is known of one partner."""

    ipus: list[Span] = field(default_factory=list)  # ended
    speaking_since: int | None = None
    said: list[Annotation] = field(default_factory=list)  # final words

    def burst(self, start: int, now: int, gap: int) -> Span | None:
        """The burst that the IPU near ``start`` belongs to, once nothing can be added to it."""
        at = next((i for i, ipu in enumerate(self.ipus) if abs(ipu.start - start) <= _NEAR_SAMPLES), None)
        if at is None:
            return None
        first = self.ipus[at]
        for ipu in reversed(self.ipus[:at]):
            if first.start - ipu.end >= gap:
                break
            first = ipu
        end = self.ipus[at].end
        for ipu in self.ipus[at + 1 :]:
            if ipu.start - end >= gap:
                return Span(first.start, end)
            end = ipu.end
        goes_on = self.speaking_since is not None and self.speaking_since - end < gap
        return None if goes_on or now - end < gap else Span(first.start, end)

    def words(self, span: Span) -> list[Word] | None:
        """All words within the span; None while some of its speech has no text yet."""
        for ipu in self.ipus:
            middle = (ipu.start + ipu.end) // 2
            if span.start <= middle < span.end and not any(a.span.start <= middle < a.span.end for a in self.said):
                return None
        words = [word for a in self.said for word in a.words or ()]
        return [w for w in words if span.start <= (w.span.start + w.span.end) // 2 < span.end]

    def listening(self, span: Span, listens: Callable[[Sequence[Word]], bool]) -> int | None:
        """When it was known that all speech which touches ``span`` only listens; 0 if not, None while that is open."""
        if self.speaking_since is not None and self.speaking_since < span.end:
            return None
        ipus = [ipu for ipu in self.ipus if ipu.overlap(span)]
        if not ipus:
            return 0
        whole = Span(ipus[0].start, ipus[-1].end)
        words = self.words(whole)
        if words is None:
            return None
        return max(a.decided for a in self.said if a.span.overlap(whole)) if listens(words) else 0

    def first_after(self, at: int) -> int | None:
        starts = [ipu.start for ipu in self.ipus if ipu.start >= at]
        if self.speaking_since is not None and self.speaking_since >= at:
            starts.append(self.speaking_since)
        return min(starts, default=None)

    def speaks_at(self, at: int) -> bool:
        since = self.speaking_since
        return any(ipu.start <= at < ipu.end for ipu in self.ipus) or (since is not None and since <= at)

    def end_of(self, at: int) -> int:
        """End of the IPU that covers ``at``; ``at`` where none does."""
        if self.speaking_since is not None and self.speaking_since <= at:
            return at + _KEPT_SAMPLES
        return next((ipu.end for ipu in self.ipus if ipu.start <= at < ipu.end), at)

    def forget(self, before: int) -> None:
        self.ipus = [ipu for ipu in self.ipus if ipu.end >= before]
        self.said = [a for a in self.said if a.span.end >= before]


class Refinement:
    """One session's overlaps and words. ``listens_only`` knows the language's listener tokens."""

    def __init__(self, listens_only: ListensOnly, settings: TurnSettings | None = None) -> None:
        self._listens_only = listens_only
        self._gap = (settings or TurnSettings()).burst_gap_samples
        self._voices = {speaker: _Voice() for speaker in Speaker}
        self._overlaps: dict[str, Annotation] = {}  # typed, waiting for their words

    def step(self, annotations: Iterable[Annotation], now: int) -> list[Annotation]:
        """Takes what detectors and transcriber say; returns the overlaps that the words make another type."""
        for a in annotations:
            if a.by is not None and a.kind is Kind.SPEECH:
                self._spoke(self._voices[a.by], a)
            elif a.by is not None and a.kind is Kind.WORDS and a.status == "final":
                self._voices[a.by].said.append(a)
            elif a.kind in OVERLAP_KINDS - _FIXED and a.status == "final" and a.detector != DETECTOR:
                self._overlaps[a.id] = a
        out: list[Annotation] = []
        for o in list(self._overlaps.values()):
            known = self._known(o, now)
            if known is not None or now - o.span.start > _KEPT_SAMPLES:
                del self._overlaps[o.id]
            if known is not None and known[0] is not o.kind:
                out.append(_revised(o, known[0], max(known[1] + _HEARD_SAMPLES, now)))
        for voice in self._voices.values():
            voice.forget(now - _KEPT_SAMPLES)
        return out

    @staticmethod
    def _spoke(voice: _Voice, a: Annotation) -> None:
        if a.status == "open":
            voice.speaking_since = a.span.start
            return
        voice.speaking_since = None
        if a.confidence > 0.0:  # at 0 it is taken back
            voice.ipus.append(a.span)

    def _known(self, o: Annotation, now: int) -> tuple[Kind, int] | None:
        """What the words make of it, and when that was known; None while it is open."""
        starters = [by for by in ([o.by] if o.by else Speaker) if self._began(by, o.span.start)]
        listened = [self._listened(o, by, now) for by in starters]
        if not starters or None in listened:
            return None
        known = [at for at in listened if at]
        if len(known) == len(listened):
            return Kind.BACKCHANNEL, max(known)
        if o.kind not in INTERRUPTION_KINDS:
            return o.kind, now
        spoke = [by for by, at in zip(starters, listened, strict=True) if not at]
        over = [self._voices[by.other].listening(o.span, self._listens) for by in spoke]
        if None in over:
            return None
        return (Kind.TERMINAL_OVERLAP, max(at for at in over if at)) if all(over) else (o.kind, now)

    def _began(self, by: Speaker, at: int) -> bool:
        first = self._voices[by].first_after(at - _NEAR_SAMPLES)
        return first is not None and first - at <= _NEAR_SAMPLES

    def _listened(self, o: Annotation, by: Speaker, now: int) -> int | None:
        own, other = self._voices[by], self._voices[by.other]
        burst = own.burst(o.span.start, now, self._gap)
        words = own.words(burst) if burst is not None else None
        if burst is None or words is None:
            return None
        known = max([burst.end + self._gap, *(a.decided for a in own.said if a.span.overlap(burst))])
        if not words:
            return known
        over_end = other.end_of(o.span.start)
        if self._listens(words):
            if over_end - o.span.start > _SPOKE_ON_SAMPLES or other.speaks_at(burst.end):
                return known
            next_own, next_other = own.first_after(burst.end), other.first_after(burst.end)
            if next_own is None and next_other is None:
                return None
            other_next = next_other is not None and (next_own is None or next_other < next_own)
            return max(known, next_other or 0) if other_next else 0
        first = own.end_of(min(o.span.start + _NEAR_SAMPLES, burst.end - 1))
        begun = [w for w in words if o.span.start - _NEAR_SAMPLES <= (w.span.start + w.span.end) // 2 < first]
        return known if first < over_end and self._listens(begun) else 0

    def _listens(self, words: Sequence[Word]) -> bool:
        return bool(words) and self._listens_only(" ".join(word.text for word in words))


def _revised(o: Annotation, kind: Kind, decided: int) -> Annotation:
    """The same overlap, no interruption. Never at the time of the first word on it: that line has its key."""
    return dataclasses.replace(
        o,
        kind=kind,
        decided=max(decided, o.decided + 1),
        detector=DETECTOR,
        confidence=1.0,
        p_interruption=0.0,
    )
