"""Speaker and listener on two screens: each sees what is theirs to do, and nobody else's."""

from __future__ import annotations

import pytest
from playwright.async_api import BrowserContext, expect

from tests.e2e import people
from tests.e2e.browser import GatewayProcess
from tests.e2e.looking import faults

pytestmark = pytest.mark.browser

# who presses what, and what then stands on the screens of the first and of the second
TURN = (
    (0, "Done", "Listen", "What did you hear?"),
    (1, "I have said it back", "Is that it?", "Did I get that right?"),
    (0, "Yes, that’s it", "Listen", "You have the floor"),
)

# A cue takes the whole screen for its few seconds: a panel of ours stands in for one that takes a minute to come.
_CUE_IS_ABOVE = """() => {
  const cue = document.createElement("div");
  cue.className = "cue";
  document.querySelector(".couple").append(cue);
  cue.style.minHeight = "100%";
  const box = document.querySelector(".floor-prompt").getBoundingClientRect();
  const above = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2) === cue;
  cue.remove();
  return above;
}"""


async def test_a_turn_is_taken_said_back_and_handed_over(browser: BrowserContext, gateway: GatewayProcess) -> None:
    links = (await gateway.new_session())["links"]
    pages = [await people.open_link(browser, gateway, links[role]) for role in ("a", "b")]
    for page, name in zip(pages, ("Nora", "Ben"), strict=True):
        await page.bring_to_front()
        await people.agree(page, name)
    for page in pages:
        await page.bring_to_front()
        await people.practising(page)
    await pages[0].bring_to_front()
    await pages[0].get_by_role("button", name="Listening").click()
    await pages[0].get_by_role("button", name="I begin").click()
    await expect(pages[0].get_by_text("You have the floor")).to_be_visible()
    assert await pages[0].evaluate(_CUE_IS_ABOVE)
    assert await faults(pages[0]) == []
    for who, press, *prompts in TURN:
        await pages[who].bring_to_front()
        await pages[who].get_by_role("button", name=press, exact=True).click()
        for page, prompt in zip(pages, prompts, strict=True):
            await expect(page.locator(".floor-prompt")).to_have_text(prompt)
    assert await faults(pages[1]) == []
    await pages[0].bring_to_front()
    await pages[0].get_by_role("button", name="Stop taking turns").click()
    for page in pages:
        await expect(page.locator(".floor-panel")).to_have_count(0)
