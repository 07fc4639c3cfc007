"""Leases: a session belongs to one worker at a time. Also the list of workers that are alive.

A lease runs out unless it is renewed, so a worker that is killed is replaced. One that only slept and
goes on writing is stopped by its fence: the token grows with every new holder, and the timeline refuses
a lower one than it has seen. Tokens start at the time in milliseconds, so they grow even where the
keeper of the leases has lost its memory.

Names are *wanted* by whoever needs a worker for them. Redis keeps them, by its own clock; each step is one script,
which happens whole or not at all. It may forget in a restart: want again every few seconds, it changes nothing where
the name is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streaming.redis_client import RedisClient

_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""
# Nothing is held for longer than a ttl: what seems so is of before the clock was set back, or of another Redis.
_CLAMP = """
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now + ARGV[1], '+inf')) do
  redis.call('ZADD', KEYS[1], now + ARGV[1], name)
end
"""
# ARGV: ttl in ms, limit, and one name or nothing for any.
_TAKE = (
    _NOW
    + _CLAMP
    + """
local names = {}
if ARGV[3] then
  local till = redis.call('ZSCORE', KEYS[1], ARGV[3])
  if till and tonumber(till) <= now then names = {ARGV[3]} end
else
  names = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])
end
local taken = {}
for _, name in ipairs(names) do
  local fence = string.format('%.0f', math.max(tonumber(redis.call('HGET', KEYS[2], name) or 0) + 1, now))
  redis.call('ZADD', KEYS[1], now + ARGV[1], name)
  redis.call('HSET', KEYS[2], name, fence)
  table.insert(taken, name)
  table.insert(taken, fence)
end
return taken
"""
)
# ARGV: ttl in ms (0 releases), then name and fence of each lease. Returns for each whether it was held.
_EXTEND = (
    _NOW
    + """
local held = {}
for i = 2, #ARGV, 2 do
  local mine = redis.call('HGET', KEYS[2], ARGV[i]) == ARGV[i + 1]
  if mine then redis.call('ZADD', KEYS[1], 'XX', ARGV[1] == '0' and 0 or now + ARGV[1], ARGV[i]) end
  table.insert(held, mine and 1 or 0)
end
return held
"""
)
_UNWANT = "redis.call('ZREM', KEYS[1], ARGV[1]) redis.call('HDEL', KEYS[2], ARGV[1])"
# KEYS: who is there; ARGV: ttl in ms, member.
_BEAT = (
    _NOW
    + _CLAMP
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return redis.call('ZRANGE', KEYS[1], 0, -1)
"""
)


@dataclass(frozen=True, slots=True)
class LeaseSettings:
    """A killed worker is replaced within ``ttl_s`` and one poll of another: 2.5 s of the 3 s allowed."""

    ttl_s: float = 2.0  # three renewals may fail before a living worker loses its sessions
    renew_s: float = 0.5  # how often holders renew, and workers with room look for more


@dataclass(frozen=True, slots=True)
class Lease:
    """Whoever has it may work on ``name`` and write with ``fence``, until it fails to renew."""

    name: str
    fence: int


class Leases:
    """All methods raise BusUnavailable while the keeper is away. Shares its client with the bus, which closes it."""

    def __init__(self, redis: RedisClient, settings: LeaseSettings, space: str = "leases") -> None:
        """Names of one ``space`` are not those of another."""
        self._redis = redis
        # A sorted set of the wanted names by the millisecond until which each is held, and each one's latest
        # fence. The braces keep both on one node of a cluster. A renewal costs Redis some 10 us: one node keeps
        # 20 000 sessions.
        self._keys = [f"breathmark:{{{space}}}:until", f"breathmark:{{{space}}}:fence"]
        self._there = f"breathmark:there:{space}"
        self._ttl_ms = round(settings.ttl_s * 1000)

    async def want(self, name: str) -> None:
        """There is work under this name from now on."""
        await self._redis.ask(self._redis.client.zadd(self._keys[0], {name: 0}, nx=True))

    async def unwant(self, name: str) -> None:
        """The work is over; whoever holds it is told at its next renewal."""
        await self._redis.run(_UNWANT, self._keys, [name])

    async def wanted(self) -> int:
        """How many names are wanted, held or not: divided by the workers, a worker's fair share."""
        return int(await self._redis.ask(self._redis.client.zcard(self._keys[0])))

    async def acquire(self, name: str) -> Lease | None:
        """The lease, or None where the name is held or not wanted."""
        taken = await self._redis.run(_TAKE, self._keys, [self._ttl_ms, 1, name])
        return Lease(name, int(taken[1])) if taken else None

    async def claim(self, limit: int) -> list[Lease]:
        """Up to ``limit`` of the wanted names that nobody holds."""
        if limit < 1:
            return []
        taken = await self._redis.run(_TAKE, self._keys, [self._ttl_ms, limit])
        return [Lease(name.decode(), int(fence)) for name, fence in zip(taken[::2], taken[1::2], strict=True)]

    async def renew(self, leases: Sequence[Lease]) -> list[Lease]:
        """Those still held, for another ``ttl_s``. One that ran out is revived if nobody took it."""
        if not leases:
            return []
        named = [part for lease in leases for part in (lease.name, lease.fence)]
        held = await self._redis.run(_EXTEND, self._keys, [self._ttl_ms, *named])
        return [lease for lease, is_held in zip(leases, held, strict=True) if is_held]

    async def release(self, lease: Lease) -> None:
        """Free for others at once. A lease that was lost stays with whoever has it."""
        await self._redis.run(_EXTEND, self._keys, [0, lease.name, lease.fence])

    async def beat(self, member: str) -> list[str]:
        """Says that ``member`` is there for the next ``ttl_s``; returns all who are, sorted."""
        there = await self._redis.run(_BEAT, [self._there], [self._ttl_ms, member])
        return sorted(who.decode() for who in there)

    async def leave(self, member: str) -> None:
        await self._redis.ask(self._redis.client.zrem(self._there, member))
