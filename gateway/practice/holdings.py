"""The practices that this process holds leases on: a gateway is their home, a worker analyses them."""

from __future__ import annotations

from streaming.errors import LeaseLost
from streaming.leases import Lease, Leases, Renewed

SCOPE = ":home"  # of a home's fences in the timeline: those of whoever analyses are others


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
        """Somebody should hold this practice: unless somebody does, whoever has room claims it."""
        await self._leases.want(session, again=True)

    async def claim(self, limit: int) -> list[str]:
        """Wanted practices that nobody held, and that are held here now."""
        claimed = await self._leases.claim(limit)
        new = [lease.name for lease in claimed if lease.name not in self._held]
        self._held.update((lease.name, lease) for lease in claimed)  # also a lease that ran out while we slept
        return new

    async def renew(self) -> Renewed:
        """Keeps them all, as far as nobody else has one."""
        renewed = await self._leases.renew(list(self._held.values()))
        lost = [lease for lease in renewed.lost if self._held.get(lease.name) is lease]  # else released meanwhile
        for lease in lost:
            del self._held[lease.name]
        return Renewed(lost, renewed.again)

    async def check(self, session: str) -> None:
        """Raises LeaseLost where another has it by now, though nobody here has noticed yet."""
        lease = self._held.get(session)
        if lease is None or await self._leases.is_lost(lease):
            raise LeaseLost("this practice is held elsewhere now")

    async def release(self, session: str, *, over: bool) -> None:
        """Free for another at once; where it is ``over``, nobody needs to hold it any more."""
        lease = self._held.pop(session, None)
        if lease is None:
            return
        if over:
            await self._leases.unwant(session)
        await self._leases.release(lease)
