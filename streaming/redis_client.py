"""A Redis client that knows whether it is heard, shared by the bus and the leases of a process."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from redis.asyncio import RedisCluster
from redis.exceptions import NoScriptError, RedisClusterException, RedisError

from streaming.errors import BusUnavailable
from streaming.redis_url import connect, disconnect, shown

T = TypeVar("T")


class RedisClient:
    """Asks Redis; where no answer comes, says so once, and again when answers are back."""

    def __init__(self, url: str) -> None:
        self.client = connect(url)
        self.is_cluster = isinstance(self.client, RedisCluster)
        self.degraded = False
        self.on_degraded: Callable[[bool], None] | None = None
        self._shown = shown(url)

    async def ask(self, asked: Awaitable[T]) -> T:
        """The answer. Raises BusUnavailable where none came."""
        try:
            answer = await asked
        except (RedisError, RedisClusterException, OSError) as error:
            self._tell(degraded=True)
            raise BusUnavailable(f"no answer from {self._shown}: {error}") from error
        self._tell(degraded=False)
        return answer

    async def run(self, script: str, keys: Sequence[str], arguments: Iterable[str | bytes | int]) -> Any:
        """What the Lua script returns. It is sent in full only to a server that does not know it yet."""
        return await self.ask(self._run(script, keys, [*arguments]))

    async def _run(self, script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        where: dict[str, Any] = {}
        if isinstance(self.client, RedisCluster):
            # Left to itself, redis-py 8 sends a script to any node, and takes the redirections that
            # follow for a change of the cluster, upon which it ends all its connections.
            await self.client.initialize()
            where = {"target_nodes": self.client.get_node_from_key(keys[0])}
        try:
            return await self.client.execute_command("EVALSHA", _hash(script), len(keys), *keys, *arguments, **where)
        except NoScriptError:
            return await self.client.execute_command("EVAL", script, len(keys), *keys, *arguments, **where)

    def _tell(self, *, degraded: bool) -> None:
        if degraded != self.degraded:
            self.degraded = degraded
            if self.on_degraded:
                self.on_degraded(degraded)

    async def close(self) -> None:
        await disconnect(self.client)


@lru_cache
def _hash(script: str) -> str:
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()  # the name Redis gives it
