"""How soon a page is heard again: its network was away, its address has changed, or it was loaded anew.

A real Chromium page in a network of its own, behind a router that can lose what goes through it without a word, as
Wi-Fi out of reach does; the gateway behind it writes down when it placed which audio. Needs the right to make
namespaces (``namespaces.no_right``).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from playwright.async_api import Page, async_playwright

from benchmarks.chromium import CHROMIUM, MICROPHONE, agree, chromium, listening
from benchmarks.gateway_process import RunningGateway, gateway
from benchmarks.harness import Figure, quantile
from benchmarks.namespaces import Network
from benchmarks.traced_gateway import TRACE
from gateway.simulated import SimulatedPartner
from streaming.types import SAMPLE_RATE_HZ

GATEWAY, ROUTER = "10.79.0.2", "10.79.0.1"
TRIALS = 10
AWAY_S = {"away5": 5.0, "away12": 12.0}  # the page gives its socket up after 6 s without a word
FADING_S = 2.0  # of a Wi-Fi that is out of reach, before the device gives it up for the mobile network
REST_S = 2.0  # practising between two troubles, so that clocks settle again
PATIENCE_S = 30.0  # for one return
_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Trouble:
    """Wall-clock seconds: when it began, and when the way was free again."""

    kind: str
    began: float
    free: float


@dataclass(frozen=True, slots=True)
class Return:
    """``back_s``: from the free way to the first audio placed again. ``told_s``: from the trouble's beginning until the
    partner's page knew, None where it was over before; ``untold_s``: from the free way until it knew of the end.
    ``moved_ms``: how much later audio is placed in session time than before."""

    kind: str
    back_s: float
    gap_s: float
    told_s: float | None
    untold_s: float | None
    moved_ms: float


class Home:
    """The page's network: a Wi-Fi (10.79.1.2) and a mobile access (10.79.2.2) to one router, the gateway behind it."""

    def __init__(self, net: Network) -> None:
        self._net = net
        net.add("gw", "router", "home")
        net.cable("router", f"{ROUTER}/24", "gw", f"{GATEWAY}/24")
        net.ip("gw", "route", "add", "default", "via", ROUTER)
        net.run("router", "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        self._devices = [net.cable("router", f"10.79.{n}.1/24", "home", f"10.79.{n}.2/24")[1] for n in (1, 2)]
        self._access = 0
        net.ip("home", "link", "set", self._devices[1], "down")
        self._route()

    def lose(self) -> None:
        """From now on nothing gets through, and nobody is told."""
        for way in ("from", "to"):
            self._net.ip("router", "rule", "add", way, self._address, "blackhole")

    def find(self) -> None:
        for way in ("from", "to"):
            self._net.ip("router", "rule", "del", way, self._address, "blackhole")

    def move(self) -> float:
        """To the other access, with another address; the old one is gone. When the new one could be used."""
        self._net.ip("home", "link", "set", self._devices[self._access], "down")
        self.find()
        self._access = 1 - self._access
        self._net.ip("home", "link", "set", self._devices[self._access], "up")
        free = time.time()
        self._route()
        return free

    @property
    def _address(self) -> str:
        return f"10.79.{self._access + 1}.2"

    def _route(self) -> None:
        self._net.ip("home", "route", "add", "default", "via", f"10.79.{self._access + 1}.1")


@dataclass(slots=True)
class Told:
    """What the partner's page is told of the other's audio, each change with its wall-clock time."""

    changes: list[tuple[float, str]] = field(default_factory=list)
    over: bool = False

    @property
    def media(self) -> str:
        return self.changes[-1][1] if self.changes else "none"

    async def sit(self, url: str, token: str) -> None:
        """The partner: silent, and attentive until ``over``."""
        async with SimulatedPartner(url, token, np.zeros(0, np.float32)) as partner:
            await partner.set_up(same_room=False)
            await partner.connect_media()
            await partner.consent()
            while not self.over:
                media = partner.room["partners"]["a"]["media"]
                if media != self.media:
                    self.changes.append((time.time(), media))
                await asyncio.sleep(_POLL_S)


async def measure(trials: int, kinds: Sequence[str]) -> list[Return]:
    """Each kind of trouble so often, one after the other, in one practice."""
    with Network() as net:
        home = Home(net)
        program = ("-m", "benchmarks.traced_gateway")
        async with gateway(program, host=GATEWAY, inside=net.inside("gw")) as running, AsyncExitStack() as stack:
            links = await asyncio.to_thread(net.live, "gw", running.new_session)
            page = await _page(stack, net, running, links["a"])
            told = Told()
            sitting = asyncio.create_task(
                asyncio.to_thread(net.live, "gw", lambda: told.sit(running.socket_url, links["b"]))
            )
            await listening(page)
            troubles: list[Trouble] = []
            try:
                for kind in kinds:
                    for _ in range(trials):
                        await asyncio.sleep(REST_S)
                        troubles.append(await _trouble(kind, home, page))
                        await listening(page)
                        await _until(lambda: told.media == "connected")
                await asyncio.sleep(REST_S)
            finally:
                told.over = True
                await sitting
            return _returns(troubles, running.folder / TRACE, told)


async def _page(stack: AsyncExitStack, net: Network, running: RunningGateway, token: str) -> Page:
    playing = await stack.enter_async_context(async_playwright())
    secure = f"--unsafely-treat-insecure-origin-as-secure={running.url}"
    program = net.program(running.folder / "chromium", "home", CHROMIUM)
    profile = running.folder / "profile"
    browser = await stack.enter_async_context(chromium(playing, profile, *MICROPHONE, secure, program=program))
    page = await browser.new_page()
    await page.goto(f"{running.url}/join#{token}")
    await agree(page, "Nora", observer=True)
    return page


async def _trouble(kind: str, home: Home, page: Page) -> Trouble:
    began = time.time()
    if kind == "reload":
        await page.reload()
        return Trouble(kind, began, began)
    await asyncio.to_thread(home.lose)
    if kind == "moved":
        await asyncio.sleep(FADING_S)
        free = await asyncio.to_thread(home.move)
        return Trouble(kind, began, free)
    await asyncio.sleep(AWAY_S[kind])
    await asyncio.to_thread(home.find)
    return Trouble(kind, began, time.time())


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - another thread's partner has no event here
            await asyncio.sleep(_POLL_S)


# What came of it


def _returns(troubles: Sequence[Trouble], trace: Path, told: Told) -> list[Return]:
    placed = [
        (entry["at"], entry["end"] / SAMPLE_RATE_HZ)
        for entry in map(json.loads, trace.read_text().splitlines())
        if entry["what"] == "placed" and entry["by"] == "a"
    ]
    ends = [trouble.began for trouble in troubles[1:]] + [float("inf")]
    return [returned(trouble, end, placed, told) for trouble, end in zip(troubles, ends, strict=True)]


def returned(trouble: Trouble, end: float, placed: Sequence[tuple[float, float]], told: Told) -> Return:
    """``placed``: when each piece of audio was placed, and the session second of its end; ``end``: the next trouble."""
    own = [(at, ends_s) for at, ends_s in placed if trouble.began - 1.0 <= at < end]
    lost, back = max(((a[0], b[0]) for a, b in pairwise(own)), key=lambda gap: gap[1] - gap[0])
    before = min((at - ends_s for at, ends_s in own if at <= lost), default=float("nan"))
    after = min((at - ends_s for at, ends_s in own if at >= back + 1.0), default=float("nan"))
    during = [(at, media) for at, media in told.changes if trouble.began <= at < end]
    was_told = next((at for at, media in during if media != "connected"), None)
    untold = next((at for at, media in during if was_told is not None and at > was_told and media == "connected"), None)
    return Return(
        trouble.kind,
        max(0.0, back - trouble.free),
        back - lost,
        None if was_told is None else was_told - trouble.began,
        None if untold is None else untold - trouble.free,
        (after - before) * 1000,
    )


def figures(returns: Sequence[Return]) -> list[Figure]:
    out = []
    for kind in dict.fromkeys(own.kind for own in returns):
        of = [own for own in returns if own.kind == kind]
        back = [own.back_s for own in of]
        out += [Figure(f"back_{kind}_p{q}_s", quantile(back, q / 100), len(of)) for q in (50, 95)]
    moved = [abs(own.moved_ms) for own in returns]
    told = [own.told_s for own in returns if own.told_s is not None]
    untold = [own.untold_s for own in returns if own.untold_s is not None]
    return [
        *out,
        Figure("back_session_time_moved_max_ms", max(moved), len(moved)),
        Figure("partner_told_share", len(told) / len(returns), len(returns)),
        Figure(
            "partner_told_after_p95_s",
            quantile(told, 0.95),
            len(told),
        ),
        Figure("partner_untold_after_p95_s", quantile(untold, 0.95), len(untold)),
    ]
