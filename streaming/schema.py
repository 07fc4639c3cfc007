"""The store's tables, the same on every database. A change here needs a migration (``migrations/``).

Payloads are opaque bytes: only session, order, kind and time stand in clear, so that a key a
session can encrypt the rest.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

REVISION = "0002"  # the newest migration: what a store must be at to be used
metadata = MetaData()

# SQLite only numbers rows by itself where the key is a plain INTEGER.
_SEQ = BigInteger().with_variant(Integer, "sqlite")

sessions = Table(
    "sessions",
    metadata,
    Column("session", String(40), primary_key=True),
    Column("created_unix", Float, nullable=False),
    Column("began_unix", Float),  # session time 0: both partners' first yes
    Column("ended_unix", Float),
    Column("payload", LargeBinary, nullable=False),  # room state, JSON
    Index("sessions_by_end", "ended_unix"),
)

links = Table(
    "links",
    metadata,
    Column("token_hash", String(64), primary_key=True),  # the token itself is never stored
    Column("session", String(40), nullable=False, index=True),
    Column("role", String(16), nullable=False),
    Column("device_hash", String(64)),  # the first device to use a partner's link owns it
)

lines = Table(
    "lines",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("session", String(40), nullable=False),
    Column("key", String(80), nullable=False),
    Column("kind", String(24), nullable=False),
    Column("at", BigInteger, nullable=False),  # samples
    Column("payload", LargeBinary, nullable=False),
    UniqueConstraint("session", "key"),
    Index("lines_by_session", "session", "seq"),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("session", String(40), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

# The highest fence under which a session's lines were written: whoever comes with a lower one has lost its lease.
fences = Table(
    "fences",
    metadata,
    Column("session", String(40), primary_key=True),
    Column("fence", BigInteger, nullable=False),
)
