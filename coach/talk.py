"""Who is speaking now, and whether this is a good moment for a cue: one that disturbs least."""

from __future__ import annotations

from dataclasses import dataclass, field

from coach.settings import CoachSettings
from streaming.types import Annotation, Kind, Speaker
from streaming.wire import samples, seconds


@dataclass
class Talk:
    """Speech as announced (``open``) and ended (``final``). Times in samples.

    Where no detector reports speech (turn-taking given alone), nobody counts as speaking.
    """

    last: Speaker | None = None  # who spoke last
    _since: dict[Speaker, int | None] = field(default_factory=lambda: dict.fromkeys(Speaker))
    _ended: dict[Speaker, int] = field(default_factory=lambda: dict.fromkeys(Speaker, 0))
    _heard: dict[Speaker, int] = field(default_factory=lambda: dict.fromkeys(Speaker, 0))
    _total: int = 0  # speech of both, also from before a connection was lost

    def observe(self, speech: Annotation) -> None:
        if speech.kind is not Kind.SPEECH or speech.by is None:
            return
        self.last = speech.by
        since = self._since[speech.by]
        if speech.status == "open":
            if speech.span.start >= self._ended[speech.by]:
                self._since[speech.by] = speech.span.start
        elif speech.span.end > self._ended[speech.by]:
            # A final that ends before the running speech began belongs to an earlier one.
            if since is not None and since < speech.span.end:
                self._since[speech.by] = None
            self._heard[speech.by] += speech.span.length
            self._total += speech.span.length
            self._ended[speech.by] = speech.span.end

    def lost(self, speaker: Speaker, now: int) -> None:
        """The partner's audio stopped coming: speech must not hang on, and has to be heard anew."""
        self._since[speaker] = None
        self._heard[speaker] = 0
        self._ended[speaker] = max(self._ended[speaker], now)

    def speaking(self) -> list[Speaker]:
        return [speaker for speaker in Speaker if self._since[speaker] is not None]

    def heard_s(self) -> float:
        """Speech of both so far, seconds."""
        return seconds(self._total)

    def one_sided(self, settings: CoachSettings) -> bool:
        """Whether one partner is heard and the other is not: evidence from one microphone alone."""
        enough = samples(settings.heard_s)
        heard = [self._heard[speaker] >= enough or self._since[speaker] is not None for speaker in Speaker]
        return heard[0] != heard[1]

    def at_once(self, now: int, settings: CoachSettings) -> bool:
        """Both have been speaking together for longer than a backchannel lasts."""
        starts = [start for start in self._since.values() if start is not None]
        return len(starts) == 2 and now - max(starts) >= samples(settings.at_once_s)

    def silent_for(self, now: int, length_s: float) -> bool:
        return not self.speaking() and now - max(self._ended.values()) >= samples(length_s)

    def boundary(self, now: int, settings: CoachSettings) -> bool:
        """Both silent, or one has just begun where the other has just ended."""
        speaking = self.speaking()
        if not speaking:
            return self.silent_for(now, settings.boundary_s)
        if len(speaking) == 2:
            return False
        began = self._since[speaking[0]]
        near = samples(settings.change_s)
        assert began is not None
        return now - began <= near and abs(began - self._ended[speaking[0].other]) <= near
