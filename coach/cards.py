"""The cards that come with Breathmark, a dozen small practices, each one act tied to a habit; and the couple's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from coach.practice import Card

LIBRARY: tuple[Card, ...] = (
    Card(
        id="count-to-two",
        title="Two seconds of quiet",
        profile="interruption",
        skill="let two seconds pass before answering",
        steps=(
            "One tells something from the day, for one minute.",
            "The other counts to two in silence before each answer.",
            "Swap.",
        ),
        turns=4,
        minutes=6,
        anchor="after the dinner clean-up",
        done_when="Each has told one thing, and each answer came after a count of two.",
        fallback="One turn each, thirty seconds long, while the kettle boils.",
    ),
    Card(
        id="pass-the-spoon",
        title="Who holds the spoon speaks",
        profile="interruption",
        skill="speak only while holding the spoon",
        steps=("Put a spoon between you.", "Who holds it speaks, two minutes at most.", "Hand it over with “done”."),
        turns=4,
        minutes=8,
        anchor="when the plates are still on the table",
        done_when="The spoon has changed hands four times, each time with the word “done”.",
        fallback="Two turns of one minute with the spoon.",
    ),
    Card(
        id="one-sentence-each",
        title="One sentence each",
        profile="interruption",
        skill="say one sentence, then stop",
        steps=("Choose a small plan for the weekend.", "Take turns: one sentence each.", "Stop at the full stop."),
        turns=10,
        minutes=5,
        anchor="on Thursday, when the shopping list is written",
        done_when="Ten sentences were said in turn, five by each of you.",
        fallback="Four sentences, two each, about tomorrow's dinner.",
    ),
    Card(
        id="write-it-park-it",
        title="Write it, then wait",
        profile="interruption",
        skill="write the thought down instead of breaking in",
        steps=(
            "Each takes a scrap of paper.",
            "While one speaks for two minutes, the other writes what wants to come out.",
            "Then the paper is read aloud, and you swap.",
        ),
        turns=2,
        minutes=8,
        anchor="after the bills are paid on Sunday",
        done_when="Each has read one written thought aloud after the other had finished.",
        fallback="One minute of talk, one written thought, once.",
    ),
    Card(
        id="three-breaths",
        title="Three breaths before the hard bit",
        profile="soothing",
        skill="breathe three times together before a hard subject",
        steps=("Sit so that your feet are on the floor.", "Breathe in and out together three times.", "Then say it."),
        turns=3,
        minutes=3,
        anchor="before you open the calendar together",
        done_when="Three breaths were taken together before the first sentence.",
        fallback="One breath together, standing.",
        fallback_minutes=1,
    ),
    Card(
        id="twenty-second-hug",
        title="Twenty seconds at the door",
        profile="soothing",
        skill="hold each other until both have breathed out twice",
        steps=(
            "Put the bags down. One asks: “Now?”",
            "After a “yes”, hold each other; after a “not now”, that was it for today.",
            "Stay until both have breathed out twice.",
        ),
        turns=1,
        minutes=2,
        anchor="when the second one comes home",
        done_when="Both of you have breathed out twice before letting go.",
        fallback="Hold hands for two breaths.",
        fallback_minutes=1,
    ),
    Card(
        id="pause-and-back",
        title="A pause with a time to come back",
        profile="soothing",
        skill="ask for a pause and name the time you are back",
        steps=(
            "Talk about something easy, such as the weekend: this is a rehearsal.",
            "After one minute one of you says: “Pause. Back at …” with a time two minutes off.",
            "Go to another room, and be back at that time.",
        ),
        turns=2,
        minutes=8,
        anchor="on Saturday after the second coffee",
        done_when="Each has asked for one pause, and both were back at the time that was named.",
        fallback="One pause of one minute, asked for by one of you.",
    ),
    Card(
        id="slow-start",
        title="Begin with a fact and a wish",
        profile="soothing",
        skill="begin a complaint with a fact and a wish",
        steps=(
            "Each chooses something small, from today.",
            "One says: “When … happened, I would have liked …”. The other says: “Thank you for saying it.”",
            "Swap.",
        ),
        turns=2,
        minutes=5,
        anchor="after the children are in bed",
        done_when="Each has said one sentence of the form “When … I would have liked …”.",
        fallback="Write the one sentence and hand it over.",
    ),
    Card(
        id="say-it-back",
        title="Say it back, then answer",
        profile="restructuring",
        skill="say back what you heard before answering",
        steps=(
            "One speaks for one minute.",
            "The other says it back, and asks: “Did I get that right?”",
            "After a “yes”, answer. Then swap.",
        ),
        turns=4,
        minutes=10,
        anchor="after the dinner clean-up on Wednesday",
        done_when="Each has said back two things and heard “yes” to both.",
        fallback="One minute, one saying back, by each of you.",
    ),
    Card(
        id="is-there-more",
        title="Is there more?",
        profile="restructuring",
        skill="ask “is there more?” until there is no more",
        steps=("One tells what is on top of the mind.", "The other asks only: “Is there more?”", "Swap after a “no”."),
        turns=2,
        minutes=8,
        anchor="on the walk after lunch on Sunday",
        done_when="Each was asked “Is there more?” at least twice and ended with a “no”.",
        fallback="Ask it once each, at the sink.",
    ),
    Card(
        id="two-thank-yous",
        title="Two thanks with a reason",
        profile="restructuring",
        skill="thank for one thing done today and say why",
        steps=("Say: “Thank you for … , because …”.", "The other answers: “You are welcome.”", "Swap."),
        turns=2,
        minutes=3,
        anchor="when the light by the bed goes out",
        done_when="Each has said one thank you with a “because”.",
        fallback="One thank you each, by message.",
        fallback_minutes=1,
    ),
    Card(
        id="my-part",
        title="My part in it",
        profile="restructuring",
        skill="name one thing of your own in a small quarrel",
        steps=(
            "Choose a quarrel of this week that was small.",
            "Each says one sentence: “My part in it was …”.",
            "The other says only: “Thank you.”",
        ),
        turns=2,
        minutes=6,
        anchor="after the Sunday film",
        done_when="Each has said one sentence that begins with “My part in it was”.",
        fallback="Write the sentence on one card each and swap the cards.",
    ),
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
