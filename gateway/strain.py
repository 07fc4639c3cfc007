"""Whether this process keeps up, and how many more practices it can carry. Those that run come first.

Lateness shows strain only once it is there; a rush of newcomers would all be let in before that. So the cost of
practices that were let in, and do not show in the processor's time yet, is added to what is measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.protocol import Phase


@dataclass(frozen=True, slots=True)
class StrainSettings:
    """Measured on 2 cores: up to 90 % of a core the loop is 1 to 5 ms late, and from 95 % on ever later."""

    over_s: float = 0.15  # late by this: cues come visibly late, and audio waits in the sockets
    well_s: float = 0.05  # late by less than this: there is room again
    memory_s: float = 6.0  # a garbage collection or one large report is no strain
    most_share: float = 0.9  # of one core: Python uses no second one
    share_memory_s: float = 2.0
    usual_share: float = 0.05  # of a core, a practice's, until enough run to tell: it is 0.03 to 0.05
    telling: int = 4  # practices; with fewer, most of the share is what any process costs
    seen_s: float = 5.0  # by then nine tenths of what a practice takes are in the smoothed share
    expected_s: float = 60.0  # a room that nobody came to for so long takes no place


class Strain:
    """Pure: lateness and processor time in, a verdict out. Times are seconds of any one monotonic clock."""

    def __init__(self, settings: StrainSettings | None = None) -> None:
        self.late = False
        self.late_s = 0.0  # smoothed
        self.share = 0.0  # of a core, smoothed
        self._settings = settings or StrainSettings()
        self._noted_s: float | None = None
        self._looked: tuple[float, float] | None = None  # when, and the processor time spent until then
        self._practising = 0
        self._expected: dict[str, float] = {}  # let in, cost not seen yet: the time at which to stop adding it

    @property
    def room(self) -> int:
        """How many more practices can be let in."""
        if self.late:
            return 0
        s, each = self._settings, self.share_a_practice
        return max(0, int((s.most_share - self.share) / each - len(self._expected)))

    @property
    def share_a_practice(self) -> float:
        """Of a core: the mean of those that run. One more takes less, so those are safe."""
        s = self._settings
        return max(0.01, self.share / self._practising) if self._practising >= s.telling else s.usual_share

    def note(self, late_s: float, now_s: float) -> None:
        """Something that was due ``late_s`` ago is done now."""
        s = self._settings
        if self._noted_s is not None:
            kept = math.exp(-max(0.0, now_s - self._noted_s) / s.memory_s)
            self.late_s = kept * self.late_s + (1 - kept) * late_s
        self._noted_s = now_s
        self.late = self.late_s > (s.well_s if self.late else s.over_s)

    def let_in(self, session: str, now_s: float) -> None:
        """Its cost is to be expected soon."""
        self._expected[session] = now_s + self._settings.expected_s

    def look(self, phases: Mapping[str, Phase], processor_s: float, now_s: float) -> None:
        """Call it once a second or so. ``phases``: of sessions with somebody in them; ``processor_s``: spent so far."""
        s = self._settings
        if self._looked is not None and now_s > self._looked[0]:
            apart_s = now_s - self._looked[0]
            kept = math.exp(-apart_s / s.share_memory_s)
            self.share = kept * self.share + (1 - kept) * (processor_s - self._looked[1]) / apart_s
        self._looked = now_s, processor_s
        self._practising = sum(phase == "practising" for phase in phases.values())
        for session, until_s in list(self._expected.items()):
            match phases.get(session):
                case "waiting" | "consent":
                    until_s = now_s + s.expected_s
                case "practising" | "paused" | "ended":
                    until_s = min(until_s, now_s + s.seen_s)
            if until_s > now_s:
                self._expected[session] = until_s
            else:
                del self._expected[session]
