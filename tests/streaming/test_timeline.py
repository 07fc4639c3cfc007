"""What a timeline keeps its word on, over each database."""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from benchmarks.servers import Server
from streaming.errors import LeaseLost, StoreUnavailable
from streaming.ids import event_id
from streaming.timeline import Timeline, TimelineSettings, open_engine
from streaming.types import Annotation, Cue, Happening, Kind, Line, Span, Speaker

SLOW_S = 0.3
IMPATIENT = TimelineSettings(max_waiting=4, max_batch=2, give_up_s=0.4)


@asynccontextmanager
async def opened(url: str, settings: TimelineSettings | None = None) -> AsyncIterator[Timeline]:
    engine = await open_engine(url)
    try:
        async with Timeline(engine, settings or TimelineSettings()) as timeline:
            yield timeline
    finally:
        await engine.dispose()


def overlap(start: int, status: str = "final", decided: int = 40_000) -> Annotation:
    return Annotation(
        id=event_id("s", "turns", "overlap", "b", start),
        session="s",
        kind=Kind.TOOK_FLOOR if status == "final" else Kind.OVERLAP,
        status="final" if status == "final" else "open",
        span=Span(start, start + 16_000),
        decided=decided,
        detector="turns@1",
        by=Speaker.B,
        over=Speaker.A,
        confidence=0.875,
        p_interruption=0.75,
    )


def happening(number: int, session: str = "s", at: int = 0) -> Happening:
    return Happening(f"h{number}", session, "paused", at)


async def ids(timeline: Timeline, session: str = "s") -> list[str]:
    return [stored.line.id for stored in await timeline.read(session)]


async def test_what_was_appended_is_read_back_after_the_store_is_closed(store: str) -> None:
    lines: list[Line] = [
        overlap(1600, "open", 8000),
        overlap(1600),
        Cue("c1", "s", 1, "One at a time?", 48_000, 8.0, ("x", "y")),
        Happening("h1", "s", "consent", 0, "a", {"practice": True}),
    ]
    async with opened(store) as timeline:
        await timeline.append(lines)
    async with opened(store) as timeline:
        assert [stored.line for stored in await timeline.read("s")] == lines
        assert await timeline.read("another session") == []


async def test_a_second_delivery_changes_nothing(store: str) -> None:
    async with opened(store) as timeline:
        await timeline.append([overlap(1600), overlap(3200)])
        await timeline.append([overlap(3200), overlap(1600), overlap(4800)])
        stored = await timeline.read("s")
        assert [s.line.span.start for s in stored if isinstance(s.line, Annotation)] == [1600, 3200, 4800]
        assert await timeline.read("s", after=stored[1].seq) == stored[2:]


async def test_the_loop_is_woken_once_for_what_is_committed_once(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, woken = asyncio.get_running_loop(), 0
    usual = loop.call_soon_threadsafe

    def wake(*args: Any, **named: Any) -> Any:
        nonlocal woken
        woken += 1
        return usual(*args, **named)

    async with opened(store) as timeline:
        monkeypatch.setattr(loop, "call_soon_threadsafe", wake)
        await asyncio.gather(*(timeline.append([overlap(start)]) for start in range(0, 8000, 1600)))
        await timeline.save_snapshot("s", 8000, b"state")
        assert woken <= 2  # none where the driver needs no thread
        monkeypatch.undo()


async def test_an_append_that_cannot_be_kept_is_never_acknowledged(store: str) -> None:
    async with opened(store) as timeline:
        pass
    with pytest.raises(StoreUnavailable):
        await timeline.append([overlap(0)])


async def test_the_newest_snapshot_replaces_the_one_before(store: str) -> None:
    async with opened(store) as timeline:
        assert await timeline.read_snapshot("s") is None
        await timeline.save_snapshot("s", 100, b"old")
        await timeline.save_snapshot("s", 200, b"new")
        assert await timeline.read_snapshot("s") == (200, b"new")
        await timeline.forget_snapshot("s")
        assert await timeline.read_snapshot("s") is None


async def test_a_worker_that_lost_its_lease_cannot_write(store: str) -> None:
    async with opened(store) as timeline:
        await timeline.append([happening(1)], fence=7)
        await timeline.append([happening(2)], fence=7)
        await timeline.append([happening(3)], fence=8)
        with pytest.raises(LeaseLost):
            await timeline.append([happening(4)], fence=7)
        await timeline.append([happening(5, "another")], fence=7)
        await timeline.append([happening(6)])  # what people do needs no lease
        assert await ids(timeline) == ["h1", "h2", "h3", "h6"]


async def test_fences_of_different_leases_know_nothing_of_one_another(store: str) -> None:
    async with opened(store) as timeline:
        await timeline.append([happening(1)], fence=9)
        await timeline.append([happening(2)], fence=7, scope=":home")
        with pytest.raises(LeaseLost):
            await timeline.append([happening(3)], fence=6, scope=":home")
        assert await ids(timeline) == ["h1", "h2"]


async def test_one_writer_that_lost_its_lease_spoils_nothing_for_those_in_its_batch(store: str) -> None:
    async with opened(store) as timeline:
        await timeline.append([happening(0)], fence=7)
        outcomes = await asyncio.gather(
            timeline.append([happening(1)], fence=9),
            timeline.append([happening(2)], fence=8),
            timeline.append([happening(3, "another")], fence=1),
            timeline.append([happening(4)]),
            return_exceptions=True,
        )
        assert [type(outcome) for outcome in outcomes] == [type(None), LeaseLost, type(None), type(None)]
        assert await ids(timeline) == ["h0", "h1", "h4"]
        assert await ids(timeline, "another") == ["h3"]


async def test_a_line_that_no_database_can_hold_is_refused_alone(store: str) -> None:
    async with opened(store) as timeline:
        outcomes = await asyncio.gather(
            timeline.append([happening(1)]),
            timeline.append([happening(2, at=2**70)]),
            timeline.append([happening(3)]),
            return_exceptions=True,
        )
        assert [type(outcome) for outcome in outcomes] == [type(None), StoreUnavailable, type(None)]
        assert await ids(timeline) == ["h1", "h3"]


async def test_who_follows_a_session_by_its_numbers_misses_no_line_that_took_long_to_commit(
    postgres_store: str,
) -> None:
    async with opened(postgres_store) as slow, opened(postgres_store) as quick, opened(postgres_store) as reader:
        await make_slow(postgres_store, "h1")
        first = asyncio.create_task(slow.append([happening(1)]))
        await asyncio.sleep(SLOW_S / 3)  # it has its number by now, and is not yet committed
        await quick.append([happening(2)])
        seen = await reader.read("s")
        await first
        seen += await reader.read("s", after=seen[-1].seq)
        assert [stored.line.id for stored in seen] == ["h1", "h2"]


async def make_slow(url: str, key: str) -> None:
    """The database takes SLOW_S over a line after it has been given its number."""
    engine = await open_engine(url)
    async with engine.begin() as connection:
        for statement in (
            f"CREATE FUNCTION wait() RETURNS trigger AS 'BEGIN PERFORM pg_sleep({SLOW_S}); RETURN NEW; END' "
            "LANGUAGE plpgsql",
            f"CREATE TRIGGER wait BEFORE INSERT ON lines FOR EACH ROW WHEN (NEW.key = '{key}') EXECUTE FUNCTION wait()",
        ):
            await connection.exec_driver_sql(statement)
    await engine.dispose()


async def test_nothing_is_lost_or_refused_while_the_database_restarts(postgres: Server, postgres_store: str) -> None:
    async with opened(postgres_store) as timeline:
        numbers = itertools.count()
        acknowledged: list[str] = []
        enough = asyncio.Event()

        async def write_on() -> None:
            while not enough.is_set():
                line = happening(next(numbers))
                await timeline.append([line])
                acknowledged.append(line.id)

        async def go_on(count: int) -> None:
            while len(acknowledged) < count:
                await timeline.append([happening(next(numbers), "another")])

        writers = asyncio.gather(*(write_on() for _ in range(8)))
        for how in (signal.SIGQUIT, signal.SIGINT):  # a crash, a restart in good order
            await asyncio.sleep(0.1)
            await asyncio.to_thread(postgres.stop, how)
            kept = len(acknowledged)
            await asyncio.sleep(0.3)
            assert len(acknowledged) == kept > 0
            postgres.start()
            await asyncio.wait_for(go_on(kept + 50), 10)
        enough.set()
        await writers
        stored = await ids(timeline)
        assert len(stored) == len(set(stored))
        assert set(acknowledged) == set(stored)


async def test_a_restart_between_two_reads_goes_unnoticed(postgres: Server, postgres_store: str) -> None:
    async with opened(postgres_store) as timeline:
        await timeline.append([happening(1)])
        await asyncio.to_thread(postgres.stop)
        postgres.start()
        assert await ids(timeline) == ["h1"]


async def test_a_database_that_stays_away_is_reported_in_time_and_used_again_later(
    postgres: Server, postgres_store: str
) -> None:
    async with opened(postgres_store, IMPATIENT) as timeline:
        await asyncio.to_thread(postgres.stop)
        try:
            began = asyncio.get_running_loop().time()
            outcomes = await asyncio.gather(
                *(timeline.append([happening(number)]) for number in range(10)), return_exceptions=True
            )
            took_s = asyncio.get_running_loop().time() - began
            with pytest.raises(StoreUnavailable):
                await timeline.read("s")
        finally:
            postgres.start()
        assert all(isinstance(outcome, StoreUnavailable) for outcome in outcomes)
        assert any("appends wait" in str(outcome) for outcome in outcomes)  # beyond the bound nobody is even queued
        assert 0.4 <= took_s < 2
        await timeline.append([happening(11)])
        assert await ids(timeline) == ["h11"]
