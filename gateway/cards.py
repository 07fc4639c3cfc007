"""What a couple chooses to practise: a card of the library, tied to a habit of their own. Or nothing: just talk."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated, Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from coach.adherence import BUTTONS, Act
from coach.cards import LIBRARY, card_named
from coach.practice import Card, as_shown, faults
from gateway.protocol import MAX_MESSAGE_BYTES
from streaming.errors import Refused

MAX_ANCHOR_CHARS = 80
MAX_SHOWN_CHARS = 40  # of what was wrong, in a message
_NO_WORDS = re.compile(r"[<>\x00-\x1f\x7f]")


class Choice(BaseModel):
    """The body of ``POST /api/sessions``; an empty ``anchor`` is the card's own."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    card: str | None = None
    anchor: str = ""


class Answer(BaseModel):
    """The body of ``POST /api/practised``."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    act: str


class Device(BaseModel):
    """The body of requests that only a link's own device may make; see ``Hello``."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    device: Annotated[str, Field(min_length=8, max_length=128)]


_Form = TypeVar("_Form", bound=BaseModel)


async def read_choice(request: Request) -> Card | None:
    """The card that the request names; None to just talk. Raises Refused."""
    body = await _body(request)
    return chosen(_read(Choice, body)) if body.strip() else None


async def read_answer(request: Request) -> Act:
    """How the practice went, in one tap. Raises Refused ``bad_answer``."""
    act = _read(Answer, await _body(request)).act
    for known in BUTTONS:
        if act == known and known != "start":
            return known
    known_acts = ", ".join(name for name in BUTTONS if name != "start")
    raise Refused("bad_answer", f"There is no answer {act[:MAX_SHOWN_CHARS]!r}; there are {known_acts}.")


async def read_device(request: Request) -> str:
    """The secret of the device that asks. Raises Refused ``bad_request``."""
    return _read(Device, await _body(request)).device


def chosen(choice: Choice) -> Card | None:
    """Raises Refused ``bad_card`` or ``bad_anchor``, with the reason and what would do."""
    anchor = choice.anchor.strip()
    if choice.card is None:
        return None
    card = card_named(choice.card)
    if card is None:
        raise Refused("bad_card", f"There is no card called {choice.card[:MAX_SHOWN_CHARS]!r}.")
    if not anchor:
        return card
    if len(anchor) > MAX_ANCHOR_CHARS:
        raise Refused("bad_anchor", f"The habit has {len(anchor)} characters; {MAX_ANCHOR_CHARS} at most fit.")
    if _NO_WORDS.search(anchor):
        raise Refused("bad_anchor", "The habit may hold plain words only, on one line.")
    own = replace(card, anchor=anchor)
    fault = next((fault for fault in faults(own) if fault.field == "anchor"), None)
    if fault:
        raise Refused("bad_anchor", f"“{anchor}”: {fault.reason}; {fault.instead}.")
    return own


def library() -> list[dict[str, Any]]:
    """Every card as a page shows it."""
    return [as_shown(card) for card in LIBRARY]


def to_state(card: Card) -> dict[str, str]:
    return {"id": card.id, "anchor": card.anchor}


def from_state(state: dict[str, str] | None) -> Card | None:
    """None also where the library no longer holds the card: then they just talk."""
    card = card_named(state["id"]) if state else None
    return replace(card, anchor=state["anchor"]) if card and state else None


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
