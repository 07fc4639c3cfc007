"""Who asks over HTTP: by a link, and for what is one partner's own, on the device that owns it.

Whoever made a practice has seen both partners' links, so a link alone does not make somebody that partner.
"""

from __future__ import annotations

from fastapi import Request

from gateway.live import Gateway
from gateway.practice.registry import Link
from streaming.errors import Refused
from streaming.types import Speaker

DEVICE = "breathmark-device"  # header: the secret that ``Hello`` carries too
_DEVICE_CHARS = range(8, 129)


def token_of(request: Request) -> str:
    """The link's token in the Authorization header. Raises Refused ``no_link``."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Refused("no_link", "The request carries no link.")
    return token.strip()


async def viewer(request: Request, link: Link) -> Speaker | None:
    """The partner who reads; None for everybody else, with a partner's link on another device too."""
    device = request.headers.get(DEVICE, "")
    if link.role in ("a", "b") and await _gateway(request).registry.owned(token_of(request), device):
        return Speaker(link.role)
    return None


async def partner(request: Request, link: Link, refusal: str) -> Speaker:
    """The partner who answers for themselves. Raises Refused ``not_a_partner``, ``bad_request``, ``link_in_use``."""
    if link.role not in ("a", "b"):
        raise Refused("not_a_partner", refusal)
    device = request.headers.get(DEVICE, "")
    if len(device) not in _DEVICE_CHARS:
        raise Refused("bad_request", "The request does not say which device asks.")
    await _gateway(request).registry.claim(token_of(request), device)
    return Speaker(link.role)


def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway
