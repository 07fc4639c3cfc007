"""Every page and state, looked at on a phone and a laptop, in light and dark, and by keyboard alone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, WebSocketRoute, expect

from coach.report import ReportFacts, build_report, report_json
from gateway.analyze import timeline_of_files
from gateway.refusals import REFUSALS
from streaming.types import Speaker
from tests.e2e import people
from tests.e2e.browser import PHONE, GatewayProcess
from tests.e2e.gallery import screens, show
from tests.e2e.looking import faults

pytestmark = pytest.mark.browser

DIALOGUE = Path(__file__).parents[2] / "gateway" / "assets" / "dialogue.ogg"
WORDS = Path(__file__).parents[2] / "web-client" / "src" / "refusal_titles.ts"
SOCKET = re.compile(r"/ws$")


def cue(level: int, text: str) -> str:
    """What the gateway sends for a cue. A real one needs a minute of overlaps: test_practice waits for it."""
    envelope = {"v": 1, "id": f"cue-{level}", "session": "s", "kind": "cue", "status": "final", "detector": "coach@1"}
    times = {"start_s": 60.0, "end_s": 60.0, "decided_s": 60.0, "ttl_s": 30.0}
    return json.dumps({"type": "cue", "line": {**envelope, **times, "level": level, "text": text, "because": []}})


async def both_practise(
    browser: BrowserContext, gateway: GatewayProcess, links: dict[str, str]
) -> tuple[Page, Page, list[WebSocketRoute]]:
    """Partners a and b in one browser, and a's sockets, into which a test may say something more."""
    sockets: list[WebSocketRoute] = []

    def pass_on(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    first = await browser.new_page()
    await first.route_web_socket(SOCKET, pass_on)
    await first.goto(f"{gateway.url}/join#{links['a']}")
    await people.agree(first, "Nora", observer=True)
    await expect(first.get_by_role("heading", name="Waiting for your partner")).to_be_visible()
    assert await faults(first) == []
    second = await people.open_link(browser, gateway, links["b"])
    await people.agree(second, "Ben", observer=True)
    for page in (first, second):
        await page.bring_to_front()
        await people.practising(page)
    return first, second, sockets


async def test_the_pages_before_a_practice_hold_for_all_eyes(browser: BrowserContext, gateway: GatewayProcess) -> None:
    page = await browser.new_page()
    await page.goto(gateway.url)
    await page.get_by_text("When this is not the right tool").click()
    assert await faults(page) == []
    await page.get_by_role("button", name="Start a practice").click()
    await page.get_by_text("A therapist wants to watch live").click()
    await expect(page.get_by_role("img", name="QR code")).to_be_visible()
    assert await faults(page) == []
    await page.reload()
    await page.get_by_role("link", name="Go to my side").click()
    await page.get_by_role("button", name="Yes, or I am not sure").click()
    await expect(page.get_by_role("link", name="Call 1-800-799-7233")).to_be_visible()
    assert await faults(page) == []
    await page.get_by_role("button", name="Back").click()
    assert await faults(page) == []
    await page.get_by_role("button", name="No, I feel safe").click()
    await page.get_by_text("Sound and touch").click()
    assert await faults(page) == []


async def test_what_one_says_yes_to_stands_in_one_screen_of_a_phone_with_the_yes_in_reach(
    browser: BrowserContext, gateway: GatewayProcess
) -> None:
    page = await browser.new_page()
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    await show(page, gateway.url, screens()["join-agree"])
    await page.evaluate("scrollTo(0, 0)")
    terms = await page.locator(".agree > div").all()
    assert await page.locator(".agree dt").all_inner_texts() == [
        "Who listens",
        "What is kept",
        "Who sees it",
        "How to stop",
    ]
    yes = await page.get_by_role("button", name="Yes, I agree").bounding_box()
    assert yes is not None
    assert yes["y"] + yes["height"] <= PHONE[1]
    for term in terms:
        box = await term.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= yes["y"]
    for optional in await page.get_by_role("checkbox").all():
        assert not await optional.is_checked()


async def test_the_screens_of_a_practice_hold_for_all_eyes(browser: BrowserContext, gateway: GatewayProcess) -> None:
    links = (await gateway.new_session())["links"]
    observer = await people.open_link(browser, gateway, links["observer"], "watch")
    await expect(observer.get_by_role("heading", name="Waiting for both to agree")).to_be_visible()
    assert await faults(observer) == []
    first, second, sockets = await both_practise(browser, gateway, links)
    await first.bring_to_front()
    await expect(first.get_by_text("An observer is watching")).to_be_visible()
    assert await first.title() == "Practising · Breathmark"  # and it is read out where the focus is
    await expect(first.get_by_role("heading", name="Practising")).to_be_focused()
    assert await faults(first) == []
    for level, text in ((1, "One at a time?"), (2, "Breathe together"), (3, "What did you hear?")):
        await first.bring_to_front()
        sockets[-1].send(cue(level, text))
        await expect(first.locator(".cue-text")).to_have_text(text)
        await expect(first.get_by_role("status").filter(has_text=text)).to_have_count(1)
        assert await faults(first) == []
        await first.keyboard.press("Escape")
        await expect(first.locator(".cue")).to_have_count(0)
    await first.get_by_role("button", name="Listening").click()
    assert await faults(first) == []
    await first.keyboard.press("Escape")
    await first.get_by_role("button", name="End", exact=True).click()
    assert await faults(first) == []
    await first.get_by_role("button", name="Go on").click()
    await expect(observer.get_by_role("img", name=re.compile("two lanes"))).to_be_visible()
    assert await faults(observer) == []
    await observer.get_by_label("At most four words").fill("Slow down together")
    await observer.keyboard.press("Enter")
    for page in (second, first):
        await page.bring_to_front()
        await expect(page.locator(".note .cue-text")).to_have_text("Slow down together")
        await expect(page.get_by_role("status").filter(has_text="From your observer")).to_have_count(1)
    assert await faults(first) == []
    await first.keyboard.press("Escape")
    await expect(first.locator(".note")).to_have_count(0)
    await observer.bring_to_front()
    await expect(observer.get_by_text("Both have seen “Slow down together”")).to_be_visible()
    assert await faults(observer) == []
    await first.bring_to_front()
    await first.get_by_role("button", name="Pause").click()
    await expect(first.get_by_role("heading", name="Pause", exact=True)).to_be_visible()
    await expect(observer.get_by_label("At most four words")).to_have_count(0)
    assert await faults(first) == []
    await first.get_by_role("button", name="Take 20 minutes").click()
    await expect(first.get_by_role("heading", name=re.compile(r"^Pause. Back at \d+:\d\d"))).to_be_visible()
    assert await faults(first) == []
    await first.get_by_role("button", name="End for today").click()
    for page in (second, observer):
        await page.bring_to_front()
        await expect(page.get_by_role("link", name=re.compile("Look back on it|Open the report"))).to_be_visible()
        assert await faults(page) == []


async def test_the_report_of_the_bundled_dialogue_holds_for_all_eyes(
    browser: BrowserContext, gateway: GatewayProcess
) -> None:
    lines = list(timeline_of_files([DIALOGUE], None))
    names = {Speaker.A: "Nora", Speaker.B: "Ben"}
    told = report_json(build_report(lines[0].session, lines, ReportFacts(names=names, now_s=90.0)))
    page = await browser.new_page()
    # The real report of the real dialogue, without the minute and a half that it takes to be spoken.
    await page.route("**/api/report", lambda route: route.fulfill(json=told))
    await page.goto(f"{gateway.url}/report#any-token")
    await page.get_by_text("The same as a list").click()
    await page.get_by_text("How to read the lanes").click()
    assert await faults(page) == []
    await page.get_by_role("button", name="Later").press("Enter")
    await expect(page.locator(".teller p")).to_have_text(re.compile(r"^\d:\d\d\. "))
    assert await page.locator(".mark.chosen").count() == 1


async def test_the_report_of_a_practice_that_has_not_begun_says_so(
    browser: BrowserContext, gateway: GatewayProcess
) -> None:
    links = (await gateway.new_session())["links"]
    page = await people.open_link(browser, gateway, links["report"], "report")
    await expect(page.get_by_role("heading", name="This practice has not begun")).to_be_visible()
    assert await faults(page) == []


@pytest.mark.parametrize("code", REFUSALS)
def test_every_refusal_of_the_gateway_has_a_title_in_the_pages_words(code: str) -> None:
    assert re.search(rf"^  {code}: \"", WORDS.read_text(encoding="utf-8"), re.MULTILINE)


async def test_what_is_refused_has_a_screen_with_one_step(browser: BrowserContext, gateway: GatewayProcess) -> None:
    page = await browser.new_page()
    for address, heading in (
        ("/join#no-such-token-at-all", "This link leads nowhere"),
        ("/watch#no-such-token-at-all", "This link leads nowhere"),
        ("/report#no-such-token-at-all", "This link leads nowhere"),
        ("/join", "The link is not complete"),
    ):
        await page.goto("about:blank")
        await page.goto(gateway.url + address)
        await expect(page.get_by_role("heading", name=heading)).to_be_visible()
        await expect(page.locator("main .button")).to_have_text(["Go to the start page"])
        assert await faults(page) == []


async def test_every_fault_of_the_microphone_has_its_own_screen_and_can_be_tried_again(
    browser: BrowserContext, gateway: GatewayProcess
) -> None:
    for fault, heading in (
        ("NotAllowedError", "The microphone is switched off for this page"),
        ("NotFoundError", "No microphone found"),
        ("NotReadableError", "The microphone cannot be opened"),
    ):
        page = await browser.new_page()
        # Chromium's fake device is never missing or busy; what the browser would say is said for it, once.
        await page.add_init_script(
            "const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices); let asked = 0;"
            "navigator.mediaDevices.getUserMedia = async (wanted) => "
            f'{{ if (!asked++) throw new DOMException("", "{fault}"); return real(wanted); }};'
        )
        await page.goto(f"{gateway.url}/join#{(await gateway.new_session())['links']['a']}")
        await people.agree(page, "Nora")
        await expect(page.get_by_role("heading", name=heading)).to_be_visible()
        assert await faults(page) == []
        await page.get_by_role("button", name="Try again").click()
        await expect(page.get_by_role("heading", name="Waiting for your partner")).to_be_visible()
        await page.close()


async def test_a_gateway_out_of_reach_has_its_own_screen(browser: BrowserContext, gateway: GatewayProcess) -> None:
    page = await browser.new_page()
    away = True

    async def reach(socket: WebSocketRoute) -> None:
        if away:
            await socket.close()
        else:
            socket.connect_to_server()

    await page.route_web_socket(SOCKET, reach)
    await page.goto(f"{gateway.url}/join#{(await gateway.new_session())['links']['a']}")
    await expect(page.get_by_role("heading", name="Breathmark cannot be reached")).to_be_visible()
    assert await faults(page) == []
    away = False
    await expect(page.get_by_role("heading", name="First, for you alone")).to_be_visible()


async def test_a_partner_comes_from_the_start_page_to_waiting_by_keyboard_alone(
    browser: BrowserContext, gateway: GatewayProcess
) -> None:
    page = await browser.new_page()
    await page.goto(gateway.url)
    for name in ("Start a practice", "Go to my side", "No, I feel safe"):
        await tab_to(page, name)
        await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="What you say yes to")).to_be_focused()
    await tab_to(page, "In the same room")
    await page.keyboard.press("Space")
    await tab_to(page, "Yes, I agree: use my microphone")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Waiting for your partner")).to_be_visible()


async def tab_to(page: Page, name: str, at_most: int = 20) -> None:
    """Presses Tab until the control of that name has the focus, and sees that the focus shows."""
    await expect(page.get_by_text(name, exact=True).first).to_be_visible()
    for _ in range(at_most):
        await page.keyboard.press("Tab")
        focus: dict[str, Any] = await page.evaluate(
            "() => { const e = document.activeElement; return { text: (e.closest('label') ?? e).textContent.trim(),"
            " outline: getComputedStyle(e).outlineStyle }; }"
        )
        if focus["text"].startswith(name):
            assert focus["outline"] != "none"
            return
    raise AssertionError(f"{at_most} presses of Tab never came to {name!r}")


async def test_an_observer_looks_back_by_dragging_and_by_keys(browser: BrowserContext, gateway: GatewayProcess) -> None:
    page = await browser.new_page()
    await page.route_web_socket(SOCKET, lambda socket: socket.send(json.dumps(five_minutes_in())))
    await page.goto(f"{gateway.url}/watch#any-token")
    lanes = page.get_by_role("group", name="Drag the lanes to look back")
    box = await lanes.bounding_box()
    assert box is not None
    now = page.get_by_role("button", name="Back to now")
    await page.mouse.move(box["x"] + 50, box["y"] + 90)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 250, box["y"] + 90, steps=4)
    await page.mouse.up()
    await expect(now).to_be_visible()
    await now.click()
    await expect(now).to_have_count(0)
    await lanes.press("ArrowLeft")
    await expect(now).to_be_visible()
    assert await faults(page) == []
    await lanes.press("End")
    await expect(now).to_have_count(0)


def five_minutes_in() -> dict[str, Any]:
    """A welcome that nobody wants to wait five minutes for."""
    partner = {"present": True, "name": "", "practice": True, "observer": True, "media": "connected"}
    room = {"phase": "practising", "now_s": 300.0, "same_room": False, "observers": 1, "observer_waiting": False}
    room |= {"ice_servers": [], "partners": {"a": partner, "b": partner}}
    return {"type": "welcome", "v": 1, "role": "observer", "session": "s", "demo": False, "room": room, "lines": []}


async def test_nothing_moves_for_those_who_asked_for_less_motion(
    browser: BrowserContext, gateway: GatewayProcess
) -> None:
    links = (await gateway.new_session())["links"]
    page = await people.open_link(browser, gateway, links["a"])
    await people.agree(page, "Nora")
    await expect(page.locator(".core")).to_be_visible()
    moving = "() => document.getAnimations().filter((a) => a.playState === 'running').length"
    await page.wait_for_function(f"({moving})() > 0")
    await page.emulate_media(reduced_motion="reduce")
    await page.wait_for_function(f"({moving})() === 0")
