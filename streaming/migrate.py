"""Brings a store of any age to the newest schema, within the caller's transaction."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, select, text

from streaming import schema
from streaming.errors import StoreUnavailable

_BEFORE_MIGRATIONS = "0001"  # what a store has that was made before there were any
_LOCK = 0x42524D4B  # any constant: of many processes that start at once, one migrates
_version = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))


def migrate(connection: Connection) -> None:
    """Creates, adopts or upgrades; the caller commits. Raises StoreUnavailable on a newer store."""
    if _revision(connection) == schema.REVISION:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    found = _revision(connection)  # another process may have been faster
    if found == schema.REVISION:
        return
    if found is None:
        found = _adopt(connection)
    if found != schema.REVISION:
        _upgrade(connection, found)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_version.name):
        return None
    return connection.execute(select(_version.c.version_num)).scalar()


def _adopt(connection: Connection) -> str:
    """Makes all tables in an empty store, and gives one without a revision the one that it is at."""
    if inspect(connection).has_table(schema.lines.name):
        at = _BEFORE_MIGRATIONS
    else:
        schema.metadata.create_all(connection)  # what all migrations together give, without loading them
        at = schema.REVISION
    _version.metadata.create_all(connection)
    connection.execute(_version.insert().values(version_num=at))
    return at


def _upgrade(connection: Connection, found: str) -> None:
    from alembic import command  # 0.3 s to import, and rarely needed
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreUnavailable(
            f"the store is at revision {found}, newer than this version knows ({schema.REVISION}): update Breathmark"
        ) from error
