"""A gateway without browsers: it speaks for many couples at once, over the bus, as ``breathmark serve`` does.

Audio comes from the bundled dialogue in real time instead of from WebRTC; all else (clocks, the way to the
workers, what is shown, acknowledgements in the timeline) is the gateway's own. Run by ``benchmarks.chaos``,
which kills it: started again it goes on, and what lies between is missing audio.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from coach.settings import CoachSettings
from gateway.demo import DIALOGUE
from gateway.logs import configure
from gateway.media.clock import SessionClock
from gateway.metrics import Metrics
from gateway.practice.analyst import Practised, Tools
from gateway.workers.remote_analysts import RemoteAnalysts
from streaming.audio import CHUNK_SAMPLES, read_partners
from streaming.backbone import open_backbone
from streaming.errors import StoreUnavailable
from streaming.ids import event_id
from streaming.timeline import Timeline, line_key, open_engine
from streaming.types import AudioChunk, Cue, Happening, Line, Samples, Speaker

POLICY = CoachSettings(settle_in_s=0.0)  # cues from the first minute on
QUIET_S = 1.0  # before the end: whoever writes down the streams must have read them
WRITE_S = 5.0
STEP_S = 0.02


class Listener(Protocol):
    """What a couple needs of whoever analyses it."""

    @property
    def given(self) -> Mapping[Speaker, int]: ...
    def offer(self, chunk: AudioChunk) -> None: ...
    async def happened(self, told: Sequence[Happening]) -> None: ...
    async def close(self) -> None: ...


class Couple:
    """One practice. Its voices are the dialogue, from a moment of its own; every second one has them swapped."""

    def __init__(self, number: int, voices: Mapping[Speaker, Samples], tools: Tools, shown: Path) -> None:
        self.session = f"couple-{number}"
        self.analyst: Listener | None = None
        self.speaks = True
        n = len(voices[Speaker.A])
        self._voices = {s: np.roll(voices[s if number % 2 else s.other], -number * n // 10) for s in Speaker}
        self._tools = tools
        self._shown = shown
        self._acknowledging: set[asyncio.Task[None]] = set()

    def show(self, lines: Sequence[Line]) -> None:
        """Written down at once: what was shown must be in the timeline, whatever is killed next."""
        with self._shown.open("a", encoding="utf-8") as sink:
            sink.writelines(f"{self.session} {line_key(line)}\n" for line in lines)
        for cue in (line for line in lines if isinstance(line, Cue)):
            task = asyncio.create_task(self._painted(cue))
            self._acknowledging.add(task)
            task.add_done_callback(self._acknowledging.discard)

    async def _painted(self, cue: Cue) -> None:
        """As a browser does: first it is on disk, then the coach hears of it."""
        id = event_id(self.session, "gateway@1", f"cue_painted:{cue.id}", None, cue.at)
        painted = Happening(id, self.session, "cue_painted", cue.at, "a", {"cue": cue.id})
        try:
            await self._tools.append([painted], WRITE_S)
        except StoreUnavailable:
            return  # the browser says it again; this one here does not
        if self.analyst:
            await self.analyst.happened([painted])

    def speak(self, now: int) -> None:
        """All that was said up to now."""
        if self.analyst is None or not self.speaks:
            return
        for speaker, start in list(self.analyst.given.items()):
            own = self._voices[speaker]
            for at in range(start, now - CHUNK_SAMPLES + 1, CHUNK_SAMPLES):
                samples = own[np.arange(at, at + CHUNK_SAMPLES) % len(own)]
                self.analyst.offer(AudioChunk(self.session, speaker, at, samples))


async def run(bus: str, store: str, couples: int, began_unix: float, *, goes_on: bool, shown: Path) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    engine = await open_engine(store)
    async with open_backbone(bus) as backbone, Timeline(engine) as timeline:
        tools = Tools(timeline, Metrics())
        analysts = RemoteAnalysts(tools, backbone)
        working = asyncio.create_task(analysts.run())
        clock = SessionClock(began_unix)
        voices = read_partners([DIALOGUE])
        live = [Couple(number, voices, tools, shown) for number in range(couples)]
        for couple in live:
            practised = Practised(couple.session, clock, POLICY, couple.show, lambda: None)
            couple.analyst = await analysts.resume(practised) if goes_on else analysts.begin(practised)
        sys.stdout.write("speaking\n")
        sys.stdout.flush()
        while not stop.is_set():
            for couple in live:
                couple.speak(clock.now())
            await asyncio.sleep(STEP_S)
        await asyncio.sleep(QUIET_S)
        await asyncio.gather(*(couple.analyst.close() for couple in live if couple.analyst))
        working.cancel()
    await engine.dispose()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--couples", type=int, required=True)
    parser.add_argument("--began-unix", type=float, required=True)
    parser.add_argument("--shown", type=Path, required=True)
    parser.add_argument("--goes-on", action="store_true")
    given = parser.parse_args()
    configure("info")
    asyncio.run(
        run(
            os.environ["BREATHMARK_BUS"],
            os.environ["BREATHMARK_STORE"],
            given.couples,
            given.began_unix,
            goes_on=given.goes_on,
            shown=given.shown,
        )
    )
