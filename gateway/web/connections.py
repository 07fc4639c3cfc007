"""Connections that ask for nothing must not keep out those that do."""

from __future__ import annotations

import asyncio
from typing import cast

from uvicorn.protocols.http.h11_impl import H11Protocol


def bounded(most: int) -> type[H11Protocol]:
    """HTTP of which at most ``most`` connections are open; the one that has been open longest makes room.

    Requests take milliseconds here, so under a flood the silent ones go first. Sockets are bounded elsewhere.
    """

    class Bounded(H11Protocol):
        _open: dict[H11Protocol, None] = {}  # the oldest first  # noqa: RUF012 (of this very class, for one server)

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._open[self] = None
            if len(self._open) > most:
                oldest = cast(Bounded, next(iter(self._open)))
                del self._open[oldest]
                oldest.transport.abort()

        def handle_websocket_upgrade(self, event: object) -> None:
            self._open.pop(self, None)
            super().handle_websocket_upgrade(event)  # type: ignore[arg-type]

        def connection_lost(self, exc: Exception | None) -> None:
            self._open.pop(self, None)
            super().connection_lost(exc)

    return Bounded
