"""One overlap while its type is open, and the table of types, judged on what is certain so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from detectors.turn_settings import TurnSettings
from streaming.types import INTERRUPTION_KINDS, Kind, Speaker


@dataclass(slots=True)
class Overlap:
    """``by`` started at ``start`` while ``over`` was to be heard. Unknown ends are None; all in samples.

    What ``over`` does is timed as it reaches the starter, ``late`` after session time: the starter could not
    know of it before.
    """

    by: Speaker
    over: Speaker
    start: int
    burst_start: int
    over_start: int
    together: bool = False  # both entered at once
    blame: bool = True  # whether the timing says for certain who started over whom
    uncertainty: int = 0
    late: int = 0
    heard_by: int = 0  # up to where the starter's first IPU certainly reaches
    heard_over: int = 0
    by_end: int | None = None  # of the starter's first IPU
    over_end: int | None = None
    burst_heard: int = 0
    burst_end: int | None = None
    goes_on: float = 0.0  # by the starter's habit, the chance that the burst goes on for long
    resumed: int | None = None  # where ``over`` began again
    got_floor: int | None = None  # when ``by`` had been alone long enough
    claiming: bool = False  # ``by`` pauses, and was alone for long enough if that is no end
    both_share: float = 0.0  # of the session up to ``start``, how much both spoke at once
    over_raised_db: float = 0.0  # at ``start``, over the holder's usual; 0 where there is no sound to tell
    by_raised_db: float = 0.0  # up to now, over the starter's usual
    lost: bool = False  # missing audio cut one of them off
    announced: bool = False
    next_refresh: int = 0
    ruled: Kind | None = None  # what the table says, once it says it
    context: list[float] = field(default_factory=list)  # what was known of the two at ``start``

    @property
    def heard(self) -> int:
        """Samples both have certainly spoken at once (below 0 while not even that is certain)."""
        return min(self.heard_by, self.heard_over) - self.start

    @property
    def by_ipu(self) -> int:
        """How long the starter's first IPU is."""
        return self.heard_by - self.start

    @property
    def held(self) -> int:
        """How long ``over`` went on after the start."""
        return self.heard_over - self.start

    @property
    def has_floor(self) -> bool:
        """Whether ``by`` has certainly been alone for long enough; the other's last words may still be on their way."""
        return self.got_floor is not None and self.burst_heard >= self.got_floor

    @property
    def closed(self) -> bool:
        """Whether ``heard`` is all there will be."""
        if self.by_end is not None and self.over_end is not None:
            return True
        if self.over_end is not None:
            return self.heard_by >= self.over_end
        return self.by_end is not None and self.heard_over >= self.by_end


def rule(o: Overlap, s: TurnSettings) -> Kind | None:
    """The type by EVENTS' table, top down; None while a row that could fit is still open."""
    if o.together:
        return Kind.DUAL_START
    if o.heard >= s.talk_over_samples:
        return Kind.TALK_OVER
    if not o.closed:
        return None
    if o.lost:
        return Kind.BUTTED_IN
    if o.held <= s.terminal_samples:
        if o.over_end is None:
            return None
        if o.burst_heard > o.over_end:
            return Kind.TERMINAL_OVERLAP
        if o.burst_end is None:
            return None
    if not o.has_floor and o.burst_heard - o.burst_start <= s.backchannel_samples:
        return Kind.BACKCHANNEL if o.burst_end is not None else None
    if o.resumed is None and o.burst_end is None:
        return Kind.TOOK_FLOOR if o.has_floor else None
    if o.claiming:
        return None
    return Kind.TOOK_FLOOR if _took(o) else Kind.BUTTED_IN


def _took(o: Overlap) -> bool:
    return o.got_floor is not None and o.has_floor and (o.resumed is None or o.got_floor <= o.resumed)


def final_kind(o: Overlap, p_interruption: float, s: TurnSettings) -> Kind:
    """The type to be said of an overlap that the table has ruled on."""
    assert o.ruled is not None
    if o.ruled in INTERRUPTION_KINDS and p_interruption < s.least_p:
        return _harmless(o)
    listened = o.ruled is Kind.BUTTED_IN and not o.lost and _ended_first(o) and o.by_ipu <= s.listener_samples
    return Kind.BACKCHANNEL if listened else o.ruled


def _harmless(o: Overlap) -> Kind:
    """What an overlap is that the table calls an interruption, and people would not."""
    return Kind.BUTTED_IN if o.ruled is Kind.TALK_OVER or _ended_first(o) else Kind.TERMINAL_OVERLAP


def _ended_first(o: Overlap) -> bool:
    """Whether the starter's first IPU ended before the holder's."""
    return o.by_end is not None and o.by_end < o.heard_over
