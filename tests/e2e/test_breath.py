"""In the middle of a cue: one breath in step on two devices, and Pause one tap away, whatever is shown."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Playwright, TimeoutError, WebSocketRoute, expect

from benchmarks.chromium import MICROPHONE, chromium
from tests.e2e import people
from tests.e2e.browser import PHONE, GatewayProcess
from tests.gateway.serving import until

pytestmark = [pytest.mark.browser, pytest.mark.alone]

SOCKET = re.compile(r"/ws$")
IN_STEP_MS = 100.0
SETTLED_MS = 3_000.0
FAR_S = 0.15  # one way, and as long back: a distant partner's network
SMALL = ((390, 844), (320, 568), (844, 390), (1280, 800))

# What the breath's shape does, on the clock that both browsers share: the machine's.
_PHASE = """() => {
  const [breath] = document.querySelector(".pacer-shape").getAnimations();
  const frame_ms = performance.timeOrigin + document.timeline.currentTime;
  const { delay, duration } = breath.effect.getTiming();
  return { began_ms: frame_ms - (breath.currentTime - delay), lasts_ms: duration };
}"""
_ON_TOP = """(name) => {
  const place = document.querySelector("dialog[open]") ?? document;
  const button = [...place.querySelectorAll("button")].find((each) => each.textContent === name);
  const box = button.getBoundingClientRect();
  const there = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return box.bottom <= innerHeight && box.top >= 0 && button.contains(there);
}"""


def cue(level: int, text: str, at_s: float, ttl_s: float = 30.0) -> str:
    """What the gateway sends for a cue; a real one needs a minute of talk."""
    envelope = {"v": 1, "id": f"cue-{level}-{at_s}", "session": "s", "kind": "cue", "status": "final"}
    times = {"start_s": at_s, "end_s": at_s, "decided_s": at_s, "ttl_s": ttl_s}
    line = {**envelope, **times, "detector": "coach@1", "level": level, "text": text, "because": []}
    return json.dumps({"type": "cue", "line": line})


class Wire:
    """A page's socket, into which a test may say something more, and which may be slow both ways."""

    def __init__(self, delay_s: float = 0.0) -> None:
        self._delay_s = delay_s
        self._socket: WebSocketRoute | None = None
        self.now_s: tuple[float, float] | None = None  # the gateway's session time, and this loop's when it came

    async def on(self, page: Page) -> None:
        await page.route_web_socket(SOCKET, self._pass_on)

    def say(self, text: str) -> None:
        assert self._socket is not None
        self._later(self._socket.send, text)

    def _pass_on(self, socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        self._socket = socket
        socket.on_message(lambda text: self._later(server.send, text))

        def heard(text: str | bytes) -> None:
            message = json.loads(text)
            if message["type"] == "pong" and message["now_s"]:
                self.now_s = (message["now_s"], asyncio.get_running_loop().time())
            self._later(socket.send, text)

        server.on_message(heard)

    def _later(self, send: Callable[[Any], None], text: str | bytes) -> None:
        if self._delay_s:
            asyncio.get_running_loop().call_later(self._delay_s, send, text)
        else:
            send(text)


@asynccontextmanager
async def couple(
    playwright: Playwright, gateway: GatewayProcess, folder: Path, *delays_s: float
) -> AsyncIterator[tuple[list[Page], list[Wire]]]:
    """Both practise, each in a browser of their own."""
    links = (await gateway.new_session())["links"]
    async with AsyncExitStack() as stack:
        pages, wires = [], [Wire(delay_s) for delay_s in delays_s]
        for role, name, wire in zip("ab", ("Nora", "Ben"), wires, strict=True):
            browser = await stack.enter_async_context(chromium(playwright, folder / role, *MICROPHONE, size=PHONE))
            page = await browser.new_page()
            await wire.on(page)
            await page.goto(f"{gateway.url}/join#{links[role]}")
            await people.agree(page, name)
            pages.append(page)
        for page in pages:
            await people.practising(page)
        yield pages, wires


async def test_the_easy_first_minute_and_one_breath_are_the_same_on_both_screens_though_one_is_far_away(
    gateway: GatewayProcess, playwright: Playwright, tmp_path: Path
) -> None:
    async with couple(playwright, gateway, tmp_path, 0.0, FAR_S) as (pages, wires):
        for page in pages:
            await expect(page.get_by_text("tell each other about lunch")).to_be_visible()
        await all_sizes_show_pause(pages[0])
        await pages[1].get_by_role("button", name="Rather begin now").click()
        for page in pages:
            await expect(page.locator(".neutral")).to_have_count(0)
        now = asyncio.get_running_loop().time
        asked_s = now()
        await until(
            lambda: all(wire.now_s and wire.now_s[1] > asked_s for wire in wires)
        )  # each has asked for the time
        near = wires[0].now_s
        assert near is not None
        at_s = near[0] + now() - near[1]
        for wire in wires:
            wire.say(cue(2, "Breathe together", at_s))
        for page in pages:
            await expect(page.locator(".pacer-shape")).to_be_visible()
        phases = await asyncio.gather(*(page.evaluate(_PHASE) for page in pages))
        assert [phase["lasts_ms"] for phase in phases] == [10_000, 10_000]
        assert abs(phases[0]["began_ms"] - phases[1]["began_ms"]) < IN_STEP_MS
        out = [expect(page.locator(".pacer-word")).to_have_text("Breathe out", timeout=9_000) for page in pages]
        await asyncio.gather(*out)


async def test_pause_is_one_tap_away_in_every_state_and_every_cue_can_be_sent_away(
    gateway: GatewayProcess, playwright: Playwright, tmp_path: Path
) -> None:
    async with couple(playwright, gateway, tmp_path, 0.0, 0.0) as ((page, _), (wire, _)):
        for level, text in ((1, "One at a time?"), (2, "Breathe together"), (3, "Did I get that right?")):
            wire.say(cue(level, text, 600.0 + level))
            await expect(page.locator(".cue-text")).to_have_text(text)
            await all_sizes_show_pause(page)
            await page.locator(".cue").get_by_role("button", name="Close").click()
            await expect(page.locator(".cue")).to_have_count(0)
        wire.say(cue(4, "Pause. Back in 20 minutes.", 700.0))
        await expect(page.get_by_role("button", name="Take 20 minutes")).to_be_visible()
        await all_sizes_show_pause(page)
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="Listening").click()
        await all_sizes_show_pause(page)
        await page.get_by_role("button", name="I begin").click()
        await expect(page.locator(".floor-prompt")).to_be_visible()
        await all_sizes_show_pause(page)
        await page.get_by_role("button", name="Pause", exact=True).click()
        await expect(page.get_by_role("heading", name="Pause", exact=True)).to_be_visible()


async def all_sizes_show_pause(page: Page) -> None:
    for width, height in SMALL:
        await page.set_viewport_size({"width": width, "height": height})
        try:  # what closes or grows may take a moment for it
            await page.wait_for_function(_ON_TOP, arg="Pause", timeout=SETTLED_MS)
        except TimeoutError as error:
            raise AssertionError(f"{width}x{height}: something lies over Pause") from error
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})


async def test_who_asked_for_less_motion_gets_words_alone_and_sound_and_touch_come_only_if_chosen(
    gateway: GatewayProcess, playwright: Playwright, tmp_path: Path
) -> None:
    async with couple(playwright, gateway, tmp_path, 0.0, 0.0) as (pages, wires):
        page, other = pages
        await page.emulate_media(reduced_motion="reduce")
        for each in (page, other):
            await each.evaluate("""() => {
              window.felt = [];
              Object.defineProperty(Navigator.prototype, "vibrate", { value: (ms) => felt.push("touch") });
              const start = OscillatorNode.prototype.start;
              OscillatorNode.prototype.start = function (...at) { felt.push("sound"); return start.apply(this, at); };
            }""")
        await page.get_by_role("button", name="Listening").click()
        await page.get_by_text("Sound and touch").click()
        await page.get_by_label("A soft chime with each cue").check()
        await page.get_by_label("A short vibration with each cue").check()
        await page.keyboard.press("Escape")
        for wire in wires:
            wire.say(cue(2, "Breathe together", 600.0))
        for each in (page, other):
            await expect(each.locator(".pacer-word")).to_have_text("Breathe in")
        assert await page.evaluate("() => document.getAnimations().length") == 0
        assert await other.evaluate("() => document.getAnimations().length") > 0
        # both come after the cue is painted, so the word may be read first
        await page.wait_for_function("() => felt.toSorted().join() === 'sound,touch'")
        assert await other.evaluate("() => felt") == []
