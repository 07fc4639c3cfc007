"""Many sessions on one loop: the same annotations as alone, in order, under a bound."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import numpy as np
import pytest

from detectors.pipeline import Pipeline
from detectors.worker import MAX_WAITING_SAMPLES, Worker
from streaming.types import SAMPLE_RATE_HZ, Annotation, AudioChunk, Kind, Speaker
from tests.detectors.talk import dialogue, lines, packets, run, speech


class Heard:
    """What was delivered, in the order in which it came."""

    def __init__(self) -> None:
        self.annotations: defaultdict[str, list[Annotation]] = defaultdict(list)
        self.nows: defaultdict[str, list[int]] = defaultdict(list)

    async def __call__(self, session: str, annotations: list[Annotation], now: int) -> None:
        self.annotations[session] += annotations
        self.nows[session].append(now)


def _of(session: str, chunk: AudioChunk) -> AudioChunk:
    return AudioChunk(session, chunk.speaker, chunk.start, chunk.samples, chunk.missing)


async def test_batched_over_sessions_the_annotations_are_those_of_a_replay() -> None:
    offsets_s = (0.0, 8.5, 22.5, 37.0, 44.0)
    audio = {f"s{n}": dialogue(at, at + 12) for n, at in enumerate(offsets_s)}
    heard = Heard()
    worker = Worker(heard)
    for session in audio:
        worker.open(Pipeline(session))
    streams = [[_of(session, chunk) for chunk in packets(own)] for session, own in audio.items()]
    for number, round_ in enumerate(zip(*streams, strict=True)):
        for chunk in round_:
            worker.offer(chunk)
        if number % 7 == 0:  # ticks fall anywhere
            await worker.tick()
    for session in audio:
        await worker.close(session)
    for session, own in audio.items():
        alone = run(Pipeline(session), (_of(session, chunk) for chunk in packets(own)))
        assert lines(heard.annotations[session]) == lines(alone)
        assert heard.nows[session] == sorted(heard.nows[session])


async def test_time_is_delivered_though_nothing_happened() -> None:
    heard = Heard()
    worker = Worker(heard)
    worker.open(Pipeline("s"))
    silence = np.zeros(640, np.float32)
    for speaker in Speaker:
        worker.offer(AudioChunk("s", speaker, 0, silence))
    await worker.tick()
    assert heard.nows["s"] == [512]
    assert heard.annotations["s"] == []


async def test_over_its_bound_a_queue_loses_the_oldest_audio_and_counts_it() -> None:
    heard = Heard()
    worker = Worker(heard)
    worker.open(Pipeline("s"))
    audio = dialogue(0, 20)
    for chunk in packets(audio):
        worker.offer(chunk)
    lost = len(audio[Speaker.A]) - MAX_WAITING_SAMPLES
    assert worker.counts.dropped_samples == 2 * lost
    await worker.close("s")
    assert heard.nows["s"][-1] == len(audio[Speaker.A]) // 512 * 512
    for speaker in Speaker:
        assert all(a.span.start >= lost for a in speech(heard.annotations["s"], speaker))


async def test_a_partner_who_runs_ahead_waits_under_the_same_bound() -> None:
    worker = Worker(Heard())
    pipeline = Pipeline("s")
    worker.open(pipeline)
    for chunk in packets(dialogue(0, 20)):
        if chunk.speaker is Speaker.A:
            worker.offer(chunk)
            await worker.tick()
    assert pipeline.given(Speaker.A) == 0
    assert worker.counts.dropped_samples == 10 * SAMPLE_RATE_HZ


async def test_a_jump_forward_is_missing_audio_and_a_jump_back_is_refused() -> None:
    heard = Heard()
    worker = Worker(heard)
    worker.open(Pipeline("s"))
    second = np.zeros(SAMPLE_RATE_HZ, np.float32)
    for speaker in Speaker:
        worker.offer(AudioChunk("s", speaker, SAMPLE_RATE_HZ, second))
        worker.offer(AudioChunk("s", speaker, SAMPLE_RATE_HZ // 2, second))
    worker.offer(AudioChunk("nobody", Speaker.A, 0, second))
    await worker.close("s")
    assert heard.nows["s"][-1] == 2 * SAMPLE_RATE_HZ // 512 * 512
    assert worker.counts.late_samples == 2 * SAMPLE_RATE_HZ
    assert worker.counts.unknown_chunks == 1


async def test_one_session_that_fails_is_closed_and_the_others_go_on() -> None:
    heard, failures = Heard(), []
    worker = Worker(heard, failed=lambda session, error: failures.append((session, error)))
    for session in ("good", "bad"):
        worker.open(Pipeline(session))
        for speaker in Speaker:
            shape = (800, 2) if session == "bad" else (800,)
            worker.offer(AudioChunk(session, speaker, 0, np.zeros(shape, np.float32)))
    await worker.tick()
    await worker.tick()
    assert [session for session, _ in failures] == ["bad"]
    assert isinstance(failures[0][1], ValueError)
    assert heard.nows["good"] == [512]
    assert worker.counts.failed_sessions == 1


async def test_saved_between_ticks_another_worker_goes_on() -> None:
    audio, cut = dialogue(28, 45), 400
    heard = Heard()
    first, second = Worker(heard), Worker(heard)
    first.open(Pipeline("s"))
    for number, chunk in enumerate(packets(audio)):
        if number == cut:
            await first.tick()
            now, payload = await first.save("s")
            assert now == heard.nows["s"][-1]
            second.open(Pipeline.restore("s", payload))
        (first if number < cut else second).offer(chunk)
        if number > cut:
            await second.tick()
    await second.close("s")
    assert lines(heard.annotations["s"]) == lines(run(Pipeline("s"), packets(audio)))


async def test_audio_that_fills_no_frame_costs_no_tick_and_is_saved() -> None:
    heard = Heard()
    worker = Worker(heard)
    worker.open(Pipeline("s"))
    for speaker in Speaker:
        worker.offer(AudioChunk("s", speaker, 0, np.zeros(320, np.float32)))
    await worker.tick()
    assert worker.counts.ticks == 0
    now, payload = await worker.save("s")
    assert now == 0
    assert [Pipeline.restore("s", payload).given(speaker) for speaker in Speaker] == [320, 320]


async def test_whoever_has_far_to_catch_up_lets_the_loop_have_its_turn_between_frames() -> None:
    worker = Worker(Heard())
    worker.open(Pipeline("s"))
    for chunk in packets(dialogue(0, 8)):
        worker.offer(chunk)
    closing = asyncio.create_task(worker.close("s"))
    turns = 0
    while not closing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns >= worker.counts.frames == 8 * SAMPLE_RATE_HZ // 512


@pytest.mark.timeout(30)
async def test_it_ticks_by_itself_until_cancelled() -> None:
    arrived = asyncio.Event()

    async def deliver(session: str, annotations: list[Annotation], now: int) -> None:
        if any(a.kind is Kind.SPEECH for a in annotations):
            arrived.set()

    worker = Worker(deliver, tick_s=0.005)
    running = asyncio.create_task(worker.run())
    worker.open(Pipeline("s"))
    for chunk in packets(dialogue(0, 4)):
        worker.offer(chunk)
    await arrived.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
