"""Addresses of stores and buses without their passwords, for messages and logs."""

from __future__ import annotations

from streaming.errors import UnusableInput

_TO_BE_ESCAPED = "/?#[]"


def shown(url: str) -> str:
    """The address without its password and options."""
    scheme, _, rest = url.partition("://")
    user, at, address = rest.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}{at}{address.partition('?')[0]}"


def check(url: str) -> None:
    """Raises UnusableInput where a character in the password would end it, and libraries would quote the rest."""
    account, at, _ = url.partition("://")[2].rpartition("@")
    if at and any(character in account for character in _TO_BE_ESCAPED):
        raise UnusableInput(
            f"{shown(url)}: the user name or password holds one of {' '.join(_TO_BE_ESCAPED)}; "
            "write them as %2F %3F %23 %5B %5D"
        )
