"""What speaks for a cue, counted for both partners alike: interruptions, rises of arousal, monologues."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

from coach.settings import CoachSettings
from streaming.types import INTERRUPTION_KINDS, OVERLAP_KINDS, Annotation, Kind, Speaker
from streaming.wire import samples


@dataclass(frozen=True, slots=True)
class Interruption:
    id: str
    at: int
    decided: int
    by: Speaker | None
    confidence: float


@dataclass(frozen=True, slots=True)
class Rise:
    id: str
    at: int
    decided: int


@dataclass(frozen=True, slots=True)
class Monologue:
    id: str
    by: Speaker | None
    decided: int


class Evidence:
    """Revisable: a later annotation with the same id replaces an earlier one, so nothing counts twice."""

    def __init__(self, habit_per_min: float | None = None) -> None:
        self._interruptions: dict[str, Interruption] = {}
        self._spent_until = -1  # evidence that began before the last cue is answered
        self._rises: dict[Speaker, Rise] = {}
        self._points: dict[Speaker, list[tuple[int, float]]] = {Speaker.A: [], Speaker.B: []}
        self._monologue: Monologue | None = None
        self._reflected = ""  # the monologue that has had its stem
        self._habit: dict[str, int] = {}  # ids of calm interruptions in the beginning
        self._carried = habit_per_min

    def observe(self, a: Annotation, settings: CoachSettings) -> None:
        sure = a.confidence >= settings.min_confidence
        if a.kind in OVERLAP_KINDS and a.status == "final":
            self._overlap(a, sure, settings)
        elif a.kind is Kind.AROUSAL_RISE and a.by:
            self._rise(a, a.by, sure)
        elif a.kind is Kind.AROUSAL_SETTLED and a.by:
            self._rises.pop(a.by, None)
        elif a.kind is Kind.AROUSAL and a.by and a.level is not None and sure:
            points = self._points[a.by]
            points.append((a.span.end, a.level))
            floor = a.span.end - samples(settings.still_up_s)
            self._points[a.by] = [point for point in points if point[0] > floor]
        elif a.kind is Kind.MONOLOGUE and sure and a.id != self._reflected:
            self._monologue = Monologue(a.id, a.by, a.decided)

    def _overlap(self, a: Annotation, sure: bool, settings: CoachSettings) -> None:
        known = self._interruptions.pop(a.id, None)  # revised: perhaps it was no interruption after all
        self._habit.pop(a.id, None)
        if a.kind not in INTERRUPTION_KINDS or not sure:
            return
        heated = self.up(a.decided, settings)
        # The first word of it counts: a revision must not make old evidence new.
        decided = known.decided if known else a.decided
        found = Interruption(a.id, a.span.start, decided, a.by, a.confidence)
        self._interruptions[a.id] = found
        if found.at < samples(settings.habit_s) and not heated:  # overlap with heat is no warm habit
            self._habit[a.id] = found.at
        oldest = a.decided - 2 * samples(settings.cluster_window_s)
        self._interruptions = {key: i for key, i in self._interruptions.items() if i.at >= oldest}

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

    def spend(self, at: int, because: tuple[str, ...]) -> None:
        """A cue was given: what came before it is answered, and what it was given for is no warm habit."""
        self._habit = {id: start for id, start in self._habit.items() if id not in because}
        self._spent_until = at
        if self._monologue:
            self._reflected = self._monologue.id
        self._monologue = None

    def habit_per_min(self, now: int, settings: CoachSettings) -> float | None:
        """Calm interruptions a minute in the beginning; None until it has been heard."""
        if now < samples(settings.habit_s):
            return self._carried
        return len(self._habit) / (settings.habit_s / 60.0)

    def cluster_bar(self, now: int, settings: CoachSettings) -> int:
        """How many interruptions make a cluster for this couple: heat lowers it to the rule itself."""
        habit = self.habit_per_min(now, settings)
        if habit is None or self.up(now, settings):
            return settings.cluster_count
        return settings.cluster_count + min(settings.habit_allowance, int(habit))

    def cluster(self, now: int, settings: CoachSettings) -> list[Interruption]:
        """The interruptions of a cluster that has just grown, oldest first; empty where there is none."""
        since = max(now - samples(settings.cluster_window_s), self._spent_until)
        found = sorted((i for i in self._interruptions.values() if i.at > since), key=lambda i: (i.at, i.decided))
        if len(found) < self.cluster_bar(now, settings):
            return []
        if now - max(i.decided for i in found) > samples(settings.wait_s):
            return []
        starters = {i.by for i in found}
        if len(starters) == 1 and None not in starters:
            mean = sum(i.confidence for i in found) / len(found)
            if mean < settings.one_sided_confidence:
                return []
        return found

    def risen(self, now: int, settings: CoachSettings) -> dict[Speaker, Rise]:
        """Rises that have stood long enough and are not stale, by whom."""
        out = {}
        for speaker, rise in self._rises.items():
            due = max(rise.decided, rise.at + samples(settings.rise_sustained_s))
            fresh = now - due <= samples(settings.wait_s) and rise.at > self._spent_until
            if now >= due and (fresh or self._still_up(speaker, now, settings)):
                out[speaker] = rise
        return dict(sorted(out.items(), key=lambda item: (item[1].at, item[1].decided)))

    def _still_up(self, speaker: Speaker, now: int, settings: CoachSettings) -> bool:
        """The newest points say so: at least two of them, and their mean is up."""
        recent = [level for end, level in self._points[speaker] if now - end <= samples(settings.still_up_s)]
        return len(recent) >= 2 and sum(recent) / len(recent) >= settings.still_up_level

    def up(self, now: int, settings: CoachSettings) -> bool:
        """Whether somebody's arousal is up; an old rise that nothing confirms any more is forgotten."""
        recent = samples(settings.rise_forgotten_s)
        return any(
            now - rise.decided <= recent or self._still_up(speaker, now, settings)
            for speaker, rise in self._rises.items()
        )

    def monologue(self, now: int, settings: CoachSettings) -> Monologue | None:
        found = self._monologue
        if found and now - found.decided <= samples(settings.reflect_wait_s):
            return found
        return None

    def waiting(self) -> bool:
        """Whether time alone could make something of what is known."""
        return bool(self._interruptions or self._rises or self._monologue)

    def save(self) -> dict[str, Any]:
        return {
            "interruptions": [asdict(i) for i in self._interruptions.values()],
            "spent_until": self._spent_until,
            "rises": {speaker: asdict(rise) for speaker, rise in self._rises.items()},
            "points": {speaker: [list(point) for point in points] for speaker, points in self._points.items()},
            "monologue": asdict(self._monologue) if self._monologue else None,
            "reflected": self._reflected,
            "habit": self._habit,
            "carried": self._carried,
        }

    @classmethod
    def restore(cls, saved: dict[str, Any]) -> Self:
        evidence = cls(saved["carried"])
        for fields in saved["interruptions"]:
            found = Interruption(**{**fields, "by": Speaker(fields["by"]) if fields["by"] else None})
            evidence._interruptions[found.id] = found
        evidence._spent_until = saved["spent_until"]
        evidence._rises = {Speaker(key): Rise(**fields) for key, fields in saved["rises"].items()}
        evidence._points = {s: [(end, level) for end, level in saved["points"][s]] for s in Speaker}
        if saved["monologue"]:
            fields = saved["monologue"]
            evidence._monologue = Monologue(
                fields["id"], Speaker(fields["by"]) if fields["by"] else None, fields["decided"]
            )
        evidence._reflected = saved["reflected"]
        evidence._habit = saved["habit"]
        return evidence
