"""Deterministic ids: the same audio always gives the same id, so a redelivery changes nothing."""

from __future__ import annotations

import hashlib

_ID_HEX = 20  # 80 bits: collisions within a session are out of the question


def event_id(session: str, detector: str, family: str, speaker: str | None, start: int) -> str:
    """Id of an event, a function of who says what about whom and when it began (samples)."""
    key = f"{session}|{detector}|{family}|{speaker or '-'}|{start}"
    return hashlib.blake2b(key.encode(), digest_size=_ID_HEX // 2).hexdigest()
