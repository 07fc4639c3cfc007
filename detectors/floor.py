"""Who speaks, in the units that people hear: IPUs and bursts of one partner, known causally."""

from __future__ import annotations

from dataclasses import dataclass

from detectors.turn_settings import TurnSettings

LONG_AGO = -(10**12)  # before any session
NEVER = 10**12


@dataclass(slots=True)
class Voice:
    """One partner's speech up to now, in samples.

    An IPU stays open through pauses until one has lasted long enough to end it, so only what
    ``heard_until`` gives of it is certain.
    """

    speaking: bool = False
    start: int = LONG_AGO  # of the open or last IPU
    open: bool = False
    sound: int = LONG_AGO  # where sound last began
    before: int = LONG_AGO  # and where it had stopped before that
    last: int = LONG_AGO  # where sound last stopped
    end: int = LONG_AGO  # of the last closed IPU
    burst_start: int = LONG_AGO
    burst_open: bool = False
    burst_typed: bool = False  # this burst has had its overlap event
    claims: int | None = None  # when alone for long enough, if this pause turns out to lie inside the IPU
    missing: bool = False
    missing_start: int = LONG_AGO  # of the running or last missing stretch
    missed_from: int = LONG_AGO  # start of the last one that is over
    missing_end: int = LONG_AGO  # and its end
    unsure_start: bool = False  # missing audio just before the IPU: it may have begun earlier

    def heard_until(self, now: int) -> int:
        """Up to where the open or last IPU certainly reaches."""
        return now if self.speaking else self.last

    def hidden(self, now: int, length: int) -> bool:
        """Whether this partner could not be heard for ``length`` up to now."""
        return self.missing and now - self.missing_start >= length

    @property
    def lost(self) -> bool:
        """Whether missing audio, not silence, came where the last IPU stopped."""
        return self.missing_start >= self.last

    def over_at(self, s: TurnSettings) -> int:
        """When the open IPU is over, unless sound begins before. What cannot be heard may be going on."""
        return self.last + (s.bridge_samples if self.missing and self.lost else s.ipu_gap_samples)

    def deadline(self, s: TurnSettings) -> int:
        """When something about this voice is decided, if nothing changes before."""
        if self.speaking:
            return NEVER
        if self.open:
            return self.over_at(s)
        return self.last + s.burst_gap_samples if self.burst_open else NEVER

    def hear(self, now: int, missing: bool) -> None:
        """Notes where missing audio begins and ends."""
        if missing and not self.missing:
            self.missing_start = now
        if self.missing and not missing:
            self.missed_from, self.missing_end = self.missing_start, now
        self.missing = missing

    def stop(self, now: int) -> None:
        self.speaking, self.last = False, now

    def begin(self, now: int, s: TurnSettings) -> bool:
        """Sound begins. True where that begins an IPU."""
        self.speaking, self.before, self.sound = True, self.last, now
        if self.open:
            return False
        self.open, self.start, self.claims = True, now, None
        self.unsure_start = now - self.missing_end < s.ipu_gap_samples
        if not self.burst_open:
            self.burst_open, self.burst_start, self.burst_typed = True, now, False
        return True
