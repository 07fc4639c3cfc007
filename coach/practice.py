"""Practice cards: absurdly specific, small, anchored to a habit the couple already has.

A card that is vague, too big or never finished fails by design, so such a card is refused, with a
word on how to make it specific.
"""

from __future__ import annotations

import re
from dataclasses import MISSING, asdict, dataclass, fields, replace
from typing import Any, Literal, get_args

from coach.settings import CoachSettings, read_toml
from streaming.errors import UnusableInput

Profile = Literal["interruption", "soothing", "restructuring", "own"]  # own: the policy as it is set
MOST_MINUTES = 10
MOST_FALLBACK_MINUTES = 3
MOST_TURNS = 12
FEWEST_WORDS_DONE = 4
MOST_WORDS_SKILL = 12

_VAGUE = re.compile(
    r"\b(work on|communicat\w*|be (?:nicer|kinder|better|more)|do better|try harder|try to|improve|get along"
    r"|connect more|listen more|respect each other|as needed|when possible|sometime|whenever)\b",
    re.IGNORECASE,
)
# What can be seen or counted: a number, a word that counts, or words to say aloud.
_COUNTABLE = re.compile(
    r"\d|[“\"]|\b(one|two|three|four|five|six|each|both|once|twice|every|all|neither|nobody)\b", re.IGNORECASE
)
_ANCHOR = re.compile(r"\b(after|before|when|while|during|at|on|as soon as)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Card:
    """One practice. ``turns`` is how often the move is made; ``done_when`` can be seen from outside."""

    id: str
    title: str
    profile: Profile
    skill: str
    steps: tuple[str, ...]
    turns: int
    minutes: int
    anchor: str
    done_when: str
    fallback: str
    fallback_minutes: int = 3


def as_shown(card: Card) -> dict[str, Any]:
    """What a page shows of it: all but the cue profile, a word among therapists."""
    shown = asdict(card)
    return shown | {"own": shown.pop("profile") == "own"}


@dataclass(frozen=True, slots=True)
class Fault:
    """What makes a card unusable: the field, the reason, and the nearest thing that would do."""

    field: str
    reason: str
    instead: str

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}; {self.instead}"


def faults(card: Card) -> list[Fault]:
    """All that keeps the card from being practised, in the order of its fields; empty for a good one."""
    found = [*_size_faults(card), *_text_faults(card)]
    order = [spec.name for spec in fields(Card)]
    return sorted(found, key=lambda fault: order.index(fault.field))


def _size_faults(card: Card) -> list[Fault]:
    found = []
    for name, low, high in (
        ("minutes", 1, MOST_MINUTES),
        ("turns", 1, MOST_TURNS),
        ("fallback_minutes", 1, MOST_FALLBACK_MINUTES),
    ):
        value = getattr(card, name)
        if not low <= value <= high:
            near = max(low, min(high, value))
            found.append(Fault(name, f"{value} is not from {low} to {high}", f"nearest valid value is {near}"))
    if card.profile not in get_args(Profile):
        known = ", ".join(get_args(Profile))
        found.append(Fault("profile", f"there is none called {card.profile!r}", f"choose one of {known}"))
    if not re.fullmatch(r"[a-z][a-z0-9-]*", card.id):
        near = re.sub(r"[^a-z0-9]+", "-", card.id.lower()).strip("-") or "our-card"
        found.append(Fault("id", f"{card.id!r} is not made of small letters and hyphens", f"for example {near!r}"))
    return found


def _text_faults(card: Card) -> list[Fault]:
    found = []
    for name in ("title", "skill", "anchor", "done_when", "fallback"):
        text = getattr(card, name)
        vague = _VAGUE.search(text)
        if not text.strip():
            found.append(Fault(name, "it is empty", _EXAMPLES[name]))
        elif vague:
            found.append(Fault(name, f"“{vague.group(0)}” can't be seen or counted", _EXAMPLES[name]))
    if not card.steps or not all(step.strip() for step in card.steps):
        found.append(Fault("steps", "there is no step to take", _EXAMPLES["steps"]))
    if len(card.skill.split()) > MOST_WORDS_SKILL:
        found.append(Fault("skill", f"it has over {MOST_WORDS_SKILL} words: that is more than one skill", "keep one"))
    if card.anchor.strip() and not _ANCHOR.search(card.anchor):
        found.append(Fault("anchor", "it names no moment that comes by itself", _EXAMPLES["anchor"]))
    done = card.done_when.strip()
    if done and (not _COUNTABLE.search(done) or len(done.split()) < FEWEST_WORDS_DONE):
        found.append(Fault("done_when", "one can't tell from outside whether it was done", _EXAMPLES["done_when"]))
    return [fault for i, fault in enumerate(found) if fault.field not in {f.field for f in found[:i]}]


_EXAMPLES = {
    "title": "name the act, such as “Say it back, then answer”",
    "skill": "name one act, such as “say back what you heard before answering”",
    "steps": "write what each does first, such as “One speaks for one minute”",
    "anchor": "tie it to a habit you have, such as “after the dinner clean-up”",
    "done_when": "say what one would see, such as “Each has said back two things, and heard “yes, that's it””",
    "fallback": "say what three minutes of it look like, such as “One turn each, standing in the kitchen”",
}


def cards_from_toml(text: str, source: str = "cards") -> list[Card]:
    """Cards written as ``[[card]]`` tables. Raises UnusableInput with every fault: line, reason, what would do."""
    tables = read_toml(text, source, "write one field a line, such as 'minutes = 10'").get("card", [])
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise UnusableInput(f"{source}:1: there is no card; begin each with a line '[[card]]'")
    cards, told = [], []
    for number, table in enumerate(tables):
        card = _card(table)
        found = card if isinstance(card, list) else faults(card)
        told += [f"{source}:{_line(text, number, fault.field)}: {fault}" for fault in found]
        if not isinstance(card, list):
            cards.append(card)
    if told:
        raise UnusableInput("\n".join(told))
    return cards


def _card(table: dict[str, Any]) -> Card | list[Fault]:
    """The card that the table describes, or all that keeps it from being read as one."""
    values: dict[str, Any] = {}
    found: list[Fault] = []
    for spec in fields(Card):
        if spec.name not in table:
            if spec.default is MISSING:
                found.append(Fault(spec.name, "it is missing", _EXAMPLES.get(spec.name, f"add '{spec.name} = …'")))
            continue
        value = table[spec.name]
        wants = {"int": int, "tuple[str, ...]": list}.get(str(spec.type), str)
        if not isinstance(value, wants) or isinstance(value, bool):
            kind = {int: "a whole number", list: "a list of texts", str: "a text in quotes"}[wants]
            found.append(Fault(spec.name, f"{value!r} is not {kind}", f"write it as {kind}"))
        values[spec.name] = tuple(str(item) for item in value) if isinstance(value, list) else value
    unknown = sorted(set(table) - {spec.name for spec in fields(Card)})
    found += [Fault(name, "a card has no such field", "leave it out") for name in unknown]
    return found or Card(**values)


def _line(text: str, number: int, name: str) -> int:
    """Where card ``number`` (from 0) has its field ``name``, or where it begins."""
    seen, began = -1, 1
    for line_number, line in enumerate(text.splitlines(), 1):
        if re.match(r"\s*\[\[\s*card\s*\]\]", line):
            seen += 1
            began = line_number if seen == number else began
        elif seen == number and re.match(rf"\s*{re.escape(name)}\s*=", line):
            return line_number
    return began


def for_card(card: Card, settings: CoachSettings) -> CoachSettings:
    """The policy with the card's emphasis; the dose stays as it was set."""
    if card.profile == "own":
        return settings
    if card.profile == "soothing":
        return replace(settings, rise_sustained_s=max(3.0, settings.rise_sustained_s / 2))
    if card.profile == "restructuring":
        return replace(settings, reflect_wait_s=min(60.0, settings.reflect_wait_s * 2))
    return replace(settings, dense_relief=min(3, settings.dense_relief + 1))
