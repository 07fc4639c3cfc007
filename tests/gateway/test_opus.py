"""libopus decodes straight to 16 kHz mono, guesses at losses, and reads copies of lost packets."""

from __future__ import annotations

import contextlib
from fractions import Fraction

import av
import numpy as np
import opuslib_next
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.media.opus import OpusDecoder, UndecodableAudio, carries_previous, packet_samples
from streaming.types import Samples, on_steps


def tone(seconds: float, rate: int = 48_000) -> Samples:
    t = np.arange(int(seconds * rate)) / rate
    return (0.3 * np.sin(2 * np.pi * 300 * t) * (1 + 0.3 * np.sin(2 * np.pi * 4 * t))).astype(np.float32)


def encode(audio: Samples, **options: str) -> list[bytes]:
    """Opus packets of 48 kHz mono audio, by libav's build of libopus."""
    codec = av.CodecContext.create("libopus", "w")
    codec.sample_rate, codec.layout, codec.format = 48_000, "mono", "flt"
    codec.bit_rate = 24_000
    codec.options = {"application": "voip", **options}
    codec.time_base = Fraction(1, 48_000)
    frame = av.AudioFrame.from_ndarray(audio[None], "flt", "mono")
    frame.sample_rate = 48_000
    fifo = av.AudioFifo()
    fifo.write(frame)
    codec.open()
    packets = []
    while (block := fifo.read(codec.frame_size or 960)) is not None:
        packets += [bytes(p) for p in codec.encode(block)]
    return packets


def test_a_tone_comes_out_at_16_khz_with_its_level_and_pitch() -> None:
    decoder = OpusDecoder()
    audio = np.concatenate([decoder.decode(p) for p in encode(tone(1.0))])
    assert audio.dtype == np.float32
    assert len(audio) == 16_000
    middle = audio[4000:12_000]
    assert np.argmax(np.abs(np.fft.rfft(middle))) * 2 == pytest.approx(300, abs=4)
    assert middle.std() == pytest.approx(tone(1.0)[12_000:36_000].std(), rel=0.1)


@pytest.mark.parametrize("ms", [2.5, 5, 10, 20, 40, 60])
def test_the_header_tells_the_length_that_decoding_gives(ms: float) -> None:
    decoder = OpusDecoder()
    for packet in encode(tone(0.3), frame_duration=str(ms)):
        assert packet_samples(packet) == len(decoder.decode(packet)) == ms * 16


@given(st.binary(max_size=40))
def test_any_bytes_either_have_a_length_or_are_refused_and_never_break_the_decoder(payload: bytes) -> None:
    decoder = OpusDecoder()
    try:
        length = packet_samples(payload)
    except UndecodableAudio:
        return
    with contextlib.suppress(UndecodableAudio):
        assert len(decoder.decode(payload)) == length
    assert len(decoder.decode(encode_once())) == 320


def encode_once(cache: list[bytes] = []) -> bytes:  # noqa: B006
    """One packet, made once."""
    if not cache:
        cache.append(encode(tone(0.1))[1])
    return cache[0]


def test_a_guess_has_the_length_asked_for_and_resembles_what_came_before() -> None:
    decoder = OpusDecoder()
    for packet in encode(tone(0.5)):
        decoder.decode(packet)
    guess = decoder.conceal(320)
    assert len(guess) == 320
    assert guess.std() > 0.05
    assert len(decoder.conceal(123)) == 123


def test_a_lost_packet_is_read_from_the_copy_in_the_next() -> None:
    encoder = opuslib_next.Encoder(16_000, 1, "voip")
    encoder.inband_fec, encoder.packet_loss_perc, encoder.bitrate = 1, 20, 24_000
    audio = tone(1.0, 16_000)
    pcm = (audio * 32_767).astype(np.int16)
    packets = [encoder.encode(pcm[i : i + 320].tobytes(), 320) for i in range(0, 16_000, 320)]
    whole, lossy = OpusDecoder(), OpusDecoder()
    true = [whole.decode(p) for p in packets]
    for packet in packets[:24]:
        lossy.decode(packet)
    assert carries_previous(packets[25])
    recovered = lossy.recover(packets[25], 320)
    assert recovered is not None
    assert np.corrcoef(recovered, true[24])[0, 1] > 0.9
    assert lossy.recover(packets[25], 321) is None


def test_a_packet_without_a_copy_recovers_nothing() -> None:
    assert OpusDecoder().recover(encode_once(), 320) is None


def test_all_that_comes_out_are_whole_steps_of_16_bits_so_that_a_bus_carries_it_exactly() -> None:
    packets, decoder = encode(3 * tone(0.5)), OpusDecoder()  # too loud for them
    heard = [decoder.decode(p) for p in packets] + [decoder.conceal(500)]
    for audio in heard:
        assert np.array_equal(on_steps(audio), audio)
        assert np.abs(audio).max() <= 1
