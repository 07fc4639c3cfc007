"""Real two-party talk: words and intonation units of the Santa Barbara Corpus, with realigned timing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from streaming.errors import UnusableInput
from streaming.types import Span, Speaker, joined
from streaming.wire import samples

# What a listener says to say no more than "go on" (EVENTS names the first of them and goes on with "…").
LISTENER_TOKENS = frozenset(
    """mhm mhmm mm mmm m hm hmm unhunh unh hunh huh uhuh uhhuh yeah yep yup yes right alright okay ok
    oh ah aw ooh really wow sure exactly uh um""".split()  # noqa: SIM905 a list would take thirty lines
)
LISTENER_PHRASES = ("i see", "i know", "that's right", "oh my god", "oh god", "oh gosh", "oh boy", "oh no")
_NOISE = re.compile(r"<[^>]*>|\([^)]*\)")
_WORD = re.compile(r"[a-z'~-]+")


@dataclass(frozen=True, slots=True)
class Unit:
    """One intonation unit: who said what when. ``contour`` is the last mark of the line, or ''."""

    by: Speaker
    span: Span
    text: str

    @property
    def words(self) -> list[str]:
        return _WORD.findall(_NOISE.sub(" ", self.text).lower())

    @property
    def final(self) -> bool:
        """The contour says that the unit is complete."""
        return self.text.rstrip().endswith((".", "?"))

    @property
    def laughter(self) -> bool:
        """Laughter alone; unintelligible speech beside it is speech."""
        return "<LAUGH>" in self.text and "<UNK>" not in self.text and not self.words

    @property
    def tokens_only(self) -> bool:
        """Only listener tokens (laughter beside them does not matter)."""
        if not self.words:
            return False
        text = " ".join(self.words)
        for phrase in LISTENER_PHRASES:
            text = text.replace(phrase, "")
        return all(word in LISTENER_TOKENS for word in text.split())


@dataclass(frozen=True)
class Conversation:
    """One recording: its units in order of their start, and how long it lasts (samples)."""

    name: str
    units: tuple[Unit, ...]

    @cached_property
    def activity(self) -> dict[Speaker, list[Span]]:
        return {who: joined([u.span for u in self.units if u.by is who]) for who in Speaker}

    @cached_property
    def length(self) -> int:
        return max(unit.span.end for unit in self.units)

    @property
    def minutes(self) -> float:
        return self.length / 16_000 / 60


def read_conversation(stm: Path) -> Conversation:
    """Words of ``stm`` on the realigned times of the ``.rttm`` beside it; the two who speak most.

    Raises UnusableInput where the two files do not hold the same units.
    """
    said: dict[str, list[tuple[float, str]]] = {}
    for line in stm.read_text(encoding="utf-8").splitlines():
        _, _, name, said_at_s, _, *words = line.split(maxsplit=5)
        said.setdefault(name, []).append((float(said_at_s), words[0] if words else ""))
    timed: dict[str, list[Span]] = {}
    for line in stm.with_suffix(".rttm").read_text(encoding="utf-8").splitlines():
        fields = line.split()
        start_s, length_s = float(fields[3]), float(fields[4])
        timed.setdefault(fields[7], []).append(Span(samples(start_s), samples(start_s + length_s)))
    two = sorted(said, key=lambda name: -len(said[name]))[:2]
    if any(len(said[name]) != len(timed.get(name, [])) for name in two):
        raise UnusableInput(f"{stm}: its units and those of the .rttm beside it differ; fetch both anew")
    first = min(two, key=lambda name: min(span.start for span in timed[name]))
    units = [
        Unit(Speaker.A if name == first else Speaker.B, span, text)
        for name in two
        for (_, text), span in zip(
            sorted(said[name], key=lambda u: u[0]), sorted(timed[name], key=lambda s: s.start), strict=True
        )
    ]
    return Conversation(stm.stem, tuple(sorted(units, key=lambda u: (u.span.start, u.by))))


def read_all(data: Path) -> list[Conversation]:
    """All conversations under ``data/sbcsae``, by name."""
    return [read_conversation(stm) for stm in sorted((data / "sbcsae").glob("*.stm"))]
