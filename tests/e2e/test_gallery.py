"""Where things stand on every screen, from the smallest phone to a laptop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from playwright.async_api import BrowserContext

from tests.e2e.browser import GatewayProcess
from tests.e2e.gallery import Screen, screens, show
from tests.e2e.looking import crowded

pytestmark = pytest.mark.browser

AT_ONCE = 4  # pages


async def test_on_no_screen_anything_lies_over_another_or_is_cut_off_or_is_small(
    browser: BrowserContext, gateway: GatewayProcess
) -> None:
    left = iter(screens().items())
    found = await asyncio.gather(*(_look_at(browser, gateway, left) for _ in range(AT_ONCE)))
    told = "\n".join(fault for faults in found for fault in faults)
    assert not told, told


async def _look_at(browser: BrowserContext, gateway: GatewayProcess, left: Iterator[tuple[str, Screen]]) -> list[str]:
    faults = []
    for name, screen in left:
        page = await browser.new_page()
        await show(page, gateway.url, screen)
        faults += [f"{name} {fault}" for fault in await crowded(page)]
        await page.close()
    return faults


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("<p style='width:2000px'>A wide one</p>", "scrolls sideways"),
        ("<p style='font-size:14px'>Small</p>", "small type"),
        ("<p style='width:4rem;overflow:hidden;white-space:nowrap'>Longer than it may be</p>", "cut off"),
        ("<p style='position:absolute;left:-3rem'>To the left</p>", "beyond the edge"),
        ("<button style='height:30px'>Press</button>", "small to tap"),
        ("<p>One</p><p style='position:relative;top:-2rem'>Two</p>", "one over the other"),
        ("<button>Press</button><button style='margin-left:-3rem'>This</button>", "one over the other"),
        ("<p style='width:12rem;white-space:nowrap;font-size:1rem'>No room for it twice</p>", "type twice as large"),
        (
            "<div class='couple'><div class='calm'><div class='core' style='width:9rem;height:9rem'></div></div></div>"
            "<p style='margin-top:-5rem'>Words</p>",
            "over the shape",
        ),
        (
            "<div style='display:flex'><p>A sentence that is long enough.</p><p>And another one beside it.</p></div>",
            "side by side",
        ),
    ],
)
async def test_what_pictures_would_show_is_found(browser: BrowserContext, body: str, told: str) -> None:
    page = await browser.new_page()
    await page.set_content(f"<style>* {{ font: 18px sans-serif }} button {{ height: 44px }}</style>{body}")
    assert any(told in fault for fault in await crowded(page))
