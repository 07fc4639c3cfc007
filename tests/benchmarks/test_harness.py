"""Figures carry n and an interval, and leave as the one JSON object that all benchmarks share."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes

from benchmarks.harness import BenchResult, Figure, bootstrap, deliver, measured, recordings
from streaming.errors import UnusableInput


def result() -> BenchResult:
    def panel(axes: Axes) -> None:
        axes.plot([0, 1], [1, 0])

    figures = [
        measured("delay_p50_ms", [1.0, 2.0, 3.0], lambda units: float(np.median(units)), 3, {"simple": 9.0}),
        Figure("found_share", float("nan"), 0),
    ]
    return BenchResult("example", {"quick": True}, figures, [panel], ["said below"])


def test_an_interval_holds_the_figure_and_narrows_with_n() -> None:
    rng = np.random.default_rng(0)

    def width(n: int) -> float:
        units = rng.normal(size=n).tolist()
        low, high = bootstrap(units, lambda drawn: float(np.mean(drawn)))
        assert low < float(np.mean(units)) < high
        return high - low

    assert width(400) < width(25) / 2


def test_the_interval_is_the_same_at_every_run() -> None:
    units = [0.1, 0.9, 0.4, 0.3]
    assert bootstrap(units, lambda drawn: sum(drawn)) == bootstrap(units, lambda drawn: sum(drawn))


def test_the_json_object_has_the_fixed_fields(tmp_path: Path) -> None:
    deliver(result(), json_file=tmp_path / "figures.json")
    written = json.loads((tmp_path / "figures.json").read_text())
    assert {"bench", "commit", "machine", "settings", "figures"} <= set(written)
    assert written["bench"] == "example"
    assert written["figures"] == {"delay_p50_ms": 2.0, "found_share": None}
    assert written["alternatives"] == {"delay_p50_ms": {"simple": 9.0}}


def test_the_table_shows_ours_beside_the_alternatives(capsys: pytest.CaptureFixture[str]) -> None:
    deliver(result())
    shown = capsys.readouterr().out
    assert "delay_p50_ms" in shown
    assert "simple" in shown
    assert "said below" in shown


def test_the_picture_is_a_png(tmp_path: Path) -> None:
    deliver(result(), picture=tmp_path / "figures.png")
    assert (tmp_path / "figures.png").read_bytes().startswith(b"\x89PNG")


def test_without_recordings_there_is_one_clear_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BREATHMARK_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(UnusableInput, match="set BREATHMARK_DATA"):
        recordings()
