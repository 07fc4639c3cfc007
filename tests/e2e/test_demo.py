"""The demo as a visitor meets it: no microphone, nobody else, and lanes that fill within seconds."""

from __future__ import annotations

import pytest
from playwright.async_api import BrowserContext, expect

from tests.e2e.browser import GatewayProcess

pytestmark = pytest.mark.browser


async def test_a_visitor_watches_a_demo_practice_without_a_microphone(
    browser: BrowserContext, gateway: GatewayProcess
) -> None:
    page = await browser.new_page()
    await page.goto(gateway.url)
    await page.get_by_role("link", name="Watch a demo practice").click()
    await expect(page.get_by_role("heading", name="A demo practice")).to_be_visible()
    await expect(page.get_by_text("Listening", exact=True)).to_be_visible(timeout=20_000)
    for partner in ("a", "b"):  # b's first word, a listening sound, comes after 3 s
        await expect(page.locator(f".lane-{partner} .speech").first).to_be_attached(timeout=40_000)
    await expect(page.get_by_text("Nora").first).to_be_visible()
    sound = await page.request.get(f"{gateway.url}/demo/dialogue.ogg")
    assert sound.ok
    assert sound.headers["content-type"].startswith("audio/ogg")
