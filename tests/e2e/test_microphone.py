"""A microphone that is unplugged or muted in the middle of a practice: both are told, and one finds the way out.

No browser lets a test pull out a device: the track is stopped, and told as the browser tells it.
"""

from __future__ import annotations

import pytest
from playwright.async_api import BrowserContext, expect

from tests.e2e import people
from tests.e2e.browser import GatewayProcess
from tests.e2e.looking import faults

pytestmark = pytest.mark.browser

_KEEP_TRACKS = """
const devices = navigator.mediaDevices;  // an empty page has none
const open = devices?.getUserMedia.bind(devices);
if (devices) devices.getUserMedia = async (wanted) => {
  const stream = await open(wanted);
  window.track = stream.getAudioTracks()[0];
  return stream;
};
"""


async def test_both_are_told_of_a_microphone_that_gives_nothing_and_it_comes_back(
    browser: BrowserContext, gateway: GatewayProcess
) -> None:
    links = (await gateway.new_session())["links"]
    await browser.add_init_script(_KEEP_TRACKS)
    pages = [await people.open_link(browser, gateway, links[role]) for role in ("a", "b")]
    for page, name in zip(pages, ("Nora", "Ben"), strict=True):
        await page.bring_to_front()
        await people.agree(page, name)
    for page in pages:
        await page.bring_to_front()
        await people.practising(page)
    mine, theirs = pages
    await mine.bring_to_front()
    await mine.evaluate("track.dispatchEvent(new Event('mute'))")
    await expect(mine.get_by_text("Your microphone is muted on this device")).to_be_visible()
    await expect(theirs.get_by_text("Your partner’s microphone is muted")).to_be_visible()
    await mine.evaluate("track.dispatchEvent(new Event('unmute'))")
    await expect(mine.get_by_text("is muted")).to_have_count(0)

    await mine.evaluate("track.stop(), track.dispatchEvent(new Event('ended'))")
    await expect(mine.get_by_text("Your microphone seems unplugged")).to_be_visible()
    await expect(theirs.get_by_text("Your partner’s microphone seems unplugged")).to_be_visible()
    assert await faults(mine) == []
    await mine.get_by_role("button", name="Try again").click()
    for page in pages:
        await expect(page.get_by_text("seems unplugged")).to_have_count(0)
    await people.practising(mine)
    assert await mine.evaluate("track.readyState") == "live"
