"""``breathmark bench load``: how many couples a core carries, what each part costs, and what gives way first.

Couples practise with a gateway process of its own; its processor time is read from the system. Bare aiortc
receive of as many streams is measured in the same run. Cue delay runs from the audio that decided a cue to
the partner's socket: network, queues, detectors, store, sending.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from benchmarks.crowd import Crowd, crowd
from benchmarks.gateway_process import gateway
from benchmarks.harness import BenchResult, Figure, Panel
from benchmarks.media_cost import Bare, Ours, cost_percent
from benchmarks.packets import encoded
from benchmarks.voice_accuracy import cost_figure
from gateway.demo import DIALOGUE
from streaming.audio import read_partners
from streaming.errors import BreathmarkError
from streaming.types import Speaker

_EAGER = ("-m", "benchmarks.eager")
# All couples come from one address, and as many as the machine holds.
_CROWDED = {"BREATHMARK_SESSIONS_PER_MINUTE": "100000", "BREATHMARK_MAX_SESSIONS": "10000"}
_SETTLE_S = 3.0
_TICKS_A_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Step:
    """What so many couples did to the gateway."""

    couples: int
    core_percent: float  # of one core, the whole process
    memory_mib: float
    delays_s: Sequence[float]

    @property
    def percent_a_couple(self) -> float:
        return self.core_percent / self.couples

    def delay_ms(self, share: float) -> float:
        return float(np.quantile(self.delays_s, share)) * 1000 if self.delays_s else float("nan")


def run(quick: bool) -> BenchResult:
    return asyncio.run(_run(quick, cost_figure(quick).value))


async def _run(quick: bool, detectors: float) -> BenchResult:
    """``detectors``: their share of a core a stream, per cent."""
    measure_s = 8.0 if quick else 30.0
    packets = {speaker: encoded(own) for speaker, own in read_partners([DIALOGUE]).items()}
    few = 6
    bare = await cost_percent(Bare(), 2 * few, 5.0 if quick else 10.0)
    receive = await cost_percent(Ours(practising=True, relaying=False), 2 * few, 5.0 if quick else 10.0)
    steps, refusal = await _steps(packets, [few] if quick else [1, 3, few, 12], measure_s)
    whole = min(step.percent_a_couple for step in steps if step.couples >= few)
    carried = 100 / whole
    at = {share: next((s for s in steps if s.couples == _at_load(share, steps, few)), steps[-1]) for share in (50, 90)}
    last = steps[-1]
    figures = [
        Figure("couples_per_core", carried, last.couples),
        Figure("cpu_ratio_to_bare_receive", whole / 2 / bare, 2 * few),
        Figure("cue_p95_ms_at_50pct", at[50].delay_ms(0.95), len(at[50].delays_s)),
        Figure("cue_p95_ms_at_90pct", at[90].delay_ms(0.95), len(at[90].delays_s)),
        Figure("gateway_core_percent_a_couple", whole, few),
        Figure("receive_core_percent_a_stream", receive, 2 * few, alternatives={"bare aiortc": bare}),
        Figure("detectors_core_percent_a_stream", detectors, 20),
        Figure("other_core_percent_a_stream", whole / 2 - receive - detectors, 2 * few),
        Figure("memory_mib_a_couple", _slope(steps), last.couples),
        Figure("couples_running_at_the_end", last.couples, last.couples),
    ]
    notes = [
        "steps: "
        + "; ".join(
            f"{s.couples} couples {s.core_percent:.0f} % of a core, cue p95 {s.delay_ms(0.95):.0f} ms" for s in steps
        ),
        "speakers run beside the gateway on the same machine, so the last step may be theirs",
        *([f"then: {refusal}"] if refusal else []),
    ]
    return BenchResult("load", {"quick": quick, "measure_s": measure_s}, figures, (_growth(steps),), notes)


def _at_load(percent: int, steps: Sequence[Step], few: int) -> int:
    """The step nearest to this load."""
    return min((s for s in steps if s.couples >= few), key=lambda s: abs(s.core_percent - percent)).couples


async def _steps(
    packets: dict[Speaker, list[bytes]], counts: Sequence[int], measure_s: float
) -> tuple[list[Step], str]:
    """The given steps, then one near 50 and one near 90 per cent of a core by what those cost, then beyond."""
    steps: list[Step] = []
    async with gateway(_EAGER, environment=_CROWDED) as running, crowd(running, packets) as people:
        try:
            for couples in counts:
                steps.append(await _step(people, running.pid, couples, measure_s))
            each = steps[-1].percent_a_couple
            for share in (50, 90, 120):
                couples = max(steps[-1].couples + 1, round(share / each))
                steps.append(await _step(people, running.pid, couples, measure_s))
                if share == 90 and measure_s < 10:
                    break  # the quick form does not look beyond
        except BreathmarkError as error:
            return steps, f"couple {len(people.couples) + 1} was refused: {error}"
    return steps, ""


async def _step(people: Crowd, pid: int, couples: int, measure_s: float) -> Step:
    await people.grow(couples)
    await asyncio.sleep(_SETTLE_S)
    began_unix, began_s, spent = time.time(), time.monotonic(), _processor_s(pid)
    await asyncio.sleep(measure_s)
    percent = 100 * (_processor_s(pid) - spent) / (time.monotonic() - began_s)
    delays = [late for couple in people.couples for late in couple.delays_s(began_unix)]
    return Step(couples, percent, _memory_mib(pid), delays)


def _processor_s(pid: int) -> float:
    """Of all its threads, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_A_S


def _memory_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _slope(steps: Sequence[Step]) -> float:
    if len(steps) < 2:
        return float("nan")
    return float(np.polyfit([s.couples for s in steps], [s.memory_mib for s in steps], 1)[0])


def _growth(steps: Sequence[Step]) -> Panel:
    def panel(axes: Axes) -> None:
        couples = [s.couples for s in steps]
        axes.plot(couples, [s.core_percent for s in steps], "o-", label="% of a core")
        axes.set_xlabel("couples")
        axes.set_ylabel("% of a core")
        late = axes.twinx()
        late.plot(couples, [s.delay_ms(0.95) for s in steps], "s--", color="tab:orange", label="cue p95, ms")
        late.set_ylabel("cue p95, ms")
        axes.set_title("How cost and delay grow")

    return panel
