"""All that is kept of one partner, and what one more frame of that partner's audio says."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.arousal import Arousal
from detectors.baseline import Baseline
from detectors.effort import Effort
from detectors.frames import Frame, FrameBuffer
from detectors.gain import GainWatch
from detectors.packing import pack, unpack
from detectors.prosody import Prosody, SpeechCollector
from detectors.quality import Quality
from detectors.settings import CONTEXT_SAMPLES, FRAME_SAMPLES, DetectorSettings
from detectors.silero import STATE_SHAPE
from detectors.vad import VoiceActivity
from streaming.types import Annotation, Samples, Speaker

WINDOW_SAMPLES = CONTEXT_SAMPLES + FRAME_SAMPLES


class Partner:
    """One microphone. The model's answer for a frame is fetched outside, for many at once."""

    def __init__(
        self,
        session: str,
        speaker: Speaker,
        settings: DetectorSettings,
        start: int,
        baseline: Mapping[str, Any] | None = None,
    ) -> None:
        self.settings = settings
        self.buffer = FrameBuffer(speaker, start)
        self.memory = np.zeros(STATE_SHAPE, np.float32)  # the model's, of this stream
        self.voice = VoiceActivity(session, speaker, settings.vad, start)
        self.collector = SpeechCollector(settings.prosody)
        own = Baseline.carried(baseline, settings.arousal) if baseline is not None else Baseline()
        self.arousal = Arousal(session, speaker, settings.arousal, own)
        self.quality = Quality(session, speaker, settings.quality)
        self.gain = GainWatch(settings.gain)
        self.effort = Effort()
        self.told_active = False  # as the turn detector was last told
        self.told_missing = False
        self._context = np.zeros(CONTEXT_SAMPLES, np.float32)
        self.shown: Samples | None = None  # to the model (512,) instead of the next frame
        self._lost_samples = 0  # in a row, up to now
        self._hushed_samples = 0  # likewise

    def asks(self, frame: Frame) -> bool:
        """Whether the model is to be asked. Not of missing audio, nor of what is too quiet for any voice."""
        s = self.settings.vad
        quiet = frame.loudest_db < s.hush_db or (self.shown is not None and not self.shown.any())
        self._hushed_samples = self._hushed_samples + FRAME_SAMPLES if quiet else 0
        hushed = self._hushed_samples >= s.hush_samples and not self.voice.active
        return not hushed and not frame.wholly_missing

    def window(self, frame: Frame) -> Samples:
        """What the model is to be asked of the frame: (576,)."""
        return np.concatenate([self._context, self._heard(frame)])

    def _heard(self, frame: Frame) -> Samples:
        return frame.samples if self.shown is None else self.shown

    def hear(
        self,
        frame: Frame,
        p: float,
        memory: NDArray[np.float32] | None,
        bleeding: bool,
        own_db: tuple[float, ...] | None = None,
    ) -> list[Annotation]:
        """Goes on by a frame with the model's answer. ``bleeding``: the voice in it is the other partner's.

        ``memory`` is the model's after it, None where it was not asked; it remembers what it did, then.
        ``own_db`` are its energies without the other's voice, None where that is not in it.
        """
        self.remember(frame, self.memory if memory is None else memory)
        narrow = self.quality.conditions.get("narrow_band")
        self.voice.narrow = narrow is not None and narrow.open_from is not None
        out = self.voice.step(frame, 0.0 if bleeding else p, self.quality.trust, own_db)
        point = self.prosody(frame, p, bleeding)
        if not bleeding:
            self.gain.hear(frame, self.voice.active, p)
        own = self.voice.active and not bleeding and p >= self.settings.vad.sure
        self.effort.hear(frame.mean_db, own)
        out += self.quality.hear(frame, self.voice.levels, bleeding, self.gain.controlled)
        if point is not None:
            out += self.quality.hear_spectrum(point.spectrum, point.span)
            out += self.arousal.hear(
                point, frame.end, self.quality.trust, self.voice.levels.floor_db, self.gain.controlled
            )
        return out

    def remember(self, frame: Frame, memory: NDArray[np.float32]) -> None:
        self._lost_samples = 0
        self.memory, self._context = memory, self._heard(frame)[-CONTEXT_SAMPLES:]

    def prosody(self, frame: Frame, p: float, bleeding: bool) -> Prosody | None:
        """A point, where this frame completes one. Frames with holes are left out."""
        s, whole = self.settings.vad, not frame.missing and not bleeding
        speaking = whole and self.voice.active and p >= s.clear
        quiet = whole and not self.voice.active and p < s.off
        return self.collector.hear(frame, speaking, quiet)

    @property
    def raised_db(self) -> float:
        """How far this partner's voice is over the usual; 0 where the level is not to be trusted."""
        trusted = self.quality.trust >= self.settings.turns.least_trust and not self.gain.controlled
        return self.effort.raised_db if trusted else 0.0

    def hear_nothing(self, frame: Frame) -> list[Annotation]:
        """A wholly missing frame leaves the model's memory as it was; half a second of them clears it."""
        self._lost_samples += FRAME_SAMPLES
        if self._lost_samples >= self.settings.vad.reset_samples:
            self.memory, self._context = np.zeros_like(self.memory), np.zeros_like(self._context)
        self.collector.hear(frame, speaking=False, quiet=False)
        return self.voice.step(frame, None, self.quality.trust) + self.quality.hear(frame, self.voice.levels)

    def save(self) -> dict[str, Any]:
        return {
            "buffer": self.buffer.save(),
            "memory": pack(self.memory),
            "context": pack(self._context),
            "in_a_row": [self._lost_samples, self._hushed_samples],
            "voice": self.voice.save(),
            "collector": self.collector.save(),
            "arousal": self.arousal.save(),
            "quality": self.quality.save(),
            "gain": self.gain.save(),
            "effort": dataclasses.asdict(self.effort),
            "told": [self.told_active, self.told_missing],
        }

    @classmethod
    def restore(cls, session: str, speaker: Speaker, settings: DetectorSettings, saved: dict[str, Any]) -> Partner:
        own = cls(session, speaker, settings, 0)
        own.buffer = FrameBuffer.restore(session, speaker, saved["buffer"])
        own.memory, own._context = unpack(saved["memory"]), unpack(saved["context"])
        own._lost_samples, own._hushed_samples = saved["in_a_row"]
        own.voice = VoiceActivity.restore(session, speaker, settings.vad, saved["voice"])
        own.collector = SpeechCollector.restore(settings.prosody, saved["collector"])
        own.arousal = Arousal.restore(session, speaker, settings.arousal, saved["arousal"])
        own.quality = Quality.restore(session, speaker, settings.quality, saved["quality"])
        own.gain = GainWatch.restore(settings.gain, saved["gain"])
        own.effort = Effort(**saved["effort"])
        own.told_active, own.told_missing = saved["told"]
        return own
