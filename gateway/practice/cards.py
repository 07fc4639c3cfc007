"""What a couple chooses to practise: a card of the library with a habit of theirs, one of their own, or just talk."""

from __future__ import annotations

from dataclasses import replace

from pydantic import BaseModel

from coach.cards import card_named, own_card
from coach.practice import Card, faults
from gateway.plain import is_plain, says_something
from streaming.errors import Refused

MAX_WRITTEN_CHARS = 80
MAX_SHOWN_CHARS = 40  # of what was wrong, in a message
_ASKED = {"skill": "What you’ll do", "anchor": "When"}  # as the page asks for them


class OwnChoice(BaseModel):
    """A card in the couple's own words."""

    skill: str
    anchor: str
    minutes: int


def chosen(name: str | None, anchor: str, own: OwnChoice | None) -> Card | None:
    """None to just talk; an empty ``anchor`` is the card's own.

    Raises Refused ``bad_card``, ``bad_skill`` or ``bad_anchor``, with the reason and what would do.
    """
    if own:
        return _usable(own_card(own.skill, own.anchor, own.minutes))
    if name is None:
        return None
    card = card_named(name)
    if card is None:
        raise Refused("bad_card", f"There is no card called {name[:MAX_SHOWN_CHARS]!r}.")
    return _usable(replace(card, anchor=anchor.strip() or card.anchor))


def _usable(card: Card) -> Card:
    for code, text in (("bad_skill", card.skill), ("bad_anchor", card.anchor)):
        if len(text) > MAX_WRITTEN_CHARS:
            raise Refused(code, f"This has {len(text)} characters; {MAX_WRITTEN_CHARS} at most fit.")
        seen = is_plain(text) and (says_something(text) or not text.strip())
        if not seen or "<" in text or ">" in text:
            raise Refused(code, "There may be plain words only, on one line.")
    found = {fault.field: fault for fault in faults(card)}
    for field, code in (("skill", "bad_skill"), ("anchor", "bad_anchor"), ("minutes", "bad_card")):
        if fault := found.get(field):
            written = str(getattr(card, field)).strip()
            what = f"“{written}”: {fault.reason}" if written else f"{_ASKED[field]} is still open"
            raise Refused(code, f"{what}; {fault.instead}.")
    return card
