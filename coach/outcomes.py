"""What came of a cue: dismissed, followed by a change, ignored, never seen by anybody, or not needed after all.

One watcher serves the live coach (which falls silent after two ignored cues) and the report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self, get_args

from coach.evidence import revised_by_words
from coach.floor_watch import KIND as BROKE_IN
from coach.floor_watch import FloorWatch
from coach.settings import CoachSettings
from coach.talk import Talk
from streaming.ids import event_id
from streaming.types import INTERRUPTION_KINDS, OVERLAP_KINDS, Annotation, Cue, Happening, Kind, Line, Speaker
from streaming.wire import samples, seconds

Verdict = Literal["dismissed", "followed", "ignored", "unseen", "unneeded"]
DETECTOR = "coach@1"
QUIET_WITHIN_S = 3.0  # a partner who stops speaking within this of a cue went quiet for it
BREATH_FROM_S = 15.0  # a shared silence that begins within this is taken as the breath
EARLY_S = 30.0  # of talk after a cue are enough to see that it was followed
TURN_S = 1.0  # a turn is longer than a listening sound


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one cue. ``signs`` are what was seen, in the words of the timeline."""

    cue: str
    level: int
    at: int
    verdict: Verdict
    decided: int
    signs: tuple[str, ...] = ()
    went_quiet: tuple[Speaker, ...] = ()
    settled_s: float | None = None  # from the cue until the last rise had settled

    def happening(self, session: str) -> Happening:
        """The outcome as a line of the timeline."""
        detail: dict[str, Any] = {
            "cue": self.cue,
            "cue_level": self.level,
            "verdict": self.verdict,
            "signs": list(self.signs),
            "went_quiet": [speaker.value for speaker in self.went_quiet],
        }
        if self.settled_s is not None:
            detail["settled_s"] = self.settled_s
        id = event_id(session, DETECTOR, f"outcome:{self.cue}", None, self.at)
        return Happening(id, session, "cue_outcome", self.decided, None, detail, DETECTOR)


@dataclass(slots=True)
class Watch:
    """One cue, watched until ``change_within_s`` after it."""

    cue: str
    level: int
    at: int
    risen: list[Speaker]  # whose arousal was up at the cue
    last: Speaker | None  # who spoke last before it
    speaking: list[Speaker]
    because: list[str]
    unneeded: bool = False  # what it was said for turned out to be listening
    painted: bool = False
    dismissed: int | None = None
    paused: bool = False
    breathed: bool = False
    handed_over: bool = False
    interruptions: list[str] = field(default_factory=list)
    went_quiet: list[Speaker] = field(default_factory=list)
    settled: dict[Speaker, int] = field(default_factory=dict)

    @classmethod
    def over(cls, cue: Cue, risen: list[Speaker], last: Speaker | None, speaking: list[Speaker]) -> Self:
        return cls(cue.id, cue.level, cue.at, risen, last, speaking, list(cue.because))

    def observe(self, a: Annotation, settings: CoachSettings) -> None:
        start = a.span.start
        if a.status == "final" and a.id in self.because and a.kind not in INTERRUPTION_KINDS:
            self.because.remove(a.id)
            self.unneeded = len(self.because) < settings.cluster_count
        if a.status == "final" and a.id in self.interruptions and a.kind not in INTERRUPTION_KINDS:
            self.interruptions.remove(a.id)
        elif a.status == "final" and a.kind in INTERRUPTION_KINDS and a.confidence >= settings.interruption_confidence:
            if start >= self.at + samples(settings.reaction_s) and a.id not in self.interruptions:
                self.interruptions.append(a.id)
        elif a.kind is Kind.AROUSAL_SETTLED and a.by in self.risen and a.by not in self.settled:
            self.settled[a.by] = a.decided
        elif a.kind is Kind.LONG_SILENCE and self.at - samples(1.0) <= start <= self.at + samples(BREATH_FROM_S):
            self.breathed = True
        elif a.kind is Kind.SPEECH and a.status == "final" and a.by:
            self._speech(a, a.by)

    def _speech(self, a: Annotation, by: Speaker) -> None:
        stopped = a.span.start < self.at <= a.span.end <= self.at + samples(QUIET_WITHIN_S)
        if stopped and by in self.speaking and by not in self.went_quiet:
            self.went_quiet.append(by)
        if a.span.start >= self.at and by is not self.last and a.span.length >= samples(TURN_S):
            self.handed_over = True

    def happened(self, happening: Happening) -> None:
        if happening.kind == "paused":
            self.paused = True
        elif happening.kind == BROKE_IN and happening.at >= self.at and happening.id not in self.interruptions:
            self.interruptions.append(happening.id)
        elif happening.detail.get("cue") == self.cue:
            if happening.kind == "cue_painted":
                self.painted = True
            elif happening.kind == "cue_dismissed" and self.dismissed is None:
                self.dismissed = happening.at

    def deadline(self, settings: CoachSettings) -> int:
        return self.at + samples(settings.change_within_s)

    def outcome(self, now: int, screens: bool, settings: CoachSettings) -> Outcome | None:
        """The outcome, or None while it is open. ``screens``: paints are acknowledged in this session."""
        if self.dismissed is not None:
            return self._outcome("dismissed", max(self.at, min(now, self.dismissed)))
        if now < self.deadline(settings):
            return None
        if screens and not self.painted:
            return self._outcome("unseen", self.deadline(settings))
        if self.unneeded and not self.paused:
            return self._outcome("unneeded", self.deadline(settings))
        return self._outcome("followed" if self._changed() else "ignored", self.deadline(settings))

    def _changed(self) -> bool:
        if self.paused:
            return True
        if self.level == 1:
            return len(self.interruptions) <= 1
        if self.level == 2:
            return self.breathed or self._all_settled()
        return self.level == 3 and self.handed_over and not self.interruptions

    def _all_settled(self) -> bool:
        return bool(self.risen) and all(speaker in self.settled for speaker in self.risen)

    def _outcome(self, verdict: Verdict, decided: int) -> Outcome:
        signs = {
            "paused": self.paused,
            "breathed": self.breathed,
            "arousal_settled": self._all_settled(),
            "overlap_stopped": self.level == 1 and len(self.interruptions) <= 1,
            "floor_handed_over": self.level == 3 and self.handed_over,
        }
        settled_s = seconds(max(self.settled.values()) - self.at) if self._all_settled() else None
        seen = tuple(sign for sign, true in signs.items() if true)
        quiet = tuple(sorted(self.went_quiet))
        return Outcome(self.cue, self.level, self.at, verdict, decided, seen, quiet, settled_s)


def what_came_of(lines: Sequence[Line], settings: CoachSettings | None = None) -> list[Outcome]:
    """The outcome of every cue on a timeline, by time. Outcomes that the live coach wrote down win."""
    settings = settings or CoachSettings()
    written = {str(h.detail.get("cue")): h for h in lines if isinstance(h, Happening) and h.kind == "cue_outcome"}
    screens = any(isinstance(line, Happening) and line.kind == "cue_painted" for line in lines)
    talk, rises, floor = Talk(), dict[Speaker, int](), FloorWatch()
    open_watches: list[Watch] = []
    out: list[Outcome] = []
    now = 0
    for line in lines:
        if isinstance(line, Cue):
            open_watches.append(Watch.over(line, list(rises), talk.last, talk.speaking()))
            continue
        if isinstance(line, Happening):
            floor.happened(line)
            for watch in open_watches:
                watch.happened(line)
            continue
        if not revised_by_words(line):  # its time may be a little ahead
            now = max(now, line.decided)
        out += _closed(open_watches, now, screens, settings)
        talk.observe(line)
        if line.kind is Kind.AROUSAL_RISE and line.by:
            rises[line.by] = line.span.start
        elif line.kind is Kind.AROUSAL_SETTLED and line.by:
            rises.pop(line.by, None)
        if line.kind in OVERLAP_KINDS and floor.on(line.span.start):
            continue  # there it is known whose turn it is: only what broke in counts
        for watch in open_watches:
            watch.observe(line, settings)
    out += _closed(open_watches, now, screens, settings)
    # A session that ended soon after a cue may still show that it was followed, never that it was ignored.
    early = [watch for watch in open_watches if now - watch.at >= samples(EARLY_S)]
    late = [watch.outcome(watch.deadline(settings), screens, settings) for watch in early]
    out += [outcome for outcome in late if outcome and outcome.verdict == "followed"]
    return sorted((_written(outcome, written) for outcome in out), key=lambda outcome: outcome.at)


def _closed(watches: list[Watch], now: int, screens: bool, settings: CoachSettings) -> list[Outcome]:
    """Outcomes that stand by ``now``; their watches are taken off the list."""
    out = []
    for watch in list(watches):
        outcome = watch.outcome(now, screens, settings)
        if outcome:
            watches.remove(watch)
            out.append(outcome)
    return out


def _written(outcome: Outcome, written: dict[str, Happening]) -> Outcome:
    line = written.get(outcome.cue)
    for verdict in get_args(Verdict):
        if line and line.detail.get("verdict") == verdict:
            return replace(outcome, verdict=verdict)
    return outcome
