"""When to say something, and what: a pure state machine from annotations to cues.

Annotations come in the order in which the detectors decided them; ``advance`` says how far session
time has come. Decisions are taken at each annotation and on a fixed grid of session time, so the
same stream gives the same cues however it was cut into calls.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import Literal, Self

from pydantic import TypeAdapter

from coach import wording
from coach.dose import Dose, Silence
from coach.evidence import Evidence, revised_by_words
from coach.floor_watch import BrokeIn, FloorWatch
from coach.habit import Habit
from coach.hearing import Hearing
from coach.outcomes import DETECTOR, Outcome, Watch
from coach.settings import CoachSettings
from coach.talk import Talk
from streaming.ids import event_id
from streaming.types import OVERLAP_KINDS, SAMPLE_RATE_HZ, Annotation, Cue, Happening, Kind, Speaker
from streaming.wire import samples

GRID = SAMPLE_RATE_HZ // 10  # 100 ms: time alone (a pause that lasts, a wait that ends) is looked at this often
STATE_VERSION = 4
Why = Silence | Literal["paused", "poor_audio", "one_sided"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A cue that the evidence asks for; the dose and the moment may still hold it back."""

    level: int
    because: tuple[str, ...]


@dataclass
class Known:
    """What a coach has learnt of its session so far: all that ``save`` keeps, field by field."""

    now: int = 0
    _next: int = 0  # the next point of the grid to decide at
    _talk: Talk = field(default_factory=Talk)
    _hearing: Hearing = field(default_factory=Hearing)
    _evidence: Evidence = field(default_factory=Evidence)
    _dose: Dose = field(default_factory=Dose)
    _watches: list[Watch] = field(default_factory=list)
    _outcomes: list[Outcome] = field(default_factory=list)  # not yet taken
    _paused: bool = False
    _withdrawn: list[str] = field(default_factory=list)  # who took back their consent to practise
    _screens: bool = False  # somebody's screen acknowledges what it paints
    _breath: tuple[str, int] | None = None  # the last breath that was followed, waiting for a reflection
    _breaths: list[int] = field(default_factory=list)  # when breaths were offered that have not helped, as far as known
    _stems: int = 0
    _floor: FloorWatch = field(default_factory=FloorWatch)
    _broken: list[BrokeIn] = field(default_factory=list)  # not yet taken
    _revised: list[Annotation] = field(default_factory=list)  # overlaps that words make another type, before their time


_KNOWN = TypeAdapter(Known)


class Coach(Known):
    """One session's coach. Raises nothing: what it does not know it leaves alone.

    ``habit_per_min`` is the couple's own overlap habit from an earlier session, where both agreed to carry it.
    """

    def __init__(
        self, session: str, settings: CoachSettings | None = None, *, habit_per_min: float | None = None
    ) -> None:
        super().__init__(_evidence=Evidence(Habit(habit_per_min)))
        self.session = session
        self.settings = settings or CoachSettings()

    def observe(self, annotation: Annotation) -> list[Cue]:
        """A detector said something. Whatever time brought before it comes first.

        What words make of an overlap may come before its time or after it: it counts from the first point of the
        grid at which both are there, so the same words give the same cues however fast they were written down.
        """
        if revised_by_words(annotation):
            self._revised.append(annotation)
            return []
        cues = self._step_to(annotation.decided)
        self.now = max(self.now, annotation.decided)
        self._settle_watches(self.now)
        self._talk.observe(annotation)
        self._hearing.observe(annotation, self.settings)
        self._broke_in(self._floor.observe(self.session, annotation, self.settings.min_confidence))
        if annotation.kind in OVERLAP_KINDS and self._floor.on(annotation.span.start):
            return cues + self._decide()  # there it is known whose turn it is, and nothing has to be guessed
        if self._trusted(annotation):
            self._evidence.observe(annotation, self.settings)
        for watch in self._watches:
            watch.observe(annotation, self.settings)
        return cues + self._decide()

    def happened(self, happening: Happening) -> list[Cue]:
        """People or the gateway did something. Never moves session time: detectors lag behind people.

        Besides the gateway's own kinds: ``time_out`` (a partner asks for one; the detail holds its
        ``minutes`` and names the clock time of the return, ``back_at``), ``cues_wanted`` (a silent
        coach may speak again), ``floor`` (a step of the floor mode), ``neutral`` (the first ``seconds``
        are for easy talk), ``neutral_over`` (somebody would rather begin) and ``note`` (an observer has just said
        a few words to both: the coach keeps its distance from them).
        """
        self._hearing.happened(happening, self.now)
        self._floor.happened(happening)
        if happening.kind == "media_lost" and happening.by in ("a", "b"):
            self._talk.lost(Speaker(happening.by), self.now)
            self._evidence.forget(Speaker(happening.by))
        for watch in self._watches:
            watch.happened(happening)
        if happening.kind == "cue_painted":
            self._screens = True
        elif happening.kind in ("paused", "ended"):
            self._pause()
        elif happening.kind in ("resumed", "began"):
            self._paused = False
            self._dose.rest_until(0)
        elif happening.kind == "consent" and happening.by and "practice" in happening.detail:
            self._consent(happening.by, happening.detail["practice"] is True)
        elif happening.kind == "cues_wanted":
            self._dose.ask_again()
        elif happening.kind == "neutral" and isinstance(happening.detail.get("seconds"), int | float):
            self._neutral(happening.at + samples(happening.detail["seconds"]))
        elif happening.kind == "neutral_over":
            self._neutral(happening.at)
        elif happening.kind == "note":
            self._dose.give(happening.at, self.settings, asked=True)
        elif happening.kind == "time_out" and not self._dose.resting(self.now):
            return [self._time_out(happening)]
        self._settle_watches(self.now)
        return []

    def advance(self, now: int) -> list[Cue]:
        """Session time has reached ``now`` (samples)."""
        cues = self._step_to(now)
        self.now = max(self.now, now)
        self._settle_watches(self.now)
        return cues

    @property
    def fallen_silent(self) -> bool:
        """Too many cues were ignored: it says nothing of its own any more, until somebody asks for it."""
        return self._dose.fallen_silent(self.settings)

    def why_silent(self) -> Why | None:
        """What would hold back any cue of the coach's own just now, or None."""
        if self._paused or self._withdrawn:
            return "paused"
        silence = self._dose.silence(self.now, self.settings)
        if silence:
            return silence
        if not self._hearing.anything(self.now, self.settings):
            return "poor_audio"
        return "one_sided" if self._talk.one_sided(self.settings) else None

    def wants(self) -> int | None:
        """The level that the evidence alone asks for just now, whatever dose and moment say."""
        for candidate in (self._calmer(), self._one_at_a_time()):
            if candidate:
                return candidate.level
        return None

    def take_outcomes(self) -> list[Happening]:
        """What came of cues, and what broke into a turn, since the last call: lines for the timeline."""
        broken, self._broken = self._broken, []
        taken, self._outcomes = self._outcomes, []
        return [b.happening(self.session) for b in broken] + [o.happening(self.session) for o in taken]

    def habit_per_min(self) -> float | None:
        """The couple's overlap habit, to be carried to the next session if both agree."""
        return self._evidence.habit.learnt(self.now, self._talk.heard_s(), self.settings)

    def _trusted(self, annotation: Annotation) -> bool:
        """Evidence from poor audio, from a pause or without consent is never taken in."""
        if annotation.kind is Kind.AROUSAL_SETTLED:
            return True  # that a voice came down is taken from any source
        if self._paused or self._withdrawn or not self._hearing.anything(self.now, self.settings):
            return False
        if annotation.kind not in (Kind.AROUSAL, Kind.AROUSAL_RISE) or annotation.by is None:
            return annotation.kind is Kind.SPEECH or self._hearing.timing(self.now, self.settings)
        return self._hearing.arousal(annotation.by, self.now, self.settings)

    def _step_to(self, now: int) -> list[Cue]:
        """Decides at each grid point before ``now``; at ``now`` itself an annotation may still come."""
        cues: list[Cue] = []
        while self._next < now:
            # Where time alone changes nothing, go on at once to the last point that matters.
            self._next = max(self._next, min((now - 1) // GRID * GRID, self._nothing_before()))
            self.now = max(self.now, self._next)
            self._next += GRID
            self._revise()
            self._broke_in(self._floor.advance(self.session, self.now))
            self._settle_watches(self.now)
            cues += self._decide()
        return cues

    def _revise(self) -> None:
        """A revision only takes evidence away: it is no reason to say something."""
        due = [a for a in self._revised if a.decided <= self.now]
        self._revised = [a for a in self._revised if a.decided > self.now]
        for annotation in sorted(due, key=lambda a: (a.decided, a.id)):
            self._evidence.observe(annotation, self.settings)
            for watch in self._watches:
                watch.observe(annotation, self.settings)

    def _broke_in(self, found: list[BrokeIn]) -> None:
        """Speech into the other's turn. A pause, and audio that can't be trusted, count nothing."""
        heard = self._hearing.anything(self.now, self.settings) and self._hearing.timing(self.now, self.settings)
        if not found or self._paused or self._withdrawn or not heard:
            return
        self._broken += found
        for broken in found:
            self._evidence.broke_in(broken)
            for watch in self._watches:
                watch.happened(broken.happening(self.session))

    def _nothing_before(self) -> int:
        """The first grid point at which something may be decided, if nothing new is heard."""
        if self._evidence.waiting(self.now, self.settings) or self._breath is not None or self._floor.waiting:
            return 0
        deadlines = [watch.deadline(self.settings) for watch in self._watches]
        return -(-min(deadlines) // GRID) * GRID if deadlines else sys.maxsize

    def _settle_watches(self, now: int) -> None:
        for watch in list(self._watches):
            outcome = watch.outcome(now, self._screens, self.settings)
            if outcome is None:
                continue
            self._watches.remove(watch)
            self._outcomes.append(outcome)
            self._dose.came_of(outcome, self.settings)
            if outcome.level == 2 and helped(outcome) and outcome.at in self._breaths:
                self._breaths.remove(outcome.at)
            if outcome.level == 2 and outcome.verdict == "followed":
                self._breath = (outcome.cue, outcome.at)

    def _pause(self) -> None:
        self._paused = True
        self._breath = None
        self._evidence.clear()

    def _neutral(self, until: int) -> None:
        """Easy talk teaches the couple's habit, and is no evidence."""
        self._dose.neutral_until(until)
        self._evidence.begins_at(until)

    def _consent(self, by: str, practice: bool) -> None:
        if practice:
            self._withdrawn = [who for who in self._withdrawn if who != by]
        elif by not in self._withdrawn:
            self._withdrawn.append(by)
            self._breath = None
            self._evidence.clear()

    def _decide(self) -> list[Cue]:
        if self.why_silent():
            return []
        for candidate in (self._calmer(), self._one_at_a_time(), self._reflect()):
            if candidate and self._moment(candidate.level):
                return [self._say(candidate)]
        return []

    def _calmer(self) -> Candidate | None:
        """A breath for a rise that stays; a time-out where breaths came again and again and did not help."""
        risen = self._evidence.risen(self.now, self.settings)
        because = tuple(
            rise.id for speaker, rise in risen.items() if self._hearing.arousal(speaker, self.now, self.settings)
        )
        if not because:
            return None
        since = self.now - samples(self.settings.breaths_window_s)
        breaths = sum(at > since for at in self._breaths)
        return Candidate(4 if breaths >= self.settings.breaths_before_time_out else 2, because)

    def _one_at_a_time(self) -> Candidate | None:
        if not self._hearing.timing(self.now, self.settings):
            return None
        cluster = self._evidence.cluster(self.now, self._talk.heard_s(), self.settings)
        return Candidate(1, tuple(i.id for i in cluster)) if cluster else None

    def _reflect(self) -> Candidate | None:
        """Restructuring never takes the last cue of a window: that one is kept for a breath."""
        if not self._hearing.timing(self.now, self.settings):
            return None
        if self._evidence.up(self.now, self.settings) or self._dose.left(self.now, self.settings) < 2:
            return None
        monologue = self._evidence.monologue(self.now, self.settings)
        if monologue:
            return Candidate(3, (monologue.id,))
        if self._breath is None:
            return None
        cue, at = self._breath
        if self.now - at <= samples(self.settings.reflect_after_breath_s):
            return Candidate(3, (cue,))
        self._breath = None
        return None

    def _moment(self, level: int) -> bool:
        if level == 3:
            return self._talk.silent_for(self.now, self.settings.reflect_silence_s)
        return self._talk.boundary(self.now, self.settings) or self._talk.at_once(self.now, self.settings)

    def _say(self, candidate: Candidate) -> Cue:
        level = candidate.level
        if level == 3:
            text = wording.STEMS[self._stems % len(wording.STEMS)]
            self._stems += 1
        elif level == 4:
            text = wording.time_out_offered(self.settings.time_out_min)
        else:
            text = wording.ONE_AT_A_TIME if level == 1 else wording.BREATHE
        if level == 2:
            since = self.now - samples(self.settings.breaths_window_s)
            self._breaths = [at for at in self._breaths if at > since] + [self.now]
        elif level == 4:
            self._breaths = []
        self._dose.give(self.now, self.settings)
        return self._cue(level, text, candidate.because, "cue")

    def _time_out(self, tap: Happening) -> Cue:
        """Somebody asked for it: no dose, no waiting, no reason needed."""
        asked = tap.detail.get("minutes")
        minutes = asked if isinstance(asked, int) and asked > 0 else self.settings.time_out_min
        self._dose.give(self.now, self.settings, asked=True)
        self._dose.rest_until(self.now + samples(minutes * 60.0))
        self._breaths = []
        return self._cue(4, wording.time_out(minutes, tap.detail), (tap.id,), "asked", minutes)

    def _cue(self, level: int, text: str, because: tuple[str, ...], family: str, minutes: int | None = None) -> Cue:
        shown_s = minutes * 60.0 if minutes else wording.SHOWN_S[level]
        id = event_id(self.session, DETECTOR, family, None, self.now)
        cue = Cue(id, self.session, level, text, self.now, shown_s, because, detector=DETECTOR)
        risen = list(self._evidence.risen(self.now, self.settings))
        self._watches.append(Watch.over(cue, risen, self._talk.last, self._talk.speaking()))
        self._evidence.spend(self.now)
        self._breath = None
        return cue

    def save(self) -> bytes:
        """All there is to know, as JSON: a coach restored from it goes on as this one would have."""
        return json.dumps({"v": STATE_VERSION, **_KNOWN.dump_python(self, mode="json")}, separators=(",", ":")).encode()

    @classmethod
    def restore(cls, session: str, payload: bytes, settings: CoachSettings | None = None) -> Self:
        """Raises ValueError for a state that another version wrote."""
        state = json.loads(payload)
        if state["v"] != STATE_VERSION:
            raise ValueError(f"coach state has version {state['v']!r}, expected {STATE_VERSION}")
        coach = cls(session, settings)
        vars(coach).update(vars(_KNOWN.validate_python(state)))
        return coach


def helped(breath: Outcome) -> bool:
    """Whether the voices came down after it, or a pause was taken; a breath that nobody saw says nothing."""
    return breath.verdict == "unseen" or bool({"arousal_settled", "paused"} & set(breath.signs))
