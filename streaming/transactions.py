"""Transactions that are done in one go, so that the event loop hears of each once.

aiosqlite hands each cursor, statement and commit to its thread and wakes the loop after each: three quarters of what a
line cost, and most of the wake-ups of a gateway with few couples. PostgreSQL's driver has no thread to wait for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncEngine

from streaming.engine import beside

T = TypeVar("T")


class Transactions:
    """Of one store, one after the other where that is SQLite."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._beside: Engine | None = beside(engine) if engine.dialect.name == "sqlite" else None

    async def run(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` gives, once it is committed. Raises what the database does; then nothing was done.

        Whoever is cancelled meanwhile doesn't know whether it was.
        """
        if self._beside is None:
            async with self._engine.begin() as connection:
                return await connection.run_sync(work)
        return await asyncio.get_running_loop().run_in_executor(self._thread, _run, self._beside, work)

    async def close(self) -> None:
        if self._beside is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._beside.dispose)
        self._thread.shutdown(wait=False)


def _run(engine: Engine, work: Callable[[Connection], T]) -> T:
    with engine.begin() as connection:
        return work(connection)
