"""What partners do in their browsers, in the words that they read there."""

from __future__ import annotations

from playwright.async_api import BrowserContext, Page

from benchmarks.chromium import agree as agree
from benchmarks.chromium import listening
from gateway.simulated import SimulatedPartner
from streaming.types import SAMPLE_RATE_HZ, Samples
from tests.e2e.browser import GatewayProcess

practising = listening


async def open_link(context: BrowserContext, gateway: GatewayProcess, token: str, page: str = "join") -> Page:
    opened = await context.new_page()
    await opened.goto(f"{gateway.url}/{page}#{token}")
    return opened


async def end(page: Page) -> None:
    await page.get_by_role("button", name="End", exact=True).click()
    await page.get_by_role("button", name="End it").click()


def simulated(gateway: GatewayProcess, token: str, audio: Samples) -> SimulatedPartner:
    """A partner without a browser; ``audio`` is 16 kHz."""
    return SimulatedPartner(gateway.socket_url, token, audio, rate_hz=SAMPLE_RATE_HZ)
