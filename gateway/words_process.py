"""The transcriber as the gateway sees it: a process that may die, be killed, or hang, and nobody is held up by that."""

from __future__ import annotations

import asyncio
import io
import json
import os
import struct
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from detectors.words_heard import Heard, HeardWord
from gateway.words_worker import MAX_HEAD_BYTES, frame
from streaming.errors import UnusableInput
from streaming.types import Samples

START_S = 120.0  # a cold start on a busy machine reads 150 MB
ANSWER_S = 60.0  # a whole window takes 3 s alone on a core; whoever takes this long hangs
STOP_S = 2.0
_LENGTH = struct.Struct(">I")


class TranscriberGone(Exception):
    """The process ended, or hung and was ended. Another can be started."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was heard, why it is not to be believed (if so), and how long that took: wall clock, and processor."""

    heard: Heard
    doubt: str | None
    busy_s: float
    cpu_s: float


class Transcriber:
    """One process with one model; one utterance at a time."""

    def __init__(self, process: asyncio.subprocess.Process, languages: Collection[str]) -> None:
        self._process = process
        self.languages = languages
        self._job = 0

    @classmethod
    async def start(cls, model: Path, invented: Collection[str] = ()) -> Self:
        """Raises UnusableInput where the model cannot be read, TranscriberGone where the process ends."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway.words_worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # Its words are nobody's to read in a log; a session of its own, so that Ctrl-C is the gateway's to handle.
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        own = cls(process, ())
        try:
            async with asyncio.timeout(START_S):
                head = await own._ask(frame({"model": str(model), "invented": sorted(invented)}))
        except TimeoutError as error:
            await own.stop()
            raise TranscriberGone(f"not ready within {START_S:g} s") from error
        except BaseException:
            await own.stop()
            raise
        if "error" in head:
            await own.stop()
            raise UnusableInput(f"{model}: the transcriber cannot use this model ({head['error']})")
        own.languages = tuple(head["languages"])
        return own

    @property
    def pid(self) -> int:
        return self._process.pid

    async def hear(self, sound: Samples, language: str) -> Answer:
        """Raises TranscriberGone; the process is over then, as it is when this is cancelled."""
        self._job += 1
        try:
            async with asyncio.timeout(ANSWER_S):
                head = await self._ask(frame({"job": self._job, "language": language}, sound))
        except TimeoutError as error:
            await self.stop()
            raise TranscriberGone(f"no answer within {ANSWER_S:g} s") from error
        except BaseException:
            await self.stop()
            raise
        words = tuple(HeardWord(str(text), float(a), float(b), float(p)) for text, a, b, p in head["words"])
        return Answer(Heard(words, head["logprob"], head["no_speech"]), head["doubt"], head["busy_s"], head["cpu_s"])

    async def stop(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def _ask(self, data: bytes) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(data)
            await self._process.stdin.drain()
            (length,) = _LENGTH.unpack(await self._process.stdout.readexactly(_LENGTH.size))
            if length > MAX_HEAD_BYTES:
                raise TranscriberGone(f"an answer of {length} bytes")
            head: dict[str, Any] = json.load(io.BytesIO(await self._process.stdout.readexactly(length)))
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            raise TranscriberGone(f"the transcriber ended ({error!r})") from error
        return head
