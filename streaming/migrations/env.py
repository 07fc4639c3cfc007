"""Run by Alembic on the connection that ``streaming.migrate`` hands in."""

from __future__ import annotations

from alembic import context

from streaming import schema

# One transaction for all steps, on SQLite too: a migration that fails leaves the store as it was.
context.configure(
    connection=context.config.attributes["connection"], target_metadata=schema.metadata, transactional_ddl=True
)
with context.begin_transaction():
    context.run_migrations()
