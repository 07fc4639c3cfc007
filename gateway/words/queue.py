"""Whose utterance the transcriber hears next: fair over all sessions, bounded, every drop counted.

Pure: time is given. Finals go first, sessions in turn, each session's oldest first. Of what is still being spoken only
each partner's newest text is asked for, and only while no final waits. Where the transcriber cannot keep up, partial
texts go first; then old finals are given up, and the pages say that words are behind.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Literal, TypeAlias

from detectors.words_utterances import Utterance
from streaming.types import Speaker

Load: TypeAlias = Literal["all", "finals", "behind"]


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """How much may wait, and how long it is worth having."""

    finals_a_session: int = 12  # a minute of lively talk of two
    finals: int = 200  # of all sessions: 200 utterances of 4 s are 50 MB of sound
    final_stale_s: float = 60.0  # the report still wants it; beyond a minute the backlog would never end
    partial_stale_s: float = 2.4  # two partials later it has been replaced anyhow
    finals_only_s: float = 2.0  # the oldest final waits longer than this: no partial texts
    behind_s: float = 10.0  # … than this: the page says so
    recovered_s: float = 1.0  # … less than this: all is well again
    told_s: float = 10.0  # a final was dropped within this: the words are behind, whatever waits


@dataclass(slots=True)
class QueueCounts:
    """What became of utterances. ``superseded``: partial texts for which a newer one, or the final, came."""

    finals: int = 0
    partials: int = 0
    superseded: int = 0
    partials_shed: int = 0  # not taken while only finals are
    stale_partials: int = 0
    stale_finals: int = 0
    overflowed_finals: int = 0
    forgotten: int = 0  # their session ended, or consent was withdrawn


@dataclass(frozen=True, slots=True)
class Waiting:
    utterance: Utterance
    since_s: float
    tries: int = 0


class WordsQueue:
    """``offer`` puts in, ``take`` gives the next. ``now_s`` only grows."""

    def __init__(self, settings: QueueSettings | None = None) -> None:
        self.settings = settings or QueueSettings()
        self.counts = QueueCounts()
        self.load: Load = "all"
        # The session first in line stands first; who was served goes to the end.
        self._finals: OrderedDict[str, deque[Waiting]] = OrderedDict()
        self._partials: OrderedDict[tuple[str, Speaker], Waiting] = OrderedDict()
        self._dropped_s = -1e9  # when a final was last given up

    def __len__(self) -> int:
        return sum(map(len, self._finals.values())) + len(self._partials)

    def waits(self, session: str) -> bool:
        """Whether something of this session is still to be heard."""
        return session in self._finals

    @property
    def finals_waiting(self) -> int:
        return sum(map(len, self._finals.values()))

    def offer(self, utterance: Utterance, now_s: float) -> None:
        self._judge(now_s)
        key = (utterance.session, utterance.by)
        if not utterance.final:
            if self.load != "all":
                self.counts.partials_shed += 1
                return
            self.counts.superseded += key in self._partials
            self._partials[key] = Waiting(utterance, now_s)  # keeps its place in line
            return
        if self._partials.pop(key, None):
            self.counts.superseded += 1
        own = self._finals.setdefault(utterance.session, deque())
        own.append(Waiting(utterance, now_s))
        if len(own) > self.settings.finals_a_session:
            self._overflow(utterance.session, now_s)
        elif self.finals_waiting > self.settings.finals:
            self._overflow(max(self._finals, key=lambda session: len(self._finals[session])), now_s)

    def again(self, waiting: Waiting, now_s: float) -> None:
        """What was taken could not be heard: first in line once more."""
        own = self._finals.setdefault(waiting.utterance.session, deque())
        own.appendleft(Waiting(waiting.utterance, waiting.since_s, waiting.tries + 1))
        self._finals.move_to_end(waiting.utterance.session, last=False)
        self._judge(now_s)

    def take(self, now_s: float) -> Waiting | None:
        """The next to be heard, None where nothing waits that is worth it."""
        self._drop_stale(now_s)
        self._judge(now_s)
        if self._finals:
            session, own = next(iter(self._finals.items()))
            waiting = own.popleft()
            del self._finals[session]
            if own:
                self._finals[session] = own  # to the end of the line
            self.counts.finals += 1
            return waiting
        if self._partials:
            _, waiting = self._partials.popitem(last=False)
            self.counts.partials += 1
            return waiting
        return None

    def forget(self, session: str) -> None:
        """Nothing of this session is to be heard any more."""
        own = self._finals.pop(session, deque())
        partials = [key for key in self._partials if key[0] == session]
        for key in partials:
            del self._partials[key]
        self.counts.forgotten += len(own) + len(partials)

    def waited_s(self, now_s: float) -> float:
        """How long the oldest final has been waiting."""
        return max((now_s - own[0].since_s for own in self._finals.values()), default=0.0)

    def _overflow(self, session: str, now_s: float) -> None:
        own = self._finals[session]
        own.popleft()
        self.counts.overflowed_finals += 1
        self._dropped_s = now_s

    def _drop_stale(self, now_s: float) -> None:
        for session, own in list(self._finals.items()):
            while own and now_s - own[0].since_s > self.settings.final_stale_s:
                own.popleft()
                self.counts.stale_finals += 1
                self._dropped_s = now_s
            if not own:
                del self._finals[session]
        for key, waiting in list(self._partials.items()):
            if now_s - waiting.since_s > self.settings.partial_stale_s:
                del self._partials[key]
                self.counts.stale_partials += 1

    def _judge(self, now_s: float) -> None:
        """Once behind, it stays so until the backlog is gone: a page must not flicker."""
        s, waited_s = self.settings, self.waited_s(now_s)
        if waited_s > s.behind_s or now_s - self._dropped_s < s.told_s:
            self.load = "behind"
        elif waited_s < s.recovered_s:
            self.load = "all"
        elif waited_s > s.finals_only_s and self.load == "all":
            self.load = "finals"
        if self.load != "all":
            self.counts.partials_shed += len(self._partials)
            self._partials.clear()
