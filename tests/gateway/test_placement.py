"""Audio is placed by its RTP timestamp, waits only for what is missing, and is never moved by the network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.media.opus import OpusDecoder
from gateway.media.placement import Placement
from streaming.types import Speaker
from tests.gateway.rtp_script import (
    PACKET,
    IndexDecoder,
    Sent,
    assert_contiguous,
    later,
    new_placement,
    payload,
    play,
    stream,
    without,
)

MS = 16
T0 = 100_000 - PACKET  # machine time at which the first packet's first sample is placed


def test_a_clean_stream_is_delivered_as_it_arrives_and_where_it_belongs() -> None:
    placement = new_placement()
    placement.begin(T0)
    heard = play(placement, stream(100))
    assert_contiguous(heard.chunks, T0)
    assert not heard.missing.any()
    np.testing.assert_array_equal(heard.samples, np.arange(100 * PACKET))
    assert max(heard.delays()[3:]) == 0
    assert placement.counts.lost == placement.counts.waits - 2 == 0  # the first two wait for a third to align by


def test_a_lost_packet_is_missing_and_leaves_no_delay_behind() -> None:
    placement = new_placement()
    placement.begin(T0)
    heard = play(placement, without(stream(100), 50))
    assert_contiguous(heard.chunks, T0)
    assert heard.missing.nonzero()[0].tolist() == list(range(50 * PACKET, 51 * PACKET))
    heard_samples = heard.samples[~heard.missing]
    assert heard_samples[50 * PACKET] == 51 * PACKET
    waited = heard.delays()[50:]
    assert max(waited) <= 60 * MS + PACKET
    assert waited[5:] == [0] * len(waited[5:])
    assert placement.counts.lost == 1
    assert placement.counts.waited_max_samples <= 60 * MS + PACKET


def test_a_path_that_stands_still_for_a_moment_loses_nothing_and_leaves_no_delay_behind() -> None:
    placement = new_placement()
    placement.begin(T0)
    heard = play(placement, stream(100, delay=lambda n: max(0, 150 * MS - (n - 50) * PACKET) if n >= 50 else 0))
    assert_contiguous(heard.chunks, T0)
    assert not heard.missing.any()
    np.testing.assert_array_equal(heard.samples, np.arange(100 * PACKET))
    assert placement.counts.lost == placement.counts.late == placement.counts.concealed == 0
    assert max(heard.delays()[60:]) == 0


def test_a_short_loss_is_guessed_at_and_marked_so_and_a_long_one_is_missing() -> None:
    placement = new_placement()
    placement.begin(T0)
    heard = play(placement, without(stream(100), *range(50, 60)))
    gap = heard.samples[heard.missing]
    assert len(gap) == 10 * PACKET
    assert (gap[: 3 * PACKET] == -1).all()
    assert (gap[3 * PACKET :] == 0).all()
    assert sum(len(c.samples) for c in heard.chunks if c.concealed) == 3 * PACKET
    assert sum(len(c.samples) for c in heard.chunks if c.missing) == 7 * PACKET
    assert placement.counts.concealed == 3


def test_a_loss_is_filled_at_once_from_the_copy_in_the_next_packet() -> None:
    placement = new_placement()
    placement.begin(T0)
    heard = play(placement, without(stream(100, redundant=True), 50))
    assert not heard.missing.any()
    np.testing.assert_array_equal(heard.samples, np.arange(100 * PACKET))
    assert max(heard.delays()[3:]) == PACKET  # the lost one, by the packet after it
    assert placement.counts.recovered == placement.counts.lost == 1


def test_reordered_packets_within_the_bound_lose_nothing() -> None:
    placement = new_placement()
    placement.begin(T0)
    heard = play(placement, stream(100, delay=lambda n: 50 * MS if n % 10 == 5 else 0))
    assert not heard.missing.any()
    np.testing.assert_array_equal(heard.samples, np.arange(100 * PACKET))
    assert placement.counts.reordered == 10
    assert placement.counts.late == placement.counts.lost == 0


def test_a_packet_beyond_the_bound_is_missing_and_counted_late() -> None:
    placement = new_placement()
    placement.begin(T0)
    heard = play(placement, stream(100, delay=lambda n: 150 * MS if n == 50 else 0))
    assert_contiguous(heard.chunks, T0)
    assert heard.missing.sum() == PACKET
    assert placement.counts.late == placement.counts.lost == 1
    assert heard.delays()[60:] == [0] * len(heard.delays()[60:])


def test_duplicates_are_heard_once() -> None:
    packets = stream(50)
    placement = new_placement()
    placement.begin(T0)
    heard = play(placement, [*packets, *later(packets, 5 * MS)])
    np.testing.assert_array_equal(heard.samples, np.arange(50 * PACKET))
    assert placement.counts.duplicates == 50


@pytest.mark.parametrize("drift_ppm", [-200, 200])
def test_ten_minutes_of_drift_are_taken_up_without_a_gap_or_a_click(drift_ppm: float) -> None:
    rng = np.random.default_rng(3)
    placement = new_placement()
    placement.begin(T0)
    heard = play(placement, stream(30_000, drift_ppm=drift_ppm, delay=lambda n: int(rng.integers(0, 10 * MS))))
    assert_contiguous(heard.chunks, T0)
    assert not heard.missing[10 * PACKET :].any()
    # Where each packet's first sample was put, against when it was spoken by our clock.
    starts = np.array([c.start for c in heard.chunks])
    index = np.array([c.samples[0] for c in heard.chunks])
    spoken = T0 + index * (1 + drift_ppm / 1e6)
    assert np.abs(starts - spoken)[500:].max() < 5 * MS
    assert {len(c.samples) - PACKET for c in heard.chunks[500:]} <= {-1, 0, 1}
    steps = np.diff(heard.samples[500 * PACKET : 2_000_000])  # float32 counts exactly enough up to there
    assert np.abs(steps - 1).max() < 0.2
    measured = placement.clock.drift_ppm
    assert measured is not None
    assert abs(measured - drift_ppm) < 10


def test_a_bad_first_alignment_is_mended_at_the_next_hole() -> None:
    placement = new_placement()
    placement.begin(T0)
    late_at_first = stream(60, delay=lambda n: 100 * MS if n < 20 else 0)
    heard = play(placement, without(late_at_first, 40, 41, 42))
    assert_contiguous(heard.chunks, T0)
    offsets = [c.start - T0 - c.samples[0] for c in heard.chunks if not (c.missing or c.concealed)]
    assert offsets[0] == 100 * MS
    assert offsets[-1] == 0


def test_timestamps_and_sequence_numbers_wrap_unnoticed() -> None:
    placement = new_placement()
    placement.begin(T0)
    packets = stream(200, first_sequence=(1 << 16) - 100, first_timestamp=(1 << 32) - 100 * 960)
    heard = play(placement, without(packets, 120))
    assert heard.missing.sum() == PACKET
    assert placement.counts.lost == 1
    assert placement.clock.jumps == 0


def test_a_lone_lying_timestamp_is_dropped_and_counted() -> None:
    placement = new_placement()
    placement.begin(T0)
    packets = stream(100)
    packets[50] = replace(packets[50], timestamp=packets[50].timestamp - 30 * 48_000 + (1 << 32))
    heard = play(placement, packets)
    assert_contiguous(heard.chunks, T0)
    assert heard.missing.sum() == PACKET
    assert placement.counts.disbelieved == placement.clock.jumps == 1
    assert placement.clock.restarts == 0


@pytest.mark.parametrize("jump_s", [-600, -3, 3, 40_000])
def test_timestamps_that_jump_for_good_are_followed_within_a_quarter_second(jump_s: int) -> None:
    placement = new_placement()
    placement.begin(T0)
    packets = stream(200, first_timestamp=1_000_000_000)
    jumped = [replace(p, timestamp=(p.timestamp + jump_s * 48_000) % (1 << 32)) for p in packets[100:]]
    heard = play(placement, packets[:100] + jumped)
    assert_contiguous(heard.chunks, T0)
    assert heard.missing.sum() <= 250 * MS
    after = heard.chunks[-1]
    assert after.samples[0] == after.start - T0
    assert placement.clock.restarts == 1


def test_another_source_in_mid_call_goes_on_where_the_first_one_was() -> None:
    placement = new_placement()
    placement.begin(T0)
    packets = stream(200)
    switched = [replace(p, ssrc=8, timestamp=p.timestamp + 77 * 960, sequence=p.sequence + 999) for p in packets[100:]]
    heard = play(placement, packets[:100] + switched)
    assert_contiguous(heard.chunks, T0)
    assert not heard.missing.any()
    np.testing.assert_array_equal(heard.samples, np.arange(200 * PACKET))
    assert placement.clock.restarts == 1


def test_stragglers_of_a_replaced_source_do_not_bring_it_back() -> None:
    placement = new_placement()
    placement.begin(T0)
    packets = stream(200)
    switched = [replace(p, ssrc=8) for p in packets[101:]]
    straggler = replace(packets[100], arrival=packets[102].arrival)
    play(placement, [*packets[:100], *switched, straggler])
    assert placement.clock.restarts == 1


def test_a_pause_in_which_nothing_was_sent_is_missing_at_once() -> None:
    packets = stream(200)
    resumed = [replace(p, sequence=p.sequence - 50) for p in packets[100:]]  # 50 packets never existed
    placement = new_placement()
    placement.begin(T0)
    heard = play(placement, packets[:50] + resumed)
    assert_contiguous(heard.chunks, T0)
    assert heard.missing.sum() == 50 * PACKET
    assert placement.counts.lost == 0
    assert heard.delays()[50:] == [0] * len(heard.delays()[50:])


def test_a_pause_that_the_senders_clock_did_not_count_is_seen_in_its_reports() -> None:
    packets = stream(400)
    paused = [replace(p, timestamp=p.timestamp - 15 * 960, sequence=p.sequence - 15) for p in packets[115:]]
    placement = new_placement()
    placement.begin(T0)
    clock = placement.clock
    clock.report(7, 0, 0)
    play(placement, packets[:100])
    clock.report(7, 100 * 960, 100 * PACKET)
    assert clock.steps == 0
    play(placement, paused[:35])
    clock.report(7, 135 * 960, 150 * PACKET)
    assert clock.steps == 1
    heard = play(placement, paused[35:])
    assert {c.start - T0 - c.samples[0] for c in heard.chunks if not (c.missing or c.concealed)} == {0}


def test_a_path_that_becomes_slower_for_good_costs_a_moment_and_no_more() -> None:
    placement = new_placement()
    placement.begin(T0)
    heard = play(placement, stream(1000, delay=lambda n: 200 * MS if n >= 500 else 0))
    assert_contiguous(heard.chunks, T0)
    assert heard.missing[: 400 * PACKET].sum() == 0
    assert heard.missing.sum() <= 400 * MS
    assert heard.missing[540 * PACKET :].sum() == 0
    worst = max(abs(c.start - T0 - c.samples[0]) for c in heard.chunks if not (c.missing or c.concealed))
    assert worst <= 200 * MS


def test_a_path_that_becomes_faster_step_by_step_is_followed() -> None:
    """Each step can be believed, both together put packets further ahead than any that may wait."""
    faster = stream(1500, delay=lambda n: 9600 if n < 700 else 4800 if n < 705 else 0)
    placement = new_placement()
    placement.begin(0, 100_000)
    heard = play(placement, faster)
    assert_contiguous(heard.chunks, 0)
    assert placement.counts.disbelieved < 50
    assert not heard.missing[800 * PACKET :].any()
    assert heard.missing.sum() < 2 * 16_000
    last = heard.chunks[-1]
    assert abs(last.end + PACKET - 1500 * PACKET) < 20 * MS


def test_thirty_milliseconds_of_jitter_lose_nothing_and_move_nothing() -> None:
    rng = np.random.default_rng(5)
    placement = new_placement()
    placement.begin(T0)
    heard = play(placement, stream(3000, delay=lambda n: int(rng.integers(0, 30 * MS))))
    assert_contiguous(heard.chunks, T0)
    assert not heard.missing[PACKET * 3 :].any()
    errors = [abs(c.start - T0 - c.samples[0]) for c in heard.chunks[300:] if not (c.missing or c.concealed)]
    assert max(errors) <= 4 * MS
    assert max(c.uncertainty for c in heard.chunks[300:]) < 10 * MS


def test_the_true_place_lies_within_the_uncertainty_from_the_first_chunk_on() -> None:
    inside = 0
    for seed in range(50):
        rng = np.random.default_rng(seed)
        placement = new_placement()
        placement.begin(T0 - 3200)
        heard = play(placement, stream(100, delay=lambda n, r=rng: int(r.exponential(10 * MS))))  # type: ignore[misc]
        audio = [c for c in heard.chunks if not (c.missing or c.concealed)]
        inside += all(abs(c.start - T0 - c.samples[0]) <= c.uncertainty for c in audio)
    assert inside >= 45


def test_with_nobody_connected_missing_audio_comes_at_the_pace_of_time() -> None:
    placement = new_placement()
    placement.begin(0)
    heard = play(placement, [], poll_from=0, until=16_000)
    assert_contiguous(heard.chunks, 0)
    assert heard.missing.all()
    behind = 16_000 - heard.chunks[-1].end
    assert 60 * MS <= behind <= 100 * MS


@pytest.mark.parametrize("stalled", [20, 60, 250])
def test_after_a_stall_of_this_process_the_packets_that_waited_in_its_sockets_are_heard(stalled: int) -> None:
    placement = new_placement()
    placement.begin(T0)
    packets = stream(stalled + 100)
    play(placement, packets[:50])
    until = packets[50 + stalled].arrival
    assert placement.poll(until) == []
    heard = play(placement, [replace(p, arrival=max(p.arrival, until + 10 * n)) for n, p in enumerate(packets[50:])])
    assert not heard.missing.any()
    counts = placement.counts
    assert (counts.late, counts.disbelieved, placement.clock.restarts) == (0, 0, 0)


def test_however_often_this_process_is_held_up_what_never_comes_is_missing_in_the_end() -> None:
    placement = new_placement()
    placement.begin(T0)
    play(placement, stream(50))
    polls = [T0 + 60 * PACKET + n * 60 * MS for n in range(30)]  # each too late
    chunks = [chunk for at in polls for chunk in placement.poll(at)]
    assert chunks[-1].missing
    assert polls[-1] - chunks[-1].end < 650 * MS


def test_a_long_silence_of_the_line_is_made_good_in_pieces_of_a_second() -> None:
    placement = new_placement()
    placement.begin(0)
    assert placement.poll(0) == placement.poll(160_000) == []
    chunks = placement.poll(160_320)
    assert_contiguous(chunks, 0)
    assert max(len(c.samples) for c in chunks) <= 16_000


def test_a_placement_has_few_enough_attributes_for_pythons_short_way_to_them() -> None:
    assert len(vars(Placement("s", Speaker.A, OpusDecoder()))) <= 30


def test_nothing_is_decoded_before_begin_or_after_stop() -> None:
    decoder = IndexDecoder()
    placement = new_placement(decoder)
    packets = stream(300)
    assert play(placement, packets[:100]).chunks == []
    assert decoder.decoded == 0
    at = packets[100].arrival - 100  # in the middle of packet 100
    placement.begin(at)
    heard = play(placement, packets[100:200])
    assert_contiguous(heard.chunks, at)
    assert heard.samples[~heard.missing][0] == 101 * PACKET  # packet 100 began before everyone had agreed
    assert decoder.decoded == 99
    placement.stop()
    assert play(placement, packets[200:]).chunks == []
    assert decoder.decoded == 99


def test_alignment_found_before_begin_serves_from_the_first_packet_on() -> None:
    placement = new_placement()
    packets = stream(200, delay=lambda n: 100 * MS if n == 0 else 0)
    play(placement, packets[:100])
    placement.begin(packets[100].arrival - PACKET)
    heard = play(placement, packets[100:])
    assert heard.delays() == [0] * 100


def test_garbage_payloads_are_missing_audio() -> None:
    packets = stream(100)
    packets[50] = replace(packets[50], payload=b"")
    packets[60] = replace(packets[60], payload=bytes([3]) + bytes([63]))
    placement = new_placement()
    placement.begin(T0)
    heard = play(placement, packets)
    assert_contiguous(heard.chunks, T0)
    assert heard.missing.sum() == 2 * PACKET
    assert placement.counts.undecodable == 2


def test_packets_from_the_future_do_not_pile_up() -> None:
    placement = new_placement(waiting_max=10)
    placement.begin(T0)
    packets = stream(5)
    flood = [Sent(packets[-1].arrival, 1000 + 2 * n, (10 + 2 * n) * 960, payload(0)) for n in range(1000)]
    play(placement, packets + flood)
    assert placement.counts.disbelieved > 950


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3000),  # samples since the packet before it
            st.integers(0, (1 << 16) - 1) | st.integers(0, 40),
            st.integers(0, (1 << 32) - 1) | st.integers(0, 40).map(lambda n: n * 960),
            st.sampled_from([payload(0), payload(640, redundant=True), b"", b"\x03", b"\xff\x00", b"\xfc\xff\xfe"]),
            st.sampled_from([7, 7, 7, 8]),
            st.booleans(),
        ),
        max_size=60,
    )
)
def test_whatever_arrives_the_chunks_are_contiguous_and_time_goes_on(
    events: list[tuple[int, int, int, bytes, int, bool]],
) -> None:
    placement = Placement("s", Speaker.A, OpusDecoder())
    placement.begin(0)
    now = 0
    chunks = []
    for wait, sequence, timestamp, content, ssrc, polled in events:
        now += wait
        chunks += placement.push(ssrc, sequence, timestamp, content, now)
        if polled:
            chunks += placement.poll(now)
    now += 3 * 16_000
    for _ in range(30):  # after a stall what waited has time to be read
        now += PACKET
        chunks += placement.poll(now)
    assert_contiguous(chunks, 0)
    assert chunks[-1].end >= now - 16_000
    assert all(np.isfinite(c.samples).all() and np.abs(c.samples).max() <= 1 for c in chunks)
