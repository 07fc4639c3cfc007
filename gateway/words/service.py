"""Words for all sessions of a gateway: one queue, one transcriber, started again when it dies.

Detectors never wait for any of this. What the transcriber cannot keep up with is dropped and counted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import structlog

from coach.meaning import Language
from detectors.words_heard import Heard
from detectors.words_mask import Usage
from detectors.words_utterances import Utterance
from gateway.words.models import usage_of
from gateway.words.process import Transcriber, TranscriberGone
from gateway.words.queue import Load, QueueCounts, QueueSettings, Waiting, WordsQueue
from streaming.errors import UnusableInput

TRIES = 2  # what has brought down the transcriber twice is not given to it again
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 30.0  # before it is started again

log = structlog.get_logger("gateway.words.service")

# What was heard in an utterance; None: nothing that may count as heard.
Said: TypeAlias = Callable[[Utterance, Heard | None], Awaitable[None]]
Changed: TypeAlias = Callable[[], None]


@dataclass(slots=True)
class WordsCounts:
    """Since the gateway began. ``doubted``: decoded and not believed; ``given_up``: brought the transcriber down."""

    started: int = 0
    died: int = 0
    heard: int = 0
    doubted: int = 0
    given_up: int = 0
    failed_deliveries: int = 0
    busy_s: float = 0.0
    sound_s: float = 0.0
    queue: QueueCounts = field(default_factory=QueueCounts)


class Words:
    """``model`` is a folder. ``run`` works until cancelled; sessions come and go meanwhile."""

    def __init__(self, model: Path, language: Language, settings: QueueSettings | None = None) -> None:
        self.language = language
        self.counts = WordsCounts()
        self._model = model
        self._queue = WordsQueue(settings)
        self.counts.queue = self._queue.counts
        self._sessions: dict[str, tuple[Said, Changed]] = {}
        self._news = asyncio.Event()
        self._transcriber: Transcriber | None = None
        self._hearing: str | None = None  # whose utterance
        self._told: Load = "all"

    @cached_property
    def usage(self) -> Usage:
        """How words are usually written, by the model's own vocabulary."""
        return usage_of(self._model)

    @property
    def behind(self) -> bool:
        """Words come late, or some did not come at all."""
        return self._queue.load == "behind"

    @property
    def pid(self) -> int | None:
        """Of the transcriber, while there is one."""
        return self._transcriber.pid if self._transcriber else None

    def waits(self, session: str) -> bool:
        """Words of this session are still being written down, and there is somebody who does."""
        return self._transcriber is not None and (self._hearing == session or self._queue.waits(session))

    def open(self, session: str, said: Said, changed: Changed) -> None:
        """``said`` gets what was heard, in order; ``changed`` is called when words fall behind or are back."""
        self._sessions[session] = (said, changed)

    def offer(self, utterance: Utterance) -> None:
        """Takes an utterance. Never blocks."""
        if utterance.session in self._sessions:
            self._queue.offer(utterance, time.monotonic())
            self._tell()  # where nobody takes any more, this is how it comes out
            self._news.set()

    def forget(self, session: str) -> None:
        """Consent was withdrawn, or the session left: nothing of it is heard any more."""
        self._sessions.pop(session, None)
        self._queue.forget(session)

    async def run(self) -> None:
        pause_s = FIRST_PAUSE_S
        try:
            while True:
                try:
                    self._transcriber = await Transcriber.start(self._model, self.language.invented)
                    self.counts.started += 1
                    while True:
                        if await self._next(self._transcriber):
                            pause_s = FIRST_PAUSE_S
                except UnusableInput as error:
                    log.error("no words: the model cannot be used", error=str(error))
                    pause_s = LONGEST_PAUSE_S
                except TranscriberGone as error:
                    self.counts.died += 1
                    log.error("the transcriber ended, another is started", error=str(error), pause_s=pause_s)
                self._transcriber = None
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        finally:
            if self._transcriber is not None:
                await self._transcriber.stop()

    async def _next(self, transcriber: Transcriber) -> bool:
        """Hears one utterance and returns True, or waits a while for one."""
        waiting = self._queue.take(time.monotonic())
        self._tell()
        if waiting is None:
            self._news.clear()
            try:
                async with asyncio.timeout(1.0):  # the load is judged again, so that "behind" ends by itself
                    await self._news.wait()
            except TimeoutError:
                pass
            return False
        self._hearing = waiting.utterance.session
        try:
            await self._hear(transcriber, waiting)
        finally:
            self._hearing = None
        return True

    async def _hear(self, transcriber: Transcriber, waiting: Waiting) -> None:
        utterance = waiting.utterance
        try:
            answer = await transcriber.hear(utterance.samples, self.language.name)
        except TranscriberGone:
            if not utterance.final or waiting.tries + 1 >= TRIES:
                self.counts.given_up += 1
            elif utterance.session in self._sessions:
                self._queue.again(waiting, time.monotonic())
            raise
        self.counts.busy_s += answer.busy_s
        self.counts.sound_s += utterance.length_s
        self.counts.heard += answer.doubt is None
        self.counts.doubted += answer.doubt is not None
        if utterance.session not in self._sessions:
            return  # consent was withdrawn meanwhile
        said, _ = self._sessions[utterance.session]
        try:
            await said(utterance, None if answer.doubt else answer.heard)
        except Exception as error:  # one session's failure is its own
            self.counts.failed_deliveries += 1
            log.error("words could not be handed on", session=utterance.session, error=repr(error), exc_info=error)

    def _tell(self) -> None:
        load = self._queue.load
        if (load == "behind") != (self._told == "behind"):
            for _, changed in list(self._sessions.values()):
                changed()
        self._told = load
