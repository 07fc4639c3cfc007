"""Speech during the other's turn. In the floor mode whose turn it is is known, so an interruption is certain.

Detectors lag behind the people who press, and people press a little after they speak, so each start
is judged a moment later, by the turns as they then stand.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from coach import floor as floors
from coach.floor import Floor
from streaming.errors import UnusableInput
from streaming.ids import event_id
from streaming.types import Annotation, Happening, Kind, Speaker
from streaming.wire import samples

DETECTOR = "coach@1"
KIND = "broke_in"
LATE_PRESS_S = 2.0  # the floor handed over this soon after a start was meant before it: the press came late
KEPT_TURNS = 32  # nobody makes more changes within the time that detectors lag


@dataclass(frozen=True, slots=True)
class BrokeIn:
    """``by`` began to speak at ``start`` while ``over`` held the floor, and went on beyond a listening sound."""

    id: str
    by: Speaker
    over: Speaker
    start: int
    decided: int

    def happening(self, session: str) -> Happening:
        """The line of the timeline, placed where the speech began."""
        return Happening(self.id, session, KIND, self.start, self.by, {"holder": self.over.value}, DETECTOR)


@dataclass(slots=True)
class Start:
    """Speech that has begun and is still to be judged; ``end`` is None while it goes on."""

    by: Speaker
    start: int
    end: int | None = None


@dataclass
class FloorWatch:
    """The newest turns of the floor mode, and the speech that began in them. Times in samples."""

    _turns: list[tuple[int, Floor]] = field(default_factory=list)  # since when
    _starts: list[Start] = field(default_factory=list)
    _judged: dict[Speaker, int] = field(default_factory=lambda: dict.fromkeys(Speaker, -1))  # start of the last judged

    def happened(self, happening: Happening) -> None:
        if happening.kind != "floor":
            return
        try:
            floor = floors.restore(happening.detail)
        except UnusableInput:
            return  # of another version: the mode is not known, so nothing is called exact
        self._turns = sorted([*self._turns, (happening.at, floor)], key=lambda turn: turn[0])[-KEPT_TURNS:]

    def observe(self, session: str, speech: Annotation, min_confidence: float) -> list[BrokeIn]:
        """Judges what is due by ``speech.decided``, then takes the speech in."""
        out = self.advance(session, speech.decided)
        if speech.kind is not Kind.SPEECH or speech.by is None or not self._turns:
            return out
        if speech.span.start <= self._judged[speech.by]:
            return out
        known = next((s for s in self._starts if s.by is speech.by and s.start == speech.span.start), None)
        if known is None:
            known = Start(speech.by, speech.span.start)
            self._starts.append(known)
        if speech.status == "final":
            if speech.confidence < min_confidence:
                self._starts.remove(known)
            else:
                known.end = speech.span.end
        return out

    def advance(self, session: str, now: int) -> list[BrokeIn]:
        due = [s for s in self._starts if s.start + samples(LATE_PRESS_S) <= now]
        self._starts = [s for s in self._starts if s not in due]
        for speech in due:
            self._judged[speech.by] = max(self._judged[speech.by], speech.start)
        found = [(s, self._held_by_other(s, now)) for s in sorted(due, key=lambda s: (s.start, s.by))]
        return [
            BrokeIn(event_id(session, DETECTOR, KIND, None, s.start), s.by, holder, s.start, now)
            for s, holder in found
            if holder
        ]

    def on(self, at: int) -> bool:
        """Whether they took turns at that time."""
        return self._at(at)[0].phase is not floors.Phase.OFF

    @property
    def waiting(self) -> bool:
        """Whether time alone may bring something."""
        return bool(self._starts)

    def _held_by_other(self, speech: Start, now: int) -> Speaker | None:
        """Whose turn was broken into; None where it was nobody's, or the start was welcome."""
        floor, until = self._at(speech.start)
        whose = floors.speaks(floor)
        if whose is None or whose is speech.by:
            return None
        after = floors.speaks(self._at(until)[0]) if until is not None else None
        if until is not None and after is speech.by and until - speech.start <= samples(LATE_PRESS_S):
            return None
        end = min(e for e in (speech.end, until, now) if e is not None)
        return whose if end - speech.start > samples(floors.LISTENING_SOUND_S) else None

    def _at(self, at: int) -> tuple[Floor, int | None]:
        """The floor at a time, and when the next turn began."""
        floor, until = Floor(), None
        for since, turn in self._turns:
            if since > at:
                until = since
                break
            floor = turn
        return floor, until
