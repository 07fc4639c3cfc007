"""One gateway process for all browser tests, and a fresh one for those that harm it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Playwright

from tests.e2e import browser
from tests.e2e.browser import GatewayProcess


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browsers that starve answer late: what is said of their time holds only where they have the machine."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.alone)


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with GatewayProcess(tmp_path_factory.mktemp("gateway") / "data") as running:
        yield running


@pytest.fixture
def own_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """For a test that kills it."""
    with GatewayProcess(tmp_path_factory.mktemp("own-gateway") / "data") as running:
        yield running


@pytest_asyncio.fixture
async def playwright() -> AsyncIterator[Playwright]:
    async with browser.playwright() as running:
        yield running
