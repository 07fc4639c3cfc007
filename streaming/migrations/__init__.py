"""Alembic's folder: how a store of any earlier age becomes the one that ``streaming.schema`` describes."""
