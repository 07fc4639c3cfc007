"""``breathmark bench live``: the same sound through the live path and through ``analyze``, side by side.

The bundled dialogue, and two telephone calls where the recordings are at hand, are spoken by simulated partners (real
WebRTC, a real gateway process, real time) and compared with what ``analyze`` says of the files.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from benchmarks.agreement import TALK, Agreement, agree, told
from benchmarks.gateway_process import gateway
from benchmarks.harness import BenchResult, Figure, Panel, cumulative, measured, quantile, recordings
from benchmarks.impaired import PERFECT
from benchmarks.packets import LEAD_S, encoded, heard
from benchmarks.played import Played, play, shifted
from gateway.analyze import timeline_of_audio
from gateway.demo import DIALOGUE
from streaming.audio import read_partners
from streaming.errors import UnusableInput
from streaming.types import OVERLAP_KINDS, SAMPLE_RATE_HZ, Annotation, Cue, Line, Samples, Speaker
from streaming.wire import samples

CALLS = ("auto_repairs_49", "auto_repairs_40")
QUICK_S = 36.0  # of each, from the busiest moment on
_CUE_NEAR_S = 1.0


@dataclass(frozen=True, slots=True)
class Compared:
    """One recording by one way, against ``analyze``."""

    name: str
    talk: Agreement
    overlaps: Agreement
    cues_live: Sequence[Cue]  # in the recording's own time
    cues_analyzed: Sequence[Cue]

    @property
    def cues_agreeing(self) -> int:
        """Same level, within a second, one to one."""
        left = list(self.cues_live)
        found = 0
        for cue in self.cues_analyzed:
            same = [c for c in left if c.level == cue.level and abs(c.at - cue.at) <= samples(_CUE_NEAR_S)]
            if same:
                left.remove(same[0])
                found += 1
        return found


def run(quick: bool) -> BenchResult:
    sound = _sound(quick)
    played = asyncio.run(_play_all(sound))
    analyzed = {name: list(timeline_of_audio(name, audio)) for name, audio in sound.items()}
    compared = [_compare(name, analyzed[name], own.placed(), own.placed_cues()) for name, own in played.items()]
    coded = {name: _compare(name, analyzed[name], through_opus(audio), ()) for name, audio in sound.items()}
    figures = [figure for own in compared for figure in _figures(own, coded[own.name])]
    settings = {"quick": quick, "recordings": list(sound), "seconds": QUICK_S if quick else "all"}
    return BenchResult("live", settings, figures, (_starts(compared),), _notes(compared, sound))


def _sound(quick: bool) -> dict[str, dict[Speaker, Samples]]:
    out = {"dialogue": read_partners([DIALOGUE])}
    try:
        calls = recordings() / "calls"
        for name in CALLS:
            out[name] = read_partners([calls / name / "agent.flac", calls / name / "caller.flac"])
    except UnusableInput:
        pass  # the notes say so
    return {name: _busiest(audio) if quick else audio for name, audio in out.items()}


def _busiest(audio: Mapping[Speaker, Samples]) -> dict[Speaker, Samples]:
    """``QUICK_S`` in which both are loud at once as often as anywhere."""
    second = SAMPLE_RATE_HZ
    loud = [
        np.array([np.abs(own[i : i + second // 10]).max(initial=0.0) > 0.03 for i in range(0, len(own), second // 10)])
        for own in audio.values()
    ]
    both = np.convolve(loud[0] & loud[1], np.ones(round(QUICK_S * 10)), "valid")
    first = int(np.argmax(both)) * second // 10 if len(both) else 0
    return {speaker: own[first : first + round(QUICK_S * second)] for speaker, own in audio.items()}


async def _play_all(sound: Mapping[str, Mapping[Speaker, Samples]]) -> dict[str, Played]:
    async with gateway() as running, asyncio.TaskGroup() as group:
        plays = {name: group.create_task(play(running, audio)) for name, audio in sound.items()}
    return {name: task.result() for name, task in plays.items()}


def through_opus(audio: Mapping[Speaker, Samples]) -> list[Annotation]:
    """What coding alone changes: the same sound as packets over a perfect path, in its own time."""
    found, _ = heard({speaker: encoded(own) for speaker, own in audio.items()}, PERFECT, 0)
    return shifted(found, samples(LEAD_S))


def _compare(name: str, analyzed: Sequence[Line], found: Sequence[Annotation], cues: Sequence[Cue]) -> Compared:
    expected = [line for line in analyzed if isinstance(line, Annotation)]
    return Compared(
        name,
        agree(expected, found, TALK),
        agree(expected, found, OVERLAP_KINDS),
        cues,
        [line for line in analyzed if isinstance(line, Cue)],
    )


def _figures(own: Compared, coded: Compared) -> list[Figure]:
    """``coded`` stands beside it: what Opus alone does to the same figure."""
    starts, pairs = own.talk.start_errors_ms, len(own.overlaps.pairs)

    def beside(count: Callable[[Compared], float]) -> dict[str, float]:
        return {"Opus alone": count(coded)}

    def counted(name: str, part: Callable[[Compared], list[Annotation]], n: int) -> Figure:
        return Figure(f"{own.name}_{name}", len(part(own)), n, alternatives=beside(lambda c: len(part(c))))

    return [
        Figure(f"{own.name}_labels_agreeing_share", _same(own), pairs, alternatives=beside(_same)),
        counted("overlaps_missing", lambda c: c.overlaps.missing, pairs + len(own.overlaps.missing)),
        counted("overlaps_extra", lambda c: c.overlaps.extra, pairs + len(own.overlaps.extra)),
        Figure(f"{own.name}_start_difference_p50_ms", float(np.median(starts)), len(starts)),
        measured(f"{own.name}_start_difference_p95_ms", starts, lambda x: quantile(x, 0.95), len(starts)),
        counted("talk_missing", lambda c: c.talk.missing, len(starts) + len(own.talk.missing)),
        counted("talk_extra", lambda c: c.talk.extra, len(starts) + len(own.talk.extra)),
        Figure(f"{own.name}_cues_agreeing", own.cues_agreeing, max(len(own.cues_live), len(own.cues_analyzed))),
    ]


def _same(own: Compared) -> float:
    pairs = len(own.overlaps.pairs)
    return (pairs - len(own.overlaps.relabelled)) / pairs if pairs else float("nan")


def _notes(compared: Sequence[Compared], sound: Mapping[str, object]) -> list[str]:
    notes = ["talk: speech, overlaps, long silences, monologues; n of cues is the larger number of the two ways."]
    if len(sound) == 1:
        notes.append("No recordings of calls: set BREATHMARK_DATA to their folder.")
    for own in compared:
        for expected, found in own.overlaps.relabelled:
            notes.append(f"{own.name}: analyze {told([expected])}, live {told([found])}")
        if own.overlaps.missing:
            notes.append(f"{own.name}: only analyze has {told(own.overlaps.missing)}")
        if own.overlaps.extra:
            notes.append(f"{own.name}: only live has {told(own.overlaps.extra)}")
        for way, cues in (("live", own.cues_live), ("analyze", own.cues_analyzed)):
            if cues:
                when = ", ".join(f"level {cue.level} at {cue.at / SAMPLE_RATE_HZ:.1f} s" for cue in cues)
                notes.append(f"{own.name}: cues {way}: {when}")
    return notes


def _starts(compared: Sequence[Compared]) -> Panel:
    def draw(axes: Axes) -> None:
        for own in compared:
            cumulative(axes, own.talk.start_errors_ms, label=own.name)
        axes.set(
            xlim=(0, 120), ylim=(0, 1), xlabel="difference of starts, ms", ylabel="share", title="Live and analyze"
        )
        axes.legend()

    return draw
