"""A process that takes the lease of ``s``, prints its fence, and renews until it is killed."""

from __future__ import annotations

import asyncio
import sys

from streaming.backbone import open_backbone
from streaming.leases import LeaseSettings


async def hold(url: str) -> None:
    settings = LeaseSettings()
    async with open_backbone(url, settings) as backbone:
        lease = await backbone.leases.acquire("s")
        assert lease is not None
        sys.stdout.write(f"{lease.fence}\n")
        sys.stdout.flush()
        while True:
            await asyncio.sleep(settings.renew_s)
            await backbone.leases.renew([lease])


if __name__ == "__main__":
    asyncio.run(hold(sys.argv[1]))
