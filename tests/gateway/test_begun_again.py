from __future__ import annotations

import asyncio
from pathlib import Path

from coach.settings import CoachSettings
from gateway.media.clock import SessionClock
from gateway.practice.analyst import Practised
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
