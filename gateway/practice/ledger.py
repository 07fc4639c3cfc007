"""What a room's changes leave on disk: lines in the timeline and the session's record. Nothing true is forgotten."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import structlog

from gateway.practice import rooms
from gateway.practice.acknowledgements import DETECTOR
from gateway.practice.analyst import Tools
from gateway.practice.learnt import Learnt
from gateway.practice.registry import Record, Registry
from gateway.practice.rooms import Room
from streaming.errors import StoreUnavailable
from streaming.types import Happening

WRITE_S = 3.0  # people wait for this: longer than a busy disk, shorter than a store that is away

log = structlog.get_logger("gateway.practice.ledger")


class Ledger:
    """One session's record, and the lines that are true already but still to be written."""

    def __init__(self, record: Record, registry: Registry, tools: Tools, unix_now: Callable[[], float]) -> None:
        self.record = record
        self._registry = registry
        self._tools = tools
        self._unix_now = unix_now
        self._owed: list[Happening] = []

    @property
    def owes(self) -> bool:
        return bool(self._owed)

    def entry(self, before: Room, after: Room) -> Record:
        """The record with ``after`` in it, and the moment if that begins or ends the practice."""
        now = self._unix_now()
        began = now if after.began and not before.began else self.record.began_unix
        ended = now if after.ended and not before.ended else self.record.ended_unix
        learnt = self.record.learnt if after.learnt else None  # a no of either erases it
        return replace(self.record, room=after, began_unix=began, ended_unix=ended, learnt=learnt)

    def keep(self, learnt: Learnt) -> None:
        """For the couple's next practice; it is on disk with the next change of the room."""
        self.record = replace(self.record, learnt=learnt.over(self.record.learnt))

    def happenings(self, before: Room, after: Room, at: int) -> list[Happening]:
        return [self.happening(c.kind, at, c.by, c.detail) for c in rooms.happened(before, after)]

    def happening(self, kind: str, at: int, by: str | None, detail: dict[str, Any] | None = None) -> Happening:
        # Its id is no function of the audio: people may well do the same thing twice at one session time.
        return Happening(secrets.token_hex(10), self.record.session, kind, at, by, detail or {}, DETECTOR)

    async def write(self, news: Sequence[Happening], record: Record, *, fact: bool) -> None:
        """Returns once it is on disk. What is a ``fact`` never raises StoreUnavailable: it is written later."""
        try:
            await self._write(news, record)
        except StoreUnavailable as error:
            if not fact:
                raise
            log.error("a change of the room waits for the store", session=record.session, error=str(error))
            self._owed += news
        self.record = replace(record, learnt=self.record.learnt) if self.record.room.ended else record

    async def write_owed(self) -> None:
        if not self._owed:
            return
        try:
            await self._write([], self.record)
        except StoreUnavailable as error:
            log.error("changes of the room still wait", session=self.record.session, error=str(error))

    async def _write(self, news: Sequence[Happening], record: Record) -> None:
        owed = list(self._owed)
        await self._tools.append([*owed, *news], WRITE_S)
        # After the end only people come and go, which is not stored; what was learnt may have moved on meanwhile.
        over = self.record.room.ended
        if owed or (not over and _stored(record) != _stored(self.record)):
            try:
                async with asyncio.timeout(WRITE_S):
                    await self._registry.save(record, fence=self._tools.fence_of(record.session))
            except TimeoutError as error:
                raise StoreUnavailable(f"the session was not saved within {WRITE_S:g} s") from error
        del self._owed[: len(owed)]


def _stored(record: Record) -> tuple[object, ...]:
    return rooms.to_state(record.room), record.began_unix, record.ended_unix, record.learnt
