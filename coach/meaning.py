"""What words mean to the report, by rules that anybody can read and change (``words_en.toml``)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from streaming.errors import UnusableInput

_BARE = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_SENTENCE = re.compile(r"[^.?!…]+[.?!…]*")
_MORE = "…"
_OPENING_WORDS = 8  # of a turn: what it begins with


@dataclass(frozen=True, slots=True)
class Phrase:
    """Bare words in a row; ``more``: at least one word must follow."""

    words: tuple[str, ...]
    more: bool

    @classmethod
    def read(cls, text: str) -> Phrase:
        return cls(tuple(bare(text.replace(_MORE, ""))), text.rstrip().endswith(_MORE))

    def find(self, words: Sequence[str]) -> int | None:
        """Where it stands in ``words``, None where it does not."""
        length = len(self.words)
        last = len(words) - length - self.more
        return next((at for at in range(last + 1) if tuple(words[at : at + length]) == self.words), None)

    def as_said(self, text: str) -> str:
        """The phrase as it stands in ``text``, with its capitals and marks; in bare words where it does not.

        Where it does not begin a sentence, it begins with "…".
        """
        stand = list(_BARE.finditer(_plain(text)))
        at = self.find([word.group() for word in stand])
        if at is None:
            return str(self)
        before = text[: stand[at].start()].rstrip()
        said = text[stand[at].start() : stand[at + len(self.words) - 1].end()]
        return f"…{said}" if before and before[-1] not in ".?!…" else said[0].upper() + said[1:]

    def __str__(self) -> str:
        return " ".join(self.words)


@dataclass(frozen=True, slots=True)
class Beginning:
    """How a turn begins, the rule that says so, and the words that the rule rests on."""

    kind: Literal["gentle", "harsh"]
    reason: str
    phrase: Phrase


@dataclass(frozen=True, slots=True)
class Language:
    """One language's rules. Texts in, findings out; each finding names the phrase it rests on."""

    name: str
    listening: frozenset[str]
    listening_phrases: tuple[Phrase, ...]
    repairs_offered: tuple[Phrase, ...]
    repairs_accepted: tuple[Phrase, ...]
    reflections: tuple[Phrase, ...]
    reaching: tuple[Phrase, ...]
    not_reaching: tuple[Phrase, ...]
    gentle: Mapping[str, tuple[Phrase, ...]]  # by reason
    harsh: Mapping[str, tuple[Phrase, ...]]
    invented: frozenset[str]
    numbers: frozenset[str]
    counted: frozenset[str]
    capitals: frozenset[str]

    def listens_only(self, text: str) -> bool:
        """Whether this holds listener tokens, and nothing else."""
        words = bare(text)
        if not words:
            return False
        at = 0
        while at < len(words):
            phrase = max((len(p.words) for p in self.listening_phrases if p.words == _at(words, at, p)), default=0)
            if not phrase and words[at] not in self.listening:
                return False
            at += phrase or 1
        return True

    def reached_for(self, text: str) -> list[str]:
        """The sentences in which somebody says what they need, wish, feel or fear, as they said them."""
        return [s for s in sentences(text) if first(self.reaching, s) and not first(self.not_reaching, s)]

    def begins(self, text: str) -> Beginning | None:
        """How a turn begins; None where its first words say neither."""
        opening = " ".join(bare(text)[:_OPENING_WORDS])
        for reason, phrases in self.harsh.items():
            if found := first(phrases, opening):
                return Beginning("harsh", reason, found)
        for reason, phrases in self.gentle.items():
            if found := first(phrases, opening):
                return Beginning("gentle", reason, found)
        return None


def bare(text: str) -> list[str]:
    """The words in lower case, without marks."""
    return _BARE.findall(_plain(text))


def _plain(text: str) -> str:
    return text.lower().replace("’", "'")


def sentences(text: str) -> list[str]:
    return [s for part in _SENTENCE.findall(text) if (s := part.strip())]


def first(phrases: Sequence[Phrase], text: str) -> Phrase | None:
    """The one of these phrases that comes first in the text."""
    words = bare(text)
    found = [(at, phrase) for phrase in phrases if (at := phrase.find(words)) is not None]
    return min(found, key=lambda hit: (hit[0], -len(hit[1].words)), default=(0, None))[1]


def _at(words: Sequence[str], at: int, phrase: Phrase) -> tuple[str, ...]:
    return tuple(words[at : at + len(phrase.words)])


@cache
def language(name: str = "en") -> Language:
    """The rules of a language, by its two letters. Raises UnusableInput where there are none."""
    file = resources.files("coach") / f"words_{name}.toml"
    if not re.fullmatch(r"[a-z]{2}", name) or not file.is_file():
        raise UnusableInput(f"no rules for the language {name!r}: write coach/words_{name}.toml after words_en.toml")
    return read_language(file.read_text(encoding="utf-8"), f"words_{name}.toml")


def read_language(text: str, source: str = "rules") -> Language:
    """The rules that ``text`` holds, TOML. Raises UnusableInput naming what is missing."""
    try:
        rules: dict[str, Any] = tomllib.loads(text)
        return Language(
            name=str(rules["language"]),
            listening=frozenset(rules["listening"]["words"].split()),
            listening_phrases=_phrases(rules["listening"]["phrases"]),
            repairs_offered=_phrases(rules["repair"]["offered"]),
            repairs_accepted=_phrases(rules["repair"]["accepted"]),
            reflections=_phrases(rules["reflection"]["phrases"]),
            reaching=_phrases(rules["reaching"]["phrases"]),
            not_reaching=_phrases(rules["reaching"]["except"]),
            gentle={reason: _phrases(said) for reason, said in rules["start"]["gentle"].items()},
            harsh={reason: _phrases(said) for reason, said in rules["start"]["harsh"].items()},
            invented=frozenset(" ".join(bare(phrase)) for phrase in rules["invented"]["phrases"]),
            numbers=frozenset(rules["mask"]["numbers"].split()),
            counted=frozenset(rules["mask"]["counted"].split()),
            capitals=frozenset(rules["mask"]["capitals"].split()),
        )
    except (tomllib.TOMLDecodeError, KeyError, AttributeError, TypeError) as error:
        raise UnusableInput(f"{source}: {error!r}; begin with a copy of words_en.toml") from error


def _phrases(texts: Sequence[str]) -> tuple[Phrase, ...]:
    return tuple(Phrase.read(text) for text in texts)
