"""One partner's speech activity: hysteresis on silero's probability, boundaries refined by energy.

Frames go in one by one. Two things come out: ``speech`` annotations (open at the onset, final at
the end of the inter-pausal unit) and a track of boundaries, which may still be moved back in time
for ``feed_delay_samples`` and is settled after that.

A child's cry or a cough is rarely as sure as a voice for long. So a unit gathers evidence (a
cumulative sum of log odds, after E. S. Page, "Continuous inspection schemes", 1954): a little
announces it, more makes it speech. One that ends before that never reaches the turn detector, and
its final takes the announcement back: ``RETRACTED_SAMPLES`` long, confidence 0.
"""

from __future__ import annotations

import dataclasses
import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

from detectors.frames import Frame
from detectors.packing import pack, unpack
from detectors.settings import FRAME_SAMPLES, SUB_SAMPLES, SUBS, VadSettings
from detectors.voicing import Voicing
from streaming.ids import event_id
from streaming.types import Annotation, Kind, Samples, Span, Speaker, Status

DETECTOR = "vad@1"
MUTE_DB = -100.0
RETRACTED_SAMPLES = SUB_SAMPLES  # not none, so that who reads finals sees that it is over
_HISTORY_FRAMES = 8  # 256 ms of sub-frame energies: beyond every look back

Mark: TypeAlias = tuple[int, Literal["active", "missing"], bool]  # from this sample on


@dataclass(slots=True)
class Levels:
    """Noise floor and speech level of one microphone, dB relative to full scale."""

    floor_db: float = -60.0
    speech_db: float = -30.0
    known: bool = False
    voiced_frames: int = 0  # that taught the speech level

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
            self.voiced_frames += 1

    def knows_voice(self, settings: VadSettings) -> bool:
        return self.voiced_frames >= settings.known_frames

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
    proven: bool = False  # to be speech, and the turn detector is told

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
    voicing: Voicing = field(default_factory=Voicing)  # of what is not yet proven
    narrow: bool = False  # a telephone: too little of the voice is left to doubt what has no clear pitch
    marks: deque[Mark] = field(default_factory=deque)
    _energies: deque[tuple[float, ...]] = field(default_factory=lambda: deque(maxlen=_HISTORY_FRAMES))
    _unit: _Unit | None = None
    _quiet_since: int | None = None  # refined end of voice while the probability is low
    _ended: int | None = None  # end of activity, until the unit is over
    _candidate: int | None = None  # refined onset of what is not announced yet
    _since: int = 0  # start of this activity
    _evidence: float = 0.0  # of speech, log odds
    _before: Samples = field(default_factory=lambda: np.zeros(FRAME_SAMPLES, np.float32))  # the frame before
    _covered_to: int = 0  # the other's voice was heard in this microphone up to here
    _last_mark: int = 0  # marks never go back in time
    _missing_from: int | None = None
    _missing_to: int = 0
    _lost: bool = False
    _hole: int | None = None  # from where nothing was heard of the speech that may still go on

    def step(
        self, frame: Frame, p: float | None, confidence: float = 1.0, own_db: tuple[float, ...] | None = None
    ) -> list[Annotation]:
        """``p`` is None where the frame was wholly missing; ``confidence`` is what the audio allows.

        ``own_db`` are the energies without the other's voice, where that covers this partner's; otherwise None.
        """
        if own_db is not None:
            self._covered_to = frame.end
        self._energies.append(frame.energies_db if own_db is None else own_db)
        if frame.missing or self._missing_from is not None or self._lost:
            self._follow_missing(frame)
        if p is None or (frame.missing and self.active):
            self._bridge(frame)
            return self._close_unit(frame.end, confidence)
        out: list[Annotation] = []
        self.levels.hear(frame.mean_db, p, self.settings)
        self._gather(frame, p)
        if self._unit is not None and self.active:
            self._unit.p_sum += p
            self._unit.frames += 1
        if self.active:
            self._watch_end(frame, p)
        elif p >= self.settings.on and not self._lost:
            out += self._watch_onset(frame, p, confidence)
        else:
            self._candidate = None
        if self.active and self._unit is not None and not self._unit.proven:
            self._prove(self._unit, frame.mean_db)
        self._before = frame.samples
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

    def _follow_missing(self, frame: Frame) -> None:
        """Marks where missing audio begins and ends, once it is more than a packet or two."""
        for span in frame.missing:
            if self._missing_from is None or span.start != self._missing_to:
                self._missing_from, self._lost = span.start, False
            self._missing_to = span.end
            if not self._lost and span.end - self._missing_from >= self.settings.hold_samples:
                self._lost = True
                self._mark(self._missing_from, "missing", True)
                if not self.active:
                    self._candidate, self._evidence = None, 0.0
                    self.voicing.forget()
        if self._missing_to < frame.end:
            if self._lost:
                self._mark(self._missing_to, "missing", False)
            self._missing_from, self._lost = None, False

    def _bridge(self, frame: Frame) -> None:
        """Speech goes on through a hole, a little less certain, if it is still there soon enough behind it."""
        if not self.active or self._unit is None:
            return
        self._unit.frames += 1
        if self._hole is None:
            self._hole = frame.missing[0].start
        if self._quiet_since is not None and frame.end - self._quiet_since >= self.settings.hang_samples:
            self._end_activity(self._quiet_since)
        elif frame.end - self._hole >= self.settings.bridge_samples:
            self._end_activity(self._hole)

    def _gather(self, frame: Frame, p: float) -> None:
        s = self.settings
        if p < s.on and not self._evidence:
            return  # there is no less evidence than none
        voiced = False
        if p >= s.on and (self._unit is None or not self._unit.proven):
            voiced = self.voicing.hear(np.concatenate([self._before, frame.samples]), s.voicing)
        p = min(max(p, 1e-3), 1.0 - 1e-3)
        step = math.log(p / (1.0 - p)) - self._doubt(voiced)
        self._evidence = max(0.0, self._evidence + min(max(step, -s.most_evidence), s.most_evidence))
        if not self._evidence:
            self.voicing.forget()

    def _doubt(self, voiced: bool) -> float:
        """What a frame's log odds are lowered by; ``voiced`` where it has a pitch as adults' speech has."""
        s = self.settings
        if self.levels.knows_voice(s):
            return s.voiced_doubt if voiced else s.doubt
        return s.voiced_stranger_doubt if voiced else s.stranger_doubt

    def _prove(self, unit: _Unit, frame_db: float) -> None:
        """Speech is known to be speech: the turn detector is told where it began, or as far back as may be."""
        s, levels = self.settings, self.levels
        near = levels.knows_voice(s) and frame_db >= levels.speech_db - s.far_db
        familiar = near or self.voicing.adult(s.voicing)
        needed = (s.proof if familiar else s.stranger_proof) + self.voicing.doubt(s.voicing, self.narrow)
        if self._evidence >= needed:
            unit.proven = True
            self.voicing.learn(s.voicing)
            self._mark(self._since, "active", True)

    def _watch_onset(self, frame: Frame, p: float, confidence: float) -> list[Annotation]:
        if self._candidate is None:
            self._candidate = self._refined_onset(frame)
        paused = self._ended is not None and frame.start - self._ended < self.settings.ipu_gap_samples
        resumes = paused and self._unit is not None and self._unit.proven  # a voice that paused needs no new evidence
        if self._evidence < self.settings.announce and not resumes:
            return []
        start = self._candidate
        if (
            self._unit is not None and self._ended is not None and self._covered
        ):  # what is fainter than the other's voice is no pause
            bridged = self._ended + self.settings.ipu_gap_samples - SUB_SAMPLES
            start = min(start, bridged) if bridged >= self.fed else start
        start = self._since = max(start, self.fed, self._last_mark)
        self._candidate, self.active, self._quiet_since = None, True, None
        if self._unit is not None and self._ended is not None:
            if start - self._ended < self.settings.ipu_gap_samples:
                self._ended = None
                if self._unit.proven:
                    self._mark(start, "active", True)
                return []  # a short gap: the same unit goes on
            out = self._close_unit(frame.end, confidence, always=True)
        else:
            out = []
        self._unit = _Unit(start, p, 1)
        return [*out, self._annotation("open", Span(self._unit.start, frame.end), frame.end, p * confidence)]

    def _watch_end(self, frame: Frame, p: float) -> None:
        if p >= self.settings.off:
            self._quiet_since = self._hole = None
            return
        if self._quiet_since is None:
            self._quiet_since = self._refined_end(frame)
            if self._hole is not None and self._hole <= self._quiet_since <= self._missing_to:
                self._quiet_since = self._hole  # it ended somewhere in there
        if frame.end - max(self._quiet_since, self._missing_to) >= self.settings.hang_samples:
            self._end_activity(self._quiet_since)

    def _end_activity(self, at: int) -> None:
        self._ended = max(at, self._since)
        if self._unit is not None and self._unit.proven:
            self._mark(at, "active", False)
            if at != self._hole:  # from there on the turn detector was told that nothing is known
                self._ended = self._last_mark
        self.active, self._quiet_since, self._hole, self._evidence = False, None, None, 0.0
        self.voicing.forget()

    def _close_unit(self, now: int, confidence: float, always: bool = False) -> list[Annotation]:
        if self._unit is None or self._ended is None:
            return []
        patience = self.settings.feed_delay_samples if self._covered else 0  # as far as a start may yet be moved back
        if not always and now - self._ended < self.settings.ipu_gap_samples + patience:
            return []
        unit, ended = self._unit, max(self._ended, self._unit.start)
        self._unit = self._ended = None
        if not unit.proven:
            self._last_mark = max(self._last_mark, unit.start + RETRACTED_SAMPLES)  # no other has its start
            return [self._annotation("final", Span(unit.start, unit.start + RETRACTED_SAMPLES), now, 0.0)]
        return [self._annotation("final", Span(unit.start, ended), now, unit.confidence * confidence)]

    @property
    def _covered(self) -> bool:
        """The other's voice is heard in this microphone since activity ended."""
        return self._ended is not None and self._covered_to > self._ended

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
        """Where energy came back to the floor: the last loud sub-frame of this frame and those before.

        The model goes on for two or three frames after a voice; where it falls silent in noise, energy cannot tell.
        """
        recent = [db for energies in list(self._energies)[-self.settings.end_lookback_frames :] for db in energies]
        threshold = self.levels.voice_db(self.settings)
        loud = [i for i, db in enumerate(recent) if db >= threshold]
        if not loud:
            return frame.end - len(recent) * SUB_SAMPLES
        return min(frame.end - (len(recent) - 1 - loud[-1]) * SUB_SAMPLES, frame.start)

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
        unit = self._unit
        return {
            "fed": self.fed,
            "active": self.active,
            "levels": [self.levels.floor_db, self.levels.speech_db, self.levels.known, self.levels.voiced_frames],
            "marks": [list(mark) for mark in self.marks],
            "energies": [list(energies) for energies in self._energies],
            "unit": [unit.start, unit.p_sum, unit.frames, unit.proven] if unit else None,
            "quiet_since": self._quiet_since,
            "ended": self._ended,
            "onset": [self._candidate, self._since, self._evidence],
            "voicing": dataclasses.asdict(self.voicing),
            "before": pack(self._before),
            "last_mark": self._last_mark,
            "covered_to": self._covered_to,
            "missing": [self._missing_from, self._missing_to, self._lost, self._hole],
        }

    @classmethod
    def restore(cls, session: str, speaker: Speaker, settings: VadSettings, saved: dict[str, Any]) -> VoiceActivity:
        levels = Levels(*saved["levels"])
        voice = cls(session, speaker, settings, saved["fed"], saved["active"], levels, Voicing(**saved["voicing"]))
        voice.marks.extend((at, what, on) for at, what, on in saved["marks"])
        voice._energies.extend(tuple(energies) for energies in saved["energies"])
        voice._unit = _Unit(*saved["unit"]) if saved["unit"] else None
        voice._quiet_since, voice._ended = saved["quiet_since"], saved["ended"]
        voice._candidate, voice._since, voice._evidence = saved["onset"]
        voice._before = unpack(saved["before"])
        voice._last_mark = saved["last_mark"]
        voice._covered_to = saved["covered_to"]
        voice._missing_from, voice._missing_to, voice._lost, voice._hole = saved["missing"]
        return voice
