"""Each test has a gateway process of its own, and its own Playwright."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Playwright

from tests.e2e import browser
from tests.e2e.browser import GatewayProcess


@pytest_asyncio.fixture
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GatewayProcess]:
    async with GatewayProcess(tmp_path_factory.mktemp("gateway") / "data") as running:
        yield running


@pytest_asyncio.fixture
async def playwright() -> AsyncIterator[Playwright]:
    async with browser.playwright() as running:
        yield running
