"""The benchmarks by name, as ``breathmark bench`` calls them."""

from __future__ import annotations

from importlib import import_module
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


def bench(name: str, *, quick: bool, json: Path | None, picture: Path | None) -> None:
    """Runs one, prints its table, writes what was asked for. Raises UnusableInput for an unknown name."""
    if name not in BENCHES:
        raise UnusableInput(f"no benchmark named {name!r}; there are: {', '.join(names())}")
    result: BenchResult = import_module(BENCHES[name]).run(quick=quick)
    deliver(result, json_file=json, picture=picture)
