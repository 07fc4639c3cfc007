"""Whether this process keeps up: one that does not takes no new practices, so that those it has stay well."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StrainSettings:
    """Measured on 2 cores: up to 80 % load the loop is 1 to 5 ms late, and from 95 % on ever later."""

    over_s: float = 0.15  # late by this: cues come visibly late, and audio waits in the sockets
    well_s: float = 0.05  # late by less than this: there is room again
    memory_s: float = 6.0  # a garbage collection or one large report is no strain


class Strain:
    """Pure: lateness in, a verdict out. Times are seconds of any one monotonic clock."""

    def __init__(self, settings: StrainSettings | None = None) -> None:
        self.full = False
        self.late_s = 0.0  # smoothed
        self._settings = settings or StrainSettings()
        self._noted_s: float | None = None

    def note(self, late_s: float, now_s: float) -> None:
        """Something that was due ``late_s`` ago is done now."""
        s = self._settings
        if self._noted_s is not None:
            kept = math.exp(-max(0.0, now_s - self._noted_s) / s.memory_s)
            self.late_s = kept * self.late_s + (1 - kept) * late_s
        self._noted_s = now_s
        self.full = self.late_s > (s.well_s if self.full else s.over_s)
