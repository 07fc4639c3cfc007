"""Leases: a session belongs to one worker at a time. Also the list of workers that are alive.

A lease runs out unless it is renewed, so a worker that is killed is replaced. One that only slept and
goes on writing is stopped by its fence: the token grows with every new holder, and the timeline refuses
a lower one than it has seen. Tokens start at the time in milliseconds, so they grow even where the
keeper of the leases has lost its memory.

Names are *wanted* by whoever needs a worker for them. Redis may forget in a restart: want again every
few seconds, it changes nothing where the name is known.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

FREE = 0.0


@dataclass(frozen=True, slots=True)
class LeaseSettings:
    """A killed worker is replaced within ``ttl_s`` and one poll of another: 2.5 s of the 3 s allowed."""

    ttl_s: float = 2.0  # three renewals may fail before a living worker loses its sessions
    renew_s: float = 0.5  # how often holders renew, and workers with room look for more


@dataclass(frozen=True, slots=True)
class Lease:
    """``holder`` may work on ``name`` and write with ``fence``, until it fails to renew."""

    name: str
    holder: str
    fence: int


class Leases(Protocol):
    """All methods raise BusUnavailable while the keeper is away."""

    async def want(self, name: str) -> None:
        """There is work under this name from now on."""

    async def unwant(self, name: str) -> None:
        """The work is over; whoever holds it is told at its next renewal."""

    async def wanted(self) -> int:
        """How many names are wanted, held or not: divided by the workers, a worker's fair share."""

    async def acquire(self, name: str, holder: str) -> Lease | None:
        """The lease, or None where the name is held or not wanted."""

    async def claim(self, holder: str, limit: int) -> list[Lease]:
        """Up to ``limit`` of the wanted names that nobody holds."""

    async def renew(self, leases: Sequence[Lease]) -> list[Lease]:
        """Those still held, for another ``ttl_s``. One that ran out is revived if nobody took it."""

    async def release(self, lease: Lease) -> None:
        """Free for others at once. A lease that was lost stays with whoever has it."""

    async def beat(self, group: str, member: str) -> list[str]:
        """Says that ``member`` is there for the next ``ttl_s``; returns all who are, sorted."""

    async def leave(self, group: str, member: str) -> None: ...


@dataclass(slots=True)
class _Held:
    until: float = FREE
    fence: int = 0


class LocalLeases:
    """Leases within one process."""

    def __init__(self, settings: LeaseSettings = LeaseSettings()) -> None:
        self._ttl_s = settings.ttl_s
        self._names: dict[str, _Held] = {}
        self._there: dict[str, dict[str, float]] = {}

    async def want(self, name: str) -> None:
        self._names.setdefault(name, _Held())

    async def unwant(self, name: str) -> None:
        self._names.pop(name, None)

    async def wanted(self) -> int:
        return len(self._names)

    async def acquire(self, name: str, holder: str) -> Lease | None:
        held, now = self._names.get(name), time.time()
        if held is None or held.until > now:
            return None
        held.until, held.fence = now + self._ttl_s, max(held.fence + 1, int(now * 1000))
        return Lease(name, holder, held.fence)

    async def claim(self, holder: str, limit: int) -> list[Lease]:
        claimed: list[Lease] = []
        for name in self._names:
            if len(claimed) < limit and (lease := await self.acquire(name, holder)):
                claimed.append(lease)
        return claimed

    async def renew(self, leases: Sequence[Lease]) -> list[Lease]:
        held = [lease for lease in leases if self._is_held(lease)]
        for lease in held:
            self._names[lease.name].until = time.time() + self._ttl_s
        return held

    async def release(self, lease: Lease) -> None:
        if self._is_held(lease):
            self._names[lease.name].until = FREE

    def _is_held(self, lease: Lease) -> bool:
        return lease.name in self._names and self._names[lease.name].fence == lease.fence

    async def beat(self, group: str, member: str) -> list[str]:
        now = time.time()
        there = {who: until for who, until in self._there.get(group, {}).items() if until > now}
        self._there[group] = {**there, member: now + self._ttl_s}
        return sorted(self._there[group])

    async def leave(self, group: str, member: str) -> None:
        self._there.get(group, {}).pop(member, None)
