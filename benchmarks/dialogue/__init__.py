"""The project's own dialogue: written as data, spoken by two free voices, rendered to one file with its truth."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streaming.types import Speaker

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """One line of script.toml; see there for what the fields mean."""

    id: str
    by: Speaker
    text: str
    heat: float = 0.0
    gap_s: float | None = None
    into: str | None = None
    overlap_s: float = 0.0
    over: str | None = None
    offset_s: float = 0.0
    holds_floor: bool = False
    event: str | None = None


def read_script(path: Path = HERE / "script.toml") -> tuple[dict[str, Any], list[ScriptLine]]:
    script = tomllib.loads(path.read_text(encoding="utf-8"))
    return script["settings"], [ScriptLine(**{**line, "by": Speaker(line["by"])}) for line in script["line"]]
