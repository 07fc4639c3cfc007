"""The simulated microphone keeps real time, and two of them start in step to the sample."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from gateway.voice_track import FRAME, RATE_HZ, VoiceTrack, resampled
from streaming.types import Samples

CLICK = 0.5


def clicks(at: list[int], length: int) -> Samples:
    audio = np.zeros(length, np.float32)
    audio[at] = CLICK
    return audio


async def hear(track: VoiceTrack, frames: int) -> tuple[Samples, list[float]]:
    """The next frames as one stretch of float32, and when each came (loop time)."""
    loop = asyncio.get_running_loop()
    blocks, came_at = [], []
    for _ in range(frames):
        frame = await track.recv()
        blocks.append(frame.to_ndarray()[0].astype(np.float32) / 32767)
        came_at.append(loop.time())
    return np.concatenate(blocks), came_at


async def test_two_tracks_that_began_at_different_times_speak_at_one_instant() -> None:
    loop = asyncio.get_running_loop()
    early, late = VoiceTrack(clicks([0], 4800)), VoiceTrack(clicks([0], 4800))
    began = loop.time()
    first = asyncio.create_task(hear(early, 20))
    await asyncio.sleep(0.033)  # out of step with the 20 ms grid of the other
    late_began = loop.time()
    second = asyncio.create_task(hear(late, 18))
    instant = began + 0.2
    early.play_at(instant)
    late.play_at(instant)
    heard_early, heard_late = (await first)[0], (await second)[0]
    at_early = began + np.argmax(heard_early) / RATE_HZ
    at_late = late_began + np.argmax(heard_late) / RATE_HZ
    assert at_early == pytest.approx(instant, abs=0.002)
    assert at_early == pytest.approx(at_late, abs=0.002)


async def test_frames_come_every_20_ms_and_never_before_their_last_sample_was_heard() -> None:
    loop = asyncio.get_running_loop()
    track = VoiceTrack(np.zeros(100, np.float32))
    began = loop.time()
    _, came_at = await hear(track, 25)
    due = began + (np.arange(25) + 1) * FRAME / RATE_HZ
    assert (np.array(came_at) >= due - 0.002).all()
    assert came_at[-1] == pytest.approx(due[-1], abs=0.02), "lateness of one frame is not carried to the next"


async def test_every_sample_is_spoken_once_and_the_end_is_told() -> None:
    audio = clicks(list(range(0, 5000, 500)), 5000)
    track = VoiceTrack(audio)
    track.play_at(asyncio.get_running_loop().time() + 0.03)
    heard, _ = await hear(track, 12)
    assert np.diff(np.flatnonzero(heard > CLICK / 2)).tolist() == [500] * 9
    assert track.played.is_set()


async def test_before_the_start_there_is_the_tone_of_a_room_and_not_digital_silence() -> None:
    track = VoiceTrack(clicks([0], 480))
    heard, _ = await hear(track, 3)
    assert 0 < np.abs(heard).max() < 0.01
    assert not track.played.is_set()


def test_audio_of_another_rate_keeps_its_length_in_seconds() -> None:
    one_second = np.sin(np.arange(16_000) * 0.1).astype(np.float32)
    assert len(resampled(one_second, 16_000)) == pytest.approx(RATE_HZ, abs=100)
    assert len(resampled(np.zeros(10, np.float32), RATE_HZ)) == 10
