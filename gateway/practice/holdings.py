"""The practices that this process holds leases on: a gateway is their home, a worker analyses them."""

from __future__ import annotations

from dataclasses import dataclass, field

from streaming.errors import LeaseLost
from streaming.leases import Lease, Leases

SCOPE = ":home"  # of a home's fences in the timeline: those of whoever analyses are others


@dataclass(frozen=True, slots=True)
class Renewed:
    """What a renewal found: practices that another has now, and those whose keeper had forgotten them."""

    lost: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)


class Holdings:
    """Async methods raise BusUnavailable while the keeper of the leases is away; nothing is given up then."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases
        self._held: dict[str, Lease] = {}

    @property
    def names(self) -> set[str]:
        return set(self._held)

    def fence(self, session: str) -> int:
        """What the holder writes with. Raises LeaseLost where another has the practice."""
        lease = self._held.get(session)
        if lease is None:
            raise LeaseLost("this practice is held elsewhere now")
        return lease.fence

    async def acquire(self, session: str) -> bool:
        """Takes it, wanted or not; False where another has it."""
        if session in self._held:
            return True
        await self._leases.want(session)
        lease = await self._leases.acquire(session)
        if lease is not None:
            self._held[session] = lease
        return lease is not None

    async def offer(self, session: str) -> None:
        """Somebody should hold this practice: whoever has room claims it."""
        await self._leases.want(session)

    async def claim(self, limit: int) -> list[str]:
        """Wanted practices that nobody held, and that are held here now."""
        claimed = await self._leases.claim(limit)
        new = [lease.name for lease in claimed if lease.name not in self._held]
        self._held.update((lease.name, lease) for lease in claimed)  # also a lease that ran out while we slept
        return new

    async def renew(self) -> Renewed:
        """Keeps them all, as far as nobody else has one."""
        before = list(self._held.values())
        kept = set(await self._leases.renew(before))
        renewed = Renewed()
        for lease in before:
            if lease in kept or self._held.get(lease.name) is not lease:
                continue
            # Either another has it, or the keeper has forgotten everything in a restart.
            await self._leases.want(lease.name)
            again = await self._leases.acquire(lease.name)
            if again is not None:
                self._held[lease.name] = again
                renewed.again.append(lease.name)
            else:
                del self._held[lease.name]
                renewed.lost.append(lease.name)
        return renewed

    async def release(self, session: str, *, over: bool) -> None:
        """Free for another at once; where it is ``over``, nobody needs to hold it any more."""
        lease = self._held.pop(session, None)
        if lease is None:
            return
        if over:
            await self._leases.unwant(session)
        await self._leases.release(lease)
