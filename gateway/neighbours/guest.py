"""Somebody who sits at this gateway, in a practice whose home is another one.

Stands in for the session: what the browser says goes to the home, what the home shows comes back. Only the
audio is here (``NearMicrophone``): decoding stops by itself where the home falls silent, and at once where this
partner takes a consent back or pauses.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from gateway.media.clock import machine_samples
from gateway.media.partner import MediaSettings
from gateway.metrics import Metrics
from gateway.neighbours.letters import (
    Alive,
    Beat,
    Gone,
    GuestLetter,
    Knock,
    Left,
    Said,
    Shown,
    read_home_letter,
    sound_of,
    to_guest,
    to_home,
)
from gateway.neighbours.near_microphone import NearMicrophone
from gateway.neighbours.offset import Offset
from gateway.neighbours.post import Post
from gateway.outbox import Outbox
from gateway.practice.microphones import answer
from gateway.protocol import (
    ClientMessage,
    Consent,
    End,
    Hello,
    Lines,
    MediaState,
    Note,
    Offer,
    Pause,
    Ping,
    Pong,
    RefusedMessage,
    Role,
    RoomChanged,
    RoomView,
    ServerMessage,
    TakeTimeOut,
    Welcome,
)
from gateway.tasks import Tasks
from streaming.errors import BusUnavailable, Refused
from streaming.types import Speaker
from streaming.wire import seconds

BEAT_S = 0.5  # how often this gateway says that it lives, and asks for the home's time
KNOCK_S = 1.5  # a home answers within milliseconds: one that is silent for so long may have died
SILENT_S = 3.0  # and nothing more is decoded for it
JOIN_S = 8.0  # a dead home is replaced within 3 s; then the browser is better off trying anew
MOST_UNHEARD = 64  # a page says a few things a minute

log = structlog.get_logger("gateway.neighbours.guest")


@dataclass(frozen=True, slots=True)
class Proof:
    """What the home looks up in the store for itself: hashes, because the secrets are nobody's but the browser's."""

    token_hash: str
    device_hash: str


class Guest:
    """One socket's place. ``join``, ``handle`` and ``leave`` as ``gateway.practice.session.Session`` has them."""

    def __init__(
        self,
        session: str,
        role: Role,
        proof: Proof,
        post: Post,
        media: MediaSettings,
        metrics: Metrics,
        *,
        full: bool = False,
    ) -> None:
        """``full``: the practice has no home yet, and this gateway no room to be it."""
        self.id = session
        self.on_left: Callable[[Guest], None] | None = None
        self._full = full
        self._role = role
        self._proof = proof
        self._post = post
        self._seat = secrets.token_hex(16)
        self._name = ""
        self._box: Outbox | None = None
        self._tasks = Tasks()
        self._attempt = 0
        self._fence = 0
        self._home_s = time.monotonic()  # when the home last said anything
        self._answered = asyncio.Event()
        self._welcomed = False
        self._shown = 0
        self._number = 0
        self._unheard: deque[Said] = deque()
        self._progress_s = 0.0  # when the home last heard something new, or was told all that it had not
        self._offset = Offset()
        self._zero: int | None = None  # the home's machine time of session sample 0
        self._room: RoomView | None = None  # as the browser was told last
        self.microphone: NearMicrophone | None = None  # a partner's
        if role in ("a", "b"):
            self.microphone = NearMicrophone(session, Speaker(role), self._seat, post, media, metrics, self._say)

    # Coming and going

    async def join(self, box: Outbox, name: str) -> None:
        """Returns once the home has answered. Raises BusUnavailable where none does, Refused ``server_full``."""
        self._box, self._name = box, name
        self._post.letters.follow(to_guest(self._seat), self._take)
        self._knock()
        self._tasks.spawn(self._live(box), f"guest of {self.id}")
        try:
            async with asyncio.timeout(JOIN_S):
                await self._answered.wait()
        except TimeoutError as error:
            if self._full:
                raise Refused("server_full", "As many practices as Breathmark can carry are running.") from error
            raise BusUnavailable("the gateway that this practice is at home at does not answer") from error

    async def leave(self, box: Outbox) -> None:
        box.close()
        self._send(Left(seat=self._seat))
        self._post.letters.unfollow(to_guest(self._seat), self._take)
        await self._tasks.close()
        if self.microphone is not None:
            await self.microphone.close()
        if self.on_left is not None:
            self.on_left(self)
        await self._post.forget(to_guest(self._seat), sound_of(self._seat))

    async def _live(self, box: Outbox) -> None:
        while not box.closed:
            await asyncio.sleep(BEAT_S)
            silent_s = time.monotonic() - self._home_s
            if silent_s > SILENT_S:
                self._home_is_silent(box)
            if silent_s > KNOCK_S:
                self._knock()
            elif self._unheard and time.monotonic() - self._progress_s > KNOCK_S:
                self._say_unheard()  # it was lost, or takes its time: then it only comes twice
            self._send(Alive(seat=self._seat, sent=machine_samples(time.monotonic())))

    def _home_is_silent(self, box: Outbox) -> None:
        """The partner hears and is heard as before; nobody listens for the coach."""
        if self.microphone is not None:
            self.microphone.stop()
        if self._room is not None and not self._room.coaching_paused:
            self._room = self._room.model_copy(update={"coaching_paused": True})
            box.offer(RoomChanged(room=self._room))

    def _knock(self) -> None:
        """Again where no answer came; anew where one did, and something went wrong since."""
        if self._answered.is_set() or self._attempt == 0:
            self._attempt += 1
            self._answered.clear()
            self._shown = 0
        self._send(
            Knock(
                seat=self._seat,
                attempt=self._attempt,
                first=self._unheard[0].number if self._unheard else self._number + 1,
                role=self._role,
                name=self._name,
                token_hash=self._proof.token_hash,
                device_hash=self._proof.device_hash,
                media=self.microphone.media.state if self.microphone else "none",
            )
        )

    # What the browser says

    async def handle(self, box: Outbox, message: ClientMessage) -> None:
        """Raises Refused. What the home refuses comes back from there."""
        if isinstance(message, Ping):
            box.offer(Pong(t=message.t, now_s=self._now_s))
            return
        if isinstance(message, Hello):
            raise Refused("bad_message", "Hello was said already.")
        if self.microphone is not None:
            self._partner_says(self.microphone, box, message)
        elif isinstance(message, Note):
            self._say(message)
        else:
            raise Refused("not_a_partner", "An observer watches, and changes nothing.")

    def _partner_says(self, microphone: NearMicrophone, box: Outbox, message: ClientMessage) -> None:
        if isinstance(message, Offer):
            if self._room is not None and self._room.phase == "ended":
                raise Refused("session_ended", "This practice has ended.")
            answering = answer(microphone.media, box, message.sdp, self.id)
            self._tasks.spawn(answering, f"offer of {self._role} in {self.id}")
            return
        if _stops_listening(message):
            microphone.stop(until_heard=self._number + 1)
        self._say(message)

    def _say(self, what: ClientMessage | MediaState) -> None:
        """Kept until the home has heard it."""
        self._number += 1
        said = Said(seat=self._seat, number=self._number, what=what)
        if not self._unheard:
            self._progress_s = time.monotonic()
        self._unheard.append(said)
        if len(self._unheard) > MOST_UNHEARD and self._box is not None:
            log.error("the home of a practice hears nothing", session=self.id)
            self._box.close()  # the browser comes back by itself, to whoever is the home then
        if self._answered.is_set():
            self._send(said)

    def _say_unheard(self) -> None:
        self._progress_s = time.monotonic()
        for said in self._unheard:
            self._send(said)

    @property
    def _now_s(self) -> float:
        if self._zero is None or not self._offset.known:
            return 0.0
        return seconds(machine_samples(time.monotonic()) + self._offset.samples - self._zero)

    # What the home says

    def _take(self, payload: bytes) -> None:
        letter = read_home_letter(payload)
        if isinstance(letter, Gone):
            if letter.fence >= self._fence:
                self._knock()
            return
        if letter.attempt != self._attempt or letter.fence < self._fence or self._box is None:
            return  # an answer to an earlier knock, or of a gateway that was the home
        if letter.fence > self._fence:
            self._fence, self._offset = letter.fence, Offset()
        self._home_s = time.monotonic()
        while self._unheard and self._unheard[0].number <= letter.heard:
            self._unheard.popleft()
            self._progress_s = self._home_s
        match letter:
            case Shown():
                self._take_in_order(self._box, letter)
            case Beat():
                if letter.sent is not None:
                    self._offset.answered(letter.sent, letter.now, machine_samples(time.monotonic()))
                self._zero = letter.zero
                if self.microphone is not None:
                    self.microphone.obey(letter, self._offset)
                if letter.shown > self._shown:
                    self._knock()

    def _take_in_order(self, box: Outbox, letter: Shown) -> None:
        if letter.number <= self._shown:
            return  # it came twice
        if letter.number > self._shown + 1:
            self._knock()
            return
        self._shown = letter.number
        if not self._answered.is_set():
            self._answered.set()
            self._say_unheard()
        if letter.what is None:
            box.close()
        else:
            self._show(box, letter.what)

    def _show(self, box: Outbox, message: ServerMessage) -> None:
        if isinstance(message, Welcome | RoomChanged):
            self._room = message.room
            if self._role == "observer" and message.room.observer_waiting:
                box.drop_lines()  # an agreement was withdrawn
        if isinstance(message, Welcome) and self._welcomed:  # by a home before this one
            box.offer(RoomChanged(room=message.room))
            box.offer_lines(message.lines)
        elif isinstance(message, Lines):
            box.offer_lines(message.lines)
        elif isinstance(message, RefusedMessage) and message.fatal:
            box.close(message)
        else:
            self._welcomed = self._welcomed or isinstance(message, Welcome)
            box.offer(message)

    def _send(self, letter: GuestLetter) -> None:
        self._post.letters.send(to_home(self.id), letter.packed())


def _stops_listening(message: ClientMessage) -> bool:
    return isinstance(message, Pause | TakeTimeOut | End) or (isinstance(message, Consent) and not message.practice)
