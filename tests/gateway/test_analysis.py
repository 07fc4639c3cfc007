"""Detectors and coach of a live practice across stops, failures and snapshots; real store, real sockets."""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import replace
from pathlib import Path

import pytest

from coach.settings import CoachSettings
from gateway.media.clock import SessionClock
from gateway.practice.analyst import Practised
from gateway.rates import Rate, Rates
from gateway.tasks import Tasks
from streaming.types import Annotation, Happening, Kind, Line, Speaker
from tests.detectors.spoken import at, overlap
from tests.gateway.serving import Served, practising, serving, settings_in
from tests.streaming.conftest import locked


def devices() -> dict[str, str]:
    return {role: secrets.token_urlsafe(16) for role in ("a", "b")}


async def snapshot(served: Served, session: str) -> tuple[int, bytes]:
    async with asyncio.timeout(20):
        while (found := await served.gateway.timeline.read_snapshot(session)) is None:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.05)
    return found


async def test_a_snapshot_is_kept_while_practising_and_session_time_goes_on_at_the_next_start(tmp_path: Path) -> None:
    own = devices()
    async with serving(settings_in(tmp_path, snapshot_s=0.2)) as served:
        links = await served.links()
        async with practising(served, links, own) as (a, _):
            at, _ = await snapshot(served, a.session)
            assert at >= 0
            before = (await a.pong())["now_s"]
    async with serving(settings_in(tmp_path)) as served:
        assert served.gateway.metrics.sessions_restored._value.get() == 1
        async with served.page(links["a"], own["a"]) as a:
            room = await a.room(lambda room: room["phase"] == "practising")
            assert room["partners"]["b"]["practice"], "what was agreed stays agreed"
            assert before < (await a.pong())["now_s"] < before + 30


async def test_what_a_snapshot_holds_of_the_sound_goes_when_the_practice_ends(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path, snapshot_s=0.1)) as served:
        links = await served.links()
        async with practising(served, links, devices()) as (a, b):
            await snapshot(served, a.session)
            await a.say("end")
            await b.one("ended")
            await asyncio.sleep(0.5)  # five more chances to save it again
            assert await served.gateway.timeline.read_snapshot(a.session) is None


@pytest.mark.parametrize(
    "payload", [b"", b"\x00\x01", b'{"v":99}\n', b'{"v":2,"now":100,"heard":0,"coach_bytes":2}\n{}{}']
)
async def test_a_snapshot_that_does_not_fit_costs_the_baselines_and_not_the_practice(
    tmp_path: Path, payload: bytes
) -> None:
    own = devices()
    async with serving(settings_in(tmp_path, snapshot_s=60.0)) as served:
        links = await served.links()
        async with practising(served, links, own) as (a, _):
            await served.gateway.timeline.save_snapshot(a.session, 100, payload)
            session = a.session
    async with serving(settings_in(tmp_path)) as served:
        # leaving kept a good one over it: put the bad one back, and start once more
        await served.gateway.timeline.save_snapshot(session, 100, payload)
        served.gateway._live.clear()
        async with served.page(links["a"], own["a"]) as a:
            await a.room(lambda room: room["phase"] == "practising")
            await a.pong()
        assert served.gateway.metrics.detector_failures._value.get() == 1


async def test_a_practice_left_running_by_a_gateway_that_was_long_gone_ended_then_and_not_now(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path)) as served:
        links = await served.links()
        async with practising(served, links, devices()) as (a, _):
            session = a.session
    await asyncio.sleep(1.5)
    async with serving(settings_in(tmp_path, idle_s=0.1, sweep_s=0.05)) as served:
        async with asyncio.timeout(20):
            while (await served.gateway.record(session)).ended_unix is None:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.02)
        lines = [stored.line for stored in await served.gateway.timeline.read(session)]
        times = {line.kind: line.at for line in lines if isinstance(line, Happening)}
        assert times["ended"] == times["left"], "the outage is no part of it"
        assert (await served.told("/api/report", links["report"]))["duration_s"] < 1.5


async def test_detectors_that_fail_begin_afresh_and_session_time_goes_on(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path)) as served:
        links = await served.links()
        async with practising(served, links, devices()) as (a, _):
            session = served.gateway.in_memory(a.session)
            assert session is not None
            for _ in range(2):
                await served.analysts._worker.close(a.session)
                served.analysts._failed(a.session, ValueError("a pipeline raised"))
                now, _ = await served.analysts._worker.save(a.session)
                later = await moved_on(served, a.session, now)
                assert later > now
            await a.pong()


async def moved_on(served: Served, session: str, now: int) -> int:
    async with asyncio.timeout(20):
        while (later := (await served.analysts._worker.save(session))[0]) <= now:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.05)
    return later


async def test_who_ends_it_and_is_gone_at_once_has_ended_it_for_both(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path)) as served:
        links = await served.links()
        async with practising(served, links, devices()) as (a, b):
            await a.say("end")
            assert a._socket is not None
            a._socket.transport.abort()
            assert (await b.one("ended"))["report"] == links["report"]
            async with asyncio.timeout(10):
                record = await served.gateway.registry.load(b.session)
            assert record.ended_unix is not None


async def test_work_goes_on_to_its_end_where_the_waiter_is_cancelled() -> None:
    tasks, done = Tasks(), asyncio.Event()
    started, go_on = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        started.set()
        await go_on.wait()
        done.set()

    waiter = asyncio.create_task(tasks.whole(work(), "work"))
    await started.wait()
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    go_on.set()
    async with asyncio.timeout(5):
        await done.wait()
    await tasks.close()


async def test_what_a_task_raises_is_logged_and_told_to_who_waits(capsys: pytest.CaptureFixture[str]) -> None:
    tasks = Tasks()

    async def work() -> None:
        raise ValueError("told")

    with pytest.raises(ValueError, match="told"):
        await tasks.whole(work(), "awaited")
    await asyncio.gather(tasks.spawn(work(), "nobody waits for it"), return_exceptions=True)
    await asyncio.sleep(0)
    assert "nobody waits for it" in capsys.readouterr().out
    await tasks.close()


def test_a_rate_lets_a_burst_through_and_then_so_many_a_second() -> None:
    now = [100.0]
    rate = Rate(2.0, 3.0, lambda: now[0])
    assert [rate.take() for _ in range(4)] == [True, True, True, False]
    now[0] += 0.5
    assert [rate.take() for _ in range(2)] == [True, False]
    now[0] += 1000.0
    assert [rate.take() for _ in range(4)] == [True, True, True, False]


def test_one_address_that_is_too_fast_does_not_stop_another_and_memory_is_bounded() -> None:
    rates = Rates(0.0, 1.0, most=2)
    assert [rates.take("x"), rates.take("x"), rates.take("y")] == [True, False, True]
    for who in ("p", "q"):
        rates.take(who)
    assert len(rates._known) == 2


async def test_what_waits_for_the_store_is_shown_once_though_it_is_tried_again_meanwhile(tmp_path: Path) -> None:
    shown: list[Line] = []
    async with serving(settings_in(tmp_path)) as served:
        practised = Practised("s", SessionClock.start(), CoachSettings(), shown.extend, lambda: None)
        analyst = served.analysts.begin(practised)
        lines = [replace(overlap(Speaker.B, t, t + 1.0, Kind.TALK_OVER), session="s", id=f"{t}") for t in (1.0, 3.0)]
        await asyncio.gather(
            analyst.annotated(lines[:1], at(2.5)),
            analyst.write_owed(),
            analyst.annotated(lines[1:], at(4.5)),
            analyst.write_owed(),
        )
        assert [line for line in shown if isinstance(line, Annotation)] == lines
        assert analyst.now == at(4.5)
        assert not analyst.owes


async def test_words_that_the_store_could_not_take_are_tried_again_after_the_end(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path)) as served:
        links = await served.links()
        async with practising(served, links, devices()) as (a, _):
            practice = served.gateway._live[a.session].practice
            line = replace(overlap(Speaker.B, 3.0, 4.0, Kind.BACKCHANNEL), session=a.session, detector="words@1")
            with locked(tmp_path):
                await practice._words.keep([line])
                assert practice.owes
            await practice.write_owed()
            assert not practice.owes
            assert line in [stored.line for stored in await served.gateway.timeline.read(a.session)]


async def test_what_words_make_of_an_overlap_is_kept_shown_and_told_to_the_coach(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path)) as served:
        links = await served.links()
        async with practising(served, links, devices()) as (a, _):
            practice = served.gateway._live[a.session].practice
            line = overlap(Speaker.B, 3.0, 4.0, Kind.BACKCHANNEL)
            revised = replace(line, session=a.session, detector="words@1", decided=at(600.0))
            await practice._words.keep([revised])
            assert revised in [stored.line for stored in await served.gateway.timeline.read(a.session)]
            coach = json.loads(served.analysts._analysts[a.session].coach.save())
            assert [told["id"] for told in coach["_revised"]] == [revised.id]
