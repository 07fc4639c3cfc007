"""Whether what the detectors say can be trusted just now: poor audio means no cue."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from coach.settings import CoachSettings
from streaming.types import Annotation, Happening, Kind, Speaker
from streaming.wire import samples


class Harm(StrEnum):
    """What a condition of one microphone spoils."""

    ALL = "all"
    AROUSAL = "arousal"  # of the partner at that microphone
    TIMING = "timing"


# Every other reason, known or not, spoils all: abstain first.
_HARMS: dict[str, Harm | None] = {
    # A phone's band and automatic gain are the arousal detector's own concern: it lowers its confidence.
    "narrow_band": None,
    "gain_control": None,
    "clipping": Harm.AROUSAL,  # people still speak when they speak, but sound otherwise
    "muted": Harm.TIMING,  # perhaps only a listener behind a noise gate: the other's voice is as good as ever
}


@dataclass
class Hearing:
    """Poor audio as reported, a partner. An ``open`` report lasts until its ``final`` one."""

    _running: dict[str, tuple[Speaker, Harm]] = field(default_factory=dict)  # by report id and partner
    _reported: dict[Speaker, dict[Harm, int]] = field(default_factory=lambda: {s: {} for s in Speaker})  # last, samples
    _lost: dict[Speaker, bool] = field(default_factory=lambda: dict.fromkeys(Speaker, False))

    def observe(self, quality: Annotation, settings: CoachSettings) -> None:
        if quality.kind is not Kind.QUALITY or quality.confidence < settings.min_confidence:
            return
        harm = _HARMS.get(quality.reason or "", Harm.ALL)
        if harm is None:
            return
        for speaker in [quality.by] if quality.by else list(Speaker):
            self._note(speaker, harm, max(quality.decided, quality.span.end))
            key = f"{quality.id}:{speaker}"
            if quality.status == "open":
                self._running[key] = (speaker, harm)
            else:
                self._running.pop(key, None)

    def happened(self, happening: Happening, now: int) -> None:
        if happening.kind not in ("media_lost", "media_back") or happening.by not in ("a", "b"):
            return
        speaker = Speaker(happening.by)
        self._lost[speaker] = happening.kind == "media_lost"
        self._note(speaker, Harm.ALL, now)

    def anything(self, now: int, settings: CoachSettings) -> bool:
        """Whether anything at all can be trusted: both partners connected, and no noise or bleed."""
        return not any(self._lost.values()) and not any(self._poor(s, Harm.ALL, now, settings) for s in Speaker)

    def timing(self, now: int, settings: CoachSettings) -> bool:
        """Whether the times of both partners' speech can be trusted too."""
        return not any(self._poor(s, Harm.TIMING, now, settings) for s in Speaker)

    def arousal(self, speaker: Speaker, now: int, settings: CoachSettings) -> bool:
        """Whether this partner's arousal can be trusted too."""
        return not self._poor(speaker, Harm.AROUSAL, now, settings)

    def _note(self, speaker: Speaker, harm: Harm, at: int) -> None:
        self._reported[speaker][harm] = max(self._reported[speaker].get(harm, 0), at)

    def _poor(self, speaker: Speaker, harm: Harm, now: int, settings: CoachSettings) -> bool:
        if (speaker, harm) in self._running.values():
            return True
        reported = self._reported[speaker].get(harm)
        return reported is not None and now - reported < samples(settings.poor_audio_s)
