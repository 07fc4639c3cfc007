"""A page whose network goes and another one comes: the practice goes on by itself within 3 s."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Playwright, expect

from benchmarks.chromium import CHROMIUM, MICROPHONE, chromium
from benchmarks.gateway_process import gateway
from benchmarks.namespaces import Network, no_right
from gateway.simulated import SimulatedPartner
from tests.e2e import people

pytestmark = [pytest.mark.browser, pytest.mark.alone]

GATEWAY = "10.79.0.1"
OUTAGE_S = 1.0  # beyond the moment at which the page has noticed
BACK_S = 3.0


async def test_a_page_is_back_within_three_seconds_at_another_address(playwright: Playwright, tmp_path: Path) -> None:
    if (reason := no_right()) is not None:
        pytest.skip(reason)
    with Network() as net:
        net.add("gw", "home")
        gateway_end, home_end = net.cable("gw", f"{GATEWAY}/24", "home", "10.79.0.2/24")
        async with gateway(host=GATEWAY, inside=net.inside("gw")) as running:
            links = await asyncio.to_thread(net.live, "gw", running.new_session)
            secure = f"--unsafely-treat-insecure-origin-as-secure={running.url}"
            home = net.program(tmp_path / "chromium", "home", CHROMIUM)
            async with chromium(playwright, tmp_path / "profile", *MICROPHONE, secure, program=home) as browser:
                page = await browser.new_page()
                await page.goto(f"{running.url}/join#{links['a']}")
                await people.agree(page, "Nora")
                partner = asyncio.create_task(
                    asyncio.to_thread(net.live, "gw", lambda: be_there(running.socket_url, links["b"]))
                )
                await people.practising(page)

                async def moved(before: str, after: str) -> float:
                    """From one address to another, as from Wi-Fi to mobile; how long it took to be back (s)."""
                    await asyncio.to_thread(net.ip, "gw", "link", "set", gateway_end, "down")
                    await expect(page.get_by_text("Connecting again").first).to_be_visible(timeout=15_000)
                    await asyncio.sleep(OUTAGE_S)
                    for words in (("del", before), ("add", after)):
                        await asyncio.to_thread(net.ip, "home", "address", *words, "dev", home_end)
                    await asyncio.to_thread(net.ip, "gw", "link", "set", gateway_end, "up")
                    back_s = time.monotonic()
                    await people.practising(page)
                    return time.monotonic() - back_s

                took_s = await moved("10.79.0.2/24", "10.79.0.3/24")
                if took_s >= BACK_S:  # the promise is for 19 of 20
                    took_s = await moved("10.79.0.3/24", "10.79.0.4/24")
                await people.end(page)
                await partner
    assert took_s < BACK_S


async def be_there(url: str, token: str) -> None:
    async with SimulatedPartner(url, token, np.zeros(0, np.float32)) as partner:
        await partner.set_up(same_room=False)
        await partner.connect_media()
        await partner.consent()
        await partner.until(lambda: partner.ended)
