from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from coach.settings import CoachSettings
from gateway.media.clock import SessionClock
from gateway.metrics import Metrics
from gateway.outbox import Outbox
from gateway.practice.analyst import Practised
from gateway.settings import SocketSettings
from streaming.errors import StoreUnavailable
from streaming.types import Speaker
from tests.gateway.serving import serving, settings_in
from tests.streaming.conftest import locked


async def test_a_practice_whose_first_beginning_the_store_did_not_take_is_analysed_at_its_second(
    tmp_path: Path,
) -> None:
    async with serving(settings_in(tmp_path, snapshot_s=600.0)) as served:
        analysts = served.analysts
        practised = Practised("s", SessionClock.start(), CoachSettings(), lambda _: None, lambda: None)
        first = analysts.begin(practised)
        await first.close()
        with locked(tmp_path):
            saving = asyncio.create_task(analysts.save())  # forgets the first, as soon as the store lets it
            await asyncio.sleep(0.2)
            second = analysts.begin(practised)
        await saving
        assert analysts._analysts["s"] is second
        analysts._failed("of nobody", ValueError("what one practice does wrong stops the others' detectors"))
        await served.gateway.check()
        await second.close()


async def test_nobody_is_welcomed_into_a_practice_whose_beginning_is_not_on_disk(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path)) as served:
        links = await served.links()
        async with served.page(links["a"], "device of a") as a, served.page(links["b"]) as b:
            session = served.gateway.in_memory(a.session)
            assert session is not None
            await a.say("consent", practice=True)
            await a.pong()
            await session.leave(session.practice.audience.seats[Speaker.A])
            await b.say("consent", practice=True)
            await b.pong()
            box = Outbox("a", SocketSettings(), Metrics())
            with locked(tmp_path), pytest.raises(StoreUnavailable):
                await session.join(box, "Nora")
            box.close()
            assert await box.take() is None
            assert not session.room.began
            await session.join(Outbox("a", SocketSettings(), Metrics()), "Nora")
            assert (await b.room(lambda room: room["phase"] == "practising"))["partners"]["a"]["name"] == "Nora"
