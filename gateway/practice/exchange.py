"""What gateways and workers say to each other over the bus, and on which streams.

``in:SESSION`` carries everything that a worker may know of a practice, in the one order that counts: audio,
what people did, what words make of an overlap, that it began, that it is over. ``lines:SESSION`` carries what
came of it, once it is in the timeline. ``state:SESSION`` holds one message, the newest state of detectors and
coach.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, TypeAdapter

from coach.evidence import revised_by_words
from coach.settings import CoachSettings
from gateway.practice.learnt import Learnt
from streaming import packets, wire
from streaming.errors import UnusableInput
from streaming.types import Annotation, AudioChunk, Happening, Line


def in_stream(session: str) -> str:
    return f"in:{session}"


def lines_stream(session: str) -> str:
    return f"lines:{session}"


def state_stream(session: str) -> str:
    return f"state:{session}"


def session_of(stream: str) -> str:
    return stream.partition(":")[2]


@dataclass(frozen=True, slots=True)
class Begin:
    """The practice that began at ``began_unix`` is on. Said again every few seconds, which changes nothing.

    ``at``: session time up to which audio was offered, where a worker starts that finds no state. Numbers of the
    policy that a version does not know are passed over: gateways and workers are renewed one by one.
    """

    began_unix: float
    at: int
    policy: CoachSettings
    learnt: Learnt | None = None  # from an earlier practice of the two
    control: Literal["begin"] = "begin"


@dataclass(frozen=True, slots=True)
class Close:
    """The practice is over; ``began_unix`` says which."""

    began_unix: float
    control: Literal["close"] = "close"


@dataclass(frozen=True, slots=True)
class Came:
    """What came of a practice: lines in the order in which they are in the timeline."""

    began_unix: float
    lines: Sequence[Line] = ()
    decided_ms: Mapping[str, float] = field(default_factory=dict)  # from a cue's audio to its decision, by its id
    silent: bool = False  # the coach has fallen silent
    closed: bool = False  # nothing follows


Heard: TypeAlias = AudioChunk | Happening | Annotation | Begin | Close
_CONTROL: TypeAdapter[Begin | Close] = TypeAdapter(Annotated[Begin | Close, Field(discriminator="control")])


def pack(message: Heard) -> bytes:
    if isinstance(message, AudioChunk):
        return packets.pack(message)
    if isinstance(message, Begin | Close):
        return _CONTROL.dump_json(message)
    return wire.dumps(message).encode()


def unpack(session: str, payload: bytes) -> Heard:
    """Raises UnusableInput for anything that ``pack`` did not give."""
    if packets.is_audio(payload):
        return packets.unpack(session, payload)
    try:
        said = json.loads(payload)
        if "control" in said:
            return _CONTROL.validate_python(said)
    except (TypeError, ValueError) as error:
        raise UnusableInput(f"not a message for a worker: {error!r}") from error
    line = wire.from_wire(said)
    if not isinstance(line, Happening) and not revised_by_words(line):
        raise UnusableInput(f"a worker was told of {said['kind']!r}, which is for workers to say")
    return line


def pack_came(came: Came) -> bytes:
    head: dict[str, Any] = {"began_unix": came.began_unix, "decided_ms": dict(came.decided_ms)}
    head |= {"silent": came.silent, "closed": came.closed}
    return b"\n".join([json.dumps(head).encode(), *(wire.dumps(line).encode() for line in came.lines)])


def unpack_came(payload: bytes) -> Came:
    """Raises UnusableInput."""
    head, *rows = payload.split(b"\n")
    try:
        said = json.loads(head)
        lines = tuple(wire.loads(row.decode()) for row in rows)
        return Came(said["began_unix"], lines, said["decided_ms"], said["silent"], said["closed"])
    except (KeyError, TypeError, ValueError) as error:
        raise UnusableInput(f"not a worker's message: {error!r}") from error
