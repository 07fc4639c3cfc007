"""The servers that these tests share, and a fresh store or bus on them for each test."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]
import pytest

from streaming.timeline import sqlite_url
from tests.servers import Server, postgres_server, postgres_url


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    with postgres_server() as server:
        yield server


@pytest.fixture
async def postgres_store(postgres: Server) -> str:
    return await empty_database(postgres)


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store of each kind."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    return await empty_database(request.getfixturevalue("postgres"))


async def empty_database(server: Server) -> str:
    name = f"test_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(postgres_url(server))
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return postgres_url(server, name)
