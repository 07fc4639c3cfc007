"""What words add to typed overlap: real talk's own words and times, with and without them."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import scoring
from benchmarks.gold import gold_labels
from benchmarks.harness import Figure, measured, recordings
from benchmarks.sbcsae import Conversation, read_all
from benchmarks.scoring import Scored
from coach.meaning import language
from detectors.turns import annotate_activity
from detectors.words_refine import Refinement
from streaming.errors import UnusableInput
from streaming.ids import event_id
from streaming.types import OVERLAP_KINDS, SAMPLE_RATE_HZ, Annotation, Kind, Span, Speaker, Status, Word

OPEN_SAMPLES, FINAL_SAMPLES, WORDS_SAMPLES = 1600, 4160, 9600  # how late the detectors say so live


def figures(quick: bool, notes: list[str]) -> list[Figure]:
    try:
        conversations = read_all(recordings())
    except UnusableInput as error:
        notes.append(f"No gain by words measured: {error}")
        return []
    conversations = conversations[::3] if quick else conversations
    timing = {c.name: annotate_activity(c.name, c.activity) for c in conversations}
    without = [_scored(c, timing[c.name]) for c in conversations]
    refined = [_scored(c, with_words(c, timing[c.name])) for c in conversations]
    n = len(scoring.pairs_of(without))
    rows = (
        ("interruption_f1_with_words", scoring.f1),
        ("interruption_precision_with_words", scoring.precision),
        ("interruption_recall_with_words", scoring.recall),
        ("backchannel_f1_with_words", lambda s: scoring.f1(s, Kind.BACKCHANNEL.__eq__)),
        ("overlap_macro_f1_with_words", scoring.macro_f1),
    )
    notes.append(
        "…_with_words: the corpus' own words stand for a transcriber without errors, so this is a ceiling; the turn "
        "model is the shipped one, in-sample with and without words, and only their difference says something."
    )
    return [measured(name, refined, of, n, {"without words": of(without)}) for name, of in rows]


def with_words(c: Conversation, timing: Sequence[Annotation]) -> list[Annotation]:
    """The timing's finals, those that the words revise in their last form."""
    refinement = Refinement(language("en").listens_only)
    lines = [*timing, *_speech(c), *_said(c)]
    last = {a.id: a for a in timing if a.status == "final" and a.kind in OVERLAP_KINDS}
    for line in sorted(lines, key=lambda a: a.decided):
        last |= {revised.id: revised for revised in refinement.step([line], line.decided)}
    opens = [a for a in timing if a.status == "open"]
    return [*opens, *last.values()]


def _scored(c: Conversation, said: Sequence[Annotation]) -> Scored:
    return Scored(c.name, c.minutes, tuple(scoring.match(gold_labels(c), scoring.heard(said))))


def _speech(c: Conversation) -> list[Annotation]:
    gap = SAMPLE_RATE_HZ // 5
    out: list[Annotation] = []
    for by, spans in c.activity.items():
        ipus: list[Span] = []
        for span in spans:
            if ipus and span.start - ipus[-1].end < gap:
                ipus[-1] = Span(ipus[-1].start, span.end)
            else:
                ipus.append(span)
        for ipu in ipus:
            out.append(_line(c, by, Kind.SPEECH, "open", ipu, ipu.start + OPEN_SAMPLES))
            out.append(_line(c, by, Kind.SPEECH, "final", ipu, ipu.end + FINAL_SAMPLES))
    return out


def _said(c: Conversation) -> list[Annotation]:
    out = []
    for unit in c.units:
        if unit.words:
            step = unit.span.length // len(unit.words)
            spans = [Span(unit.span.start + i * step, unit.span.start + (i + 1) * step) for i in range(len(unit.words))]
            words = tuple(Word(text, span, 1.0) for text, span in zip(unit.words, spans, strict=True))
            out.append(_line(c, unit.by, Kind.WORDS, "final", unit.span, unit.span.end + WORDS_SAMPLES, words))
    return out


def _line(
    c: Conversation, by: Speaker, kind: Kind, status: Status, span: Span, decided: int, words: tuple[Word, ...] = ()
) -> Annotation:
    text = " ".join(word.text for word in words)
    id = event_id(c.name, kind.value, kind.value, by, span.start)
    return Annotation(id, c.name, kind, status, span, decided, "bench", 1.0, by, text=text, words=words)
