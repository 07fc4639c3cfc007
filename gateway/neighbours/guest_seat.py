"""One guest at the home of the practice: somebody whose browser is at another gateway."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from gateway.media.clock import machine_samples
from gateway.metrics import Metrics
from gateway.neighbours.far_microphone import FarMicrophone
from gateway.neighbours.letters import Beat, Gone, HomeLetter, Knock, Left, Said, Shown, sound_of, to_guest
from gateway.neighbours.post import Post
from gateway.outbox import Outbox
from gateway.practice.registry import Registry
from gateway.practice.session import Session
from gateway.protocol import ServerMessage
from gateway.settings import SocketSettings
from gateway.tasks import Tasks
from streaming.errors import LeaseLost, Refused, StoreUnavailable
from streaming.types import Speaker

MOST_WAITING = 64  # things said and not yet dealt with: a page says a few a minute
LAST_WORDS_S = 1.0

log = structlog.get_logger("gateway.neighbours.guest_seat")


@dataclass(frozen=True, slots=True)
class Means:
    """What all hosts of a gateway share."""

    registry: Registry
    post: Post
    sockets: SocketSettings
    metrics: Metrics


class GuestSeat:
    """One guest: checked first, then heard in order. ``before`` is the same guest's earlier knock."""

    def __init__(
        self, knock: Knock, session: Session, fence: Callable[[], int], means: Means, before: GuestSeat | None
    ) -> None:
        self.box = Outbox(knock.role, means.sockets, means.metrics)
        self.attempt = knock.attempt
        self.alive_s = time.monotonic()
        self.over = False
        self._knock = knock
        self._session = session
        self._fence = fence
        self._means = means
        self._heard = self._queued = knock.first - 1
        self._shown = 0
        self._waiting: asyncio.Queue[Said | Left] = asyncio.Queue(MOST_WAITING)
        self._microphone: FarMicrophone | None = None
        if knock.role in ("a", "b"):
            speaker = Speaker(knock.role)
            self._microphone = FarMicrophone(session.id, speaker, knock.seat, means.post, session.practice.heard)
            self._microphone.state = knock.media
            self._microphone.on_wanted = self._beat
        self._tasks = Tasks()
        self._sending = self._tasks.spawn(self._send_all(), f"to a guest of {session.id}")
        self._tasks.spawn(self._sit(before), f"a guest of {session.id}")

    def alive(self, sent: int) -> None:
        self.alive_s = time.monotonic()
        self._beat(sent)

    def say(self, letter: Said | Left) -> None:
        """In order; where something is missing, or there is too much, the guest has to knock anew."""
        if isinstance(letter, Said):
            if letter.number <= self._queued:
                return  # it came twice
            if letter.number > self._queued + 1 or self._waiting.full():
                self._send(Gone(fence=self._fence()))
                return
            self._queued = letter.number
            if not isinstance(letter.what, str):
                self._session.ahead(self.box, letter.what)
        elif self._waiting.full():
            return  # said again by whoever watches
        self._waiting.put_nowait(letter)

    async def close(self, *, wait: bool) -> None:
        """Without a word to the room: it is over, or has another home. ``wait`` until all was sent."""
        self.over = True
        if wait:
            await asyncio.wait({self._sending}, timeout=LAST_WORDS_S)
        await self._tasks.close()
        self._session.unsaid(self.box)

    async def _sit(self, before: GuestSeat | None) -> None:
        try:
            if before is not None:
                await before.close(wait=False)
                self._session.practice.audience.watchers.discard(before.box)  # the same person: nobody has left
            await self._means.registry.confirm(
                self._session.id, self._knock.role, self._knock.token_hash, self._knock.device_hash
            )
            await self._session.join(self.box, self._knock.name, self._microphone)
            self._means.metrics.guests.labels(self.box.role).inc()
            self._beat()
            while await self._next():
                pass
        except Refused as error:
            self.box.refuse(error, fatal=True)
        except StoreUnavailable as error:
            log.error("a guest could not be seated", session=self._session.id, error=str(error))
            self.box.close()
        except LeaseLost:
            return  # another gateway is the home now; this one is about to notice
        self.over = True

    async def _next(self) -> bool:
        """Deals with one thing that was said; False once the guest has left."""
        letter = await self._waiting.get()
        if isinstance(letter, Left):
            if self._microphone is not None:
                self._microphone.told("lost")
            await self._session.leave(self.box)
            await self._means.post.forget(to_guest(self._knock.seat), sound_of(self._knock.seat))
            return False
        try:
            await self._deal_with(letter)
        except Refused as error:
            self.box.refuse(error)
        finally:
            self._heard += 1
            self._beat()
        return True

    async def _deal_with(self, said: Said) -> None:
        if isinstance(said.what, str):
            if self._microphone is not None:
                self._microphone.told(said.what)
        else:
            await self._session.handle(self.box, said.what)

    def _beat(self, sent: int | None = None) -> None:
        """What is to become of the partner's audio is said after everything that the partner says."""
        if self.over:
            return
        clock = self._session.practice.clock
        self._send(
            Beat(
                fence=self._fence(),
                attempt=self.attempt,
                heard=self._heard,
                shown=self._shown,
                sent=sent,
                now=machine_samples(time.monotonic()),
                zero=clock.zero if clock else None,
                wanted=self._microphone.wanted if self._microphone else None,
            )
        )

    async def _send_all(self) -> None:
        """Sends what waits until the box is closed and empty."""
        while message := await self.box.take():
            self._show(message)
            if message.type == "lines" and not self.box.closed:
                await asyncio.sleep(self._means.sockets.batch_s)
        self._show(None)

    def _show(self, what: ServerMessage | None) -> None:
        self._shown += 1
        self._send(Shown(fence=self._fence(), attempt=self.attempt, heard=self._heard, number=self._shown, what=what))

    def _send(self, letter: HomeLetter) -> None:
        self._means.post.letters.send(to_guest(self._knock.seat), letter.packed())
