"""The tour through the code names files that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_file_of_the_tour_exists() -> None:
    named = re.findall(r"`([\w/-]+\.(?:py|tsx?))`", (ROOT / "docs" / "tour.md").read_text(encoding="utf-8"))
    assert len(named) > 30
    assert [path for path in named if not (ROOT / path).is_file()] == []
