"""The guests of one practice, at its home: people whose browsers are at other gateways."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import structlog

from gateway.media.clock import machine_samples
from gateway.metrics import Metrics
from gateway.neighbours.far_microphone import FarMicrophone
from gateway.neighbours.letters import (
    Alive,
    Beat,
    Changed,
    Gone,
    HomeLetter,
    Knock,
    Left,
    Said,
    Shown,
    Sound,
    read_guest_letter,
    sound_of,
    to_guest,
    to_home,
)
from gateway.neighbours.post import Post
from gateway.outbox import Outbox
from gateway.practice import rooms
from gateway.practice.registry import Registry
from gateway.practice.session import Session
from gateway.protocol import ServerMessage
from gateway.settings import SocketSettings
from gateway.tasks import Tasks
from streaming.errors import BreathmarkError, LeaseLost, Refused, StoreUnavailable
from streaming.types import Speaker

GONE_S = 3.0  # a gateway says twice a second that it lives
MOST_SEATS = 32  # two partners, eight observers, and those who have just reloaded their page
MOST_WAITING = 64  # things said and not yet dealt with: a page says a few a minute
LAST_WORDS_S = 1.0

log = structlog.get_logger("gateway.neighbours.host")


@dataclass(frozen=True, slots=True)
class Means:
    """What all hosts of a gateway share."""

    registry: Registry
    post: Post
    sockets: SocketSettings
    metrics: Metrics


class Host:
    """Gives guests a seat in ``session``."""

    def __init__(self, session: Session, fence: Callable[[], int], means: Means) -> None:
        self._session = session
        self._fence_of = fence
        self._last_fence = fence()
        self._means = means
        self._seats: dict[str, GuestSeat] = {}
        self._tasks = Tasks()

    async def open(self) -> None:
        """Raises BusUnavailable: without the bus nobody can come from elsewhere."""
        await self._means.post.letters.follow_from_now(to_home(self._session.id), self._take)

    def watch(self) -> None:
        """Called twice a second: guests whose gateway has gone silent have left."""
        now_s = time.monotonic()
        for id, seat in list(self._seats.items()):
            if seat.over:
                del self._seats[id]
            elif self._means.post.away:
                seat.alive_s = now_s  # nobody can be heard just now
            elif now_s - seat.alive_s > GONE_S:
                log.info("a guest's gateway went silent", session=self._session.id, role=seat.box.role)
                seat.say(Left(seat=id))

    async def close(self, *, gone: bool) -> None:
        """``gone``: the practice goes on at another gateway. Otherwise it is over, and guests get their last words."""
        self._means.post.letters.unfollow(to_home(self._session.id), self._take)
        for id, seat in self._seats.items():
            await seat.close(wait=not gone)
            if gone:
                self._means.post.letters.send(to_guest(id), Gone(fence=self._fence()).packed())
        self._seats.clear()
        await self._tasks.close()
        if not gone:
            await forget(self._means.post, to_home(self._session.id))

    def _fence(self) -> int:
        """The lease's; once it is lost, the last: by it guests know whom to believe."""
        with suppress(LeaseLost):
            self._last_fence = self._fence_of()
        return self._last_fence

    def _take(self, payload: bytes) -> None:
        letter = read_guest_letter(payload)
        if isinstance(letter, Changed):
            self._tasks.spawn(self._change(letter), f"what is kept of {self._session.id}")
            return
        seat = self._seats.get(letter.seat)
        if isinstance(letter, Knock):
            self._knocked(letter, seat)
        elif seat is None:
            self._means.post.letters.send(to_guest(letter.seat), Gone(fence=self._fence()).packed())
        elif isinstance(letter, Alive):
            seat.alive(letter.sent)
        else:
            seat.say(letter)

    async def _change(self, changed: Changed) -> None:
        practice = self._session.practice
        async with practice.order:
            if practice.room.ended:
                practice.let_go(await self._means.registry.load(practice.id))
            elif changed.forget_by is not None:
                await practice.change(rooms.carried(practice.room, changed.forget_by, False))

    def _knocked(self, knock: Knock, before: GuestSeat | None) -> None:
        if before is not None and before.attempt >= knock.attempt:
            return
        if before is None and len(self._seats) >= MOST_SEATS:
            return
        self._seats[knock.seat] = GuestSeat(knock, self._session, self._fence, self._means, before)


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
            self._microphone.on_wanted = self._order
        self._tasks = Tasks()
        self._sending = self._tasks.spawn(self._send_all(), f"to a guest of {session.id}")
        self._tasks.spawn(self._sit(before), f"a guest of {session.id}")

    def alive(self, sent: int) -> None:
        self.alive_s = time.monotonic()
        clock = self._session.practice.clock
        zero = clock.zero if clock else None
        now = machine_samples(time.monotonic())
        self._answer(Beat, sent=sent, now=now, zero=zero, shown=self._shown)

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
            self._order()
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
            await forget(self._means.post, to_guest(self._knock.seat), sound_of(self._knock.seat))
            return False
        try:
            await self._deal_with(letter)
        except Refused as error:
            self.box.refuse(error)
        except StoreUnavailable as error:
            log.error("message could not be kept", session=self._session.id, error=str(error))
            self.box.refuse(Refused("store_unavailable", "The gateway cannot keep this just now, so it did not count."))
        finally:
            self._heard += 1
            self._order()
        return True

    async def _deal_with(self, said: Said) -> None:
        if isinstance(said.what, str):
            if self._microphone is not None:
                self._microphone.told(said.what)
        else:
            await self._session.handle(self.box, said.what)

    def _order(self) -> None:
        """What is to become of the partner's audio: said whole, and after everything that the partner says."""
        if self._microphone is None or self.over:
            return
        self._answer(Sound, **asdict(self._microphone.wanted))

    async def _send_all(self) -> None:
        """Sends what waits until the box is closed and empty."""
        while messages := await self.box.take():
            for message in messages:
                self._show(message)
            if messages[-1].type == "lines" and not self.box.closed:
                await asyncio.sleep(self._means.sockets.batch_s)
        self._show(None)

    def _show(self, what: ServerMessage | None) -> None:
        self._shown += 1
        self._answer(Shown, number=self._shown, what=what)

    def _answer(self, kind: type[Beat | Shown | Sound], **said: Any) -> None:
        self._send(kind(fence=self._fence(), attempt=self.attempt, heard=self._heard, **said))

    def _send(self, letter: HomeLetter) -> None:
        self._means.post.letters.send(to_guest(self._knock.seat), letter.packed())


async def forget(post: Post, *streams: str) -> None:
    """What is not needed any more should not lie on the bus."""
    try:
        await post.forget(*streams)
    except BreathmarkError as error:  # it is forgotten by itself within the hour
        log.warning("streams are still on the bus", error=str(error))
