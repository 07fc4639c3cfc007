"""What a couple did with the practice: the card, turns they agreed on, pauses they kept, cues they took up."""

from __future__ import annotations

from coach.adherence import Act, answers_of
from coach.cards import card_told
from coach.record import Record
from coach.report_form import Answered, CueTold, NoteTold, Pauses, Practised, Repairs, TurnsTaken
from streaming.types import Speaker
from streaming.wire import seconds


def practised(record: Record) -> Practised:
    paused_s = sum(seconds(span.length) for span, _ in record.pauses)
    begun = [h.detail for h in record.happenings if h.kind == "practice_start"]
    known = card_told(begun[-1]) if begun else None
    return Practised(
        card=record.facts.card or (known.title if known else None),
        planned_s=record.facts.planned_s or (known.minutes * 60.0 if known else None),
        done_s=max(0.0, record.duration_s - paused_s),
        anchor=known.anchor if known else None,
        answers=tuple(Answered(speaker, act) for speaker, act in answers(record).items()),
        turns=_turns(record),
        pauses=_pauses(record),
        repairs=_repairs(record),
    )


def answers(record: Record) -> dict[Speaker, Act]:
    """Each partner's newest answer: people may think again."""
    said = {speaker: answers_of(record.happenings, speaker.value) for speaker in Speaker}
    return {speaker: acts[-1] for speaker, acts in said.items() if acts}


def cues_told(record: Record) -> tuple[CueTold, ...]:
    """Each cue, on whose screens it was, and what came of it."""
    out = []
    for cue in record.cues:
        outcome = record.outcomes.get(cue.id)
        out.append(
            CueTold(
                at_s=seconds(cue.at),
                level=cue.level,
                text=cue.text,
                shown_on=record.painted_by(cue),
                verdict=outcome.verdict if outcome else None,
                signs=outcome.signs if outcome else (),
                went_quiet=outcome.went_quiet if outcome else (),
                settled_s=outcome.settled_s if outcome else None,
            )
        )
    return tuple(out)


def notes_told(record: Record) -> tuple[NoteTold, ...]:
    """Each note, and on whose screens it was; what the two made of it nobody guesses."""
    return tuple(NoteTold(seconds(n.at), n.detail["text"], record.painted_by(n)) for n in record.notes)


def _turns(record: Record) -> TurnsTaken | None:
    steps = record.floor_steps
    if not steps:
        return None
    acts = [step.act for step in steps]
    return TurnsTaken(
        lasted_s=sum(seconds(span.length) for span in record.floor_spans),
        said_back=acts.count("reflected"),
        found_right=acts.count("yes"),
        added_to=acts.count("add"),
        handed_over=acts.count("yes"),
        broken_into=len(record.broke_in),
    )


def _pauses(record: Record) -> Pauses:
    asked = [span for span, begun in record.pauses if begun.kind == "paused"]
    outs = [h for h in record.happenings if h.kind == "time_out"]
    back = [out for out in outs if any(span.start <= out.at <= span.end < record.end for span in asked)]
    return Pauses(asked=len(asked), kept=len(record.kept_pauses), time_outs=len(outs), came_back=len(back))


def _repairs(record: Record) -> Repairs:
    """Offers to begin again that were made and taken up, as both pressed them."""
    kinds = [h.kind for h in record.happenings]
    return Repairs(offered=kinds.count("repair_offered"), accepted=kinds.count("repair_accepted"))
