"""What gateways and workers say to each other over the bus, and on which streams.

``in:SESSION`` carries everything that a worker may know of a practice, in the one order that counts: audio,
what people did, what words make of an overlap, that it began, that it is over. ``lines:SESSION`` carries what
came of it, once it is in the timeline. ``state:SESSION`` holds one message, the newest state of detectors and
coach.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeAlias

from coach.evidence import revised_by_words
from coach.settings import CoachSettings
from gateway.learnt import Learnt
from streaming import packets, wire
from streaming.errors import UnusableInput
from streaming.types import Annotation, AudioChunk, Happening, Line

STATE_VERSION = 1


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

    ``at``: session time up to which audio was offered, where a worker starts that finds no state.
    """

    began_unix: float
    at: int
    policy: CoachSettings
    learnt: Learnt | None = None  # from an earlier practice of the two


@dataclass(frozen=True, slots=True)
class Close:
    """The practice is over; ``began_unix`` says which."""

    began_unix: float


@dataclass(frozen=True, slots=True)
class Came:
    """What came of a practice: lines in the order in which they are in the timeline."""

    began_unix: float
    lines: Sequence[Line] = ()
    decided_ms: Mapping[str, float] = field(default_factory=dict)  # from a cue's audio to its decision, by its id
    silent: bool = False  # the coach has fallen silent
    closed: bool = False  # nothing follows


@dataclass(frozen=True, slots=True)
class Kept:
    """All that a worker needs to go on after the message at ``position`` as if it had been there all the time."""

    position: str
    began_unix: float
    policy: CoachSettings
    now: int
    heard: Sequence[str]  # the newest happenings by id: one that is delivered twice counts once
    coach: bytes
    pipeline: bytes


Heard: TypeAlias = AudioChunk | Happening | Annotation | Begin | Close


def pack(message: Heard) -> bytes:
    if isinstance(message, AudioChunk):
        return packets.pack(message)
    if isinstance(message, Happening | Annotation):
        return wire.dumps(message).encode()
    if isinstance(message, Begin):
        learnt = message.learnt.to_state() if message.learnt else None
        begun = {"began_unix": message.began_unix, "at": message.at, "policy": asdict(message.policy)}
        return _json({"control": "begin", **begun, "learnt": learnt})
    return _json({"control": "close", **asdict(message)})


def unpack(session: str, payload: bytes) -> Heard:
    """Raises UnusableInput for anything that ``pack`` did not give."""
    if packets.is_audio(payload):
        return packets.unpack(session, payload)
    try:
        said = json.loads(payload)
        match said.get("control"):
            case "begin":
                learnt = Learnt.from_state(said["learnt"])
                return Begin(float(said["began_unix"]), int(said["at"]), _policy(said["policy"]), learnt)
            case "close":
                return Close(float(said["began_unix"]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnusableInput(f"not a message for a worker: {error!r}") from error
    line = wire.from_wire(said)
    if not isinstance(line, Happening) and not revised_by_words(line):
        raise UnusableInput(f"a worker was told of {said['kind']!r}, which is for workers to say")
    return line


def pack_came(came: Came) -> bytes:
    head = {"began_unix": came.began_unix, "decided_ms": dict(came.decided_ms), "silent": came.silent}
    head["closed"] = came.closed
    return b"\n".join([_json(head), *(wire.dumps(line).encode() for line in came.lines)])


def unpack_came(payload: bytes) -> Came:
    """Raises UnusableInput."""
    head, *rows = payload.split(b"\n")
    try:
        said = json.loads(head)
        lines = tuple(wire.loads(row.decode()) for row in rows)
        decided_ms = {str(cue): float(ms) for cue, ms in said["decided_ms"].items()}
        return Came(float(said["began_unix"]), lines, decided_ms, said["silent"] is True, said["closed"] is True)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnusableInput(f"not a worker's message: {error!r}") from error


def pack_kept(kept: Kept) -> bytes:
    head = {spec.name: getattr(kept, spec.name) for spec in fields(kept) if spec.name not in ("coach", "pipeline")}
    head |= {"v": STATE_VERSION, "policy": asdict(kept.policy), "coach_bytes": len(kept.coach)}
    return _json(head) + b"\n" + kept.coach + kept.pipeline


def unpack_kept(payload: bytes) -> Kept:
    """Raises UnusableInput for a state of another version."""
    head, _, rest = payload.partition(b"\n")
    try:
        said = json.loads(head)
        if said["v"] != STATE_VERSION:
            raise ValueError(f"version {said['v']!r}, expected {STATE_VERSION}")
        size = int(said["coach_bytes"])
        return Kept(
            str(said["position"]),
            float(said["began_unix"]),
            _policy(said["policy"]),
            int(said["now"]),
            tuple(said["heard"]),
            rest[:size],
            rest[size:],
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnusableInput(f"not a worker's state: {error!r}") from error


def _policy(said: Mapping[str, Any]) -> CoachSettings:
    """Numbers that this version does not know are left out: gateways and workers are renewed one by one."""
    known = {spec.name for spec in fields(CoachSettings)}
    return CoachSettings(**{name: value for name, value in said.items() if name in known})


def _json(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said, separators=(",", ":")).encode()
