"""The swim-lanes and the centre rail of the report, and how well each partner could be heard."""

from __future__ import annotations

from coach.adherence import BUTTONS
from coach.cards import card_told
from coach.floor import Act
from coach.record import Record, clock, lasting, partner, stretch
from coach.report_form import Lane, Mark, Quality
from streaming.types import Kind, Span, Speaker, joined
from streaming.wire import samples, seconds

# Labels that can be read aloud to both: what happened between two voices, not what one did to the other.
OVERLAP_LABELS = {
    Kind.DUAL_START: "Both began at once",
    Kind.TALK_OVER: "Both spoke at once",
    Kind.TERMINAL_OVERLAP: "A quick handover",
    Kind.BACKCHANNEL: "A listening sound",
    Kind.TOOK_FLOOR: "The floor changed early",
    Kind.BUTTED_IN: "A start that gave way",
}
BROKE_IN_LABEL = "Begun before the floor went over"
FLOOR_LABELS: dict[Act, str] = {
    "take": "You began to take turns",
    "done": "Said to the end",
    "reflected": "Said back",
    "yes": "Found right, and the floor went over",
    "add": "There was more",
    "stop": "You went on without turns",
}
CUE_LABELS = {1: "One at a time", 2: "A breath together", 3: "Reflect", 4: "Time-out"}
NOTE_LABEL = "From the observer"
VERDICTS = {
    "followed": "taken up",
    "dismissed": "put aside",
    "ignored": "passed by",
    "unseen": "not seen",
    "unneeded": "not needed after all",
}
QUALITY_NOTES = {
    "clipping": "The microphone was overloaded for {long}; loudness there says little.",
    "noisy": "There was noise for {long}; times are less sure there.",
    "narrow_band": "The sound was that of a telephone for {long}; changes of voice are harder to hear in it.",
    "muted": "The microphone was silent for {long}.",
    "gain_control": "The device evened out the loudness for {long}; changes of voice are harder to hear then.",
    "bleed": "The other voice was in this microphone for {long}; overlaps are less sure there.",
}
SHORTEST_MARK_S = 0.05


def gaps(record: Record, by: Speaker) -> list[Span]:
    """Where nothing of this partner was heard: connection lost, pauses, a microphone that gave nothing."""
    spans = [pause for pause, _ in record.pauses]
    spans += [
        a.span for a in record.quality if a.by is by and a.reason == "muted" and not _listening(record, by, a.span)
    ]
    lost: int | None = None
    for h in record.happenings:
        if h.by != by.value:
            continue
        if h.kind == "media_lost" and lost is None:
            lost = h.at
        elif h.kind == "media_back" and lost is not None:
            spans.append(Span(lost, max(lost, h.at)))
            lost = None
    if lost is not None:
        spans.append(Span(lost, max(lost, record.end)))
    clipped = [Span(s.start, min(s.end, record.end)) for s in spans if s.start < record.end]
    return joined(clipped)


def unheard_s(record: Record, by: Speaker) -> float:
    """How long this partner was not heard: the gaps, or more where the gateway counted many short losses."""
    told = [float(h.detail["seconds"]) for h in record.happenings if h.kind == "unheard" and h.by == by.value]
    return max([seconds(sum(span.length for span in gaps(record, by))), *told])


def _listening(record: Record, by: Speaker, silent: Span) -> bool:
    """A silent microphone while the other speaks is a listener behind a noise gate, not a gap."""
    return 2 * sum(speech.overlap(silent) for speech in record.speech[by.other]) >= silent.length


def lane(record: Record, by: Speaker) -> Lane:
    points = [a for a in record.points if a.by is by and a.span.start < record.end]
    return Lane(
        by=by,
        speech=tuple(stretch(span) for span in record.speech[by]),
        gaps=tuple(stretch(span) for span in gaps(record, by)),
        arousal=tuple((seconds(a.span.end), a.level or 0.0, a.confidence) for a in points),
        rises=tuple(stretch(Span(rise.start, rise.end)) for rise in record.rises if rise.by is by),
    )


def quality(record: Record, by: Speaker) -> Quality:
    missing_s = unheard_s(record, by)
    heard_share = 1.0 - missing_s / record.duration_s if record.end else 0.0
    lengths: dict[str, float] = {}
    for a in record.quality:
        if a.by is by and a.reason in QUALITY_NOTES:
            lengths[a.reason] = lengths.get(a.reason, 0.0) + seconds(a.span.length)
    notes = [QUALITY_NOTES[reason].format(long=lasting(length)) for reason, length in lengths.items()]
    if record.end and not record.speech[by]:
        notes.append("No speech was heard in this lane.")
    elif record.speech[by] and not any(a.by is by for a in record.points):
        notes.append("No voice changes were measured in this lane.")
    return Quality(by, round(max(0.0, heard_share), 4), round(missing_s, 3), tuple(notes))


def rail(record: Record) -> list[Mark]:
    marks = [
        Mark(
            id=a.id,
            group="overlap",
            kind=a.kind.value,
            start_s=seconds(a.span.start),
            end_s=max(seconds(a.span.end), seconds(a.span.start) + SHORTEST_MARK_S),
            label=BROKE_IN_LABEL if a in record.broke_in else OVERLAP_LABELS[a.kind],
            by=a.by,
            over=a.over,
            confidence=a.confidence,
        )
        for a in record.overlaps
    ]
    marks += _cues(record) + _pauses(record) + _floor(record) + _card(record) + _notes(record)
    return sorted(marks, key=lambda mark: (mark.start_s, mark.group, mark.id))


def _cues(record: Record) -> list[Mark]:
    out = []
    for cue in record.cues:
        at_s = seconds(cue.at)
        back_s = [seconds(span.end) for span, _ in record.pauses if span.start <= cue.at <= span.end]
        end_s = max(at_s, min([at_s + cue.ttl_s, record.duration_s, *back_s]))
        kind, label = f"level_{cue.level}", CUE_LABELS.get(cue.level, "A cue")
        outcome = record.outcomes.get(cue.id)
        if outcome:
            label = f"{label}, {VERDICTS[outcome.verdict]}"
        out.append(Mark(cue.id, "cue", kind, at_s, end_s, label, text=cue.text))
    return out


def _pauses(record: Record) -> list[Mark]:
    out = []
    for span, begun in record.pauses:
        named = [h for h in record.happenings if h.kind == "time_out" and span.start <= h.at <= span.end]
        label = f"A pause of {lasting(seconds(span.length))}"
        if named:  # the last of them: a time-out may be made longer
            label = f"A time-out of {lasting(seconds(span.length))}, back at {named[-1].detail.get('back_at')}"
        kind = "time_out" if named else "pause"
        out.append(Mark(begun.id, "pause", kind, *stretch(span), label, by=partner(begun.by)))
    for a in record.silences:
        if not any(pause.overlap(a.span) > samples(0.5) for pause, _ in record.pauses):
            label = f"Quiet for {lasting(seconds(a.span.length))}"
            out.append(Mark(a.id, "pause", "long_silence", *stretch(a.span), label, confidence=a.confidence))
    return out


def _floor(record: Record) -> list[Mark]:
    """Where turns were agreed on and where that ended, what was said back, and where the floor went over."""
    return [
        Mark(step.id, "floor", step.act, seconds(step.at), seconds(step.at), FLOOR_LABELS[step.act])
        for step in record.floor_steps
    ]


def _card(record: Record) -> list[Mark]:
    """The card that was begun, and how each said it went."""
    out = []
    for h in record.happenings:
        act = h.kind.removeprefix("practice_")
        if h.kind != f"practice_{act}" or act not in BUTTONS:
            continue
        card = card_told(h.detail)
        label = f"Begun: “{card.title}”" if act == "start" and card else f"Said: “{BUTTONS[act][0]}”"
        out.append(Mark(h.id, "card", act, seconds(h.at), seconds(h.at), label, by=partner(h.by)))
    return out


def _notes(record: Record) -> list[Mark]:
    return [
        Mark(note.id, "note", note.kind, seconds(note.at), seconds(note.at), NOTE_LABEL, text=note.detail["text"])
        for note in record.notes
    ]


def at(sample: int) -> str:
    return clock(seconds(sample))
