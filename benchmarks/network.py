"""``breathmark bench network``: what loss, jitter, bursts, reordering and distance do to the timeline.

The sweep plays the bundled dialogue as Opus packets over impaired paths through placement and detectors, faster
than real time. What is said of delay, and the figures that begin with ``real_``, come from real peers, real
datagrams and a real gateway process behind a UDP relay. ``back_`` is how soon a real page is heard again after its
network was away (``returning``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TypeAlias

import numpy as np
from matplotlib.axes import Axes

from benchmarks import burst
from benchmarks.agreement import TALK, Agreement, agree, told
from benchmarks.burst import BurstRun, extra_p95_ms
from benchmarks.far_script import Script, script
from benchmarks.gateway_process import gateway
from benchmarks.harness import BenchResult, Figure, Panel, cumulative, measured, quantile
from benchmarks.impaired import PERFECT, Impairment
from benchmarks.namespaces import no_right
from benchmarks.packets import LEAD_S, encoded, heard
from benchmarks.played import Played, play
from benchmarks.returning import TRIALS, Return
from benchmarks.returning import figures as return_figures
from benchmarks.returning import measure as measure_returns
from gateway.media.clock import ClockSettings
from gateway.media.partner import MediaSettings
from gateway.media.placement import PlacementSettings
from streaming.types import OVERLAP_KINDS, SAMPLE_RATE_HZ, Annotation, Speaker

Passage: TypeAlias = tuple[int, int | None]

CONDITIONS = {
    "loss1": Impairment(loss=0.01),
    "loss5": Impairment(loss=0.05),
    "loss10": Impairment(loss=0.10),
    "jitter30": Impairment(jitter_ms=30.0),
    "bursts300": Impairment(burst_ms=300.0),
    "reorder10": Impairment(reorder=0.10),
}
SEEDS = 10  # quick: one
FEC_LOSS = 0.05
ROUND_TRIPS_MS, ROUND_TRIPS_QUICK_MS = (0, 100, 300, 600), (0, 300, 600)
TROUBLES, TROUBLES_QUICK = ("away5", "away12", "moved", "reload"), ("away5",)
PLAYOUT_S = MediaSettings().playout_ms / 1000
WHOLE: Passage = (0, None)
SWEPT_QUICK: Passage = (8, 16)  # lines of the dialogue: three interruptions and a foreseen end
PLAYED_QUICK: Passage = (11, 16)  # what takes real time: two and one
SETTLE_S = 4.0  # practising before the first word, so that round trips are known
Labels = dict[int, tuple[str, str | None]]  # of the script's lines, those that overlap


@dataclass(frozen=True, slots=True)
class Playing:
    """The dialogue once over one path, against the same packets over a perfect one."""

    condition: str
    talk: Agreement
    overlaps: Agreement
    delays_ms: Sequence[float]

    @property
    def errors_ms(self) -> list[float]:
        return self.talk.start_errors_ms + self.talk.end_errors_ms


@dataclass(frozen=True, slots=True)
class Real:
    """The dialogue, or its passage, through a gateway process; the last two against the first."""

    near: Labels
    lossy: Labels
    far: Labels
    errors_ms: Sequence[float]


def run(quick: bool) -> BenchResult:
    no_namespaces = no_right()
    bursts, real, returns = asyncio.run(_real_runs(quick, returning=not no_namespaces))
    playings = sweep(quick)
    trips_ms = ROUND_TRIPS_QUICK_MS if quick else ROUND_TRIPS_MS
    passage = SWEPT_QUICK if quick else WHOLE
    rounds = {trip_ms: at_distance(trip_ms, passage) for trip_ms in trips_ms}
    figures = [
        *_sweep_figures(playings),
        measured("extra_delay_after_burst_ms", bursts, lambda runs: max(r.extra_ms for r in runs), _packets(bursts)),
        Figure("extra_delay_after_burst_p95_ms", extra_p95_ms(bursts), _packets(bursts)),
        *(
            Figure(f"labels_changed_rtt{trip_ms}", len(changed(rounds[0], rounds[trip_ms])), len(rounds[0]))
            for trip_ms in trips_ms[1:]
        ),
        *_real_figures(real),
        *(return_figures(returns) if returns else []),
    ]
    settings = {
        "quick": quick,
        "conditions": {name: asdict(impairment) for name, impairment in CONDITIONS.items()},
        "placement": asdict(PlacementSettings()),
        "clock": asdict(ClockSettings()),
        "no_namespaces": no_namespaces,
    }
    return BenchResult(
        "network", settings, figures, (_errors(playings), _bursts(bursts)), _notes(playings, rounds, real)
    )


def sweep(quick: bool) -> list[Playing]:
    """Every condition, several times; loss also with the redundancy that browsers send."""
    first, last = SWEPT_QUICK if quick else WHOLE
    sound = script(0.0, first=first, last=last).audio
    plain = {speaker: encoded(own) for speaker, own in sound.items()}
    redundant = {speaker: encoded(own, fec_for_loss=FEC_LOSS) for speaker, own in sound.items()}
    out = [Playing("loss0", *_against(plain, plain, PERFECT, 0))]
    for name, impairment in CONDITIONS.items():
        for seed in range(1 if quick else SEEDS):
            out.append(Playing(name, *_against(plain, plain, impairment, seed)))
    for seed in range(1 if quick else SEEDS):
        out.append(Playing("loss5_fec", *_against(redundant, redundant, Impairment(loss=FEC_LOSS), seed)))
    return out


_perfect: dict[int, list[Annotation]] = {}


def _against(
    reference: Mapping[Speaker, list[bytes]], packets: Mapping[Speaker, list[bytes]], impairment: Impairment, seed: int
) -> tuple[Agreement, Agreement, list[float]]:
    if id(reference) not in _perfect:
        _perfect[id(reference)] = heard(reference, PERFECT, 0)[0]
    expected = _perfect[id(reference)]
    found, streams = heard(packets, impairment, seed)
    delays = [delay for stream in streams.values() for delay in stream.delays(LEAD_S)]
    return agree(expected, found, TALK), agree(expected, found, OVERLAP_KINDS), delays


def at_distance(round_trip_ms: int, passage: Passage = WHOLE) -> Labels:
    """The script at the ear, where both have this round trip to the gateway: what each overlap is called."""
    late_s = round_trip_ms / 1000 + PLAYOUT_S
    far = script(late_s, first=passage[0], last=passage[1])
    packets = {speaker: encoded(own) for speaker, own in far.audio.items()}
    path = Impairment(one_way_ms=round_trip_ms / 2)
    found, _ = heard(packets, path, 0, hears_late_s=late_s)
    return _numbered(labels(far, found, round((LEAD_S + round_trip_ms / 2000) * SAMPLE_RATE_HZ)), passage)


def labels(played: Script, annotations: Sequence[Annotation], offset: int) -> Labels:
    """Of each line that overlaps another, kind and who. ``offset``: session sample of the script's start."""
    finals = [a for a in annotations if a.status == "final" and a.kind in OVERLAP_KINDS]
    return {played.spoken(a, offset): (a.kind.value, a.by.value if a.by else None) for a in finals}


def changed(before: Labels, after: Labels) -> list[int]:
    """Lines that are called something else, or nothing any more, or something now."""
    return sorted(line for line in before.keys() | after.keys() if before.get(line) != after.get(line))


async def _real_runs(quick: bool, *, returning: bool) -> tuple[list[BurstRun], Real, list[Return]]:
    passage = PLAYED_QUICK if quick else WHOLE
    async with gateway() as running, asyncio.TaskGroup() as group:
        bursts = group.create_task(burst.measure())
        plays = [
            group.create_task(play(running, sound.audio, path, settle_s=SETTLE_S)) for sound, path in _paths(passage)
        ]
        beside = group.create_task(measure_returns(1, TROUBLES_QUICK)) if quick and returning else None
    returns = await measure_returns(TRIALS, TROUBLES) if returning and not quick else []
    return (
        bursts.result(),
        _compared(passage, [task.result() for task in plays]),
        beside.result() if beside else returns,
    )


def _paths(passage: Passage) -> list[tuple[Script, Impairment]]:
    """Near, near with loss, and far: how it is spoken, and over what."""
    trip_ms = ROUND_TRIPS_MS[-1]
    near, far = (script(late_s + PLAYOUT_S, first=passage[0], last=passage[1]) for late_s in (0.0, trip_ms / 1000))
    return [(near, PERFECT), (near, Impairment(loss=0.05)), (far, Impairment(one_way_ms=trip_ms / 2))]


def _compared(passage: Passage, plays: Sequence[Played]) -> Real:
    at_hand, lossy, away = plays
    (near, _), _, (far, path) = _paths(passage)
    on_its_way = round(path.one_way_ms / 1000 * SAMPLE_RATE_HZ)
    return Real(
        _numbered(labels(near, at_hand.finals, at_hand.offset), passage),
        _numbered(labels(near, lossy.finals, lossy.offset), passage),
        _numbered(labels(far, away.finals, away.offset + on_its_way), passage),
        _real_errors(at_hand, lossy),
    )


def _numbered(found: Labels, passage: Passage) -> Labels:
    """By the dialogue's line numbers instead of the passage's."""
    return {line + passage[0]: label for line, label in found.items()}


def _real_figures(real: Real) -> list[Figure]:
    return [
        Figure("real_labels_changed_loss5", len(changed(real.near, real.lossy)), len(real.near)),
        Figure("real_labels_changed_rtt600", len(changed(real.near, real.far)), len(real.near)),
        Figure("real_timeline_error_p95_ms_loss5", quantile(real.errors_ms, 0.95), len(real.errors_ms)),
    ]


def _real_errors(expected: Played, found: Played) -> list[float]:
    both = agree(expected.placed(), found.placed())
    return both.start_errors_ms + both.end_errors_ms


def _sweep_figures(playings: Sequence[Playing]) -> list[Figure]:
    figures = []
    for name in ("loss5", *(n for n in dict.fromkeys(p.condition for p in playings) if n not in ("loss5", "loss0"))):
        own = [p for p in playings if p.condition == name]
        errors = sum(len(p.errors_ms) for p in own)
        figures += [
            measured(f"timeline_error_p95_ms_{name}", own, _error_p95, errors),
            measured(f"labels_changed_{name}", own, _mean_changed, sum(len(p.overlaps.pairs) for p in own)),
            measured(f"delivered_after_p95_ms_{name}", own, _delay_p95, sum(len(p.delays_ms) for p in own)),
        ]
    return figures


def _error_p95(playings: Sequence[Playing]) -> float:
    return quantile([error for p in playings for error in p.errors_ms], 0.95)


def _mean_changed(playings: Sequence[Playing]) -> float:
    """A dialogue, on average."""
    return float(np.mean([p.overlaps.changed for p in playings]))


def _delay_p95(playings: Sequence[Playing]) -> float:
    return quantile([delay for p in playings for delay in p.delays_ms], 0.95)


def _packets(bursts: Sequence[BurstRun]) -> int:
    return sum(len(run.after) for run in bursts)


def _notes(playings: Sequence[Playing], rounds: Mapping[int, Labels], real: Real) -> list[str]:
    notes = [
        "timeline_error: starts of speech and overlaps, ends of speech, against the same packets over a perfect path;",
        "labels_changed: overlaps a dialogue that are called otherwise (kind or who), lost or new. Without redundancy",
        "but for loss5_fec. rtt: the script timed at the ear, against a round trip of 0; real_: through a UDP relay.",
        "back_: a real page's audio placed again, after its network was free (away, moved) or a reload was asked for.",
    ]
    for playing in playings:
        if playing.overlaps.changed:
            was = [expected for expected, _ in playing.overlaps.relabelled] + playing.overlaps.missing
            now = [found for _, found in playing.overlaps.relabelled] + playing.overlaps.extra
            notes.append(f"{playing.condition}: {told(was) or 'nothing'} became {told(now) or 'nothing'}")
    for trip_ms, found in rounds.items():
        notes += [f"rtt{trip_ms}: {change}" for change in _differences(rounds[0], found)]
    for what, found in (("loss5", real.lossy), ("rtt600", real.far)):
        notes += [f"real {what}: {change}" for change in _differences(real.near, found)]
    return notes


def _differences(before: Labels, after: Labels) -> list[str]:
    return [f"line {line} was {before.get(line)}, is {after.get(line)}" for line in changed(before, after)]


def _errors(playings: Sequence[Playing]) -> Panel:
    def draw(axes: Axes) -> None:
        for name in dict.fromkeys(p.condition for p in playings if p.condition != "loss0"):
            cumulative(axes, [e for p in playings if p.condition == name for e in p.errors_ms], label=name)
        axes.set(xlim=(0, 120), ylim=(0, 1), xlabel="timeline error, ms", ylabel="share", title="Impaired paths")
        axes.legend()

    return draw


def _bursts(bursts: Sequence[BurstRun]) -> Panel:
    def draw(axes: Axes) -> None:
        for run in bursts:
            axes.plot(*zip(*run.delays, strict=True), lw=0.8, label=f"{run.burst_ms:.0f} ms lost")
        axes.set(xlabel="s", ylabel="delivered after, ms", ylim=(-5, 150), title="Delay through a burst of loss")
        axes.legend()

    return draw
