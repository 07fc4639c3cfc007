"""What both partners are told of a microphone that gives nothing, and of servers to connect through."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gateway.media.ice import IceSettings, TurnSettings
from gateway.media.partner import PeerSettings
from streaming.types import SAMPLE_RATE_HZ, AudioChunk, Speaker
from tests.gateway.media_peer import until
from tests.gateway.serving import Page, Served, practising, serving, settings_in

TURN = TurnSettings(("turn:turn.example:3478",), "a-secret-of-this-test", ttl_s=600)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(settings_in(tmp_path, peer=PeerSettings(ice=IceSettings(turn=TURN)))) as served:
        yield served


def microphone(page: Page, whose: str) -> str:
    """As the page was told last."""
    rooms = [message["room"] for message in page.got if "room" in message]
    state: str = rooms[-1]["partners"][whose]["microphone"]
    return state


async def told(page: Page, whose: str, state: str) -> None:
    await until(lambda: microphone(page, whose) == state)


async def test_what_a_browser_knows_of_its_microphone_both_are_told(served: Served) -> None:
    links = await served.links()
    async with served.page(links["a"], "the same device") as a, served.page(links["b"]) as b:
        for state in ("unplugged", "muted", "ok"):
            await a.say("microphone", state=state)
            for page in (a, b):
                await told(page, "a", state)
        await a.say("microphone", state="muted")
        await told(b, "a", "muted")
        async with served.page(links["a"], "the same device"):  # a reloaded page opens its microphone anew
            await told(b, "a", "ok")


async def test_a_microphone_without_any_sound_for_ten_seconds_is_told_until_it_is_heard(served: Served) -> None:
    links = await served.links()
    async with practising(served, links) as (a, b):
        session = await served.gateway.session(b.session)
        assert session is not None
        practice = session.practice
        noise = np.random.default_rng(0).standard_normal(12 * SAMPLE_RATE_HZ).astype(np.float32) * np.float32(1e-3)

        def hear(of_a: np.ndarray[tuple[int], np.dtype[np.float32]]) -> None:
            assert practice._analysis is not None
            for speaker, audio in ((Speaker.A, of_a), (Speaker.B, noise)):
                start = practice._analysis.analyst.given[speaker]
                practice.heard(AudioChunk(b.session, speaker, start, audio, missing=False))

        hear(np.zeros_like(noise))
        for page in (a, b):
            await told(page, "a", "silent")
            assert microphone(page, "b") == "ok"
        hear(noise)
        await told(b, "a", "ok")


async def test_pages_are_given_credentials_that_are_good_from_now_on_and_observers_none(served: Served) -> None:
    links = await served.links()
    async with served.page(links["a"]) as a, served.page(links["observer"]) as watcher:
        before_unix = int(time.time())
        await a.say("ice")
        fresh = await a.room(lambda room: until_unix(room) >= before_unix + TURN.ttl_s)
        assert fresh["ice_good_s"] == TURN.ttl_s
        (given,) = fresh["ice_servers"]
        expected = IceSettings(turn=replace(TURN)).servers_at(until_unix(fresh) - TURN.ttl_s, a.session)[0]
        assert (given["username"], given["credential"]) == (expected.username, expected.credential)
        welcome = await watcher.one("welcome")
        assert (welcome["room"]["ice_servers"], welcome["room"]["ice_good_s"]) == ([], None)
        await a.say("microphone", state="muted")
        await told(watcher, "a", "muted")
        assert watcher.got[-1]["room"]["ice_servers"] == []
        assert TURN.secret not in str(a.got)


def until_unix(room: dict[str, list[dict[str, str]]]) -> int:
    return int(room["ice_servers"][0]["username"].split(":")[0])
