"""Fences, so that a worker that lost its lease cannot write; ended sessions found quickly, for retention."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "fences",
        sa.Column("session", sa.String(40), primary_key=True),
        sa.Column("fence", sa.BigInteger, nullable=False),
    )
    op.create_index("sessions_by_end", "sessions", ["ended_unix"])
