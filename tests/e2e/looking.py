"""Looks at a page as people with other eyes, hands and screens do."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from playwright.async_api import Page

from benchmarks.chromium import DESKTOP
from tests.e2e.browser import PHONE

_AXE = Path(__file__).parents[2] / "web-client" / "node_modules" / "axe-core" / "axe.min.js"
SMALL_PHONE = (320, 568)
ON_ITS_SIDE = (844, 390)
_RUN = """async (scheme) => {
  await Promise.all(document.getAnimations().filter((a) => a.effect.getComputedTiming().activeDuration < 2000)
    .map((a) => a.finished.catch(() => undefined)));
  const rules = scheme === "light" ? {} : { runOnly: ["color-contrast"] };  // nothing else differs in the dark
  const found = await axe.run(document, { resultTypes: ["violations"], ...rules });
  return found.violations
    .filter((fault) => ["serious", "critical"].includes(fault.impact))
    .map((fault) => `${fault.id}: ${fault.nodes.map((node) => node.html + " " + node.failureSummary).join(" | ")}`);
}"""
_LAYOUT = Path(__file__).with_name("looking.js").read_text(encoding="utf-8")


@cache
def _axe() -> str:
    return _AXE.read_text(encoding="utf-8")


async def faults(page: Page) -> list[str]:
    """What is wrong with the page as it stands: for all eyes and ears, in light and in dark, and where things stand."""
    await page.bring_to_front()
    await page.evaluate(_axe())
    found: list[str] = []
    for width, height in (PHONE, DESKTOP):
        await page.set_viewport_size({"width": width, "height": height})
        for scheme in ("dark", "light"):
            await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            found += [f"{width}x{height} {scheme}: {fault}" for fault in await page.evaluate(_RUN, scheme)]
    return found + await crowded(page)


async def crowded(page: Page) -> list[str]:
    """Where things stand, from a laptop to the smallest phone, and with large type: what lies over what, or is cut off.

    It narrows from one to the next, as it does for who turns a phone: what was drawn wide has to give way.
    """
    found: list[str] = []
    before = page.viewport_size
    for width, height in (DESKTOP, ON_ITS_SIDE, PHONE, SMALL_PHONE):
        await page.set_viewport_size({"width": width, "height": height})
        found += [f"{width}x{height}: {fault}" for fault in await page.evaluate(_LAYOUT)]
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    await page.evaluate("document.documentElement.style.fontSize = '225%'")  # 36 px for 18: type twice as large
    found += [f"type twice as large: {fault}" for fault in await page.evaluate(_LAYOUT)]
    await page.evaluate("document.documentElement.style.fontSize = ''")
    if before:
        await page.set_viewport_size(before)
    return found
