"""Recordings that tests and benchmarks may read where they are at hand. None are part of the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def shared_data() -> Path:
    """The folder of recordings (``BREATHMARK_DATA``, or ``../shared/data``); skips where absent."""
    folder = Path(os.environ.get("BREATHMARK_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no recordings at {folder}: set BREATHMARK_DATA to their folder")
    return folder
