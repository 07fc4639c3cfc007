"""What the report says of the words: quotes, what mended, what was said back, and how turns began.

Words are shown only where both partners agreed to them. What somebody may have been reaching for is theirs to confirm:
until they have, it is shown to them alone, as a question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from coach.findings import in_order
from coach.meaning import Language, first, language
from coach.record import Record, clock, lasting, stretch
from coach.report_form import Mark, Quote, Reaching, Report, Spoken, Start, Strength
from streaming.types import Annotation, Happening, Kind, Line, Span, Speaker, joined
from streaming.wire import samples, seconds

TAKEN_UP_S = 20.0  # an answer to a repair comes within a turn or two
TURN_GAP_S = 1.0  # one's own speech after a longer pause begins anew
FEWEST_WORDS = 4  # of a turn, before its beginning says anything
MOST_SHOWN = 6  # of each partner: a report is one page
REACHING = "reaching_answered"  # the happening in which a partner confirms or not
SURE_SPEECH, SHORTEST_S = 0.5, 0.3  # confidence and length from which speech must have words
ONE_GAP_S = 5.0  # missing words closer than this are one gap
WRITING_S = 60.0  # speech as young as this may still get its words
MOST_GAPS = 3  # named one by one
LIMIT = "Software wrote the words down. Some are wrong, and some that were said are missing."

Answer: TypeAlias = Literal["asked", "yes", "no"]


@dataclass(frozen=True, slots=True)
class Repair:
    at: Annotation
    words: str
    taken_up: bool


def said_in(lines: Sequence[Line]) -> list[Annotation]:
    """The final texts in order of time, each in its last form; what was taken back is left out."""
    last: dict[str, Annotation] = {}
    for line in lines:
        if isinstance(line, Annotation) and line.kind is Kind.WORDS and line.status == "final":
            last[line.id] = line
    return sorted((a for a in last.values() if a.text and a.by), key=lambda a: (a.span.start, a.id))


def with_words(report: Report, record: Record, lines: Sequence[Line]) -> Report:
    """The report with what the words add to it. Both partners agreed to them."""
    rules, said, missing = language(record.facts.language), said_in(lines), missing_in(record, lines)
    rail = sorted((*report.rail, *repair_marks(said, rules)), key=lambda mark: (mark.start_s, mark.group, mark.id))
    return replace(
        report,
        strengths=in_order([*strengths_in_words(record, said, rules), *report.strengths]),
        rail=tuple(rail),
        limits=(*report.limits, LIMIT, *_missing_told(missing)),
        spoken=Spoken(
            quotes=tuple(sorted([*map(_quote, said), *missing], key=lambda quote: (quote.start_s, quote.by))),
            reaching=_reaching(record, said, rules),
            starts=_starts(said, rules),
            language=rules.name,
            summary_offered=record.facts.summary,
        ),
    )


def missing_in(record: Record, lines: Sequence[Line]) -> list[Quote]:
    """Speech that has no words, though both had agreed to them: dropped, or lost with a restart."""
    notes = [a for a in lines if isinstance(a, Annotation) and a.status == "final" and a.by]
    agreed = _agreed(record)
    young = record.facts.phase != "ended" or record.facts.words_waiting
    until = record.end - (samples(WRITING_S) if young else 0)
    out: list[Quote] = []
    for speaker in Speaker:
        own = [a for a in notes if a.by is speaker]
        written = [a.span for a in own if a.kind is Kind.WORDS]
        sure = [a.span for a in own if a.kind is Kind.SPEECH and a.confidence >= SURE_SPEECH]
        lost = [
            span
            for span in sure
            if samples(SHORTEST_S) <= span.length
            and span.end <= until
            and any(span.overlap(yes) == span.length for yes in agreed)
            and not any(2 * span.overlap(text) >= span.length for text in written)
        ]
        out += [Quote(speaker, *stretch(gap), "", 0.0) for gap in joined(lost, samples(ONE_GAP_S))]
    return sorted(out, key=lambda gap: gap.start_s)


def _agreed(record: Record) -> list[Span]:
    """While both partners agreed to words."""
    stands, since, out = dict.fromkeys(("a", "b"), False), 0, list[Span]()
    for h in record.happenings:
        if h.kind != "words_consent" or h.by not in stands:
            continue
        before = all(stands.values())
        stands[h.by] = h.detail["words"] is True
        if all(stands.values()) and not before:
            since = max(0, h.at)
        elif before and not all(stands.values()):
            out.append(Span(since, max(since, h.at)))
    return [*out, Span(since, max(since, record.end))] if all(stands.values()) else out


def _missing_told(missing: Sequence[Quote]) -> list[str]:
    if not missing:
        return []
    total_s = sum(gap.end_s - gap.start_s for gap in missing)
    places = ", ".join(clock(gap.start_s) for gap in missing[:MOST_GAPS])
    more = " and later" if len(missing) > MOST_GAPS else ""
    return [f"The words of {lasting(total_s)} of talk were lost, at {places}{more}."]


def _quote(a: Annotation) -> Quote:
    return Quote(_speaker(a), *stretch(a.span), a.text or "", a.confidence)


def _speaker(a: Annotation) -> Speaker:
    assert a.by is not None  # as said_in chose them
    return a.by


def repairs(said: Sequence[Annotation], rules: Language) -> list[Repair]:
    """Words that mend, and whether the other took them up soon after."""
    out: list[Repair] = []
    for a in said:
        found = first(rules.repairs_offered, a.text or "")
        if found:
            until = a.span.end + samples(TAKEN_UP_S)
            answers = [b for b in said if b.by is not a.by and a.span.start < b.span.start <= until]
            taken_up = any(first(rules.repairs_accepted, b.text or "") for b in answers)
            out.append(Repair(a, found.as_said(a.text or ""), taken_up))
    return out


def strengths_in_words(record: Record, said: Sequence[Annotation], rules: Language) -> list[Strength]:
    """A repair that was taken up first, then one that was offered, then what was said back: one of each a partner."""
    out: list[Strength] = []
    for speaker in Speaker:
        name = record.name(speaker)
        own = sorted((r for r in repairs(said, rules) if r.at.by is speaker), key=lambda r: not r.taken_up)
        if own:
            best, at_s = own[0], seconds(own[0].at.span.start)
            ending = f", and {record.name(speaker.other)} took it up" if best.taken_up else ""
            out.append(Strength(f"At {clock(at_s)} {name} said “{best.words}”{ending}.", speaker, at_s))
        backs = [a for a in said if a.by is speaker and first(rules.reflections, a.text or "")]
        if backs:
            at_s = seconds(backs[0].span.start)
            out.append(Strength(f"At {clock(at_s)} {name} said back what was heard.", speaker, at_s))
    return out


def repair_marks(said: Sequence[Annotation], rules: Language) -> list[Mark]:
    """Repairs and reflections for the centre rail."""
    marks = [
        _mark(r.at, "repair", "A repair, taken up" if r.taken_up else "A repair offered") for r in repairs(said, rules)
    ]
    repaired = {mark.id for mark in marks}
    reflected = [a for a in said if first(rules.reflections, a.text or "") and a.id not in repaired]
    return marks + [_mark(a, "reflection", "Said back what was heard") for a in reflected]


def _mark(a: Annotation, kind: str, label: str) -> Mark:
    return Mark(a.id, "repair", kind, *stretch(a.span), label, by=a.by, text=a.text, confidence=a.confidence)


def _reaching(record: Record, said: Sequence[Annotation], rules: Language) -> tuple[Reaching, ...]:
    """In own words. Others see only what that partner confirmed."""
    viewer = record.facts.viewer
    answers = {(h.by, str(h.detail.get("words"))): h for h in record.happenings if h.kind == REACHING}
    out: list[Reaching] = []
    for speaker in Speaker:
        rows: list[Reaching] = []
        for a in said:
            for sentence in rules.reached_for(a.text or "") if a.by is speaker else ():
                answer = _answer(answers.get((speaker.value, a.id)))
                if answer == "yes" or (viewer is speaker and answer == "asked"):
                    rows.append(Reaching(a.id, speaker, seconds(a.span.start), sentence, answer))
        out += rows[:MOST_SHOWN]
    return tuple(out)


def _answer(happening: Happening | None) -> Answer:
    if happening is None:
        return "asked"
    return "yes" if happening.detail.get("yes") is True else "no"


def _starts(said: Sequence[Annotation], rules: Language) -> tuple[Start, ...]:
    out: list[Start] = []
    before: Annotation | None = None
    for a in said:
        anew = before is None or before.by is not a.by or a.span.start - before.span.end > samples(TURN_GAP_S)
        before = a
        found = rules.begins(a.text or "") if anew and len((a.text or "").split()) >= FEWEST_WORDS else None
        if found:
            because = f"{found.reason}: “{found.phrase.as_said(a.text or '')}”"
            out.append(Start(_speaker(a), seconds(a.span.start), found.kind, because, a.text or ""))
    shown = [[s for s in out if s.by == by][:MOST_SHOWN] for by in Speaker]
    return tuple(sorted((s for own in shown for s in own), key=lambda s: s.at_s))
