"""The benchmarks by name, as ``breathmark bench`` calls them."""

from __future__ import annotations

import ast
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from benchmarks.harness import BenchResult, deliver
from streaming.errors import UnusableInput

# Each module has ``run(quick: bool) -> BenchResult`` and is loaded only when it is asked for.
BENCHES = {
    "accuracy": "benchmarks.accuracy",
    "bus_delay": "benchmarks.bus_delay",
    "chaos": "benchmarks.chaos",
    "coach": "benchmarks.coach",
    "latency": "benchmarks.latency",
    "live": "benchmarks.live",
    "load": "benchmarks.load",
    "network": "benchmarks.network",
    "soak": "benchmarks.soak",
    "words": "benchmarks.words",
}


def names() -> list[str]:
    return sorted(BENCHES)


def described() -> list[str]:
    """Each name, and in a line what it measures, as its own file says; nothing of them is imported for it."""
    width = max(map(len, BENCHES)) + 2
    return [f"{name:{width}}{_first_line(BENCHES[name])}" for name in names()]


def _first_line(module: str) -> str:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    told = ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))) or ""
    line = told.splitlines()[0].rsplit("``: ", 1)[-1].replace("``", "")
    return line[0].upper() + line[1:]


def bench(name: str, *, quick: bool, json: Path | None, picture: Path | None) -> None:
    """Runs one, prints its table, writes what was asked for. Raises UnusableInput for an unknown name."""
    if name not in BENCHES:
        raise UnusableInput(f"no benchmark named {name!r}; there are: {', '.join(names())}")
    result: BenchResult = import_module(BENCHES[name]).run(quick=quick)
    deliver(result, json_file=json, picture=picture)
