"""A session's timeline out of a gateway's store, for commands that look back. Reads only."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from streaming.errors import UnusableInput
from streaming.timeline import Timeline, open_engine, sqlite_url
from streaming.types import Line


def stored_lines(session: str, data: Path, store: str | None) -> list[Line]:
    """All lines of a session, in the order in which they were accepted.

    ``store`` is a store's address; without one it is the gateway's own under ``data``. Raises
    UnusableInput where there is no such store or no such session, StoreUnavailable.
    """
    if store is None and not any(data.glob("*.sqlite3")):
        raise UnusableInput(
            f"{session}: no such file, and no gateway's data in {data}; give a timeline file, or --data or --store"
        )
    lines = asyncio.run(_read(session, store or sqlite_url(data)))
    if not lines:
        raise UnusableInput(f"{session}: no such file, and no session with this id in the store; check the id")
    return list(lines)


async def _read(session: str, url: str) -> Sequence[Line]:
    engine: AsyncEngine = await open_engine(url)
    try:
        async with Timeline(engine) as timeline:
            return [stored.line for stored in await timeline.read(session)]
    finally:
        await engine.dispose()
