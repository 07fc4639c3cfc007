"""A session belongs to one worker at a time, and to another soon after that one has died."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from redis import Redis

from benchmarks.servers import Server
from streaming.backbone import Backbone, open_backbone
from streaming.leases import Lease, Leases, LeaseSettings, Renewed
from tests.streaming.conftest import QUICK_LEASES, empty, redis_url

RUN_OUT_S = QUICK_LEASES.ttl_s + 0.05


@pytest.fixture
def leases(backbone: Backbone) -> Leases:
    return backbone.leases


async def acquired(leases: Leases, name: str) -> Lease:
    lease = await leases.acquire(name)
    assert lease is not None
    assert lease.name == name
    return lease


async def test_a_session_has_one_holder_at_a_time(leases: Leases) -> None:
    await leases.want("s")
    lease = await acquired(leases, "s")
    assert await leases.acquire("s") is None
    assert await leases.claim(10) == []
    assert (await leases.renew([lease])).lost == []


async def test_work_that_nobody_wants_is_not_taken(leases: Leases) -> None:
    assert await leases.acquire("s") is None
    assert await leases.claim(10) == []


async def test_homes_are_not_work_for_workers(backbone: Backbone) -> None:
    await backbone.homes.want("s")
    assert await backbone.leases.wanted() == 0
    assert await backbone.leases.claim(10) == []
    await backbone.homes.beat("one")
    assert await backbone.leases.beat("worker") == ["worker"]
    [lease] = await backbone.homes.claim(10)
    assert (await backbone.homes.renew([lease])).lost == []


async def test_workers_that_claim_at_once_share_the_work_out(leases: Leases) -> None:
    names = [f"s{number}" for number in range(20)]
    for name in names:
        await leases.want(name)
    await leases.want(names[0])  # to want twice changes nothing
    assert await leases.wanted() == 20
    claims = await asyncio.gather(*(leases.claim(6) for n in range(4)))
    assert max(len(claim) for claim in claims) == 6
    assert sorted(lease.name for claim in claims for lease in claim) == sorted(names)
    assert await leases.claim(0) == []


async def test_a_released_session_is_free_at_once_and_its_next_fence_is_higher(leases: Leases) -> None:
    await leases.want("s")
    first = await acquired(leases, "s")
    await leases.release(first)
    second = await acquired(leases, "s")
    assert second.fence > first.fence


async def test_a_lease_that_is_not_renewed_runs_out_and_is_lost_to_whoever_takes_it(leases: Leases) -> None:
    await leases.want("s")
    first = await acquired(leases, "s")
    await asyncio.sleep(RUN_OUT_S / 2)
    assert (await leases.renew([first])).lost == []
    await asyncio.sleep(RUN_OUT_S / 2)
    assert await leases.acquire("s") is None  # it was renewed in time
    await asyncio.sleep(RUN_OUT_S)
    (second,) = await leases.claim(1)
    assert second.fence > first.fence
    assert (await leases.renew([first, second])).lost == [first]
    await leases.release(first)
    assert await leases.acquire("s") is None  # releasing what one has lost frees nothing


async def test_a_lease_that_ran_out_is_revived_where_nobody_took_it(leases: Leases) -> None:
    await leases.want("s")
    lease = await acquired(leases, "s")
    await asyncio.sleep(RUN_OUT_S)
    assert (await leases.renew([lease])).lost == []
    assert await leases.acquire("s") is None


async def test_work_that_is_over_is_not_taken(leases: Leases) -> None:
    await leases.want("s")
    lease = await acquired(leases, "s")
    await leases.unwant("s")
    await leases.release(lease)
    assert await leases.wanted() == 0
    assert await leases.acquire("s") is None


async def test_those_who_beat_are_there_until_they_leave_or_fall_silent(leases: Leases) -> None:
    assert await leases.beat("b") == ["b"]
    assert await leases.beat("a") == ["a", "b"]
    await leases.leave("b")
    assert await leases.beat("a") == ["a"]
    await asyncio.sleep(RUN_OUT_S)
    assert await leases.beat("d") == ["d"]


async def test_fences_grow_even_where_the_keeper_has_lost_its_memory(redis: Server) -> None:
    empty(redis)
    async with open_backbone(redis_url(redis), QUICK_LEASES) as backbone:
        await backbone.leases.want("s")
        first = await acquired(backbone.leases, "s")
        empty(redis)
        await asyncio.sleep(0.002)
        await backbone.leases.want("s")
        second = await acquired(backbone.leases, "s")
        assert second.fence > first.fence
        assert (await backbone.leases.renew([first, second])).lost == [first]


async def test_a_keeper_that_lost_its_memory_gives_nothing_away_before_its_holder_could_tell(redis: Server) -> None:
    empty(redis)
    async with open_backbone(redis_url(redis), QUICK_LEASES) as backbone:
        leases = backbone.leases
        await leases.want("s")
        lease = await acquired(leases, "s")
        empty(redis)
        for name in ("s", "dead"):
            await leases.want(name, again=True)
        assert await leases.claim(2) == []
        assert await leases.renew([lease]) == Renewed(lost=[], again=[lease])
        assert await leases.renew([lease]) == Renewed(lost=[], again=[])
        await asyncio.sleep(QUICK_LEASES.ttl_s / 2)
        await leases.renew([lease])
        await asyncio.sleep(QUICK_LEASES.ttl_s / 2)
        assert [other.name for other in await leases.claim(2)] == ["dead"]


async def test_a_lease_of_a_clock_that_was_ahead_keeps_nobody_away(redis: Server) -> None:
    """Redis's clock was set back, or another Redis with another clock took over."""
    empty(redis)
    async with open_backbone(redis_url(redis), QUICK_LEASES) as backbone:
        leases = backbone.leases
        for name in "st":
            await leases.want(name)
            await acquired(leases, name)
        await leases.beat("dead")
        hour_ahead = (time.time() + 3600) * 1000
        with Redis(port=redis.port) as client:
            client.zadd("breathmark:{leases}:until", dict.fromkeys("st", hour_ahead))
            client.zadd("breathmark:there:leases", {"dead": hour_ahead})
        assert await leases.beat("alive") == ["alive", "dead"]
        assert await leases.claim(2) == [], "whoever lives has all the time to renew"
        await asyncio.sleep(RUN_OUT_S)
        assert await leases.beat("alive") == ["alive"]
        await acquired(leases, "s")
        assert [lease.name for lease in await leases.claim(2)] == ["t"]


async def test_a_killed_holder_is_replaced_within_three_seconds(redis: Server) -> None:
    empty(redis)
    settings = LeaseSettings()
    async with open_backbone(redis_url(redis), settings) as backbone:
        await backbone.leases.want("s")
        program = str(Path(__file__).with_name("holder.py"))
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        holder = await asyncio.create_subprocess_exec(
            sys.executable, program, redis_url(redis), env=environment, stdout=asyncio.subprocess.PIPE
        )
        assert holder.stdout is not None
        fence = int(await asyncio.wait_for(holder.stdout.readline(), 20))
        await asyncio.sleep(settings.ttl_s + 0.2)
        assert await backbone.leases.claim(1) == []  # it lives, so it keeps it
        holder.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        while not (claimed := await backbone.leases.claim(1)):
            assert time.monotonic() - killed < 3
            await asyncio.sleep(settings.renew_s)
        assert time.monotonic() - killed < 3
        assert claimed[0].fence > fence
        await holder.wait()
