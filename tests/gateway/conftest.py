"""A gateway, and for what runs in several processes an empty store and an empty bus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from benchmarks.servers import Server
from streaming.backbone import Backbone, open_backbone
from streaming.timeline import Timeline, open_engine
from tests.gateway.media_peer import Machine, Partner
from tests.gateway.serving import Served, serving, settings_in
from tests.streaming.conftest import QUICK_LEASES, empty, empty_database, redis_url


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """A gateway with nothing but its defaults."""
    async with serving(settings_in(tmp_path)) as served:
        yield served


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
    empty(redis)
    async with open_backbone(redis_url(redis), QUICK_LEASES) as opened:
        yield opened


@pytest.fixture
async def partner() -> AsyncIterator[Partner]:
    one = Partner()
    yield one
    await one.close()


@pytest.fixture
async def machine() -> AsyncIterator[Machine]:
    """As this test's loop feels it."""
    felt = Machine()
    watching = asyncio.create_task(felt.watch())
    yield felt
    watching.cancel()
