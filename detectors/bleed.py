"""Whose voice is it: the other partner's, heard by this microphone, is not this partner's speech.

Where both microphones seem to hold speech, their last quarter second is compared. A voice that
reaches both leaves a sharp peak in the whitened cross-correlation, on the side of the microphone
that hears it later; two people at once leave two peaks, one on either side; two rooms leave none.
Whitening after Knapp and Carter, "The generalized correlation method for estimation of time delay"
(1976), not carried through, so that empty bands count for less.

That is how the way from the one to the other is found; where one partner speaks alone it is listened for, too,
for faint bleed seems no speech until it follows own speech. Once the way is known, sound alone tells bleed, before the
model is asked: what it does not hear it can neither take for speech nor get used to.
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
_SILENCE = np.zeros(FRAME_SAMPLES, np.float32)


@dataclass(slots=True)
class _Path:
    """From the other's mouth to this partner's microphone."""

    peak: float = 0.0  # smoothed, of the voice that came this way, 0 to 1
    gain_db: float = 0.0  # level here less level there, while only bleed was heard
    heard: float = 0.0  # frames that taught the gain
    p: float = 0.0  # probability of speech in this microphone, now or just before
    alone: int = 0  # frames in a row that held nothing else
    echo: EchoPath = field(default_factory=EchoPath)  # once bleed was heard


class BleedGuard:
    """Keeps both microphones' last quarter second. ``look``, then ``judge``, once a frame."""

    def __init__(self, settings: BleedSettings) -> None:
        self.settings = settings
        self._recent = {speaker: _frames(np.zeros(_WINDOW, np.float32)) for speaker in Speaker}
        self._microphones = {speaker: Microphone() for speaker in Speaker}
        self._paths = {speaker: _Path() for speaker in Speaker}
        self._own_db: dict[Speaker, tuple[float, ...]] = {}  # of the frame just judged, where the way is known
        self._together = 0  # frames in a row in which both seemed to speak
        self._apart = 0  # frames in a row in which neither did
        self._waited = 0  # frames since the last comparison
        self._explained: dict[Speaker, bool] = {}  # the frame last looked at, where the way is known

    def look(self, frames: dict[Speaker, Frame]) -> dict[Speaker, Samples]:
        """What the model is to hear (512,) instead of what the microphones heard, where the other's voice is in there.

        Where for a while now there was nothing else: silence.
        """
        for speaker, frame in frames.items():
            self._recent[speaker].append(frame.samples)
        self._own_db, self._explained = {}, {}
        if not any(path.heard or path.echo.learnt for path in self._paths.values()):
            return {}
        for speaker, microphone in self._microphones.items():
            recent = self._recent[speaker]
            microphone.take(np.concatenate([recent[-2], recent[-1]]))
        known = {speaker: path for speaker, path in self._paths.items() if path.echo.known(self.settings)}
        if known:
            ways = (known[speaker].echo if speaker in known else None for speaker in Speaker)
            tell_apart(self._microphones[Speaker.A], self._microphones[Speaker.B], *ways)
        return {speaker: self._own_of(frames[speaker], speaker, path) for speaker, path in known.items()}

    def _own_of(self, frame: Frame, speaker: Speaker, path: _Path) -> Samples:
        """The frame without what came the known ``path``; silence where that was all for a while."""
        s, here, there = self.settings, self._microphones[speaker], self._microphones[speaker.other]
        left_db = path.echo.hear(here, there, self._paths[speaker.other].p >= s.seems_speech, s)
        self._explained[speaker] = path.echo.is_bleed(left_db, s)
        path.alone = path.alone + 1 if self._explained[speaker] else 0
        return _SILENCE if path.alone > s.cover_frames else frame.samples - path.echo.echo

    def judge(self, frames: dict[Speaker, Frame], p: dict[Speaker, float]) -> frozenset[Speaker]:
        """The partners whose microphone holds the other's voice alone.

        ``p`` is what the model said of the frames looked at, 0 where it was not asked.
        """
        s = self.settings
        for speaker, path in self._paths.items():
            path.p = max(p[speaker], path.p * s.p_fade)  # a voice rings on in the other microphone
        over = [speaker for speaker in Speaker if self._paths[speaker.other].p >= s.seems_speech]
        self._together = self._together + 1 if len(over) == 2 else 0
        self._apart = 0 if over else self._apart + 1
        if self._apart == s.rest_frames:
            for path in self._paths.values():
                path.echo.rest()
        bleeding = {speaker for speaker, explained in self._explained.items() if explained}
        unknown = [speaker for speaker in over if speaker not in self._explained]
        if unknown and self._listens(frames, unknown):
            bleeding |= {x for x in unknown if self._bleeds(x) and self._together and p[x] > 0.0}
        for speaker in over:
            if speaker in self._explained:
                share_db = self._paths[speaker].echo.own_share_db
                self._own_db[speaker] = tuple((np.asarray(frames[speaker].energies_db) + 2.0 * share_db).tolist())
        return frozenset(bleeding)

    def own_db(self, speaker: Speaker) -> tuple[float, ...] | None:
        """Energies of the frame just judged as far as they are this partner's own; None where nothing covers them."""
        return self._own_db.get(speaker)

    def _listens(self, frames: dict[Speaker, Frame], unknown: list[Speaker]) -> bool:
        """Compares where it is due. False where there is nothing to judge by."""
        s = self.settings
        likely = bool(self._together) or any(self._paths[speaker].heard for speaker in unknown)
        self._waited += 1
        if self._together != 1 and self._waited < (s.every_frames if likely else s.listen_frames):
            return likely
        self._waited = 0
        if not likely and all(frames[x].mean_db < frames[x.other].mean_db - s.faintest_db for x in unknown):
            return False
        self._compare(max(frame.uncertainty for frame in frames.values()))
        return True

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
        share = s.peak_share if self._together > 1 else 1.0
        for speaker, path in self._paths.items():
            path.peak += share * (found[speaker] - path.peak)

    def _bleeds(self, speaker: Speaker) -> bool:
        """By the comparison. The way from there to here is learnt meanwhile."""
        s, path = self.settings, self._paths[speaker]
        echo = path.echo
        seems = self._seems_bleed(speaker)
        if not seems and not echo.learnt:
            return False
        echo.hear(self._microphones[speaker], self._microphones[speaker.other], seems, s)
        if echo.useless(s):  # what seemed to be bleed was chance: two people who often speak at once
            path.heard, path.echo = 0.0, EchoPath()
            return False
        return seems

    def _seems_bleed(self, speaker: Speaker) -> bool:
        s, here, there = self.settings, self._paths[speaker], self._paths[speaker.other]
        apart_db = self._level_db(speaker) - self._level_db(speaker.other)
        known = here.heard >= s.gain_frames
        if known and apart_db > here.gain_db + s.over_bleed_db:
            return False  # louder than the bleed has ever been: own voice on top of it
        if known and there.heard >= s.gain_frames and 0 < self._together <= s.onset_frames:
            return apart_db < (here.gain_db - there.gain_db) / 2  # too little was heard yet to compare more than level
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
            "paths": {speaker.value: [x.peak, x.gain_db, x.heard, x.p, x.alone] for speaker, x in self._paths.items()},
            "echoes": {speaker.value: x.echo.save() for speaker, x in self._paths.items() if x.echo.learnt},
            "rows": [self._together, self._apart, self._waited],
        }

    @classmethod
    def restore(cls, settings: BleedSettings, saved: dict[str, Any]) -> BleedGuard:
        guard = cls(settings)
        guard._recent = {speaker: _frames(unpack(saved["recent"][speaker.value])) for speaker in Speaker}
        guard._microphones = {speaker: Microphone.restore(unpack(saved["kept"][speaker.value])) for speaker in Speaker}
        guard._paths = {speaker: _Path(*saved["paths"][speaker.value]) for speaker in Speaker}
        for name, echo in saved["echoes"].items():
            guard._paths[Speaker(name)].echo = EchoPath.restore(echo)
        guard._together, guard._apart, guard._waited = saved["rows"]
        return guard


def _frames(recent: Samples) -> deque[Samples]:
    return deque(recent.reshape(_FRAMES, FRAME_SAMPLES), maxlen=_FRAMES)
