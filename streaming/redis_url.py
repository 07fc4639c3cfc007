"""Redis clients from URLs: one server, Sentinel, Cluster; TLS and passwords for each."""

from __future__ import annotations

import re
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, unquote

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import ConstantBackoff, NoBackoff
from redis.exceptions import ConnectionError, RedisError

from streaming.address import check, shown
from streaming.errors import UnusableInput

Client: TypeAlias = Redis | RedisCluster

CONNECT_S = 0.5  # within one data centre a connection takes milliseconds
ANSWER_S = 1.0  # live audio cannot wait longer: after this Redis is called gone
_SENTINEL_PORT, _CLUSTER_PORT = 26379, 6379
_HOST = re.compile(r"(\[[^\]]+\]|[^:,\[\]]+)(?::(\d+))?")
_TLS_OPTIONS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname")
_FORMS = (
    "redis://[user:password@]host[:port][/db], redis+sentinel://[user:password@]host[:port],…/service[/db], "
    "redis+cluster://[user:password@]host[:port],…; rediss… for TLS, with ?ssl_ca_certs=FILE for a CA of one's own"
)


def connect(url: str) -> Client:
    """A client that fails within about a second. Nothing is sent yet. Raises UnusableInput with the forms."""
    check(url)
    scheme = url.partition("://")[0]
    try:
        match scheme:
            case "redis" | "rediss" | "unix":
                return Redis.from_url(url, **_common())
            case "redis+sentinel" | "rediss+sentinel":
                return _sentinel(url)
            case "redis+cluster" | "rediss+cluster":
                return _cluster(url)
    except (ValueError, RedisError) as error:
        raise UnusableInput(f"{shown(url)}: {error}; give {_FORMS}") from error
    raise UnusableInput(f"{shown(url)}: not a Redis address; give {_FORMS}")


async def disconnect(client: Client) -> None:
    await client.aclose()
    pool = None if isinstance(client, RedisCluster) else client.connection_pool
    if isinstance(pool, SentinelConnectionPool):
        for sentinel in pool.sentinel_manager.sentinels:
            await sentinel.aclose()


def _common() -> dict[str, Any]:
    # One more try, for a pooled connection that ended with the server's restart.
    once_more = Retry(NoBackoff(), 1, supported_errors=(ConnectionError,))
    timeouts = {"socket_timeout": ANSWER_S, "socket_connect_timeout": CONNECT_S}
    return {**timeouts, "retry": once_more, "protocol": 2}


def _sentinel(url: str) -> Redis:
    hosts, path, options, sentinel_options = _parts(url, _SENTINEL_PORT)
    service, _, db = path.partition("/")
    if not service:
        raise ValueError("names no service")
    sentinels = Sentinel(  # type: ignore[no-untyped-call]  # redis-py leaves it so
        hosts, sentinel_kwargs={**_common(), **sentinel_options}, **_common(), **options
    )
    client: Redis = sentinels.master_for(service, db=int(db or 0))
    return client


def _cluster(url: str) -> RedisCluster:
    hosts, path, options, _ = _parts(url, _CLUSTER_PORT)
    if path:
        raise ValueError("a cluster has no databases to choose from")
    # Enough tries to learn of a new primary, few enough to fail within a second or two.
    tries = Retry(ConstantBackoff(0.1), 2)
    nodes = [ClusterNode(host, port) for host, port in hosts]
    return RedisCluster(startup_nodes=nodes, **{**_common(), "retry": tries}, **options)


def _parts(url: str, port: int) -> tuple[list[tuple[str, int]], str, dict[str, Any], dict[str, Any]]:
    """(hosts, path, options, sentinels' own options) of a URL with several hosts."""
    scheme, _, rest = url.partition("://")  # urlsplit knows of one host only
    rest, _, options = rest.partition("?")
    place, _, path = rest.partition("/")
    user, _, addresses = place.rpartition("@")
    found = [_HOST.fullmatch(address) for address in addresses.split(",")]
    hosts = [(match[1].strip("[]"), int(match[2] or port)) for match in found if match]
    if len(hosts) != len(found):
        raise ValueError(f"cannot read the hosts {addresses!r}")
    query = dict(parse_qsl(options))
    strange = set(query) - {*_TLS_OPTIONS, "sentinel_username", "sentinel_password"}
    if strange:
        raise ValueError(f"unknown option {min(strange)!r}")
    tls: dict[str, Any] = {name: query[name] for name in _TLS_OPTIONS if name in query}
    if "ssl_check_hostname" in tls:
        tls["ssl_check_hostname"] = tls["ssl_check_hostname"].lower() not in ("0", "no", "false")
    if scheme.startswith("rediss"):
        tls["ssl"] = True
    name, _, password = user.partition(":")
    account = {"username": unquote(name) or None, "password": unquote(password) or None}
    own = {"username": query.get("sentinel_username"), "password": query.get("sentinel_password")}
    return hosts, path.strip("/"), {**account, **tls}, {**own, **tls}
