"""The state of detectors and coach at one session time, from which another process goes on as if nothing happened."""

from __future__ import annotations

import json
from dataclasses import dataclass

import structlog
from pydantic import TypeAdapter

from coach.policy import Coach
from coach.settings import CoachSettings
from detectors.pipeline import Pipeline
from gateway.practice.exchange import Begin
from gateway.practice.learnt import Learnt, learnt_by
from streaming.errors import UnusableInput

_VERSION = 3

log = structlog.get_logger("gateway.practice.kept")


@dataclass(frozen=True, slots=True)
class Kept:
    """``now``: session time up to which detectors and coach know everything; ``coach`` and ``pipeline``: their states.

    In one process ``heard`` is the session time of the newest happening that the coach knows. Where workers read a
    stream, ``position`` is the place in it up to which they did, and ``told`` the newest happenings by id: one that
    is delivered twice counts once.
    """

    now: int
    coach: bytes
    pipeline: bytes
    heard: int = -1
    told: tuple[str, ...] = ()
    position: str = ""
    begin: Begin | None = None

    def packed(self) -> bytes:
        head = _KEPT.dump_python(self, mode="json", exclude={"coach", "pipeline"})
        head |= {"v": _VERSION, "coach_bytes": len(self.coach)}
        return json.dumps(head).encode() + b"\n" + self.coach + self.pipeline

    @staticmethod
    def unpacked(payload: bytes) -> Kept:
        """Raises UnusableInput for anything that ``packed`` of this version did not give."""
        line, _, rest = payload.partition(b"\n")
        try:
            head = json.loads(line)
            if head["v"] != _VERSION:
                raise ValueError(f"version {head['v']!r}, expected {_VERSION}")
            size = head["coach_bytes"]
            return _KEPT.validate_python({**head, "coach": rest[:size], "pipeline": rest[size:]})
        except (KeyError, TypeError, ValueError) as error:
            raise UnusableInput(f"not a kept state: {error!r}") from error

    def restored(self, session: str, policy: CoachSettings) -> tuple[Pipeline, Coach]:
        """Raises UnusableInput for states of another version."""
        try:
            return Pipeline.restore(session, self.pipeline), Coach.restore(session, self.coach, policy)
        except (KeyError, TypeError, ValueError) as error:
            raise UnusableInput(f"a state of another version: {error!r}") from error


_KEPT = TypeAdapter(Kept)


def learnt_of(session: str, payload: bytes | None, policy: CoachSettings) -> Learnt | None:
    """What a practice has taught by its newest state; None where there is none, or it tells too little."""
    if payload is None:
        return None
    try:
        return learnt_by(*Kept.unpacked(payload).restored(session, policy))
    except UnusableInput as error:
        log.warning("nothing could be learnt of a state", session=session, error=str(error))
        return None
