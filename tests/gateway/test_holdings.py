"""A practice has one home, through everything that may happen to those who keep the leases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from benchmarks.servers import Server, postgres_server
from gateway.practice.holdings import SCOPE, Holdings
from gateway.practice.registry import Registry
from streaming.backbone import Backbone
from streaming.errors import LeaseLost
from streaming.timeline import Timeline, open_engine, sqlite_url
from streaming.types import Happening
from tests.streaming.conftest import empty_database


async def test_a_practice_has_one_home_and_another_once_it_is_released(backbone: Backbone) -> None:
    one, other = Holdings(backbone.homes), Holdings(backbone.homes)
    assert await one.acquire("s")
    assert await one.acquire("s"), "it has it already"
    assert not await other.acquire("s")
    assert await other.claim(8) == []
    with pytest.raises(LeaseLost):
        other.fence("s")
    before = one.fence("s")
    await one.release("s", over=False)
    assert await other.claim(8) == ["s"]
    assert other.fence("s") > before
    await other.release("s", over=True)
    assert await one.claim(8) == [], "nobody needs to be its home"


async def test_a_keeper_that_lost_its_memory_takes_nothing_from_a_living_home(
    backbone: Backbone, redis: Server
) -> None:
    homes = Holdings(backbone.homes)
    await homes.acquire("s")
    before = homes.fence("s")
    with Redis(port=redis.port) as client:
        client.flushall()
    await homes.offer("s")
    assert await Holdings(backbone.homes).claim(8) == [], "its home may be there still"
    assert [lease.name for lease in (await homes.renew()).again] == ["s"]
    assert homes.fence("s") == before
    assert await Holdings(backbone.homes).claim(8) == []


async def test_what_another_has_taken_is_lost(backbone: Backbone, redis: Server) -> None:
    one, other = Holdings(backbone.homes), Holdings(backbone.homes)
    await one.acquire("s")
    with Redis(port=redis.port) as client:
        client.zadd("breathmark:{homes}:until", {"s": 0})  # it ran out
    assert await other.claim(8) == ["s"]
    assert [lease.name for lease in (await one.renew()).lost] == ["s"]
    with pytest.raises(LeaseLost):
        one.fence("s")
    await one.release("s", over=True)
    assert (await other.renew()).lost == [], "who has lost it cannot give it away"


async def test_a_lease_that_ran_out_unseen_is_no_second_home(backbone: Backbone, redis: Server) -> None:
    homes = Holdings(backbone.homes)
    await homes.acquire("s")
    with Redis(port=redis.port) as client:
        client.zadd("breathmark:{homes}:until", {"s": 0})
    assert await homes.claim(8) == [], "it is at home here already"
    assert (await homes.renew()).lost == []


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    with postgres_server() as server:
        yield server


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_the_store_takes_nothing_from_an_earlier_home(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    store = sqlite_url(tmp_path) if kind == "sqlite" else await empty_database(request.getfixturevalue("postgres"))
    engine = await open_engine(store)
    registry = Registry(engine)
    session = (await registry.create()).session
    record = await registry.load(session)
    await registry.hold(session, 7)
    await registry.save(record, fence=7)
    await registry.hold(session, 8)
    with pytest.raises(LeaseLost):
        await registry.save(record, fence=7)
    with pytest.raises(LeaseLost):
        await registry.hold(session, 7)
    await registry.save(record, fence=8)
    async with Timeline(engine) as timeline:
        with pytest.raises(LeaseLost):
            await timeline.append([Happening("1", session, "paused", 0)], fence=7, scope=SCOPE)
        await timeline.append([Happening("2", session, "paused", 0)], fence=7)  # a worker's lease is another matter
    await engine.dispose()
