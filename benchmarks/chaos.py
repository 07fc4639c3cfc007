"""Workers, gateway, Redis and PostgreSQL are killed at random while ten couples talk; then the timeline is compared.

What the couples' streams hold is written down as it goes by. The undisturbed timeline of exactly that
(``benchmarks.undisturbed``) is what must be in the store afterwards: every line once, and no other. Redis
runs with its append-only file, so it comes back with its memory; a test has the one that loses it.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.gateway_process import PLAIN
from benchmarks.harness import BenchResult, Figure, quantile
from benchmarks.servers import Server, postgres_server, postgres_url, redis_server
from benchmarks.undisturbed import undisturbed
from gateway.practice.exchange import Close, in_stream, lines_stream, session_of, unpack, unpack_came
from streaming.backbone import open_backbone
from streaming.errors import StoreUnavailable, UnusableInput
from streaming.flow import Inbox
from streaming.timeline import Timeline, line_key, open_engine
from streaming.types import SAMPLE_RATE_HZ, Annotation, AudioChunk, Happening, Line
from streaming.wire import dumps

START_S, END_S = 60.0, 40.0
LEAD_S = 3.0  # the couples begin when their gateway has started
ALONE_S = 4.0  # a takeover is timed where nothing else was killed so near


@dataclass(frozen=True, slots=True)
class Plan:
    """``between_s``: least and most time from one kill to the next."""

    kills: Mapping[str, int]
    between_s: tuple[float, float]
    couples: int = 10
    workers: int = 2
    seed: int = 1

    def order(self) -> list[str]:
        order = [kind for kind, n in self.kills.items() for _ in range(n)]
        random.Random(self.seed).shuffle(order)
        return order


QUICK = Plan({"worker": 3, "redis": 1, "postgresql": 1, "gateway": 1}, (3.0, 4.0))
FULL = Plan({"worker": 20, "redis": 10, "postgresql": 10, "gateway": 10}, (3.0, 8.0))


@dataclass
class Program:
    """A process of ours that is killed and started again; its log says which practices it holds."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    held: set[str] = field(default_factory=set)
    taken: list[tuple[float, str]] = field(default_factory=list)  # unix seconds and session
    dropped: int = 0  # messages that it came too late for
    _process: asyncio.subprocess.Process | None = None
    _reading: asyncio.Task[None] | None = None

    async def start(self, *more: str) -> None:
        """Returns once it says that it is ready."""
        self.held.clear()
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, *self.arguments, *more),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **self.environment, "OMP_NUM_THREADS": "1"},
        )
        self._reading = asyncio.create_task(self._read(self._process))
        assert self._process.stdout is not None
        async with asyncio.timeout(START_S):
            if not await self._process.stdout.readline():
                await self._reading
                raise UnusableInput(f"{self.arguments[-1]} did not start: {self.log.read_text()[-2000:]}")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def stop(self, how: signal.Signals) -> int | None:
        if self._process is None:
            return None
        with suppress(ProcessLookupError):
            self._process.send_signal(how)
        async with asyncio.timeout(END_S):
            status = await self._process.wait()
        self._process = None
        if self._reading:
            await self._reading
        return status

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        with self.log.open("ab") as log:
            async for row in process.stderr:
                log.write(row)
                with suppress(ValueError, KeyError, TypeError):
                    self._note(json.loads(row))

    def _note(self, said: Mapping[str, Any]) -> None:
        at_s = datetime.fromisoformat(said["timestamp"]).timestamp()
        if said["event"] == "a practice was taken on":
            self.held.add(said["session"])
            self.taken.append((at_s, said["session"]))
        elif said["event"] == "messages were dropped before anybody worked on them":
            self.dropped += said["messages"]
        elif said["event"] in ("a practice was given away", "another worker has this practice now"):
            self.held.discard(said["session"])


@dataclass
class Killed:
    kind: str
    at_s: float
    held: frozenset[str] = frozenset()


class Tap:
    """Writes down what goes over the couples' streams, unknown to gateway and workers."""

    def __init__(self, inbox: Inbox, sessions: Sequence[str]) -> None:
        self.told: dict[str, list[bytes]] = {session: [] for session in sessions}
        self.closed: set[str] = set()
        self.inbox = inbox
        self.news = asyncio.Condition()
        for session in sessions:
            inbox.follow(in_stream(session))
            inbox.follow(lines_stream(session))

    async def run(self) -> None:
        while True:
            for message in await self.inbox.next():
                session = session_of(message.stream)
                if message.stream == in_stream(session):
                    self.told[session].append(message.payload)
                elif unpack_came(message.payload).closed:
                    self.closed.add(session)
            async with self.news:
                self.news.notify_all()

    async def all_closed(self) -> None:
        async with asyncio.timeout(END_S), self.news:
            await self.news.wait_for(lambda: self.closed >= self.told.keys())


class Chaos:
    """The servers, the programs, and who kills them."""

    def __init__(self, plan: Plan, folder: Path, redis: Server, postgres: Server) -> None:
        self.plan = plan
        self.shown = folder / "shown"
        self.kills: list[Killed] = []
        self._random = random.Random(plan.seed)
        self._redis, self._postgres = redis, postgres
        self.bus_url = f"redis://127.0.0.1:{redis.port}/0"
        self.store_url = postgres_url(postgres, "postgres")
        environment = {"BREATHMARK_BUS": self.bus_url, "BREATHMARK_STORE": self.store_url}
        self.workers = [
            Program([*PLAIN, "worker"], environment, folder / f"worker-{n}.log") for n in range(plan.workers)
        ]
        couples = ["--couples", str(plan.couples), "--shown", str(self.shown)]
        self.gateway = Program(["-m", "benchmarks.stand_in", *couples], environment, folder / "gateway.log")
        self.sessions = [f"couple-{n}" for n in range(plan.couples)]

    async def start(self) -> None:
        await asyncio.gather(*(worker.start() for worker in self.workers))
        self.gateway.arguments = [*self.gateway.arguments, "--began-unix", str(time.time() + LEAD_S)]
        await self.gateway.start()

    async def kill_all_the_time(self) -> None:
        for kind in self.plan.order():
            await asyncio.sleep(self._random.uniform(*self.plan.between_s))
            await {"worker": self._worker, "gateway": self._gateway}.get(kind, self._server)(kind)
        await asyncio.sleep(self.plan.between_s[1])

    async def _worker(self, kind: str) -> None:
        worker = max(self.workers, key=lambda each: (len(each.held), self._random.random()))
        self.kills.append(Killed(kind, time.time(), frozenset(worker.held)))
        await worker.stop(signal.SIGKILL)
        await worker.start()

    async def _gateway(self, kind: str) -> None:
        self.kills.append(Killed(kind, time.time()))
        await self.gateway.stop(signal.SIGKILL)
        await self.gateway.start("--goes-on")

    async def _server(self, kind: str) -> None:
        """PostgreSQL by its immediate shutdown, which leaves it to recover; its master alone must not be killed."""
        server, how = {"redis": (self._redis, signal.SIGKILL), "postgresql": (self._postgres, signal.SIGQUIT)}[kind]
        self.kills.append(Killed(kind, time.time()))
        server.stop(how)
        await asyncio.sleep(self._random.uniform(0.2, 2.0))
        server.start()

    async def stop(self) -> None:
        for program in [self.gateway, *self.workers]:
            await program.stop(signal.SIGKILL)

    def takeovers_s(self) -> list[float]:
        """From each kill of a worker until another had restored and read on, a practice each."""
        taken = sorted(event for worker in self.workers for event in worker.taken)
        out = []
        for kill in self.kills:
            near = [other for other in self.kills if other is not kill and abs(other.at_s - kill.at_s) < ALONE_S]
            if kill.kind == "worker" and not near:
                firsts = (
                    next((at for at, s in taken if s == session and at > kill.at_s), None) for session in kill.held
                )
                out += [at - kill.at_s if at is not None else END_S for at in firsts]
        return out


@dataclass(frozen=True, slots=True)
class Compared:
    """How the timelines differ from the undisturbed ones, all couples together."""

    lines: int
    lost: int  # not there though the undisturbed one has them, or though somebody was shown them
    doubled: int  # there twice, or final twice
    changed: int  # there, but with another content
    strange: int  # there, but in no undisturbed one
    missing_s: float  # audio of partners that reached no worker

    @classmethod
    def of(cls, stored: Sequence[Line], wanted: Sequence[Line], shown: Sequence[str], missing_s: float) -> Compared:
        """``shown``: keys of lines. Those that gateways wrote (what people did) are only looked for, not compared."""
        ours = [line for line in stored if not (isinstance(line, Happening) and line.detector.startswith("gateway"))]
        there, want = {line_key(line): line for line in ours}, {line_key(line): line for line in wanted}
        finals = Counter(line.id for line in ours if not isinstance(line, Annotation) or line.status == "final")
        lost = (want.keys() | set(shown)) - {line_key(line) for line in stored}
        changed = [k for k in want.keys() & there.keys() if dumps(want[k]) != dumps(there[k])]
        doubled = len(ours) - len(there) + sum(n - 1 for n in finals.values())
        return cls(len(ours), len(lost), doubled, len(changed), len(there.keys() - want.keys()), missing_s)


async def measure(plan: Plan, note: Callable[[str], None]) -> tuple[Chaos, list[Compared], int]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="breathmark-chaos-")))
        redis = stack.enter_context(redis_server(extra=["--appendonly", "yes"]))
        chaos = Chaos(plan, folder, redis, stack.enter_context(postgres_server()))
        stack.push_async_callback(chaos.stop)
        engine = await open_engine(chaos.store_url)
        stack.push_async_callback(engine.dispose)
        backbone = await stack.enter_async_context(open_backbone(chaos.bus_url))
        tap = Tap(Inbox(backbone.bus), chaos.sessions)
        tapping = asyncio.create_task(tap.run())
        stack.callback(tapping.cancel)
        await chaos.start()
        await chaos.kill_all_the_time()
        status = await chaos.gateway.stop(signal.SIGTERM)
        try:
            await tap.all_closed()
        except TimeoutError:
            note(f"{len(tap.told) - len(tap.closed)} practices were not worked on to their end (gateway: {status})")
        for worker in chaos.workers:
            await worker.stop(signal.SIGTERM)
        async with Timeline(engine) as timeline:
            stored = {session: await _stored(timeline, session) for session in chaos.sessions}
        shown: dict[str, list[str]] = {session: [] for session in chaos.sessions}
        for row in chaos.shown.read_text(encoding="utf-8").splitlines():
            session, line = row.split()
            shown[session].append(line)
        wanted = await _all_undisturbed(tap.told)
        for problem in _problems(chaos):
            note(problem)
        compared = [Compared.of(stored[s], wanted[s][0], shown[s], wanted[s][1]) for s in chaos.sessions]
        return chaos, compared, tap.inbox.missed


async def _stored(timeline: Timeline, session: str) -> list[Line]:
    for _ in range(50):
        with suppress(StoreUnavailable):
            return [entry.line for entry in await timeline.read(session)]
        await asyncio.sleep(0.2)
    raise StoreUnavailable("the database did not come back")


async def _all_undisturbed(told: Mapping[str, Sequence[bytes]]) -> dict[str, tuple[list[Line], float]]:
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        jobs = {s: loop.run_in_executor(pool, _undisturbed, s, list(own)) for s, own in told.items()}
        return {session: await job for session, job in jobs.items()}


def _undisturbed(session: str, payloads: list[bytes]) -> tuple[list[Line], float]:
    messages = [unpack(session, payload) for payload in payloads]
    if messages and not isinstance(messages[-1], Close):  # the worker may forget the stream before it is read here
        messages.append(Close(0.0))
    ends = dict.fromkeys("ab", 0)
    missing = 0
    for chunk in (message for message in messages if isinstance(message, AudioChunk)):
        missing += max(0, chunk.start - ends[chunk.speaker])
        ends[chunk.speaker] = max(chunk.end, ends[chunk.speaker])
    return undisturbed(session, messages), missing / SAMPLE_RATE_HZ


def _problems(chaos: Chaos) -> list[str]:
    logs = [program.log for program in [chaos.gateway, *chaos.workers]]
    return [f"{log.name}: a traceback" for log in logs if "Traceback" in log.read_text(errors="replace")]


def run(quick: bool) -> BenchResult:
    plan = QUICK if quick else FULL
    notes: list[str] = []
    chaos, compared, missed = asyncio.run(measure(plan, notes.append))
    if missed:
        notes.append(f"{missed} messages were not written down: the comparison does not hold")
    takeovers_s = chaos.takeovers_s()
    total = sum(each.lines for each in compared)
    kinds = Counter(kill.kind for kill in chaos.kills)
    figures = [
        Figure("kills", len(chaos.kills), len(chaos.kills)),
        *(Figure(f"kills_{kind}", n, n) for kind, n in sorted(kinds.items())),
        Figure("annotations_lost", sum(each.lost for each in compared), total),
        Figure("annotations_doubled", sum(each.doubled for each in compared), total),
        Figure("annotations_changed", sum(each.changed for each in compared), total),
        Figure("annotations_strange", sum(each.strange for each in compared), total),
        Figure("takeover_p50_s", quantile(takeovers_s, 0.5), len(takeovers_s)),
        Figure("takeover_p95_s", quantile(takeovers_s, 0.95), len(takeovers_s)),
        Figure("dropped_messages", sum(worker.dropped for worker in chaos.workers), len(compared)),
        Figure("missing_audio_s", sum(each.missing_s for each in compared), len(compared)),
    ]
    if dropped := sum(worker.dropped for worker in chaos.workers):
        notes.append(
            f"{dropped} messages were dropped before a worker came to them: this machine was too slow for "
            f"{plan.couples} couples, and what they held counts as lost or changed"
        )
    notes.append("missing_audio_s: while the gateway was dead, or Redis away for longer than the second that waits")
    settings = {"couples": plan.couples, "workers": plan.workers, "seed": plan.seed, "order": plan.order()}
    return BenchResult("chaos", settings, figures, notes=notes)
