"""The other gateways: which practices are at home here, whose guests sit elsewhere, who is a guest here.

Alone, without a bus, every practice is at home here, and nothing of this costs anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import TypeAlias

import structlog

from gateway.media.partner import MediaSettings
from gateway.metrics import Metrics
from gateway.neighbours.guest import Guest, Proof
from gateway.neighbours.guest_seat import Means
from gateway.neighbours.host import Host
from gateway.neighbours.letters import Changed, to_home
from gateway.neighbours.post import Post
from gateway.practice.holdings import Holdings
from gateway.practice.registry import Link, Registry
from gateway.practice.session import Session
from gateway.settings import GatewaySettings
from gateway.tasks import Tasks
from streaming.backbone import Backbone
from streaming.errors import BusUnavailable, Refused
from streaming.leases import LeaseSettings
from streaming.types import Speaker

Lost: TypeAlias = Callable[[str], Coroutine[None, None, None]]
CLAIM = 8  # practices at a time, so that those of a gateway that died are shared out

log = structlog.get_logger("gateway.neighbours.neighbours")


class Neighbours:
    """Use ``run`` once; then each practice that is opened is ``host``ed, and ``unhost``ed when it goes."""

    homes: Holdings  # these three only where there are others
    _post: Post
    _means: Means

    def __init__(
        self, backbone: Backbone | None, registry: Registry, settings: GatewaySettings, metrics: Metrics
    ) -> None:
        self.alone = backbone is None
        if backbone is not None:
            self.homes = Holdings(backbone.homes)
            self._post = Post(backbone.bus)
            self._means = Means(registry, self._post, settings.sockets, metrics)
        self._media = MediaSettings(peer=settings.peer)
        self._metrics = metrics
        self._hosts: dict[str, Host] = {}
        self._guests: set[Guest] = set()
        self._running: list[asyncio.Task[None]] = []

    def run(self, tasks: Tasks, lost: Lost, claim: Callable[[], Awaitable[None]]) -> None:
        """``lost`` drops a practice that another gateway has now, ``claim`` takes those that have no home."""
        if not self.alone:
            self._metrics.watch_post(lambda: self._post.dropped)
            self._running = [
                *self._post.run(tasks),
                tasks.spawn(self._renew(tasks, lost), "homes"),
                tasks.spawn(self._claim(claim), "homes to claim"),
            ]

    def check(self) -> None:
        """Raises Refused where this gateway has lost touch with the others for good."""
        if any(task.done() for task in self._running):
            raise Refused("unexpected", "The way to the other machines has ended: Breathmark has to be started again.")

    def fence_of(self, session: str) -> int | None:
        """Raises LeaseLost where the practice is not at home here."""
        return None if self.alone else self.homes.fence(session)

    async def acquire(self, session: str) -> bool:
        """Makes this gateway the home of the practice; False where it has another. Raises BusUnavailable."""
        return self.alone or await self.homes.acquire(session)

    async def release(self, session: str, *, over: bool) -> None:
        """Another may be its home; where it is ``over``, none needs to be. Raises BusUnavailable."""
        if not self.alone:
            await self.homes.release(session, over=over)

    async def hold(self, session: str) -> None:
        """From now on no earlier home writes to the practice. Raises LeaseLost, StoreUnavailable."""
        if not self.alone:
            await self._means.registry.hold(session, self.homes.fence(session))

    async def host(self, session: Session) -> None:
        """Lets people at other gateways in. Raises BusUnavailable."""
        if not self.alone:
            host = Host(session, lambda: self.homes.fence(session.id), self._means)
            await host.open()
            self._hosts[session.id] = host

    async def unhost(self, session: str, *, gone: bool) -> None:
        """``gone``: the practice is to go on at another gateway."""
        host = self._hosts.pop(session, None)
        if host is not None:
            await host.close(gone=gone)

    def guest(self, link: Link, proof: Proof, *, full: bool) -> Guest:
        """A place for somebody whose practice is at home elsewhere; ``full``: or would be here, had we room."""
        guest = Guest(link.session, link.role, proof, self._post, self._media, self._metrics, full=full)
        self._guests.add(guest)
        guest.on_left = self._guests.discard
        return guest

    def changed(self, session: str, forget_by: Speaker | None = None) -> None:
        """What the store keeps of a practice was changed here: its home, wherever that is, should know."""
        if not self.alone:
            self._post.letters.send(to_home(session), Changed(forget_by=forget_by).packed())

    def poll(self) -> None:
        """Every 20 ms: audio that did not come in time is missing."""
        for guest in self._guests:
            if guest.microphone is not None:
                guest.microphone.poll()

    def count(self) -> None:
        """What the network did goes into the metrics."""
        for guest in self._guests:
            if guest.microphone is not None:
                guest.microphone.count()

    async def flush(self) -> None:
        if not self.alone:
            await self._post.flush()

    async def _renew(self, tasks: Tasks, lost: Lost) -> None:
        while True:
            await asyncio.sleep(LeaseSettings().renew_s)
            for host in self._hosts.values():
                host.watch()
            try:
                lost_now = (await self.homes.renew()).lost
            except BusUnavailable:
                continue  # nobody can take anything either; what the store is told is fenced in any case
            for lease in lost_now:
                log.warning("another gateway is the home of a practice now", session=lease.name)
                self._metrics.homes_lost.inc()
                # Its store may be slow: the other homes must be renewed meanwhile.
                tasks.spawn(lost(lease.name), f"{lease.name} is lost")

    async def _claim(self, claim: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(LeaseSettings().renew_s)
            try:
                await claim()
            except BusUnavailable:
                continue
            except Exception as error:  # the next try is half a second away
                log.error("homes could not be claimed", error=repr(error), exc_info=error)
