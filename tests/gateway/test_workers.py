"""Workers over a real Redis and a real PostgreSQL: shared out, killed, drained, and the timeline always the same."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from redis import Redis

from gateway.exchange import in_stream, lines_stream, state_stream, unpack_came
from gateway.worker_metrics import WorkerMetrics
from gateway.worker_process import WorkerProcess, WorkerSettings
from streaming.backbone import Backbone, open_backbone
from streaming.bus import START
from streaming.leases import LeaseSettings
from streaming.timeline import Timeline, open_engine
from streaming.wire import dumps
from tests.gateway.stream_script import expected, feed, script
from tests.servers import Server, postgres_server, redis_server
from tests.streaming.conftest import empty_database, redis_url

QUICK = WorkerSettings(keep_s=0.2, renew_s=0.1)
QUICK_LEASES = LeaseSettings(ttl_s=0.5)
PATIENCE_S = 30.0


@pytest.fixture(scope="module")
def redis() -> Iterator[Server]:
    with redis_server() as server:
        yield server


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    with postgres_server() as server:
        yield server


@pytest.fixture
async def store(postgres: Server) -> str:
    return await empty_database(postgres)


@pytest.fixture
async def timeline(store: str) -> AsyncIterator[Timeline]:
    engine = await open_engine(store)
    async with Timeline(engine) as opened:
        yield opened
    await engine.dispose()


@pytest.fixture
async def backbone(redis: Server) -> AsyncIterator[Backbone]:
    with Redis(port=redis.port) as client:
        client.flushall()
    async with open_backbone(redis_url(redis), QUICK_LEASES) as opened:
        yield opened


@asynccontextmanager
async def working(backbone: Backbone, timeline: Timeline) -> AsyncIterator[WorkerProcess]:
    """A worker of this process. Leaving the block without ``stop`` is a death: nothing is said any more."""
    process = WorkerProcess(backbone, timeline, WorkerMetrics(), QUICK)
    running = asyncio.create_task(process.run())
    try:
        yield process
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def closed(backbone: Backbone, session: str) -> None:
    """Waits for a worker's last words."""
    position = START
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for message in await backbone.bus.read({lines_stream(session): position}):
                position = message.position
                if unpack_came(message.payload).closed:
                    return


async def holds(ask: Callable[[], Awaitable[object]], wanted: object) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await ask() != wanted:  # noqa: ASYNC110 - it is Redis that is asked
            await asyncio.sleep(0.02)


async def written(timeline: Timeline, session: str) -> list[str]:
    return sorted(dumps(stored.line) for stored in await timeline.read(session))


async def test_what_is_written_depends_on_the_order_of_the_stream_alone(backbone: Backbone, timeline: Timeline) -> None:
    messages = script("s", 20.0, 60.0)
    await backbone.leases.want("s")
    async with working(backbone, timeline):
        await feed(backbone.bus, "s", messages, speed=40.0)
        await closed(backbone, "s")
        await holds(lambda: backbone.leases.wanted(), 0)
    lines = await written(timeline, "s")
    assert lines == expected("s", messages)
    assert sum('"kind":"cue"' in line for line in lines) >= 1
    for stream in (in_stream("s"), state_stream("s")):
        assert await backbone.bus.last(stream) is None, "it held sound"


class Program:
    """``breathmark worker`` as people start it."""

    def __init__(self, bus: str, store: str) -> None:
        command = [
            sys.executable,
            "-c",
            "from gateway.cli import main; main()",
            "worker",
            "--bus",
            bus,
            "--store",
            store,
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        self.metrics_url = said.split("ready: ")[1].split()[0]
        self.name = said.split()[2]

    def stop(self, how: signal.Signals) -> tuple[int, str]:
        """Exit status and what it logged."""
        self._process.send_signal(how)
        _, errors = self._process.communicate(timeout=PATIENCE_S)
        return self._process.returncode, errors


async def holder_of(redis: Server, session: str) -> int:
    """The fence under which it is held: it grows with every new holder."""
    with Redis(port=redis.port) as client:
        return int(client.hget("breathmark:{leases}:fence", session) or 0)


async def test_a_killed_worker_is_replaced_and_the_timeline_is_that_of_an_undisturbed_run(
    redis: Server, backbone: Backbone, timeline: Timeline, store: str
) -> None:
    sessions = ["one", "two", "three", "four"]
    programs = await asyncio.gather(*(asyncio.to_thread(Program, redis_url(redis), store) for _ in range(2)))
    scripts = {session: script(session, 28.0 - 2 * i, 52.0) for i, session in enumerate(sessions)}
    try:
        for session in sessions:
            await backbone.leases.want(session)
        feeding = [asyncio.create_task(feed(backbone.bus, s, own, speed=4.0)) for s, own in scripts.items()]
        await asyncio.sleep(4.2)  # past a kept state, in the middle of talk
        programs[0].stop(signal.SIGKILL)
        await asyncio.gather(*feeding)
        for session in sessions:
            await closed(backbone, session)
    finally:
        ends = [program.stop(how) for program, how in zip(programs, (signal.SIGKILL, signal.SIGTERM), strict=True)]
    for session, own in scripts.items():
        assert await written(timeline, session) == expected(session, own)
    status, logged = ends[1]
    assert status == 0
    assert logged.count("a practice was taken on") == 4, "it took the two of the dead one"
    assert "Traceback" not in logged
