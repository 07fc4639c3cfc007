"""A Redis client that knows whether it is heard, shared by the bus and the leases of a process."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from redis.asyncio import RedisCluster
from redis.exceptions import NoScriptError, RedisClusterException, RedisError

from streaming.address import shown
from streaming.errors import BusUnavailable
from streaming.redis_url import Client, connect, disconnect

T = TypeVar("T")

WELL_AFTER_S = 1.0  # without a failure: of a cluster, a part may be away while the rest answers


class RedisClient:
    """Asks Redis. ``degraded`` from a question without an answer until answers have come again for a while."""

    def __init__(self, url: str) -> None:
        self.client = connect(url)
        self.is_cluster = isinstance(self.client, RedisCluster)
        self.degraded = False
        self._failed_at = -WELL_AFTER_S
        self._shown = shown(url)

    async def ask(self, asked: Awaitable[T]) -> T:
        """The answer. Raises BusUnavailable where none came."""
        task = asyncio.current_task()
        cancelled = task.cancelling() if task else 0
        try:
            try:
                answer = await asked
            finally:
                # redis-py sends through Python 3.11's wait_for, which may swallow a cancellation.
                if task and task.cancelling() > cancelled:
                    raise asyncio.CancelledError
        except (RedisError, RedisClusterException, OSError) as error:
            self._failed_at = time.monotonic()
            self.degraded = True
            raise BusUnavailable(f"no answer from {self._shown}: {error}") from error
        if time.monotonic() - self._failed_at >= WELL_AFTER_S:
            self.degraded = False
        return answer

    async def run(self, script: str, keys: Sequence[str], arguments: Iterable[str | bytes | int]) -> Any:
        """What the Lua script returns. It is sent in full only to a server that does not know it yet."""
        return await self.ask(self._run(script, keys, [*arguments]))

    async def _run(self, script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        if not isinstance(self.client, RedisCluster):
            return await _evaluate(self.client, script, keys, arguments)
        try:
            # Left to itself, redis-py 8 sends a script to any node, and takes the redirections that
            # follow for a change of the cluster, upon which it ends all its connections.
            await self.client.initialize()
            node = self.client.get_node_from_key(keys[0])
            return await _evaluate(self.client, script, keys, arguments, target_nodes=node)
        except AttributeError as error:
            # It also ends connections that are just being made, and then stumbles over what is missing.
            raise ConnectionError("the cluster changed under way") from error

    async def close(self) -> None:
        await disconnect(self.client)


async def _evaluate(client: Client, script: str, keys: Sequence[str], arguments: Sequence[Any], **where: Any) -> Any:
    try:
        return await client.execute_command("EVALSHA", _hash(script), len(keys), *keys, *arguments, **where)
    except NoScriptError:
        return await client.execute_command("EVAL", script, len(keys), *keys, *arguments, **where)


@lru_cache
def _hash(script: str) -> str:
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()  # the name Redis gives it
