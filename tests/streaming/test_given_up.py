from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from streaming.engine import open_engine, sqlite_url
from streaming.errors import StoreUnavailable
from streaming.timeline import Timeline, TimelineSettings
from streaming.types import Happening
from tests.streaming.conftest import locked


def said(id: str) -> Happening:
    return Happening(id, "s", "consent", 0, "a", {"practice": True})


async def test_what_somebody_was_told_did_not_count_is_not_written_later(tmp_path: Path) -> None:
    engine = await open_engine(sqlite_url(tmp_path))
    async with Timeline(engine) as timeline:
        with locked(tmp_path):
            first = asyncio.create_task(timeline.append([said("waits")]))
            await asyncio.sleep(0.1)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await timeline.append([said("given up")])
        await first
        await timeline.append([said("later")])
        assert [stored.line.id for stored in await timeline.read("s")] == ["waits", "later"]
    await engine.dispose()


async def test_a_store_that_fails_is_told_in_the_databases_own_words(tmp_path: Path) -> None:
    engine = await open_engine(sqlite_url(tmp_path))
    async with Timeline(engine, TimelineSettings(give_up_s=0.3)) as timeline:
        store = sqlite3.connect(tmp_path / "breathmark.sqlite3")
        store.execute("ALTER TABLE lines RENAME TO gone")
        store.close()
        for doing in (timeline.read("s"), timeline.append([said("lost")])):
            with pytest.raises(StoreUnavailable, match="no such table: lines") as told:
                await doing
            assert "sqlalche" not in str(told.value)
            assert "SQL:" not in str(told.value)
    await engine.dispose()
    (tmp_path / "breathmark.sqlite3").write_bytes(b"no database " * 100)
    with pytest.raises(StoreUnavailable, match=r"not a database$"):
        await open_engine(sqlite_url(tmp_path))
