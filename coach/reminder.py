"""A calendar file (.ics, RFC 5545) that reminds of a card on its anchor. Pure text; the caller brings the times."""

from __future__ import annotations

import re

from coach.practice import Card
from streaming.errors import UnusableInput

LINE_OCTETS = 75


def reminder(card: Card, *, date: str, time: str, uid: str, stamp: str) -> str:
    """An event of the card's length at local ``date`` ("2026-11-25") and ``time`` ("19:30").

    ``stamp`` is when it was made, in UTC ("20261123T080000Z"). Local time without a zone on purpose: an anchor is a
    habit, and habits travel along.
    """
    day, clock = _date(date), _time(time)
    if not re.fullmatch(r"\d{8}T\d{6}Z", stamp):
        raise UnusableInput(f"stamp {stamp!r} is not UTC in the form 20261123T080000Z")
    steps = "\n".join(f"{number}. {step}" for number, step in enumerate(card.steps, 1))
    about = f"{card.anchor}\n{steps}\nDone when: {card.done_when}\nShort on time: {card.fallback}"
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Breathmark//Practice//EN",
        "BEGIN:VEVENT",
        f"UID:{_text(uid)}",
        f"DTSTAMP:{stamp}",
        f"DTSTART:{day}T{clock}",
        f"DURATION:PT{card.minutes}M",
        f"SUMMARY:{_text(card.title)}",
        f"DESCRIPTION:{_text(about)}",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        "TRIGGER:PT0M",
        f"DESCRIPTION:{_text(card.title)}",
        "END:VALARM",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(_folded(line) + "\r\n" for line in lines)


def _date(text: str) -> str:
    found = re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})", text)
    if found:
        year, month, day = (int(part) for part in found.groups())
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        lengths = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
        if 1 <= month <= 12 and 1 <= day <= lengths[month - 1]:
            return "".join(found.groups())
    raise UnusableInput(f"{text!r} is no date; write it as 2026-11-25")


def _time(text: str) -> str:
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", text)
    if not found:
        raise UnusableInput(f"{text!r} is no time of day; write it as 19:30")
    return f"{found.group(1)}{found.group(2)}00"


def _text(text: str) -> str:
    """Escaped as RFC 5545, 3.3.11 asks; other control characters have no place in it."""
    escaped = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "", escaped)


def _folded(line: str) -> str:
    """Lines of at most 75 octets, never cut inside a character."""
    out, width = [], 0
    for character in line:
        octets = len(character.encode())
        if width + octets > LINE_OCTETS:
            out.append("\r\n ")
            width = 1
        out.append(character)
        width += octets
    return "".join(out)
