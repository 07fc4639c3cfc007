"""Several gateways, one Redis, one store: people of one practice sit at different ones and notice nothing."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from benchmarks.servers import Server
from coach.settings import CoachSettings
from gateway.demo import DIALOGUE
from gateway.metrics import Metrics
from gateway.neighbours import guest, host
from gateway.neighbours.letters import (
    GuestLetter,
    HomeLetter,
    Knock,
    Said,
    Shown,
    read_guest_letter,
    read_home_letter,
    to_guest,
    to_home,
    voice_of,
)
from gateway.neighbours.neighbours import Neighbours
from gateway.neighbours.post import Post
from gateway.practice.holdings import Holdings
from gateway.practice.registry import Registry, hashed
from gateway.protocol import Consent
from gateway.settings import GatewaySettings
from gateway.simulated import speak_together
from gateway.tasks import Tasks
from streaming.audio import read_partners
from streaming.backbone import open_backbone
from streaming.errors import LeaseLost
from streaming.timeline import open_engine, sqlite_url
from streaming.types import SAMPLE_RATE_HZ, Speaker
from tests.e2e.browser import GatewayProcess
from tests.gateway.neighbours import gateways, partner, practised_at, say_a_cue, spoken, working
from tests.gateway.serving import PATIENCE_S, QUARREL_FROM_S, Page, Served, bearer, serving, until
from tests.streaming.conftest import empty, redis_url


@pytest.fixture
def redis(redis: Server) -> Server:
    """With nothing on it."""
    empty(redis)
    return redis


@pytest.fixture
def settings(redis: Server, tmp_path: Path) -> GatewaySettings:
    return GatewaySettings(
        data=tmp_path,
        bus_url=redis_url(redis),
        store_url=sqlite_url(tmp_path),
        coach=CoachSettings(settle_in_s=0.0, neutral_s=0.0),
    )


def neighbour(settings: GatewaySettings, folder: Path) -> GatewayProcess:
    """One more gateway, in a process of its own."""
    assert settings.bus_url is not None
    assert settings.store_url is not None
    return GatewayProcess(folder / "home", options=("--bus", settings.bus_url, "--store", settings.store_url))


async def test_a_couple_and_its_observer_meet_from_three_gateways(settings: GatewaySettings) -> None:
    async with gateways(settings, 3) as (home, second, third):
        links = await second.links()
        async with (
            home.page(links["a"], name="Nora") as a,
            second.page(links["b"], name="Ben") as b,
            third.page(links["observer"]) as observer,
        ):
            assert [g.gateway.in_memory(a.session) is not None for g in (home, second, third)] == [True, False, False]
            both = await a.room(lambda room: room["partners"]["b"]["present"] and room["observers"] == 1)
            assert both["partners"]["b"]["name"] == "Ben"
            await a.say("consent", practice=True, observer=True)
            await b.say("consent", practice=True, observer=False)
            for page in (a, b, observer):
                await page.room(lambda room: room["phase"] == "practising")
            for gateway in (home, second, third):
                assert (await gateway.told("/api/link", links["b"]))["phase"] == "practising"
                report = await gateway.told("/api/report", links["a"])
                assert report["began_unix"] is not None
            await observer.pong()
            assert observer.lines() == []
            await b.say("consent", practice=True, observer=True)
            await observer.one("lines")
            assert [line["kind"] for line in observer.lines()][:2] == ["joined", "joined"], "the history comes too"
            shown = await say_a_cue(home, a.session)
            for page in (a, b, observer):
                assert (await page.one("cue"))["line"]["id"] == shown
            await b.say("painted", cue=shown, received_ms=10.0, painted_ms=26.0)
            await observer.one("lines", where=lambda m: any(line["kind"] == "cue_painted" for line in m["lines"]))
            await observer.say("note", text="Slow  down")
            for page in (a, b, observer):
                assert (await page.one("note"))["line"]["text"] == "Slow down"
            await observer.say("note", text="And again")
            await observer.refusal("note_too_soon")
            await b.say("note", text="Listen")
            await b.refusal("not_an_observer")
            await b.say("consent", practice=True, observer=False)
            await b.say("pause")
            for page in (a, observer):
                await page.room(lambda room: room["phase"] == "paused")
            await observer.say("pause")
            await observer.refusal("not_a_partner")
            assert "paused" not in {line["kind"] for line in observer.lines()}, "the agreement was withdrawn before it"
        lines = await third.timeline(links["a"])
        assert [line["by"] for line in lines if line["kind"] == "cue_painted"] == ["b"]


@pytest.fixture(scope="module")
def dialogue() -> dict[Speaker, Any]:
    audio = read_partners([DIALOGUE])
    return {speaker: own[int(QUARREL_FROM_S * SAMPLE_RATE_HZ) :] for speaker, own in audio.items()}


async def test_partners_at_two_gateways_hear_each_other_and_are_both_heard(
    settings: GatewaySettings, dialogue: dict[Speaker, Any]
) -> None:
    async with working(settings), gateways(settings, 3) as (home, second, third), AsyncExitStack() as stack:
        links = await third.links()
        observer = await stack.enter_async_context(home.page(links["observer"]))
        a = await partner(stack, second, links, Speaker.A, dialogue)
        b = await partner(stack, third, links, Speaker.B, dialogue)
        for own in (a, b):
            await own.connect_media()
            await own.consent()
        await speak_together([a, b])
        await until(lambda: spoken(observer.lines()) == {"a", "b"})
        assert min(a.frames_heard, b.frames_heard) > 20
        session = home.gateway.in_memory(observer.session)
        assert session is not None
        clock = session.practice.clock
        assert clock is not None
        assert abs(await a.session_time_at() + asyncio.get_running_loop().time() - clock.now() / SAMPLE_RATE_HZ) < 0.25
        await a.say({"type": "pause"})
        await b.until(lambda: b.room["phase"] == "paused")
        heard = home.gateway.metrics.heard_seconds._value.get()
        frames = a.frames_heard
        await asyncio.sleep(0.6)
        assert home.gateway.metrics.heard_seconds._value.get() == heard, "nothing is analysed in a pause"
        seats = [*second.gateway.neighbours._guests, *third.gateway.neighbours._guests]
        assert not any(map(decodes, seats)), "nor decoded"
        await until(lambda: a.frames_heard > frames + 10)  # nobody is muted by the machine
        await a.say({"type": "resume"})
        await until(lambda: home.gateway.metrics.heard_seconds._value.get() > heard)
        await b.say({"type": "time_out", "minutes": 1, "back_at": "8:40"})
        await b.until(lambda: any(refused["code"] == "bad_time_out" for refused in b.refusals))
        await until(lambda: all(map(decodes, seats)))  # it stopped at once, and all for nothing
        assert await b.end() == links["report"]
        await a.until(lambda: a.ended)
        for gateway in (home, second, third):
            assert (await gateway.told("/api/link", links["a"]))["phase"] == "ended"


async def test_a_killed_home_is_replaced_while_the_couple_talks_on(
    settings: GatewaySettings, dialogue: dict[Speaker, Any], tmp_path: Path
) -> None:
    home = neighbour(settings, tmp_path)
    async with working(settings), gateways(settings, 2) as (second, third), AsyncExitStack() as stack:
        await asyncio.to_thread(home.start)
        stack.callback(home.kill)
        links = await second.links()
        async with Page(home.socket_url, links["observer"], "x" * 16) as at_home:
            observer = await stack.enter_async_context(second.page(links["observer"]))
            a = await partner(stack, second, links, Speaker.A, dialogue)
            b = await partner(stack, third, links, Speaker.B, dialogue)
            for own in (a, b):
                await own.connect_media()
                await own.consent()
            await speak_together([a, b])
            await until(lambda: spoken(observer.lines()) == {"a", "b"})
            shown = observer.lines()
            clock_s = await a.session_time_at()
            home.kill()
            killed_s = asyncio.get_running_loop().time()
            await at_home.closed()
        frames = a.frames_heard
        await until(lambda: practised_at(observer.session, second, third) is not None)
        took_s = asyncio.get_running_loop().time() - killed_s
        assert took_s < 10.0, "3 s where nothing else keeps the machine busy"
        # of 50 a second; a machine that strains drops some
        assert a.frames_heard > frames + took_s * 20, "they heard each other all the time"
        for own in (a, b):
            await own.ready()
        assert abs(await a.session_time_at() - clock_s) < 0.25, "the same session time"
        back_s = killed_s + took_s + clock_s
        await until(lambda: spoken(observer.lines(), back_s) == {"a", "b"})
        assert not a.refusals
        assert await a.end() == links["report"]
        lines = await third.timeline(links["a"])
    keys = [(line["id"], line["status"], line["decided_s"]) for line in lines if "decided_s" in line]
    assert {(line["id"], line["status"], line["decided_s"]) for line in shown} <= set(keys), "nothing shown is lost"
    assert len(keys) == len(set(keys))
    finals = [line["id"] for line in lines if line["status"] == "final" and "confidence" in line]
    assert len(finals) == len(set(finals)), "nothing final is said twice"
    assert [line["kind"] for line in lines].count("began") == 1


def losing(gateway: Served, monkeypatch: pytest.MonkeyPatch, lost: Callable[[GuestLetter | HomeLetter], bool]) -> None:
    """What this gateway writes and ``lost`` names does not arrive: Redis itself loses letters only when killed."""
    letters = gateway.gateway.neighbours._post.letters
    send = letters.send

    def sent(stream: str, payload: bytes) -> None:
        read = read_guest_letter if stream.startswith("seats:") else read_home_letter
        if not lost(read(payload)):
            send(stream, payload)

    monkeypatch.setattr(letters, "send", sent)


async def test_what_is_lost_on_the_way_is_said_again(
    settings: GatewaySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with gateways(settings, 2) as (home, second):
        links = await home.links()
        async with home.page(links["a"]) as a, second.page(links["b"]) as b:
            losses = iter([True, True])
            losing(second, monkeypatch, lambda letter: letter.kind == "said" and next(losses, False))
            losing(home, monkeypatch, lambda letter: letter.kind == "shown" and next(losses, False))
            await b.say("consent", practice=True)
            await a.say("consent", practice=True)
            for page in (a, b):
                await page.room(lambda room: room["phase"] == "practising")
            assert [m["type"] for m in b.got].count("welcome") == 1
            twice = iter([True] * 3)
            losing(home, monkeypatch, lambda letter: letter.kind in ("beat", "shown") and next(twice, False))
            await b.say("consent", practice=False)
            await b.say("consent", practice=True)
            await b.say("pause")
            for page in (a, b):
                await page.room(lambda room: room["phase"] == "paused")
            lines = await second.timeline(links["a"])
        said = [
            line.get("practice", line["kind"])
            for line in lines
            if line.get("by") == "b" and line["kind"] != "observer_consent"
        ]
        assert said == ["joined", True, False, True, "paused"], "once each, in order"


async def test_an_order_to_listen_that_is_lost_is_given_again(
    settings: GatewaySettings, dialogue: dict[Speaker, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with gateways(settings, 2) as (home, second), AsyncExitStack() as stack:
        links = await home.links()
        a = await stack.enter_async_context(home.page(links["a"]))
        b = await partner(stack, second, links, Speaker.B, dialogue)
        await b.connect_media()
        await b.consent()
        lost: list[float] = []

        def is_lost(letter: GuestLetter | HomeLetter) -> bool:
            now_s = asyncio.get_running_loop().time()
            if orders(letter) and (not lost or now_s < lost[0] + 0.3):
                lost.append(now_s)
                return True
            return False

        losing(home, monkeypatch, is_lost)
        await a.say("consent", practice=True)
        [seat] = second.gateway.neighbours._guests
        await until(lambda: decodes(seat))
        assert lost


def orders(letter: GuestLetter | HomeLetter) -> bool:
    """Whether it tells a guest's gateway to listen."""
    return letter.kind == "beat" and letter.wanted is not None and letter.wanted.begin_at is not None


async def test_a_home_that_is_asked_to_end_hands_its_practices_over(settings: GatewaySettings, tmp_path: Path) -> None:
    home = neighbour(settings, tmp_path)
    async with gateways(settings, 1) as [second], AsyncExitStack() as stack:
        await asyncio.to_thread(home.start)
        stack.callback(home.kill)
        links = await second.links()
        async with Page(home.socket_url, links["a"], "the device of a") as a, second.page(links["b"]) as b:
            for page in (a, b):
                await page.say("consent", practice=True)
            await b.room(lambda room: room["phase"] == "practising")
            assert second.gateway.in_memory(b.session) is None
            came = len(b.got)
            assert await asyncio.to_thread(home.stop, signal.SIGTERM) in (0, -signal.SIGTERM), (
                "as the HTTP server ends, told to the end"
            )
            await a.closed()
            assert [m for m in a.got if m["type"] == "refused"] == [], "it is to come back, to another gateway"
            async with second.page(links["a"], "the device of a") as again:
                assert (await again.one("welcome"))["room"]["phase"] == "practising", "nobody has to agree again"
                await until(lambda: any(room_of(m).get("a") and room_of(m).get("b") for m in b.got[came:]))
                await b.say("pause")
                await again.room(lambda room: room["phase"] == "paused")
            assert b.close_code is None
        lines = await second.timeline(links["a"])
        assert [line["kind"] for line in lines].count("began") == 1
    assert "Traceback" not in home.log()


async def test_an_ending_gateway_takes_nobody_in(settings: GatewaySettings) -> None:
    async with gateways(settings, 1) as [gateway]:
        links = await gateway.links()
        await gateway.gateway.hand_over()
        assert (await gateway.http.get("/healthz")).status_code == 503
        async with gateway.page(links["observer"], hello=False) as late:
            await late.say("hello", v=1, token=links["observer"], device="x" * 16)
            await late.closed()
            assert late.got == [], "not refused: it is to come back, to another gateway"


def decodes(seat: guest.Guest) -> bool:
    return seat.microphone is not None and seat.microphone.decodes


def room_of(message: dict[str, Any]) -> dict[str, bool]:
    """Who is present, by a message that says so."""
    room = message.get("room")
    return {side: own["present"] for side, own in room["partners"].items()} if room else {}


async def test_a_home_that_slept_has_lost_its_practice_and_says_nothing_more(
    settings: GatewaySettings, redis: Server
) -> None:
    async with gateways(settings, 2) as (home, second):
        links = await home.links()
        async with home.page(links["a"]) as a, second.page(links["b"]) as b:
            await b.room(lambda room: room["partners"]["a"]["present"])
            session = home.gateway.in_memory(a.session)
            assert session is not None
            fence = home.gateway.neighbours.homes.fence(a.session)
            with Redis(port=redis.port) as client:  # its lease ran out
                client.zadd("breathmark:{homes}:until", {a.session: 0})
            await second.gateway._claim()
            with pytest.raises(LeaseLost):
                await home.gateway.registry.save(session.record, fence=fence)
            await a.closed()
            assert home.gateway.in_memory(a.session) is None
            came = len(b.got)
            await b.say("setup", same_room=True)
            await b.one("room", where=lambda m: m["room"]["same_room"])
            assert not room_of(b.got[came]).get("a"), "whoever sat there has to come back"


async def test_a_practice_that_takes_long_to_be_dropped_costs_no_other_its_home(
    settings: GatewaySettings, redis: Server, tmp_path: Path
) -> None:
    async with open_backbone(redis_url(redis)) as backbone:
        engine, tasks, dropping = await open_engine(sqlite_url(tmp_path)), Tasks(), asyncio.Event()

        async def lost(session: str) -> None:
            dropping.set()
            await asyncio.Event().wait()  # its store does not answer

        async def claim() -> None:
            """There is no room."""

        neighbours = Neighbours(backbone, Registry(engine), settings, Metrics())
        for session in ("lost", "held"):
            assert await neighbours.acquire(session)
        with Redis(port=redis.port) as client:
            client.zadd("breathmark:{homes}:until", {"lost": 0})
            assert await Holdings(backbone.homes).acquire("lost")
            neighbours.run(tasks, lost, claim)
            await asyncio.wait_for(dropping.wait(), PATIENCE_S)
            before = client.zscore("breathmark:{homes}:until", "held")

            async def renewed() -> bool:
                return bool(client.zscore("breathmark:{homes}:until", "held") != before)

            await until(renewed)
        await tasks.close()
        await engine.dispose()


async def test_sound_lies_on_the_bus_no_longer_than_two_minutes_though_nobody_is_left_to_drop_it(redis: Server) -> None:
    async with open_backbone(redis_url(redis)) as backbone:
        post, tasks = Post(backbone.bus), Tasks()
        post.run(tasks)
        post.sound.send(voice_of("s", "a"), b"a packet")
        await post.sound.sent()
        await tasks.close()
    with Redis(port=redis.port) as client:
        [stream] = client.keys("*")
        assert 60 < client.ttl(stream) <= 120


async def test_nobody_sits_down_with_a_link_or_a_device_of_somebody_else(settings: GatewaySettings) -> None:
    async with gateways(settings, 2) as (home, second):
        links, others = await home.links(), await home.links()
        async with home.page(links["a"]) as a, second.page(links["b"]):
            await second.gateway.registry.claim(others["b"], "another device")
            post, answers = second.gateway.neighbours._post, list[HomeLetter]()
            for token, device in ((others["b"], "another device"), (links["b"], "another device"), ("no such", "x")):
                seat = secrets.token_hex(16)
                post.letters.follow(to_guest(seat), lambda payload: answers.append(read_home_letter(payload)))
                knock = Knock(
                    seat=seat,
                    attempt=1,
                    first=1,
                    role="b",
                    name="",
                    token_hash=hashed(token),
                    device_hash=hashed(device),
                    media="none",
                )
                post.letters.send(to_home(a.session), knock.packed())
                said = Said(seat=seat, number=1, what=Consent(type="consent", practice=True))
                post.letters.send(to_home(a.session), said.packed())
            await until(lambda: sum(isinstance(letter, Shown) and letter.what is None for letter in answers) == 3)
            refused = [letter.what for letter in answers if isinstance(letter, Shown) and letter.what]
            assert [getattr(message, "code", "") for message in refused] == ["unknown_link"] * 3
            practised = home.gateway.in_memory(a.session)
            assert practised is not None
            assert not practised.room.b.practice


async def test_a_full_gateway_leaves_a_practice_to_one_with_room(settings: GatewaySettings) -> None:
    async with serving(replace(settings, max_live_sessions=1)) as full, serving(settings) as roomy:
        first, links = await full.links(), await full.links()
        async with full.page(first["a"]), full.page(links["a"]) as a:
            assert (await full.http.get("/healthz")).json() == {"status": "full"}
            assert roomy.gateway.in_memory(a.session) is not None
            assert (await a.one("welcome"))["room"]["partners"]["a"]["present"]


async def test_a_bus_that_stands_still_pauses_the_coaching_of_a_guest_and_nothing_else(
    settings: GatewaySettings, redis: Server, dialogue: dict[Speaker, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guest, "SILENT_S", 1.5)  # nobody should wait longer for the same
    async with gateways(settings, 2) as (home, second), AsyncExitStack() as stack:
        links = await home.links()
        a = await stack.enter_async_context(home.page(links["a"]))
        b = await partner(stack, second, links, Speaker.B, dialogue)
        await b.connect_media()
        await b.consent()
        await a.say("consent", practice=True)
        [seat] = second.gateway.neighbours._guests
        await until(lambda: decodes(seat))
        redis.pause()
        try:
            await b.until(lambda: b.room["coaching_paused"])
            assert not decodes(seat), "nobody there to consent to"
            await a.pong()
            await a.say("setup", same_room=True)
            await a.one("room", where=lambda m: m["room"]["same_room"])
        finally:
            redis.go_on()
        await b.until(lambda: b.room["same_room"])
        await until(lambda: decodes(seat))
        lines = await home.timeline(links["a"])
        assert "left" not in {line["kind"] for line in lines}, "a silence of the bus is nobody's leaving"


async def test_what_is_taken_back_at_another_gateway_is_taken_back_at_home(settings: GatewaySettings) -> None:
    async with gateways(settings, 2) as (home, second):
        links = await home.links()
        device = "the device of partner b"
        async with home.page(links["a"]) as a, second.page(links["b"], device) as b:
            for page in (a, b):
                await page.say("consent", practice=True)
                await page.say("carry", yes=True)
            await a.room(lambda room: all(room["partners"][side]["carry"] for side in "ab"))
            answer = await second.http.post("/api/forget", headers=bearer(links["b"]), json={"device": device})
            assert answer.status_code == 200, answer.text
            await a.room(lambda room: room["partners"]["a"]["carry"] and not room["partners"]["b"]["carry"])


async def test_a_guest_whose_gateway_dies_has_left(settings: GatewaySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "GONE_S", 1.2)  # nobody should wait longer for the same
    async with gateways(settings, 2) as (home, second):
        links = await home.links()
        async with home.page(links["a"]) as a, second.page(links["b"]):
            await a.room(lambda room: room["partners"]["b"]["present"])
            came = len(a.got)
            losing(second, monkeypatch, lambda letter: True)  # as if it was killed
            await until(lambda: any(room_of(m) and not room_of(m)["b"] for m in a.got[came:]))
            assert a.close_code is None


async def test_a_practice_that_everybody_forgot_is_found_again(settings: GatewaySettings, redis: Server) -> None:
    async with serving(replace(settings, rarely_s=0.2, sweep_s=0.1)) as gateway:
        registry = gateway.gateway.registry
        session = (await registry.create()).session
        record = await registry.load(session)
        with Redis(port=redis.port) as client:
            client.flushall()
        await registry.save(replace(record, began_unix=record.created_unix, room=replace(record.room, began=True)))
        await until(lambda: gateway.gateway.in_memory(session) is not None)
