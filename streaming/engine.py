"""Opens the store: SQLite for one process, PostgreSQL for many, migrated to the newest schema."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from streaming.address import check, shown
from streaming.errors import StoreUnavailable, UnusableInput
from streaming.migrate import migrate

CONNECT_S = 5.0  # a database that does not answer in this time is called gone
COMMAND_S = 10.0  # one statement; a batch of 512 lines takes about 20 ms
POOL = 10  # connections a process holds; PostgreSQL's default allows 100 in all


def reading(engine: AsyncEngine, what: str) -> AbstractAsyncContextManager[AsyncConnection]:
    """Raises StoreUnavailable, which says ``what`` could not be read."""
    return _opened(engine.connect(), f"read {what}")


def writing(engine: AsyncEngine, what: str) -> AbstractAsyncContextManager[AsyncConnection]:
    """One transaction. Raises StoreUnavailable, which says ``what`` could not be written."""
    return _opened(engine.begin(), f"write {what}")


@asynccontextmanager
async def _opened(opening: AbstractAsyncContextManager[AsyncConnection], doing: str) -> AsyncIterator[AsyncConnection]:
    with told(doing):
        async with opening as connection:
            yield connection


@contextmanager
def told(doing: str) -> Iterator[None]:
    """Whatever the database raises is raised as StoreUnavailable, which says what could not be done."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        raise StoreUnavailable(f"cannot {doing}: {reason(error)}") from error


def reason(error: Exception) -> str:
    """What the database said, in its own words: SQLAlchemy's statement and link to its manual help no person."""
    said = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return " ".join(str(part) for part in said.args) or repr(said)


def sqlite_url(data: Path) -> str:
    return f"sqlite+aiosqlite:///{data / 'breathmark.sqlite3'}"


async def open_engine(url: str) -> AsyncEngine:
    """An engine on a store migrated to the newest schema.

    ``url`` is ``sqlite+aiosqlite:///FILE`` or ``postgresql://…`` in any form that libpq reads
    (``?sslmode=verify-full&sslrootcert=FILE``, several hosts, ``passfile`` …). Raises StoreUnavailable
    where it cannot be reached or was made by a newer version, UnusableInput where it is no such URL.
    """
    engine = _engine(url)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
            await connection.commit()
    except (SQLAlchemyError, OSError, ValueError) as error:
        await engine.dispose()
        raise StoreUnavailable(f"cannot open the store {shown(url)}: {reason(error)}") from error
    except BaseException:
        await engine.dispose()
        raise
    return engine


def _engine(url: str) -> AsyncEngine:
    check(url)
    scheme = url.partition("://")[0]
    if scheme in ("postgresql", "postgres", "postgresql+asyncpg"):
        # The driver reads the URL itself: it knows all that libpq knows, SQLAlchemy only a part.
        dsn = "postgresql" + url[len(scheme) :]
        options = {"dsn": dsn, "timeout": CONNECT_S, "command_timeout": COMMAND_S}
        # A connection that died with a restarted database is found before it is used.
        return create_async_engine(
            "postgresql+asyncpg://",
            connect_args=options,
            pool_pre_ping=True,
            pool_size=POOL,
            max_overflow=0,
            hide_parameters=True,  # what couples say and do has no place in a log
        )
    if scheme != "sqlite+aiosqlite":
        raise UnusableInput(f"{shown(url)}: not a store; give postgresql://… or sqlite+aiosqlite:///FILE")
    try:
        engine = create_async_engine(url, hide_parameters=True)
    except (ArgumentError, NoSuchModuleError) as error:
        raise UnusableInput(f"{shown(url)}: not a store; give sqlite+aiosqlite:///FILE") from error
    event.listen(engine.sync_engine, "connect", _sqlite_pragmas)
    return engine


def beside(engine: AsyncEngine) -> Engine:
    """The same SQLite file for a thread that waits for it."""
    own = create_engine(engine.url.set(drivername="sqlite"), hide_parameters=True)
    event.listen(own, "connect", _sqlite_pragmas)
    return own


def _sqlite_pragmas(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("busy_timeout=5000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
