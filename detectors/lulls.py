"""Long silences and monologues: what one hears when the two do not alternate."""

from __future__ import annotations

from dataclasses import dataclass

from detectors.floor import NEVER, Voice
from detectors.turn_settings import TurnSettings
from streaming.types import Kind, Speaker


@dataclass(frozen=True, slots=True)
class Lull:
    """A stretch that has lasted long enough (``end`` None), or is over. ``by`` None: both."""

    kind: Kind
    by: Speaker | None
    start: int
    end: int | None


@dataclass(slots=True)
class Lulls:
    """Watches both voices. Call ``settle`` at every change and at ``deadline``."""

    silent_from: int | None = None
    silence_said: bool = False
    speaker: Speaker | None = None  # who may be in a monologue
    alone_from: int | None = None
    monologue_said: bool = False

    def deadline(self, s: TurnSettings) -> int:
        silence = NEVER if self.silent_from is None or self.silence_said else self.silent_from + s.long_silence_samples
        alone = NEVER if self.alone_from is None or self.monologue_said else self.alone_from + s.monologue_samples
        return min(silence, alone)

    def settle(
        self, now: int, voices: dict[Speaker, Voice], holder: Speaker | None, begun: int, s: TurnSettings
    ) -> list[Lull]:
        """What became long, or came to its end, by ``now``. ``begun``: where listening began."""
        return self._silence(now, voices, begun, s) + self._monologue(now, voices, holder, s)

    def finish(self, now: int) -> list[Lull]:
        """The session is over: what is long ends here."""
        return self._end_silence(now) + self._end_monologue(now)

    def _silence(self, now: int, voices: dict[Speaker, Voice], begun: int, s: TurnSettings) -> list[Lull]:
        hidden = [v.missing_start for v in voices.values() if v.hidden(now, s.hidden_samples)]
        if hidden or any(v.speaking for v in voices.values()):
            return self._end_silence(min([now, *hidden]))
        if self.silent_from is None:
            unheard = [v.missing_end for v in voices.values() if v.missing_end - v.missed_from >= s.hidden_samples]
            self.silent_from = max([begun, *unheard, *(v.last for v in voices.values())])
        if not self.silence_said and now - self.silent_from >= s.long_silence_samples:
            self.silence_said = True
            return [Lull(Kind.LONG_SILENCE, None, self.silent_from, None)]
        return []

    def _end_silence(self, end: int) -> list[Lull]:
        said = self.silence_said
        start, self.silent_from, self.silence_said = self.silent_from, None, False
        return [Lull(Kind.LONG_SILENCE, None, start, max(start, end))] if said and start is not None else []

    def _monologue(self, now: int, voices: dict[Speaker, Voice], holder: Speaker | None, s: TurnSettings) -> list[Lull]:
        """One holds the floor; the other says no more than a listener does, and can be heard."""
        out: list[Lull] = []
        if self.speaker is not None:
            own, other = voices[self.speaker], voices[self.speaker.other]
            talks = other.burst_open and other.heard_until(now) - other.burst_start > s.backchannel_samples
            unheard = other.hidden(now, s.burst_gap_samples) or own.hidden(now, s.burst_gap_samples)
            pauses = not own.speaking and now - own.last >= s.long_silence_samples
            if holder is not self.speaker or talks or unheard or pauses:
                out = self._end_monologue(own.heard_until(now))
        if self.speaker is None and holder is not None:
            own, other = voices[holder], voices[holder.other]
            if own.speaking and not other.open and not other.missing:
                self.speaker, self.alone_from = holder, max(own.start, other.end)
        if self.alone_from is not None and not self.monologue_said and now - self.alone_from >= s.monologue_samples:
            self.monologue_said = True
            out.append(Lull(Kind.MONOLOGUE, self.speaker, self.alone_from, None))
        return out

    def _end_monologue(self, end: int) -> list[Lull]:
        said, who, start = self.monologue_said, self.speaker, self.alone_from
        self.speaker, self.alone_from, self.monologue_said = None, None, False
        return [Lull(Kind.MONOLOGUE, who, start, max(start, end))] if said and start is not None else []
