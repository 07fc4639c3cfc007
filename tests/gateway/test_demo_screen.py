"""What the terminal shows of a demo: lanes, marks, and one sentence for each event."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from gateway.demo_screen import Lanes, show_demo
from streaming.audio import read_partners
from streaming.errors import UnusableInput
from streaming.types import SAMPLE_RATE_HZ, Annotation, Cue, Kind, Samples, Span, Speaker, Status
from streaming.wire import samples
from tests.gateway.serving import serving, settings_in

WIDTH = 60


def said(
    kind: Kind, start_s: float, end_s: float, by: Speaker | None = Speaker.A, status: Status = "final"
) -> Annotation:
    span = Span(samples(start_s), samples(end_s))
    over = by.other if by else None
    return Annotation(f"{kind}{start_s}", "s", kind, status, span, span.end, "test@1", by=by, over=over)


def drawn(lanes: Lanes) -> list[str]:
    page = io.StringIO()
    Console(width=WIDTH, file=page).print(lanes.draw(WIDTH))
    return page.getvalue().splitlines()


def test_a_partner_who_speaks_fills_only_that_lane_for_as_long_as_it_lasts() -> None:
    lanes = Lanes()
    lanes.take(said(Kind.SPEECH, 2.0, 4.0))
    a, _, b, _ = drawn(lanes)
    assert a.count("█") == pytest.approx(2.0 / 0.5, abs=1)
    assert "█" not in b


def test_a_revision_replaces_what_it_revises() -> None:
    lanes = Lanes()
    lanes.take(said(Kind.SPEECH, 2.0, 3.0, status="open"))
    lanes.take(said(Kind.SPEECH, 2.0, 5.0))
    assert drawn(lanes)[0].count("█") == pytest.approx(3.0 / 0.5, abs=1)


def test_an_overlap_is_told_once_when_its_type_is_final() -> None:
    lanes = Lanes()
    assert lanes.take(said(Kind.OVERLAP, 30.0, 30.4, status="open")) is None
    told = lanes.take(said(Kind.TOOK_FLOOR, 30.0, 31.0))
    assert told is not None
    assert "30.0 s" in told.plain
    assert lanes.take(said(Kind.TOOK_FLOOR, 30.0, 31.0)) is None, "a second delivery changes nothing"
    assert "×" in drawn(lanes)[1]


def test_an_overlap_that_nobody_started_names_nobody() -> None:
    lanes = Lanes(names={Speaker.A: "Nora", Speaker.B: "Ben"})
    told = lanes.take(said(Kind.DUAL_START, 3.0, 3.5, by=None))
    assert told is not None
    assert "Nora" not in told.plain
    assert "Ben" not in told.plain


def test_a_cue_is_shown_in_its_own_words() -> None:
    lanes = Lanes()
    told = lanes.take(Cue("c", "s", 1, "One at a time?", samples(40.0), 8.0))
    assert told is not None
    assert "One at a time?" in told.plain


def test_time_scrolls_and_old_speech_leaves_the_lane() -> None:
    lanes = Lanes()
    lanes.take(said(Kind.SPEECH, 1.0, 3.0))
    lanes.take(said(Kind.SPEECH, 99.0, 100.0, by=Speaker.B))
    a, _, b, _ = drawn(lanes)
    assert "█" not in a
    assert b.rstrip().endswith("█")


async def test_a_demo_of_a_gateway_that_is_not_there_is_told_in_one_line() -> None:
    with pytest.raises(UnusableInput, match="is a gateway running there"):
        await show_demo(Console(quiet=True), "http://127.0.0.1:9")


async def test_a_demo_is_told_from_its_first_event_to_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def first_seconds(paths: list[Path]) -> dict[Speaker, Samples]:
        return {speaker: own[: 6 * SAMPLE_RATE_HZ] for speaker, own in read_partners(paths).items()}

    monkeypatch.setattr("gateway.demo.read_partners", first_seconds)  # the whole takes a minute and a half
    page = io.StringIO()
    async with serving(settings_in(tmp_path)) as gateway:
        url = str(gateway.http.base_url).rstrip("/")
        token = await show_demo(Console(width=WIDTH, file=page), url)
        answer = await gateway.http.get("/api/report", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200
    assert "a listening sound (Ben)" in page.getvalue()
    assert "One thing to try" in page.getvalue()
