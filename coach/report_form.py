"""The report's form: what the report page and the export read. Times in seconds of session time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from pydantic import TypeAdapter

from streaming.types import Speaker

Stretch: TypeAlias = tuple[float, float]  # start and end, seconds


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """What the timeline does not hold. ``now_s`` is how far a running session has come."""

    names: dict[Speaker, str] = field(default_factory=dict)
    began_unix: float | None = None
    phase: str = "ended"
    now_s: float | None = None
    card: str | None = None
    planned_s: float | None = None
    words: bool = False  # both agreed to words, and still do
    language: str = "en"
    words_waiting: bool = False  # the last of them are still being written down
    summary: bool = False  # a language model of the practice's own may propose one
    viewer: Speaker | None = None  # the partner who reads it, None for anybody else


@dataclass(frozen=True, slots=True)
class Consent:
    by: Speaker
    practice: bool
    observer: bool
    at_s: float
    words: bool = False


@dataclass(frozen=True, slots=True)
class Quality:
    by: Speaker
    heard_share: float
    gaps_s: float
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    consents: tuple[Consent, ...]
    quality: tuple[Quality, ...]
    audio_stored: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """How it went, as one partner tapped it: finish, bend, defer or avoid (see ``coach.adherence``)."""

    by: Speaker
    act: str


@dataclass(frozen=True, slots=True)
class TurnsTaken:
    """The floor mode: one speaks, the other says it back until it is found right, then the floor goes over."""

    lasted_s: float
    said_back: int
    found_right: int  # "did I get that right?" answered with yes
    added_to: int  # … or with more
    handed_over: int
    broken_into: int  # starts into the other's turn, of both together


@dataclass(frozen=True, slots=True)
class Pauses:
    asked: int
    kept: int  # lasted, and both went on after it
    time_outs: int  # of these pauses, with a time to be back
    came_back: int


@dataclass(frozen=True, slots=True)
class Repairs:
    offered: int
    accepted: int


@dataclass(frozen=True, slots=True)
class CueTold:
    """A cue and what came of it. ``signs`` are what was seen within a minute; nobody is rated by them."""

    at_s: float
    level: int
    text: str
    shown_on: tuple[Speaker, ...]
    verdict: str | None  # one of coach.outcomes.Verdict; None where the session ended too soon
    signs: tuple[str, ...]
    went_quiet: tuple[Speaker, ...]
    settled_s: float | None


@dataclass(frozen=True, slots=True)
class NoteTold:
    """A few words that an observer sent to both, as they were recorded, and on whose screens they were."""

    at_s: float
    text: str
    shown_on: tuple[Speaker, ...]


@dataclass(frozen=True, slots=True)
class Practised:
    card: str | None
    planned_s: float | None
    done_s: float
    anchor: str | None = None
    answers: tuple[Answered, ...] = ()
    turns: TurnsTaken | None = None  # None: they talked freely
    pauses: Pauses = Pauses(0, 0, 0, 0)
    repairs: Repairs = Repairs(0, 0)


@dataclass(frozen=True, slots=True)
class Strength:
    text: str
    by: Speaker | None
    at_s: float | None


@dataclass(frozen=True, slots=True)
class Lane:
    by: Speaker
    speech: tuple[Stretch, ...]
    gaps: tuple[Stretch, ...]
    arousal: tuple[tuple[float, float, float], ...]  # time, level, confidence
    rises: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something on the centre rail."""

    id: str
    group: Literal["overlap", "cue", "pause", "floor", "card", "repair", "note"]
    kind: str
    start_s: float
    end_s: float
    label: str
    by: Speaker | None = None
    over: Speaker | None = None
    text: str | None = None
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Moment:
    title: str
    start_s: float
    end_s: float
    trigger: str
    rise: str | None
    cue: str | None
    recovery: str | None


@dataclass(frozen=True, slots=True)
class TurnTaking:
    """``share`` is of all speaking time; low and high are the ends of 95 % intervals."""

    by: Speaker
    speaking_s: float
    turns: int
    share: float
    share_low: float
    share_high: float
    started_over: int
    started_over_low: float
    started_over_high: float


@dataclass(frozen=True, slots=True)
class Quote:
    """What one partner said, as the transcriber heard it; no text where the words were lost."""

    by: Speaker
    start_s: float
    end_s: float
    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Reaching:
    """What this partner may have been reaching for, in own words. ``words``: the id to confirm it by."""

    words: str
    by: Speaker
    at_s: float
    text: str
    answer: Literal["asked", "yes", "no"]


@dataclass(frozen=True, slots=True)
class Start:
    """How a turn began, and the rule that says so."""

    by: Speaker
    at_s: float
    kind: Literal["gentle", "harsh"]
    because: str
    text: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """The words of a practice whose partners both agreed to them."""

    quotes: tuple[Quote, ...]
    reaching: tuple[Reaching, ...]
    starts: tuple[Start, ...]
    language: str
    summary_offered: bool = False


@dataclass(frozen=True, slots=True)
class CoupleView:
    strengths: dict[Speaker, str]
    shared_moment: str
    one_thing: str


@dataclass(frozen=True, slots=True)
class Report:
    session: str
    began_unix: float | None
    duration_s: float
    names: dict[Speaker, str]
    scope: Scope
    practised: Practised
    strengths: tuple[Strength, ...]
    lanes: tuple[Lane, ...]
    rail: tuple[Mark, ...]
    moments: tuple[Moment, ...]
    cues: tuple[CueTold, ...]
    turn_taking: tuple[TurnTaking, ...]
    couple: CoupleView
    limits: tuple[str, ...]
    notes: tuple[NoteTold, ...] = ()
    spoken: Spoken | None = None  # None: not both agreed to words
    v: int = 1


_REPORT = TypeAdapter(Report)


def report_json(report: Report) -> dict[str, Any]:
    """JSON-ready: tuples become lists, times keep their precision."""
    plain: dict[str, Any] = _REPORT.dump_python(report, mode="json")
    return plain
