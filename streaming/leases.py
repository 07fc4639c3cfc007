"""Leases: a session belongs to one worker at a time. Also the list of workers that are alive.

A lease runs out unless it is renewed, so a worker that is killed is replaced. One that only slept and
goes on writing is stopped by its fence: the token grows with every new holder, and the timeline refuses
a lower one than it has seen. Tokens start at the time in milliseconds, so they grow even where the
keeper of the leases has lost its memory.

Names are *wanted* by whoever needs a worker for them. Redis keeps them, by its own clock; each step is one script,
which happens whole or not at all. It may forget all in a restart: holders renew what they have, and whoever wants a
name wants it again every few seconds, which changes nothing where the name is known.
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
# ARGV: ms from now on until which a name that is not known stays with whoever may hold it, and the name.
_WANT = _NOW + "redis.call('ZADD', KEYS[1], 'NX', now + ARGV[1], ARGV[2])"
# ARGV: ttl in ms (0 releases), then name and fence of each lease. Returns for each: 0 lost, 1 held, 2 forgotten.
_EXTEND = (
    _NOW
    + """
local held = {}
for i = 2, #ARGV, 2 do
  local fence = redis.call('HGET', KEYS[2], ARGV[i])
  local found = fence == ARGV[i + 1] and 1 or 0
  if ARGV[1] == '0' then
    if found == 1 then redis.call('ZADD', KEYS[1], 'XX', 0, ARGV[i]) end
  else
    if not fence then found = 2 end
    if found > 0 then
      redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[i])
      redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
    end
  end
  table.insert(held, found)
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


@dataclass(frozen=True, slots=True)
class Renewed:
    """What a renewal found: leases that another has now, and those of which the keeper had forgotten who holds them."""

    lost: list[Lease]
    again: list[Lease]


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

    async def want(self, name: str, *, again: bool = False) -> None:
        """There is work under this name from now on.

        ``again``: and there was before. Where the keeper has forgotten it, its holder has a ttl to say so.
        """
        await self._redis.run(_WANT, self._keys, [self._ttl_ms if again else 0, name])

    async def unwant(self, name: str) -> None:
        """The work is over, as its holder says."""
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

    async def renew(self, leases: Sequence[Lease]) -> Renewed:
        """All that nobody else has, for another ``ttl_s``, though they ran out or were forgotten."""
        named = [part for lease in leases for part in (lease.name, lease.fence)]
        found = await self._redis.run(_EXTEND, self._keys, [self._ttl_ms, *named]) if leases else []
        told = list(zip(leases, found, strict=True))
        return Renewed([lease for lease, how in told if how == 0], [lease for lease, how in told if how == 2])

    async def is_lost(self, lease: Lease) -> bool:
        """Whether another has taken it."""
        fence = await self._redis.ask(self._redis.client.hget(self._keys[1], lease.name))
        return fence is not None and int(fence) != lease.fence

    async def release(self, lease: Lease) -> None:
        """Free for others at once. A lease that was lost stays with whoever has it."""
        await self._redis.run(_EXTEND, self._keys, [0, lease.name, lease.fence])

    async def beat(self, member: str) -> list[str]:
        """Says that ``member`` is there for the next ``ttl_s``; returns all who are, sorted."""
        there = await self._redis.run(_BEAT, [self._there], [self._ttl_ms, member])
        return sorted(who.decode() for who in there)

    async def leave(self, member: str) -> None:
        await self._redis.ask(self._redis.client.zrem(self._there, member))
