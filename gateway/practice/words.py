"""The words of one practice, live: only while both partners agree, kept and shown like any other line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TypeAlias

from detectors.words_heard import Heard
from detectors.words_utterances import DETECTOR, Utterance
from gateway.practice.analyst import Backlog, Changed, Told, Tools
from gateway.words.service import Words
from gateway.words.session import SessionWords
from streaming.types import Annotation, AudioChunk, Line

MAX_UNWRITTEN = 2000  # lines: over an hour of talk

Tell: TypeAlias = Callable[[Sequence[Told]], Awaitable[None]]  # gets what is on disk, in order


class PracticeWords:
    """``words`` None: this gateway has none, and nothing here does anything."""

    def __init__(
        self,
        session: str,
        words: Words | None,
        tools: Tools,
        tell: Tell,
        changed: Changed,
        *,
        masked: bool,
    ) -> None:
        self._session = session
        self._words = words
        self._tell = tell
        self._changed = changed
        self._masked = masked
        self._own: SessionWords | None = None
        self._backlog = Backlog(tools, MAX_UNWRITTEN)

    @property
    def offered(self) -> bool:
        """The partners may be asked whether they want words."""
        return self._words is not None

    @property
    def behind(self) -> bool:
        return self._own is not None and self._words is not None and self._words.behind

    def switch(self, on: bool, people: Collection[str] = ()) -> None:
        """Both agree, or no more: then nothing that was heard is put into words any more. ``people``: their names."""
        if self._words is None or on == (self._own is not None):
            return
        if on:
            usage = self._words.usage if self._masked else None
            self._own = SessionWords(self._session, self._words.language, people, masked=usage)
            self._words.open(self._session, self._said, self._changed)
        else:
            self._own = None
            self._words.forget(self._session)

    def heard(self, chunk: AudioChunk) -> None:
        """Takes a partner's sound, which is being analysed."""
        if self._own is not None:
            self._offer(self._own.heard(chunk))

    def told(self, lines: Sequence[Line]) -> list[Annotation]:
        """Takes what the detectors say; returns overlaps that words make another type, to be kept."""
        if self._own is None:
            return []
        spoken = [line for line in lines if isinstance(line, Annotation) and line.detector != DETECTOR]
        utterances, revised = self._own.told(spoken)
        self._offer(utterances)
        return revised

    def finish(self, now: int) -> None:
        """The practice is over: what is still being said is put into words as it is."""
        if self._own is not None:
            self._offer(self._own.finish(now))

    def _offer(self, utterances: Sequence[Utterance]) -> None:
        assert self._words is not None
        for utterance in utterances:
            self._words.offer(utterance)

    async def _said(self, utterance: Utterance, heard: Heard | None) -> None:
        if self._own is not None:
            await self.keep(self._own.said(utterance, heard))

    async def keep(self, lines: Sequence[Annotation]) -> None:
        """On disk first, then told; what the store cannot take now is tried again."""
        if written := await self._backlog.write(lines):
            await self._tell(written)

    @property
    def owes(self) -> bool:
        """Something is still to be written."""
        return bool(self._backlog)

    async def write_owed(self) -> None:
        if self._backlog:
            await self.keep([])
