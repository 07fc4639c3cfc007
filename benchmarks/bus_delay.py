"""What Redis adds: from audio at the gateway to its lines back there, by workers elsewhere and in this process.

The same couples, dialogue and store, in real time, one way after the other. ``python -m benchmarks.bus_delay``.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.chaos import Program
from benchmarks.gateway_process import PLAIN
from benchmarks.harness import BenchResult, Figure, deliver
from benchmarks.servers import postgres_server, postgres_url, redis_server
from benchmarks.stand_in import POLICY, STEP_S, Couple
from gateway.analyst import Tools
from gateway.analysts import Analysts, LocalAnalysts
from gateway.clock import SessionClock
from gateway.demo import DIALOGUE
from gateway.metrics import Metrics
from gateway.remote_analysts import RemoteAnalysts
from streaming.audio import read_partners
from streaming.backbone import Backbone, open_backbone
from streaming.timeline import Timeline, open_engine
from streaming.types import SAMPLE_RATE_HZ, Annotation, Line

SETTLE_S = 3.0  # until workers have taken the practices on


class Watched(Couple):
    """Notes for each annotation how long after its deciding audio it is shown, milliseconds."""

    delays_ms: list[float]
    clock: SessionClock

    def show(self, lines: Sequence[Line]) -> None:
        now = self.clock.now()
        decided = (line.decided for line in lines if isinstance(line, Annotation))
        self.delays_ms += [(now - at) * 1000 / SAMPLE_RATE_HZ for at in decided if at > SETTLE_S * SAMPLE_RATE_HZ]


async def delays_ms(made: Callable[[Tools], Analysts], timeline: Timeline, couples: int, seconds: float) -> list[float]:
    """Of all couples' annotations while they talk for ``seconds``."""
    tools = Tools(timeline, Metrics())
    analysts = made(tools)
    working = asyncio.create_task(analysts.run())
    clock = SessionClock(time.time() + 0.2)
    voices = read_partners([DIALOGUE])
    out: list[float] = []
    live = [Watched(number, voices, tools, Path("/dev/null")) for number in range(couples)]
    for couple in live:
        couple.delays_ms, couple.clock = out, clock
        couple.analyst = analysts.begin(couple.session, clock, POLICY, couple.show, lambda: None)
    while clock.now() < (SETTLE_S + seconds) * SAMPLE_RATE_HZ:
        for couple in live:
            couple.speak(clock.now())
        await asyncio.sleep(STEP_S)
    await asyncio.gather(*(couple.analyst.close() for couple in live if couple.analyst))
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    return out


async def measure(couples: int, seconds: float) -> list[Figure]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="breathmark-delay-")))
        redis = stack.enter_context(redis_server())
        store = postgres_url(stack.enter_context(postgres_server()))
        engine = await open_engine(store)
        stack.push_async_callback(engine.dispose)
        timeline = await stack.enter_async_context(Timeline(engine))
        bus = f"redis://127.0.0.1:{redis.port}/0"
        here = await delays_ms(LocalAnalysts, timeline, couples, seconds)
        environment = {"BREATHMARK_BUS": bus, "BREATHMARK_STORE": store}
        worker = Program([*PLAIN, "worker"], environment, folder / "worker.log")
        await worker.start()
        backbone: Backbone = await stack.enter_async_context(open_backbone(bus))
        there = await delays_ms(lambda tools: RemoteAnalysts(tools, backbone), timeline, couples, seconds)
        await worker.stop(signal.SIGTERM)
    figures = []
    for q in (50, 95):
        ours, plain = float(np.percentile(there, q)), float(np.percentile(here, q))
        figures += [
            Figure(f"shown_by_worker_p{q}_ms", ours, len(there), alternatives={"in one process": plain}),
            Figure(f"bus_added_p{q}_ms", ours - plain, min(len(there), len(here))),
        ]
    return figures


def run(quick: bool) -> BenchResult:
    couples, seconds = (3, 12.0) if quick else (10, 60.0)
    figures = asyncio.run(measure(couples, seconds))
    return BenchResult("bus_delay", {"couples": couples, "seconds": seconds}, figures)


if __name__ == "__main__":
    deliver(run(quick=True))
