"""What every HTTP answer carries, and how errors are told: JSON for programs, a way out for people."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.refusals import error_body, refusal_of
from streaming.errors import BreathmarkError, Refused, StoreUnavailable

# Scripts, styles and sounds come from here alone; pictures too, or from the page itself (the QR code). For sockets the
# place is named as well: Safari took 'self' for them only from 15.4 on.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; connect-src 'self'{sockets}; img-src 'self' data: blob:; media-src 'self' blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_PLACE = re.compile(r"[a-z0-9.-]+(:\d+)?|\[[0-9a-f:.]+\](:\d+)?", re.IGNORECASE)
_HEADERS = {
    "permissions-policy": "microphone=(self), camera=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
}
_UNCACHED = ("/api/", "/metrics", "/healthz")

log = structlog.get_logger("gateway.web.http")


def security_headers(asked: Mapping[str, str]) -> dict[str, str]:
    """For the answer to a request with these headers."""
    place = asked.get("host", "")
    sockets = f" ws://{place} wss://{place}" if _PLACE.fullmatch(place) else ""
    return _HEADERS | {"content-security-policy": CONTENT_SECURITY_POLICY.format(sockets=sockets)}


def check_origin(headers: Mapping[str, str], allowed: Collection[str]) -> None:
    """Browsers say which page asks; other programs need not, and tokens guard in any case. Raises Refused."""
    origin = headers.get("origin")
    if origin is None or origin in allowed:
        return
    try:
        place = urlsplit(origin).netloc.lower()
    except ValueError:  # such as "http://["
        place = ""
    if not place or place != headers.get("host", "").lower():
        raise Refused("bad_origin", "This page comes from another address than the one that it asks.")


class SecurityHeaders:
    """Adds the headers to every HTTP answer; what the API says is never cached."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in security_headers(Headers(scope=scope)).items():
                    headers[name] = value
                if scope["path"].startswith(_UNCACHED):
                    headers["cache-control"] = "no-store"
            await send(message)

        await self._app(scope, receive, with_headers)


def tell_errors(app: FastAPI) -> None:
    """Every error as ``{"code", "message", "way_out"}``; a stack trace goes to the log alone."""
    app.add_exception_handler(BreathmarkError, _told)
    app.add_exception_handler(HTTPException, _told)
    app.add_exception_handler(RequestValidationError, _told)
    app.add_exception_handler(Exception, _told)


async def _told(request: Request, error: Exception) -> JSONResponse:
    refused, status = _refused(request, error), None
    if isinstance(error, HTTPException):
        status = error.status_code
    headers = security_headers(request.headers) | {
        "cache-control": "no-store"
    }  # what nobody foresaw is told outside of SecurityHeaders
    return JSONResponse(error_body(refused), status or refusal_of(refused).status, headers)


def _refused(request: Request, error: Exception) -> Refused:
    if isinstance(error, Refused):
        return error
    if isinstance(error, StoreUnavailable):
        log.error("store unavailable", path=request.url.path, error=str(error))
        return Refused("store_unavailable", "What is kept can be neither read nor written just now.")
    if isinstance(error, HTTPException):
        if error.status_code == 404:
            return Refused("no_such_page", "There is nothing at this address.")
        return Refused("bad_request", f"{request.method} is not possible here ({error.detail}).")
    if isinstance(error, RequestValidationError):
        return Refused("bad_request", "The request does not fit what is expected here.")
    log.error("request failed", path=request.url.path, error=repr(error), exc_info=error)
    return Refused("unexpected", "The log says what, to whoever runs Breathmark.")
