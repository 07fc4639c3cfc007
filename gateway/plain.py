"""What people type is put before somebody else's eyes: which signs may be in it. For names, cards and notes alike."""

from __future__ import annotations

import unicodedata

# Controls, what turns the direction of text, what breaks lines or is private. What Python does not know may be a new
# picture, which phones do know.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"  # parts of words in Persian and Hindi
_FILLERS = "\u115f\u1160\u3164\uffa0\u2800"  # letters and a sign by their class, and yet nothing to see


def is_plain(text: str) -> bool:
    """On one line, and all of it can be seen."""
    return not any(map(_hidden, text))


def made_plain(text: str) -> str:
    """With a space for each sign that may not be shown."""
    return "".join(" " if _hidden(sign) else sign for sign in text)


def says_something(text: str) -> bool:
    """There is a letter or a digit in it."""
    return any(unicodedata.category(sign)[0] in "LN" for sign in text)


def _hidden(sign: str) -> bool:
    return (unicodedata.category(sign) in _HIDDEN and sign not in _JOINERS) or sign in _FILLERS
