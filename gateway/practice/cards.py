"""What a couple chooses to practise: a card of the library with a habit of theirs, one of their own, or just talk."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated, Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from coach.adherence import BUTTONS, Act
from coach.cards import LIBRARY, card_named, own_card
from coach.practice import Card, as_shown, faults
from gateway.protocol import MAX_MESSAGE_BYTES, UNSHOWABLE
from streaming.errors import Refused

MAX_WRITTEN_CHARS = 80
MAX_SHOWN_CHARS = 40  # of what was wrong, in a message
_ASKED = {"skill": "What you’ll do", "anchor": "When"}  # as the page asks for them
_NO_WORDS = re.compile(rf"[<>]|{UNSHOWABLE.pattern}")
_SEEN = re.compile(
    r"[^\W\u115f\u1160\u3164\uffa0]"
)  # a letter or a digit, but for Korean's fillers, which show nothing


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class OwnChoice(_Body):
    """A card in the couple's own words."""

    skill: str
    anchor: str
    minutes: int


class Choice(_Body):
    """The body of ``POST /api/sessions``; an empty ``anchor`` is the card's own."""

    card: str | None = None
    anchor: str = ""
    own: OwnChoice | None = None


class Answer(_Body):
    """The body of ``POST /api/practised``."""

    act: str


class Device(_Body):
    """The body of requests that only a link's own device may make; see ``Hello``."""

    device: Annotated[str, Field(min_length=8, max_length=128)]


_Form = TypeVar("_Form", bound=BaseModel)


async def read_choice(request: Request) -> Card | None:
    """The card that the request names; None to just talk. Raises Refused."""
    body = await _body(request)
    return chosen(_read(Choice, body)) if body.strip() else None


async def read_answer(request: Request) -> Act:
    """How the practice went, in one tap. Raises Refused ``bad_answer``."""
    act = _read(Answer, await _body(request)).act
    answers = [known for known in BUTTONS if known != "start"]
    for known in answers:
        if act == known:
            return known
    raise Refused("bad_answer", f"There is no answer {act[:MAX_SHOWN_CHARS]!r}; there are {', '.join(answers)}.")


async def read_device(request: Request) -> str:
    """The secret of the device that asks. Raises Refused ``bad_request``."""
    return _read(Device, await _body(request)).device


def chosen(choice: Choice) -> Card | None:
    """Raises Refused ``bad_card``, ``bad_skill`` or ``bad_anchor``, with the reason and what would do."""
    if choice.own:
        return _usable(own_card(choice.own.skill, choice.own.anchor, choice.own.minutes))
    if choice.card is None:
        return None
    card = card_named(choice.card)
    if card is None:
        raise Refused("bad_card", f"There is no card called {choice.card[:MAX_SHOWN_CHARS]!r}.")
    return _usable(replace(card, anchor=choice.anchor.strip() or card.anchor))


def _usable(card: Card) -> Card:
    for code, text in (("bad_skill", card.skill), ("bad_anchor", card.anchor)):
        if len(text) > MAX_WRITTEN_CHARS:
            raise Refused(code, f"This has {len(text)} characters; {MAX_WRITTEN_CHARS} at most fit.")
        if _NO_WORDS.search(text) or (text.strip() and not _SEEN.search(text)):
            raise Refused(code, "There may be plain words only, on one line.")
    found = {fault.field: fault for fault in faults(card)}
    for field, code in (("skill", "bad_skill"), ("anchor", "bad_anchor"), ("minutes", "bad_card")):
        if fault := found.get(field):
            written = str(getattr(card, field)).strip()
            what = f"“{written}”: {fault.reason}" if written else f"{_ASKED[field]} is still open"
            raise Refused(code, f"{what}; {fault.instead}.")
    return card


def library() -> list[dict[str, Any]]:
    """Every card as a page shows it."""
    return [as_shown(card) for card in LIBRARY]


def _read(form: type[_Form], body: bytes) -> _Form:
    try:
        return form.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the body"
        raise Refused("bad_request", f"The request does not fit: {where}: {first['msg']}.") from None


async def _body(request: Request) -> bytes:
    """Raises Refused ``too_large`` before a stranger's body fills the memory."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_MESSAGE_BYTES:
            raise Refused("too_large", f"The request was over {MAX_MESSAGE_BYTES // 1024} KiB.")
    return body
