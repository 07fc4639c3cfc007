"""The first tables. Stores made before migrations were introduced have exactly these."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("session", sa.String(40), primary_key=True),
        sa.Column("created_unix", sa.Float, nullable=False),
        sa.Column("began_unix", sa.Float),
        sa.Column("ended_unix", sa.Float),
        sa.Column("payload", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "links",
        sa.Column("token_hash", sa.String(64), primary_key=True),
        sa.Column("session", sa.String(40), nullable=False, index=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("device_hash", sa.String(64)),
    )
    op.create_table(
        "lines",
        # SQLite only numbers rows by itself where the key is a plain INTEGER.
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("session", sa.String(40), nullable=False),
        sa.Column("key", sa.String(80), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("session", "key"),
    )
    op.create_index("lines_by_session", "lines", ["session", "seq"])
    op.create_table(
        "snapshots",
        sa.Column("session", sa.String(40), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
    )
