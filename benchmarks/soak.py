"""``breathmark bench soak``: whether memory, delay or a queue grows while a practice lasts.

An hour of session goes through clocks, placement, detectors and coach faster than real time, over a lossy path and
clocks that part. The full form also holds a practice of 15 real minutes with a gateway process and two peers.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import json
import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.gateway_process import RunningGateway, gateway
from benchmarks.harness import BenchResult, Figure, Panel, quantile
from benchmarks.impaired import Impairment
from benchmarks.packets import encoded
from benchmarks.played import seated
from benchmarks.processor import memory_mib
from coach.policy import Coach
from coach.settings import CoachSettings
from detectors.pipeline import Pipeline
from gateway.demo import DIALOGUE
from gateway.media.opus import OpusDecoder
from gateway.media.placement import Placement
from gateway.simulated import speak_together
from streaming.audio import read_partners
from streaming.types import SAMPLE_RATE_HZ, AudioChunk, Speaker

PATH = Impairment(loss=0.02, jitter_ms=10.0, burst_ms=300.0, burst_every_s=60.0)
DRIFT_PPM = {Speaker.A: 150.0, Speaker.B: -150.0}
MINUTES, MINUTES_QUICK = 60, 20
WARM_MIN = 5.0  # what is learnt and cached in the first minutes is no growth
LOOK_MIN = 2.5
REAL_MIN = 15.0
REAL_LOOK_S = 10.0
_PACKET = 320
_ORIGIN = 1_000_000
_HISTORY_BYTES = 64 * 1024 * 1024


@dataclass(slots=True)
class Course:
    """How things stood, look by look: minutes of session, and figures at them."""

    minutes: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    delay_p95_ms: list[float] = field(default_factory=list)
    queued: list[float] = field(default_factory=list)
    counted: dict[str, float] = field(default_factory=dict)  # by the gateway, up to the end

    def look(self, minute: float, memory_mb: float, delays_ms: Sequence[float], queued: float) -> None:
        self.minutes.append(minute)
        self.memory_mb.append(memory_mb)
        self.delay_p95_ms.append(quantile(delays_ms, 0.95))
        self.queued.append(queued)

    def growth(self, values: Sequence[float]) -> float:
        """Median of the last quarter minus that of the first quarter after warming up."""
        warm = [value for minute, value in zip(self.minutes, values, strict=True) if minute >= WARM_MIN]
        quarter = max(1, len(warm) // 4)
        return float(np.nanmedian(warm[-quarter:]) - np.nanmedian(warm[:quarter]))

    def slope_per_hour(self, values: Sequence[float]) -> float:
        """Of a straight line through all looks after warming up."""
        warm = np.array([(m, v) for m, v in zip(self.minutes, values, strict=True) if m >= WARM_MIN])
        return float(np.polyfit(warm[:, 0], warm[:, 1], 1)[0] * 60) if len(warm) > 1 else float("nan")


def run(quick: bool) -> BenchResult:
    courses = {"compressed": compressed(MINUTES_QUICK if quick else MINUTES)}
    if not quick:
        courses["real"] = asyncio.run(real(REAL_MIN))
    figures = [figure for name, course in courses.items() for figure in _figures(name, course)]
    settings = {"quick": quick, "loss": PATH.loss, "jitter_ms": PATH.jitter_ms, "drift_ppm": max(DRIFT_PPM.values())}
    notes = [
        f"growth: median of the last quarter against the first after {WARM_MIN:g} minutes. compressed: this process;",
        "queued: seconds of audio between placement and detectors, and packets that wait. real: the gateway's process;",
        "its delay is from a line's decision in session time to an observer's socket. late: came when its time was up;",
        "disbelieved: its time was over 0.5 s off what came before, or it came too fast. Both are missing, not heard.",
    ]
    return BenchResult("soak", settings, figures, tuple(_panel(name, c) for name, c in courses.items()), notes)


def _figures(name: str, course: Course) -> list[Figure]:
    n = len(course.minutes)
    return [
        Figure(f"{name}_minutes", course.minutes[-1], n),
        Figure(f"{name}_memory_growth_mb", course.growth(course.memory_mb), n),
        Figure(f"{name}_memory_slope_mb_per_hour", course.slope_per_hour(course.memory_mb), n),
        Figure(f"{name}_delay_p95_growth_ms", course.growth(course.delay_p95_ms), n),
        Figure(f"{name}_delay_p95_ms", float(np.nanmedian(course.delay_p95_ms)), n),
        Figure(f"{name}_queued_max", max(course.queued), n),
        Figure(f"{name}_queued_growth", course.growth(course.queued), n),
        *(Figure(f"{name}_{what}", value, n) for what, value in course.counted.items()),
    ]


# Faster than real time


class _Stream:
    """One partner's packets without an end, over the path and through placement."""

    def __init__(self, speaker: Speaker, packets: Sequence[bytes]) -> None:
        self.placement = Placement("soak", speaker, OpusDecoder())
        self.placement.begin(0, _ORIGIN)
        self._packets = packets
        self._pace = _PACKET * (1 + DRIFT_PPM[speaker] / 1e6)
        self._fate = PATH.fate(ord(speaker.value))
        self._sent = 0
        self._under_way: list[tuple[int, int]] = []  # arrival, number

    def until(self, now: int) -> list[tuple[int, AudioChunk]]:
        """What comes out up to machine time ``now``, a poll included, and when."""
        while (sent_at := _ORIGIN + round((self._sent + 1) * self._pace)) <= now:
            late_s = self._fate(self._sent * 0.02)
            if late_s is not None:
                heapq.heappush(self._under_way, (sent_at + round(late_s * SAMPLE_RATE_HZ), self._sent))
            self._sent += 1
        out: list[tuple[int, AudioChunk]] = []
        while self._under_way and self._under_way[0][0] <= now:
            at, n = heapq.heappop(self._under_way)
            payload = self._packets[n % len(self._packets)]
            timestamp = n * _PACKET * 3 % (1 << 32)
            out += [(at, chunk) for chunk in self.placement.push(7, n % (1 << 16), timestamp, payload, at)]
        return out + [(now, chunk) for chunk in self.placement.poll(now)]


def compressed(minutes: float) -> Course:
    streams = {s: _Stream(s, encoded(own)) for s, own in read_partners([DIALOGUE]).items()}
    pipeline, coach = Pipeline("soak"), Coach("soak", CoachSettings())
    course = Course()
    delays: list[float] = []
    queued = 0.0
    next_look = LOOK_MIN
    for tick in range(round(minutes * 60 / 0.02)):
        now = _ORIGIN + (tick + 1) * _PACKET + _PACKET // 2
        for stream in streams.values():
            for at, chunk in stream.until(now):
                if not (chunk.missing or chunk.concealed):
                    delays.append((at - _ORIGIN - chunk.end) / SAMPLE_RATE_HZ * 1000)
                for annotation in pipeline.push(chunk):
                    coach.observe(annotation)
        coach.advance(pipeline.now)
        coach.take_outcomes()
        waiting_s = max(pipeline.given(s) for s in Speaker) - pipeline.now
        queued = max(queued, waiting_s / SAMPLE_RATE_HZ)
        minute = (tick + 1) * 0.02 / 60
        if minute >= next_look:
            course.look(minute, memory_mib(os.getpid()), delays, queued)
            delays, queued, next_look = [], 0.0, next_look + LOOK_MIN
    return course


# In real time


async def real(minutes: float) -> Course:
    course = Course()
    sound = read_partners([DIALOGUE])
    length_s = max(len(own) for own in sound.values()) / SAMPLE_RATE_HZ
    async with gateway() as running, AsyncExitStack() as stack:
        links = await running.new_session()
        partners = await stack.enter_async_context(seated(running, links, sound, PATH))
        await speak_together(partners)
        watcher = await stack.enter_async_context(_watching(running, links["observer"]))
        begun, again = time.monotonic(), 1
        while (elapsed_s := time.monotonic() - begun) < minutes * 60:
            await asyncio.sleep(REAL_LOOK_S)
            if elapsed_s > again * length_s:
                again += 1
                for partner in partners:
                    partner.play_at(asyncio.get_running_loop().time() + 0.5)
            behind = await partners[0].session_time_at() + asyncio.get_running_loop().time() - watcher.newest_s
            course.look(elapsed_s / 60, memory_mib(running.pid), watcher.take(), behind)
            course.counted = _counted(await running.metrics())
    return course


class _Watcher:
    """How long after its decision each line came."""

    def __init__(self, socket: ClientConnection) -> None:
        self.newest_s = 0.0
        self._socket = socket
        self._delays_ms: list[float] = []
        self._ahead_s = 0.0  # session time minus ours

    def take(self) -> list[float]:
        taken, self._delays_ms = self._delays_ms, []
        return taken

    async def listen(self) -> None:
        async for text in self._socket:
            now_s = time.monotonic()
            message: dict[str, Any] = json.loads(text)
            if message["type"] == "pong":
                self._ahead_s = message["now_s"] - (now_s + message["t"]) / 2
            if message["type"] != "lines":
                continue
            for line in message["lines"]:
                self.newest_s = max(self.newest_s, line.get("decided_s", 0.0))
                if self._ahead_s:
                    self._delays_ms.append((now_s + self._ahead_s - line["decided_s"]) * 1000)

    async def ask(self) -> None:
        while True:
            await self._socket.send(json.dumps({"type": "ping", "t": time.monotonic()}))
            await asyncio.sleep(REAL_LOOK_S)


@asynccontextmanager
async def _watching(running: RunningGateway, token: str) -> AsyncIterator[_Watcher]:
    async with connect(running.socket_url, proxy=None, max_size=_HISTORY_BYTES) as socket:
        await socket.send(json.dumps({"type": "hello", "v": 1, "token": token, "device": "a-watcher-of-the-soak"}))
        watcher = _Watcher(socket)
        tasks = [asyncio.create_task(watcher.listen()), asyncio.create_task(watcher.ask())]
        try:
            yield watcher
        finally:
            for task in tasks:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks)


def _counted(metrics: Mapping[str, float]) -> dict[str, float]:
    heard, missing = (metrics[f"breathmark_{which}_audio_seconds_total"] for which in ("heard", "missing"))
    media = ("connections", "packets", "lost", "late", "disbelieved", "clock_restarts", "clock_steps", "relay_dropped")
    wanted = {what: f'breathmark_media_events_total{{what="{what}"}}' for what in media} | {
        "detector_failures": "breathmark_detector_failures_total",
        "dropped_samples": "breathmark_worker_dropped_samples",
        "late_samples": "breathmark_worker_late_samples",
    }
    return {"heard_share": heard / (heard + missing)} | {what: metrics.get(name, 0.0) for what, name in wanted.items()}


def _panel(name: str, course: Course) -> Panel:
    def draw(axes: Axes) -> None:
        axes.plot(course.minutes, np.array(course.memory_mb) - course.memory_mb[0], label="memory, MB above the first")
        axes.plot(course.minutes, course.delay_p95_ms, label="delay p95, ms")
        axes.set(xlabel="minutes of session", title=f"Soak, {name}")
        axes.legend()

    return draw
