"""Names and numbers out of what is kept: each becomes a word that says what stood there.

Names have no list that could be complete. What counts as one: the partners' own names, and any word written with a
capital inside a sentence, save those that English writes so anyhow. A name that begins a sentence and is in neither
is missed; that is said in the documentation.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Sequence

from streaming.types import Word

NAME, NUMBER = "[name]", "[number]"
_BARE = re.compile(r"[^\w'’-]+")
_DIGIT = re.compile(r"\d")
_ENDS = (".", "?", "!", "…")


@dataclasses.dataclass(frozen=True, slots=True)
class Mask:
    """``names`` and the language's words, all in lower case. ``usual``: capitals that name nobody."""

    names: frozenset[str]
    numbers: frozenset[str]
    usual: frozenset[str]

    def __call__(self, words: Sequence[Word]) -> list[Word]:
        out: list[Word] = []
        begins = True
        for word in words:
            bare = _BARE.sub("", word.text).replace("’", "'")
            masked = self._mask(bare, begins)
            begins = word.text.endswith(_ENDS)
            out.append(dataclasses.replace(word, text=masked + _tail(word.text)) if masked else word)
        return out

    def _mask(self, bare: str, begins: bool) -> str | None:
        stem = bare.lower().removesuffix("'s")
        if _DIGIT.search(bare) or stem in self.numbers or any(part in self.numbers for part in stem.split("-")):
            return NUMBER
        if stem in self.names or stem.rstrip("s") in self.names:
            return NAME
        capital = bare[:1].isupper() and stem.split("'")[0] not in self.usual
        return NAME if capital and not begins else None


def _tail(text: str) -> str:
    """The marks after the word stay, so that sentences do."""
    return text[len(text.rstrip(".,?!;:…")) :]


def names_of(people: Collection[str]) -> frozenset[str]:
    """The names as people gave them, each part on its own."""
    return frozenset(part.lower() for name in people for part in re.findall(r"[\w'-]+", name) if len(part) > 1)
