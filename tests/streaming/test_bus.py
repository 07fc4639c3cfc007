"""What every bus keeps its word on: on Redis, on a Redis cluster."""

from __future__ import annotations

import asyncio
import time

import pytest

from streaming.backbone import Backbone
from streaming.bus import START, Bus, parse
from streaming.flow import Inbox

MANY = [f"in:session-{number}" for number in range(40)]  # enough to fall on both nodes of a cluster


@pytest.fixture
def bus(backbone: Backbone) -> Bus:
    return backbone.bus


async def publish(bus: Bus, stream: str, numbers: range, keep: int = 1000) -> list[str]:
    return await bus.publish_all([(stream, str(number).encode()) for number in numbers], keep=keep)


async def test_a_stream_is_read_in_order_from_any_place_in_it(bus: Bus) -> None:
    positions = await publish(bus, "s", range(5))
    assert [parse(position) for position in positions] == sorted(parse(position) for position in positions)
    everything = await bus.read({"s": START})
    assert [(m.stream, m.position, m.payload, m.missed) for m in everything] == [
        ("s", position, str(number).encode(), 0) for number, position in enumerate(positions)
    ]
    assert await bus.read({"s": positions[2]}) == everything[3:]
    assert await bus.read({"s": positions[4]}, wait_s=0) == []
    assert await bus.read({"s": START}, limit=2) == everything[:2]


async def test_reading_takes_nothing_away_from_other_readers(bus: Bus) -> None:
    await publish(bus, "s", range(3))
    assert await bus.read({"s": START}) == await bus.read({"s": START}) != []


async def test_any_bytes_pass_as_they_are(bus: Bus) -> None:
    payload = bytes(range(256)) * 20
    await bus.publish("s", payload)
    await bus.publish("s", b"")
    assert [message.payload for message in await bus.read({"s": START})] == [payload, b""]


async def test_many_streams_are_written_and_read_at_once_each_from_its_own_place(bus: Bus) -> None:
    first = await bus.publish_all([(stream, stream.encode()) for stream in MANY])
    second = await bus.publish_all([(stream, b"second") for stream in MANY])
    messages = await bus.read({stream: START if n % 2 else first[n] for n, stream in enumerate(MANY)})
    for n, stream in enumerate(MANY):
        own = [(m.position, m.payload) for m in messages if m.stream == stream]
        assert own == [(first[n], stream.encode()), (second[n], b"second")][0 if n % 2 else 1 :]


async def test_a_reader_that_waits_is_woken_by_the_first_message(bus: Bus) -> None:
    waiting = asyncio.create_task(bus.read(dict.fromkeys(MANY, START), wait_s=0.5))
    await asyncio.sleep(0.05)
    sent = time.perf_counter()
    await bus.publish(MANY[7], b"x")
    assert [(m.stream, m.payload) for m in await waiting] == [(MANY[7], b"x")]
    assert time.perf_counter() - sent < 0.25
    assert await bus.read({"nothing": START}, wait_s=0.05) == []


async def test_a_stream_keeps_its_newest_and_tells_a_late_reader_exactly_what_it_missed(bus: Bus) -> None:
    positions = await publish(bus, "s", range(10), keep=100)
    await publish(bus, "s", range(10, 30), keep=8)
    messages = await bus.read({"s": positions[4]})
    assert [int(m.payload) for m in messages] == [*range(22, 30)]
    assert [m.missed for m in messages] == [17, 0, 0, 0, 0, 0, 0, 0]  # 5 to 21
    assert (await bus.read({"s": messages[0].position}))[0].missed == 0


async def test_a_stream_kept_at_one_message_is_a_value(bus: Bus) -> None:
    assert await bus.last("state") is None
    await bus.publish("state", b"old", keep=1)
    position = await bus.publish("state", b"new", keep=1)
    last = await bus.last("state")
    assert last is not None
    assert (last.position, last.payload) == (position, b"new")
    assert [m.payload for m in await bus.read({"state": START})] == [b"new"]


async def test_a_stream_that_was_dropped_begins_anew_and_is_still_followed(bus: Bus) -> None:
    positions = await publish(bus, "s", range(5))
    await bus.drop("s")
    assert await bus.read({"s": START}, wait_s=0) == []
    await asyncio.sleep(0.002)  # a stream's positions start at the millisecond of its first message
    await publish(bus, "s", range(100, 103))
    messages = await bus.read({"s": positions[-1]})
    assert [int(m.payload) for m in messages] == [100, 101, 102]
    assert [m.missed for m in messages] == [1, 0, 0], "nobody can tell what else the old one held: one at least"


async def test_a_message_tells_how_late_its_reader_is(bus: Bus) -> None:
    before = time.time()
    await bus.publish("s", b"x")
    (message,) = await bus.read({"s": START})
    assert before - 0.002 <= message.published_unix_s <= time.time() + 0.002


async def test_an_inbox_follows_and_leaves_streams_while_it_waits(bus: Bus) -> None:
    await publish(bus, "a", range(3))
    inbox = Inbox(bus)
    waiting = asyncio.create_task(inbox.next())
    await asyncio.sleep(0.02)
    inbox.follow("a")
    assert [m.payload for m in await waiting] == [b"0", b"1", b"2"]
    await inbox.follow_from_now("b")
    await publish(bus, "b", range(2))
    assert [(m.stream, m.payload) for m in await inbox.next()] == [("b", b"0"), ("b", b"1")]
    inbox.unfollow("a")
    await publish(bus, "a", range(3, 5))
    await publish(bus, "b", range(2, 3))
    assert [(m.stream, m.payload) for m in await inbox.next()] == [("b", b"2")]


async def test_an_inbox_goes_on_after_what_was_dropped_and_counts_it(bus: Bus) -> None:
    positions = await publish(bus, "s", range(3), keep=4)
    inbox = Inbox(bus)
    inbox.follow("s", positions[0])
    await publish(bus, "s", range(3, 10), keep=4)
    assert [int(m.payload) for m in await inbox.next()] == [6, 7, 8, 9]
    assert inbox.missed == 5
