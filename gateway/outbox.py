"""What waits to be sent to one browser. Putting something in never blocks, so nobody slow holds up the rest."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from gateway.metrics import Metrics
from gateway.protocol import Lines, Role, RoomChanged, ServerMessage, WireLine
from gateway.refusals import refused_message
from gateway.settings import SocketSettings
from streaming.errors import Refused


class Outbox:
    """One browser's bounded queue. A room replaces the one before it; lines are batched, oldest dropped.

    Cues and answers are never dropped: where they pile up the browser is gone, and the box closes.
    """

    def __init__(self, role: Role, settings: SocketSettings, metrics: Metrics) -> None:
        self.role = role
        self.closed = False
        self._settings = settings
        self._metrics = metrics
        self._messages: deque[ServerMessage] = deque()
        self._lines: deque[WireLine] = deque(maxlen=settings.waiting_lines)
        self._news = asyncio.Event()

    def offer(self, message: ServerMessage) -> None:
        if self.closed:
            return
        if isinstance(message, RoomChanged):
            stale = [m for m in self._messages if isinstance(m, RoomChanged)]
            for old in stale:
                self._messages.remove(old)
        self._messages.append(message)
        if len(self._messages) > self._settings.waiting_messages:
            self._metrics.slow_sockets.inc()
            self._messages.clear()
            self.close()
        self._news.set()

    def offer_lines(self, lines: Sequence[WireLine]) -> None:
        if self.closed:
            return
        over = len(self._lines) + len(lines) - self._settings.waiting_lines
        if over > 0:
            self._metrics.observer_lines_dropped.inc(over)
        self._lines.extend(lines)
        self._news.set()

    def drop_lines(self) -> None:
        """An agreement was withdrawn: what was not sent yet is not sent."""
        self._lines.clear()
        kept = [message for message in self._messages if not isinstance(message, Lines)]
        self._messages.clear()
        self._messages.extend(kept)

    def refuse(self, error: Refused, *, fatal: bool = False) -> None:
        """Says what was turned away and why; where it is ``fatal``, nothing comes after it."""
        self._metrics.refusals.labels(error.code).inc()
        message = refused_message(error)
        if fatal or message.fatal:
            self.close(message.model_copy(update={"fatal": True}))
        else:
            self.offer(message)

    def close(self, last: ServerMessage | None = None) -> None:
        """Nothing more comes in; what waits, and ``last``, still goes out."""
        if not self.closed:
            if last is not None:
                self._messages.append(last)
            self.closed = True
        self._news.set()

    async def take(self) -> ServerMessage | None:
        """The next message, or a batch of lines; waits for one. None once closed and drained.

        One at a time: what an agreement that is withdrawn keeps back must not be on its way to a slow browser already.
        """
        while not (self._messages or self._lines or self.closed):
            self._news.clear()
            await self._news.wait()
        if self._messages:
            return self._messages.popleft()
        count = min(len(self._lines), self._settings.batch_lines)
        return Lines(lines=tuple(self._lines.popleft() for _ in range(count))) if count else None
