"""Both partners' audio in, annotations out: the one pipeline that runs live, in replay and in every test.

Frames of both partners are worked on in lock-step, once both have them, so what comes out depends
on the audio alone and not on how it was cut or in which order it came. Asking the model is a step
of its own (``heard`` then ``advance``), so that a worker can ask for many sessions at once.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.bleed import BleedGuard
from detectors.frames import Frame, measured
from detectors.partner import WINDOW_SAMPLES, Partner
from detectors.settings import FRAME_SAMPLES, DetectorSettings
from detectors.silero import STATE_SHAPE, shared_model
from detectors.turn_model import TurnModel
from detectors.turns import TurnDetector
from streaming.types import Annotation, AudioChunk, Speaker

_SAVED_VERSION = 10


class Heard(NamedTuple):
    """A partner's frame and the model's answer. ``memory`` is the model's after it, None where it was not asked."""

    frame: Frame
    p: float = 0.0
    memory: NDArray[np.float32] | None = None


def heard(pipelines: Sequence[Pipeline]) -> list[tuple[Heard, Heard]]:
    """Takes a frame of both partners of each, and asks the model of all of them at once.

    It is not asked of frames that are missing, hushed or covered. Each pipeline's own is for its ``advance``.
    """
    partners = [own for pipeline in pipelines for own in pipeline.partners]
    samples = np.zeros((len(partners), FRAME_SAMPLES), np.float32)
    frames = measured([own.buffer.take(row) for own, row in zip(partners, samples, strict=True)], samples)
    for n, pipeline in enumerate(pipelines):
        pipeline.look(*frames[2 * n : 2 * n + 2])
    asked = [row for row, (own, frame) in enumerate(zip(partners, frames, strict=True)) if own.asks(frame)]
    windows = np.empty((len(asked), WINDOW_SAMPLES), np.float32)
    memories = np.empty((len(asked), *STATE_SHAPE), np.float32)
    for at, row in enumerate(asked):
        windows[at], memories[at] = partners[row].window(frames[row]), partners[row].memory
    out = [Heard(frame) for frame in frames]
    for row, p, memory in zip(asked, *shared_model().infer(windows, memories), strict=True):
        out[row] = Heard(frames[row], p, memory)
    return list(zip(out[::2], out[1::2], strict=True))


class Pipeline:
    """Every detector of one session. ``start`` is the session time at which its audio begins.

    ``baselines`` are what ``baselines()`` said of the same people in an earlier session.
    """

    def __init__(
        self,
        session: str,
        settings: DetectorSettings | None = None,
        *,
        start: int = 0,
        baselines: Mapping[Speaker, Mapping[str, Any]] | None = None,
        turn_model: TurnModel | None = None,
    ) -> None:
        self.session = session
        self.settings = settings or DetectorSettings()
        self.now = start  # both partners are worked on up to here
        carried = baselines or {}
        self._partners = {
            speaker: Partner(session, speaker, self.settings, start, carried.get(speaker)) for speaker in Speaker
        }
        self._turns = TurnDetector(session, self.settings.turns, start=start, model=turn_model)
        self._guard = BleedGuard(self.settings.bleed)
        self._turned = start  # session time up to which the turn detector was told

    def push(self, chunk: AudioChunk) -> list[Annotation]:
        """Annotations that this chunk completes. Raises ValueError where it does not follow the one before."""
        self.offer(chunk)
        out: list[Annotation] = []
        while self.ready:
            out += self.advance(heard([self])[0])
        return out

    def offer(self, chunk: AudioChunk) -> None:
        """Takes audio without working on it."""
        if chunk.session != self.session:
            raise ValueError(f"chunk of session {chunk.session!r} given to {self.session!r}")
        self._partners[chunk.speaker].buffer.push(chunk)

    def given(self, speaker: Speaker) -> int:
        """Session time up to which this partner's audio was taken: where the next chunk has to start."""
        return self._partners[speaker].buffer.end

    @property
    def partners(self) -> tuple[Partner, Partner]:
        return self._partners[Speaker.A], self._partners[Speaker.B]

    @property
    def ready(self) -> bool:
        """Both partners have a whole frame."""
        a, b = self.partners
        return a.buffer.ready and b.buffer.ready

    def look(self, a: Frame, b: Frame) -> None:
        """The next frames are these: tells both partners what of theirs the model is to hear."""
        shown = self._guard.look({Speaker.A: a, Speaker.B: b})
        for speaker, own in self._partners.items():
            own.shown = shown.get(speaker)

    def advance(self, both: tuple[Heard, Heard]) -> list[Annotation]:
        """Goes on by one frame of each, as ``heard`` took it."""
        a, b = both
        self.now = a.frame.end
        frames = {Speaker.A: a.frame, Speaker.B: b.frame}
        bleeding = self._guard.judge(frames, {Speaker.A: a.p, Speaker.B: b.p})
        out: list[Annotation] = []
        for (speaker, own), it in zip(self._partners.items(), both, strict=True):
            if it.frame.wholly_missing:
                out += own.hear_nothing(it.frame)
            else:
                out += own.hear(it.frame, it.p, it.memory, speaker in bleeding, self._guard.own_db(speaker))
        uncertainty = max(a.frame.uncertainty, b.frame.uncertainty)
        hears_late = {Speaker.A: a.frame.hears_late, Speaker.B: b.frame.hears_late}
        return out + self._feed_turns(self.now - self.settings.vad.feed_delay_samples, uncertainty, hears_late)

    def flush(self) -> list[Annotation]:
        """The session is over: what waits is said now. Audio that fills no frame is left out."""
        out: list[Annotation] = []
        for own in self._partners.values():
            out += own.voice.flush(self.now, own.quality.trust)
        out += self._feed_turns(self.now, 0, {})
        out += self._step_turns(self.now, 0, {})
        out += self._decided_now(self._turns.flush())
        for own in self._partners.values():
            out += own.quality.flush(self.now)
        return out

    def _feed_turns(self, limit: int, uncertainty: int, hears_late: dict[Speaker, int]) -> list[Annotation]:
        """Tells the turn detector of everything before ``limit``, a stretch of constant activity at a time."""
        changes = [
            (at, what, speaker, on)
            for speaker, own in self._partners.items()
            for at, what, on in own.voice.settled(limit)
        ]
        if not changes and limit < self._turns.waits_until:
            return []  # most frames end here
        changes.sort(key=lambda change: change[0])
        out: list[Annotation] = []
        for at, what, speaker, on in changes:
            out += self._step_turns(at, uncertainty, hears_late)
            if what == "active":
                self._partners[speaker].told_active = on
            else:
                self._partners[speaker].told_missing = on
        return out + self._step_turns(limit, uncertainty, hears_late)

    def _step_turns(self, end: int, uncertainty: int, hears_late: dict[Speaker, int]) -> list[Annotation]:
        if end <= self._turned:
            return []
        self._turned = end
        a, b = self.partners
        said = self._turns.step(
            end,
            {Speaker.A: a.told_active, Speaker.B: b.told_active},
            {Speaker.A: a.told_missing, Speaker.B: b.told_missing},
            uncertainty=uncertainty,
            hears_late=hears_late,
            raised_db={Speaker.A: a.raised_db, Speaker.B: b.raised_db},
        )
        return self._decided_now(said)

    def _decided_now(self, annotations: list[Annotation]) -> list[Annotation]:
        """Turns are judged a fixed delay behind; what had to be heard for it goes up to now."""
        return [dataclasses.replace(annotation, decided=self.now) for annotation in annotations]

    def baselines(self) -> dict[Speaker, dict[str, Any]]:
        """Each speaker's own usual, for a later session: JSON-able, under 1 kB each, no sound in it.

        Left out are speakers of whom too little was heard to know it (8 s of speech). Where somebody keeps
        it, it is theirs: EVENTS lets it be carried between sessions where the couple consents.
        """
        carried = {speaker: own.arousal.own.carry(self.settings.arousal) for speaker, own in self._partners.items()}
        return {speaker: usual for speaker, usual in carried.items() if usual is not None}

    def save(self) -> bytes:
        """The whole state, JSON. Call between frames (never between ``heard`` and ``advance``)."""
        state = {
            "version": _SAVED_VERSION,
            "now": self.now,
            "turned": self._turned,
            "partners": {speaker.value: own.save() for speaker, own in self._partners.items()},
            "guard": self._guard.save(),
            "turns": self._turns.save(),
        }
        return json.dumps(state, separators=(",", ":")).encode()

    @classmethod
    def restore(cls, session: str, payload: bytes, settings: DetectorSettings | None = None) -> Pipeline:
        """The pipeline that ``save`` was called on. Raises ValueError for a payload of another version."""
        state = json.loads(payload)
        if state.get("version") != _SAVED_VERSION:
            raise ValueError(f"saved state has version {state.get('version')!r}, expected {_SAVED_VERSION}")
        pipeline = cls(session, settings, start=state["now"])
        for speaker in Speaker:
            pipeline._partners[speaker] = Partner.restore(
                session, speaker, pipeline.settings, state["partners"][speaker.value]
            )
        pipeline._guard = BleedGuard.restore(pipeline.settings.bleed, state["guard"])
        pipeline._turned = state["turned"]
        pipeline._turns = TurnDetector.restore(session, state["turns"], pipeline.settings.turns)
        return pipeline
