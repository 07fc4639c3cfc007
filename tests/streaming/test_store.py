"""Opening stores: fresh, old, newer than us, unreachable; and forgetting what is over."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

import streaming.migrations
from benchmarks.servers import Server, certificate, postgres_server, postgres_url
from streaming import schema
from streaming.address import shown
from streaming.engine import open_engine
from streaming.errors import StoreUnavailable, UnusableInput
from streaming.retention import RetentionSettings, forget_ended
from streaming.timeline import Timeline
from streaming.types import Happening


async def differences(engine: AsyncEngine) -> list[Any]:
    """What a store has otherwise than the code expects."""

    def compare(connection: Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection), schema.metadata))

    async with engine.connect() as connection:
        return await connection.run_sync(compare)


async def run(engine: AsyncEngine, sql: str) -> Any:
    async with engine.begin() as connection:
        result = await connection.execute(text(sql))
        return result.scalar() if result.returns_rows else None


def before_migrations() -> MetaData:
    """The tables of a store that was made when there were no migrations yet."""
    old = MetaData()
    for table in schema.metadata.sorted_tables:
        if table.name != "fences":
            copy = table.to_metadata(old)
            copy.indexes = {index for index in copy.indexes if index.name != "sessions_by_end"}
    return old


async def test_a_fresh_store_has_all_that_the_code_expects(store: str) -> None:
    engine = await open_engine(store)
    assert await differences(engine) == []
    assert await run(engine, "SELECT version_num FROM alembic_version") == schema.REVISION
    await engine.dispose()


async def test_a_store_from_before_migrations_is_adopted_with_all_that_it_holds(store: str) -> None:
    engine = await open_engine(store)
    async with engine.begin() as connection:
        await connection.run_sync(schema.metadata.drop_all)
        await connection.execute(text("DROP TABLE alembic_version"))
        await connection.run_sync(before_migrations().create_all)
    async with Timeline(engine) as timeline:
        await timeline.append([Happening("h", "s", "paused", 5)])
    assert await differences(engine) != []
    await engine.dispose()

    engine = await open_engine(store)
    assert await differences(engine) == []
    async with Timeline(engine) as timeline:
        assert [stored.line.id for stored in await timeline.read("s")] == ["h"]
        await timeline.append([Happening("i", "s", "resumed", 6)], fence=1)
    await engine.dispose()
    engine = await open_engine(store)  # and a second time there is nothing to do
    assert await run(engine, "SELECT count(*) FROM lines") == 2
    await engine.dispose()


async def test_many_processes_may_open_an_old_store_at_once(store: str) -> None:
    engine = await open_engine(store)
    async with engine.begin() as connection:
        await connection.run_sync(schema.metadata.drop_all)
        await connection.execute(text("DROP TABLE alembic_version"))
        await connection.run_sync(before_migrations().create_all)
    engines = await asyncio.gather(*(open_engine(store) for _ in range(6)))
    assert await differences(engine) == []
    for each in (engine, *engines):
        await each.dispose()


def test_the_newest_migration_is_the_one_that_the_schema_names() -> None:
    folder = Path(streaming.migrations.__file__).parent
    config = Config()
    config.set_main_option("script_location", str(folder))
    assert ScriptDirectory.from_config(config).get_heads() == [schema.REVISION]


async def test_a_store_of_a_newer_version_is_left_alone(store: str) -> None:
    engine = await open_engine(store)
    await run(engine, "UPDATE alembic_version SET version_num = 'f00d'")
    await engine.dispose()
    with pytest.raises(StoreUnavailable, match=r"revision f00d, newer than .* update"):
        await open_engine(store)


@pytest.mark.parametrize(
    "url", ["mysql://root@127.0.0.1/x", "breathmark.sqlite3", "sqlite:///x", "sqlite+aiosqlite://["]
)
async def test_an_address_that_is_no_store_is_called_so(url: str) -> None:
    with pytest.raises(UnusableInput, match="not a store"):
        await open_engine(url)


async def test_a_store_that_cannot_be_reached_is_named_without_its_password() -> None:
    url = "postgresql://breathmark:geheim@127.0.0.1:1/breathmark?password=geheim"
    with pytest.raises(StoreUnavailable, match=r"breathmark@127\.0\.0\.1:1/breathmark") as caught:
        await open_engine(url)
    assert "geheim" not in str(caught.value)
    assert "geheim" not in shown("postgresql://127.0.0.1/x?password=geheim")


async def test_a_wrong_password_is_refused(postgres: Server) -> None:
    with pytest.raises(StoreUnavailable, match="password authentication failed"):
        await open_engine(postgres_url(postgres).replace("sesame", "barley"))


async def test_postgresql_is_spoken_to_over_tls_and_its_certificate_is_checked(tmp_path: Path) -> None:
    with postgres_server(tls=True) as server:
        own = server.folder / "cert.pem"
        engine = await open_engine(postgres_url(server, query=f"?sslmode=verify-full&sslrootcert={own}"))
        assert await run(engine, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") is True
        await engine.dispose()
        with pytest.raises(StoreUnavailable):
            await open_engine(postgres_url(server, query="?sslmode=disable"))
        strange = certificate(tmp_path).cert
        with pytest.raises(StoreUnavailable, match="certificate"):
            await open_engine(postgres_url(server, query=f"?sslmode=verify-full&sslrootcert={strange}"))


async def test_ended_sessions_are_forgotten_in_pieces_and_running_ones_are_kept(store: str) -> None:
    engine = await open_engine(store)
    ends = {"old": 100.0, "older": 50.0, "recent": 900.0, "running": None}
    async with engine.begin() as connection:
        rows = [{"session": s, "created_unix": 1.0, "ended_unix": end, "payload": b"{}"} for s, end in ends.items()]
        await connection.execute(schema.sessions.insert(), rows)
        links = [{"token_hash": f"hash of {s}", "session": s, "role": "a"} for s in ends]
        await connection.execute(schema.links.insert(), links)
    async with Timeline(engine) as timeline:
        for session in ends:
            await timeline.append([Happening(str(n), session, "paused", n) for n in range(25)], fence=1)
            await timeline.save_snapshot(session, 1, b"state")
    assert await forget_ended(engine, 500.0, RetentionSettings(max_sessions=1, max_lines=10)) == 2
    async with engine.connect() as connection:
        for table in schema.metadata.sorted_tables:
            kept = (await connection.execute(select(table.c.session, func.count()).group_by(table.c.session))).all()
            assert sorted((row[0], row[1]) for row in kept) == [
                ("recent", 25 if table is schema.lines else 1),
                ("running", 25 if table is schema.lines else 1),
            ]
    await engine.dispose()
