"""``breathmark bench latency``: from a sound at a microphone to what people see, stage by stage.

Real Chromium pages for both partners and an observer, a real gateway, voices that begin at known instants. The
same microphone is heard by the floor as well: a bare aiortc loop that answers the first loud frame at once, painted
in the same page. So every onset gives a pair, and the differences mean something on a busy machine too.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from playwright.async_api import BrowserContext, Page, Playwright, async_playwright

from benchmarks.chromium import MICROPHONE, PAGES, chromium, listening, say, speaking_page, write_sound
from benchmarks.floor import LOUD
from benchmarks.gateway_process import RunningGateway, gateway
from benchmarks.harness import BenchResult, Figure, Panel, cumulative, measured, quantile
from benchmarks.traced_gateway import TRACE
from gateway.demo import DIALOGUE
from gateway.voice_track import resampled
from streaming.audio import read_partners
from streaming.errors import UnusableInput
from streaming.types import SAMPLE_RATE_HZ, Speaker

SCREEN = (900, 700)
TRIAL_S = 3.0  # somebody speaks for 2 s, the other comes in after 1 s; then over a second of silence ends both bursts
COMES_IN_S = 1.0
TRIALS, TRIALS_QUICK = 60, 11
JITTER_S = 0.2  # so that onsets fall anywhere in packets, windows and frames
LONG = {Speaker.A: (28.3, 2.0), Speaker.B: (49.515, 2.0)}  # in the dialogue: start and length of running speech
SHORT = {Speaker.A: (16.9, 0.8), Speaker.B: (37.64, 0.8)}
NEAR_S = 0.8  # an answer later than this belongs to something else
STAGES = ("captured", "received", "placed", "decided", "sent", "arrived", "painted")
CUE_STAGES = ("captured", "received", "placed", "noticed", "decided", "sent", "arrived", "painted")  # noticed: overlap


class Onset(NamedTuple):
    """Somebody begins to speak at ``at``, wall clock; ``over`` the other's speech or alone."""

    by: Speaker
    at: float
    over: bool


@dataclass(frozen=True, slots=True)
class Way:
    """Wall-clock time of each stage of one thing shown, and of the floor's answer to the same sound."""

    stages: Mapping[str, float]
    floor: float | None = None

    @property
    def whole_ms(self) -> float:
        times = list(self.stages.values())
        return (times[-1] - times[0]) * 1000

    @property
    def floor_ms(self) -> float:
        return float("nan") if self.floor is None else (self.floor - self.stages["captured"]) * 1000

    def step_ms(self, before: str, after: str) -> float:
        return (self.stages[after] - self.stages[before]) * 1000


@dataclass(frozen=True, slots=True)
class Seen:
    """Raw results: what was said, and what gateway and pages wrote down."""

    onsets: Sequence[Onset]
    trace: Sequence[dict[str, Any]]
    shown: Sequence[dict[str, Any]]
    answers: Sequence[dict[str, Any]]
    cues: Sequence[dict[str, Any]]
    clock_offsets_ms: Sequence[float]


def run(quick: bool) -> BenchResult:
    seen = asyncio.run(_measure(TRIALS_QUICK if quick else TRIALS))
    speech, overlaps, cues = speech_ways(seen), overlap_ways(seen), cue_ways(seen)
    if not speech or not overlaps or not cues:
        raise UnusableInput(f"{len(speech)} onsets, {len(overlaps)} overlaps, {len(cues)} cues came through; try again")
    paired, came_in = ([way for way in ways if way.floor is not None] for ways in (speech, overlaps))
    figures = [
        _p95("floor_p95_ms", paired, lambda way: way.floor_ms),
        _p95("speech_shown_p95_ms", speech, lambda way: way.whole_ms),
        _p95("open_overlap_shown_p95_ms", overlaps, lambda way: way.whole_ms),
        _p95("decided_to_painted_p95_ms", cues, lambda way: way.step_ms("decided", "painted")),
        _p95("cue_shown_p95_ms", cues, lambda way: way.whole_ms),
        _p95("speech_over_floor_p95_ms", paired, lambda way: way.whole_ms - way.floor_ms),
        _p95("overlap_over_floor_p95_ms", came_in, lambda way: way.whole_ms - way.floor_ms),
        *_whole("floor", paired, lambda way: way.floor_ms),
        *_stages("speech", speech),
        *_stages("overlap", overlaps),
        *_stages("cue", cues),
        Figure("speech_not_shown", len(seen.onsets) - len(speech), len(seen.onsets)),
        Figure("overlap_not_shown", sum(o.over for o in seen.onsets) - len(overlaps), sum(o.over for o in seen.onsets)),
    ]
    notes = [
        f"Page clocks against this process: {', '.join(f'{ms:+.1f}' for ms in seen.clock_offsets_ms)} ms.",
        "painted: the first task after the animation frame that drew it, for the floor too.",
        "The floor: aiortc with a jitter buffer of 4 packets, 1 ahead; the first 20 ms frame over -34 dBFS.",
    ]
    settings = {"quick": quick, "trial_s": TRIAL_S, "loud": LOUD, "trials": TRIALS_QUICK if quick else TRIALS}
    return BenchResult("latency", settings, figures, (_curves(speech, overlaps, cues), _bars(speech)), notes)


# Raw results


async def _measure(trials: int) -> Seen:
    rng = np.random.default_rng(0)
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(gateway(("-m", "benchmarks.traced_gateway")))
        floor = await stack.enter_async_context(_floor())
        playing = await stack.enter_async_context(async_playwright())
        pages = await _practice(stack, playing, running, floor)
        offsets = [await _clock_offset_ms(page) for page in pages.values()]
        onsets: list[Onset] = []
        at = time.time() + 1.0
        for trial in range(trials):
            at += TRIAL_S if trial else 0.0
            begin = at + float(rng.uniform(0, JITTER_S))
            first = list(Speaker)[trial % 2]
            onsets += [Onset(first, begin, False), Onset(first.other, begin + COMES_IN_S, True)]
            await say(pages[first.value], begin, *LONG[first])
            await say(pages[first.other.value], begin + COMES_IN_S, *SHORT[first.other])
            await asyncio.sleep(max(0.0, at + TRIAL_S - 0.7 - time.time()))
        await asyncio.sleep(1.5)
        shown = await pages["watch"].evaluate("() => window.benchShown")
        answers = await pages["watch"].evaluate("() => window.benchAnswers")
        cues = await pages["b"].evaluate("() => window.benchCues")
        text = await asyncio.to_thread((running.folder / TRACE).read_text)
    trace = [json.loads(line) for line in text.splitlines()]
    return Seen(onsets, trace, shown, answers, cues, offsets)


async def _practice(stack: AsyncExitStack, playing: Playwright, running: RunningGateway, floor: str) -> dict[str, Page]:
    """Partner b in a browser of their own; a, who need not be seen, and the observer share the other."""
    clips = await asyncio.to_thread(_write_clips, running.folder)
    links = await running.new_session()
    browsers: list[BrowserContext] = [
        # the floor's socket is not the gateway's
        await stack.enter_async_context(
            chromium(playing, running.folder / f"profile{n}", *MICROPHONE, size=SCREEN, bypass_csp=True)
        )
        for n in range(2)
    ]
    pages: dict[str, Page] = {}
    for speaker, browser in zip(Speaker, browsers, strict=True):
        address = f"{running.url}/join#{links[speaker.value]}"
        pages[speaker.value] = await speaking_page(browser, clips[speaker], address, speaker.name)
    watch = pages["watch"] = await browsers[0].new_page()
    await watch.add_init_script(path=PAGES / "watch.js")
    await watch.goto(f"{running.url}/watch#{links['observer']}")
    for role in ("a", "b"):
        await listening(pages[role])
        await pages[role].evaluate("([address, name]) => window.benchFloor(address, name)", [floor, role])
    await watch.bring_to_front()
    await watch.evaluate("(address) => window.benchFloor(address)", floor)
    await asyncio.sleep(2.0)  # clocks align, and the pages come to rest
    return pages


def _write_clips(folder: Path) -> dict[Speaker, Path]:
    sound = read_partners([DIALOGUE])
    return {s: write_sound(folder / f"{s}.wav", resampled(own, SAMPLE_RATE_HZ)) for s, own in sound.items()}


async def _clock_offset_ms(page: Page) -> float:
    """The page's wall clock minus ours, by the fastest of a few questions."""
    tries = []
    for _ in range(15):
        asked = time.time()
        there = await page.evaluate("() => performance.timeOrigin + performance.now()")
        answered = time.time()
        tries.append((answered - asked, float(there) - (asked + answered) * 500))
    return min(tries)[1]


@asynccontextmanager
async def _floor() -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.floor"), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.stdin.close()
        await process.wait()


# Metrics


def speech_ways(seen: Seen) -> list[Way]:
    """Every onset that was shown."""
    return [way for onset in seen.onsets if (way := _way(seen, onset, "speech"))]


def overlap_ways(seen: Seen) -> list[Way]:
    """Every start over the other's speech that was announced as an overlap."""
    return [way for onset in seen.onsets if onset.over and (way := _way(seen, onset, "overlap"))]


def cue_ways(seen: Seen) -> list[Way]:
    """Every cue that answered an announced overlap, from that overlap's first sound to the partner's screen."""
    noticed = {
        own[1]["id"]: (onset, *own) for onset in seen.onsets if onset.over and (own := _noticed(seen, onset, "overlap"))
    }
    out = []
    for cue in (t for t in seen.trace if t["what"] == "cue" and t["overlap"] in noticed):
        painted = _first(seen.cues, lambda c: c["cue"] == cue["id"])  # noqa: B023 (used at once)
        sent = _first(seen.trace, lambda t: t["what"] == "sent" and t["to"] == "b" and cue["id"] in t["ids"])  # noqa: B023
        if painted and sent:
            onset, loud, decided = noticed[cue["overlap"]]
            came = (onset.at, loud["received"], loud["at"], decided["at"])
            went = (cue["at"], sent["at"], painted["received"], painted["painted"])
            out.append(Way(dict(zip(CUE_STAGES, (*came, *went), strict=True)), _floor_painted(seen, onset)))
    return out


def _way(seen: Seen, onset: Onset, kind: str) -> Way | None:
    noticed = _noticed(seen, onset, kind)
    if noticed is None:
        return None
    loud, decided = noticed
    sent = _first(seen.trace, lambda t: t["what"] == "sent" and t["to"] == "observer" and decided["id"] in t["ids"])
    shown = _first(seen.shown, lambda s: s["id"] == decided["id"] and s["painted"] is not None)
    if sent is None or shown is None:
        return None
    times = (onset.at, loud["received"], loud["at"], decided["at"], sent["at"], shown["received"], shown["painted"])
    return Way(dict(zip(STAGES, times, strict=True)), _floor_painted(seen, onset))


def _noticed(seen: Seen, onset: Onset, kind: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The first loud packet of this sound, and what was decided of it."""
    own = [t for t in seen.trace if _soon(t["at"], onset.at)]
    loud = _first(own, lambda t: t["what"] == "placed" and t["by"] == onset.by and t["peak"] >= LOUD)
    whose = (onset.by, None) if kind == "overlap" else (onset.by,)
    decided = _first(own, lambda t: t["what"] == "decided" and t["kind"] == kind and t["by"] in whose)
    return None if loud is None or decided is None else (loud, decided)


def _floor_painted(seen: Seen, onset: Onset) -> float | None:
    answer = _first(seen.answers, lambda a: a["name"] == onset.by and _soon(a["received"], onset.at))
    return answer["painted"] if answer else None


def _first(entries: Sequence[dict[str, Any]], holds: Any) -> dict[str, Any] | None:
    return next((entry for entry in entries if holds(entry)), None)


def _soon(at: float, onset: float) -> bool:
    return 0.0 <= at - onset <= NEAR_S


def _p95(name: str, ways: Sequence[Way], of: Any) -> Figure:
    return measured(name, ways, lambda drawn: quantile([of(way) for way in drawn], 0.95), len(ways))


def _whole(name: str, ways: Sequence[Way], of: Any) -> list[Figure]:
    values = [of(way) for way in ways]
    return [Figure(f"{name}_p{q}_ms", quantile(values, q / 100), len(values)) for q in (50, 99)]


def _stages(name: str, ways: Sequence[Way]) -> list[Figure]:
    out = _whole(f"{name}_shown", ways, lambda way: way.whole_ms)
    for before, after in pairwise(ways[0].stages):
        steps = [way.step_ms(before, after) for way in ways]
        for q in (50, 95, 99):
            out.append(Figure(f"{name}_{before}_to_{after}_p{q}_ms", quantile(steps, q / 100), len(steps)))
    return out


def _curves(speech: Sequence[Way], overlaps: Sequence[Way], cues: Sequence[Way]) -> Panel:
    def draw(axes: Axes) -> None:
        for label, values in (
            ("floor", [w.floor_ms for w in speech if w.floor is not None]),
            ("speech shown", [w.whole_ms for w in speech]),
            ("overlap shown", [w.whole_ms for w in overlaps]),
            ("cue: decided to painted", [w.step_ms("decided", "painted") for w in cues]),
        ):
            cumulative(axes, values, label=label)
        axes.set(xlabel="ms", ylabel="share", ylim=(0, 1), title="From sound to screen")
        axes.legend()

    return draw


def _bars(speech: Sequence[Way]) -> Panel:
    def draw(axes: Axes) -> None:
        at = 0.0
        for before, after in pairwise(STAGES):
            median = float(np.median([way.step_ms(before, after) for way in speech]))
            axes.barh(after, median, left=at)
            at += median
        axes.invert_yaxis()
        axes.set(xlabel="ms since the voice began (medians)", title="Speech shown, stage by stage")

    return draw
