"""The guests of one practice, at its home: people whose browsers are at other gateways."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import structlog

from gateway.neighbours.guest_seat import GuestSeat, Means
from gateway.neighbours.letters import Alive, Changed, Gone, Knock, Left, read_guest_letter, to_guest, to_home
from gateway.practice import rooms
from gateway.practice.session import Session
from gateway.tasks import Tasks
from streaming.errors import LeaseLost

GONE_S = 3.0  # a gateway says twice a second that it lives
MOST_SEATS = 32  # two partners, eight observers, and those who have just reloaded their page

log = structlog.get_logger("gateway.neighbours.host")


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
            await self._means.post.forget(to_home(self._session.id))

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
