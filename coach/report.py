"""The report of a session: a pure function of its timeline. See ``report_form`` for what it holds."""

from __future__ import annotations

from collections.abc import Sequence

from coach.findings import couple_view, strengths
from coach.lanes import lane, quality, rail, unheard_s
from coach.moments import moments
from coach.practised import cues_told, notes_told, practised
from coach.record import Record, lasting, partner
from coach.report_form import Consent, Report, ReportFacts, Scope, report_json
from coach.spoken import with_words
from coach.turn_taking import turn_taking
from streaming.types import Line, Speaker
from streaming.wire import seconds

__all__ = ["Report", "ReportFacts", "build_report", "report_json"]

THIN_S = 180.0  # below this, counts say very little
LITTLE_HEARD = 0.8


def build_report(session: str, lines: Sequence[Line], facts: ReportFacts) -> Report:
    """``lines`` in the order in which the timeline accepted them: a later one with the same id wins."""
    record = Record(lines, facts)
    report = Report(
        session=session,
        began_unix=facts.began_unix,
        duration_s=record.duration_s,
        names={speaker: record.name(speaker) for speaker in Speaker},
        scope=Scope(_consents(record), tuple(quality(record, speaker) for speaker in Speaker)),
        practised=practised(record),
        strengths=strengths(record),
        lanes=tuple(lane(record, speaker) for speaker in Speaker),
        rail=tuple(rail(record)),
        moments=moments(record),
        cues=cues_told(record),
        turn_taking=turn_taking(record),
        couple=couple_view(record),
        limits=_limits(record),
        notes=notes_told(record),
    )
    return with_words(report, record, lines) if facts.words else report


def _consents(record: Record) -> tuple[Consent, ...]:
    """Every consent given, changed or withdrawn, with what then stood."""
    purposes = ("practice", "observer", "words")
    stands = {by: dict.fromkeys(purposes, False) for by in Speaker}
    out: list[Consent] = []
    for h in record.happenings:
        by = partner(h.by)
        if by is None or h.kind not in ("consent", "observer_consent", "words_consent"):
            continue
        stands[by] |= {purpose: h.detail[purpose] is True for purpose in purposes if purpose in h.detail}
        at_s = max(0.0, seconds(h.at))
        if out and (out[-1].by, out[-1].at_s) == (by, at_s):
            out.pop()  # one tap that changed several purposes
        out.append(Consent(by, at_s=at_s, **stands[by]))
    return tuple(out)


def _limits(record: Record) -> tuple[str, ...]:
    """What this report can't tell. The first line stands on every one."""
    limits = [
        "Not a diagnosis, not a risk assessment.",
        "It knows when two voices sounded, and how; not what was meant, and not why.",
        "A rise means a voice above that person’s own usual. It is a signal, and says nothing about its cause.",
        "Software found the overlaps and rises. It misses some, and some it finds were none.",
    ]
    if record.facts.phase != "ended":
        limits.append("The session is still going on: this is a view of it so far.")
    if not any(record.speech.values()):
        limits.append("No speech was heard, so there is nothing here to compare.")
    elif record.duration_s < THIN_S:
        limits.append(
            f"Only {lasting(record.duration_s)} were heard: numbers this small say little about the next talk."
        )
    for speaker in Speaker:
        missing_s = unheard_s(record, speaker)
        if record.end and 1.0 - missing_s / record.duration_s < LITTLE_HEARD:
            limits.append(f"{record.name(speaker)} could not be heard for {lasting(missing_s)} of this session.")
    if any(h.kind == "neutral_over" for h in record.happenings):
        limits.append("The easy first minute was cut short, so each one’s own usual is less sure.")
    if not record.points and any(record.speech.values()):
        limits.append("Voices were not measured here, only who spoke when.")
    if record.cues and not any(record.painted_by(cue) for cue in record.cues):
        limits.append("No screen confirmed a cue: they may not have been seen.")
    return tuple(limits)
