"""What tests of several gateways share: the gateways, a worker, partners who speak, and what is seen of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from gateway.practice.exchange import Came, lines_stream, pack_came
from gateway.settings import GatewaySettings
from gateway.simulated import SimulatedPartner
from gateway.workers.metrics import WorkerMetrics
from gateway.workers.process import WorkerProcess
from streaming.backbone import open_backbone
from streaming.timeline import Timeline, open_engine
from streaming.types import SAMPLE_RATE_HZ, Cue, Speaker
from tests.gateway.serving import PATIENCE_S, Served, serving


@asynccontextmanager
async def gateways(settings: GatewaySettings, count: int) -> AsyncIterator[list[Served]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(serving(settings)) for _ in range(count)]


@asynccontextmanager
async def working(settings: GatewaySettings) -> AsyncIterator[None]:
    """A worker of detectors and coach."""
    engine = await open_engine(settings.store_url or "")
    async with open_backbone(settings.bus_url or "") as backbone, Timeline(engine) as timeline:
        worker = WorkerProcess(backbone, timeline, WorkerMetrics())
        running = asyncio.create_task(worker.run())
        try:
            yield
        finally:
            worker.stop()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(running, PATIENCE_S)
    await engine.dispose()


async def say_a_cue(home: Served, session: str) -> str:
    """As a worker does: into the timeline, then to the gateway."""
    practised = home.gateway.in_memory(session)
    assert practised is not None
    assert practised.record.began_unix is not None
    cue = Cue("the cue", session, 1, "One at a time?", practised.practice.now, 8.0)
    await home.gateway.timeline.append([cue])
    came = Came(practised.record.began_unix, (cue,))
    assert home.gateway.backbone is not None
    await home.gateway.backbone.bus.publish(lines_stream(session), pack_came(came))
    return cue.id


async def partner(
    stack: AsyncExitStack, gateway: Served, links: dict[str, str], speaker: Speaker, dialogue: dict[Speaker, Any]
) -> SimulatedPartner:
    own = SimulatedPartner(
        gateway.socket_url, links[speaker.value], dialogue[speaker], rate_hz=SAMPLE_RATE_HZ, device=speaker.value * 16
    )
    return await stack.enter_async_context(own)


def practised_at(session: str, *candidates: Served) -> Served | None:
    """The gateway that is the home of the practice and hears both partners."""
    for gateway in candidates:
        live = gateway.gateway.in_memory(session)
        if live and live.room.phase == "practising" and {live.room.a.media, live.room.b.media} == {"connected"}:
            return gateway
    return None


def spoken(lines: list[dict[str, Any]], from_s: float = 0.0) -> set[str]:
    return {line["by"] for line in lines if line["kind"] == "speech" and line["start_s"] > from_s}
