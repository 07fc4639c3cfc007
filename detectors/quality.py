"""How far one partner's audio can be trusted: one annotation a condition, and a factor for confidences."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

from detectors.frames import Frame
from detectors.pitch import FFT_SAMPLES, Floats
from detectors.settings import FRAME_SAMPLES, QualitySettings
from detectors.vad import Levels
from streaming.ids import event_id
from streaming.types import SAMPLE_RATE_HZ, Annotation, Kind, Span, Speaker, Status

DETECTOR = "quality@1"
Reason: TypeAlias = Literal["clipping", "noisy", "narrow_band", "muted", "gain_control", "bleed"]
_BIN_HZ = SAMPLE_RATE_HZ / FFT_SAMPLES


@dataclass(slots=True)
class _Condition:
    """Hysteresis over blocks."""

    present: int = 0  # blocks in a row
    absent: int = 0
    first: int = 0  # start of the first block of the row
    last: int = 0  # end of the last block that had it
    open_from: int | None = None


@dataclass(slots=True)
class Quality:
    """One partner's conditions, judged each half second."""

    session: str
    speaker: Speaker
    settings: QualitySettings
    conditions: dict[str, _Condition] = field(default_factory=dict)
    _frames: int = 0
    _clipped: int = 0
    _loudest: float = 0.0
    _heard: int = 0  # frames that were not missing
    _bled: int = 0  # frames taken by the other partner's voice
    trust: float = field(default=1.0, init=False)  # 0 to 1: what confidences are multiplied by

    def __post_init__(self) -> None:
        self._weigh()

    def hear(self, frame: Frame, levels: Levels, bleeding: bool = False, controlled: bool = False) -> list[Annotation]:
        """``bleeding``: the voice in it is the other partner's; ``controlled``: the gain follows the voice."""
        s = self.settings
        self._frames += 1
        if not frame.missing:
            self._heard += 1
            self._loudest = max(self._loudest, frame.peak)
            if frame.peak >= s.clip_level:
                self._clipped += int((np.abs(frame.samples) >= s.clip_level).sum())
            self._bled += bleeding
        if self._frames < s.block_frames:
            return []
        block = Span(frame.end - s.block_frames * FRAME_SAMPLES, frame.end)
        out: list[Annotation] = []
        if self._heard >= s.block_frames // 2:
            spoken = self._loudest > 10 ** (levels.floor_db / 20.0) * 4.0
            if spoken:
                out += self._judge("clipping", self._clipped > s.clip_share * self._heard * FRAME_SAMPLES, block)
                out += self._judge("noisy", levels.known and levels.speech_db - levels.floor_db < s.noisy_db, block)
            out += self._judge("muted", self._loudest < 10 ** (s.muted_db / 20.0), block, s.muted_blocks)
            out += self._judge("gain_control", controlled, block, 1)  # phrases have proven it already
            out += self._judge("bleed", self._bled * 4 > self._heard, block)
        self._frames = self._clipped = self._heard = self._bled = 0
        self._loudest = 0.0
        return out

    def hear_spectrum(self, spectrum: Floats, span: Span) -> list[Annotation]:
        """Mean power spectrum (641,) of half a second of own speech."""
        low = float(spectrum[int(300 / _BIN_HZ) : int(3400 / _BIN_HZ)].sum()) + 1e-9
        high = float(spectrum[int(4200 / _BIN_HZ) : int(7000 / _BIN_HZ)].sum()) + 1e-12
        narrow = 10.0 * np.log10(high / low) < self.settings.narrow_db
        return self._judge("narrow_band", bool(narrow), span)

    def _weigh(self) -> None:
        s = self.settings
        factor = {
            "clipping": s.trust_clipping,
            "noisy": s.trust_noisy,
            "narrow_band": s.trust_narrow_band,
            "muted": 0.0,
            "gain_control": s.trust_gain_control,
            "bleed": s.trust_bleed,
        }
        self.trust = 1.0
        for reason, condition in self.conditions.items():
            if condition.open_from is not None:
                self.trust *= factor[reason]

    def flush(self, now: int) -> list[Annotation]:
        return [
            self._close(reason, condition, now)
            for reason, condition in self.conditions.items()
            if condition.open_from is not None
        ]

    def _judge(self, reason: Reason, present: bool, block: Span, start_blocks: int = 0) -> list[Annotation]:
        if reason not in self.conditions:
            if not present:
                return []
            self.conditions[reason] = _Condition()
        condition = self.conditions[reason]
        if present:
            if not condition.present:
                condition.first = block.start
            condition.present, condition.absent, condition.last = condition.present + 1, 0, block.end
        else:
            condition.absent, condition.present = condition.absent + 1, 0
        if condition.open_from is None and condition.present >= (start_blocks or self.settings.start_blocks):
            condition.open_from = condition.first
            self._weigh()
            return [self._annotation("open", reason, Span(condition.first, block.end), block.end)]
        if condition.open_from is not None and condition.absent >= self.settings.end_blocks:
            return [self._close(reason, condition, block.end)]
        return []

    def _close(self, reason: str, condition: _Condition, now: int) -> Annotation:
        start = condition.open_from if condition.open_from is not None else condition.first
        condition.open_from = None
        self._weigh()
        return self._annotation("final", reason, Span(start, condition.last), now)

    def _annotation(self, status: Status, reason: str, span: Span, now: int) -> Annotation:
        return Annotation(
            id=event_id(self.session, DETECTOR, reason, self.speaker, span.start),
            session=self.session,
            kind=Kind.QUALITY,
            status=status,
            span=span,
            decided=now,
            detector=DETECTOR,
            by=self.speaker,
            reason=reason,
        )

    def save(self) -> dict[str, Any]:
        return {
            "conditions": {
                reason: [c.present, c.absent, c.first, c.last, c.open_from] for reason, c in self.conditions.items()
            },
            "block": [self._frames, self._clipped, self._loudest, self._heard, self._bled],
        }

    @classmethod
    def restore(cls, session: str, speaker: Speaker, settings: QualitySettings, saved: dict[str, Any]) -> Quality:
        conditions = {reason: _Condition(*numbers) for reason, numbers in saved["conditions"].items()}
        return cls(session, speaker, settings, conditions, *saved["block"])
