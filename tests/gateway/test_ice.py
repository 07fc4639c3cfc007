"""Credentials that coturn's ``use-auth-secret`` takes; the NAT test shows them to a real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.media.ice import IceServer, IceSettings, TurnSettings, for_browser, password
from gateway.settings import GatewaySettings, from_environment
from streaming.errors import UnusableInput

SECRET = "a-shared-secret-of-ours"
TURN = TurnSettings(("turn:turn.example:3478", "turns:turn.example:5349"), SECRET, ttl_s=600)


def test_the_password_is_the_one_that_openssl_makes() -> None:
    # printf 1790000000:s1 | openssl dgst -binary -sha1 -hmac a-shared-secret-of-ours | base64
    assert password(SECRET, "1790000000:s1") == "gJ7MsvW0Qc3KEdSxXvXk4FNtJeI="


def test_each_time_they_are_asked_for_credentials_are_good_for_as_long() -> None:
    ice = IceSettings((IceServer(("stun:turn.example",)),), TURN)
    before, after = (ice.servers_at(now, "s1")[1] for now in (1_000.7, 2_500.0))
    assert (before.username, after.username) == ("1600:s1", "3100:s1")
    assert before.credential == password(SECRET, "1600:s1")
    assert before.credential != after.credential
    assert ice.servers_at(0.0, "s1")[0].urls == ("stun:turn.example",)
    assert (ice.good_s, IceSettings().good_s) == (600, None)


def test_a_browser_gets_an_entry_an_address() -> None:
    told = for_browser(IceSettings((), TURN).servers_at(1_000.0, "s1"))
    assert [entry["urls"] for entry in told] == list(TURN.urls)
    assert {entry["username"] for entry in told} == {"1600:s1"}
    assert SECRET not in str(told)


def test_neither_secret_nor_password_is_in_what_a_log_would_show() -> None:
    ice = IceSettings((), TURN)
    assert SECRET not in repr(ice)
    shown = ice.servers_at(1_000.0, "s1")
    assert str(shown[0].credential) not in repr(shown)


def test_a_turn_server_is_set_by_its_addresses_and_a_file_with_its_secret(tmp_path: Path) -> None:
    file = tmp_path / "turn"
    file.write_text(SECRET + "\n")
    given = {
        "BREATHMARK_TURN_URLS": "turn:turn.example:3478, turns:turn.example:5349",
        "BREATHMARK_TURN_SECRET_FILE": str(file),
        "BREATHMARK_TURN_TTL_S": "600",
    }
    assert from_environment(GatewaySettings(), given).ice.turn == TURN


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"BREATHMARK_TURN_URLS": "stun:turn.example"}, "BREATHMARK_TURN_URLS"),
        ({"BREATHMARK_TURN_URLS": "turn:turn.example"}, "BREATHMARK_TURN_SECRET_FILE"),
        ({"BREATHMARK_TURN_TTL_S": "600"}, "BREATHMARK_TURN_URLS"),
        ({"BREATHMARK_TURN_TTL_S": "5"}, "BREATHMARK_TURN_TTL_S"),
        ({"BREATHMARK_TURN_SECRET_FILE": "/no/such/file"}, "/no/such/file"),
    ],
)
def test_half_a_setting_is_named(given: dict[str, str], named: str) -> None:
    with pytest.raises(UnusableInput, match=named):
        from_environment(GatewaySettings(), given)


def test_a_secret_that_can_be_guessed_is_refused_and_not_told(tmp_path: Path) -> None:
    file = tmp_path / "turn"
    file.write_text("hush")
    with pytest.raises(UnusableInput, match="4 characters") as error:
        from_environment(GatewaySettings(), {"BREATHMARK_TURN_SECRET_FILE": str(file)})
    assert "hush" not in str(error.value)
