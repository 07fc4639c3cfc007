"""Session time comes from the wall once and then only moves forward; RTP time is aligned by the least delay."""

from __future__ import annotations

import time

import pytest

from gateway.media.clock import ClockSettings, MediaClock, SessionClock
from tests.gateway.rtp_script import PACKET, Sent, stream

MS = 16


def aligned(packets: list[Sent], clock: MediaClock | None = None) -> MediaClock:
    clock = clock or MediaClock()
    for packet in packets:
        clock.observe(packet.ssrc, packet.timestamp, PACKET, packet.arrival)
    return clock


def test_a_session_begins_at_zero_and_advances_16_000_a_second() -> None:
    clock = SessionClock.start()
    assert 0 <= clock.now() < 160
    time.sleep(0.05)
    assert 800 <= clock.now() < 1600


def test_session_time_survives_a_restart_of_the_process() -> None:
    began = time.time() - 3600
    again = SessionClock(began)
    assert abs(again.now() - 3600 * 16_000) < 160


def test_a_step_of_the_wall_clock_does_not_move_session_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SessionClock.start()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert 0 <= clock.now() < 1600


def test_the_fastest_packet_sets_the_alignment() -> None:
    delays = [30 * MS, 12 * MS, 40 * MS, 25 * MS]
    clock = aligned(stream(4, delay=lambda n: delays[n]))
    assert clock.offset == 100_000 - PACKET + 12 * MS


def test_an_old_minimum_is_forgotten_after_the_window() -> None:
    packets = stream(1000, delay=lambda n: 0 if n < 100 else 30 * MS)
    clock = aligned(packets[:500])
    assert clock.offset == 100_000 - PACKET
    aligned(packets[500:], clock)
    assert clock.offset == 100_000 - PACKET + 30 * MS


def test_uncertainty_shrinks_as_packets_come_to_a_few_milliseconds() -> None:
    packets = stream(500, delay=lambda n: (n * 7919) % (20 * MS))
    clock = MediaClock()
    seen = []
    for packet in packets:
        clock.observe(packet.ssrc, packet.timestamp, PACKET, packet.arrival)
        seen.append(clock.uncertainty)
    assert seen[0] > 15 * MS
    assert seen[20] < 10 * MS
    assert seen[-1] < 6 * MS


@pytest.mark.parametrize("ppm", [-200.0, -30.0, 0.0, 150.0])
def test_drift_is_measured(ppm: float) -> None:
    clock = aligned(stream(6000, drift_ppm=ppm, delay=lambda n: (n * 7919) % (5 * MS)))
    assert clock.drift_ppm is not None
    assert abs(clock.drift_ppm - ppm) < 15


def test_drift_is_unknown_at_first() -> None:
    assert aligned(stream(200)).drift_ppm is None


def test_reports_that_agree_change_nothing_and_those_of_another_source_are_ignored() -> None:
    clock = aligned(stream(100))
    offset = clock.offset
    clock.report(7, 0, 5_000)
    clock.report(7, 50 * 960, 5_000 + 50 * PACKET + 10 * MS)
    clock.report(8, 60 * 960, 0)
    assert clock.steps == 0
    assert clock.offset == offset


def test_a_single_stray_is_dropped_and_a_jump_that_lasts_is_believed() -> None:
    settings = ClockSettings()
    clock = aligned(stream(100))
    assert clock.observe(7, 90_000_000, PACKET, 132_000) is None
    assert clock.observe(7, 100 * 960, PACKET, 132_000) == 100 * PACKET
    epoch = clock.epoch
    later = stream(40, first_arrival=132_320, first_timestamp=90_000_000)
    placed = [clock.observe(7, p.timestamp, PACKET, p.arrival) for p in later]
    believed = next(n for n, position in enumerate(placed) if position is not None)
    assert believed * 20 == pytest.approx(settings.believe_after_ms, abs=20)
    assert clock.epoch == epoch + 1
    assert clock.restarts == 1


def test_strays_between_good_packets_are_never_believed_however_many() -> None:
    clock = MediaClock()
    for n, packet in enumerate(stream(200)):
        assert clock.observe(7, packet.timestamp, PACKET, packet.arrival) == n * PACKET
        assert n == 0 or clock.observe(7, packet.timestamp + 90_000_000, PACKET, packet.arrival) is None
    assert clock.jumps == 199
    assert clock.restarts == 0
