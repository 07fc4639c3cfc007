"""How much of what so many couples need, from a few measured figures: ``python -m benchmarks.sizing --couples 10000``.

The figures stand in the first table of ``docs/sizing.md``. ``--take FILE…`` puts those of benchmarks' JSON files
there; ``--write`` renews the page's other tables from them.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import REPOSITORY

PAGE = REPOSITORY / "docs" / "sizing.md"
PAGE_COUPLES = (1, 10_000, 1_000_000)
_INPUT = re.compile(r"^\| `(\w+)` \| ([\d.]+) \|(.*)$", re.MULTILINE)
_TABLES = re.compile(r"(<!-- computed -->\n).*?(<!-- end -->)", re.DOTALL)
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Need:
    """One row: what, how much of it for a couple, and how to say it."""

    what: str
    a_couple: float
    unit: str

    def said(self, couples: int) -> str:
        return f"{_short(self.a_couple * couples)} {self.unit}".strip()


@dataclass(frozen=True, slots=True)
class Limit:
    """One thing that cannot be had by the dozen without doing something about it."""

    what: str
    couples: float
    way_out: str


def inputs(page: str) -> dict[str, float]:
    """The figures of the page's first table, by name."""
    return {name: float(value) for name, value, _ in _INPUT.findall(page)}


def needs(figure: Mapping[str, float]) -> list[Need]:
    """What one couple takes where gateways and workers are apart, every couple split over two gateways."""
    f = figure
    gateway = gateway_percent(f) / f["fill_percent"]
    worker = f["worker_core_percent_a_couple"] / f["fill_percent"]
    voice = f["voice_bytes_a_second_a_stream"]
    rows = f["lines_a_second_a_couple"]
    day = rows * f["bytes_a_row"] * _DAY_S * f["mean_of_peak_percent"] / 100
    turn = f["turn_percent"] / 100
    split = 50 * f["bytes_a_sound_message"] + 2 * voice
    return [
        Need("gateway processes, a core each", gateway, ""),
        Need("worker processes, a core each", worker, ""),
        Need("their memory", _memory_mib(f, gateway, worker) / 1024, "GiB"),
        Need("Redis, cores", f["redis_core_percent_a_couple"] / f["fill_percent"], ""),
        Need("… bytes in", (f["redis_in_bytes_a_second_a_couple"] + split) / 1e6, "MB/s"),
        Need("… bytes out", (f["redis_out_bytes_a_second_a_couple"] + split) / 1e6, "MB/s"),
        Need("… memory", f["redis_mib_a_couple"] / 1024, "GiB"),
        Need("PostgreSQL, cores", f["postgresql_core_percent_a_couple"] / f["fill_percent"], ""),
        Need("… rows written", rows, "/s"),
        Need("… growth", day / 1e9, "GB a day"),
        Need("… connections without a pooler", f["store_connections"] * (gateway + worker), ""),
        Need("browsers' sockets and calls", 2, "of each"),
        Need("calls, bytes in and out of gateways", 4 * voice / 1e6, "MB/s"),
        Need("TURN, couples with a partner behind it", turn, ""),
        Need("… bytes in and out", turn * 4 * voice / 1e6, "MB/s"),
    ]


def limits(figure: Mapping[str, float]) -> list[Limit]:
    """Beyond how many couples something has to be done, the first to give way first."""
    f = figure
    processes = gateway_percent(f) / f["fill_percent"] + f["worker_core_percent_a_couple"] / f["fill_percent"]
    traffic = {need.what: need.a_couple for need in needs(f)}
    link = f["network_gbit_s"] * 125 * f["fill_percent"] / 100  # MB/s each way
    found = [
        Limit(
            "one gateway process in which all is done (`breathmark serve` alone)",
            f["fill_percent"] / f["gateway_core_percent_a_couple"],
            "`--bus` and `--store`: more gateways, and workers",
        ),
        Limit(
            "PostgreSQL's 100 connections",
            100 / f["store_connections"] / processes,
            "a pooler in session mode before it, or `max_connections`",
        ),
        Limit(
            "the one core that Redis works on",
            f["fill_percent"] / f["redis_core_percent_a_couple"],
            "`redis+cluster://`: a practice's streams spread over its nodes; or cells side by side",
        ),
        Limit("a Redis node's network", link / max(traffic["… bytes in"], traffic["… bytes out"]), "the same"),
        Limit(
            "the Redis node that keeps the leases",
            f["fill_percent"] * 1e4 / (4 * f["lease_us"]),  # home and worker, twice a second each
            "cells side by side: practices never need one another",
        ),
        Limit("one PostgreSQL's writing", f["store_rows_a_second"] / f["lines_a_second_a_couple"], "a cell each"),
    ]
    return sorted(found, key=lambda limit: limit.couples)


def gateway_percent(f: Mapping[str, float]) -> float:
    """Of a core, for a couple whose analysis is elsewhere, its partners at two gateways."""
    calls = f["gateway_core_percent_a_couple"] - f["analysis_core_percent_a_couple"]
    return calls + f["gateway_bus_core_percent_a_couple"] + f["split_core_percent_a_couple"]


def _memory_mib(f: Mapping[str, float], gateway: float, worker: float) -> float:
    return (gateway + worker) * f["memory_mib_with_nobody"] + f["memory_mib_a_couple"]


def tables(figure: Mapping[str, float], couples: Sequence[int]) -> str:
    """Markdown: what is needed, then what gives way."""
    rows = ["| | " + " | ".join("a couple" if n == 1 else f"{n:,} couples".replace(",", " ") for n in couples) + " |"]
    rows += ["| --- |" + " ---: |" * len(couples)]
    rows += [f"| {need.what} | " + " | ".join(need.said(n) for n in couples) + " |" for need in needs(figure)]
    rows += ["", "| gives way | at couples | then |", "| --- | ---: | --- |"]
    rows += [f"| {one.what} | {_short(one.couples)} | {one.way_out} |" for one in limits(figure)]
    return "\n".join(rows)


def taken(page: str, files: Sequence[Path]) -> str:
    """The page with the figures of these benchmarks' JSON files in its first table."""
    for file in files:
        said = json.loads(file.read_text(encoding="utf-8"))
        where = f"`breathmark bench {said['bench']}`, {said['machine']}, {said['commit']}"

        def renewed(found: re.Match[str], figures: Mapping[str, float] = said["figures"], where: str = where) -> str:
            name = found[1]
            return f"| `{name}` | {_plain(figures[name])} | {where} |" if name in figures else found[0]

        page = _INPUT.sub(renewed, page)
    return page


def written(page: str) -> str:
    """The page with its tables as its figures give them."""
    return _TABLES.sub(lambda found: f"{found[1]}\n{tables(inputs(page), PAGE_COUPLES)}\n\n{found[2]}", page)


def _plain(value: float) -> str:
    """Three digits, without an exponent."""
    return f"{float(f'{value:.3g}'):.10g}"


def _short(value: float) -> str:
    """Two digits are all that this arithmetic is worth."""
    if value == 0:
        return "0"
    digits = max(0, 1 - math.floor(math.log10(abs(value))))
    rounded = round(value, 1 - math.floor(math.log10(abs(value))))
    return f"{rounded:,.{digits}f}".replace(",", " ")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--couples", type=int, nargs="+", default=PAGE_COUPLES)
    parser.add_argument("--take", type=Path, nargs="+", default=[], metavar="FILE")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    page = taken(PAGE.read_text(encoding="utf-8"), asked.take)
    if asked.write:
        PAGE.write_text(written(page), encoding="utf-8")
    sys.stdout.write(tables(inputs(page), asked.couples) + "\n")


if __name__ == "__main__":
    main()
