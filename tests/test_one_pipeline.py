"""One pipeline: the bundled dialogue gives the same timeline however it arrives."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from gateway.analyze import timeline_of_audio
from streaming import wire
from streaming.audio import read_partners
from streaming.types import Annotation, Samples, Speaker

DIALOGUE = Path(__file__).parents[1] / "gateway" / "assets" / "dialogue.ogg"


@cache
def dialogue() -> dict[Speaker, Samples]:
    return read_partners([DIALOGUE])


@cache
def as_analyzed() -> list[str]:
    return [wire.dumps(line) for line in timeline_of_audio("dialogue", dialogue())]


def packets() -> Iterator[int]:
    while True:
        yield 320


def ragged(seed: int) -> Iterator[int]:
    random_ = random.Random(seed)
    while True:
        yield random_.choice((1, 160, 320, 511, 512, 513, 4_000, random_.randrange(1, 40_000)))


@pytest.mark.parametrize("sizes", [packets(), ragged(1), ragged(2)], ids=["20 ms packets", "ragged", "more ragged"])
def test_the_same_audio_gives_the_same_timeline_however_it_was_cut(sizes: Iterator[int]) -> None:
    assert [wire.dumps(line) for line in timeline_of_audio("dialogue", dialogue(), sizes)] == as_analyzed()


def test_swapping_the_channels_mirrors_every_annotation() -> None:
    mirrored = {speaker: dialogue()[speaker.other] for speaker in Speaker}

    def said(partners: dict[Speaker, Samples], swap: bool) -> set[tuple[object, ...]]:
        def who(speaker: Speaker | None) -> Speaker | None:
            return speaker.other if speaker and swap else speaker

        return {
            (x.kind, x.status, x.span, x.decided, who(x.by), who(x.over), x.p_interruption, x.level)
            for x in timeline_of_audio("dialogue", partners)
            if isinstance(x, Annotation)
        }

    assert said(mirrored, swap=True) == said(dialogue(), swap=False)
