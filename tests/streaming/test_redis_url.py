"""Redis URLs: which client each gives, and real servers behind TLS and passwords."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.connection import SSLConnection
from redis.asyncio.sentinel import SentinelConnectionPool, SentinelManagedSSLConnection

from benchmarks.servers import PASSWORD, QUOTED_PASSWORD, redis_server
from streaming.address import shown
from streaming.backbone import open_backbone
from streaming.bus import START
from streaming.errors import BusUnavailable, UnusableInput
from streaming.redis_url import connect


async def test_redis_over_tls_with_a_password_is_spoken_to_and_checked() -> None:
    with redis_server(password=PASSWORD, tls=True) as server:
        address, authority = f"127.0.0.1:{server.port}/0", f"?ssl_ca_certs={server.folder / 'cert.pem'}"
        async with open_backbone(f"rediss://:{QUOTED_PASSWORD}@{address}{authority}") as backbone:
            await backbone.bus.publish("s", b"x")
            assert [message.payload for message in await backbone.bus.read({"s": START})] == [b"x"]
        for wrong in (
            f"rediss://:barley@{address}{authority}",
            f"rediss://:{QUOTED_PASSWORD}@{address}",  # nobody vouches for its certificate
            f"redis://:{QUOTED_PASSWORD}@{address}",  # in clear
        ):
            async with open_backbone(wrong) as backbone:
                with pytest.raises(BusUnavailable) as caught:
                    await backbone.bus.publish("s", b"x")
                assert QUOTED_PASSWORD not in str(caught.value)


def test_a_sentinel_url_names_its_sentinels_their_service_and_both_passwords() -> None:
    client = connect("rediss+sentinel://me:a%2Fb@one,two:26380,[::1]:5/main/3?sentinel_password=c&ssl_ca_certs=/ca.pem")
    assert isinstance(client, Redis)
    pool = client.connection_pool
    assert isinstance(pool, SentinelConnectionPool)
    assert pool.service_name == "main"
    assert pool.connection_class is SentinelManagedSSLConnection
    own = pool.connection_kwargs
    assert (own["username"], own["password"], own["db"], own["ssl_ca_certs"]) == ("me", "a/b", 3, "/ca.pem")
    sentinels = [sentinel.connection_pool for sentinel in pool.sentinel_manager.sentinels]
    assert [(p.connection_kwargs["host"], p.connection_kwargs["port"]) for p in sentinels] == [
        ("one", 26379),
        ("two", 26380),
        ("::1", 5),
    ]
    assert {p.connection_kwargs["password"] for p in sentinels} == {"c"}
    assert {p.connection_class for p in sentinels} == {SSLConnection}


def test_a_cluster_url_names_some_of_its_nodes() -> None:
    client = connect("rediss+cluster://:secret@one:7000,two/?ssl_ca_certs=/ca.pem&ssl_check_hostname=no")
    assert isinstance(client, RedisCluster)
    assert [*client.nodes_manager.startup_nodes] == ["one:7000", "two:6379"]
    options = client.connection_kwargs
    assert (options["password"], options["ssl_ca_certs"], options["ssl_check_hostname"]) == ("secret", "/ca.pem", False)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1",
        "127.0.0.1:6379",
        "redis://127.0.0.1:port",
        "redis+sentinel://127.0.0.1",
        "redis+sentinel://a:b:c/main",
        "redis+cluster://:geheim@127.0.0.1/1",
        "redis+cluster://127.0.0.1/?geheim=1",
    ],
)
def test_an_address_that_is_no_redis_is_answered_with_the_forms_that_are(url: str) -> None:
    with pytest.raises(UnusableInput, match=r"give redis://") as caught:
        connect(url)
    assert ":geheim" not in str(caught.value)


def test_a_shown_url_keeps_no_secret() -> None:
    assert shown("redis://me:geheim@a,b:1/x?sentinel_password=geheim") == "redis://me@a,b:1/x"
