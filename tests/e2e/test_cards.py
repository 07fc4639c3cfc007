"""A card from the start page to the calendar, in the words that people read."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, expect

from coach.adherence import BUTTONS
from tests.e2e import people
from tests.e2e.browser import PHONE, GatewayProcess
from tests.e2e.looking import faults

pytestmark = pytest.mark.browser

SKILL = "Hand the spoon over. 5 minutes."


async def test_a_card_is_chosen_practised_answered_and_put_in_the_calendar(
    browser: BrowserContext, gateway: GatewayProcess, tmp_path: Path
) -> None:
    page = await browser.new_page()
    await page.goto(gateway.url)
    await page.get_by_text("Pick something to practise").first.click()
    await expect(page.get_by_role("radio", name="Just talk")).to_be_checked()
    await page.get_by_role("radio", name="Say it back, then answer").check()
    assert await faults(page) == []
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    await page.get_by_label("Tied to a habit of yours").fill("<img src=x onerror=alert(1)>")
    await expect(page.get_by_role("button", name="Start a practice")).to_be_in_viewport()
    await page.get_by_role("button", name="Start a practice").click()
    await expect(page.get_by_role("alert")).to_contain_text("plain words")
    await expect(page.get_by_role("alert")).to_be_in_viewport()
    await page.get_by_role("radio", name="Something of our own").check()
    await page.get_by_label("What we’ll do").fill("communicate better")
    await page.get_by_label("When").fill("after the tea")
    assert await faults(page) == []
    await page.get_by_role("button", name="Start a practice").click()
    await expect(page.get_by_role("alert")).to_contain_text("name one act, such as")
    await expect(page.get_by_label("What we’ll do")).to_be_focused()
    await page.get_by_label("What we’ll do").fill("hand the spoon over")
    await page.get_by_role("button", name="Start a practice").click()
    await expect(page.get_by_role("heading", name="Invite your partner")).to_be_in_viewport()
    other = await browser.new_page()
    await other.goto(await page.get_by_role("textbox", name="Your partner’s link").input_value())
    await page.get_by_role("link", name="Go to my side").click()
    await people.agree(page, "Nora")
    await expect(page.get_by_text(SKILL)).to_be_visible()
    await people.agree(other, "Ben")
    for each in (page, other):
        await each.bring_to_front()
        await people.practising(each)
    await other.get_by_role("button", name="Rather begin now").click()  # the card comes after the easy first minute
    for each in (page, other):
        await each.bring_to_front()
        await expect(each.get_by_text(SKILL)).to_be_visible()
    assert await faults(page) == []
    await asyncio.sleep(1.0)  # what lasts less than a second has nothing to look back on
    await people.end(page)
    for act, (label, said) in list(BUTTONS.items())[1:3]:
        each = {"finish": page, "bend": other}[act]
        await each.bring_to_front()
        if act == "finish":
            assert await faults(each) == []
        await each.get_by_role("button", name=label).click()
        await expect(each.get_by_text(said)).to_be_visible()
    await page.get_by_text("A reminder for next time").click()
    assert await faults(page) == []
    async with page.expect_download() as downloading:
        await page.get_by_role("button", name="Put it in my calendar").click()
    await (await downloading.value).save_as(tmp_path / "reminder.ics")
    assert "after the tea" in await asyncio.to_thread((tmp_path / "reminder.ics").read_text)
    await page.get_by_role("link", name="Look back on it").click()
    for text in ("after the tea", "Nora said: “We did it”", "Ben said: “We did half”"):
        await expect(page.locator(".scope")).to_contain_text(text)
