"""What all tests share: a real Redis and a real PostgreSQL, begun for the first who asks."""

from __future__ import annotations

import gc
from collections.abc import Generator, Iterator

import pytest

from benchmarks.servers import Server, postgres_server, redis_server


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Before Python 3.11.8, garbage that is collected at the very moment at which pytest reads a test's source may end
    the whole run ("AST constructor recursion depth mismatch"): what is imported now stays anyway.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.fixture(scope="session")
def redis() -> Iterator[Server]:
    with redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    with postgres_server() as server:
        yield server
