"""What all benchmarks share: figures with n and interval, one table, one JSON object, one picture."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Picture
from rich.console import Console
from rich.table import Table

from streaming.errors import UnusableInput

REPOSITORY = Path(__file__).parents[1]
_DRAWN = 400  # times, for an interval
_FILE_COLUMNS = 150  # width of the table where no terminal sets it
T = TypeVar("T")
Panel = Callable[[Axes], None]


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. ``name`` carries its unit; ``low`` and ``high`` bound it at 95 %.

    ``alternatives`` holds what others reach, by the name of their way.
    """

    name: str
    value: float
    n: int
    low: float | None = None
    high: float | None = None
    alternatives: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BenchResult:
    """What a benchmark found. ``panels`` draw the parts of its picture; ``notes`` are read below the table."""

    bench: str
    settings: Mapping[str, Any]
    figures: Sequence[Figure]
    panels: Sequence[Panel] = ()
    notes: Sequence[str] = ()


def recordings() -> Path:
    """The folder of recordings. Raises UnusableInput where it is absent."""
    folder = Path(os.environ.get("BREATHMARK_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        raise UnusableInput(f"no recordings at {folder}: set BREATHMARK_DATA to their folder")
    return folder


def bootstrap(units: Sequence[T], figure: Callable[[Sequence[T]], float]) -> tuple[float, float]:
    """A 95 % interval for ``figure`` over ``units`` drawn with replacement (conversations, not events)."""
    drawn = np.random.default_rng(0).integers(0, len(units), (_DRAWN, len(units)))
    values = [figure([units[i] for i in row]) for row in drawn]
    known = [value for value in values if not np.isnan(value)]
    return (float(np.quantile(known, 0.025)), float(np.quantile(known, 0.975))) if known else (np.nan, np.nan)


def measured(
    name: str,
    units: Sequence[T],
    figure: Callable[[Sequence[T]], float],
    n: int,
    alternatives: Mapping[str, float] | None = None,
) -> Figure:
    """``figure`` over all units, with its interval."""
    low, high = bootstrap(units, figure)
    return Figure(name, figure(units), n, low, high, alternatives or {})


def quantile(values: Sequence[float], share: float) -> float:
    """NaN where there are no values."""
    return float(np.quantile(values, share)) if len(values) else float("nan")


def cumulative(axes: Axes, values: Sequence[float], **look: Any) -> None:
    """Draws which share of the values is not above each."""
    axes.step(sorted(values), [(i + 1) / len(values) for i in range(len(values))], where="post", **look)


def deliver(result: BenchResult, *, json_file: Path | None = None, picture: Path | None = None) -> None:
    """Prints the table; writes the JSON object and the picture where asked to."""
    console = Console()
    if not console.is_terminal:
        console.width = _FILE_COLUMNS
    console.print(_table(result))
    for note in result.notes:
        console.print(note)
    if json_file:
        json_file.write_text(json.dumps(as_json(result), indent=1) + "\n", encoding="utf-8")
    if picture:
        draw(result, picture)


def as_json(result: BenchResult) -> dict[str, Any]:
    """The object that EVENTS fixes, with intervals and alternatives beside the figures."""
    return {
        "bench": result.bench,
        "commit": _commit(),
        "machine": machine(),
        "settings": dict(result.settings),
        "figures": {figure.name: _number(figure.value) for figure in result.figures},
        "n": {figure.name: figure.n for figure in result.figures},
        "intervals": {f.name: [_number(f.low), _number(f.high)] for f in result.figures if f.low is not None},
        "alternatives": {
            f.name: {who: _number(value) for who, value in f.alternatives.items()}
            for f in result.figures
            if f.alternatives
        },
    }


def draw(result: BenchResult, file: Path) -> None:
    """All panels side by side, as PNG."""
    if not result.panels:
        raise UnusableInput(f"benchmark {result.bench} draws no picture; leave --picture out")
    columns = min(3, len(result.panels))
    rows = -(-len(result.panels) // columns)
    page = Picture(figsize=(5 * columns, 4.2 * rows), layout="constrained")
    FigureCanvasAgg(page)
    for number, panel in enumerate(result.panels, 1):
        panel(page.add_subplot(rows, columns, number))
    page.savefig(file, dpi=110)


def machine() -> str:
    """Cores, architecture and interpreter, as figures depend on them."""
    return f"{os.cpu_count()} cores {platform.machine()}, Python {platform.python_version()}, {platform.system()}"


def _commit() -> str:
    run = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    return run.stdout.strip() or "unknown"


def _table(result: BenchResult) -> Table:
    table = Table(title=f"{result.bench} · {machine()} · {_commit()}")
    table.add_column("figure", no_wrap=True)
    for column in ("ours", "95 %", "n"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("others")
    for f in result.figures:
        interval = "" if f.low is None or f.high is None else f"{_short(f.low)} to {_short(f.high)}"
        others = " · ".join(f"{who}: {_short(value)}" for who, value in f.alternatives.items())
        table.add_row(f.name, _short(f.value), interval, str(f.n), others)
    return table


def _short(value: float) -> str:
    return "none" if np.isnan(value) else f"{value:.3f}".rstrip("0").rstrip(".")


def _number(value: float | None) -> float | None:
    """JSON knows no NaN: what could not be measured is null."""
    return None if value is None or np.isnan(value) else round(float(value), 5)
