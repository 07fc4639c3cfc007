"""Switches the analysis of a practice's audio on and off, and fills each gap: the analyst gets one whole stream."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.media.clock import SessionClock
from gateway.metrics import Metrics
from gateway.practice.analyst import Analyst, Nobody
from gateway.practice.microphones import AudioSource
from streaming.audio import missing
from streaming.types import SAMPLE_RATE_HZ, AudioChunk, Speaker


class Analysis:
    """The switch between the microphones and the analyst. Until it has begun there is no session time."""

    def __init__(self, session: str, media: Mapping[Speaker, AudioSource], metrics: Metrics) -> None:
        self.session = session
        self.clock: SessionClock | None = None
        self.analyst: Analyst = Nobody()
        self.on = False
        self.unheard = dict.fromkeys(Speaker, 0)  # samples of each partner that are missing: lost, paused, late
        self._media = media
        self._metrics = metrics

    @property
    def now(self) -> int:
        """Session time; 0 until the practice begins."""
        return self.clock.now() if self.clock else 0

    def begin(self, clock: SessionClock, analyst: Analyst) -> None:
        self.clock, self.analyst = clock, analyst

    def switch(self, on: bool) -> None:
        """Starts or stops looking at audio, at once. What lies between is missing audio."""
        if on and not self.on:
            assert self.clock is not None, "nothing is analysed before the practice begins"
            at = max(self.now, *self.analyst.given.values())
            for speaker, own in self._media.items():
                self._catch_up(speaker, at)
                own.begin(self.clock, at)
        elif self.on and not on:
            for own in self._media.values():
                own.stop()
        self.on = on

    def replaced(self, speaker: Speaker) -> None:
        """This partner's audio comes from somewhere else now. What lies between is missing audio."""
        if self.on and self.clock is not None:
            at = max(self.now, self.analyst.given[speaker])
            self._catch_up(speaker, at)
            self._media[speaker].begin(self.clock, at)

    def heard(self, chunk: AudioChunk) -> None:
        """Takes a partner's audio; refuses it unless the practice is being analysed."""
        if self.on:
            self._offer(chunk)

    def pass_time(self) -> None:
        """Called while nothing is analysed, so that session time, and the coach's with it, goes on."""
        if not self.on:
            at = self.now
            for speaker in self.analyst.given:
                self._catch_up(speaker, at)

    def _catch_up(self, speaker: Speaker, at: int) -> None:
        end = self.analyst.given[speaker]
        if at > end:
            self._offer(missing(self.session, speaker, end, at - end))

    def _offer(self, chunk: AudioChunk) -> None:
        counter = self._metrics.missing_seconds if chunk.missing else self._metrics.heard_seconds
        counter.inc(len(chunk.samples) / SAMPLE_RATE_HZ)
        self.unheard[chunk.speaker] += len(chunk.samples) if chunk.missing else 0
        self.analyst.offer(chunk)

    async def close(self) -> None:
        """Stops; the analyst still works on what waits."""
        self.switch(False)
        await self.analyst.close()
