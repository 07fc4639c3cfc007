"""What other gateways and the home of a practice write to one another over the bus.

The *home* is the gateway that holds a practice; a *guest* is somebody of that practice whose browser is
at another gateway. Everything is JSON of these shapes, except sound (``streaming.packets``, ``voices``).

A guest ``Knock``s, and the home answers with a welcome; what both say from then on is numbered from 1, so
that what comes twice is passed over, and what is lost is noticed. A guest keeps what it said until the
home has heard it, over a change of the home too: a consent that was withdrawn is withdrawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from gateway.protocol import ClientMessage, MediaState, Role, ServerMessage
from streaming.errors import UnusableInput
from streaming.types import Speaker

T = TypeVar("T")
Seat: TypeAlias = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]  # random: who does not know it cannot write for it


class _Letter(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def packed(self) -> bytes:
        return self.model_dump_json().encode()


class Knock(_Letter):
    """Who is there, by hashes of their link and their device, which the home looks up for itself.

    ``attempt`` grows with each new try; ``first`` is the number of the next thing that is said.
    """

    kind: Literal["knock"] = "knock"
    seat: Seat
    attempt: int
    first: int
    role: Role
    name: str
    token_hash: str
    device_hash: str
    media: MediaState


class Said(_Letter):
    """What the browser said, or what became of its audio connection."""

    kind: Literal["said"] = "said"
    seat: Seat
    number: int
    what: ClientMessage | MediaState


class Alive(_Letter):
    """The guest's gateway lives; ``sent`` is its machine time, to be given back."""

    kind: Literal["alive"] = "alive"
    seat: Seat
    sent: int


class Left(_Letter):
    """The browser is gone."""

    kind: Literal["left"] = "left"
    seat: Seat


class Changed(_Letter):
    """Another gateway has changed in the store what is kept of this practice; ``forget_by``: who wants nothing kept."""

    kind: Literal["changed"] = "changed"
    forget_by: Speaker | None


GuestLetter: TypeAlias = Annotated[Knock | Said | Alive | Left | Changed, Field(discriminator="kind")]


class _FromHome(_Letter):
    """``fence`` is the home's lease, ``attempt`` the knock that this answers; ``heard`` the last number it heard."""

    fence: int
    attempt: int
    heard: int


class Shown(_FromHome):
    """A message for the browser; None: that was all, and its socket closes."""

    kind: Literal["shown"] = "shown"
    number: int
    what: Annotated[ServerMessage, Field(discriminator="type")] | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to become of a partner's audio. ``begin_at``: session sample to decode from, None: do not decode.

    ``speaks``: forward the partner's packets; ``hears``: forward the other's to them.
    """

    begin_at: int | None = None
    speaks: bool = False
    hears: bool = False


class Beat(_FromHome):
    """How things stand, whole each time: whenever that changes, and in answer to each ``Alive``.

    ``shown``: the last number that went out. ``sent``: of the ``Alive``; ``now``: the home's machine time then, and
    ``zero`` that of session sample 0, once the practice has begun.
    """

    kind: Literal["beat"] = "beat"
    shown: int
    sent: int | None
    now: int
    zero: int | None
    wanted: Wanted | None  # of a partner's audio


class Gone(_Letter):
    """The home gives the practice up, or does not know this guest: knock anew."""

    kind: Literal["gone"] = "gone"
    fence: int


HomeLetter: TypeAlias = Annotated[Shown | Beat | Gone, Field(discriminator="kind")]

_GUEST_LETTER: TypeAdapter[GuestLetter] = TypeAdapter(GuestLetter)
_HOME_LETTER: TypeAdapter[HomeLetter] = TypeAdapter(HomeLetter)


def read_guest_letter(payload: bytes) -> GuestLetter:
    """Raises UnusableInput."""
    return _read(_GUEST_LETTER, payload)


def read_home_letter(payload: bytes) -> HomeLetter:
    """Raises UnusableInput."""
    return _read(_HOME_LETTER, payload)


def _read(kind: TypeAdapter[T], payload: bytes) -> T:
    try:
        return kind.validate_json(payload)
    except ValidationError as error:
        raise UnusableInput(f"not a letter: {error.errors(include_input=False, include_url=False)}") from None


# The streams of the bus.


def to_home(session: str) -> str:
    return f"seats:{session}"


def to_guest(seat: str) -> str:
    return f"seat:{seat}"


def sound_of(seat: str) -> str:
    """A guest's decoded audio, on its way to the home."""
    return f"sound:{seat}"


def voice_of(session: str, speaker: str) -> str:
    """A partner's Opus packets, on their way to the other's ear."""
    return f"voice:{session}:{speaker}"
