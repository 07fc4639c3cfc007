"""Strengths that the timeline really shows, said so that both can hear them read aloud.

Each finder returns what it can stand for and nothing where there is too little. No scores, no
comparison of the two, no words for feelings.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from coach.lanes import at
from coach.record import Record, lasting
from coach.report_form import CoupleView, Strength
from coach.turn_taking import share_interval
from streaming.types import Kind, Span, Speaker
from streaming.wire import samples, seconds

FEWEST_SOUNDS = 2  # listening sounds
FEWEST_WAITS = 3  # turns that began after the other had finished
LISTENED_S = 15.0
SETTLED_WITHIN_S = 60.0
EVEN_SHARE = (0.42, 0.58)
FEWEST_TURNS = 8  # of both together, before the balance of turns says anything
ENOUGH_SPEECH_S = 10.0  # of one partner

Topic = Literal["settled", "listened", "sounds", "waited", "spoke", "cue", "pause", "even"]


@dataclass(frozen=True, slots=True)
class Finding:
    topic: Topic
    strength: Strength


def own_findings(record: Record, by: Speaker) -> list[Finding]:
    """What this partner did, the most telling first."""
    name = record.name(by)
    found: list[Finding] = []

    def add(topic: Topic, text: str, when: int | None) -> None:
        found.append(Finding(topic, Strength(text, by, None if when is None else seconds(when))))

    quick = [r for r in record.rises if r.by is by and r.recovery_s is not None and r.recovery_s <= SETTLED_WITHIN_S]
    if quick:
        rise = quick[0]
        assert rise.recovery_s is not None
        assert rise.settled is not None
        back = f"By {at(rise.settled)}, after {lasting(rise.recovery_s)}, {name}’s voice was back at its own usual."
        add("settled", back, rise.settled)
    listened = longest_listening(record, by)
    if listened and listened.length >= samples(LISTENED_S):
        text = f"{name} listened for {lasting(seconds(listened.length))} at one stretch, from {at(listened.start)}."
        add("listened", text, listened.start)
    sounds = [a for a in record.overlaps if a.kind is Kind.BACKCHANNEL and a.by is by]
    if len(sounds) >= FEWEST_SOUNDS:
        other = record.name(by.other)
        add("sounds", f"{name} gave {len(sounds)} small listening sounds while {other} spoke.", None)
    waited, turns = waits(record, by)
    if waited >= FEWEST_WAITS and 2 * waited >= turns:
        add("waited", f"{name} waited {waited} times until {record.name(by.other)} had finished.", None)
    return found


def shared_findings(record: Record) -> list[Finding]:
    """What the two did together."""
    found: list[Finding] = []
    taken_up: dict[str, list[tuple[int, tuple[str, ...]]]] = {}
    for cue in record.cues:
        outcome = record.outcomes.get(cue.id)
        if outcome and outcome.verdict == "followed" and both_spoke_after(record, cue.at, cue.level):
            taken_up.setdefault(cue.text, []).append((cue.at, outcome.signs))
    for words, times in taken_up.items():
        first, signs = times[0]
        when = f"at {at(first)}" if len(times) == 1 else f"{len(times)} times, first at {at(first)}"
        text = f"You took up “{words}” {when}: {_taken_up(signs)}."
        found.append(Finding("cue", Strength(text, None, seconds(first))))
    for span in record.kept_pauses:
        kept = lasting(seconds(span.length))
        text = f"One of you asked for a pause at {at(span.start)}. It was kept for {kept}, and you came back."
        found.append(Finding("pause", Strength(text, None, seconds(span.start))))
    turns = sum(len(record.bursts[s]) for s in Speaker)
    spoken = {s: sum(span.length for span in record.speech[s]) for s in Speaker}
    total = sum(spoken.values())
    if turns >= FEWEST_TURNS and total:
        low, high = share_interval(record, Speaker.A)
        if EVEN_SHARE[0] <= spoken[Speaker.A] / total <= EVEN_SHARE[1] and low <= 0.5 <= high:
            found.append(Finding("even", Strength("You shared the speaking time about evenly.", None, None)))
    return found


def _taken_up(signs: tuple[str, ...]) -> str:
    words = {
        "paused": "you took a pause",
        "breathed": "you were quiet together for a while",
        "arousal_settled": "within a minute the voices were back at their own usual",
        "overlap_stopped": "after it you mostly spoke one at a time",
        "floor_handed_over": "the floor went to the other of you",
    }
    return next((words[sign] for sign in words if sign in signs), "something changed after it")


def both_spoke_after(record: Record, when: int, level: int) -> bool:
    """A silence after "one at a time" is no proof of taking turns: for level 1 both must have spoken."""
    after = Span(when, when + samples(60.0))
    return level != 1 or all(any(span.overlap(after) for span in record.speech[s]) for s in Speaker)


def longest_listening(record: Record, by: Speaker) -> Span | None:
    """The longest stretch in which the other spoke and this partner took no turn."""
    own = record.bursts[by]
    best: Span | None = None
    run: Span | None = None
    for burst in record.bursts[by.other]:
        between = run is not None and any(turn.start >= run.start and turn.start < burst.end for turn in own)
        during = any(turn.overlap(burst) for turn in own)
        if during:
            run = None
            continue
        run = burst if run is None or between else Span(run.start, burst.end)
        if best is None or run.length > best.length:
            best = run
    return best


def waits(record: Record, by: Speaker) -> tuple[int, int]:
    """Turns that followed one of the other's and began once that had ended; and all that followed one."""
    followed = waited = 0
    for turn in record.bursts[by]:
        before = [burst for burst in record.bursts[by.other] if burst.start < turn.start]
        own_before = [burst for burst in record.bursts[by] if burst.start < turn.start]
        if not before or (own_before and own_before[-1].start > before[-1].start):
            continue
        followed += 1
        waited += before[-1].end <= turn.start
    return waited, followed


def strengths(record: Record) -> tuple[Strength, ...]:
    """Shared ones, and one of each partner's: of the same topic where the data show it for both."""
    out = [finding.strength for finding in shared_findings(record)[:3]]
    chosen = _paired(record)
    return in_order([*out, *(chosen[s].strength for s in Speaker if chosen[s].topic != "spoke")])


def in_order(told: Iterable[Strength]) -> tuple[Strength, ...]:
    """As they happened, and then what went on all the while."""
    return tuple(sorted(told, key=lambda strength: math.inf if strength.at_s is None else strength.at_s))


def _paired(record: Record) -> dict[Speaker, Finding]:
    """One finding each; of the same topic where both have it, so that nobody is ranked."""
    own = {s: own_findings(record, s) for s in Speaker}
    shared_topics = [f.topic for f in own[Speaker.A] if f.topic in {g.topic for g in own[Speaker.B]}]
    chosen: dict[Speaker, Finding] = {}
    for speaker in Speaker:
        same = [f for f in own[speaker] if shared_topics and f.topic == shared_topics[0]]
        chosen[speaker] = (same or own[speaker] or [_spoke(record, speaker)])[0]
    return chosen


def _spoke(record: Record, by: Speaker) -> Finding:
    """Where nothing else can be said: honest, and still a strength."""
    spoken_s = sum(seconds(span.length) for span in record.speech[by])
    name = record.name(by)
    if spoken_s >= ENOUGH_SPEECH_S:
        text = f"{name} came and put {lasting(spoken_s)} into words."
    elif spoken_s > 0:
        text = f"{name} came. There was too little to hear to say more."
    else:
        text = f"{name} was not heard this time, so there is nothing to say yet."
    return Finding("spoke", Strength(text, by, None))


def couple_view(record: Record) -> CoupleView:
    chosen = _paired(record)
    return CoupleView(
        strengths={speaker: finding.strength.text for speaker, finding in chosen.items()},
        shared_moment=_shared_moment(record),
        one_thing=_one_thing(record),
    )


def _shared_moment(record: Record) -> str:
    shared = shared_findings(record)
    if shared:
        return shared[0].strength.text
    if all(record.speech[s] for s in Speaker):
        return f"You gave this talk {lasting(record.duration_s)}, and both of you were heard."
    return "You made room for a talk. Next time there may be more to show."


def _one_thing(record: Record) -> str:
    """One small thing to try, chosen by what the session showed; said to both."""
    if not all(sum(s.length for s in record.speech[p]) >= samples(ENOUGH_SPEECH_S) for p in Speaker):
        return "Next time, talk for three minutes about something small, to get used to this."
    if any(r.settled is None or (r.recovery_s or 0.0) > SETTLED_WITHIN_S for r in record.rises):
        return "Next time, when it gets fast, take one slow breath together before the next sentence."
    if len(record.interruptions()) >= 3:
        return "Next time, let one second pass before you answer."
    if record.monologues:
        return "Next time, hand the floor over after two minutes, and ask: “What did you hear?”"
    if record.rises:
        return "Next time, begin with the pause that worked this time."
    return "Next time, end with one sentence each: “What I heard from you is …”"
