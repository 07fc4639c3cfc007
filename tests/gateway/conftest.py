"""A real Redis and a real PostgreSQL for what runs in several processes, empty for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from redis import Redis

from benchmarks.servers import Server, postgres_server, redis_server
from streaming.backbone import Backbone, open_backbone
from streaming.leases import LeaseSettings
from streaming.timeline import Timeline, open_engine
from tests.gateway.media_peer import Partner
from tests.streaming.conftest import empty_database, redis_url

QUICK_LEASES = LeaseSettings(ttl_s=0.5)


@pytest.fixture(scope="package")
def redis() -> Iterator[Server]:
    with redis_server() as server:
        yield server


@pytest.fixture(scope="package")
def postgres() -> Iterator[Server]:
    with postgres_server() as server:
        yield server


@pytest.fixture
async def store(postgres: Server) -> str:
    return await empty_database(postgres)


@pytest.fixture
async def timeline(store: str) -> AsyncIterator[Timeline]:
    engine = await open_engine(store)
    async with Timeline(engine) as opened:
        yield opened
    await engine.dispose()


@pytest.fixture
async def backbone(redis: Server) -> AsyncIterator[Backbone]:
    with Redis(port=redis.port) as client:
        client.flushall()
    async with open_backbone(redis_url(redis), QUICK_LEASES) as opened:
        yield opened


@pytest.fixture
async def partner() -> AsyncIterator[Partner]:
    one = Partner()
    yield one
    await one.close()
