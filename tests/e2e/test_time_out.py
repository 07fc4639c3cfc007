"""A time-out in two browsers: the same words on both, whatever is reloaded or restarted, and the way back."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.e2e import people
from tests.e2e.browser import GatewayProcess

pytestmark = pytest.mark.browser


async def back_at(page: Page) -> str:
    heading = page.get_by_role("heading", name=re.compile(r"^Pause\. Back at \d+:\d\d\.$"))
    await expect(heading).to_be_visible(timeout=15_000)
    return await heading.inner_text()


async def test_a_time_out_is_the_same_on_both_screens_and_outlasts_a_reload_and_a_killed_gateway(
    browser: BrowserContext, other_browser: BrowserContext, own_gateway: GatewayProcess
) -> None:
    links = (await own_gateway.new_session())["links"]
    a = await people.open_link(browser, own_gateway, links["a"])
    b = await people.open_link(other_browser, own_gateway, links["b"])
    await people.agree(a, "Nora")
    await people.agree(b, "Ben")
    for page in (a, b):
        await people.practising(page)
    await a.get_by_role("button", name="Pause").click()
    await b.get_by_role("button", name="Take 20 minutes").click()
    told = await back_at(a)
    assert await back_at(b) == told
    for page in (a, b):
        await expect(page.get_by_text(re.compile("^About 2[0-5] minutes from now"))).to_be_visible()
    tasks = {await page.locator(".screen .lead").inner_text() for page in (a, b)}
    assert len(tasks) == 1, "one thing that soothes, the same for both"
    await a.reload()
    assert await back_at(a) == told
    own_gateway.kill()
    own_gateway.start()
    for page in (a, b):
        await expect(page.get_by_text("Connecting again")).to_have_count(0, timeout=15_000)
        assert await back_at(page) == told
    await a.get_by_role("button", name="We are back").click()
    for page in (a, b):
        await people.practising(page)
    kinds = [line["kind"] for line in await own_gateway.lines("/api/timeline", links["a"])]
    assert kinds.count("time_out") == 1
    assert kinds.count("cue_painted") == 2, "both screens said that they showed it"
