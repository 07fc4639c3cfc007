"""EVENTS' table of overlap types read off whole conversations, with all of the future at hand.

Written apart from the detector and differently (spans and look-ups instead of moments), so that
each can show the other wrong.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from detectors.turn_settings import TurnSettings
from streaming.types import Kind, Span, Speaker, joined

NEVER = 10**12


@dataclass(frozen=True, slots=True)
class Meeting:
    """``by`` began ``own`` (an IPU within ``burst``) during ``other``, an IPU of the partner."""

    by: Speaker
    kind: Kind
    own: Span
    burst: Span
    other: Span
    resumed: int  # where the partner's next IPU begins

    @property
    def start(self) -> int:
        return self.own.start

    @property
    def overlap(self) -> Span:
        return Span(self.start, min(self.own.end, self.other.end))


class Talk:
    """Speech activity as IPUs, bursts and floor."""

    def __init__(self, activity: Mapping[Speaker, Sequence[Span]], settings: TurnSettings | None = None) -> None:
        self.settings = settings or TurnSettings()
        self.ipus = {who: joined(activity[who], self.settings.ipu_gap_samples) for who in Speaker}
        self.bursts = {who: joined(activity[who], self.settings.burst_gap_samples) for who in Speaker}
        self._starts = {who: [span.start for span in self.ipus[who]] for who in Speaker}
        self._taken = list(self._floor())

    def meetings(self) -> list[Meeting]:
        """Every overlap that has a type, by start. One a burst."""
        found = [meeting for by in Speaker for burst in self.bursts[by] if (meeting := self._first(by, burst))]
        twice = {(m.start, m.kind) for m in found if m.by is Speaker.A and m.kind is Kind.DUAL_START}
        once = [m for m in found if m.by is Speaker.A or (m.start, m.kind) not in twice]
        return sorted(once, key=lambda m: m.start)

    def holder(self, at: int) -> Speaker | None:
        """Who holds the floor."""
        index = bisect_right(self._taken, at, key=lambda taken: taken[0]) - 1
        return self._taken[index][1] if index >= 0 else None

    def speaking(self, who: Speaker, at: int) -> int | None:
        """Index of the IPU that covers ``at``, None where there is none."""
        index = bisect_right(self._starts[who], at) - 1
        return index if index >= 0 and self.ipus[who][index].end > at else None

    def _first(self, by: Speaker, burst: Span) -> Meeting | None:
        for index, own in enumerate(self.ipus[by]):
            if burst.start <= own.start < burst.end and (meeting := self._meeting(by, burst, index)):
                return meeting
        return None

    def _meeting(self, by: Speaker, burst: Span, index: int) -> Meeting | None:
        s, over, own = self.settings, by.other, self.ipus[by][index]
        at = self.speaking(over, own.start)
        if at is None:
            return None
        other = self.ipus[over][at]
        resumed = self.ipus[over][at + 1].start if at + 1 < len(self.ipus[over]) else NEVER
        if own.start - other.start < s.together_samples:
            ends = [self.ipus[over][at - 1].end] if at else []
            ends += [self.ipus[by][index - 1].end] if index else []
            apart = other.start - max(ends, default=-NEVER)
            kind = Kind.DUAL_START
            return Meeting(by, kind, own, burst, other, resumed) if apart >= s.mutual_silence_samples else None
        if self.holder(own.start) is not over:
            return None
        return Meeting(by, self._kind(by, own, burst, other, resumed), own, burst, other, resumed)

    def _kind(self, by: Speaker, own: Span, burst: Span, other: Span, resumed: int) -> Kind:
        s, start = self.settings, own.start
        if min(own.end, other.end) - start >= s.talk_over_samples:
            return Kind.TALK_OVER
        if other.end - start <= s.terminal_samples and burst.end > other.end:
            return Kind.TERMINAL_OVERLAP
        alone = any(who is by and start < at <= burst.end for at, who in self._taken)
        if burst.length <= s.backchannel_samples and not alone:
            return Kind.BACKCHANNEL
        took = any(who is by and other.end < at <= min(resumed, burst.end) for at, who in self._taken)
        return Kind.TOOK_FLOOR if took else Kind.BUTTED_IN

    def _floor(self) -> Iterator[tuple[int, Speaker]]:
        """When somebody had been alone long enough, and who."""
        edges = sorted({at for spans in self.ipus.values() for span in spans for at in (span.start, span.end)})
        since, alone = -NEVER, None
        for edge in edges:
            speaking = [who for who in Speaker if self.speaking(who, edge) is not None]
            now = speaking[0] if len(speaking) == 1 else None
            if now is not alone:
                if alone and edge - since >= self.settings.floor_samples:
                    yield since + self.settings.floor_samples, alone
                alone, since = now, edge
