"""What stands at the home for a partner's audio elsewhere: whole, in order, and only what was asked for."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.media.clock import SessionClock, machine_samples
from gateway.neighbours.far_microphone import FarMicrophone
from gateway.neighbours.letters import sound_of, voice_of
from gateway.neighbours.offset import Offset
from gateway.neighbours.post import Post
from gateway.neighbours.voices import VoiceIn, VoiceOut, pack, unpack
from gateway.tasks import Tasks
from streaming import packets
from streaming.backbone import Backbone
from streaming.types import SAMPLE_RATE_HZ, STEP, AudioChunk, Speaker
from tests.gateway.rtp_script import assert_contiguous
from tests.gateway.serving import PATIENCE_S, until

SEAT = "0" * 32


@pytest.fixture
async def post(backbone: Backbone) -> AsyncIterator[Post]:
    post, tasks = Post(backbone.bus), Tasks()
    post.run(tasks)
    yield post
    await tasks.close()


def chunk(start: int, length: int = 320, speaker: Speaker = Speaker.A) -> AudioChunk:
    return AudioChunk("s", speaker, start, np.full(length, (start + 1) * STEP, np.float32), uncertainty=7)


def far(post: Post, heard: list[AudioChunk]) -> FarMicrophone:
    return FarMicrophone("s", Speaker.A, SEAT, post, heard.append)


async def send(post: Post, *chunks: AudioChunk) -> None:
    for each in chunks:
        post.sound.send(sound_of(SEAT), packets.pack(each))
    await passed(post)


async def passed(post: Post) -> None:
    """Whatever was sent before has been read by all who followed it before."""
    mark, came = secrets.token_hex(8), asyncio.Event()
    post.sound.follow(mark, lambda _: came.set())
    post.sound.send(mark, b"x")
    async with asyncio.timeout(PATIENCE_S):
        await came.wait()


class Ear:
    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def forward(self, payload: bytes, source: int, timestamp: int, at_s: float) -> None:
        self.heard.append(payload)

    def forward_frame(self, frame: object, source: int, at_s: float) -> None:
        raise AssertionError("only packets go over the bus")


async def hears(post: Post, ear: Ear, payload: bytes) -> None:
    """Says it over and over, since a voice is followed from the moment on at which the bus was asked where it is."""

    async def heard() -> bool:
        VoiceOut(post, voice_of("s", "a")).forward(payload, 1, 0, 0.0)
        await passed(post)
        return payload in ear.heard

    await until(heard)


async def test_audio_is_delivered_once_and_whole_whatever_comes_twice_or_not_at_all(post: Post) -> None:
    heard: list[AudioChunk] = []
    own = far(post, heard)
    own.begin(SessionClock.start(), 1000)
    await send(post, chunk(680), chunk(900), chunk(1220), chunk(1220), chunk(1600), chunk(1400))
    assert [(c.start, c.end, c.missing) for c in heard] == [
        (1000, 1220, False),
        (1220, 1540, False),
        (1540, 1600, True),
        (1600, 1920, False),
    ]
    assert (heard[0].samples == 901 * STEP).all()
    assert heard[0].uncertainty == 7


async def test_nothing_is_taken_that_was_not_asked_for(post: Post) -> None:
    heard: list[AudioChunk] = []
    own = far(post, heard)
    await send(post, chunk(0))
    own.begin(SessionClock.start(), 5000)
    own.stop()
    await send(post, chunk(5000))
    own.begin(SessionClock.start(), 9000)
    await send(post, chunk(9000, speaker=Speaker.B))
    assert heard == []


async def test_a_gateway_that_brings_nothing_does_not_hold_up_the_other_partner(post: Post) -> None:
    heard: list[AudioChunk] = []
    own = far(post, heard)
    clock = SessionClock.with_zero(machine_samples(asyncio.get_running_loop().time()) - 5 * SAMPLE_RATE_HZ)
    own.begin(clock, SAMPLE_RATE_HZ)
    own.poll()
    assert_contiguous(heard, SAMPLE_RATE_HZ)
    assert all(c.missing for c in heard)
    assert 3.9 * SAMPLE_RATE_HZ < heard[-1].end < 4.5 * SAMPLE_RATE_HZ


async def test_a_voice_is_read_from_the_bus_only_while_somebody_hears_it(post: Post) -> None:
    out, voice, ear = VoiceOut(post, voice_of("s", "a")), VoiceIn(post, voice_of("s", "a")), Ear()
    out.forward(b"before", 1, 0, 0.0)
    await passed(post)
    voice.add_ear(ear)
    await hears(post, ear, b"now")
    voice.drop_ear(ear)
    out.forward(b"after", 1, 1920, 0.0)
    await passed(post)
    assert set(ear.heard) == {b"now"}


async def test_two_partners_elsewhere_hear_each_other_without_a_detour(post: Post) -> None:
    a, b = far(post, []), FarMicrophone("s", Speaker.B, "1" * 32, post, list[AudioChunk]().append)
    a.hear(b)
    b.hear(a)
    for own in (a, b):
        assert (own.wanted.speaks, own.wanted.hears) == (True, True)
    a.hear(None)
    assert (b.wanted.speaks, b.wanted.hears, a.wanted.hears) == (False, True, False)


@given(st.binary(min_size=1, max_size=200), st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1))
def test_a_packet_arrives_as_it_was_sent(payload: bytes, source: int, timestamp: int) -> None:
    assert unpack(pack(payload, source, timestamp)) == (payload, source, timestamp)


@given(
    st.integers(-(2**40), 2**40),
    st.lists(st.tuples(st.integers(0, 8000), st.integers(0, 8000)), min_size=1, max_size=19),
)
def test_the_fastest_answer_tells_how_two_clocks_stand(theirs: int, ways: list[tuple[int, int]]) -> None:
    offset, now = Offset(), 1000
    for there, back in ways:
        offset.answered(now, now + there + theirs, now + there + back)
        now += 8000
    assert abs(offset.samples - theirs) <= offset.uncertainty
    assert offset.uncertainty <= (min(there + back for there, back in ways) + 1) // 2


async def test_a_guest_who_knocks_anew_is_heard_by_the_new_one_when_the_old_one_goes(post: Post) -> None:
    heard: list[AudioChunk] = []
    before, after, ear = far(post, []), far(post, heard), Ear()
    before.begin(SessionClock.start(), 0)
    before.add_ear(Ear())
    after.add_ear(ear)
    after.begin(SessionClock.start(), 0)
    await before.close()
    await send(post, chunk(0))
    assert [c.start for c in heard] == [0]
    await hears(post, ear, b"now")
