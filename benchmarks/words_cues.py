"""What words do to cues: couples practise with a gateway of its own, and agree to words in every second turn.

``python -m benchmarks.words_cues serve …`` is that gateway. Its coach answers whoever begins to speak: a real one
speaks too seldom to be timed. All else is the gateway as it is, with the transcriber in its own process beside it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from benchmarks import eager
from benchmarks.crowd import Couple, crowd
from benchmarks.gateway_process import gateway
from benchmarks.packets import encoded
from gateway.cli import main
from gateway.demo import DIALOGUE
from streaming.audio import read_partners
from streaming.errors import Refused
from streaming.types import Kind

_PROGRAM = ("-m", "benchmarks.words_cues")
_SETTLE_S = 1.0  # after a change of mind: what the transcriber holds of it is done by then
_HEARD = "breathmark_words_heard"


@dataclass(frozen=True, slots=True)
class Cues:
    """Delays from the audio that decided a cue to the partner's socket, ms; a block is one couple in one turn."""

    off: Sequence[Sequence[float]]
    on: Sequence[Sequence[float]]
    heard: int  # utterances that were put into words meanwhile
    couples: int  # fewer than asked for where the gateway takes no more


async def cue_delays(model: str, *, couples: int, turns: int, turn_s: float) -> Cues:
    """Turns without and with words alternate, so that whatever else the machine does falls on both."""
    packets = {speaker: encoded(own) for speaker, own in read_partners([DIALOGUE]).items()}
    blocks: dict[bool, list[list[float]]] = {False: [], True: []}
    many = {"BREATHMARK_SESSIONS_PER_MINUTE": "1000"}  # all couples come from one address
    served = gateway(_PROGRAM, environment=many, options=("--words", model))
    async with served as running, crowd(running, packets) as people:
        with suppress(Refused):
            await people.grow(couples)
        for turn in range(2 * turns):
            on = turn % 2 == 1
            await asyncio.gather(*(_agree(couple, on) for couple in people.couples))
            await asyncio.sleep(_SETTLE_S)
            since_unix = time.time()
            await asyncio.sleep(turn_s)
            for couple in people.couples:
                blocks[on].append([1000 * late_s for late_s in couple.delays_s(since_unix)])
        heard = (await running.metrics()).get(_HEARD, 0.0)
    return Cues(blocks[False], blocks[True], round(heard), len(people.couples))


async def _agree(couple: Couple, words: bool) -> None:
    for partner in (couple.a, couple.b):
        await partner.say({"type": "consent", "practice": True, "observer": False, "words": words})


if __name__ == "__main__":
    eager.EagerCoach.answers = frozenset({Kind.SPEECH, Kind.OVERLAP})
    eager.install()
    main()
