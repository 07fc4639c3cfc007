"""A few words that an observer sends to both partners: what may be said, and when. Pure."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable

from gateway.plain import is_plain, says_something
from gateway.practice.rooms import Room
from gateway.protocol import MAX_NOTE_CHARS, MAX_NOTE_WORDS
from streaming.errors import Refused
from streaming.types import Happening, Line, Speaker
from streaming.wire import samples, seconds

KIND = "note"
_LINK = re.compile(r"://|@|\bwww\.|\b(?:mailto|tel|https?):|\w\.[^\W\d_]{2,}", re.IGNORECASE)


def is_note(line: Line) -> bool:
    return isinstance(line, Happening) and line.kind == KIND


def as_shown(text: str) -> str:
    """The note as both will see it, on one line. Raises Refused ``bad_note`` with the one thing that will not do."""
    text = unicodedata.normalize("NFC", text.strip())
    if not is_plain(text):
        raise Refused("bad_note", "There may be plain words only, on one line.")
    words = text.split()
    text = " ".join(words)
    if not says_something(text):
        raise Refused("bad_note", "There is no word in this note yet.")
    if len(words) > MAX_NOTE_WORDS:
        raise Refused("bad_note", f"This has {len(words)} words; {MAX_NOTE_WORDS} at most are read while talking.")
    if len(text) > MAX_NOTE_CHARS:
        raise Refused("bad_note", f"This has {len(text)} characters; {MAX_NOTE_CHARS} at most fit.")
    if _LINK.search(text):
        raise Refused("bad_note", "A note holds no address: nobody can open one while talking.")
    return text


def free_from(lines: Iterable[Line], every_s: float) -> int:
    """Session sample from which the next note may be sent, whoever sent the last; 0 where there was none."""
    sent = [line.at for line in lines if isinstance(line, Happening) and line.kind == KIND]
    return max(sent) + samples(every_s) if sent else 0


def check_now(room: Room, now: int, free: int) -> None:
    """Raises Refused ``not_agreed``, ``not_now`` or ``note_too_soon``."""
    if not room.watchable:
        raise Refused("not_agreed", "Not both partners agree to an observer just now.")
    if room.phase != "practising":
        raise Refused("not_now", "A note can be sent only while the two are practising.")
    if not all(room.partner(speaker).present for speaker in Speaker):
        raise Refused("not_now", "One of the two is away just now, and both see a note at the same moment.")
    if now < free:
        left = math.ceil(seconds(free - now))
        raise Refused("note_too_soon", f"The next note can be sent in {left} {'second' if left == 1 else 'seconds'}.")
