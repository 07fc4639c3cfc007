from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from streaming.errors import UnusableInput
from streaming.packets import is_audio, pack, unpack
from streaming.types import STEP, AudioChunk, Samples, Speaker, on_steps

counts = st.integers(0, 2**32 - 1)


@given(
    st.sampled_from(Speaker),
    st.integers(0, 2**60),
    arrays.arrays(np.int16, st.integers(0, 700)),
    counts,
    counts,
    st.booleans(),
)
def test_audio_arrives_as_it_was_sent(
    speaker: Speaker, start: int, steps: NDArray[np.int16], uncertainty: int, hears_late: int, concealed: bool
) -> None:
    samples = np.multiply(steps, STEP, dtype=np.float32)
    chunk = AudioChunk("s", speaker, start, samples, False, uncertainty, hears_late, concealed)
    back = unpack("s", pack(chunk))
    assert back.samples.tobytes() == samples.tobytes()
    assert back.samples.flags.writeable
    assert (back.session, back.speaker, back.start, back.end) == ("s", speaker, start, chunk.end)
    assert (back.missing, back.uncertainty, back.hears_late) == (False, uncertainty, hears_late)
    assert back.concealed == concealed


@given(arrays.arrays(np.float32, 40, elements=st.floats(-1, 1 - STEP, width=32)))
def test_audio_that_16_bits_cannot_tell_arrives_as_the_nearest_that_they_can(samples: Samples) -> None:
    back = unpack("s", pack(AudioChunk("s", Speaker.A, 0, samples)))
    assert back.samples.tolist() == on_steps(samples).tolist()
    assert np.abs(back.samples - samples).max() <= STEP / 2


def test_what_is_too_loud_for_16_bits_stays_loud() -> None:
    back = unpack("s", pack(AudioChunk("s", Speaker.A, 0, np.array([1, -1, 0.5], np.float32))))
    assert back.samples.tolist() == [1 - STEP, -1, 0.5]


def test_missing_audio_costs_next_to_nothing() -> None:
    chunk = AudioChunk("s", Speaker.B, 320, np.zeros(16_000, np.float32), missing=True)
    packet = pack(chunk)
    assert len(packet) < 40
    back = unpack("s", packet)
    assert (back.missing, back.start, len(back.samples), float(np.abs(back.samples).max())) == (True, 320, 16_000, 0.0)


def test_audio_is_told_from_lines() -> None:
    assert is_audio(pack(AudioChunk("s", Speaker.A, 0, np.zeros(1, np.float32))))
    assert not is_audio(b'{"v":1}')


@pytest.mark.parametrize("end", [0, 5, 30, -1])
def test_a_packet_that_was_cut_is_refused(end: int) -> None:
    with pytest.raises(UnusableInput, match="not an audio packet"):
        unpack("s", pack(AudioChunk("s", Speaker.A, 0, np.ones(320, np.float32)))[:end])
