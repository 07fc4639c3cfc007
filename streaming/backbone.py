"""The bus and the leases of a process: within it, or on Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from streaming.bus import Bus, LocalBus
from streaming.leases import Leases, LeaseSettings, LocalLeases
from streaming.redis_bus import RedisBus
from streaming.redis_client import RedisClient
from streaming.redis_leases import RedisLeases


@dataclass(frozen=True, slots=True)
class Backbone:
    """``leases`` say which worker analyses a session, ``homes`` which gateway holds its room."""

    bus: Bus
    leases: Leases
    homes: Leases


@asynccontextmanager
async def open_backbone(url: str | None, leases: LeaseSettings | None = None) -> AsyncIterator[Backbone]:
    """Without a URL all stays in this process. Raises UnusableInput for a URL that cannot be read.

    A Redis that is away raises nothing here: ``bus.degraded`` and BusUnavailable tell of it.
    """
    leases = leases or LeaseSettings()
    if url is None:
        yield Backbone(LocalBus(), LocalLeases(leases), LocalLeases(leases))
        return
    redis = RedisClient(url)
    try:
        yield Backbone(RedisBus(redis), RedisLeases(redis, leases), RedisLeases(redis, leases, "homes"))
    finally:
        await redis.close()
