"""Forgets ended sessions, a bounded piece at a time, so that running ones never wait for it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Delete, delete, select
from sqlalchemy.ext.asyncio import AsyncEngine

from streaming.engine import reading, writing
from streaming.schema import fences, lines, links, sessions, snapshots


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    max_sessions: int = 20  # looked up at once
    max_lines: int = 2000  # deleted in one transaction: about a session's hour, some 30 ms


async def forget_ended(
    engine: AsyncEngine, ended_before_unix: float, settings: RetentionSettings = RetentionSettings()
) -> int:
    """Deletes all that is kept of sessions that ended before then; returns how many.

    May be stopped at any point and run again: a session's own row goes last. Raises StoreUnavailable.
    """
    old = select(sessions.c.session).where(sessions.c.ended_unix < ended_before_unix).limit(settings.max_sessions)
    forgotten = 0
    while True:
        async with reading(engine, "which sessions ended") as connection:
            found = (await connection.execute(old)).scalars().all()
        if not found:
            return forgotten
        for session in found:
            await _forget(engine, session, settings.max_lines)
        forgotten += len(found)


async def _forget(engine: AsyncEngine, session: str, max_lines: int) -> None:
    await _delete(engine, delete(links).where(links.c.session == session))  # first: nobody sees half a report
    some = select(lines.c.seq).where(lines.c.session == session).limit(max_lines)
    while await _delete(engine, delete(lines).where(lines.c.seq.in_(some))) == max_lines:
        pass
    for table in (snapshots, fences, sessions):
        await _delete(engine, delete(table).where(table.c.session == session))


async def _delete(engine: AsyncEngine, statement: Delete) -> int:
    async with writing(engine, "that a session is forgotten") as connection:
        return (await connection.execute(statement)).rowcount
