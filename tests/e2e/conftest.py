"""One gateway and one browser for the tests that can share them, and fresh ones for those that harm them.

Everybody in the shared browser has a profile of their own, so they share nothing but the gateway.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from inspect import iscoroutinefunction
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Playwright, WebError, async_playwright, expect

from benchmarks.chromium import CHROMIUM, MICROPHONE, QUIET
from tests.e2e.browser import PHONE, GatewayProcess

expect.set_options(timeout=15_000)  # the machine may be busy; nothing waits so long when all is well


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The shared browser lives as long as the loop that it was started in."""
    for item in items:
        ours = item.path.is_relative_to(Path(__file__).parent)
        if ours and isinstance(item, pytest.Function) and iscoroutinefunction(item.obj):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with GatewayProcess(tmp_path_factory.mktemp("gateway") / "data") as running:
        yield running


@pytest.fixture
def own_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """For a test that kills it."""
    with GatewayProcess(tmp_path_factory.mktemp("own-gateway") / "data") as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chrome(playwright: Playwright) -> AsyncIterator[Browser]:
    """Chromium with its own fake microphone, which beeps once a second."""
    running = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, *MICROPHONE])
    try:
        yield running
    finally:
        await running.close()


@pytest_asyncio.fixture(loop_scope="session")
async def browser(chrome: Browser) -> AsyncIterator[BrowserContext]:
    """Somebody's phone."""
    async with _profile(chrome) as context:
        yield context


@pytest_asyncio.fixture(loop_scope="session")
async def other_browser(chrome: Browser) -> AsyncIterator[BrowserContext]:
    """Somebody else's."""
    async with _profile(chrome) as context:
        yield context


@asynccontextmanager
async def _profile(chrome: Browser) -> AsyncIterator[BrowserContext]:
    """A fresh one. Nothing in its pages may throw, or be held back by the gateway's content policy."""
    complaints: list[str] = []

    def crashed(error: WebError) -> None:
        complaints.append(str(error.error))

    def said(message: ConsoleMessage) -> None:
        if "Content Security" in message.text:
            complaints.append(message.text)

    context = await chrome.new_context(viewport={"width": PHONE[0], "height": PHONE[1]})
    context.on("weberror", crashed)
    context.on("console", said)
    try:
        yield context
    finally:
        await context.close()
    assert complaints == []
