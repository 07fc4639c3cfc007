"""The page of arithmetic says what its own figures give."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.sizing import PAGE, PAGE_COUPLES, gateway_percent, inputs, limits, needs, tables, taken, written


def test_the_tables_of_the_page_are_what_its_figures_give() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert tables(inputs(page), PAGE_COUPLES) in page, "renew it: python -m benchmarks.sizing --write"
    assert written(page) == page


def test_figures_of_a_benchmark_take_the_place_of_older_ones(tmp_path: Path) -> None:
    file = tmp_path / "load.json"
    said = {"bench": "load", "machine": "4 cores", "commit": "abc", "figures": {"gateway_core_percent_a_couple": 1.25}}
    file.write_text(json.dumps(said))
    page = taken(PAGE.read_text(encoding="utf-8"), [file])
    before, after = inputs(PAGE.read_text(encoding="utf-8")), inputs(page)
    assert after == before | {"gateway_core_percent_a_couple": 1.25}
    assert "| 1.25 | `breathmark bench load`, 4 cores, abc |" in page


def test_cores_are_filled_as_far_as_was_chosen_and_the_first_to_give_way_comes_first() -> None:
    figure = inputs(PAGE.read_text(encoding="utf-8")) | {"fill_percent": 50.0}
    [gateways] = [need for need in needs(figure) if need.what.startswith("gateway processes")]
    assert gateways.a_couple == pytest.approx(gateway_percent(figure) / 50)
    couples = [limit.couples for limit in limits(figure)]
    assert couples == sorted(couples)
