"""Word error rate: texts brought to one spelling, then the fewest changes between them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

_SMALL = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen""".split()  # noqa: SIM905 a list would take twenty lines
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_NUMBER = re.compile(r"(\$?)(\d[\d,]*)")
_SPELT = {"mr": "mister", "mrs": "missus", "dr": "doctor", "ok": "okay", "onto": "on to"}
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*")


def same_spelling(text: str) -> list[str]:
    """Lower case, without marks, numbers as words: "$400" becomes four hundred dollars."""
    text = _NUMBER.sub(_as_words, text.lower().replace("’", "'"))
    words = _WORD.findall(text.replace("-", " "))
    return " ".join(_SPELT.get(word, word) for word in words).split()


def errors(truth: Sequence[str], heard: Sequence[str]) -> int:
    """Fewest words to put in, take out or change: Levenshtein's distance."""
    row = np.arange(len(heard) + 1)
    for i, word in enumerate(truth, 1):
        before, row[0] = row.copy(), i
        for j, other in enumerate(heard, 1):
            row[j] = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (word != other))
    return int(row[-1])


def _as_words(found: re.Match[str]) -> str:
    number = int(found[2].replace(",", ""))
    return f" {_spelt_out(number)}{' dollars' if found[1] else ''} "


def _spelt_out(number: int) -> str:
    if number < 20:
        return _SMALL[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS[tens] + (f" {_SMALL[ones]}" if ones else "")
    for size, name in ((1_000_000, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= size:
            many, rest = divmod(number, size)
            return f"{_spelt_out(many)} {name}" + (f" {_spelt_out(rest)}" if rest else "")
    raise AssertionError(number)
