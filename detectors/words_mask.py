"""Names and numbers out of what is kept: each becomes a word that says what stood there.

Names have no list that could be complete. What counts as one: the partners' own names; any word written with a
capital inside a sentence, save those that English writes so anyhow; and at the beginning of a sentence, where every
word has a capital, one that is hardly ever written without, or that had its capital inside a sentence before. How
words are usually written is told by the transcriber's own vocabulary, which holds the commoner form first.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from streaming.types import Word

NAME, NUMBER = "[name]", "[number]"
MUCH_LATER = 1.5  # a vocabulary has "however" a little after "However", and "john" 26 times as late as "John"
COMMONEST = 1000  # pieces of the vocabulary: a word among them that has an odd capital once is no name ever after
_BARE = re.compile(r"[^\w'’-]+")
_DIGIT = re.compile(r"\d")
_PARTS = re.compile(r"['-]")
_ENDS = (".", "?", "!", "…")
_SPACE = "Ġ"  # how a vocabulary writes that a word begins


@dataclasses.dataclass(frozen=True, slots=True)
class Usage:
    """Words that are mostly written small, and the commonest pieces of them; both in lower case."""

    common: frozenset[str] = frozenset()
    commonest: frozenset[str] = frozenset()

    @classmethod
    def of(cls, vocabulary: Iterable[str]) -> Usage:
        """``vocabulary``: a transcriber's pieces of words, the commonest first."""
        places: Mapping[str, int] = {
            piece[1:]: place
            for place, piece in enumerate(vocabulary)
            if piece.startswith(_SPACE) and piece[1:].isalpha()
        }
        small = {word: place for word, place in places.items() if word.islower()}
        common = frozenset(w for w, place in small.items() if place <= MUCH_LATER * places.get(w.capitalize(), place))
        return cls(common, frozenset(word for word, place in small.items() if place < COMMONEST))


@dataclasses.dataclass(frozen=True, slots=True)
class MaskRules:
    """A language's words, in lower case. ``counted``: after one of these "one" is a number. ``usual``: names nobody."""

    numbers: frozenset[str]
    counted: frozenset[str]
    usual: frozenset[str]


class Mask:
    """One session's; it remembers the names it meets."""

    def __init__(self, names: Collection[str], rules: MaskRules, usage: Usage = Usage()) -> None:
        self._names = set(names)
        self._rules = rules
        self._usage = usage

    def __call__(self, words: Sequence[Word]) -> list[Word]:
        bare = [_BARE.sub("", word.text).replace("’", "'") for word in words]
        begins = [i == 0 or words[i - 1].text.endswith(_ENDS) for i in range(len(words))]
        for text, first in zip(bare, begins, strict=True):
            if not first and self._capital(text) and _stem(text) not in self._usage.commonest:
                self._names.add(_stem(text))
        out: list[Word] = []
        for i, word in enumerate(words):
            around = {bare[j].lower() for j in (i - 1, i + 1) if 0 <= j < len(bare)}
            if self._number(bare[i], around):
                masked = NUMBER
            elif self._name(bare[i], begins[i]):
                masked = NAME
            else:
                out.append(word)
                continue
            out.append(dataclasses.replace(word, text=masked + _tail(word.text)))
        return out

    def _number(self, bare: str, around: Collection[str]) -> bool:
        parts = bare.lower().removesuffix("'s").split("-")
        if _DIGIT.search(bare) or any(part in self._rules.numbers for part in parts):
            return True
        return parts == ["one"] and any(word in self._rules.numbers or word in self._rules.counted for word in around)

    def _name(self, bare: str, begins: bool) -> bool:
        stem = _stem(bare)
        if stem in self._names or stem.removesuffix("s") in self._names:
            return bare[:1].isupper() or stem not in self._usage.common
        if not self._capital(bare):
            return False
        return not begins or (bool(self._usage.common) and not self._small(bare))

    def _capital(self, bare: str) -> bool:
        """A capital that names somebody or something, unless it only begins a sentence."""
        return bare[:1].isupper() and not bare.endswith("-") and _PARTS.split(bare.lower())[0] not in self._rules.usual

    def _small(self, bare: str) -> bool:
        """Whether its parts are usually written without a capital."""
        return all(p in self._usage.common or p in self._rules.usual for p in _PARTS.split(_stem(bare)) if len(p) > 2)


def _stem(bare: str) -> str:
    return bare.lower().removesuffix("'s")


def _tail(text: str) -> str:
    """The marks after the word stay, so that sentences do."""
    return text[len(text.rstrip(".,?!;:…")) :]


def names_of(people: Collection[str]) -> frozenset[str]:
    """The names as people gave them, each part on its own."""
    return frozenset(part.lower() for name in people for part in re.findall(r"[\w'-]+", name) if len(part) > 1)
