"""What words add to typed overlap: real talk's own words and times, with and without them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.signal import resample_poly

from benchmarks import scoring
from benchmarks.gold import gold_labels
from benchmarks.harness import Figure, measured, recordings
from benchmarks.sbcsae import Conversation, Unit, read_all
from benchmarks.scoring import Scored
from coach.meaning import language
from detectors.turns import annotate_activity
from detectors.words_refine import Refinement
from gateway.words.process import Answer, Transcriber
from streaming.errors import UnusableInput
from streaming.ids import event_id
from streaming.types import OVERLAP_KINDS, SAMPLE_RATE_HZ, Annotation, Kind, Span, Speaker, Status, Word, joined

NEAR_SAMPLES = 32_000  # 2 s: bursts around an overlap
TRANSCRIBED_EVERY = 7  # two of the conversations: speaking and hearing all takes 20 min
OPEN_SAMPLES, FINAL_SAMPLES, WORDS_SAMPLES = 1600, 4160, 9600  # how late the detectors say so live


ROWS: tuple[tuple[str, Callable[[Sequence[Scored]], float]], ...] = (
    ("interruption_f1", scoring.f1),
    ("interruption_precision", scoring.precision),
    ("interruption_recall", scoring.recall),
    ("false_interruptions_per_10_min", scoring.false_per_10_min),
    ("backchannel_f1", lambda s: scoring.f1(s, Kind.BACKCHANNEL.__eq__)),
    ("overlap_macro_f1", scoring.macro_f1),
)


def figures(quick: bool, notes: list[str]) -> list[Figure]:
    try:
        conversations = read_all(recordings())
    except UnusableInput as error:
        notes.append(f"No gain by words measured: {error}")
        return []
    conversations = conversations[::3] if quick else conversations
    notes.append(
        "…_with_words: the corpus' own words stand for a transcriber without errors, so this is a ceiling; the turn "
        "model is the shipped one, in-sample with and without words, and only their difference says something."
    )
    timing = {c.name: annotate_activity(c.name, c.activity) for c in conversations}
    return _compared("with_words", conversations, timing, {c.name: said(c) for c in conversations}, {})


async def transcribed(transcriber: Transcriber, notes: list[str]) -> list[Figure]:
    """The same with words that were really heard: units near an overlap are spoken by a synthetic voice."""
    try:
        from benchmarks.dialogue.voices import RATE_HZ, HibariVoice  # for developers: rendering is no part of running

        conversations = read_all(recordings())[::TRANSCRIBED_EVERY]
    except (ImportError, UnusableInput) as error:
        notes.append(f"No gain by transcribed words measured: {error}")
        return []
    timing = {c.name: annotate_activity(c.name, c.activity) for c in conversations}
    voice, known, heard = HibariVoice(), dict[str, Answer](), dict[str, list[Annotation]]()
    listened = kept = 0
    for c in conversations:
        overlaps = [a.span for a in timing[c.name] if a.status == "final" and a.kind in OVERLAP_KINDS]
        near = [Span(max(0, o.start - NEAR_SAMPLES), o.end + NEAR_SAMPLES) for o in overlaps]
        heard[c.name] = []
        for unit in c.units:
            text = " ".join(unit.words)
            if not text or not any(unit.span.overlap(span) for span in near):
                continue
            if text not in known:
                sound = resample_poly(voice.say(text, 0.0, seed=1), SAMPLE_RATE_HZ, RATE_HZ).astype(np.float32)
                known[text] = await transcriber.hear(np.pad(sound, NEAR_SAMPLES // 4), "en")
            words = () if known[text].doubt else known[text].heard.words
            heard[c.name].append(_unit_said(c, unit, [word.text.strip() for word in words]))
            listened += unit.tokens_only
            kept += unit.tokens_only and language("en").listens_only(" ".join(w.text for w in words))
    notes.append(
        f"…_transcribed: {len(conversations)} conversations; their {len(known)} texts near an overlap spoken by a "
        "synthetic voice and heard by the transcriber and its guards, at the corpus' times. Laughter has no words here."
    )
    own = _compared("transcribed", conversations, timing, heard, {c.name: said(c) for c in conversations})
    return [*own, Figure("listening_tokens_heard_share", kept / listened, listened)]


def _compared(
    name: str,
    conversations: Sequence[Conversation],
    timing: Mapping[str, list[Annotation]],
    heard: Mapping[str, list[Annotation]],
    corpus: Mapping[str, list[Annotation]],
) -> list[Figure]:
    """Each figure beside the one by timing alone and, where given, by the corpus' own words."""

    def scored(words: Mapping[str, list[Annotation]]) -> list[Scored]:
        return [_scored(c, with_words(c, timing[c.name], words[c.name])) for c in conversations]

    without = [_scored(c, timing[c.name]) for c in conversations]
    refined, ceiling, n = scored(heard), scored(corpus) if corpus else [], len(scoring.pairs_of(without))
    return [
        measured(
            f"{row}_{name}",
            refined,
            of,
            n,
            {"without words": of(without)} | ({"corpus' own words": of(ceiling)} if ceiling else {}),
        )
        for row, of in ROWS
    ]


def with_words(c: Conversation, timing: Sequence[Annotation], words: Sequence[Annotation]) -> list[Annotation]:
    """The timing's finals, those that the words revise in their last form."""
    refinement = Refinement(language("en").listens_only)
    lines = [*timing, *_speech(c), *words]
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
        for ipu in joined(spans, gap):
            out.append(_line(c, by, Kind.SPEECH, "open", ipu, ipu.start + OPEN_SAMPLES))
            out.append(_line(c, by, Kind.SPEECH, "final", ipu, ipu.end + FINAL_SAMPLES))
    return out


def said(c: Conversation) -> list[Annotation]:
    """The corpus' own words; laughter and what nobody understood have none."""
    return [_unit_said(c, unit, unit.words) for unit in c.units]


def _unit_said(c: Conversation, unit: Unit, texts: Sequence[str]) -> Annotation:
    """The words spread evenly over the unit."""
    step = unit.span.length // max(1, len(texts))
    spans = [Span(unit.span.start + i * step, unit.span.start + (i + 1) * step) for i in range(len(texts))]
    words = tuple(Word(text, span, 1.0) for text, span in zip(texts, spans, strict=True))
    return _line(c, unit.by, Kind.WORDS, "final", unit.span, unit.span.end + WORDS_SAMPLES, words)


def _line(
    c: Conversation, by: Speaker, kind: Kind, status: Status, span: Span, decided: int, words: tuple[Word, ...] = ()
) -> Annotation:
    text = " ".join(word.text for word in words)
    id = event_id(c.name, kind.value, kind.value, by, span.start)
    return Annotation(id, c.name, kind, status, span, decided, "bench", 1.0, by, text=text, words=words)
