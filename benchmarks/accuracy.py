"""``breathmark bench accuracy``: turn-taking and voice, each against its gold."""

from __future__ import annotations

from benchmarks import speech_rows, turns_accuracy, voice_accuracy
from benchmarks.harness import BenchResult, recordings
from detectors.settings import DetectorSettings


def run(quick: bool) -> BenchResult:
    """Both parts. Raises UnusableInput where the recordings are absent."""
    data = recordings()
    turns, panels, notes = turns_accuracy.run(quick=quick)
    speech, drawn = speech_rows.run(quick)
    return BenchResult(
        bench="accuracy",
        settings={"quick": quick, "recordings": data.name, "detectors": repr(DetectorSettings())},
        figures=[*turns, *voice_accuracy.figures(quick), *speech],
        panels=[*panels, *drawn],
        notes=notes,
    )
