"""What speaks for a cue, counted for both partners alike: interruptions, rises of arousal, monologues."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeGuard

from coach.floor_watch import BrokeIn
from coach.habit import Habit
from coach.settings import CoachSettings
from streaming.types import INTERRUPTION_KINDS, OVERLAP_KINDS, Annotation, Kind, Line, Speaker
from streaming.wire import samples


def revised_by_words(line: Line) -> TypeGuard[Annotation]:
    """Whether the words make this overlap, typed by timing before, another type (the detector's name says who)."""
    return isinstance(line, Annotation) and line.kind in OVERLAP_KINDS and line.detector.startswith("words@")


@dataclass(frozen=True, slots=True)
class Interruption:
    id: str
    at: int
    decided: int
    by: Speaker | None
    confidence: float
    talk_over: bool
    exact: bool = False  # into a turn that both had agreed on


@dataclass(frozen=True, slots=True)
class Rise:
    id: str
    at: int
    decided: int


@dataclass(frozen=True, slots=True)
class Monologue:
    id: str
    by: Speaker | None
    end: int
    decided: int


@dataclass
class Evidence:
    """Revisable: a later annotation with the same id replaces an earlier one, so nothing counts twice."""

    habit: Habit = field(default_factory=Habit)
    _interruptions: dict[str, Interruption] = field(default_factory=dict)  # by id
    _spent_until: int = -1  # evidence that began before the last cue is answered
    _rises: dict[Speaker, Rise] = field(default_factory=dict)
    _points: dict[Speaker, list[tuple[int, float]]] = field(default_factory=lambda: {s: [] for s in Speaker})
    _monologue: Monologue | None = None
    _turn_ended: dict[Speaker, int] = field(default_factory=lambda: dict.fromkeys(Speaker, 0))  # no listening sounds
    _reflected: str = ""  # the monologue that has had its stem

    def observe(self, a: Annotation, settings: CoachSettings) -> None:
        sure = a.confidence >= settings.min_confidence
        if a.kind in OVERLAP_KINDS and a.status == "final":
            self._overlap(a, settings)
        elif a.kind is Kind.AROUSAL_RISE and a.by:
            self._rise(a, a.by, sure)
        elif a.kind is Kind.AROUSAL_SETTLED and a.by:
            self._rises.pop(a.by, None)
        elif a.kind is Kind.AROUSAL and a.by and a.level is not None and sure:
            points = self._points[a.by]
            points.append((a.span.end, a.level))
            floor = a.span.end - samples(settings.still_up_s)
            self._points[a.by] = [point for point in points if point[0] > floor]
        elif a.kind is Kind.SPEECH and a.status == "final" and a.by and a.span.length >= samples(settings.turn_s):
            self._turn_ended[a.by] = max(self._turn_ended[a.by], a.span.end)
        elif a.kind is Kind.MONOLOGUE and sure and a.id != self._reflected:
            self._monologue = Monologue(a.id, a.by, a.span.end, a.decided)

    def _overlap(self, a: Annotation, settings: CoachSettings) -> None:
        known = self._interruptions.pop(a.id, None)  # revised: perhaps it was no interruption after all
        self.habit.drop(a.id)
        if a.kind not in INTERRUPTION_KINDS or a.confidence < settings.interruption_confidence:
            return
        heated = self.up(a.decided, settings)
        # The first word of it counts: a revision must not make old evidence new.
        decided = known.decided if known else a.decided
        found = Interruption(a.id, a.span.start, decided, a.by, a.confidence, a.kind is Kind.TALK_OVER)
        self._interruptions[a.id] = found
        if not heated:  # overlap with heat is no warm habit
            self.habit.add(a.id, found.at)
        oldest = a.decided - 2 * samples(settings.cluster_window_s)
        self._interruptions = {key: i for key, i in self._interruptions.items() if i.at >= oldest}

    def broke_in(self, broken: BrokeIn) -> None:
        """Into a turn of the floor mode: nothing to estimate, and no habit either, for they agreed on turns."""
        found = Interruption(broken.id, broken.start, broken.decided, broken.by, 1.0, talk_over=False, exact=True)
        self._interruptions[broken.id] = found

    def _rise(self, a: Annotation, by: Speaker, sure: bool) -> None:
        known = self._rises.get(by)
        if not sure:
            if known and known.id == a.id:
                del self._rises[by]
            return
        decided = known.decided if known and known.id == a.id else a.decided
        self._rises[by] = Rise(a.id, a.span.start, decided)

    def forget(self, speaker: Speaker) -> None:
        """The partner's audio was lost: what it last said of them no longer holds."""
        self._rises.pop(speaker, None)
        self._points[speaker] = []

    def clear(self) -> None:
        """A pause: the couple starts afresh."""
        self._interruptions.clear()
        self._monologue = None
        for speaker in Speaker:
            self.forget(speaker)

    def spend(self, at: int) -> None:
        """A cue was given: what came before it is answered."""
        self._spent_until = at
        if self._monologue:
            self._reflected = self._monologue.id
        self._monologue = None

    def begins_at(self, at: int) -> None:
        """What began before is no evidence; it still teaches the habit."""
        self._spent_until = at

    def cluster(self, now: int, heard_s: float, settings: CoachSettings) -> list[Interruption]:
        """The interruptions of a cluster that has just grown, oldest first; empty where there is none.

        ``heard_s``: speech of both so far.
        """
        window = samples(settings.cluster_window_s)
        since = max(now - window, self._spent_until)
        found = sorted((i for i in self._interruptions.values() if i.at > since), key=lambda i: (i.at, i.decided))
        if len(found) < settings.cluster_count or now - max(i.decided for i in found) > samples(settings.wait_s):
            return []
        return found if self._unusual(found, now, heard_s, settings) and self._many_sided(found, settings) else []

    def _unusual(self, found: list[Interruption], now: int, heard_s: float, settings: CoachSettings) -> bool:
        """More than this couple's habit; with a voice up, or where turns were agreed on, the plain rule is enough."""
        if sum(i.exact for i in found) >= settings.cluster_count:
            return True
        if heard_s < settings.talk_known_s or self.up(now, settings):
            return True
        window_s = settings.cluster_window_s
        bar = self.habit.cluster_bar(now - samples(window_s), max(0.0, heard_s - window_s), settings)
        newest = found[-1].at
        talk_overs = sum(i.talk_over and newest - i.at <= samples(settings.talk_overs_s) for i in found)
        dense = sum(newest - i.at <= samples(settings.dense_s) for i in found)
        relieved = max(settings.cluster_count, bar - settings.dense_relief)
        return len(found) >= bar or dense >= relieved or talk_overs >= settings.cluster_count

    @staticmethod
    def _many_sided(found: list[Interruption], settings: CoachSettings) -> bool:
        """Interruptions by one partner alone are believed only of a sure detector."""
        starters = {i.by for i in found}
        if len(starters) > 1 or None in starters:
            return True
        return sum(i.confidence for i in found) / len(found) >= settings.one_sided_confidence

    def risen(self, now: int, settings: CoachSettings) -> dict[Speaker, Rise]:
        """Rises that have stood long enough and are not stale, by whom."""
        out = {}
        for speaker, rise in self._rises.items():
            due = max(rise.decided, rise.at + samples(settings.rise_sustained_s))
            fresh = now - due <= samples(settings.wait_s) and rise.at > self._spent_until
            level = self._recent_level(speaker, now, settings)
            # Where nothing new was measured, a fresh rise is believed; what was measured may take it back.
            up = fresh if level is None else level >= settings.still_up_level
            if now >= due and up:
                out[speaker] = rise
        return dict(sorted(out.items(), key=lambda item: (item[1].at, item[1].decided)))

    def _recent_level(self, speaker: Speaker, now: int, settings: CoachSettings) -> float | None:
        """Mean of the newest arousal points; None where there are fewer than two."""
        recent = [level for end, level in self._points[speaker] if now - end <= samples(settings.still_up_s)]
        return sum(recent) / len(recent) if len(recent) >= 2 else None

    def up(self, now: int, settings: CoachSettings) -> bool:
        """Whether somebody's arousal is up; an old rise that nothing confirms any more is forgotten."""
        recent = samples(settings.rise_forgotten_s)
        return any(
            now - rise.decided <= recent
            or (self._recent_level(speaker, now, settings) or 0.0) >= settings.still_up_level
            for speaker, rise in self._rises.items()
        )

    def monologue(self, now: int, settings: CoachSettings) -> Monologue | None:
        """The latest monologue, unless it is long past or the other has answered it already."""
        found = self._monologue
        if not found or now - found.decided > samples(settings.reflect_wait_s):
            return None
        return None if found.by and self._turn_ended[found.by.other] > found.end else found

    def waiting(self, now: int, settings: CoachSettings) -> bool:
        """Whether time alone could make something of what is known."""
        fresh = any(now - i.decided <= samples(settings.wait_s) for i in self._interruptions.values())
        return fresh or bool(self._rises) or self.monologue(now, settings) is not None
