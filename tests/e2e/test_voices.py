"""What partners hear of one another, and how a page comes back."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import BrowserContext, Page, WebSocketRoute, expect

from tests.e2e import people
from tests.e2e.browser import GatewayProcess

pytestmark = pytest.mark.browser

_AUDIBLE = 0.02
# Chromium's fake microphone beeps once a second: who hears the other hears it soon.
_LOUDEST = """async () => {
  const stream = document.querySelector("audio").srcObject;
  if (!stream) return null;
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let loudest = 0;
  const until = performance.now() + 10_000;
  while (loudest <= AUDIBLE && performance.now() < until) {
    await new Promise((next) => setTimeout(next, 20));
    analyser.getFloatTimeDomainData(samples);
    for (const sample of samples) loudest = Math.max(loudest, Math.abs(sample));
  }
  await context.close();
  return loudest;
}""".replace("AUDIBLE", str(_AUDIBLE))


async def both(browser: BrowserContext, gateway: GatewayProcess, place: str) -> tuple[Page, Page]:
    links = (await gateway.new_session())["links"]
    pages = [await people.open_link(browser, gateway, links[role]) for role in ("a", "b")]
    for page in pages:
        await page.bring_to_front()
        await page.get_by_role("button", name="No, I feel safe").click()
        await page.get_by_role("radio", name=re.compile(place)).check()
        await page.get_by_role("button", name="Yes, I agree: use my microphone").click()
    for page in pages:
        await people.practising(page)
    return pages[0], pages[1]


async def test_partners_who_are_apart_hear_each_other_in_a_pause_too(
    browser: BrowserContext, gateway: GatewayProcess
) -> None:
    first, second = await both(browser, gateway, "Apart")
    assert await first.evaluate(_LOUDEST) > _AUDIBLE
    assert await second.evaluate(_LOUDEST) > _AUDIBLE
    await first.get_by_role("button", name="Pause").click()
    await expect(second.get_by_role("heading", name="Pause", exact=True)).to_be_visible()
    assert await second.evaluate(_LOUDEST) > _AUDIBLE
    await second.get_by_role("button", name="Go on now").click()
    await people.practising(first)


async def test_partners_in_one_room_hear_nothing_back(browser: BrowserContext, gateway: GatewayProcess) -> None:
    first, second = await both(browser, gateway, "In the same room")
    assert await first.evaluate(_LOUDEST) is None
    assert await second.evaluate(_LOUDEST) is None


async def test_a_reload_goes_straight_back_into_the_practice(browser: BrowserContext, gateway: GatewayProcess) -> None:
    first, second = await both(browser, gateway, "Apart")
    await first.reload()
    await people.practising(first)
    assert await first.evaluate(_LOUDEST) > _AUDIBLE
    assert await second.evaluate(_LOUDEST) > _AUDIBLE


async def test_a_yes_taken_back_stops_listening_for_both_and_can_be_given_again(
    browser: BrowserContext, gateway: GatewayProcess
) -> None:
    first, second = await both(browser, gateway, "Apart")
    await first.bring_to_front()
    await first.get_by_role("button", name="Listening").click()
    await first.get_by_role("button", name="Take back my yes").click()
    await expect(first.get_by_role("heading", name="First, for you alone")).to_be_visible()
    await expect(second.get_by_role("heading", name="Listening has stopped")).to_be_visible()
    await people.agree(first, "Nora")
    for page in (first, second):
        await page.bring_to_front()
        await people.practising(page)


async def test_what_is_pressed_while_the_gateway_is_away_holds(
    browser: BrowserContext, gateway: GatewayProcess
) -> None:
    links = (await gateway.new_session())["links"]
    away = False
    sockets: list[WebSocketRoute] = []

    async def reach(socket: WebSocketRoute) -> None:
        if away:
            await socket.close()
        else:
            socket.connect_to_server()
            sockets.append(socket)

    first = await browser.new_page()
    await first.route_web_socket(re.compile(r"/ws$"), reach)
    await first.goto(f"{gateway.url}/join#{links['a']}")
    await people.agree(first, "Nora")
    second = await people.open_link(browser, gateway, links["b"])
    await people.agree(second, "Ben")
    await first.bring_to_front()
    await people.practising(first)
    for press, outcome in (("Pause", "^Pause$"), ("Take back my yes", "Listening has stopped")):
        away = True
        await sockets[-1].close()
        await expect(first.get_by_text("Connecting again").first).to_be_visible()
        await first.get_by_role("button", name=press).click()
        away = False
        await expect(second.get_by_role("heading", name=re.compile(outcome))).to_be_visible(timeout=10_000)
    await expect(first.get_by_role("heading", name="First, for you alone")).to_be_visible()


async def test_an_unplugged_microphone_is_told_while_waiting_too_and_can_be_tried_again(
    browser: BrowserContext, gateway: GatewayProcess
) -> None:
    links = (await gateway.new_session())["links"]
    page = await browser.new_page()
    # The browser ends the track when a microphone is pulled out; here its event is sent by hand.
    await page.add_init_script(
        "const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);"
        "navigator.mediaDevices.getUserMedia = async (wanted) => (window.microphone = await real(wanted));"
    )
    await page.goto(f"{gateway.url}/join#{links['a']}")
    await people.agree(page, "Nora")
    await expect(page.get_by_role("heading", name="Waiting for your partner")).to_be_visible()
    await page.evaluate("microphone.getAudioTracks()[0].dispatchEvent(new Event('ended'))")
    told = page.get_by_text("Your microphone seems unplugged")
    await expect(told).to_be_visible()
    await page.get_by_role("button", name="Try again").click()
    await expect(told).to_have_count(0)
