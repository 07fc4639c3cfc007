"""Who asks over HTTP, and for what: by a link, and for what is one partner's own, on the device that owns it.

Whoever made a practice has seen both partners' links, so a link alone does not make somebody that partner.
"""

from __future__ import annotations

from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.live import Gateway
from gateway.practice.registry import Link, Record
from gateway.protocol import MAX_MESSAGE_BYTES, SECRET_CHARS
from gateway.web.http import check_origin
from streaming.errors import Refused
from streaming.types import Line, Speaker

DEVICE = "breathmark-device"  # header: the secret that ``Hello`` carries too


class Body(BaseModel):
    """What a request says, as JSON; fields that are not known are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


Form = TypeVar("Form", bound=Body)


async def read(form: type[Form], request: Request) -> Form:
    """What the request says; an empty one says nothing.

    Raises Refused ``bad_request``, or ``too_large`` before a stranger's body fills the memory.
    """
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_MESSAGE_BYTES:
            raise Refused("too_large", f"The request was over {MAX_MESSAGE_BYTES // 1024} KiB.")
    try:
        return form.model_validate_json(body.strip() or b"{}")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the body"
        raise Refused("bad_request", f"The request does not fit: {where}: {first['msg']}.") from None


def gateway_of(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


def bounded(request: Request) -> None:
    """Raises Refused where another place's page asks, or too many practices are begun from one address."""
    check_origin(request.headers, request.app.state.settings.allowed_origins)
    if not request.app.state.starts.take(request.client.host if request.client else ""):
        raise Refused("too_fast", "Practices were started faster than anybody would by hand.")


async def linked(request: Request) -> Link:
    """By the link's token in the Authorization header. Raises Refused ``no_link``, ``unknown_link``."""
    return await gateway_of(request).registry.find(_token(request))


async def shown(request: Request) -> tuple[Link, Record]:
    """Who asks, and the practice of that link. Raises Refused."""
    link = await linked(request)
    return link, await gateway_of(request).record(link.session)


async def readable(request: Request) -> tuple[Link, Record]:
    """Whoever may read what was said: partners; after the end the report's link, and observers where both agreed.

    Before it they alone: whoever watches while they talk does so by a socket, and both see that. Raises Refused.
    """
    link, record = await shown(request)
    if link.role == "observer" and not record.room.watchable:
        raise Refused("not_agreed", "Not both partners agreed to an observer.")
    if record.began_unix is None:
        raise Refused("not_begun", "This practice has not begun, so there is nothing to report.")
    if link.role not in ("a", "b") and not record.room.ended:
        raise Refused("not_ended", "This practice has not ended, and its report comes at the end.")
    return link, record


async def lines_of(request: Request, link: Link) -> list[Line]:
    """All that the timeline of the link's practice holds. Raises StoreUnavailable."""
    return [stored.line for stored in await gateway_of(request).timeline.read(link.session)]


async def viewer(request: Request, link: Link) -> Speaker | None:
    """The partner who reads; None for everybody else, with a partner's link on another device too."""
    device = request.headers.get(DEVICE, "")
    owns = link.role in ("a", "b") and await gateway_of(request).registry.owned(_token(request), device)
    return Speaker(link.role) if owns else None


async def partner(request: Request, link: Link, refusal: str) -> Speaker:
    """The partner who answers for themselves.

    Raises Refused ``not_a_partner``, ``bad_request``, ``link_in_use`` or ``too_fast``.
    """
    if link.role not in ("a", "b"):
        raise Refused("not_a_partner", refusal)
    device = request.headers.get(DEVICE, "")
    if len(device) not in SECRET_CHARS:
        raise Refused("bad_request", "The request does not say which device asks.")
    if not request.app.state.answers.take(f"{link.role} of {link.session}"):
        raise Refused("too_fast", "Answers came faster than anybody would tap.")
    await gateway_of(request).registry.claim(_token(request), device)
    return Speaker(link.role)


async def owner(request: Request, link: Link, device: str) -> Speaker:
    """The partner whose link this is, on the device that owns it. Raises Refused ``not_a_partner``, ``link_in_use``."""
    if link.role not in ("a", "b"):
        raise Refused("not_a_partner", "Only the two who practised can do this.")
    if not await gateway_of(request).registry.owned(_token(request), device):
        raise Refused("link_in_use", "This link belongs to another device.")
    return Speaker(link.role)


def _token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Refused("no_link", "The request carries no link.")
    return token.strip()
