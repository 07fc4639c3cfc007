"""`python -m tests.e2e.screenshots DIR`: the README's pictures, taken from the running application.

One demo practice is played in real time (about two minutes), so cue, lanes and report are what came out.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Page, TimeoutError, async_playwright

from benchmarks.chromium import DESKTOP, MICROPHONE, chromium
from tests.e2e.browser import PHONE, GatewayProcess

CUE_WITHIN_S = 120.0
OBSERVED_S = 85.0  # session time at which the lanes are full
REPORT_HEIGHT = 1_090  # px, down to the lanes and what can be done with them
LARGEST_BYTES = 150_000


async def take_all(out: Path) -> None:
    with tempfile.TemporaryDirectory() as folder, GatewayProcess(Path(folder) / "data") as gateway:
        async with (
            async_playwright() as running,
            chromium(running, Path(folder) / "profile", *MICROPHONE, size=PHONE) as browser,
        ):
            await before_a_practice(await browser.new_page(), gateway, out)
            await a_practice(await browser.new_page(), gateway, out)


async def before_a_practice(page: Page, gateway: GatewayProcess, out: Path) -> None:
    await page.goto(gateway.url)
    await save(page, out / "start-phone.png")
    await page.get_by_role("button", name="Start a practice").click()
    await page.get_by_role("link", name="Go to my side").wait_for()
    await save(page, out / "invite-phone.png")
    await page.get_by_role("link", name="Go to my side").click()
    await page.get_by_role("button", name="No, I feel safe").click()
    await save(page, out / "join-phone.png")
    await page.close()


async def a_practice(page: Page, gateway: GatewayProcess, out: Path) -> None:
    made = await gateway.get("/api/demo", method="POST")
    await page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    await page.route("**/api/demo", lambda route: route.fulfill(status=201, json=made))
    await page.goto(f"{gateway.url}/demo")
    began = page.get_by_text("Listening", exact=True)
    await began.wait_for()
    start_s = asyncio.get_running_loop().time()
    try:
        await page.locator(".cue").wait_for(timeout=CUE_WITHIN_S * 1_000)
    except TimeoutError:
        sys.exit("no cue came in the demo: the machine was too busy to hear both voices; try again when it is idle")
    await save(page, out / "demo-laptop.png")
    await page.emulate_media(color_scheme="dark")
    await page.locator(".phone").screenshot(path=out / "cue-phone.png")
    await page.emulate_media(color_scheme="light")
    await page.goto(f"{gateway.url}/watch#{made['token']}")
    await asyncio.sleep(max(0.0, start_s + OBSERVED_S - asyncio.get_running_loop().time()))
    await save(page, out / "observer-laptop.png")
    await page.get_by_role("link", name="Open the report").click(timeout=60_000)
    await page.get_by_role("heading", name="The conversation").wait_for()
    await page.set_viewport_size({"width": DESKTOP[0], "height": REPORT_HEIGHT})
    await save(page, out / "report-laptop.png")


async def save(page: Page, path: Path) -> None:
    await page.evaluate("document.activeElement?.blur()")
    await page.wait_for_timeout(900)  # whatever comes in softly has come
    await page.screenshot(path=path)
    sys.stderr.write(f"{path}\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.e2e.screenshots DIR")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(take_all(folder))
    if large := [picture.name for picture in folder.glob("*.png") if picture.stat().st_size > LARGEST_BYTES]:
        sys.exit(f"over {LARGEST_BYTES} bytes: {', '.join(large)}")
