"""Real browsers for benchmarks and tests: each a headless Chromium process with a fresh profile.

Two of them share nothing but the gateway.
"""

from __future__ import annotations

import os
import re
import shutil
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
from playwright.async_api import BrowserContext, Page, Playwright, Route

from gateway.voice_track import RATE_HZ
from streaming.errors import UnusableInput
from streaming.types import Samples

CHROMIUM = os.environ.get("BREATHMARK_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
DESKTOP = (1280, 800)
PAGES = Path(__file__).parent / "latency_page"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--autoplay-policy=no-user-gesture-required",
)
MICROPHONE = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")


@asynccontextmanager
async def chromium(
    running: Playwright,
    profile: Path,
    *switches: str,
    size: tuple[int, int] = DESKTOP,
    dark: bool = False,
    bypass_csp: bool = False,
    program: str | Path = CHROMIUM,
) -> AsyncIterator[BrowserContext]:
    """``bypass_csp``: the page may talk to others than the gateway."""
    context = await running.chromium.launch_persistent_context(
        profile,
        executable_path=program,
        headless=True,
        args=[*QUIET, *switches],
        bypass_csp=bypass_csp,
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
    )
    try:
        yield context
    finally:
        await context.close()


async def agree(page: Page, name: str, *, observer: bool = False, words: bool = False) -> None:
    """From the opened link to the yes, as a person would."""
    await page.get_by_role("button", name="No, I feel safe").click()
    await page.get_by_role("radio", name=re.compile("^Apart")).check()
    await page.get_by_label("Your first name").fill(name)
    if observer:
        await page.get_by_label("An observer may watch live").check()
    if words:
        await page.get_by_label("Write our words down").check()
    await page.get_by_role("button", name="Yes, I agree: use my microphone").click()


async def listening(page: Page) -> None:
    """Waits until this partner's page says that it listens."""
    # a long sound takes its time to load
    await page.get_by_text("Listening", exact=True).first.wait_for(timeout=60_000)


async def speaking_page(browser: BrowserContext, sound: Path, address: str, name: str) -> Page:
    """A partner's page, which has agreed; its microphone gives what ``say`` tells it to."""
    page = await browser.new_page()
    await give_voice(page, sound)
    await page.goto(address)
    await agree(page, name, observer=True)
    return page


async def give_voice(place: Page | BrowserContext, sound: Path) -> None:
    """The microphone of what is opened there gives what ``say`` tells it to.

    Chromium's own file microphone starts whenever the page happens to open it, so two of them are never in step.
    """
    await place.add_init_script(path=PAGES / "microphone.js")
    await serve_sound(place, "**/bench-clips.wav", sound)


async def say(page: Page, unix_s: float, start_s: float, length_s: float) -> None:
    """This stretch of the page's sound is spoken at that moment of the wall clock. Raises UnusableInput if too late."""
    ahead_s = await page.evaluate("(said) => window.benchSay(...said)", [unix_s, start_s, length_s])
    if ahead_s < 0:
        raise UnusableInput(f"the machine is too busy: a voice was to begin {-ahead_s * 1000:.0f} ms ago")


def write_sound(path: Path, audio: Samples) -> Path:
    """48 kHz, 16 bit, mono, for a page to decode."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((np.clip(audio, -1, 1) * 32767).astype("<i2").tobytes())
    return path


async def serve_sound(place: Page | BrowserContext, pattern: str, file: Path) -> None:
    async def answer(route: Route) -> None:
        await route.fulfill(path=file, content_type="audio/wav")

    await place.route(pattern, answer)
