"""The transcriber: a process of its own, and how the gateway sees it. It may die or hang: nobody is held up by that.

``python -m gateway.words.process`` hears what comes in and says what it was. Frames go both ways over its pipes:
4 bytes of length, a JSON head of that length and, where the head says ``bytes``, so much sound as little-endian
float32. The first frame names the model; the answer is that it is ready, or why not. It runs at a lower priority
than whatever listens live, and ends when its input does.
"""

from __future__ import annotations

import asyncio
import json
import os
import struct
import sys
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np

from detectors.words_heard import Heard, HeardWord
from streaming.errors import UnusableInput
from streaming.types import Samples

START_S = 120.0  # a cold start on a busy machine reads 150 MB
ANSWER_S = 60.0  # a whole window takes 3 s alone on a core; whoever takes this long hangs
NICENESS = 10  # where the system knows no idle priority
MAX_HEAD_BYTES = 1 << 20
MAX_SOUND_BYTES = 4 * 16_000 * 30  # the model's window
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
            *(sys.executable, "-m", "gateway.words.process"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # Its words are nobody's to read in a log; a session of its own, so that Ctrl-C is the gateway's to handle.
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        own = cls(process, ())
        head = await own._ask(frame({"model": str(model), "invented": sorted(invented)}), START_S)
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
        head = await self._ask(frame({"job": self._job, "language": language}, sound), ANSWER_S)
        words = tuple(HeardWord(str(text), float(a), float(b), float(p)) for text, a, b, p in head["words"])
        return Answer(Heard(words, head["logprob"], head["no_speech"]), head["doubt"], head["busy_s"], head["cpu_s"])

    async def stop(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def _ask(self, data: bytes, within_s: float) -> dict[str, Any]:
        """Where no answer comes, or nobody waits for it any more, the process is ended."""
        try:
            async with asyncio.timeout(within_s):
                return await self._answer(data)
        except BaseException as error:
            await self.stop()
            if isinstance(error, TimeoutError):
                raise TranscriberGone(f"no answer within {within_s:g} s") from error
            raise

    async def _answer(self, data: bytes) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(data)
            await self._process.stdin.drain()
            (length,) = _LENGTH.unpack(await self._process.stdout.readexactly(_LENGTH.size))
            if length > MAX_HEAD_BYTES:
                raise TranscriberGone(f"an answer of {length} bytes")
            head: dict[str, Any] = json.loads(await self._process.stdout.readexactly(length))
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            raise TranscriberGone(f"the transcriber ended ({error!r})") from error
        return head


# In the process


def read_frame(stream: BinaryIO) -> tuple[dict[str, Any], Samples] | None:
    """The next frame, None at the end. Raises ValueError for what is none."""
    start = stream.read(_LENGTH.size)
    if len(start) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(start)
    if length > MAX_HEAD_BYTES:
        raise ValueError(f"a head of {length} bytes, at most {MAX_HEAD_BYTES} are expected")
    head: dict[str, Any] = json.loads(stream.read(length))
    size = int(head.get("bytes", 0))
    if not 0 <= size <= MAX_SOUND_BYTES:
        raise ValueError(f"{size} bytes of sound, at most {MAX_SOUND_BYTES} are expected")
    return head, np.frombuffer(stream.read(size), "<f4")


def frame(head: dict[str, Any], sound: Samples | None = None) -> bytes:
    """One frame as bytes."""
    data = b"" if sound is None else np.ascontiguousarray(sound, "<f4").tobytes()
    text = json.dumps({**head, "bytes": len(data)} if data else head).encode()
    return _LENGTH.pack(len(text)) + text + data


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answers every frame until there are no more."""
    from detectors.whisper import Whisper  # a second of loading that whoever imports the frames need not wait for

    def say(head: dict[str, Any]) -> None:
        sink.write(frame(head))
        sink.flush()

    first = read_frame(source)
    if first is None:
        return
    try:
        whisper = Whisper(Path(first[0]["model"]))
    except Exception as error:  # whatever is wrong with a model, its reader says so in its own way
        say({"error": str(error) or repr(error)})
        return
    invented = frozenset(first[0].get("invented", ()))
    whisper.hear(np.zeros(16_000, np.float32), "en")  # the first time is slow: nobody should wait for it
    say({"ready": True, "languages": whisper.languages})
    while (asked := read_frame(source)) is not None:
        head, sound = asked
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        heard, reason = whisper.hear(sound, head["language"], invented)
        words = [[w.text, w.start_s, w.end_s, w.confidence] for w in heard.words]
        busy_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
        say({"job": head["job"], "words": words, "logprob": heard.logprob, "no_speech": heard.no_speech,
             "doubt": reason, "busy_s": busy_s, "cpu_s": cpu_s})  # fmt: skip


def _give_way() -> None:
    """Detectors and everybody's audio come first: only time that nobody wants goes into words.

    A nice process is let finish its slice, some milliseconds, before whoever wakes up; an idle one never is.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    except (AttributeError, OSError):  # not Linux, or not allowed
        os.nice(NICENESS)


def main() -> None:
    # Whatever a library prints must not get between the frames.
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _give_way()
    serve(sys.stdin.buffer, sink)


if __name__ == "__main__":
    main()
