"""Whether a microphone's gain follows the voice, as browsers' automatic gain control has it.

A gain that makes phrases equally loud makes the pauses between them unequal: where somebody spoke up the room
gets quieter, where somebody spoke softly it gets louder. So over the last phrases the level of speech varies much
less than its distance from the room, while with a fixed gain both vary alike. In a room that changes by itself the
distance varies, too, but the level goes on varying as voices do. An editor who brings each recording
to the same peak leaves another trace: peaks that hardly differ at all. Either way level says nothing of the voice.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from detectors.frames import Frame
from detectors.settings import GainSettings


@dataclass(slots=True)
class GainWatch:
    """One microphone's last phrases."""

    settings: GainSettings
    controlled: bool = False
    _phrases: deque[tuple[float, float, float | None]] = field(default_factory=deque)  # level, peak and room, dB
    _levels: list[float] = field(default_factory=list)  # of this phrase's frames
    _peak: float = 0.0
    _pause: int = 0  # frames since it ended
    _room_db: float = 0.0  # mean over those of them that are quiet
    _room_frames: int = 0

    def hear(self, frame: Frame, active: bool, p: float) -> None:
        """``p`` is the model's probability of speech, of anybody's."""
        s = self.settings
        if active:
            if self._pause:
                self._close()
            if p >= s.voice_p and len(self._levels) < s.most_frames:
                self._levels.append(frame.mean_db)
                self._peak = max(self._peak, frame.peak)
            return
        self._pause += 1
        frame_db = frame.mean_db
        if self._levels and s.ring_frames < self._pause < s.most_frames and p < s.room_p and frame_db > s.least_room_db:
            self._room_frames += 1
            self._room_db += (frame_db - self._room_db) / self._room_frames

    def _close(self) -> None:
        """The next phrase begins: what the last one and the pause after it said is kept."""
        s = self.settings
        if len(self._levels) >= s.least_frames:
            room_db = self._room_db if self._room_frames >= s.least_room_frames else None
            peak_db = 20.0 * float(np.log10(self._peak + 1e-9))
            self._phrases.append((float(np.quantile(self._levels, 0.8)), peak_db, room_db))
            if len(self._phrases) > s.phrases:
                self._phrases.popleft()
            self.controlled = self._evened() or self._equal_peaks()
        self._levels, self._peak, self._pause, self._room_db, self._room_frames = [], 0.0, 0, 0.0, 0

    def _evened(self) -> bool:
        s = self.settings
        pairs = np.array([(level, level - room) for level, _, room in self._phrases if room is not None])
        if len(pairs) < s.least_phrases:
            return False
        level_db, over_room_db = pairs.std(axis=0)
        even = level_db <= min(s.evened_db, s.evened_share * over_room_db)
        return bool(over_room_db >= s.least_spread_db and even)

    def _equal_peaks(self) -> bool:
        s = self.settings
        peaks = np.array([peak for _, peak, _ in self._phrases])
        return len(peaks) >= s.least_phrases and bool(
            np.mean(peaks > peaks.max() - s.same_peak_db) >= s.same_peak_share
        )

    def save(self) -> list[Any]:
        pause = [self._pause, self._room_db, self._room_frames]
        return [self.controlled, [list(phrase) for phrase in self._phrases], self._levels, self._peak, *pause]

    @classmethod
    def restore(cls, settings: GainSettings, saved: list[Any]) -> GainWatch:
        controlled, phrases, levels, peak, *pause = saved
        watch = cls(settings, controlled, deque((a, b, c) for a, b, c in phrases), levels, peak)
        watch._pause, watch._room_db, watch._room_frames = pause
        return watch
