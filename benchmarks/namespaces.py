"""Networks of their own on one machine: Linux network namespaces, joined by cables.

A thread that enters a namespace opens its sockets there, and so do the threads it starts; all else of the process
stays where it is. Making namespaces takes a right that not every machine gives: ask ``no_right`` first.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import shutil
import subprocess
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")
_NEW_NET = 0x40000000  # CLONE_NEWNET

_libc = ctypes.CDLL(None, use_errno=True)


def no_right() -> str | None:
    """Why no namespaces can be made here; None where they can."""
    if shutil.which("ip") is None:
        return "no right to make network namespaces: there is no `ip` (apt-get install iproute2)"
    name = f"bm{os.getpid()}probe"
    tried = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        return f"no right to make network namespaces: {tried.stderr.strip()}"
    subprocess.run(["ip", "netns", "delete", name], check=False)
    if not os.access(forward := "/proc/sys/net/ipv4/ip_forward", os.W_OK):
        return f"no right to make network namespaces: {forward} cannot be written"
    return None


class Network:
    """Some namespaces, by short names; all gone when left."""

    def __init__(self) -> None:
        self._prefix = f"bm{os.getpid()}"
        self._cables = 0
        self._held = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()

    def add(self, *places: str) -> None:
        for place in places:
            _ip("netns", "add", self._name(place))
            self._held.callback(_ip, "netns", "delete", self._name(place))
            self.ip(place, "link", "set", "lo", "up")

    def ip(self, place: str, *words: str) -> None:
        _ip("-n", self._name(place), *words)

    def inside(self, place: str) -> tuple[str, ...]:
        """What to put before a command that is to run there."""
        return ("ip", "netns", "exec", self._name(place))

    def program(self, file: Path, place: str, command: str) -> Path:
        """Writes a script that runs ``command`` there, for whoever can only be given a program."""
        file.write_text(f'#!/bin/sh\nexec {" ".join(self.inside(place))} {command} "$@"\n')
        file.chmod(0o755)
        return file

    def run(self, place: str, *command: str, given: str = "") -> None:
        _run((*self.inside(place), *command), given)

    def cable(self, one: str, one_address: str, other: str, other_address: str) -> tuple[str, str]:
        """Joins two places; addresses as 10.0.0.1/24. The names of both ends."""
        ends = f"{self._prefix[-8:]}v{self._cables}", f"{self._prefix[-8:]}w{self._cables}"
        self._cables += 1
        peer = ("type", "veth", "peer", ends[1], "netns", self._name(other))
        _ip("link", "add", ends[0], "netns", self._name(one), *peer)
        for place, end, address in ((one, ends[0], one_address), (other, ends[1], other_address)):
            self.ip(place, "address", "add", address, "dev", end)
            self.ip(place, "link", "set", end, "up")
        return ends

    def live(self, place: str, life: Callable[[], Awaitable[T]]) -> T:
        """Runs ``life`` in an event loop there, in a thread of its own; gives what it gives."""
        return self._within(place, lambda: asyncio.run(_whole(life)))

    def _within(self, place: str, act: Callable[[], T]) -> T:
        done: list[T] = []
        failed: list[BaseException] = []

        def inside() -> None:
            try:
                with Path(f"/run/netns/{self._name(place)}").open("rb") as file:
                    if _libc.setns(file.fileno(), _NEW_NET) != 0:
                        raise OSError(ctypes.get_errno(), f"the namespace {place} cannot be entered")
                done.append(act())
            except BaseException as error:  # raised again in the thread that asked
                failed.append(error)

        thread = threading.Thread(target=inside, name=f"in {place}")
        thread.start()
        thread.join()
        if failed:
            raise failed[0]
        return done[0]

    def _name(self, place: str) -> str:
        return f"{self._prefix}{place}"


async def _whole(life: Callable[[], Awaitable[T]]) -> T:
    return await life()


def _ip(*words: str) -> None:
    _run(("ip", *words))


def _run(command: Sequence[str], given: str = "") -> None:
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
