"""What every analyst keeps its word on: the one of this process, and workers over a bus; on each store."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from benchmarks.servers import Server
from coach.settings import CoachSettings
from gateway.media.clock import SessionClock
from gateway.metrics import Metrics
from gateway.practice.analyst import Analyst, LocalAnalyst, Practised, Tools
from gateway.practice.analysts import Analysts, LocalAnalysts
from gateway.practice.exchange import Begin, Close, Heard
from gateway.workers.remote_analysts import RemoteAnalyst, RemoteAnalysts
from streaming.backbone import open_backbone
from streaming.timeline import Timeline, open_engine, sqlite_url
from streaming.types import Annotation, AudioChunk, Happening, Line
from streaming.wire import dumps
from tests.gateway.serving import until
from tests.gateway.stream_script import expected, script
from tests.gateway.test_workers import working
from tests.streaming.conftest import QUICK_LEASES, empty, empty_database, redis_url

FRAME_SAMPLES = 512
AT_ONCE = 20  # pieces of 100 ms that are offered together: 1 s of both


@dataclass(slots=True)
class Analysing:
    """Analysts at work, and a practice's way to them."""

    analysts: Analysts
    timeline: Timeline
    clock: SessionClock = field(default_factory=SessionClock.start)
    shown: list[Line] = field(default_factory=list)

    def practised(self, session: str) -> Practised:
        policy = CoachSettings(settle_in_s=0.0)
        return Practised(session, self.clock, policy, show=self.shown.extend, changed=lambda: None)

    async def tell(self, session: str, messages: Sequence[Heard]) -> Analyst:
        """All of a practice, faster than it is spoken; what people do comes when the audio before it is worked on."""
        analyst = self.analysts.begin(self.practised(session))

        async def caught_up() -> None:
            if isinstance(analyst, LocalAnalyst):
                await until(lambda: min(analyst.given.values()) - analyst.now < FRAME_SAMPLES)
            elif isinstance(self.analysts, RemoteAnalysts):
                await self.analysts._lane.sent()  # the stream has one order for all

        def over() -> bool:
            return analyst.closed.is_set() if isinstance(analyst, RemoteAnalyst) else True

        for n, message in enumerate(messages):
            match message:
                case AudioChunk():
                    analyst.offer(message)
                case Happening() | Annotation():
                    await caught_up()
                    await self.timeline.append([message])
                    await analyst.happened([message])
                case Close():
                    await caught_up()
                    await analyst.close()
                    await until(over)
                case Begin():
                    pass  # said by ``begin``
            if n % AT_ONCE == 0:
                await caught_up()
                await asyncio.sleep(0)
        return analyst

    async def written(self, session: str) -> list[Line]:
        return [stored.line for stored in await self.timeline.read(session)]


@asynccontextmanager
async def in_process(timeline: Timeline) -> AsyncIterator[Analysts]:
    yield LocalAnalysts(Tools(timeline, Metrics()))


@asynccontextmanager
async def over_the_bus(timeline: Timeline, redis: Server) -> AsyncIterator[Analysts]:
    empty(redis)
    async with AsyncExitStack() as stack:
        ours, theirs = [
            await stack.enter_async_context(open_backbone(redis_url(redis), QUICK_LEASES)) for _ in range(2)
        ]
        await stack.enter_async_context(working(theirs, timeline))
        yield RemoteAnalysts(Tools(timeline, Metrics()), ours)


@pytest.fixture(params=["in process, SQLite", "in process, PostgreSQL", "over the bus, PostgreSQL"])
async def analysing(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Analysing]:
    way, _, store = str(request.param).partition(", ")
    if store == "SQLite":
        url = sqlite_url(tmp_path)
    else:
        url = await empty_database(request.getfixturevalue("postgres"))
    engine = await open_engine(url)
    async with Timeline(engine) as timeline, AsyncExitStack() as stack:
        alone = way == "in process"
        own = in_process(timeline) if alone else over_the_bus(timeline, request.getfixturevalue("redis"))
        analysts = await stack.enter_async_context(own)
        running = asyncio.create_task(analysts.run())
        yield Analysing(analysts, timeline)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    await engine.dispose()


async def test_the_same_talk_gives_the_same_lines_whoever_analyses_it(analysing: Analysing) -> None:
    messages = script("s", 20.0, 60.0)
    await analysing.tell("s", messages)
    done = [m.id for m in messages if isinstance(m, Happening)]
    lines = [line for line in await analysing.written("s") if line.id not in done]
    assert sorted(dumps(line) for line in lines) == expected("s", messages)
    assert {line.kind for line in lines} >= {"speech", "arousal", "cue"}
    assert Counter(map(dumps, analysing.shown)) == Counter(map(dumps, lines)), "each is shown, and once"


async def test_a_practice_has_taught_something_until_it_is_over_and_then_nothing_of_its_sound_is_left(
    analysing: Analysing,
) -> None:
    analysts, policy = analysing.analysts, CoachSettings()
    *talk, _ = script("s", 0.0, 60.0)

    async def known() -> bool:
        await analysts.save()
        return await analysts.learnt("s", policy) is not None

    async def unknown() -> bool:
        return not await known()

    analyst = await analysing.tell("s", talk)
    await until(known)
    await analyst.close()
    await until(unknown)


async def test_two_practices_at_once_are_kept_apart(analysing: Analysing) -> None:
    talks = {"one": script("one", 20.0, 40.0), "two": script("two", 40.0, 60.0)}
    await asyncio.gather(*(analysing.tell(session, messages) for session, messages in talks.items()))
    for session, messages in talks.items():
        done = [m.id for m in messages if isinstance(m, Happening)]
        lines = [line for line in await analysing.written(session) if line.id not in done]
        assert sorted(dumps(line) for line in lines) == expected(session, messages)
