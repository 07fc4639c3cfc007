"""A fresh store or bus of each kind for each test."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]
import pytest
from redis import Redis

from benchmarks.servers import Server, postgres_url, redis_cluster
from streaming.backbone import Backbone, open_backbone
from streaming.leases import LeaseSettings
from streaming.timeline import sqlite_url

QUICK_LEASES = LeaseSettings(ttl_s=0.5)  # a busy machine may be a quarter of a second late to renew one


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


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Somebody else holds the store: what is there can be read, and nobody writes."""
    with closing(sqlite3.connect(folder / "breathmark.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


@pytest.fixture(scope="session")
def cluster() -> Iterator[list[Server]]:
    with redis_cluster() as nodes:
        yield nodes


@pytest.fixture(params=["redis", "redis cluster"])
async def backbone(request: pytest.FixtureRequest) -> AsyncIterator[Backbone]:
    """An empty bus of each kind, and leases that run out after 0.5 s."""
    if request.param == "redis":
        servers = [request.getfixturevalue("redis")]
        url = redis_url(servers[0])
    else:
        servers = request.getfixturevalue("cluster")
        url = "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in servers)
    for server in servers:
        empty(server)
    async with open_backbone(url, QUICK_LEASES) as opened:
        yield opened


def redis_url(server: Server) -> str:
    return f"redis://127.0.0.1:{server.port}/0"


def empty(server: Server) -> None:
    with Redis(port=server.port) as client:
        client.flushall()
