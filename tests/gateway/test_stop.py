"""Either partner can stop at any moment, also when everything else stands still."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.serving import serving, settings_in


@pytest.mark.parametrize(
    ("word", "fields", "phase"),
    [("pause", {}, "paused"), ("consent", {"practice": False}, "consent"), ("end", {}, "ended")],
)
async def test_nothing_is_listened_to_from_the_moment_of_a_stop_though_the_store_is_away(
    tmp_path: Path, word: str, fields: dict[str, Any], phase: str
) -> None:
    async with serving(settings_in(tmp_path)) as served:
        links = await served.links()
        async with served.page(links["a"]) as a, served.page(links["b"]) as b:
            for page in (a, b):
                await page.say("consent", practice=True)
            for page in (a, b):
                await page.room(lambda room: room["phase"] == "practising")
            session = served.gateway.in_memory(a.session)
            assert session is not None
            analysis = session.practice._analysis
            assert analysis is not None
            store = sqlite3.connect(tmp_path / "breathmark.sqlite3", isolation_level=None)
            store.execute("BEGIN EXCLUSIVE")
            await b.say("setup", name="Kim")
            await asyncio.sleep(0.2)
            assert analysis.on
            await a.say(word, **fields)
            async with asyncio.timeout(1.5):
                while analysis.on:  # noqa: ASYNC110 (it tells nobody)
                    await asyncio.sleep(0.01)
            store.execute("ROLLBACK")
            store.close()
            if phase == "ended":
                await a.one("ended")
            else:
                await a.room(lambda room: room["phase"] == phase)
            assert not analysis.on
