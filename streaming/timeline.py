"""The append-only timeline. ``append`` returns when the lines are on disk, and not before.

Lines that wait together are committed together, so the cost of a sync is shared by all sessions.
Writing is idempotent: a line's key is its id, status and decision time, and a second delivery of
the same line is ignored. Hence a batch may be tried again until the database is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, delete, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

from streaming import schema, wire
from streaming.engine import open_engine as open_engine
from streaming.engine import reading, reason, told, writing
from streaming.engine import sqlite_url as sqlite_url
from streaming.errors import LeaseLost, StoreUnavailable
from streaming.transactions import Transactions
from streaming.types import Annotation, Line

_NEVER_FITS = ("22", "23", "42")  # SQLSTATE classes of data that no later try will make fit


@dataclass(frozen=True, slots=True)
class TimelineSettings:
    """How much may wait, and how long."""

    max_waiting: int = 4096  # appends in flight; callers beyond it wait (back-pressure, never a drop)
    max_batch: int = 512  # appends a commit: some 20 ms of work
    give_up_s: float = 30.0  # an append not on disk by then is refused; a restart of PostgreSQL takes 1 to 10 s
    first_retry_s: float = 0.05
    longest_retry_s: float = 1.0  # at most this long after the database is back, writing goes on


@dataclass(frozen=True, slots=True)
class Stored:
    """A line with its place in the order in which the store accepted it."""

    seq: int
    line: Line


@dataclass(frozen=True, slots=True, eq=False)
class _Append:
    """Lines that somebody waits for. ``until``: loop time at which to give up."""

    rows: list[dict[str, Any]]
    fence: int | None
    scope: str
    until: float
    done: asyncio.Future[None]

    @property
    def sessions(self) -> set[str]:
        return {row["session"] for row in self.rows}

    @property
    def fenced(self) -> set[str]:
        """The fences that this append has to pass."""
        return {session + self.scope for session in self.sessions} if self.fence is not None else set()

    def settle(self, failure: Exception | None = None) -> None:
        if not self.done.done():  # whoever waited may have been cancelled
            self.done.set_exception(failure) if failure else self.done.set_result(None)


class Timeline:
    """Appends and reads lines. Use as ``async with Timeline(engine) as timeline``."""

    def __init__(self, engine: AsyncEngine, settings: TimelineSettings = TimelineSettings()) -> None:
        self._engine = engine
        self._transactions = Transactions(engine)
        self._settings = settings
        self._waiting: asyncio.Queue[_Append] = asyncio.Queue(settings.max_waiting)
        self._writer: asyncio.Task[None] | None = None
        self._sqlite = engine.dialect.name == "sqlite"
        self._dialect = sqlite if self._sqlite else postgresql
        self._insert = self._dialect.insert(schema.lines).on_conflict_do_nothing(index_elements=["session", "key"])

    async def __aenter__(self) -> Self:
        self._writer = asyncio.create_task(self._write(), name="timeline writer")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Waits until all that was handed in is written or given up."""
        await self._waiting.join()
        if self._writer:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
        await self._transactions.close()

    async def append(self, new: Sequence[Line], *, fence: int | None = None, scope: str = "") -> None:
        """Returns once all of ``new`` is committed. While the database is away, callers wait.

        ``fence`` is the token of the lease under which a worker writes; leases of another kind have
        fences of another ``scope``. Raises LeaseLost where a higher one has written to the session,
        StoreUnavailable where the lines could not be written in time (some may be there all the same:
        to append them again is safe).
        """
        if not new:
            return
        if self._writer is None or self._writer.done():
            raise StoreUnavailable("the timeline is closed")
        loop = asyncio.get_running_loop()
        until = loop.time() + self._settings.give_up_s
        entry = _Append([_row(line) for line in new], fence, scope, until, loop.create_future())
        try:
            async with asyncio.timeout_at(until):
                await self._waiting.put(entry)
        except TimeoutError as error:
            raise StoreUnavailable(f"{self._settings.max_waiting} appends wait for the timeline already") from error
        await entry.done

    async def read(self, session: str, after: int = 0) -> list[Stored]:
        """The session's lines with a ``seq`` above ``after``, in the order they were accepted."""
        query = (
            select(schema.lines.c.seq, schema.lines.c.payload)
            .where(schema.lines.c.session == session, schema.lines.c.seq > after)
            .order_by(schema.lines.c.seq)
        )
        async with reading(self._engine, "the timeline") as connection:
            rows = (await connection.execute(query)).all()
        return [Stored(seq, wire.loads(payload.decode())) for seq, payload in rows]

    async def save_snapshot(self, session: str, at: int, payload: bytes) -> None:
        """Keeps the newest detector and coach state of a session (``at`` in samples)."""
        row = self._dialect.insert(schema.snapshots).values(session=session, at=at, payload=payload)
        row = row.on_conflict_do_update(index_elements=["session"], set_={"at": at, "payload": payload})
        with told("write the state of a session"):
            await self._transactions.run(lambda connection: connection.execute(row))

    async def read_snapshot(self, session: str) -> tuple[int, bytes] | None:
        table = schema.snapshots
        query = select(table.c.at, table.c.payload).where(table.c.session == session)
        async with reading(self._engine, "the state of a session") as connection:
            row = (await connection.execute(query)).first()
        return (row[0], row[1]) if row else None

    async def forget_snapshot(self, session: str) -> None:
        """Detector state holds up to a second of sound: it goes when nobody needs it any more."""
        async with writing(self._engine, "that the state of a session is not needed") as connection:
            await connection.execute(delete(schema.snapshots).where(schema.snapshots.c.session == session))

    async def _write(self) -> None:
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < self._settings.max_batch and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            await self._settle(batch)
            for _ in batch:
                self._waiting.task_done()

    async def _settle(self, batch: list[_Append]) -> None:
        """Tries until each of the batch is committed, refused or given up."""
        pause_s = self._settings.first_retry_s
        failure: Exception = TimeoutError(f"no room within {self._settings.give_up_s} s")
        while batch := self._in_time(batch, failure):
            try:
                lost = await self._transactions.run(partial(self._insert_batch, batch))
            except Exception as error:  # whatever it is, those who wait must hear of it
                failure = error
                if not _never_fits(error):
                    await asyncio.sleep(pause_s)
                    pause_s = min(2 * pause_s, self._settings.longest_retry_s)
                elif len(batch) == 1:
                    batch[0].settle(StoreUnavailable(f"cannot write these lines: {reason(error)}"))
                    return
                else:  # one spoils it for the rest: each for itself
                    for entry in batch:
                        await self._settle([entry])
                    return
            else:
                for entry in batch:
                    entry.settle(LeaseLost(f"fence {entry.fence} is no longer the highest") if entry in lost else None)
                return

    def _in_time(self, batch: list[_Append], failure: Exception) -> list[_Append]:
        """Those not too late to try (again); the others are given up with the last failure.

        Whoever waits no longer was told that it did not count: then it is not written later either.
        """
        now = asyncio.get_running_loop().time()
        for entry in batch:
            if entry.until <= now:
                entry.settle(StoreUnavailable(f"cannot write the timeline: {reason(failure)}"))
        return [entry for entry in batch if not entry.done.done()]

    def _insert_batch(self, batch: list[_Append], connection: Connection) -> set[_Append]:
        """All of one transaction, save the appends it returns: those with an outdated fence."""
        self._order_sessions(connection, batch)
        lost = self._outdated(connection, batch)
        rows = [row for entry in batch if entry not in lost for row in entry.rows]
        if rows:
            connection.execute(self._insert, rows)
        return lost

    def _order_sessions(self, connection: Connection, batch: list[_Append]) -> None:
        """From here to the commit nobody else writes to these sessions.

        So a session's ``seq`` grows in the order of commits: a reader that has seen one number will
        never find a lower one later. SQLite has one writer at a time anyhow.
        """
        if self._sqlite:
            return
        sessions = sorted(set().union(*(entry.sessions for entry in batch)))
        locks = "SELECT pg_advisory_xact_lock(k) FROM (SELECT DISTINCT hashtextextended(s, 0) AS k"
        connection.execute(text(f"{locks} FROM unnest(CAST(:s AS text[])) AS s ORDER BY k) AS o"), {"s": sessions})

    def _outdated(self, connection: Connection, batch: list[_Append]) -> set[_Append]:
        """Raises the fences of the batch's sessions; returns the appends that are below one."""
        highest: dict[str, int] = {}
        for entry in batch:
            for name in entry.fenced:
                highest[name] = max(highest.get(name, 0), entry.fence or 0)
        if not highest:
            return set()
        new = self._dialect.insert(schema.fences)
        raised = new.on_conflict_do_update(
            index_elements=["session"],
            set_={"fence": new.excluded.fence},
            where=schema.fences.c.fence <= new.excluded.fence,
        ).returning(schema.fences.c.session)
        values = [{"session": name, "fence": fence} for name, fence in highest.items()]
        held = set(connection.execute(raised.values(values)).scalars())
        return {
            entry
            for entry in batch
            if any(name not in held or (entry.fence or 0) < highest[name] for name in entry.fenced)
        }


def _never_fits(error: Exception) -> bool:
    if not isinstance(error, DBAPIError):
        return not isinstance(error, OSError)  # such as a number that no database can hold
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return str(state).startswith(_NEVER_FITS)
    return isinstance(error, DataError | IntegrityError | ProgrammingError)


def line_key(line: Line) -> str:
    """By which the timeline tells a session's lines apart."""
    return f"{line.id}:{line.status}:{line.decided}" if isinstance(line, Annotation) else line.id


def _row(line: Line) -> dict[str, Any]:
    kind, at = (line.kind.value, line.span.start) if isinstance(line, Annotation) else (line.kind, line.at)
    key, payload = line_key(line), wire.dumps(line).encode()
    return {"session": line.session, "key": key, "kind": kind, "at": at, "payload": payload}
