"""The network benchmark's parts: a script timed at the ear, packets over a path, and what counts as a change."""

from __future__ import annotations

import json
from itertools import pairwise

from benchmarks.agreement import agree
from benchmarks.burst import AFTER_S, BURST_AT_S, BURSTS_MS, MEASURED_S, BurstRun
from benchmarks.far_script import TRUTH, script
from benchmarks.impaired import PERFECT, Impairment
from benchmarks.network import Labels, changed, labels
from benchmarks.packets import encoded, received
from benchmarks.returning import Told, Trouble, returned
from streaming.types import SAMPLE_RATE_HZ, Annotation, Kind, Span, Speaker

A, B = Speaker.A, Speaker.B


def said(kind: Kind, by: Speaker | None, start_s: float, end_s: float | None = None) -> Annotation:
    span = Span(round(start_s * SAMPLE_RATE_HZ), round((end_s or start_s + 0.5) * SAMPLE_RATE_HZ))
    return Annotation(f"{kind}{start_s}", "s", kind, "final", span, span.end, "turns@1", by=by)


def test_without_distance_the_script_is_the_recording() -> None:
    played = script(0.0)
    lead_s = played.lines[0].at_s - played.lines[0].start_s
    recorded = json.loads(TRUTH.read_text())["lines"]
    assert [round(line.at_s - lead_s, 3) for line in played.lines] == sorted(line["start_s"] for line in recorded)


def test_each_answer_comes_later_by_what_is_heard_late_and_nobody_speaks_twice_at_once() -> None:
    near, far = script(0.0), script(0.6)
    shifts = [round(away.at_s - here.at_s, 3) for here, away in zip(near.lines, far.lines, strict=True)]
    assert shifts[0] == 0
    assert shifts[1] == 0.6  # says "Right." so long after hearing the first word
    assert shifts == sorted(shifts)
    for speaker in Speaker:
        own = [line for line in far.lines if line.by is speaker]
        assert all(b.at_s >= a.until_s for a, b in pairwise(own))
    assert max(len(audio) for audio in far.audio.values()) > max(len(audio) for audio in near.audio.values())


def test_a_perfect_path_delivers_everything_at_once_and_a_bad_one_marks_what_is_missing() -> None:
    sound = script(0.0, first=1, last=2).audio[B]
    packets = encoded(sound)
    perfect = received(B, packets, PERFECT, 0)
    assert not any(d.chunk.missing for d in perfect.chunks if d.chunk.end < len(packets) * 320)
    assert max(perfect.delays(1.0)) == 0
    lossy = received(B, packets, Impairment(loss=0.2), 0)
    assert lossy.counts.lost > 0.1 * len(packets)
    assert any(d.chunk.missing or d.chunk.concealed for d in lossy.chunks)
    ends = [d.chunk.end for d in lossy.chunks]
    assert [d.chunk.start for d in lossy.chunks[1:]] == ends[:-1]


def test_a_round_trip_is_not_loss() -> None:
    packets = encoded(script(0.0, first=1, last=2).audio[B])
    far = received(B, packets, Impairment(one_way_ms=300), 0)
    assert far.counts.lost == far.counts.late == 0


def test_another_name_another_culprit_and_a_lost_one_are_changes() -> None:
    was: Labels = {1: ("took_floor", "b"), 2: ("backchannel", "a"), 3: ("talk_over", "b")}
    assert changed(was, was) == []
    assert changed(was, {1: ("took_floor", None), 2: ("butted_in", "a")}) == [1, 2, 3]


def test_labels_stand_at_the_lines_that_begin_them() -> None:
    played = script(0.0, first=8, last=12)
    at_s = played.lines[1].at_s + 5.0
    found = labels(played, [said(Kind.TOOK_FLOOR, B, at_s + 0.1)], offset=5 * SAMPLE_RATE_HZ)
    assert found == {1: ("took_floor", "b")}


def test_agreement_pairs_what_is_near_and_names_the_rest() -> None:
    expected = [said(Kind.SPEECH, A, 1.0), said(Kind.BACKCHANNEL, B, 4.0), said(Kind.TOOK_FLOOR, B, 9.0)]
    found = [said(Kind.SPEECH, A, 1.03), said(Kind.TERMINAL_OVERLAP, B, 4.1), said(Kind.SPEECH, B, 9.0)]
    out = agree(expected, found)
    assert [round(ms) for ms in out.start_errors_ms] == [30, 100]
    assert [(e.kind, f.kind) for e, f in out.relabelled] == [(Kind.BACKCHANNEL, Kind.TERMINAL_OVERLAP)]
    assert [a.kind for a in out.missing] == [Kind.TOOK_FLOOR]
    assert [a.by for a in out.extra] == [B]
    assert out.changed == 3


def test_an_overlap_that_blames_nobody_any_more_has_changed() -> None:
    out = agree([said(Kind.TOOK_FLOOR, B, 4.0)], [said(Kind.TOOK_FLOOR, None, 4.0)])
    assert len(out.relabelled) == 1
    assert not out.missing


def test_what_is_measured_after_a_burst_meets_no_second_one() -> None:
    assert BURST_AT_S + max(BURSTS_MS) / 1000 + AFTER_S + MEASURED_S < 2 * BURST_AT_S


def test_extra_delay_is_the_medians_difference() -> None:
    run = BurstRun(300.0, [(4.0, 1.0), (5.0, 2.0), (6.0, 3.0), (8.1, 500.0), (13.5, 10.0), (14.0, 12.0)])
    assert run.extra_ms == 9.0


def test_a_return_is_told_by_its_gap_in_the_audio_and_by_what_the_partner_was_told() -> None:
    trouble = Trouble("away5", began=100.0, free=105.0)
    placed = [(t / 50, t / 50 - 90.0) for t in range(99 * 50, 100 * 50 + 1)]  # in step until the network goes
    placed += [(105.4 + t / 50, 15.41 + t / 50) for t in range(200)]
    told = Told([(90.0, "connected"), (102.0, "lost"), (105.5, "connected")])
    back = returned(trouble, float("inf"), placed, told)
    assert round(back.back_s, 3) == 0.4
    assert round(back.gap_s, 3) == 5.4
    assert (back.told_s, back.untold_s) == (2.0, 0.5)
    assert round(back.moved_ms) == -10
    assert returned(trouble, float("inf"), placed, Told([(90.0, "connected")])).told_s is None
