"""What gateways and workers share besides the store: a bus and leases, on one Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from streaming.bus import Bus
from streaming.leases import Leases, LeaseSettings
from streaming.redis_client import RedisClient


@dataclass(frozen=True, slots=True)
class Backbone:
    """``leases`` say which worker analyses a session, ``homes`` which gateway holds its room."""

    bus: Bus
    leases: Leases
    homes: Leases


@asynccontextmanager
async def open_backbone(url: str, leases: LeaseSettings | None = None) -> AsyncIterator[Backbone]:
    """Raises UnusableInput for a URL that cannot be read.

    A Redis that is away raises nothing here: ``bus.degraded`` and BusUnavailable tell of it.
    """
    redis, leases = RedisClient(url), leases or LeaseSettings()
    try:
        yield Backbone(Bus(redis), Leases(redis, leases, "leases"), Leases(redis, leases, "homes"))
    finally:
        await redis.close()
