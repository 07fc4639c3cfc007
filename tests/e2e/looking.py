"""Looks at a page as people with other eyes, hands and screens do."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from playwright.async_api import Page

from benchmarks.chromium import DESKTOP
from tests.e2e.browser import PHONE

_AXE = Path(__file__).parents[2] / "web-client" / "node_modules" / "axe-core" / "axe.min.js"
_WAYS = [(size, scheme) for size in (PHONE, DESKTOP) for scheme in ("light", "dark")]
_RUN = """async () => {
  await Promise.all(document.getAnimations().filter((a) => a.effect.getComputedTiming().activeDuration < 2000)
    .map((a) => a.finished.catch(() => undefined)));
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations
    .filter((fault) => ["serious", "critical"].includes(fault.impact))
    .map((fault) => `${fault.id}: ${fault.nodes.map((node) => node.html + " " + node.failureSummary).join(" | ")}`);
}"""
_TOO_WIDE = "() => document.documentElement.scrollWidth > window.innerWidth"
_SMALL_TYPE = """() => [...document.querySelectorAll("main *, .couple *")]
  .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) && e.checkVisibility())
  .filter((e) => parseFloat(getComputedStyle(e).fontSize) < 16 && !e.closest(".unseen"))
  .map((e) => e.textContent)"""


@cache
def _axe() -> str:
    return _AXE.read_text(encoding="utf-8")


async def faults(page: Page) -> list[str]:
    """What is wrong with the page as it stands, on a phone and a laptop, in light and in dark."""
    await page.bring_to_front()
    await page.evaluate(_axe())
    found: list[str] = []
    for (width, height), scheme in _WAYS:
        await page.set_viewport_size({"width": width, "height": height})
        await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        here = f"{width}x{height} {scheme}"
        violations: list[str] = await page.evaluate(_RUN)
        found += [f"{here}: {fault}" for fault in violations]
        if await page.evaluate(_TOO_WIDE):
            found.append(f"{here}: the page scrolls sideways")
        small: list[Any] = await page.evaluate(_SMALL_TYPE)
        found += [f"{here}: small type: {text}" for text in small]
    return found
