"""Live practices: real sockets, real WebRTC peers that speak the bundled dialogue, a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from gateway.demo import DIALOGUE
from gateway.simulated import SimulatedPartner, speak_together
from streaming.audio import read_partners
from streaming.types import SAMPLE_RATE_HZ, AudioChunk, Samples, Speaker
from tests.gateway.serving import DEVICES, QUARREL_FROM_S, Served, bearer, practising, serving, settings_in, until
from tests.streaming.conftest import locked


def dialogue(from_s: float) -> dict[Speaker, Samples]:
    return {s: own[int(from_s * SAMPLE_RATE_HZ) :] for s, own in read_partners([DIALOGUE]).items()}


@asynccontextmanager
async def couple(
    served: Served, links: dict[str, str], from_s: float = QUARREL_FROM_S
) -> AsyncIterator[tuple[SimulatedPartner, SimulatedPartner]]:
    """Both partners in the room, their microphones on, nothing agreed yet."""
    audio = dialogue(from_s)
    async with AsyncExitStack() as stack:
        a, b = [
            await stack.enter_async_context(
                SimulatedPartner(served.socket_url, links[s.value], audio[s], rate_hz=SAMPLE_RATE_HZ, name=s.value)
            )
            for s in Speaker
        ]
        await a.connect_media()
        await b.connect_media()
        await a.until(lambda: all(a.room["partners"][s.value]["media"] == "connected" for s in Speaker))
        yield a, b


async def test_before_both_agree_no_frame_is_analysed_and_a_withdrawal_stops_it(served: Served) -> None:
    links = await served.links()
    heard = served.gateway.metrics.heard_seconds._value
    async with couple(served, links) as (a, b):
        now = asyncio.get_running_loop().time()
        a.play_at(now)
        b.play_at(now)
        await a.consent()
        await asyncio.sleep(1.0)
        assert heard.get() == 0.0
        assert a.room["phase"] == "consent"
        await b.consent()
        await a.until(lambda: a.room["phase"] == "practising")
        await until(lambda: heard.get() > 2.0)
        await b.consent(practice=False)
        await a.until(lambda: a.room["phase"] == "consent")
        stopped = heard.get()
        await asyncio.sleep(1.0)
        assert heard.get() == stopped
        await b.consent()
        await until(lambda: heard.get() > stopped + 1.0)
        await a.end()
    lines = await served.timeline(links["a"])
    assert lines[0]["kind"] == "joined"
    began = next(n for n, line in enumerate(lines) if line["kind"] == "began")
    assert [line["kind"] for line in lines[:began]].count("consent") == 2
    assert all("confidence" not in line for line in lines[:began]), "nothing was detected before it began"
    assert any(line["kind"] == "speech" for line in lines)


async def test_a_pause_is_missing_audio_and_session_time_goes_on(served: Served) -> None:
    links = await served.links()
    async with couple(served, links) as (a, b):
        await a.consent()
        await b.consent()
        await speak_together([a, b])
        await asyncio.sleep(3.0)
        loop = asyncio.get_running_loop()
        asked_s = loop.time()
        await b.say({"type": "pause"})
        await a.until(lambda: a.room["phase"] == "paused")
        paused_s, heard_by_a = loop.time(), a.frames_heard
        await until(lambda: a.frames_heard > heard_by_a + 50)  # nobody is muted by the machine
        resumes_s = loop.time()
        await a.say({"type": "resume"})
        await a.until(lambda: a.room["phase"] == "practising")
        resumed_s = loop.time()
        await asyncio.sleep(2.0)
        await a.end()
    lines = await served.timeline(links["a"])
    paused, resumed = (next(line["start_s"] for line in lines if line["kind"] == k) for k in ("paused", "resumed"))
    assert resumes_s - paused_s - 0.01 < resumed - paused < resumed_s - asked_s + 0.01
    speech = [line for line in lines if line["kind"] == "speech" and line["status"] == "final"]
    assert any(line["end_s"] <= paused + 0.1 for line in speech)
    assert any(line["start_s"] >= resumed - 0.1 for line in speech)
    for line in speech:
        assert line["end_s"] <= paused + 0.1 or line["start_s"] >= resumed - 0.1
    unheard = {line["by"]: line["seconds"] for line in lines if line["kind"] == "unheard"}
    assert all(unheard[by] >= resumed - paused - 0.1 for by in ("a", "b"))


async def test_partners_in_one_room_are_sent_nothing_back(served: Served) -> None:
    links = await served.links()
    async with couple(served, links) as (a, b):
        await a.set_up(same_room=True)
        await a.consent()
        await b.consent()
        await a.ready()
        await asyncio.sleep(1.0)
        assert (a.frames_heard, b.frames_heard) == (0, 0)
        await b.set_up(same_room=False)
        await until(lambda: a.frames_heard > 0 and b.frames_heard > 0)


async def test_a_cue_is_on_disk_before_it_is_shown_and_its_way_is_traced(served: Served) -> None:
    links = await served.links()
    async with served.page(links["observer"]) as observer, practising(served, links, observer=True) as (a, b):
        await speak(served, a.session)
        shown = (await a.one("cue"))["line"]
        kept = {line["id"] for line in await served.timeline(links["a"])}
        assert shown["id"] in kept
        assert (await b.one("cue"))["line"] == (await observer.one("cue"))["line"] == shown
        await a.say("dismiss", cue=shown["id"])
        for page in (a, b):
            for _ in range(2):  # a page that is unsure says it again
                await page.say("painted", cue=shown["id"], received_ms=10.0, painted_ms=26.0)
        await a.pong()
        await b.say("end")
        report = (await b.one("ended"))["report"]
        assert (await a.one("ended"))["report"] == report == links["report"]
    lines = await served.timeline(links["a"])
    for kind, by in (("cue_painted", "a"), ("cue_painted", "b"), ("cue_dismissed", "a")):
        [line] = [line for line in lines if line["kind"] == kind and line["by"] == by]
        assert line["cue"] == shown["id"]
        if kind == "cue_painted":
            assert line["delay_ms"] == 16.0
            assert 0 <= line["decided_to_sent_ms"] < 1000
            assert line["sent_to_acknowledged_ms"] > 0
            assert "captured_to_decided_ms" in line
    answer = await served.http.get("/api/report", headers=bearer(report))
    assert shown["id"] in {item["id"] for item in answer.json()["rail"] if item["group"] == "cue"}


async def speak(served: Served, session_id: str) -> None:
    """The dialogue, handed in where the microphones' audio arrives, and faster: nobody has to wait for a cue."""
    session = served.gateway.in_memory(session_id)
    assert session is not None
    audio = dialogue(0.0)
    length = min(len(own) for own in audio.values())
    for start in range(0, length, 2 * SAMPLE_RATE_HZ):
        for speaker, own in audio.items():
            session.practice.heard(AudioChunk(session_id, speaker, start, own[start : start + 2 * SAMPLE_RATE_HZ]))
        async with asyncio.timeout(20):  # the worker's queue holds 10 s
            while (await served.analysts._worker.save(session_id))[0] < start:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.01)


async def test_an_observer_sees_lines_only_while_both_agree(served: Served) -> None:
    links = await served.links()
    async with served.page(links["observer"]) as observer, served.page(links["a"]) as a, served.page(links["b"]) as b:
        await a.say("consent", practice=True, observer=True)
        await b.say("consent", practice=True, observer=False)
        await observer.room(lambda room: room["phase"] == "practising" and room["observer_waiting"])
        await observer.pong()
        assert observer.lines() == []
        shown = await served.http.get("/api/timeline", headers=bearer(links["observer"]))
        assert shown.json()["code"] == "not_agreed"
        await b.say("consent", practice=True, observer=True)
        await observer.one("lines")
        assert [line["kind"] for line in observer.lines()][:2] == ["observer_joined", "joined"], "the history comes too"
        await b.say("consent", practice=True, observer=False)
        await observer.room(lambda room: room["observer_waiting"] and room["partners"]["a"]["observer"])
        await observer.pong()
        seen = len(observer.lines())
        await a.say("pause")
        await observer.room(lambda room: room["phase"] == "paused")
        await observer.pong()
        await asyncio.sleep(0.3)  # more than a batch of lines waits
        assert len(observer.lines()) == seen
        assert (await a.room(lambda room: room["observers"] == 1))["observers"] == 1, "never a hidden observer"


async def test_a_practice_that_ended_leads_everybody_back_to_the_report(served: Served) -> None:
    links = await served.links()
    async with practising(served, links) as (a, b):
        await b.say("end")
        for page in (a, b):
            assert (await page.one("ended"))["report"] == links["report"]
        await a.say("resume")
        await a.refusal("session_ended")
    async with served.page(links["a"], DEVICES["a"]) as again:
        assert (await again.one("welcome"))["room"]["phase"] == "ended"
        assert (await again.one("ended"))["report"] == links["report"]
        assert await again.closed() == 1000
    for token, device in ((links["a"], "another device"), (links["observer"], "")):
        async with served.page(token, device) as stranger:
            assert (await stranger.refusal("session_ended"))["fatal"]


async def test_a_couple_that_does_not_come_back_has_ended_and_has_its_report(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path, idle_s=0.3, sweep_s=0.1)) as served:
        links = await served.links()
        async with practising(served, links):
            pass
        await until(lambda: has_ended(served, links["a"]))
        answer = await served.http.get("/api/report", headers=bearer(links["report"]))
        assert answer.status_code == 200
        lines = await served.timeline(links["a"])
        left = [line["start_s"] for line in lines if line["kind"] == "left"]
        [ended] = [line for line in lines if line["kind"] == "ended"]
        assert ended["start_s"] - max(left) < 0.2, "it was over when the last of them left"


async def test_a_room_that_nobody_used_expires(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path, waiting_s=0.2, sweep_s=0.1)) as served:
        links = await served.links()
        async with served.page(links["a"], "the device of a") as a:
            await a.refusal("session_ended")
            await a.closed()
        async with served.page(links["a"], "the device of a") as late:
            await late.refusal("session_ended")


async def test_what_the_store_cannot_take_does_not_count(served: Served, tmp_path: Path) -> None:
    links = await served.links()
    async with served.page(links["a"]) as a, served.page(links["b"]) as b:
        await a.say("consent", practice=True)
        await a.pong()
        await b.pong()
        with locked(tmp_path):
            await b.say("consent", practice=True)
            refused = await b.refusal("store_unavailable")
            assert not refused["fatal"]
            room = (await a.one("room"))["room"]
            assert not room["partners"]["b"]["practice"]
            assert served.gateway.metrics.heard_seconds._value.get() == 0.0
        await b.say("consent", practice=True)
        await a.room(lambda room: room["phase"] == "practising")
        with locked(tmp_path):
            await b.say("pause")
            await a.room(lambda room: room["phase"] == "paused")  # what stops the analysis never waits
        await until(lambda: has_line(served, links, "paused"))


async def has_ended(served: Served, token: str) -> bool:
    return bool((await served.told("/api/link", token))["phase"] == "ended")


async def has_line(served: Served, links: dict[str, str], kind: str) -> bool:
    return any(line["kind"] == kind for line in await served.timeline(links["a"]))
