"""One partner's speech activity: hysteresis on silero's probability, boundaries refined by energy.

Frames go in one by one. Two things come out: ``speech`` annotations (open at the onset, final at
the end of the inter-pausal unit) and a track of boundaries, which may still be moved back in time
for ``feed_delay_samples`` and is settled after that.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from detectors.frames import Frame
from detectors.settings import FRAME_SAMPLES, SUB_SAMPLES, SUBS, VadSettings
from streaming.ids import event_id
from streaming.types import Annotation, Kind, Span, Speaker, Status

DETECTOR = "vad@1"
MUTE_DB = -100.0
_HISTORY_FRAMES = 8  # 256 ms of sub-frame energies: beyond every look back

Mark: TypeAlias = tuple[int, Literal["active", "missing"], bool]  # from this sample on


@dataclass(slots=True)
class Levels:
    """Noise floor and speech level of one microphone, dB relative to full scale."""

    floor_db: float = -60.0
    speech_db: float = -30.0
    known: bool = False

    def hear(self, frame_db: float, p: float, settings: VadSettings) -> None:
        if frame_db <= MUTE_DB + 1.0:  # digital silence says nothing of the room
            return
        if not self.known:
            self.floor_db, self.known = min(frame_db, -30.0), True
        if frame_db < self.floor_db:
            self.floor_db += settings.floor_fall * (frame_db - self.floor_db)
        elif p < settings.off:
            self.floor_db += min(settings.floor_rise_db * 4.0, frame_db - self.floor_db)
        else:
            self.floor_db += min(settings.floor_rise_db, frame_db - self.floor_db)
        if p >= settings.sure:
            self.speech_db += settings.level_share * (frame_db - self.speech_db)

    def voice_db(self, settings: VadSettings) -> float:
        """Energy from which a sub-frame beside speech counts as voice."""
        reach = max(settings.rise_db, settings.range_share * (self.speech_db - self.floor_db))
        return self.floor_db + reach


@dataclass(slots=True)
class _Unit:
    """The inter-pausal unit that is going on."""

    start: int
    p_sum: float = 0.0
    frames: int = 0

    @property
    def confidence(self) -> float:
        return self.p_sum / self.frames if self.frames else 0.0


@dataclass(slots=True)
class VoiceActivity:
    """One partner's state. ``marks`` are the boundaries that the turn detector has not yet been given."""

    session: str
    speaker: Speaker
    settings: VadSettings
    fed: int  # boundaries before this sample can no longer be made
    active: bool = False
    levels: Levels = field(default_factory=Levels)
    marks: deque[Mark] = field(default_factory=deque)
    _energies: deque[tuple[float, ...]] = field(default_factory=lambda: deque(maxlen=_HISTORY_FRAMES))
    _unit: _Unit | None = None
    _quiet_since: int | None = None  # refined end of voice while the probability is low
    _ended: int | None = None  # end of activity, until the unit is over
    _candidate: bool = False  # one frame over ``on`` so far
    _last_mark: int = 0  # marks never go back in time
    _missing_from: int | None = None
    _missing_to: int = 0
    _lost: bool = False

    def step(self, frame: Frame, p: float | None, confidence: float = 1.0) -> list[Annotation]:
        """``p`` is None where the frame was wholly missing; ``confidence`` is what the audio allows."""
        self._energies.append(frame.energies_db)
        out = self._follow_missing(frame)
        if p is None or (frame.missing and self.active):
            return out  # a short loss inside speech changes nothing
        frame_db = sum(frame.energies_db) / SUBS
        self.levels.hear(frame_db, p, self.settings)
        if self._unit is not None and self.active:
            self._unit.p_sum += p
            self._unit.frames += 1
        if self.active:
            self._watch_end(frame, p)
        elif p >= self.settings.on and not self._lost:
            out += self._watch_onset(frame, p, confidence)
        else:
            self._candidate = False
        return out + self._close_unit(frame.end, confidence)

    def settled(self, limit: int) -> list[Mark]:
        """The boundaries before ``limit``, in order. None can be made before it any more."""
        out = []
        while self.marks and self.marks[0][0] < limit:
            out.append(self.marks.popleft())
        self.fed = max(self.fed, limit)
        return out

    def flush(self, now: int, confidence: float = 1.0) -> list[Annotation]:
        """The session ends at ``now``: so does speech."""
        if self.active:
            self._end_activity(self._quiet_since if self._quiet_since is not None else now)
        return self._close_unit(now, confidence, always=True)

    def _follow_missing(self, frame: Frame) -> list[Annotation]:
        out: list[Annotation] = []
        for span in frame.missing:
            if self._missing_from is None or span.start != self._missing_to:
                self._missing_from, self._lost = span.start, False
            self._missing_to = span.end
            if not self._lost and span.end - self._missing_from >= self.settings.hold_samples:
                out += self._lose(self._missing_from, frame.end)
        if self._lost and self._missing_to < frame.end:
            self._mark(self._missing_to, "missing", False)
            self._lost = False
        if self._missing_to < frame.end:
            self._missing_from = None
        return out

    def _lose(self, start: int, now: int) -> list[Annotation]:
        """Too much is missing to go on: what was being said ends where the loss began."""
        self._lost, self._candidate = True, False
        out: list[Annotation] = []
        if self.active:
            self._end_activity(min(start, self._quiet_since if self._quiet_since is not None else start))
        out += self._close_unit(now, 1.0, always=True)
        self._mark(start, "missing", True)
        return out

    def _watch_onset(self, frame: Frame, p: float, confidence: float) -> list[Annotation]:
        if p < self.settings.sure and not self._candidate:
            self._candidate = True
            return []
        start = self._refined_onset(frame)
        self._candidate, self.active, self._quiet_since = False, True, None
        self._mark(start, "active", True)
        if self._unit is not None and self._ended is not None:
            if start - self._ended < self.settings.ipu_gap_samples:
                self._ended = None
                return []  # a short gap: the same unit goes on
            out = self._close_unit(frame.end, confidence, always=True)
        else:
            out = []
        self._unit = _Unit(self._last_mark, p, 1)
        return [*out, self._annotation("open", Span(self._unit.start, frame.end), frame.end, p * confidence)]

    def _watch_end(self, frame: Frame, p: float) -> None:
        if p >= self.settings.off:
            self._quiet_since = None
            return
        if self._quiet_since is None:
            self._quiet_since = self._refined_end(frame)
        if frame.end - self._quiet_since >= self.settings.hang_samples:
            self._end_activity(self._quiet_since)

    def _end_activity(self, at: int) -> None:
        self._mark(at, "active", False)
        self.active, self._quiet_since, self._ended = False, None, self._last_mark

    def _close_unit(self, now: int, confidence: float, always: bool = False) -> list[Annotation]:
        if self._unit is None or self._ended is None:
            return []
        if not always and now - self._ended < self.settings.ipu_gap_samples:
            return []
        span, sure = Span(self._unit.start, max(self._ended, self._unit.start)), self._unit.confidence
        self._unit = self._ended = None
        return [self._annotation("final", span, now, sure * confidence)]

    def _mark(self, at: int, what: Literal["active", "missing"], on: bool) -> None:
        self._last_mark = max(at, self.fed, self._last_mark)
        self.marks.append((self._last_mark, what, on))

    def _refined_onset(self, frame: Frame) -> int:
        """Where energy left the floor: back from this frame's end over at most the look back."""
        reach = SUBS + self.settings.onset_lookback_samples // SUB_SAMPLES
        recent = [db for energies in self._energies for db in energies][-reach:]
        threshold = self.levels.voice_db(self.settings)
        loud = [i for i, db in enumerate(recent) if db >= threshold]
        if not loud:
            return frame.start
        first, gap = loud[-1], 6  # 24 ms: a closure may lie between the first sound and the voice
        for i in reversed(loud):
            if first - i > gap:
                break
            first = i
        return frame.end - (len(recent) - first) * SUB_SAMPLES

    def _refined_end(self, frame: Frame) -> int:
        """Where energy came back to the floor: the last loud sub-frame of this frame and the one before."""
        recent = [db for energies in list(self._energies)[-2:] for db in energies]
        threshold = self.levels.voice_db(self.settings)
        loud = [i for i, db in enumerate(recent) if db >= threshold]
        if not loud:
            return frame.end - len(recent) * SUB_SAMPLES
        return min(frame.end - (len(recent) - 1 - loud[-1]) * SUB_SAMPLES, frame.start + FRAME_SAMPLES // 2)

    def _annotation(self, status: Status, span: Span, decided: int, confidence: float) -> Annotation:
        return Annotation(
            id=event_id(self.session, DETECTOR, "speech", self.speaker, span.start),
            session=self.session,
            kind=Kind.SPEECH,
            status=status,
            span=span,
            decided=decided,
            detector=DETECTOR,
            confidence=min(1.0, confidence),
            by=self.speaker,
        )

    def save(self) -> dict[str, Any]:
        return {
            "fed": self.fed,
            "active": self.active,
            "levels": [self.levels.floor_db, self.levels.speech_db, self.levels.known],
            "marks": [list(mark) for mark in self.marks],
            "energies": [list(energies) for energies in self._energies],
            "unit": [self._unit.start, self._unit.p_sum, self._unit.frames] if self._unit else None,
            "quiet_since": self._quiet_since,
            "ended": self._ended,
            "candidate": self._candidate,
            "last_mark": self._last_mark,
            "missing": [self._missing_from, self._missing_to, self._lost],
        }

    @classmethod
    def restore(cls, session: str, speaker: Speaker, settings: VadSettings, saved: dict[str, Any]) -> VoiceActivity:
        voice = cls(session, speaker, settings, saved["fed"], saved["active"], Levels(*saved["levels"]))
        voice.marks.extend((at, what, on) for at, what, on in saved["marks"])
        voice._energies.extend(tuple(energies) for energies in saved["energies"])
        voice._unit = _Unit(*saved["unit"]) if saved["unit"] else None
        voice._quiet_since, voice._ended = saved["quiet_since"], saved["ended"]
        voice._candidate, voice._last_mark = saved["candidate"], saved["last_mark"]
        voice._missing_from, voice._missing_to, voice._lost = saved["missing"]
        return voice
