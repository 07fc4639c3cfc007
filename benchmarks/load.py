"""``breathmark bench load``: how many couples a core carries, what each part costs, and what gives way first.

Couples practise with a gateway process of its own; its processor time is read from the system. They grow until it
takes half of a core, then nine tenths, then until it refuses. Bare aiortc receive of as many streams is measured in
the same run. Cue delay runs from the audio that decided a cue to the partner's socket: network, queues, detectors,
store, sending. What Redis and PostgreSQL add is measured apart (``benchmarks.bus_delay``), in the full form only.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from matplotlib.axes import Axes

from benchmarks import bus_delay
from benchmarks.crowd import Crowd, crowd
from benchmarks.gateway_process import RunningGateway, gateway
from benchmarks.harness import BenchResult, Figure, Panel
from benchmarks.media_cost import Bare, Ours, cost_percent
from benchmarks.packets import encoded
from benchmarks.processor import memory_mib, processor_s
from benchmarks.voice_accuracy import cost_figure
from gateway.demo import DIALOGUE
from streaming.audio import read_partners
from streaming.errors import BreathmarkError, Refused
from streaming.ids import event_id
from streaming.timeline import Timeline, open_engine, sqlite_url
from streaming.types import Annotation, Kind, Span, Speaker

_EAGER = ("-m", "benchmarks.eager")
# All couples come from one address, and as many as the machine holds.
_CROWDED = {"BREATHMARK_SESSIONS_PER_MINUTE": "100000", "BREATHMARK_MAX_SESSIONS": "10000"}
_NEAR = 6.0  # per cent of a core: a step this far below the wanted share is taken for it
_MOST_STEPS = 2  # to come near a wanted share
_BEYOND = 115  # per cent of a core: more than there is
_AGAIN = 8  # times that a refused newcomer asks again: many at once are let in as their cost is seen
_AGAIN_S = 1.5
_LINES = 300


@dataclass(frozen=True, slots=True)
class Plan:
    """``first``: couples of the first steps; by the last of them it is judged what so many more will take."""

    first: Sequence[int]
    settle_s: float
    measure_s: float
    media_s: float
    beyond: bool  # until newcomers are refused, with what Redis and PostgreSQL cost


QUICK = Plan((6,), 1.5, 4.5, 3.0, beyond=False)
FULL = Plan((1, 3, 6), 3.0, 30.0, 10.0, beyond=True)


@dataclass(frozen=True, slots=True)
class Step:
    """What so many couples did to the gateway."""

    couples: int
    core_percent: float  # of one core, the whole process
    speakers_percent: float  # the process that speaks for all couples
    memory_mib: float
    missing_percent: float  # of the audio that should have come
    lines: float  # appended a second and couple
    delays_s: Sequence[float]
    refused: int | None = None  # newcomers, meanwhile; None where nobody asked

    @property
    def percent_a_couple(self) -> float:
        return self.core_percent / self.couples

    def delay_ms(self, share: float) -> float:
        return float(np.quantile(self.delays_s, share)) * 1000 if self.delays_s else float("nan")

    def __str__(self) -> str:
        said = f"{self.couples} couples {self.core_percent:.0f} % of a core (speakers {self.speakers_percent:.0f} %)"
        said += f", cue p95 {self.delay_ms(0.95):.0f} ms, {self.missing_percent:.1f} % of the audio missing"
        return said + (f", {self.refused} newcomers refused" if self.refused is not None else "")


def run(quick: bool) -> BenchResult:
    detectors = cost_figure(quick).value
    plan = QUICK if quick else FULL
    shared = asyncio.run(bus_delay.measure(10, 60.0)) if plan.beyond else []
    return asyncio.run(_run(quick, plan, detectors, shared))


async def _run(quick: bool, plan: Plan, detectors: float, shared: Sequence[Figure]) -> BenchResult:
    """``detectors``: their share of a core a stream, per cent."""
    packets = {speaker: encoded(own) for speaker, own in read_partners([DIALOGUE]).items()}
    line_ms = await _line_ms()
    ladder = await Ladder.climbed(packets, plan)
    half, most = ladder.near(50), ladder.near(90)
    streams = 2 * most.couples  # what a stream costs falls as they grow, bare too: compared are as many of each
    bare = await cost_percent(Bare(), streams, plan.media_s)
    receive = await cost_percent(Ours(practising=True, relaying=False), streams, plan.media_s)
    whole, last = most.percent_a_couple, ladder.steps[-1]
    store = line_ms * half.lines / 10  # ms a second are tenths of a per cent
    figures = [
        Figure("couples_per_core", 100 / whole, most.couples),
        Figure("cpu_ratio_to_bare_receive", whole / 2 / bare, 2 * most.couples),
        Figure("cue_p95_ms_at_50pct", half.delay_ms(0.95), len(half.delays_s)),
        Figure("cue_p95_ms_at_90pct", most.delay_ms(0.95), len(most.delays_s)),
        Figure("core_percent_at_50pct", half.core_percent, half.couples),
        Figure("core_percent_at_90pct", most.core_percent, most.couples),
        Figure("gateway_core_percent_a_couple", whole, most.couples),
        Figure("receive_core_percent_a_stream", receive, streams, alternatives={"bare aiortc": bare}),
        Figure("detectors_core_percent_a_stream", detectors, 20),
        Figure("store_core_percent_a_stream", store / 2, _LINES),
        Figure("other_core_percent_a_stream", (whole - store) / 2 - receive - detectors, 2 * most.couples),
        Figure("store_core_ms_a_line", line_ms, _LINES),
        Figure("lines_a_second_a_couple", half.lines, half.couples),
        Figure("memory_mib_a_couple", _slope(ladder.steps), last.couples),
        Figure("memory_mib_with_nobody", ladder.empty_mib, 1),
    ]
    if last.refused is not None:
        figures += [
            Figure("newcomers_refused", last.refused, last.couples),
            Figure("core_percent_while_refusing", last.core_percent, last.couples),
            Figure("cue_p95_ms_while_refusing", last.delay_ms(0.95), len(last.delays_s)),
            Figure("missing_audio_percent_while_refusing", last.missing_percent, last.couples),
        ]
    notes = ["steps: " + ";\n       ".join(map(str, ladder.steps)), *([ladder.refusal] if ladder.refusal else [])]
    return BenchResult(
        "load", {"quick": quick, "measure_s": plan.measure_s}, [*figures, *shared], (_growth(ladder),), notes
    )


class Ladder:
    """Steps of ever more couples; nobody leaves."""

    def __init__(self, running: RunningGateway, people: Crowd, plan: Plan) -> None:
        self.steps: list[Step] = []
        self.empty_mib = memory_mib(running.pid)
        self.refusal = ""  # what the first of those said who were not let in
        self._running = running
        self._people = people
        self._plan = plan

    @classmethod
    async def climbed(cls, packets: dict[Speaker, list[bytes]], plan: Plan) -> Ladder:
        async with gateway(_EAGER, environment=_CROWDED) as running, crowd(running, packets) as people:
            ladder = cls(running, people, plan)
            try:
                for couples in plan.first:
                    await ladder._step(couples)
                for percent in (50, 90, _BEYOND) if plan.beyond else (50, 90):
                    await ladder._approach(percent)
            except BreathmarkError as error:  # refused, or nobody had time for them any more
                if len(ladder.steps) < len(plan.first):
                    raise
                ladder.refusal = f"couple {len(people.couples) + 1}: {error}"
            if plan.beyond or ladder.refusal:
                await ladder._step(len(people.couples), knocking=True)
        return ladder

    def near(self, percent: float) -> Step:
        """The step nearest to this share of a core, of those with more than a handful of couples."""
        large = [step for step in self.steps if step.couples >= self._plan.first[-1] and step.refused is None]
        return min(large, key=lambda step: abs(step.core_percent - percent))

    async def _approach(self, percent: float) -> None:
        for _ in range(_MOST_STEPS):
            if self.steps[-1].core_percent > percent - _NEAR:
                return
            await self._step(aimed(self.steps, percent))

    async def _step(self, couples: int, *, knocking: bool = False) -> None:
        """Raises Refused where so many are not let in."""
        await self._grow(couples)
        await asyncio.sleep(self._plan.settle_s)
        pid = self._running.pid
        began_unix, began_s = time.time(), time.monotonic()
        gateway_s, own_s, counted = processor_s(pid), time.process_time(), await self._running.metrics()
        refused = None
        if knocking:
            refused = await self._knock()
        else:
            await asyncio.sleep(self._plan.measure_s)
        took_s, after = time.monotonic() - began_s, await self._running.metrics()
        gateway_s, own_s = processor_s(pid) - gateway_s, time.process_time() - own_s
        more = {name: value - counted.get(name, 0.0) for name, value in after.items()}
        heard, missing = (more[f"breathmark_{what}_audio_seconds_total"] for what in ("heard", "missing"))
        lines = sum(n for name, n in more.items() if name.startswith("breathmark_annotations_total"))
        self.steps.append(
            Step(
                len(self._people.couples),
                100 * gateway_s / took_s,
                100 * own_s / took_s,
                memory_mib(pid),
                100 * missing / max(heard + missing, 1e-9),
                lines / took_s / len(self._people.couples),
                [late for couple in self._people.couples for late in couple.delays_s(began_unix)],
                refused,
            )
        )

    async def _grow(self, couples: int) -> None:
        for again in range(_AGAIN + 1):
            try:
                return await self._people.grow(couples)
            except Refused:
                if again == _AGAIN:
                    raise
                await asyncio.sleep(_AGAIN_S)
        return None

    async def _knock(self) -> int:
        """A newcomer a second while a step lasts; how many were refused. Who is let in joins. Those who practise
        should not feel it."""
        refused = 0
        for _ in range(round(self._plan.measure_s)):
            try:
                await self._people.grow(len(self._people.couples) + 1)
            except BreathmarkError as error:
                refused += isinstance(error, Refused)
            await asyncio.sleep(1.0)
        return refused


def aimed(steps: Sequence[Step], percent: float) -> int:
    """How many couples take this share of a core, by what those of the last step added; at most twice as many."""
    last = steps[-1]
    before = next((step for step in reversed(steps[:-1]) if step.couples < last.couples), None)
    added = (last.core_percent - (before.core_percent if before else 0.0)) / (
        last.couples - (before.couples if before else 0)
    )
    more = int((percent - last.core_percent) / max(added, 1e-9))
    return last.couples + max(1, min(more, last.couples))


async def _line_ms() -> float:
    """Processor time of this process for a line into SQLite that nobody else's shares a commit with."""
    with TemporaryDirectory(prefix="breathmark-store-") as folder:
        engine = await open_engine(sqlite_url(Path(folder)))
        async with Timeline(engine) as timeline:
            began_s = time.process_time()
            for n in range(_LINES):
                id = event_id("s", "bench@1", "speech", Speaker.A, n)
                await timeline.append([Annotation(id, "s", Kind.SPEECH, "final", Span(n, n + 1), n, "bench@1")])
            spent_s = time.process_time() - began_s
        await engine.dispose()
    return spent_s * 1000 / _LINES


def _slope(steps: Sequence[Step]) -> float:
    return float(np.polyfit([s.couples for s in steps], [s.memory_mib for s in steps], 1)[0])


def _growth(ladder: Ladder) -> Panel:
    def panel(axes: Axes) -> None:
        couples = [s.couples for s in ladder.steps]
        axes.plot(couples, [s.core_percent for s in ladder.steps], "o-", label="% of a core")
        axes.set_xlabel("couples")
        axes.set_ylabel("% of a core")
        late = axes.twinx()
        late.plot(couples, [s.delay_ms(0.95) for s in ladder.steps], "s--", color="tab:orange", label="cue p95, ms")
        late.set_ylabel("cue p95, ms")
        axes.set_title("How cost and delay grow")

    return panel
