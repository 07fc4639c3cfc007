"""Workers over a real Redis and a real PostgreSQL: shared out, killed, drained, and the timeline always the same."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from redis import Redis

from benchmarks.gateway_process import PLAIN
from benchmarks.servers import Server
from detectors.worker import Worker
from gateway.practice.exchange import in_stream, lines_stream, state_stream, unpack_came
from gateway.practice.holdings import Holdings
from gateway.practice.kept import Kept
from gateway.workers.held import Held
from gateway.workers.metrics import WorkerMetrics
from gateway.workers.outgoing import Means, Outgoing
from gateway.workers.process import WorkerProcess, WorkerSettings
from streaming.backbone import Backbone
from streaming.bus import START, Message
from streaming.errors import StoreUnavailable
from streaming.timeline import Stored, Timeline
from streaming.types import SAMPLE_RATE_HZ, Annotation, Cue, Happening
from streaming.wire import dumps
from tests.gateway.serving import until
from tests.gateway.stream_script import expected, feed, reworded, script
from tests.streaming.conftest import empty, redis_url

QUICK = WorkerSettings(keep_s=0.2, renew_s=0.1)
PATIENCE_S = 30.0


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


async def kept(backbone: Backbone, session: str) -> None:
    """Waits until a worker has kept a state."""

    async def there() -> bool:
        return await backbone.bus.last(state_stream(session)) is not None

    await until(there)


async def written(timeline: Timeline, session: str) -> list[str]:
    return sorted(dumps(stored.line) for stored in await timeline.read(session))


async def test_what_is_written_depends_on_the_order_of_the_stream_alone(backbone: Backbone, timeline: Timeline) -> None:
    messages = reworded("s", script("s", 20.0, 60.0))
    await backbone.leases.want("s")
    async with working(backbone, timeline):
        await feed(backbone.bus, "s", messages, speed=40.0)
        await closed(backbone, "s")

        async def nobody_wants_it() -> bool:
            return await backbone.leases.wanted() == 0

        await until(nobody_wants_it)
    lines = await written(timeline, "s")
    assert lines == expected("s", messages)
    assert sum('"kind":"cue"' in line for line in lines) >= 1
    for stream in (in_stream("s"), state_stream("s")):
        assert await backbone.bus.last(stream) is None, "it held sound"


async def test_a_practice_that_a_worker_fails_at_is_taken_on_anew(
    backbone: Backbone, timeline: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages, failing, as_it_is = script("s", 20.0, 24.0), iter([True]), Held.work

    async def work(held: Held, read: list[Message]) -> None:
        if next(failing, False):
            raise ValueError("a first time")
        await as_it_is(held, read)

    monkeypatch.setattr(Held, "work", work)
    await backbone.leases.want("s")
    async with working(backbone, timeline) as worker:
        await feed(backbone.bus, "s", messages, speed=40.0)
        await closed(backbone, "s")
        assert worker._metrics.claims._value.get() == 2
    assert await written(timeline, "s") == expected("s", messages)


async def test_a_worker_keeps_what_it_holds_where_the_bus_lost_its_memory_a_moment_ago(
    redis: Server, backbone: Backbone, timeline: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses, as_it_is = iter([True]), backbone.leases.wanted
    await backbone.leases.want("s")
    async with working(backbone, timeline) as worker:

        async def wanted() -> int:
            if len(worker._held) and next(losses, False):
                empty(redis)  # after this round's leases were renewed
            return await as_it_is()

        monkeypatch.setattr(backbone.leases, "wanted", wanted)
        await until(lambda: worker._metrics.revivals._value.get() == 1)
        assert [*worker._held] == ["s"]
        assert worker._metrics.releases._value.get() == 0


async def test_a_worker_that_slept_puts_no_state_over_that_of_its_successor(
    redis: Server, backbone: Backbone, timeline: Timeline
) -> None:
    mine, other = Holdings(backbone.leases), Holdings(backbone.leases)
    assert await mine.acquire("s")
    with Redis(port=redis.port) as client:
        client.zadd("breathmark:{leases}:until", {"s": 0})  # it ran out
    assert await other.claim(1) == ["s"]
    await backbone.bus.publish(state_stream("s"), b"of the successor", keep=1)
    assert (await put(Kept(0, b"", b""), backbone, timeline, mine)).lost
    last = await backbone.bus.last(state_stream("s"))
    assert last is not None
    assert last.payload == b"of the successor"


async def test_of_a_practice_that_is_over_no_state_is_kept(backbone: Backbone, timeline: Timeline) -> None:
    mine = Holdings(backbone.leases)
    assert await mine.acquire("s")
    await put(Kept(0, b"", b""), backbone, timeline, mine)
    assert await backbone.bus.last(state_stream("s")) is None, "its stream is gone: another has worked on it to its end"


async def put(kept: Kept, backbone: Backbone, timeline: Timeline, mine: Holdings) -> Outgoing:
    """What a worker does with a state that waited while it slept."""
    out = Outgoing("s", Means(backbone.bus, timeline, Worker(nobody), WorkerMetrics(), mine), lambda: None)
    out.put(kept)
    await out.end()
    return out


async def nobody(session: str, annotations: list[Annotation], now: int) -> None:
    """Nothing is heard here."""


class Program:
    """``breathmark worker`` as people start it."""

    def __init__(self, bus: str, store: str) -> None:
        command = [sys.executable, *PLAIN, "worker", "--bus", bus, "--store", store]
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


async def test_one_that_joins_gets_its_share_and_one_that_dies_is_replaced(
    backbone: Backbone, timeline: Timeline
) -> None:
    scripts = {name: script(name, 28.0 + i, 46.0) for i, name in enumerate("wxyz")}
    for session in scripts:
        await backbone.leases.want(session)
    async with working(backbone, timeline) as first:
        feeding = [asyncio.create_task(feed(backbone.bus, s, own, speed=6.0)) for s, own in scripts.items()]
        for session in scripts:
            await kept(backbone, session)
        async with working(backbone, timeline) as second:
            await until(lambda: len(first._held) == len(second._held) == 2)
            assert second._metrics.restores._value.get() >= 1, "at a kept state, not from the beginning"
            assert first._metrics.lost._value.get() == 0
        await asyncio.gather(*feeding)
        for session in scripts:
            await closed(backbone, session)
    for session, own in scripts.items():
        assert await written(timeline, session) == expected(session, own)


async def test_one_that_is_asked_to_stop_gives_all_away_and_leaves_in_time(
    redis: Server, backbone: Backbone, timeline: Timeline, store: str
) -> None:
    messages = script("s", 28.0, 46.0)
    await backbone.leases.want("s")
    program = await asyncio.to_thread(Program, redis_url(redis), store)
    try:
        await feed(backbone.bus, "s", messages[:200], speed=10.0)
        await kept(backbone, "s")
        async with httpx.AsyncClient(trust_env=False) as http:
            shown = (await http.get(program.metrics_url)).text
    finally:
        asked = time.monotonic()
        status, logged = await asyncio.to_thread(program.stop, signal.SIGTERM)
    assert (status, "Traceback" in logged) == (0, False)
    assert time.monotonic() - asked < 5.0
    assert "breathmark_worker_sessions 1.0" in shown
    assert "breathmark_worker_lag_seconds" in shown
    lease = await backbone.leases.acquire("s")
    assert lease is not None, "free at once"
    await backbone.leases.release(lease)
    async with working(backbone, timeline):
        await feed(backbone.bus, "s", messages[200:], speed=10.0)
        await closed(backbone, "s")
    assert await written(timeline, "s") == expected("s", messages)


async def test_a_redis_that_lost_its_memory_and_a_database_that_restarts_change_nothing(
    redis: Server, postgres: Server, backbone: Backbone, timeline: Timeline
) -> None:
    messages = script("s", 26.0, 50.0)
    await backbone.leases.want("s")
    async with working(backbone, timeline) as worker:
        await feed(backbone.bus, "s", messages[:150], speed=10.0)
        last = await backbone.bus.last(in_stream("s"))
        assert last is not None
        await until(lambda: worker._held["s"].position == last.position)
        redis.stop(signal.SIGKILL)
        redis.start()
        await until(lambda: worker._metrics.revivals._value.get() == 1)
        await feed(backbone.bus, "s", messages[150:250], speed=10.0)
        postgres.stop()
        running = asyncio.create_task(feed(backbone.bus, "s", messages[250:], speed=10.0))
        postgres.start()
        await running
        await closed(backbone, "s")
    assert await written(timeline, "s") == expected("s", messages)


async def test_what_people_did_is_not_lost_with_a_redis_that_lost_its_memory_though_the_store_is_away_just_then(
    redis: Server, backbone: Backbone, timeline: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    away, as_it_is = iter([True]), timeline.read

    async def read(session: str, after: int = 0) -> list[Stored]:
        if next(away, False):
            raise StoreUnavailable("it restarts")
        return await as_it_is(session, after)

    monkeypatch.setattr(timeline, "read", read)
    messages = script("s", 20.0, 40.0)
    lost = Happening("lost", "s", "time_out", 0, "b", {"minutes": 30, "back_at": "9:00"})
    await backbone.leases.want("s")
    async with working(backbone, timeline) as worker:
        await feed(backbone.bus, "s", messages[:150], speed=20.0)
        last = await backbone.bus.last(in_stream("s"))
        assert last is not None
        await until(lambda: worker._held["s"].position == last.position)
        await timeline.append([lost])
        empty(redis)
        await until(lambda: worker._metrics.revivals._value.get() == 1)
        await feed(backbone.bus, "s", [*messages[150:200], messages[0], *messages[200:]], speed=20.0)
        await closed(backbone, "s")
    assert next(away, None) is None
    cues = [stored.line for stored in await timeline.read("s") if isinstance(stored.line, Cue)]
    assert ("lost",) in [cue.because for cue in cues]


async def test_what_nobody_worked_on_in_time_is_missing_audio_and_counted(
    backbone: Backbone, timeline: Timeline
) -> None:
    messages = script("s", 20.0, 50.0)
    held_up = Happening("late", "s", "time_out", 0, "b", {"minutes": 30, "back_at": "9:00"})
    await backbone.leases.want("s")
    async with working(backbone, timeline):
        await feed(backbone.bus, "s", messages[:100], speed=40.0, keep=100)
        await kept(backbone, "s")
    await timeline.append([held_up])
    await feed(backbone.bus, "s", [held_up, *messages[100:-100]], speed=1000.0, keep=100)
    async with working(backbone, timeline) as second:
        await feed(backbone.bus, "s", messages[-100:], speed=40.0, keep=100)
        await closed(backbone, "s")
        missed = second._metrics.missed._value.get()
        skipped = second._detectors.counts.skipped_samples
    assert missed > 300
    assert skipped > 10 * SAMPLE_RATE_HZ
    lines = await timeline.read("s")
    cues = [stored.line for stored in lines if isinstance(stored.line, Cue)]
    assert [cue.because for cue in cues if cue.level == 4] == [("late",)], "what people did was not lost"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "give --bus and --store"),
        (
            ["--bus", "redis://me:geheim@127.0.0.1:1", "--store", "postgresql://x/y"],
            "no answer from redis://me@127.0.0",
        ),
        (["--bus", "nonsense", "--store", "postgresql://me:geheim@127.0.0.1:1/x"], "not a Redis address"),
    ],
)
def test_a_worker_that_cannot_begin_says_so_in_one_line(options: list[str], said: str) -> None:
    command = [sys.executable, *PLAIN, "worker", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "geheim" not in done.stderr + done.stdout
