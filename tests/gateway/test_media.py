"""One partner's audio over real WebRTC connections to aiortc peers on this machine."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest

from gateway.media.clock import SessionClock
from gateway.media.partner import MediaSettings
from streaming.types import AudioChunk, Samples, Speaker
from tests.gateway.media_peer import (
    Caller,
    LossyPath,
    Machine,
    Partner,
    beep_errors_s,
    beep_starts,
    call_through,
    open_sockets,
    path,
    practise,
    until,
)
from tests.gateway.rtp_script import assert_contiguous


async def test_beeps_are_placed_when_they_were_spoken(partner: Partner, machine: Machine) -> None:
    caller = await partner.call()
    await asyncio.sleep(0.5)
    clock = SessionClock.start()
    partner.media.begin(clock, 0)
    await practise([partner.media], 2.5)
    assert_contiguous(partner.chunks, 0)
    errors = beep_errors_s(partner.chunks, caller.track, clock)
    assert len(errors) >= 4
    # libopus looks ahead 6.5 ms, and this process needs a few to encode and send.
    assert all(0 < error < 0.03 + machine.late_s for error in errors)
    assert partner.media.stats().lost == 0
    assert clock.now() - partner.chunks[-1].end < (0.05 + machine.late_s) * 16_000


async def test_before_begin_and_after_stop_nothing_is_decoded(
    partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[int] = []
    decoder = partner.media._placement._decoder
    own = decoder.decode

    def watched(payload: bytes) -> Samples:
        decoded.append(len(payload))
        return own(payload)

    monkeypatch.setattr(decoder, "decode", watched)
    await partner.call()
    await until(lambda: partner.media.stats().packets > 10)
    assert decoded == []
    assert partner.chunks == []
    clock = SessionClock.start()
    partner.media.begin(clock, 0)
    await practise([partner.media], 0.5)
    partner.media.stop()
    so_far, delivered = len(decoded), len(partner.chunks)
    assert so_far > 10
    packets = partner.media.stats().packets
    await practise([partner.media], 0.3)
    assert partner.media.stats().packets > packets
    assert (len(decoded), len(partner.chunks)) == (so_far, delivered)
    at = clock.now()
    partner.media.begin(clock, at)
    await practise([partner.media], 0.3)
    assert_contiguous(partner.chunks[delivered:], at)


async def test_with_nobody_connected_time_passes_as_missing_audio(partner: Partner, machine: Machine) -> None:
    clock = SessionClock.start()
    partner.media.begin(clock, 0)
    await practise([partner.media], 0.5)
    assert_contiguous(partner.chunks, 0)
    assert all(chunk.missing for chunk in partner.chunks)
    assert 0.05 < (clock.now() - partner.chunks[-1].end) / 16_000 < 0.12 + machine.late_s


async def test_a_reconnect_goes_on_in_the_same_session_time(partner: Partner, machine: Machine) -> None:
    first = await partner.call()
    clock = SessionClock.start()
    partner.media.begin(clock, 0)
    await practise([partner.media], 1.2)
    await first.close()
    await practise([partner.media], 0.6)
    second = await partner.call()
    began = clock.now() / 16_000
    await practise([partner.media], 1.5)
    assert_contiguous(partner.chunks, 0)
    assert partner.states[:2] == ["connecting", "connected"]
    assert partner.states[-2:] == ["connecting", "connected"]
    gap = [c for c in partner.chunks if c.missing and c.start > 16_000]
    assert sum(len(c.samples) for c in gap) > 0.5 * 16_000
    after = [c for c in partner.chunks if c.start / 16_000 >= began]
    errors = beep_errors_s(after, second.track, clock)
    assert errors
    assert all(0 < error < 0.03 + machine.late_s for error in errors)
    assert partner.media.stats().connections == 2


async def test_a_new_offer_replaces_a_live_connection_at_once(partner: Partner) -> None:
    first = await partner.call()
    partner.media.begin(SessionClock.start(), 0)
    await practise([partner.media], 0.5)
    await partner.call()
    await practise([partner.media], 1.0)
    assert_contiguous(partner.chunks, 0)
    assert partner.media.state == "connected"
    await until(lambda: first.connection.connectionState in ("closed", "failed"))
    tail = [c for c in partner.chunks if c.start > partner.chunks[-1].end - 8000]
    assert not any(c.missing for c in tail)


async def test_silence_on_the_line_is_lost_media_and_its_return_is_noticed() -> None:
    partner = Partner(settings=MediaSettings(silent_s=0.3))
    caller = Caller()
    partner.callers.append(caller)
    cut = False
    async with path(lambda n: None if cut else 0.0) as between:
        await call_through(between, caller, partner.media)
        await practise([partner.media], 0.5)
        cut = True
        await practise([partner.media], 0.6)
        cut = False
        await practise([partner.media], 0.3)
        assert partner.states == ["connecting", "connected", "lost", "connected"]
        await partner.close()


async def test_five_percent_loss_and_reordering_leave_the_beeps_where_they_are(machine: Machine) -> None:
    partner = Partner()
    caller = Caller()
    partner.callers.append(caller)

    def fate(n: int) -> float | None:
        return {7: None, 13: 0.03}.get(n % 20, 0.0)

    async with path(fate) as between:
        await call_through(between, caller, partner.media)
        await asyncio.sleep(0.3)
        clock = SessionClock.start()
        partner.media.begin(clock, 0)
        await practise([partner.media], 4.0)
        stats = partner.media.stats()
        assert_contiguous(partner.chunks, 0)
        assert stats.lost > 5
        assert stats.reordered > 5
        assert 5 < stats.concealed < 20
        errors = beep_errors_s(partner.chunks, caller.track, clock)
        assert len(errors) >= 6
        assert np.percentile(np.abs(errors), 95) < 0.04 + machine.late_s
        await partner.close()


async def test_after_a_burst_of_loss_no_delay_stays(machine: Machine) -> None:
    partner = Partner()
    caller = Caller()
    partner.callers.append(caller)
    lost = range(60, 75)
    async with path(lambda n: None if n in lost else 0.0) as between:
        await call_through(between, caller, partner.media)
        clock = SessionClock.start()
        partner.media.begin(clock, 0)
        await until_packets(partner, between, 110)
        behind = []
        for _ in range(20):
            await practise([partner.media], 0.02)
            behind.append((clock.now() - partner.chunks[-1].end) / 16_000)
        assert np.median(behind) < 0.03 + machine.late_s
        missing = [c for c in partner.chunks if (c.missing or c.concealed) and c.start > 8000]
        assert abs(sum(len(c.samples) for c in missing) - 15 * 320) <= 320
        await partner.close()


async def until_packets(partner: Partner, between: LossyPath, count: int) -> None:
    while between.media_packets < count:
        await practise([partner.media], 0.02)


async def test_partners_hear_each_other_before_any_analysis_and_not_in_one_room() -> None:
    a, b = Partner(Speaker.A), Partner(Speaker.B)
    caller_a, caller_b = await a.call(), await b.call()
    a.media.hear(b.media)
    b.media.hear(a.media)
    caller_b.track.muted = True
    await until(lambda: any(np.abs(block).max() > 0.2 for block in caller_b.heard))
    assert a.chunks == b.chunks == []
    assert not any(np.abs(block).max() > 0.05 for block in caller_a.heard)
    assert b.media.stats().relayed > 0
    b.media.hear(None)
    await asyncio.sleep(0.1)
    relayed = b.media.stats().relayed
    await asyncio.sleep(0.3)
    assert b.media.stats().relayed == relayed
    await a.close()
    await b.close()


async def test_what_was_heard_goes_on_after_the_speaker_reconnects() -> None:
    a, b = Partner(Speaker.A), Partner(Speaker.B)
    await a.call()
    caller_b = await b.call()
    b.media.hear(a.media)
    await until(lambda: any(np.abs(block).max() > 0.2 for block in caller_b.heard))
    await a.call()
    caller_b.heard.clear()
    await until(lambda: any(np.abs(block).max() > 0.2 for block in caller_b.heard))
    await a.close()
    await b.close()


async def test_the_round_trip_tells_how_late_a_partner_hears(machine: Machine) -> None:
    a, b = Partner(Speaker.A), Partner(Speaker.B)
    await a.call()
    await b.call()
    b.media.hear(a.media)
    b.media.begin(SessionClock.start(), 0)
    async with asyncio.timeout(15):
        while b.media.stats().round_trip_ms is None:
            await practise([b.media], 0.1)
    await practise([b.media], 0.1)
    trip_ms = b.media.stats().round_trip_ms
    assert trip_ms is not None
    assert 0 <= trip_ms < 50 + 4000 * machine.late_s
    assert b.chunks[-1].hears_late == round((trip_ms + 40) * 16)
    assert a.media.stats().hears_late_ms == 0
    await a.close()
    await b.close()


async def test_a_far_partner_hears_late_by_the_round_trip_and_is_placed_by_arrival(machine: Machine) -> None:
    near, far = Partner(Speaker.A), Partner(Speaker.B)
    await near.call()
    caller = Caller()
    far.callers.append(caller)
    async with path(lambda n: 0.0, one_way_s=0.15) as between:
        await call_through(between, caller, far.media)
        far.media.hear(near.media)
        near.media.hear(far.media)
        clock = SessionClock.start()
        far.media.begin(clock, 0)
        async with asyncio.timeout(15):
            while far.media.stats().round_trip_ms is None:
                await practise([far.media], 0.1)
        await practise([far.media], 1.5)
        late_ms = 4 * machine.late_s * 1000  # each way passes this machine twice
        assert far.media.stats().round_trip_ms == pytest.approx(300, abs=40 + late_ms)
        assert far.chunks[-1].hears_late / 16 == pytest.approx(340, abs=40 + late_ms)
        assert near.media.stats().hears_late_ms < 100 + late_ms
        errors = beep_errors_s(far.chunks, caller.track, clock)
        assert np.median(errors) == pytest.approx(0.158, abs=0.02 + machine.late_s)
        await far.close()
    await near.close()


async def test_closing_leaves_no_task_and_no_socket_behind() -> None:
    tasks, sockets = asyncio.all_tasks(), open_sockets()
    partner = Partner()
    await partner.call()
    await partner.call()
    partner.media.begin(SessionClock.start(), 0)
    await practise([partner.media], 0.2)
    await partner.close()
    delivered = len(partner.chunks)
    partner.media.poll()
    assert len(partner.chunks) == delivered
    await asyncio.sleep(0.1)
    assert asyncio.all_tasks() == tasks
    assert open_sockets() == sockets
    assert partner.media.state == "none"


async def test_a_muted_microphone_is_silence_not_missing(partner: Partner) -> None:
    caller = await partner.call()
    caller.track.muted = True
    partner.media.begin(SessionClock.start(), 0)
    await practise([partner.media], 0.8)
    assert beep_starts(partner.chunks) == []
    assert sum(len(c.samples) for c in partner.chunks if c.missing) < 0.2 * 16_000


async def test_an_error_in_what_is_done_with_audio_does_not_end_the_call(partner: Partner) -> None:
    await partner.call()

    def broken(chunk: AudioChunk) -> None:
        raise RuntimeError("the pipeline is gone")

    partner.media._deliver = broken
    partner.media.begin(SessionClock.start(), 0)
    await asyncio.sleep(0.3)
    packets = partner.media.stats().packets
    await asyncio.sleep(0.3)
    assert partner.media.stats().packets > packets
    assert partner.media.state == "connected"


async def test_offers_at_the_same_moment_end_in_one_connection(partner: Partner) -> None:
    first, second = Caller(), Caller()
    partner.callers += [first, second]
    offers = [await first.offer(), await second.offer()]
    answers = await asyncio.gather(*(partner.media.connect(offer) for offer in offers))
    for caller, answer in zip((first, second), answers, strict=True):
        await caller.accept(answer)
    await until(lambda: partner.media.state == "connected")
    await until(lambda: first.connection.connectionState in ("closed", "failed", "connecting"))
    packets = partner.media.stats().packets
    await until(lambda: partner.media.stats().packets > packets + 10)
    assert partner.media.stats().connections == 2


async def test_a_close_while_an_offer_is_being_answered_leaves_nothing_open() -> None:
    tasks, sockets = asyncio.all_tasks(), open_sockets()
    partner = Partner()
    caller = Caller()
    partner.callers.append(caller)
    answering = asyncio.create_task(partner.media.connect(await caller.offer()))
    await asyncio.sleep(0)
    await partner.close()
    await asyncio.gather(answering, return_exceptions=True)
    await partner.media.close()
    await asyncio.sleep(0.1)
    assert asyncio.all_tasks() == tasks
    assert open_sockets() == sockets


async def test_ten_reconnects_leave_no_thread_task_or_socket_behind(partner: Partner) -> None:
    partner.media.begin(SessionClock.start(), 0)
    seen = []
    for _ in range(10):
        caller = await partner.call()
        before = partner.callers[:-1]
        partner.callers = [caller]
        for old in before:
            await old.close()
        await practise([partner.media], 0.1)
        decoders = [thread for thread in threading.enumerate() if thread.name == "audio-decoder"]
        seen.append((len(decoders), len(asyncio.all_tasks()), open_sockets()))
    assert seen[2] == seen[-1]
    assert_contiguous(partner.chunks, 0)
