"""STUN and TURN servers, and TURN credentials that are good for an hour.

Credentials follow the scheme that coturn's ``use-auth-secret`` reads (draft-uberti-behave-turn-rest-00): the
user name is when it ends, the password a keyed hash of it. Server and gateway share the secret; no page has it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server, as a browser's ``RTCIceServer``."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class TurnSettings:
    urls: tuple[str, ...]
    secret: str = field(repr=False)  # coturn's static-auth-secret
    ttl_s: float = 3600.0
    """coturn asks when a relay is set up and not again, so a call may outlast it; a page that was asleep for longer
    is given fresh ones before it calls anew. Longer only helps whoever got hold of one."""


@dataclass(frozen=True, slots=True)
class IceSettings:
    """Whom browsers and the gateway ask for a way. None by default: no stranger is told our address, while
    aiortc's own default would ask a public server."""

    servers: tuple[IceServer, ...] = ()
    turn: TurnSettings | None = None

    def servers_at(self, now_unix: float, subject: str) -> tuple[IceServer, ...]:
        """All servers, with credentials for ``subject`` (a session: coturn counts quotas by it)."""
        if self.turn is None:
            return self.servers
        username = f"{int(now_unix + self.turn.ttl_s)}:{subject}"
        return (*self.servers, IceServer(self.turn.urls, username, password(self.turn.secret, username)))

    @property
    def good_s(self) -> float | None:
        """How long what ``servers_at`` gives can be used; None: for ever."""
        return self.turn.ttl_s if self.turn else None


def password(secret: str, username: str) -> str:
    # SHA-1 is the scheme's: as a keyed hash of something public that ends within the hour it is good enough.
    return base64.b64encode(hmac.digest(secret.encode(), username.encode(), hashlib.sha1)).decode()


def for_browser(servers: tuple[IceServer, ...]) -> tuple[dict[str, str], ...]:
    """An ``RTCIceServer`` an address."""
    return tuple(
        {"urls": url}
        | ({"username": server.username} if server.username else {})
        | ({"credential": server.credential} if server.credential else {})
        for server in servers
        for url in server.urls
    )
