from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from streaming.errors import UnusableInput
from streaming.packets import is_audio, pack, unpack
from streaming.types import AudioChunk, Samples, Speaker

counts = st.integers(0, 2**32 - 1)


@given(
    st.sampled_from(Speaker),
    st.integers(0, 2**60),
    arrays.arrays(np.float32, st.integers(0, 700), elements=st.floats(-1, 1, width=32)),
    counts,
    counts,
    st.booleans(),
)
def test_audio_arrives_as_it_was_sent(
    speaker: Speaker, start: int, samples: Samples, uncertainty: int, hears_late: int, concealed: bool
) -> None:
    chunk = AudioChunk("s", speaker, start, samples, False, uncertainty, hears_late, concealed)
    back = unpack("s", pack(chunk))
    assert back.samples.tobytes() == samples.tobytes()
    assert back.samples.flags.writeable
    assert (back.session, back.speaker, back.start, back.end) == ("s", speaker, start, chunk.end)
    assert (back.missing, back.uncertainty, back.hears_late) == (False, uncertainty, hears_late)
    assert back.concealed == concealed


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
