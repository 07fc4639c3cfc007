"""What somebody takes back is over from the moment they say it: whatever waits, and though they go right after."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.practice.session import Session
from streaming.types import Speaker
from tests.gateway.serving import Page, Served, practising, serving, settings_in, until
from tests.streaming.conftest import locked


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(settings_in(tmp_path)) as served:
        yield served


def session_of(served: Served, page: Page) -> Session:
    session = served.gateway.in_memory(page.session)
    assert session is not None
    return session


@pytest.mark.parametrize(
    ("word", "fields", "kind"),
    [("consent", {"practice": False}, "consent"), ("pause", {}, "paused"), ("end", {}, "ended")],
)
async def test_what_was_said_by_somebody_who_is_gone_before_their_turn_counts_all_the_same(
    served: Served, word: str, fields: dict[str, Any], kind: str
) -> None:
    links = await served.links()
    async with practising(served, links) as (a, b):
        session = session_of(served, a)
        async with session.practice.order:  # something else is being dealt with
            await a.say("setup", name="Nora")
            await a.say(word, **fields)
            await until(lambda: bool(session.practice.ahead))
            session.practice.audience.seats[Speaker.A].close()  # as whoever writes to a browser that is gone
        await until(lambda: Speaker.A not in session.practice.audience.seats)
        assert not session.room.analysing
        await b.pong()
    said = [line for line in await served.timeline(links["b"]) if line["kind"] == kind and line["by"] == "a"]
    assert len(said) == (2 if kind == "consent" else 1)
    assert said[-1].get("practice") is (False if kind == "consent" else None)


async def test_another_window_does_not_undo_what_the_first_has_just_taken_back(served: Served) -> None:
    links = await served.links()
    async with practising(served, links) as (a, _), served.page(links["a"], a.device, hello=False) as again:
        session = session_of(served, a)
        async with session.practice.order:
            await a.say("setup", name="Nora")
            await until(lambda: served.gateway.metrics.messages.labels("setup")._value.get() == 1)
            await again.say("hello", v=1, token=links["a"], device=a.device)
            await until(lambda: served.gateway.metrics.sockets.labels("a")._value.get() == 2)
            await a.say("consent", practice=False)
            await until(lambda: bool(session.practice.ahead))
        await a.refusal("taken_over")
        room = await again.room(lambda room: not room["partners"]["a"]["practice"])
        assert room["phase"] == "consent"


async def test_words_are_over_at_once_though_the_store_is_away(served: Served, tmp_path: Path) -> None:
    async with practising(served, await served.links()) as (a, b):
        for page in (a, b):
            await page.say("consent", practice=True, words=True)
            await page.pong()
        session = session_of(served, a)
        assert session.room.worded
        with locked(tmp_path):
            await a.say("consent", practice=True, words=False)
            await b.room(lambda room: room["partners"]["b"]["words"] and not room["partners"]["a"]["words"])
            assert not session.room.worded
        assert not [m for m in a.got if m["type"] == "refused"]


async def test_an_observer_is_shown_nothing_of_what_is_read_while_somebody_says_no(served: Served) -> None:
    links = await served.links()
    async with served.page(links["observer"]) as eyes, practising(served, links) as (a, b):
        await a.say("consent", practice=True, observer=True)
        await a.pong()
        session = session_of(served, a)
        read, reading, go_on = served.gateway.timeline.read, asyncio.Event(), asyncio.Event()

        async def slowly(session: str, after: int = 0) -> Any:
            lines = await read(session, after)
            reading.set()
            await go_on.wait()
            return lines

        session.practice.audience._timeline.read = slowly  # type: ignore[method-assign]  # a store that takes its time
        await b.say("consent", practice=True, observer=True)
        await reading.wait()
        await a.say("consent", practice=True, observer=False)
        await until(lambda: bool(session.practice.ahead) and not session.practice.heeded.watchable)
        go_on.set()
        await eyes.room(lambda room: room["partners"]["b"]["observer"] and not room["partners"]["a"]["observer"])
        await eyes.pong()
        assert eyes.lines() == []
