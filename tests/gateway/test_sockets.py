from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from gateway.metrics import Metrics
from gateway.outbox import Outbox
from gateway.protocol import CueShown, Lines, Pong, RefusedMessage, RoomChanged, RoomView
from gateway.settings import SocketSettings
from tests.gateway.serving import Page, Served, serving, settings_in


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(settings_in(tmp_path, max_observers=2)) as served:
        yield served


def hello(token: str, **changes: Any) -> dict[str, Any]:
    return {"type": "hello", "v": 1, "token": token, "device": "d" * 16, **changes}


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ("{", "bad_json"),
        ("[]", "bad_json"),
        ("", "bad_json"),
        (b"\x00\xff", "bad_json"),
        ('{"a":' * 5000, "bad_json"),
        (json.dumps({"type": "consent", "practice": True}), "bad_hello"),
        (json.dumps({"type": "dance"}), "bad_hello"),
        (json.dumps(hello("x" * 32, v="one")), "bad_hello"),
        (json.dumps(hello("x" * 32, device="short")), "bad_hello"),
        (json.dumps(hello("x" * 32, name="n" * 41)), "bad_hello"),
        (json.dumps(hello("x" * 32, v=2)), "bad_version"),
        (json.dumps(hello("x" * 32)), "unknown_link"),
        ("x" * 65_537, "too_large"),
    ],
)
async def test_a_first_message_that_will_not_do_is_refused_for_good_with_a_way_out(
    served: Served, first: str | bytes, code: str
) -> None:
    async with served.page("", hello=False) as page:
        await page.say_text(first)
        refused = await page.refusal(code)
        assert await page.closed() == 1008
    assert refused["fatal"]
    assert refused["message"]
    assert refused["way_out"]
    assert "Traceback" not in json.dumps(page.got)


async def test_a_page_that_says_nothing_is_let_go(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, sockets=SocketSettings(hello_s=0.2))
    async with serving(settings) as served, served.page("", hello=False) as page:
        await page.refusal("bad_hello")
        await page.closed()


async def test_a_message_far_over_the_bound_is_cut_off(served: Served) -> None:
    async with served.page("", hello=False) as page:
        with contextlib.suppress(ConnectionClosed):
            await page.say_text("x" * 1_000_000)
        assert await page.closed() == 1009


async def test_a_link_on_a_second_device_is_refused_and_the_first_stays(served: Served) -> None:
    links = await served.links()
    async with served.page(links["a"], name="Nora") as first, served.page(links["a"]) as third:
        refused = await third.refusal("link_in_use")
        assert refused["fatal"]
        await third.closed()
        assert (await first.pong())["now_s"] == 0.0


async def test_the_same_device_in_another_window_takes_over(served: Served) -> None:
    links = await served.links()
    async with served.page(links["a"], "the same device") as old, served.page(links["a"], "the same device") as new:
        assert (await old.refusal("taken_over"))["fatal"]
        await old.closed()
        room = await new.room(lambda room: room["partners"]["a"]["present"])
        assert room["phase"] == "waiting"
        await new.pong()


async def test_a_report_link_opens_no_practice(served: Served) -> None:
    async with served.page((await served.links())["report"]) as page:
        assert "/report" in (await page.refusal("report_link"))["way_out"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"type":"dance"}', "unknown_message"),
        ('{"type":"consent"}', "bad_message"),
        ('{"type":"pause"}', "not_now"),
        ('{"type":"consent","practice":"perhaps"}', "bad_message"),
        ('{"type":"painted","cue":"c","received_ms":NaN,"painted_ms":1}', "bad_message"),
        ('{"type":"painted","cue":"never-shown","received_ms":1,"painted_ms":2}', "bad_message"),
        ('{"type":"offer","sdp":"v=0"}', "bad_offer"),
        ('{"type":"offer","sdp":"' + "a=x " * 10_000 + '"}', "bad_offer"),
        ('{"type":"hello","v":1,"token":"xxxxxxxx","device":"xxxxxxxx"}', "bad_message"),
    ],
)
async def test_a_message_that_does_not_fit_is_refused_and_the_practice_goes_on(
    served: Served, text: str, code: str
) -> None:
    async with served.page((await served.links())["a"]) as page:
        await page.say_text(text)
        refused = await page.refusal(code)
        assert not refused["fatal"]
        assert refused["way_out"]
        await page.pong()


async def test_an_observer_changes_nothing(served: Served) -> None:
    async with served.page((await served.links())["observer"]) as page:
        for says in ({"type": "consent", "practice": True}, {"type": "pause"}, {"type": "end"}):
            page.got.clear()
            await page.say_text(json.dumps(says))
            assert not (await page.refusal("not_a_partner"))["fatal"]
        await page.pong()


async def test_more_observers_than_may_be_are_refused(served: Served) -> None:
    token = (await served.links())["observer"]
    async with served.page(token), served.page(token), served.page(token) as third:
        await third.refusal("room_full")


async def test_a_page_that_floods_is_let_go(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, sockets=SocketSettings(messages_per_s=5, burst_messages=10))
    async with serving(settings) as served, served.page((await served.links())["a"]) as page:
        with contextlib.suppress(ConnectionClosed):
            for _ in range(30):
                await page.say("ping", t=1)
        assert (await page.refusal("too_fast"))["fatal"]
        await page.closed()


async def test_offers_in_a_row_are_bounded_over_all_sockets_of_a_link(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, sockets=SocketSettings(offers_per_minute=2))
    async with serving(settings) as served:
        links = await served.links()
        async with served.page(links["a"], "device of a") as page:
            for _ in range(3):
                await page.say("offer", sdp="v=0")
            assert not (await page.refusal("too_many_offers"))["fatal"]
        async with served.page(links["a"], "device of a") as page, served.page(links["b"]) as other:
            for one, code in ((page, "too_many_offers"), (other, "bad_offer")):
                await one.say("offer", sdp="v=0")
                assert (await one.one("refused"))["code"] == code


async def test_only_pages_of_the_gateway_or_of_allowed_places_may_connect(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path, allowed_origins=("https://practice.example",))) as served:
        links = await served.links()
        own = str(served.http.base_url).rstrip("/")
        async with served.page(links["a"], origin=own) as page:
            await page.pong()
        async with served.page(links["b"], origin="https://practice.example") as page:
            await page.pong()
        for stranger in ("https://evil.example", "null", own + ".evil.example"):
            async with served.page(links["observer"], origin=stranger) as page:
                await page.refusal("bad_origin")


async def test_a_full_gateway_refuses_new_practices_and_keeps_the_old(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path, max_live_sessions=1)) as served:
        first, second = await served.links(), await served.links()
        async with served.page(first["a"]) as old, served.page(second["a"]) as new:
            assert (await new.refusal("server_full"))["fatal"]
            async with served.page(first["b"]) as partner:
                await partner.pong()
            await old.pong()


async def test_a_browser_that_vanishes_leaves_the_room(served: Served) -> None:
    links = await served.links()
    async with served.page(links["a"]) as a:
        async with served.page(links["b"]) as b:
            await a.room(lambda room: room["partners"]["b"]["present"])
            assert b._socket is not None
            b._socket.transport.abort()  # no goodbye
        a.got.clear()
        await a.room(lambda room: not room["partners"]["b"]["present"])


def outbox(**changes: Any) -> tuple[Outbox, Metrics]:
    metrics = Metrics()
    return Outbox("observer", SocketSettings(**changes), metrics), metrics


def a_room(now_s: float) -> RoomChanged:
    view = RoomView(
        phase="consent", now_s=now_s, same_room=False, observers=0, observer_waiting=False, ice_servers=(), partners={}
    )
    return RoomChanged(room=view)


async def test_only_the_newest_room_waits_to_be_sent() -> None:
    box, _ = outbox()
    box.offer(a_room(1))
    box.offer(Pong(t=1, now_s=1))
    box.offer(a_room(2))
    assert [await box.take(), await box.take()] == [Pong(t=1, now_s=1), a_room(2)]


async def test_an_observer_who_lags_loses_the_oldest_lines_and_each_is_counted() -> None:
    box, metrics = outbox(waiting_lines=10, batch_lines=4)
    box.offer_lines([{"id": str(n)} for n in range(8)])
    box.offer_lines([{"id": str(n)} for n in range(8, 15)])
    sent = []
    for _ in range(3):
        lines = await box.take()
        assert isinstance(lines, Lines)
        sent += [line["id"] for line in lines.lines]
    assert sent == [str(n) for n in range(5, 15)]
    assert metrics.observer_lines_dropped._value.get() == 5


async def test_a_cue_is_never_dropped_silently_the_socket_closes_instead() -> None:
    box, metrics = outbox(waiting_messages=3)
    for n in range(5):
        box.offer(CueShown(line={"id": str(n)}))
    assert box.closed
    assert metrics.slow_sockets._value.get() == 1
    assert await box.take() is None


async def test_lines_stop_at_once_when_an_agreement_is_withdrawn() -> None:
    box, _ = outbox()
    for id in ("begun", "history"):
        box.offer(Lines(lines=({"id": id},)))
    box.offer_lines([{"id": "live"}])
    box.offer(Pong(t=1, now_s=1))
    await box.take()  # what is on its way cannot be called back
    box.drop_lines()
    assert await box.take() == Pong(t=1, now_s=1)


async def test_what_waits_is_still_sent_when_a_box_closes_and_the_reason_comes_last() -> None:
    box, _ = outbox()
    reason = RefusedMessage(code="taken_over", message="m", way_out="w", fatal=True)
    box.offer(Pong(t=1, now_s=1))
    box.close(reason)
    box.offer(Pong(t=2, now_s=2))
    assert [await box.take() for _ in range(3)] == [Pong(t=1, now_s=1), reason, None]


async def test_an_observer_who_reads_nothing_does_not_delay_the_couple(served: Served) -> None:
    links = await served.links()
    async with served.page(links["a"]) as a, served.page(links["b"]) as b, Stuck(served, links["observer"]):
        for page in (a, b):
            await page.say("consent", practice=True, observer=True)
        await a.room(lambda room: room["phase"] == "practising")
        for n in range(40):
            await b.say("setup", name=f"{n} " + "n" * 30)
            if n % 10 == 9:
                await asyncio.sleep(0.5)  # within the bound on messages
        async with asyncio.timeout(2):
            await a.pong()
            await a.room(lambda room: room["partners"]["b"]["name"].startswith("39"))


class Stuck(Page):
    """A page that says hello and then never reads again."""

    def __init__(self, served: Served, token: str) -> None:
        super().__init__(served.socket_url, token, "a stuck device")

    async def one(self, *types: str, **_: Any) -> dict[str, Any]:
        assert self._socket is not None
        message = await super().one(*types)
        self._socket.transport.pause_reading()
        return message

    async def __aexit__(self, *error: Any) -> None:
        assert self._socket is not None
        self._socket.transport.abort()  # nor does it say goodbye
        await super().__aexit__(*error)


async def test_sockets_that_say_nothing_make_room_for_pages_that_do(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, sockets=SocketSettings(max_strangers=3))
    async with serving(settings) as served, AsyncExitStack() as stack:
        links = await served.links()
        known = await stack.enter_async_context(served.page(links["a"]))
        silent = [await stack.enter_async_context(served.page("", hello=False)) for _ in range(5)]
        assert (await silent[0].refusal("server_full"))["way_out"]
        await silent[1].closed()
        async with served.page(links["b"]) as page:
            await page.pong()
        await known.pong()
        assert silent[4].close_code is None


async def test_connections_that_ask_nothing_keep_nobody_out(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, sockets=SocketSettings(max_requests=5))
    async with serving(settings) as served, served.page((await served.links())["a"]) as page:
        url = served.http.base_url
        silent = [await asyncio.open_connection(url.host, url.port) for _ in range(20)]
        for _, writer in silent:
            writer.write(b"GET / HTTP/1.1\r\nHost: somewhere\r\n")
        async with asyncio.timeout(20):
            with contextlib.suppress(ConnectionError):
                assert await silent[0][0].read() == b"", "the oldest is cut off"
        assert (await served.http.get("/api/cards")).status_code == 200
        await page.pong()
        for _, writer in silent:
            writer.close()


async def test_a_name_turns_no_text_around_on_the_other_s_page(served: Served) -> None:
    links = await served.links()
    async with served.page(links["a"], name="\u202eNora\n\x00\u2066") as a, served.page(links["b"]) as b:
        await b.room(lambda room: room["partners"]["a"]["name"] == "Nora")
        await a.say("setup", name="No\u202era")
        await b.room(lambda room: room["partners"]["a"]["name"] == "No ra")
