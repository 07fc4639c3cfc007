"""Whether what the detectors say can be trusted just now: poor audio means no cue."""

from __future__ import annotations

from typing import Any, Self

from coach.settings import CoachSettings
from streaming.types import Annotation, Happening, Kind, Speaker
from streaming.wire import samples

# A phone's band and automatic gain are the arousal detector's own concern: it lowers its confidence.
HARMLESS = frozenset({"narrow_band", "gain_control"})
# Clipping does not move the times at which people speak, but it distorts how they sound.
ONLY_AROUSAL = frozenset({"clipping"})


class Hearing:
    """Poor audio as reported, a partner. An ``open`` report lasts until its ``final`` one."""

    def __init__(self) -> None:
        self._running: dict[str, tuple[Speaker, bool]] = {}  # report id -> whose, and only arousal is touched
        self._until: dict[Speaker, int] = {Speaker.A: 0, Speaker.B: 0}
        self._arousal_until: dict[Speaker, int] = {Speaker.A: 0, Speaker.B: 0}
        self._lost: dict[Speaker, bool] = {Speaker.A: False, Speaker.B: False}

    def observe(self, quality: Annotation, settings: CoachSettings) -> None:
        if quality.kind is not Kind.QUALITY or quality.reason in HARMLESS:
            return
        if quality.confidence < settings.min_confidence:
            return
        only_arousal = quality.reason in ONLY_AROUSAL
        for speaker in [quality.by] if quality.by else list(Speaker):
            until = self._arousal_until if only_arousal else self._until
            until[speaker] = max(until[speaker], max(quality.decided, quality.span.end))
            if quality.status == "open":
                self._running[f"{quality.id}:{speaker}"] = (speaker, only_arousal)
            else:
                self._running.pop(f"{quality.id}:{speaker}", None)

    def happened(self, happening: Happening, now: int) -> None:
        if happening.kind not in ("media_lost", "media_back") or happening.by not in ("a", "b"):
            return
        speaker = Speaker(happening.by)
        self._lost[speaker] = happening.kind == "media_lost"
        self._until[speaker] = max(self._until[speaker], now)

    def timing(self, now: int, settings: CoachSettings) -> bool:
        """Whether the times of both partners' speech can be trusted."""
        if any(self._lost.values()) or any(not only for _, only in self._running.values()):
            return False
        return all(until == 0 or now - until >= samples(settings.poor_audio_s) for until in self._until.values())

    def arousal(self, speaker: Speaker, now: int, settings: CoachSettings) -> bool:
        """Whether this partner's arousal can be trusted, given that the timing can."""
        until = self._arousal_until[speaker]
        clipped = any(whose is speaker and only for whose, only in self._running.values())
        return not clipped and (until == 0 or now - until >= samples(settings.poor_audio_s))

    def save(self) -> dict[str, Any]:
        return {
            "running": [[key, speaker, only] for key, (speaker, only) in self._running.items()],
            "until": dict(self._until),
            "arousal_until": dict(self._arousal_until),
            "lost": dict(self._lost),
        }

    @classmethod
    def restore(cls, saved: dict[str, Any]) -> Self:
        hearing = cls()
        hearing._running = {key: (Speaker(speaker), only) for key, speaker, only in saved["running"]}
        hearing._until = {speaker: saved["until"][speaker] for speaker in Speaker}
        hearing._arousal_until = {speaker: saved["arousal_until"][speaker] for speaker in Speaker}
        hearing._lost = {speaker: saved["lost"][speaker] for speaker in Speaker}
        return hearing
