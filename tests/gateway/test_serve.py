from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.live import open_store
from gateway.media.ice import for_browser
from gateway.serve import address, bind, sole_use
from gateway.serve import serve as run
from gateway.settings import GatewaySettings, from_environment
from streaming.errors import UnusableInput


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def serve(*options: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", "from gateway.cli import main; main()", "serve", *options]
    return subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)


def test_a_port_in_use_is_one_clear_line_with_a_way_out(taken: int, tmp_path: Path) -> None:
    done = serve("--port", str(taken), "--data", str(tmp_path))
    assert done.returncode == 2
    assert f"port {taken} on 127.0.0.1 is in use" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_hold_the_data_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    done = serve("--port", "0", "--data", str(tmp_path / "file"))
    assert done.returncode == 2
    assert str(tmp_path / "file") in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_gateway_on_the_same_folder_is_refused_and_a_later_one_is_not(tmp_path: Path) -> None:
    with sole_use(tmp_path):
        done = serve("--port", "0", "--data", str(tmp_path))
    assert done.returncode == 2
    assert (
        done.stderr
        == f"breathmark: {tmp_path}: another gateway keeps its state there; stop it, or give another --data\n"
    )
    with sole_use(tmp_path):
        pass


def test_a_store_that_is_not_one_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "breathmark.sqlite3").write_bytes(b"this is no database" * 100)
    done = serve("--port", "0", "--data", str(tmp_path))
    assert done.returncode == 2
    assert "cannot open the store" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_store_that_is_damaged_further_in_is_one_clear_line(tmp_path: Path) -> None:
    async def made() -> None:
        await (await open_store(GatewaySettings(data=tmp_path))).dispose()

    asyncio.run(made())
    file = tmp_path / "breathmark.sqlite3"
    damaged = bytearray(file.read_bytes())
    damaged[4096:] = b"\xab" * (len(damaged) - 4096)
    file.write_bytes(damaged)
    done = serve("--port", "0", "--data", str(tmp_path))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "malformed" in done.stderr


def test_a_policy_that_cannot_be_is_told_with_its_line_before_anything_starts(taken: int, tmp_path: Path) -> None:
    policy = tmp_path / "ours.toml"
    policy.write_text('preset = "gentle"\nspacing_s = 10\n')
    wrong = serve("--port", "0", "--data", str(tmp_path / "data"), "--policy", str(policy))
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (2, False)
    assert "ours.toml:2: spacing_s is 10, must be a number from 90 to 1800; nearest valid value is 90" in wrong.stderr
    missing = serve("--port", "0", "--data", str(tmp_path / "data"), "--policy", str(tmp_path / "none.toml"))
    assert (missing.returncode, "give a TOML file" in missing.stderr) == (2, True)
    policy.write_text('preset = "gentle"\n')
    right = serve("--port", str(taken), "--data", str(tmp_path / "data"), "--policy", str(policy))
    assert "is in use" in right.stderr, "the policy was taken, and the port is what is wrong"


def test_an_address_that_is_not_this_machine_s_says_so() -> None:
    with pytest.raises(UnusableInput, match="--host"):
        bind("no.such.host.invalid", 0)


@pytest.mark.parametrize(
    ("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("localhost", "localhost")]
)
def test_the_address_printed_can_be_opened(host: str, shown: str) -> None:
    with bind(host, 0) as listening:
        assert address(host, listening) == f"http://{shown}:{listening.getsockname()[1]}/"


def test_settings_come_from_the_environment() -> None:
    settings = from_environment(
        GatewaySettings(),
        {
            "BREATHMARK_LOG_LEVEL": "DEBUG",
            "BREATHMARK_ALLOWED_ORIGINS": "https://a.example/, https://b.example",
            "BREATHMARK_CLIENT": "/srv/client",
            "BREATHMARK_MAX_SESSIONS": "7",
            "BREATHMARK_IDLE_S": "90.5",
            "BREATHMARK_SESSIONS_PER_MINUTE": "3.5",
        },
    )
    assert settings.log_level == "debug"
    assert settings.allowed_origins == ("https://a.example", "https://b.example")
    assert (settings.client, settings.max_live_sessions, settings.idle_s) == (Path("/srv/client"), 7, 90.5)
    assert settings.sessions_per_minute == 3.5
    assert from_environment(GatewaySettings(), {}) == GatewaySettings()


def test_ice_servers_are_the_same_for_the_gateway_and_the_browser() -> None:
    given = [{"urls": ["stun:a.example", "turn:a.example"], "username": "u", "credential": "c"}, {"urls": "stun:b"}]
    settings = from_environment(GatewaySettings(), {"BREATHMARK_ICE_SERVERS": json.dumps(given)})
    assert [server.urls for server in settings.ice.servers] == [("stun:a.example", "turn:a.example"), ("stun:b",)]
    assert for_browser(settings.ice.servers_at(0.0, "s")) == (
        {"urls": "stun:a.example", "username": "u", "credential": "c"},
        {"urls": "turn:a.example", "username": "u", "credential": "c"},
        {"urls": "stun:b"},
    )
    assert GatewaySettings().ice.servers_at(0.0, "s") == ()


def test_credentials_are_not_told_in_an_error() -> None:
    with pytest.raises(UnusableInput) as error:
        from_environment(GatewaySettings(), {"BREATHMARK_ICE_SERVERS": '[{"urls": "x:", "credential": "hush"}]'})
    assert "hush" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BREATHMARK_LOG_LEVEL", "loud"),
        ("BREATHMARK_MAX_SESSIONS", "many"),
        ("BREATHMARK_MAX_SESSIONS", "0"),
        ("BREATHMARK_MAX_SESSIONS", "0.5"),
        ("BREATHMARK_ALLOWED_ORIGINS", "practice.example"),
        ("BREATHMARK_ICE_SERVERS", "turn:practice.example"),
        ("BREATHMARK_ICE_SERVERS", '[{"url": "turn:practice.example"}]'),
        ("BREATHMARK_ICE_SERVERS", '[{"urls": "https://practice.example"}]'),
        ("BREATHMARK_ICE_SERVERS", "[1]"),
        ("BREATHMARK_SESSIONS_PER_MINUTE", "-1"),
        ("BREATHMARK_IDLE_S", "nan"),
        ("BREATHMARK_IDLE_S", "-1"),
    ],
)
def test_a_setting_that_will_not_do_is_named(name: str, value: str) -> None:
    with pytest.raises(UnusableInput, match=name):
        from_environment(GatewaySettings(), {name: value})


@pytest.mark.parametrize(
    ("option", "url", "said"),
    [
        ("--bus", "http://me:geheim@127.0.0.1", "not a Redis address"),
        ("--bus", "redis://me:geheim@127.0.0.1:1/0", "no answer from redis://me@127.0.0.1:1"),
        ("--bus", "redis://me:geheim/%20x@127.0.0.1:1/0", "write them as %2F"),
        ("--store", "mysql://me:geheim@127.0.0.1", "not a store"),
        ("--store", "postgresql://me:geheim@127.0.0.1:1/x", "cannot open the store postgresql://me@127.0.0.1:1/x"),
        ("--store", "postgresql://me:geheim/@127.0.0.1:1/x", "write them as %2F"),
    ],
)
def test_a_wrong_address_is_one_clear_line_without_its_password(
    tmp_path: Path, option: str, url: str, said: str
) -> None:
    shared = ["--store", f"sqlite+aiosqlite:///{tmp_path / 'store'}"] if option == "--bus" else []
    done = serve("--port", "0", "--data", str(tmp_path), option, url, *shared)
    assert done.returncode == 2
    assert said in done.stderr
    assert "geheim" not in done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_bus_without_a_store_that_others_share_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(UnusableInput, match=r"--bus needs --store: .* give --store postgresql://…, or leave --bus out"):
        run("127.0.0.1", 0, tmp_path, bus="redis://127.0.0.1:1/0")


def test_addresses_come_from_the_environment_and_stand_in_no_repr() -> None:
    environment = {"BREATHMARK_BUS": "redis://me:geheim@x", "BREATHMARK_STORE": "postgresql://me:geheim@x"}
    settings = from_environment(GatewaySettings(), environment)
    assert (settings.bus_url, settings.store_url) == tuple(environment.values())
    assert "geheim" not in repr(settings)
