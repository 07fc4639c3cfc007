"""The transcriber in its own process, with the real model: what it hears, and what happens when it dies."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from coach.meaning import language
from detectors.words_heard import Heard, plain
from detectors.words_utterances import Utterance
from gateway.demo import DIALOGUE
from gateway.words.models import find_model
from gateway.words.process import Transcriber
from gateway.words.queue import QueueSettings
from gateway.words.service import Words
from gateway.words.session import SessionWords
from streaming.audio import read_partners
from streaming.errors import UnusableInput
from streaming.types import Annotation, AudioChunk, Kind, Samples, Span, Speaker
from tests.detectors.spoken import at, overlap, speech

A, B = Speaker
LINE = (5.2, 8.5, "i saw it most of it is the car and the groceries")  # by b
Said = asyncio.Queue[tuple[str, Heard | None]]


@pytest.fixture(scope="module")
def sound() -> Samples:
    return read_partners([DIALOGUE])[B][at(LINE[0]) : at(LINE[1])]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return find_model("tiny.en", tmp_path_factory.mktemp("models"))


def utterance(samples: Samples, session: str = "s", number: int = 0) -> Utterance:
    start = number * 100_000
    return Utterance(f"{session} {number}", session, B, Span(start, start + len(samples)), 0, True, start, samples)


@asynccontextmanager
async def running(model: Path) -> AsyncIterator[tuple[Words, Said]]:
    words, said = Words(model, language("en")), Said()

    async def put(utterance: Utterance, heard: Heard | None) -> None:
        said.put_nowait((utterance.id, heard))

    words.open("s", put, lambda: None)
    task = asyncio.create_task(words.run())
    try:
        yield words, said
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_was_said_comes_back_and_silence_stays_silent(model: Path, sound: Samples) -> None:
    async with running(model) as (words, said):
        words.offer(utterance(sound))
        words.offer(utterance(np.zeros(32_000, np.float32), number=1))
        _, heard = await said.get()
        assert words.waits("s")
        _, nothing = await said.get()
        assert not words.waits("s")
    assert heard is not None
    assert plain(heard.text) == LINE[2].split()
    times = [word.start_s for word in heard.words]
    assert times == sorted(times)
    assert nothing is None
    assert (words.counts.heard, words.counts.doubted) == (1, 1)


async def test_killed_in_the_middle_of_an_utterance_it_comes_back_and_nothing_is_lost(
    model: Path, sound: Samples
) -> None:
    async with running(model) as (words, said):
        words.offer(utterance(sound))
        await said.get()
        words.offer(utterance(np.tile(sound, 5), number=1))
        await asyncio.sleep(0.05)
        assert words.pid is not None
        os.kill(words.pid, signal.SIGKILL)
        words.offer(utterance(sound, number=2))
        got = [(await said.get())[0] for _ in range(2)]
    assert got == ["s 1", "s 2"]
    assert (words.counts.died, words.counts.started, words.counts.given_up) == (1, 2, 0)


async def test_what_is_withdrawn_while_it_is_heard_reaches_nobody(model: Path, sound: Samples) -> None:
    async with running(model) as (words, said):
        words.offer(utterance(sound))
        await said.get()
        words.offer(utterance(sound, number=1))
        words.offer(utterance(sound, number=2))
        words.forget("s")
        others = asyncio.Event()

        async def other(utterance: Utterance, heard: Heard | None) -> None:
            others.set()

        words.open("t", other, lambda: None)
        words.offer(utterance(sound, "t"))
        await others.wait()
    assert said.empty()


async def test_words_are_told_to_be_behind_where_no_transcriber_runs_at_all(tmp_path: Path, sound: Samples) -> None:
    told: list[bool] = []
    words = Words(tmp_path, language("en"), QueueSettings(behind_s=0.05))

    async def put(utterance: Utterance, heard: Heard | None) -> None: ...

    words.open("s", put, lambda: told.append(words.behind))
    words.offer(utterance(sound))
    await asyncio.sleep(0.1)
    words.offer(utterance(sound, number=1))
    assert told == [True]
    assert not words.waits("s"), "nobody writes them down: to the report they are lost"


async def test_a_folder_without_a_usable_model_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"no model")
    with pytest.raises(UnusableInput, match="cannot use this model"):
        await Transcriber.start(tmp_path)


def test_a_practices_lines_carry_the_words_in_session_time(sound: Samples) -> None:
    own = SessionWords("s", language("en"))
    start = at(10.0)
    for position in range(0, at(14.0), 1600):
        for speaker in Speaker:
            samples = np.zeros(1600, np.float32)
            if speaker is B and start <= position < start + len(sound) - 1600:
                samples = sound[position - start : position - start + 1600]
            own.heard(AudioChunk("s", speaker, position, samples))
    utterances, revised = own.told(speech(B, 10.1, 13.2))
    utterances += own.heard(AudioChunk("s", A, at(14.0), np.zeros(at(1.0), np.float32)))
    utterances += own.heard(AudioChunk("s", B, at(14.0), np.zeros(at(1.0), np.float32)))
    assert revised == []
    (final,) = [u for u in utterances if u.final]
    (line,) = own.said(final, Heard((), -0.1, 0.0))
    assert (line.kind, line.status, line.span.start) == (Kind.WORDS, "final", at(10.1))
    (nothing,) = own.said(final, None)
    assert (nothing.id, nothing.status, nothing.text) == (line.id, "final", "")


def test_a_burst_that_was_listened_to_in_vain_is_no_interruption() -> None:
    own, silence = SessionWords("s", language("en")), np.zeros(1600, np.float32)
    first = replace(overlap(B, 3.0, 4.6, Kind.TALK_OVER), p_interruption=0.6)
    lines = sorted([*speech(A, 1.0, 6.0), *speech(B, 3.0, 4.6), first], key=lambda a: a.decided)
    said: list[Annotation] = []
    for position in range(0, at(9.0), 1600):
        utterances = [u for speaker in Speaker for u in own.heard(AudioChunk("s", speaker, position, silence))]
        now = [line for line in lines if position <= line.decided < position + 1600]
        more, revised = own.told(now)
        said += revised
        for utterance in utterances + more:
            said += own.said(utterance, None)
    assert [(line.id, line.kind) for line in said if line.kind is not Kind.WORDS] == [(first.id, Kind.BACKCHANNEL)]
