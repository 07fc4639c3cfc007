"""Redis away: callers are told, live audio stays fresh, and all goes on by itself."""

from __future__ import annotations

import asyncio
import itertools
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest
from redis import Redis

from benchmarks.servers import Server, redis_sentinel, redis_server
from streaming.backbone import Backbone, open_backbone
from streaming.bus import START
from streaming.errors import BusUnavailable
from streaming.flow import FlowSettings, Inbox, Outbox
from tests.streaming.conftest import empty, redis_url

AWAY_S = 1.0
FLOW = FlowSettings(waiting_per_stream=10, retry_s=0.2)


@pytest.fixture
def own_redis() -> Iterator[Server]:
    """One that a test may kill: it forgets everything."""
    with redis_server() as server:
        yield server


async def until(true: Callable[[], bool], within_s: float) -> float:
    """Seconds that it took."""
    began = time.monotonic()
    async with asyncio.timeout(within_s):
        while not true():  # noqa: ASYNC110 - a condition of many parts
            await asyncio.sleep(0.01)
    return time.monotonic() - began


async def published(backbone: Backbone, payload: bytes, within_s: float) -> float:
    """Publishes as soon as it can; returns the seconds that it took."""
    began = time.monotonic()
    async with asyncio.timeout(within_s):
        while True:
            try:
                await backbone.bus.publish("s", payload)
            except BusUnavailable:
                await asyncio.sleep(0.05)
            else:
                return time.monotonic() - began


def replicates(replica: Server) -> bool:
    with Redis(port=replica.port) as client:
        return bool(client.info("replication")["master_link_status"] == "up")


def knows_replica(sentinel: Server) -> bool:
    with Redis(port=sentinel.port) as client:
        return len(client.sentinel_slaves("main")) == 1


async def test_what_is_asked_of_a_redis_that_is_gone_fails_at_once_and_says_so(own_redis: Server) -> None:
    async with open_backbone(redis_url(own_redis)) as backbone:
        await backbone.bus.publish("s", b"x")
        await backbone.leases.want("s")
        own_redis.stop(signal.SIGKILL)
        began = time.monotonic()
        for asked in (
            backbone.bus.publish("s", b"x"),
            backbone.bus.read({"s": START}),
            backbone.bus.last("s"),
            backbone.leases.claim(1),
            backbone.leases.beat("one"),
        ):
            with pytest.raises(BusUnavailable, match=rf"127\.0\.0\.1:{own_redis.port}"):
                await asked
        assert time.monotonic() - began < 1
        assert backbone.bus.degraded
        own_redis.start()
        while backbone.bus.degraded:  # until it has answered for a while
            await backbone.bus.publish("s", b"x")
            await asyncio.sleep(0.02)


async def test_a_redis_that_stands_still_is_given_up_within_about_a_second(own_redis: Server) -> None:
    async with open_backbone(redis_url(own_redis)) as backbone:
        await backbone.bus.publish("s", b"x")
        own_redis.pause()
        began = time.monotonic()
        with pytest.raises(BusUnavailable):
            await backbone.bus.publish("s", b"x")
        own_redis.go_on()
        assert 0.5 < time.monotonic() - began < 2
        await backbone.bus.publish("s", b"x")


async def test_audio_stays_fresh_while_redis_is_away_and_flows_again_by_itself(own_redis: Server) -> None:
    async with open_backbone(redis_url(own_redis)) as gateway, open_backbone(redis_url(own_redis)) as worker:
        outbox, inbox = Outbox(gateway.bus, settings=FLOW), Inbox(worker.bus, FLOW)
        received: list[int] = []

        async def receive() -> None:
            while True:
                received.extend(int(message.payload) for message in await inbox.next())

        inbox.follow("in:s")
        sending, receiving = asyncio.create_task(outbox.run()), asyncio.create_task(receive())
        numbers = itertools.count()

        async def speak(seconds: float) -> int:
            """A piece each 20 ms; returns the newest."""
            number = -1
            for number in itertools.islice(numbers, round(seconds / 0.02)):
                outbox.offer("in:s", str(number).encode())
                await asyncio.sleep(0.02)
            return number

        await speak(0.3)
        await until(lambda: len(received) == 15, 1)
        assert received == [*range(15)]
        own_redis.stop(signal.SIGKILL)
        newest = await speak(AWAY_S)
        assert gateway.bus.degraded
        assert worker.bus.degraded
        assert received == [*range(15)]
        assert outbox.dropped >= AWAY_S / 0.02 - FLOW.waiting_per_stream - 1
        own_redis.start()
        after = await speak(0.3)
        assert await until(lambda: received[-1] == after, 2) < 1
        await until(lambda: not worker.bus.degraded, 2)  # it reads all the time
        heard_late = [number for number in received if 15 <= number <= newest]
        assert len(heard_late) <= FLOW.waiting_per_stream + 1  # fresh, not piled up
        assert received == sorted(set(received))
        assert [*range(newest + 1, after + 1)] == [number for number in received if number > newest]
        for task in (sending, receiving):
            task.cancel()
        await asyncio.gather(sending, receiving, return_exceptions=True)


async def test_a_sentinel_leads_to_the_new_master_after_the_old_one_was_killed() -> None:
    at_once = ["--repl-diskless-sync-delay", "0"]
    with ExitStack() as servers:
        master = servers.enter_context(redis_server(extra=at_once))
        replica = servers.enter_context(redis_server(extra=["--replicaof", "127.0.0.1", str(master.port)]))
        await until(lambda: replicates(replica), 5)
        sentinel = servers.enter_context(redis_sentinel(master.port))
        await until(lambda: knows_replica(sentinel), 12)
        async with open_backbone(f"redis+sentinel://127.0.0.1:{sentinel.port}/main/0") as backbone:
            inbox = Inbox(backbone.bus)
            await published(backbone, b"before", 5)
            inbox.follow("s")
            assert [message.payload for message in await inbox.next()] == [b"before"]
            master.stop(signal.SIGKILL)
            assert await published(backbone, b"after", 10) > 0.1  # so it was away indeed
            assert [message.payload for message in await inbox.next()] == [b"after"]


async def test_what_could_not_be_sent_makes_room_for_what_is_newer(own_redis: Server) -> None:
    async with open_backbone(redis_url(own_redis)) as backbone:
        outbox = Outbox(backbone.bus, settings=FLOW)
        own_redis.pause()
        for number in range(10):
            outbox.offer("in:s", str(number).encode())
        sending = asyncio.create_task(outbox.run())
        await asyncio.sleep(0.1)  # the first ten are under way
        for number in range(10, 18):
            outbox.offer("in:s", str(number).encode())
        own_redis.stop(signal.SIGKILL)
        await until(lambda: outbox.dropped == 8, 3)
        own_redis.start()
        received: list[int] = []
        async with asyncio.timeout(5):
            while len(received) < 10:
                with suppress(BusUnavailable):
                    received = [int(message.payload) for message in await backbone.bus.read({"in:s": START})]
        assert received == [*range(8, 18)]
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def test_of_a_cluster_only_what_lay_on_the_lost_node_is_sent_again(cluster: list[Server]) -> None:
    streams = [f"in:session-{number}" for number in range(40)]
    for node in cluster:
        empty(node)
    url = "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in cluster)
    async with open_backbone(url) as backbone:
        before = await backbone.bus.publish_all([(stream, b"before") for stream in streams])
        outbox, inbox = Outbox(backbone.bus, settings=FLOW), Inbox(backbone.bus, FLOW)
        for stream, position in zip(streams, before, strict=True):
            inbox.follow(stream, position)
            outbox.offer(stream, b"x")
        cluster[1].stop(signal.SIGKILL)
        sending = asyncio.create_task(outbox.run())
        async with asyncio.timeout(10):
            received = [message.stream for message in await inbox.next()]
            assert 0 < len(received) < len(streams)  # the other node went on
            await asyncio.sleep(0.3)  # and what lay on this one was tried again and again
            cluster[1].start()
            while len(received) < len(streams):
                received += [message.stream for message in await inbox.next()]
        assert sorted(received) == sorted(streams)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def test_who_sends_and_reads_ends_when_cancelled_at_whatever_moment(redis: Server) -> None:
    async with open_backbone(redis_url(redis)) as backbone:
        outbox, inbox = Outbox(backbone.bus), Inbox(backbone.bus)
        inbox.follow("cancelled")

        async def receive() -> None:
            while True:
                await inbox.next()

        for attempt in range(60):
            tasks = [asyncio.create_task(outbox.run()), asyncio.create_task(receive())]
            for _ in range(attempt % 6 + 1):
                outbox.offer("cancelled", bytes(1000))
                await asyncio.sleep(0.001)
            for task in tasks:
                task.cancel()
            _, pending = await asyncio.wait(tasks, timeout=5)
            assert not pending
