"""What a finished timeline holds: each event once, in its last revision, sorted by time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from coach import floor as floors
from coach.floor import Floor
from coach.floor_watch import KIND as BROKE_IN
from coach.outcomes import Outcome, what_came_of
from coach.report_form import ReportFacts, Stretch
from streaming.errors import UnusableInput
from streaming.types import (
    INTERRUPTION_KINDS,
    OVERLAP_KINDS,
    SAMPLE_RATE_HZ,
    Annotation,
    Cue,
    Happening,
    Kind,
    Line,
    Span,
    Speaker,
    joined,
)
from streaming.wire import samples, seconds

BURST_GAP_S = 1.0  # IPUs of one partner closer than this are one burst
UP_LEVEL = 0.6  # of arousal; 0.5 is a person's own usual
BACKCHANNEL_S = 1.0
KEPT_S = 5.0  # five seconds of pause do as much good as fifteen (Commun. Psych. 2024)


@dataclass(frozen=True, slots=True)
class RiseSeen:
    """A rise of one partner's voice above its own usual. ``settled`` is when it had come down, if it did."""

    by: Speaker
    start: int
    end: int
    settled: int | None

    @property
    def recovery_s(self) -> float | None:
        return None if self.settled is None else seconds(self.settled - self.start)


@dataclass(frozen=True, slots=True)
class FloorStep:
    """One press in the floor mode."""

    id: str
    at: int
    act: floors.Act


class Record:
    """A timeline's lines made ready for the report. All spans are clipped to the session."""

    def __init__(self, lines: Sequence[Line], facts: ReportFacts) -> None:
        last: dict[str, Line] = {}
        for line in lines:
            last[line.id] = line
        self.facts = facts
        notes = sorted((x for x in last.values() if isinstance(x, Annotation)), key=lambda a: (a.span.start, a.id))
        self.cues = sorted((x for x in last.values() if isinstance(x, Cue)), key=lambda cue: cue.at)
        # Happenings keep the order in which they were written: clicks of two people may share a time.
        self.happenings = [x for x in last.values() if isinstance(x, Happening)]
        self.end = self._end(notes)
        self.pauses = self._pauses()
        self.speech = {s: self._speech(notes, s) for s in Speaker}
        self.floor_steps, self.floor_spans = self._floor()
        self.broke_in = self._broke_in()
        self.overlaps = self._overlaps(notes)
        self.silences = [a for a in notes if a.kind is Kind.LONG_SILENCE and a.status == "final"]
        self.monologues = [a for a in notes if a.kind is Kind.MONOLOGUE]
        self.quality = [a for a in notes if a.kind is Kind.QUALITY]
        self.points = [a for a in notes if a.kind is Kind.AROUSAL and a.by and a.level is not None]
        self.rises = self._rises(notes)
        self.bursts = {s: self._bursts(s) for s in Speaker}
        self.outcomes: dict[str, Outcome] = {outcome.cue: outcome for outcome in what_came_of(lines)}

    def name(self, by: Speaker) -> str:
        return self.facts.names.get(by, "").strip() or f"Partner {by.upper()}"

    @property
    def duration_s(self) -> float:
        return seconds(self.end)

    def interruptions(self, by: Speaker | None = None) -> list[Annotation]:
        """Those of ``by``, or of anybody where it is None."""
        return [a for a in self.overlaps if a.kind in INTERRUPTION_KINDS and (by is None or a.by is by)]

    @property
    def kept_pauses(self) -> list[Span]:
        """Somebody asked for it, it lasted, and both went on after it."""
        asked = [span for span, begun in self.pauses if begun.kind == "paused"]
        return [span for span in asked if span.length >= samples(KEPT_S) and span.end < self.end]

    def painted_by(self, shown: Cue | Happening) -> tuple[Speaker, ...]:
        """Whose screens acknowledged the cue or the note."""
        what = "cue" if isinstance(shown, Cue) else shown.kind
        painted = {h.by for h in self.happenings if h.kind == f"{what}_painted" and h.detail.get(what) == shown.id}
        return tuple(speaker for speaker in Speaker if speaker in painted)

    @property
    def notes(self) -> list[Happening]:
        """What an observer said to both."""
        return [h for h in self.happenings if h.kind == "note" and isinstance(h.detail.get("text"), str)]

    def _end(self, notes: list[Annotation]) -> int:
        ended = [h.at for h in self.happenings if h.kind == "ended"]
        if ended:
            return max(0, ended[-1])
        ends = [max(a.span.end, a.decided) for a in notes] + [c.at for c in self.cues] + [h.at for h in self.happenings]
        now = samples(self.facts.now_s) if self.facts.now_s is not None else 0
        return max([0, now, *ends])

    def _pauses(self) -> list[tuple[Span, Happening]]:
        """Each pause with the happening that began it; a withdrawn consent pauses too."""
        out: list[tuple[Span, Happening]] = []
        begun: Happening | None = None
        for h in self.happenings:
            withdrawn = h.kind == "consent" and h.detail.get("practice") is False
            if begun is None and h.at < self.end and (h.kind == "paused" or (withdrawn and h.at > 0)):
                begun = h
            elif begun is not None and self._ends(begun, h):
                out.append((Span(begun.at, max(begun.at, h.at)), begun))
                begun = None
        if begun is not None:
            out.append((Span(begun.at, max(begun.at, self.end)), begun))
        return out

    @staticmethod
    def _ends(begun: Happening, h: Happening) -> bool:
        if begun.kind == "paused":
            return h.kind in ("resumed", "ended")
        return h.kind == "ended" or (h.kind == "consent" and h.by == begun.by and h.detail.get("practice") is True)

    def _speech(self, notes: list[Annotation], by: Speaker) -> list[Span]:
        spans = [a.span for a in notes if a.kind is Kind.SPEECH and a.by is by and a.span.start < self.end]
        return joined([Span(span.start, min(span.end, self.end)) for span in spans])

    def _floor(self) -> tuple[list[FloorStep], list[Span]]:
        """Every step of the floor mode, and the stretches in which it was on."""
        steps: list[FloorStep] = []
        spans: list[Span] = []
        before, since = Floor(), 0
        for h in self.happenings:
            if h.kind != "floor":
                continue
            try:
                after = floors.restore(h.detail)
            except UnusableInput:
                continue
            act = floors.act_between(before, after)
            if act:
                steps.append(FloorStep(h.id, h.at, act))
            if before.phase is floors.Phase.OFF:
                since = h.at
            elif after.phase is floors.Phase.OFF:
                spans.append(Span(since, max(since, h.at)))
            before = after
        if before.phase is not floors.Phase.OFF:
            spans.append(Span(since, max(since, self.end)))
        return steps, spans

    def _broke_in(self) -> list[Annotation]:
        """Starts into the other's turn: exact, so they stand as interruptions that are certain."""
        out = []
        for h in self.happenings:
            if h.kind != BROKE_IN or h.by not in ("a", "b"):
                continue
            by = Speaker(h.by)
            ends = [span.end for span in self.speech[by] if span.start <= h.at < span.end]
            span = Span(h.at, max([h.at, *ends]))
            out.append(Annotation(h.id, h.session, Kind.TOOK_FLOOR, "final", span, h.at, h.detector, 1.0, by, by.other))
        return out

    def _overlaps(self, notes: list[Annotation]) -> list[Annotation]:
        """As typed by timing; where turns were agreed on, interruptions are those that are known."""
        typed = [a for a in notes if a.kind in OVERLAP_KINDS and a.status == "final"]
        guessed = [a for a in typed if a.kind in INTERRUPTION_KINDS and any(_within(a, on) for on in self.floor_spans)]
        left = [a for a in typed if a not in guessed]
        return sorted([*left, *self.broke_in], key=lambda a: (a.span.start, a.id))

    def _rises(self, notes: list[Annotation]) -> list[RiseSeen]:
        out: list[RiseSeen] = []
        rises = [a for a in notes if a.kind is Kind.AROUSAL_RISE and a.status == "final" and a.by]
        for i, rise in enumerate(rises):
            assert rise.by is not None
            later = [r.span.start for r in rises[i + 1 :] if r.by is rise.by]
            until = later[0] if later else self.end
            settles = [
                a.span.end
                for a in notes
                if a.kind is Kind.AROUSAL_SETTLED and a.by is rise.by and rise.span.start < a.span.end <= until
            ]
            up = [
                a.span.end
                for a in self.points
                if a.by is rise.by and (a.level or 0.0) >= UP_LEVEL and rise.span.start <= a.span.start < until
            ]
            settled = min(settles) if settles else None
            end = settled if settled is not None else max([rise.span.end, *up])
            out.append(RiseSeen(rise.by, rise.span.start, min(end, max(self.end, rise.span.start)), settled))
        return out

    def _bursts(self, by: Speaker) -> list[Span]:
        """Turns: the partner's bursts without those that were only listening sounds."""
        near = SAMPLE_RATE_HZ // 4
        sounds = [a.span.start for a in self.overlaps if a.kind is Kind.BACKCHANNEL and a.by is by]
        return [
            burst
            for burst in joined(self.speech[by], samples(BURST_GAP_S))
            if burst.length > samples(BACKCHANNEL_S) or not any(abs(start - burst.start) <= near for start in sounds)
        ]


def _within(a: Annotation, span: Span) -> bool:
    return span.start <= a.span.start < span.end


def stretch(span: Span) -> Stretch:
    return seconds(span.start), seconds(span.end)


def partner(by: str | None) -> Speaker | None:
    """Who did it; None where it was no partner."""
    return Speaker(by) if by in ("a", "b") else None


def clock(at_s: float) -> str:
    """Minutes and seconds as one reads them on a clock: ``3:05``."""
    whole = int(at_s)
    return f"{whole // 60}:{whole % 60:02d}"


def lasting(length_s: float) -> str:
    """A length in words that one can read aloud."""
    if length_s < 120:
        whole = max(1, round(length_s))
        return f"{whole} second{'s' if whole != 1 else ''}"
    return f"{round(length_s / 60)} minutes"
