"""What Redis and PostgreSQL add: from audio at the gateway to its lines back there, by workers and in this process.

The same couples, dialogue and store, in real time, one way after the other: speech alone, detectors of this
process, workers over Redis. ``breathmark bench bus_delay``.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from redis import Redis

from benchmarks.chaos import Program
from benchmarks.gateway_process import PLAIN
from benchmarks.harness import BenchResult, Figure
from benchmarks.processor import processor_s
from benchmarks.servers import postgres_server, postgres_url, redis_server
from benchmarks.stand_in import POLICY, STEP_S, Couple
from gateway.demo import DIALOGUE
from gateway.media.clock import SessionClock
from gateway.metrics import Metrics
from gateway.practice.analyst import Practised, Tools
from gateway.practice.analysts import Analysts, LocalAnalysts
from gateway.workers.remote_analysts import RemoteAnalysts
from streaming.audio import read_partners
from streaming.backbone import Backbone, open_backbone
from streaming.timeline import Timeline, open_engine
from streaming.types import SAMPLE_RATE_HZ, Annotation, AudioChunk, Line, Speaker

SETTLE_S = 3.0  # until workers have taken the practices on


class Watched(Couple):
    """Notes for each annotation how long after its deciding audio it is shown, milliseconds."""

    delays_ms: list[float]
    clock: SessionClock

    def show(self, lines: Sequence[Line]) -> None:
        now = self.clock.now()
        decided = (line.decided for line in lines if isinstance(line, Annotation))
        self.delays_ms += [(now - at) * 1000 / SAMPLE_RATE_HZ for at in decided if at > SETTLE_S * SAMPLE_RATE_HZ]


@dataclass
class Measured:
    """``percent``: of one core, by program, while all couples talk. ``counted``: what Redis counted, a second."""

    delays_ms: list[float] = field(default_factory=list)
    percent: dict[str, float] = field(default_factory=dict)
    counted: dict[str, float] = field(default_factory=dict)
    redis_mib: float = 0.0  # that it holds of all couples at the end

    def p(self, share: int) -> float:
        return float(np.percentile(self.delays_ms, share))


class Nobody:
    """Listens to a couple and does nothing: what speaking itself costs."""

    def __init__(self) -> None:
        self.given = dict.fromkeys(Speaker, 0)

    def offer(self, chunk: AudioChunk) -> None:
        self.given[chunk.speaker] = chunk.end

    async def happened(self, told: Sequence[Any]) -> None:
        return None

    async def close(self) -> None:
        return None


class Room:
    """The couples, the store, and the programs whose time is taken (by name: the process)."""

    def __init__(self, timeline: Timeline, couples: int, seconds: float) -> None:
        self.programs: dict[str, int] = {"gateway": os.getpid()}
        self.redis: Redis | None = None
        self._timeline = timeline
        self._couples = couples
        self._seconds = seconds
        self._voices = read_partners([DIALOGUE])

    async def talk(self, made: Callable[[Tools], Analysts] | None) -> Measured:
        """While they talk to these analysts; to none, it is what speaking costs."""
        empty_bytes = self._counted().get("memory_bytes", 0.0)
        tools = Tools(self._timeline, Metrics())
        analysts = made(tools) if made else None
        working = asyncio.create_task(analysts.run()) if analysts else None
        out, clock = Measured(), SessionClock(time.time() + 0.2)
        live = [Watched(number, self._voices, tools, Path("/dev/null")) for number in range(self._couples)]
        for couple in live:
            couple.delays_ms, couple.clock = out.delays_ms, clock
            practised = Practised(couple.session, clock, POLICY, couple.show, lambda: None)
            couple.analyst = analysts.begin(practised) if analysts else Nobody()
        await self._speak(live, clock, SETTLE_S)
        spent_s, counted = self._spent_s(), self._counted()
        await self._speak(live, clock, SETTLE_S + self._seconds)
        out.percent = {name: 100 * (now_s - spent_s[name]) / self._seconds for name, now_s in self._spent_s().items()}
        out.redis_mib = (self._counted().get("memory_bytes", 0.0) - empty_bytes) / 2**20
        out.counted = {name: (now - counted[name]) / self._seconds for name, now in self._counted().items()}
        await asyncio.gather(*(couple.analyst.close() for couple in live if couple.analyst))
        if working:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
        return out

    async def _speak(self, live: Sequence[Couple], clock: SessionClock, until_s: float) -> None:
        while clock.now() < until_s * SAMPLE_RATE_HZ:
            for couple in live:
                couple.speak(clock.now())
            await asyncio.sleep(STEP_S)

    def _spent_s(self) -> dict[str, float]:
        ours = time.process_time()  # without the servers, which are children of this process
        return {name: ours if pid == os.getpid() else processor_s(pid) for name, pid in self.programs.items()}

    def _counted(self) -> dict[str, float]:
        if self.redis is None:
            return {}
        said = self.redis.info()
        assert isinstance(said, dict)
        traffic = {"in_bytes": said["total_net_input_bytes"], "out_bytes": said["total_net_output_bytes"]}
        return {**traffic, "commands": said["total_commands_processed"], "memory_bytes": said["used_memory"]}


async def measure(couples: int, seconds: float) -> list[Figure]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="breathmark-delay-")))
        redis, postgres = stack.enter_context(redis_server()), stack.enter_context(postgres_server())
        store = postgres_url(postgres)
        engine = await open_engine(store)
        stack.push_async_callback(engine.dispose)
        timeline = await stack.enter_async_context(Timeline(engine))
        bus = f"redis://127.0.0.1:{redis.port}/0"
        room = Room(timeline, couples, seconds)
        room.programs["postgresql"] = postgres.pid
        alone = await room.talk(None)
        here = await room.talk(LocalAnalysts)
        environment = {"BREATHMARK_BUS": bus, "BREATHMARK_STORE": store}
        worker = Program([*PLAIN, "worker"], environment, folder / "worker.log")
        await worker.start()
        room.programs |= {"redis": redis.pid, "worker": worker.pid}
        room.redis = stack.enter_context(Redis(port=redis.port))
        backbone: Backbone = await stack.enter_async_context(open_backbone(bus))
        there = await room.talk(lambda tools: RemoteAnalysts(tools, backbone))
        await worker.stop(signal.SIGTERM)
    return _figures(couples, alone, here, there)


def _figures(couples: int, alone: Measured, here: Measured, there: Measured) -> list[Figure]:
    n = len(there.delays_ms)
    figures = []
    for q in (50, 95):
        figures += [
            Figure(f"shown_by_worker_p{q}_ms", there.p(q), n, alternatives={"in one process": here.p(q)}),
            Figure(f"bus_added_p{q}_ms", there.p(q) - here.p(q), min(n, len(here.delays_ms))),
        ]
    speaking = alone.percent["gateway"]
    shared = there.percent["gateway"] + there.percent["worker"] + there.percent["redis"]
    parts = {
        "analysis_core_percent_a_couple": here.percent["gateway"] - speaking,
        "bus_core_percent_a_couple": shared - here.percent["gateway"],
        "gateway_bus_core_percent_a_couple": there.percent["gateway"] - speaking,
        "worker_core_percent_a_couple": there.percent["worker"],
        "redis_core_percent_a_couple": there.percent["redis"],
        "postgresql_core_percent_a_couple": there.percent["postgresql"] - alone.percent["postgresql"],
        "redis_in_bytes_a_second_a_couple": there.counted["in_bytes"],
        "redis_out_bytes_a_second_a_couple": there.counted["out_bytes"],
        "redis_commands_a_second_a_couple": there.counted["commands"],
        "redis_mib_a_couple": there.redis_mib,
    }
    return figures + [Figure(name, value / couples, couples) for name, value in parts.items()]


def run(quick: bool) -> BenchResult:
    couples, seconds = (3, 10.0) if quick else (10, 60.0)
    return BenchResult("bus_delay", {"couples": couples, "seconds": seconds}, asyncio.run(measure(couples, seconds)))
