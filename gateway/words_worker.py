"""The transcriber's own process: ``python -m gateway.words_worker`` hears what comes in and says what it was.

Frames go both ways over its pipes: 4 bytes of length, a JSON head of that length and, where the head says ``bytes``,
so much sound as little-endian float32. The first frame names the model; the answer is that it is ready, or why not.
It runs at a lower priority than whatever listens live, and ends when its input does.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from streaming.types import Samples

NICENESS = 10  # detectors and everybody's audio come first
MAX_HEAD_BYTES = 1 << 20
MAX_SOUND_BYTES = 4 * 16_000 * 30  # the model's window
_LENGTH = struct.Struct(">I")


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


def main() -> None:
    # Whatever a library prints must not get between the frames.
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    os.nice(NICENESS)
    serve(sys.stdin.buffer, sink)


if __name__ == "__main__":
    main()
