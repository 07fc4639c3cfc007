"""Simulated partners in a real gateway: what they say is heard when they say it, and refusals reach them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from gateway.demo import DIALOGUE
from gateway.simulated import SimulatedPartner, speak_together
from streaming.audio import read_partners
from streaming.errors import BreathmarkError, Refused
from streaming.types import SAMPLE_RATE_HZ, Samples, Speaker
from tests.gateway.media_peer import Machine
from tests.gateway.serving import PATIENCE_S, Served, bearer, serving, settings_in

SILENCE = np.zeros(SAMPLE_RATE_HZ, np.float32)
IN_STEP_S = 0.03  # one window of the speech detector
IN_TIME_S = 0.06  # besides a window: a packet's 20 ms, since placement goes by arrival


@pytest_asyncio.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(settings_in(tmp_path)) as running:
        yield running


def partner(gateway: Served, token: str, audio: Samples = SILENCE) -> SimulatedPartner:
    return SimulatedPartner(gateway.socket_url, token, audio, rate_hz=SAMPLE_RATE_HZ)


async def first_speech_s(gateway: Served, token: str) -> dict[str, float]:
    """Where each partner's first stretch of speech starts in the timeline."""
    answer = await gateway.http.get("/api/timeline", headers=bearer(token))
    starts: dict[str, float] = {}
    for line in map(json.loads, answer.text.splitlines()):
        if line["kind"] == "speech" and line["status"] == "final":
            starts.setdefault(line["by"], line["start_s"])
    return starts


async def test_two_partners_speak_in_step_and_are_heard_when_they_speak(gateway: Served, machine: Machine) -> None:
    truth: dict[str, Any] = json.loads(DIALOGUE.with_suffix(".truth.json").read_text(encoding="utf-8"))
    sound = read_partners([DIALOGUE])
    links = await gateway.links()
    cut = slice(0, 5 * SAMPLE_RATE_HZ)
    async with (
        asyncio.timeout(40),
        partner(gateway, links["a"], sound[Speaker.A][cut]) as a,
        partner(gateway, links["b"], sound[Speaker.B][cut]) as b,
    ):
        for one in (a, b):
            await one.connect_media()
            await one.consent()
        began_s = await speak_together([a, b])
        await a.played()
        await b.played()
        report = await a.end()
        await b.until(lambda: b.ended)
        assert report == b.report == links["report"]
        assert a.frames_heard > 200, "a hears b through the gateway"
        assert b.frames_heard > 200
    found = await first_speech_s(gateway, links["a"])
    apart_s = {s: found[s] - began_s - truth["speech"][s][0][0] for s in ("a", "b")}
    assert apart_s["a"] == pytest.approx(apart_s["b"], abs=IN_STEP_S + machine.late_s)
    assert max(map(abs, apart_s.values())) < IN_TIME_S + machine.late_s, apart_s


async def test_a_partner_who_is_turned_away_is_told_why(gateway: Served) -> None:
    links = await gateway.links()
    async with partner(gateway, links["a"]):
        with pytest.raises(Refused, match="another device") as refusal:
            await partner(gateway, links["a"]).__aenter__()
    assert refusal.value.code == "link_in_use"


async def test_waiting_ends_with_an_error_when_the_gateway_is_gone(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path)) as gateway:
        links = await gateway.links()
        one = await partner(gateway, links["a"]).__aenter__()
        waiting = asyncio.create_task(one.ready())
        await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(BreathmarkError, match="gateway"):
            await waiting
    await one.close()


async def test_no_gateway_is_told_in_one_line() -> None:
    nobody = SimulatedPartner("ws://127.0.0.1:9/ws", "a token of no session", SILENCE)
    with pytest.raises(BreathmarkError, match=r"no gateway at ws://127\.0\.0\.1:9/ws"):
        await nobody.__aenter__()
