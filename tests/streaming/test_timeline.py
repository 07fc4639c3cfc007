from __future__ import annotations

from pathlib import Path

import pytest

from streaming.errors import StoreUnavailable
from streaming.ids import event_id
from streaming.timeline import Timeline, open_engine, sqlite_url
from streaming.types import Annotation, Cue, Happening, Kind, Span, Speaker


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


async def test_what_was_appended_is_read_back_after_the_store_is_closed(tmp_path: Path) -> None:
    lines = [
        overlap(1600, "open", 8000),
        overlap(1600),
        Cue("c1", "s", 1, "One at a time?", 48_000, 8.0, ("x", "y")),
        Happening("h1", "s", "consent", 0, "a", {"practice": True}),
    ]
    engine = await open_engine(sqlite_url(tmp_path))
    async with Timeline(engine) as timeline:
        await timeline.append(lines)
    await engine.dispose()
    engine = await open_engine(sqlite_url(tmp_path))
    async with Timeline(engine) as timeline:
        assert [stored.line for stored in await timeline.read("s")] == lines
        assert await timeline.read("another session") == []
    await engine.dispose()


async def test_a_second_delivery_changes_nothing(tmp_path: Path) -> None:
    engine = await open_engine(sqlite_url(tmp_path))
    async with Timeline(engine) as timeline:
        await timeline.append([overlap(1600), overlap(3200)])
        await timeline.append([overlap(3200), overlap(1600), overlap(4800)])
        stored = await timeline.read("s")
    assert [s.line.span.start for s in stored if isinstance(s.line, Annotation)] == [1600, 3200, 4800]
    async with Timeline(engine) as timeline:
        assert await timeline.read("s", after=stored[1].seq) == stored[2:]
    await engine.dispose()


async def test_an_append_that_cannot_be_kept_is_never_acknowledged(tmp_path: Path) -> None:
    engine = await open_engine(sqlite_url(tmp_path))
    timeline = Timeline(engine)
    async with timeline:
        pass
    with pytest.raises(StoreUnavailable):
        await timeline.append([overlap(0)])
    await engine.dispose()


async def test_the_newest_snapshot_replaces_the_one_before(tmp_path: Path) -> None:
    engine = await open_engine(sqlite_url(tmp_path))
    async with Timeline(engine) as timeline:
        assert await timeline.read_snapshot("s") is None
        await timeline.save_snapshot("s", 100, b"old")
        await timeline.save_snapshot("s", 200, b"new")
        assert await timeline.read_snapshot("s") == (200, b"new")
    await engine.dispose()
