"""Sockets that carry media, read at common moments: one wake-up of the process serves many packets.

Each packet that wakes the process by itself costs several times what its handling does: the loop is asked, and all
that Python needs lies far from the processor by then. For the same reason all packets of a moment are read first, then
handed on to the other's ear, and then decoded (``afterwards``): each kind of work finds itself in the cache, and the
whole path costs a seventh less. asyncio's names for this are private, so this is the one file that knows of them; a
loop of another kind, or few sockets, are left as they are.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary


@dataclass(frozen=True, slots=True)
class TogetherSettings:
    every_s: float = 0.0093
    """A packet waits half of it on average, of the 20 ms that it holds; 36 streams then bring 17 a wake-up, and cost
    a tenth less than read twice as often. No whole part of a packet: each stream would be read late by an amount of
    its own, always the same, and placed late by it."""
    from_sockets: int = 6
    """Three couples: six take a sixth less of a core so (12 sockets, three pairs of runs), and a voice comes up to
    ``every_s`` later. One or two couples leave the process time enough to hear each packet at once."""
    most_rounds: int = 16
    """Datagrams of one socket at one moment: what 300 ms without a moment to spare leave there."""
    forget_every_s: float = 1.0
    """How soon sockets that were closed are noticed."""


class Together:
    """The media sockets of one event loop; all is called on it."""

    def __init__(self, settings: TogetherSettings) -> None:
        self._settings = settings
        self._transports: dict[int, Any] = {}  # by file descriptor, asyncio's
        self._selector: selectors.BaseSelector | None = None  # None: each wakes the loop by itself
        self._forget_s = 0.0

    @property
    def reading(self) -> int:
        """Sockets that are read together just now."""
        return 0 if self._selector is None else len(self._transports)

    def add(self, transport: Any) -> None:
        self._forget_closed()
        fd = transport.get_extra_info("socket").fileno()
        self._transports[fd] = transport
        if self._selector is not None:
            self._take(self._selector, fd, transport)
        elif len(self._transports) >= self._settings.from_sockets:
            self._selector = selectors.DefaultSelector()
            for fd, own in self._transports.items():
                self._take(self._selector, fd, own)
            self._wait()

    def _take(self, selector: selectors.BaseSelector, fd: int, transport: Any) -> None:
        _running()._remove_reader(fd)
        selector.register(fd, selectors.EVENT_READ, transport)

    def _wait(self) -> None:
        loop, every_s = _running(), self._settings.every_s
        loop.call_at((loop.time() // every_s + 1) * every_s, self._read)  # lost time is not made up for

    def _read(self) -> None:
        if self._selector is None:
            return
        for _ in range(self._settings.most_rounds):
            ready = self._selector.select(0)
            if not ready:
                break
            self._hand_on([(key.data, *read) for key, _ in ready if (read := _datagram(key.data)) is not None])
        now_s = _running().time()
        if now_s >= self._forget_s:
            self._forget_s = now_s + self._settings.forget_every_s
            self._forget_closed()
            if len(self._transports) < self._settings.from_sockets:
                self._give_back()
                return
        self._wait()

    def _hand_on(self, read: list[tuple[Any, bytes, Any]]) -> None:
        global _later
        _later = []
        for transport, data, address in read:
            try:
                transport._protocol.datagram_received(data, address)
            except Exception as error:
                _tell(error, transport)
        later, _later = _later, None
        for work, args in later:
            try:
                work(*args)
            except Exception as error:
                _tell(error)

    def _forget_closed(self) -> None:
        for fd, transport in list(self._transports.items()):
            if transport.is_closing():
                del self._transports[fd]
                if self._selector is not None:
                    self._selector.unregister(fd)

    def _give_back(self) -> None:
        assert self._selector is not None
        self._selector.close()
        self._selector = None
        for fd, transport in self._transports.items():
            _running()._add_reader(fd, transport._read_ready)


def _datagram(transport: Any) -> tuple[bytes, Any] | None:
    """What asyncio itself would read, or None."""
    if transport._conn_lost:
        return None
    try:
        read: tuple[bytes, Any] = transport._sock.recvfrom(transport.max_size)
    except (BlockingIOError, InterruptedError):
        return None
    except OSError as error:
        try:
            transport._protocol.error_received(error)
        except Exception as own:
            _tell(own, transport)
        return None
    return read


def _tell(error: Exception, transport: Any = None) -> None:
    """One datagram's error is its own, as asyncio has it."""
    context = {"message": "a datagram was not handled", "exception": error, "transport": transport}
    _running().call_exception_handler(context)


def _running() -> Any:
    return asyncio.get_running_loop()


_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, Together] = WeakKeyDictionary()


def read_together(transport: Any) -> bool:
    """Read this one with the other media sockets of its loop; False where that is out of reach."""
    loop = _running()
    if transport.is_closing() or not (
        callable(getattr(transport, "_read_ready", None))
        and all(hasattr(transport, name) for name in ("_sock", "_protocol", "_conn_lost", "max_size"))
        and callable(getattr(loop, "_remove_reader", None))
        and callable(getattr(loop, "_add_reader", None))
    ):
        return False
    together = _of_loops.get(loop)
    if together is None:
        together = _of_loops[loop] = Together(TogetherSettings())
    together.add(transport)
    return True


_later: list[tuple[Callable[..., None], tuple[Any, ...]]] | None = None  # what waits for the end of this hand-on


def afterwards(work: Callable[..., None], *args: Any) -> None:
    """Does it when all packets of this moment are handed on; at once where they are not read together."""
    if _later is None:
        work(*args)
    else:
        _later.append((work, args))
