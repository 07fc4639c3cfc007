"""The cards that come with Breathmark (``cards_en.toml``), and those in the couple's own words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from importlib import resources
from typing import Any

from coach.practice import Card, cards_from_toml

LIBRARY: tuple[Card, ...] = tuple(
    cards_from_toml((resources.files("coach") / "cards_en.toml").read_text(encoding="utf-8"), "cards_en.toml")
)
MOST_ID_LETTERS = 40


def card_named(id: str) -> Card | None:
    return next((card for card in LIBRARY if card.id == id), None)


def own_card(skill: str, anchor: str, minutes: int) -> Card:
    """A card in the couple's own words: what they do, with which habit, for how long. The rest follows from these."""
    skill = skill.strip().rstrip(".")
    title = skill[:1].upper() + skill[1:]
    return Card(
        id="-".join(["own", *re.findall(r"[a-z0-9]+", skill.lower())])[:MOST_ID_LETTERS].rstrip("-"),
        title=title,
        profile="own",
        skill=skill,
        steps=(f"{title}.",),
        turns=2,
        minutes=minutes,
        anchor=anchor.strip(),
        done_when="Each of us has done it once.",
        fallback="Each of us does it once, in one minute.",
        fallback_minutes=1,
    )


def as_told(card: Card) -> dict[str, Any]:
    """What a line of the timeline and a stored room keep of a choice; ``card_told`` reads it again."""
    choice: dict[str, Any] = {"card": card.id, "anchor": card.anchor}
    return choice | {"skill": card.skill, "minutes": card.minutes} if card.profile == "own" else choice


def card_told(choice: Mapping[str, Any]) -> Card | None:
    """The card with the couple's habit; None where the library no longer holds it."""
    if "skill" in choice:
        return own_card(str(choice["skill"]), str(choice["anchor"]), int(choice["minutes"]))
    card = card_named(str(choice.get("card")))
    return replace(card, anchor=str(choice.get("anchor") or card.anchor)) if card else None
