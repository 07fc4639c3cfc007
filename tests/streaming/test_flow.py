"""What waits to be sent: live audio gives way, what was said of it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from streaming.backbone import Backbone
from streaming.bus import START, Bus
from streaming.flow import FlowSettings, Outbox

TEN = FlowSettings(waiting_per_stream=10)


async def sent(bus: Bus, payloads: Sequence[bytes]) -> tuple[list[bytes], int]:
    """What arrives of ``payloads`` that were all offered before anything could be sent, and how many were dropped."""
    outbox = Outbox(bus, settings=TEN, is_live=lambda payload: payload.startswith(b"audio"))
    for payload in payloads:
        outbox.offer("in:s", payload)
    sending = asyncio.create_task(outbox.run())
    await outbox.sent()
    sending.cancel()
    return [message.payload for message in await bus.read({"in:s": START}, wait_s=0)], outbox.dropped


def audio(*numbers: int) -> list[bytes]:
    return [b"audio %d" % number for number in numbers]


async def test_the_newest_audio_is_kept_and_what_people_did_stays_in_its_place(backbone: Backbone) -> None:
    offered = [b"begin", *audio(*range(6)), b"paused", *audio(*range(6, 20)), b"resumed"]
    assert await sent(backbone.bus, offered) == ([b"begin", b"paused", *audio(*range(13, 20)), b"resumed"], 13)


async def test_even_what_is_not_audio_has_its_bound(backbone: Backbone) -> None:
    said = [b"%d" % number for number in range(50)]
    arrived, dropped = await sent(backbone.bus, said)
    assert len(arrived) <= 20
    assert arrived == said[-len(arrived) :]
    assert dropped == 50 - len(arrived)
