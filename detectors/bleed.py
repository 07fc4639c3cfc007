"""Whose voice is it: the other partner's, heard by this microphone, is not this partner's speech.

Where both microphones seem to hold speech, their last quarter second is compared. A voice that
reaches both leaves a sharp peak in the whitened cross-correlation, on the side of the microphone
that hears it later; two people at once leave two peaks, one on either side; two rooms leave none.
Whitening after Knapp and Carter, "The generalized correlation method for estimation of time delay"
(1976), not carried through, so that empty bands count for less.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from detectors.echo import EchoPath, Microphone, tell_apart
from detectors.frames import Frame
from detectors.packing import pack, unpack
from detectors.settings import FRAME_SAMPLES, BleedSettings
from streaming.types import SAMPLE_RATE_HZ, Samples, Speaker

_FRAMES = 8
_WINDOW = _FRAMES * FRAME_SAMPLES  # 256 ms
_LAG_RATE_HZ = SAMPLE_RATE_HZ // 2  # nothing over 4 kHz is compared
_BINS = _WINDOW // 4 + 1
_WHITEN = 0.75  # 1 would be the phase alone


@dataclass(slots=True)
class _Path:
    """From the other's mouth to this partner's microphone."""

    peak: float = 0.0  # smoothed, of the voice that came this way, 0 to 1
    gain_db: float = 0.0  # level here less level there, while only bleed was heard
    heard: float = 0.0  # frames that taught the gain
    p: float = 0.0  # probability of speech in this microphone, now or just before
    echo: EchoPath = field(default_factory=EchoPath)  # once bleed was heard


class BleedGuard:
    """Keeps both microphones' last quarter second. ``judge`` once a frame."""

    def __init__(self, settings: BleedSettings) -> None:
        self.settings = settings
        self._recent = {speaker: _frames(np.zeros(_WINDOW, np.float32)) for speaker in Speaker}
        self._microphones = {speaker: Microphone() for speaker in Speaker}
        self._paths = {speaker: _Path() for speaker in Speaker}
        self._own_db: dict[Speaker, tuple[float, ...]] = {}  # of the frame just judged, where the way is known
        self._together = 0  # frames in a row in which both seemed to speak
        self._apart = 0  # frames in a row in which they did not

    def judge(self, frames: dict[Speaker, Frame], p: dict[Speaker, float]) -> frozenset[Speaker]:
        """The partners whose microphone holds the other's voice alone. ``p`` is 0 where audio is missing."""
        for speaker, frame in frames.items():
            self._recent[speaker].append(frame.samples)
        self._own_db = {}
        to_a, to_b = self._paths.values()
        if to_a.echo.learnt or to_a.heard or to_b.echo.learnt or to_b.heard:
            for speaker, microphone in self._microphones.items():
                recent = self._recent[speaker]
                microphone.take(np.concatenate([recent[-2], recent[-1]]))
        for speaker, path in self._paths.items():
            path.p = max(p[speaker], path.p * self.settings.p_fade)  # a voice rings on in the other microphone
        if min(to_a.p, to_b.p) < self.settings.seems_speech:
            self._together = 0
            self._apart += 1
            if self._apart == self.settings.rest_frames:
                to_a.echo.rest()
                to_b.echo.rest()
            return frozenset()
        if self._together % self.settings.every_frames == 0:
            self._compare(max(frame.uncertainty for frame in frames.values()))
        self._together += 1
        self._apart = 0
        a, b = (path.echo if path.echo.known(self.settings) else None for path in (to_a, to_b))
        if a or b:
            tell_apart(self._microphones[Speaker.A], self._microphones[Speaker.B], a, b)
        return frozenset(s for s, frame in frames.items() if p[s] > 0.0 and self._bleeds(s, frame))

    def own_db(self, speaker: Speaker) -> tuple[float, ...] | None:
        """Energies of the frame just judged as far as they are this partner's own; None where nothing covers them."""
        return self._own_db.get(speaker)

    def _compare(self, uncertainty: int) -> None:
        s = self.settings
        correlation, zero = self._correlation()
        at = int(correlation.argmax())
        late = at - zero  # of a's microphone, at 8 kHz
        levels_db = {speaker: self._level_db(speaker) for speaker in Speaker}
        if abs(late) > (uncertainty + s.same_time_samples) // 2:
            later = Speaker.A if late > 0 else Speaker.B
        else:  # who is later cannot be told: the weaker, if it is much weaker
            later = Speaker.A if levels_db[Speaker.A] < levels_db[Speaker.B] else Speaker.B
        beside = s.peak_samples // 2
        other_way = correlation[: max(0, at - beside)] if later is Speaker.A else correlation[at + beside :]
        found = {later: float(correlation[at]), later.other: float(other_way.max(initial=0.0))}
        if abs(levels_db[Speaker.A] - levels_db[Speaker.B]) < s.weaker_db and abs(late) * 2 <= uncertainty:
            found[later] = 0.0
        share = s.peak_share if self._together else 1.0
        for speaker, path in self._paths.items():
            path.peak += share * (found[speaker] - path.peak)

    def _bleeds(self, speaker: Speaker, frame: Frame) -> bool:
        """By the comparison; once the way from there to here is known, by what it leaves unexplained."""
        s, path = self.settings, self._paths[speaker]
        echo = path.echo
        seems = self._seems_bleed(speaker)
        if not seems and not echo.learnt:
            return False
        left_db = echo.hear(self._microphones[speaker], self._microphones[speaker.other], seems, s)
        if echo.useless(s):  # what seemed to be bleed was chance: two people who often speak at once
            path.heard, path.echo = 0.0, EchoPath()
            return False
        if not echo.known(s):
            return seems
        self._own_db[speaker] = tuple((np.asarray(frame.energies_db) + 2.0 * echo.own_share_db).tolist())
        return echo.is_bleed(left_db, s)

    def _seems_bleed(self, speaker: Speaker) -> bool:
        s, here, there = self.settings, self._paths[speaker], self._paths[speaker.other]
        apart_db = self._level_db(speaker) - self._level_db(speaker.other)
        known = here.heard >= s.gain_frames
        if known and there.heard >= s.gain_frames and self._together <= s.onset_frames:
            return apart_db < (here.gain_db - there.gain_db) / 2  # too little was heard yet to compare more than level
        if known and apart_db > here.gain_db + s.over_bleed_db:
            return False  # louder than the bleed has ever been: own voice on top of it
        if here.peak >= s.least_peak and here.peak >= s.dominance * there.peak:
            here.heard = min(here.heard + 1.0, s.gain_memory_frames)
            here.gain_db += (apart_db - here.gain_db) / here.heard
            return True
        if not known:
            here.heard = max(0.0, here.heard - s.chance_share)
        return known and there.peak < s.least_peak  # no sign of an own voice over there

    def _window(self, speaker: Speaker) -> Samples:
        return np.concatenate(self._recent[speaker])

    def _level_db(self, speaker: Speaker) -> float:
        samples = self._window(speaker)
        return float(10.0 * np.log10(np.dot(samples, samples) / _WINDOW + 1e-10))

    def _correlation(self) -> tuple[Samples, int]:
        """Lags of a's microphone behind b's at 8 kHz, 0 to 1 for a pure delay; and the place of lag 0."""
        a, b = (np.fft.rfft(self._window(speaker))[:_BINS] for speaker in Speaker)
        cross = a * np.conj(b)
        white = cross / (np.abs(cross) ** _WHITEN + np.float32(1e-9))
        low, high = (int(hz * _WINDOW / SAMPLE_RATE_HZ) for hz in (200, 3600))
        white[:low] = white[high:] = 0.0
        total = float(np.abs(white).sum()) + 1e-12
        lags = np.fft.irfft(white, _WINDOW // 2) * (_WINDOW // 4 / total)
        reach = self.settings.latest_samples // 2
        return np.concatenate([lags[-reach:], lags[: reach + 1]]).astype(np.float32), reach

    def save(self) -> dict[str, Any]:
        return {
            "recent": {speaker.value: pack(self._window(speaker)) for speaker in Speaker},
            "kept": {speaker.value: pack(x.kept) for speaker, x in self._microphones.items()},
            "paths": {speaker.value: [x.peak, x.gain_db, x.heard, x.p] for speaker, x in self._paths.items()},
            "echoes": {speaker.value: x.echo.save() for speaker, x in self._paths.items() if x.echo.learnt},
            "rows": [self._together, self._apart],
        }

    @classmethod
    def restore(cls, settings: BleedSettings, saved: dict[str, Any]) -> BleedGuard:
        guard = cls(settings)
        guard._recent = {speaker: _frames(unpack(saved["recent"][speaker.value])) for speaker in Speaker}
        guard._microphones = {speaker: Microphone.restore(unpack(saved["kept"][speaker.value])) for speaker in Speaker}
        guard._paths = {speaker: _Path(*saved["paths"][speaker.value]) for speaker in Speaker}
        for name, echo in saved["echoes"].items():
            guard._paths[Speaker(name)].echo = EchoPath.restore(echo)
        guard._together, guard._apart = saved["rows"]
        return guard


def _frames(recent: Samples) -> deque[Samples]:
    return deque(recent.reshape(_FRAMES, FRAME_SAMPLES), maxlen=_FRAMES)
