"""The append-only timeline. ``append`` returns when the lines are on disk, and not before.

Lines that wait together are committed together, so the cost of a sync is shared by all sessions.
Writing is idempotent: a line's key is its id, status and decision time, and a second delivery of
the same line is ignored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import event, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from streaming import schema, wire
from streaming.errors import StoreUnavailable
from streaming.types import Annotation, Cue, Line

MAX_WAITING = 4096  # appends in flight; callers beyond it wait (back-pressure, never a drop)
MAX_BATCH = 512


@dataclass(frozen=True, slots=True)
class Stored:
    """A line with its place in the order in which the store accepted it."""

    seq: int
    line: Line


def sqlite_url(data: Path) -> str:
    return f"sqlite+aiosqlite:///{data / 'breathmark.sqlite3'}"


async def open_engine(url: str) -> AsyncEngine:
    """An engine with its tables made. SQLite runs in WAL mode and syncs every commit."""
    engine = create_async_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _sqlite_pragmas)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(schema.metadata.create_all)
    except (SQLAlchemyError, OSError) as error:
        await engine.dispose()
        raise StoreUnavailable(f"cannot open the store {engine.url.render_as_string()}: {error}") from error
    return engine


def _sqlite_pragmas(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


class Timeline:
    """Appends and reads lines. Use as ``async with Timeline(engine) as timeline``."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._waiting: asyncio.Queue[tuple[list[dict[str, Any]], asyncio.Future[None]]] = asyncio.Queue(MAX_WAITING)
        self._writer: asyncio.Task[None] | None = None
        dialect = sqlite if engine.dialect.name == "sqlite" else postgresql
        self._insert = dialect.insert(schema.lines).on_conflict_do_nothing(index_elements=["session", "key"])

    async def __aenter__(self) -> Self:
        self._writer = asyncio.create_task(self._write(), name="timeline writer")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Waits until all that was handed in is written."""
        await self._waiting.join()
        if self._writer:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)

    async def append(self, new: Sequence[Line]) -> None:
        """Returns once all of ``new`` is committed. Raises StoreUnavailable where it is not."""
        if not new:
            return
        if self._writer is None or self._writer.done():
            raise StoreUnavailable("the timeline is closed")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._waiting.put(([_row(line) for line in new], done))
        await done

    async def read(self, session: str, after: int = 0) -> list[Stored]:
        """The session's lines with a ``seq`` above ``after``, in the order they were accepted."""
        query = (
            select(schema.lines.c.seq, schema.lines.c.payload)
            .where(schema.lines.c.session == session, schema.lines.c.seq > after)
            .order_by(schema.lines.c.seq)
        )
        try:
            async with self._engine.connect() as connection:
                rows = (await connection.execute(query)).all()
        except (SQLAlchemyError, OSError) as error:
            raise StoreUnavailable(f"cannot read the timeline: {error}") from error
        return [Stored(seq, wire.loads(payload.decode())) for seq, payload in rows]

    async def save_snapshot(self, session: str, at: int, payload: bytes) -> None:
        """Keeps the newest detector and coach state of a session (``at`` in samples)."""
        dialect = sqlite if self._engine.dialect.name == "sqlite" else postgresql
        row = dialect.insert(schema.snapshots).values(session=session, at=at, payload=payload)
        row = row.on_conflict_do_update(index_elements=["session"], set_={"at": at, "payload": payload})
        try:
            async with self._engine.begin() as connection:
                await connection.execute(row)
        except (SQLAlchemyError, OSError) as error:
            raise StoreUnavailable(f"cannot save the state of a session: {error}") from error

    async def read_snapshot(self, session: str) -> tuple[int, bytes] | None:
        table = schema.snapshots
        async with self._engine.connect() as connection:
            row = (
                await connection.execute(select(table.c.at, table.c.payload).where(table.c.session == session))
            ).first()
        return (row[0], row[1]) if row else None

    async def _write(self) -> None:
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < MAX_BATCH and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            rows = [row for rows, _ in batch for row in rows]
            failure: StoreUnavailable | None = None
            try:
                async with self._engine.begin() as connection:
                    await connection.execute(self._insert, rows)
            except (SQLAlchemyError, OSError) as error:
                failure = StoreUnavailable(f"cannot write the timeline: {error}")
            for _, done in batch:
                if not done.cancelled():
                    done.set_exception(failure) if failure else done.set_result(None)
                self._waiting.task_done()


def _row(line: Line) -> dict[str, Any]:
    if isinstance(line, Annotation):
        key, kind, at = f"{line.id}:{line.status}:{line.decided}", line.kind.value, line.span.start
    else:
        key, kind, at = line.id, "cue" if isinstance(line, Cue) else line.kind, line.at
    return {"session": line.session, "key": key, "kind": kind, "at": at, "payload": wire.dumps(line).encode()}
