"""Which practices this gateway is the home of. Each belongs to one gateway at a time, by a lease."""

from __future__ import annotations

from streaming.errors import LeaseLost
from streaming.leases import Lease, Leases

SCOPE = ":home"  # of the fences in the timeline: those of whoever analyses are others


class Homes:
    """All that asks raises BusUnavailable while the keeper of the leases is away; nothing is given up then."""

    def __init__(self, leases: Leases, holder: str) -> None:
        self._leases = leases
        self._holder = holder
        self._held: dict[str, Lease] = {}

    def fence(self, session: str) -> int:
        """What this gateway writes with. Raises LeaseLost where the practice is not at home here."""
        lease = self._held.get(session)
        if lease is None:
            raise LeaseLost("this practice is at home at another gateway now")
        return lease.fence

    async def acquire(self, session: str) -> bool:
        """Makes this gateway the home; False where another is."""
        if session in self._held:
            return True
        await self._leases.want(session)
        lease = await self._leases.acquire(session, self._holder)
        if lease is not None:
            self._held[session] = lease
        return lease is not None

    async def offer(self, session: str) -> None:
        """Somebody should be the home of this practice: whoever has room claims it."""
        await self._leases.want(session)

    async def claim(self, limit: int) -> list[str]:
        """Practices that had no home, and have it here now."""
        claimed = await self._leases.claim(self._holder, limit)
        new = [lease.name for lease in claimed if lease.name not in self._held]
        self._held.update((lease.name, lease) for lease in claimed)  # also a lease that ran out while we slept
        return new

    async def unclaimed(self) -> int:
        """How many practices are at home nowhere, or elsewhere."""
        return await self._leases.wanted() - len(self._held)

    async def renew(self) -> list[str]:
        """Keeps them all; returns those that are lost to another gateway."""
        before = list(self._held.values())
        kept = set(await self._leases.renew(before))
        lost: list[str] = []
        for lease in before:
            if lease in kept or self._held.get(lease.name) is not lease:
                continue
            # Either another has it, or the keeper has forgotten everything in a restart.
            await self._leases.want(lease.name)
            again = await self._leases.acquire(lease.name, self._holder)
            if again is not None:
                self._held[lease.name] = again
            else:
                del self._held[lease.name]
                lost.append(lease.name)
        return lost

    async def release(self, session: str, *, over: bool) -> None:
        """Free for another gateway at once; where it is ``over``, nobody needs to be its home any more."""
        lease = self._held.pop(session, None)
        if lease is None:
            return
        if over:
            await self._leases.unwant(session)
        await self._leases.release(lease)
