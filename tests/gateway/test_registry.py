from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.practice import again, rooms
from gateway.practice.learnt import Learnt
from gateway.practice.registry import ROLES, Registry, hashed
from gateway.practice.rooms import Partner, Room
from streaming.errors import Refused, StoreUnavailable
from streaming.timeline import open_engine, sqlite_url
from streaming.types import Speaker


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = await open_engine(sqlite_url(tmp_path))
    yield engine
    await engine.dispose()


def all_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


@pytest.fixture
def registry(engine: AsyncEngine) -> Registry:
    return Registry(engine)


async def test_each_link_stands_for_one_role_of_its_session(registry: Registry) -> None:
    new, other = await registry.create(), await registry.create()
    for role in ROLES:
        link = await registry.find(new.tokens[role])
        assert (link.session, link.role) == (new.session, role)
    tokens = [*new.tokens.values(), *other.tokens.values()]
    assert len(set(tokens)) == 8
    assert all(len(token) >= 32 for token in tokens)


async def test_a_token_that_was_never_given_opens_nothing(registry: Registry) -> None:
    new = await registry.create()
    for token in ("", "x" * 32, hashed(new.tokens["a"]), new.tokens["a"][:-1]):
        with pytest.raises(Refused) as refused:
            await registry.find(token)
        assert refused.value.code == "unknown_link"


async def test_tokens_and_devices_are_not_in_the_file_in_clear(registry: Registry, tmp_path: Path) -> None:
    new = await registry.create()
    await registry.claim(new.tokens["a"], "the device's secret")
    stored = all_bytes(tmp_path)
    assert new.session.encode() in stored
    for role in ("a", "b", "observer"):
        assert new.tokens[role].encode() not in stored
    assert b"the device's secret" not in stored


async def test_the_first_device_owns_a_link_and_comes_back_and_another_is_refused(registry: Registry) -> None:
    token = (await registry.create()).tokens["b"]
    assert not await registry.owned(token, "first device")
    await registry.claim(token, "first device")
    await registry.claim(token, "first device")
    assert await registry.owned(token, "first device")
    with pytest.raises(Refused) as refused:
        await registry.claim(token, "another device")
    assert refused.value.code == "link_in_use"


async def test_of_two_devices_at_once_exactly_one_gets_the_link(registry: Registry) -> None:
    token = (await registry.create()).tokens["a"]
    devices = [f"device number {n}" for n in range(8)]
    results = await asyncio.gather(*(registry.claim(token, device) for device in devices), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["NoneType"] + ["Refused"] * 7


async def test_a_saved_session_is_read_back_as_it_was(engine: AsyncEngine) -> None:
    registry = Registry(engine, lambda: 1000.0)
    new = await registry.create(demo=True)
    record = await registry.load(new.session)
    assert (record.demo, record.created_unix, record.began_unix) == (True, 1000.0, None)
    assert record.report == new.tokens["report"]
    room = rooms.joined(rooms.joined(record.room, Speaker.A, "Nora"), Speaker.B, "Ben")
    room = rooms.consented(rooms.consented(room, Speaker.A, True, True), Speaker.B, True, True)
    await registry.save(replace(record, room=room, began_unix=1001.5))
    again = await Registry(engine).load(new.session)
    assert (again.began_unix, again.room.a.name, again.room.agreed, again.room.watchable) == (
        1001.5,
        "Nora",
        True,
        True,
    )
    assert await registry.running() == [new.session]


async def test_rooms_that_nobody_used_expire_and_others_stay(engine: AsyncEngine) -> None:
    now = [1000.0]
    registry = Registry(engine, lambda: now[0])
    old, begun, open_now = [await registry.create() for _ in range(3)]
    await registry.save(replace(await registry.load(begun.session), began_unix=1001.0))
    now[0] = 2000.0
    new = await registry.create()
    assert await registry.expire(1500.0, [open_now.session]) == 1
    assert (await registry.load(old.session)).room.phase == "ended"
    for kept in (begun, open_now, new):
        assert (await registry.load(kept.session)).ended_unix is None


async def test_a_store_that_is_gone_is_said_in_one_line(tmp_path: Path) -> None:
    engine = await open_engine(sqlite_url(tmp_path))
    registry = Registry(engine)
    (tmp_path / "breathmark.sqlite3").unlink()
    await engine.dispose()
    with pytest.raises(StoreUnavailable, match="cannot"):
        await registry.create()


async def test_what_one_has_just_taken_back_does_not_move_on_to_their_next_practice(registry: Registry) -> None:
    new = await registry.create()
    room = Room(a=Partner(carry=True), b=Partner(carry=True), began=True, ended=True, learnt=True)
    seen = replace(
        await registry.load(new.session),
        room=room,
        began_unix=1.0,
        ended_unix=2.0,
        learnt=Learnt({}, habit_per_min=2.0),
    )
    await registry.save(seen)
    await registry.save(again.without_learnt(seen, Speaker.A))
    after = await again.open_next(registry, seen, "b", neutral_s=60.0)  # as it was looked at a moment before
    record = await registry.load(after.session)
    assert (record.learnt, record.room.learnt, record.room.a.carry) == (None, False, False)
