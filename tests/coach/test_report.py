from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from coach.adherence import acted
from coach.report import Report, ReportFacts, build_report, report_json
from coach.turn_taking import poisson_interval, wilson_interval
from streaming.types import Annotation, Cue, Happening, Kind, Line
from streaming.wire import samples
from tests.coach.streams import A, B, happening, interruption, mirrored, note, rise, settled, speech

FACTS = ReportFacts(names={A: "Ana", B: "Ben"}, began_unix=1_700_000_000.0)


def cue(level: int, text: str, at_s: float, because: tuple[str, ...] = ()) -> Cue:
    return Cue(f"cue-{at_s}", "s", level, text, samples(at_s), 10.0, because)


def turns(minutes: float) -> list[Annotation]:
    """Ten-second turns, half a second apart."""
    lines: list[Annotation] = []
    at_s, by = 1.0, A
    while at_s + 10.0 < minutes * 60.0:
        lines += speech(by, at_s, at_s + 10.0)
        at_s, by = at_s + 10.5, by.other
    return lines


def a_session() -> list[Line]:
    """Six minutes: a cluster answered by a cue, a rise answered by a breath, a pause."""
    cluster = [interruption(by, at_s) for by, at_s in ((B, 40.0), (A, 55.0), (B, 70.0))]
    first, second = cue(1, "One at a time?", 72.0, tuple(a.id for a in cluster)), cue(2, "Breathe together", 200.0)
    return [
        happening("consent", 0.0, "a", practice=True),
        happening("consent", 0.0, "b", practice=True),
        happening("began", 0.0),
        *turns(5.8),
        *cluster,
        first,
        happening("cue_painted", 72.1, "a", cue=first.id, painted_ms=3.0),
        happening("cue_painted", 72.1, "b", cue=first.id, painted_ms=3.0),
        rise(A, 190.0, 196.0),
        *[note(Kind.AROUSAL, A, 190.0 + i, 190.5 + i, level=0.75, z=2.0) for i in range(10)],
        second,
        settled(A, 220.0, recovery_s=30.0),
        happening("paused", 300.0, "b"),
        happening("resumed", 330.0, "b"),
        happening("ended", 350.0, "a"),
    ]


def report(lines: Sequence[Line], facts: ReportFacts = FACTS) -> Report:
    return build_report("s", lines, facts)


def sentences(value: Any) -> Iterator[str]:
    """Every text of the report that a person reads."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in ("id", "kind", "group", "by", "over", "session", "names"):
                yield from sentences(item)
    elif isinstance(value, list):
        for item in value:
            yield from sentences(item)
    elif isinstance(value, str):
        yield value


def test_the_report_has_the_form_that_its_page_reads() -> None:
    data = json.loads(json.dumps(report_json(report(a_session()))))
    assert set(data) == {
        *("v", "session", "began_unix", "duration_s", "names", "scope", "practised", "strengths"),
        *("lanes", "rail", "moments", "cues", "notes", "turn_taking", "couple", "limits", "spoken"),
    }
    assert data["v"] == 1
    assert set(data["scope"]) == {"consents", "audio_stored", "quality"}
    assert set(data["scope"]["consents"][0]) == {"by", "practice", "observer", "words", "at_s"}
    assert set(data["scope"]["quality"][0]) == {"by", "heard_share", "gaps_s", "notes"}
    assert set(data["practised"]) == {
        *("card", "planned_s", "done_s", "anchor", "answers", "turns", "pauses", "repairs")
    }
    assert set(data["cues"][0]) == {
        *("at_s", "level", "text", "shown_on", "verdict", "signs", "went_quiet", "settled_s")
    }
    assert set(data["strengths"][0]) == {"text", "by", "at_s"}
    assert set(data["lanes"][0]) == {"by", "speech", "gaps", "arousal", "rises"}
    mark = {"id", "group", "kind", "by", "over", "start_s", "end_s", "label", "text", "confidence"}
    assert all(set(m) == mark for m in data["rail"])
    assert set(data["moments"][0]) == {"title", "start_s", "end_s", "trigger", "rise", "cue", "recovery"}
    assert set(data["turn_taking"][0]) == {
        *("by", "speaking_s", "turns", "share", "share_low", "share_high"),
        *("started_over", "started_over_low", "started_over_high"),
    }
    assert set(data["couple"]) == {"strengths", "shared_moment", "one_thing"}
    assert [lane["by"] for lane in data["lanes"]] == [row["by"] for row in data["turn_taking"]] == ["a", "b"]


@pytest.mark.parametrize("lines", [[], a_session(), turns(1.0)], ids=["nothing", "a session", "a minute"])
def test_every_sentence_could_be_read_aloud_to_both(lines: list[Line]) -> None:
    forbidden = re.compile(
        r"\b(angry|anger|upset|aggress\w*|hostil\w*|afraid|sad|interrupt\w*|blame|fault|score|rude|dominat\w*"
        r"|worse|better|more than \w+ did|always|never)\b|%",
        re.IGNORECASE,
    )
    for text in sentences(report_json(report(lines))):
        assert not forbidden.search(text), text
        assert not re.search(r"\bNone\b|nan|\{|\}", text), text


def test_every_report_says_that_it_is_no_diagnosis() -> None:
    for lines in ([], a_session()):
        assert report(lines).limits[0] == "Not a diagnosis, not a risk assessment."


def test_an_event_that_was_announced_and_revised_stands_once_in_its_last_form() -> None:
    opened = note(Kind.OVERLAP, B, 40.0, 40.5, status="open", family="overlap", p_interruption=0.9)
    took = interruption(B, 40.0)
    words = interruption(B, 40.0, Kind.BACKCHANNEL, decided_s=45.0)
    marks = report([*turns(2.0), opened, took, words]).rail
    assert [(m.kind, m.by) for m in marks] == [("backchannel", "b")]
    assert report([*turns(2.0), opened]).rail == ()


def test_speech_that_was_announced_and_ended_is_one_block() -> None:
    lanes = report([*speech(A, 1.0, 5.0), *speech(A, 6.0, 9.0)]).lanes
    assert lanes[0].speech == ((1.0, 5.0), (6.0, 9.0))
    assert lanes[1].speech == ()


def test_times_when_a_partner_was_not_heard_are_gaps() -> None:
    lines: list[Line] = [
        *turns(2.0),
        happening("media_lost", 30.0, "b"),
        happening("media_back", 42.0, "b"),
        happening("paused", 60.0, "a"),
        happening("resumed", 70.0, "a"),
        note(Kind.QUALITY, A, 80.0, 90.0, reason="muted"),
        happening("ended", 120.0, "a"),
    ]
    built = report(lines)
    assert built.lanes[0].gaps == ((60.0, 70.0), (80.0, 90.0))
    assert built.lanes[1].gaps == ((30.0, 42.0), (60.0, 70.0))
    assert built.scope.quality[1].gaps_s == 22.0
    assert built.scope.quality[1].heard_share == pytest.approx(1 - 22 / 120, abs=1e-4)
    assert "The microphone was silent for 10 seconds." in built.scope.quality[0].notes
    assert built.practised.done_s == 110.0


def test_losses_too_short_to_draw_count_as_not_heard() -> None:
    lost = happening("unheard", 120.0, "b", seconds=30.0)
    built = report([*turns(2.0), lost, happening("ended", 120.0, "a")])
    assert built.lanes[1].gaps == ()
    assert [own.heard_share for own in built.scope.quality] == [1.0, 0.75]


def test_a_listener_behind_a_noise_gate_is_no_gap() -> None:
    gated = note(Kind.QUALITY, B, 30.0, 60.0, reason="muted")
    assert report([*speech(A, 30.0, 58.0), *speech(B, 61.0, 80.0), gated]).lanes[1].gaps == ()
    assert report([*speech(B, 61.0, 80.0), gated]).lanes[1].gaps == ((30.0, 60.0),)


def test_a_connection_that_never_came_back_is_a_gap_to_the_end() -> None:
    built = report([*turns(1.0), happening("media_lost", 30.0, "b"), happening("ended", 60.0, "a")])
    assert built.lanes[1].gaps == ((30.0, 60.0),)
    assert any("Ben could not be heard for 30 seconds" in limit for limit in built.limits)


def test_consents_are_listed_as_they_changed() -> None:
    lines: list[Line] = [
        happening("consent", 0.0, "a", practice=True),
        happening("observer_consent", 0.0, "a", observer=True),
        happening("consent", 0.0, "b", practice=True),
        happening("observer_consent", 50.0, "a", observer=False),
        happening("consent", 60.0, "b", practice=False),
    ]
    assert [(c.by, c.practice, c.observer, c.at_s) for c in report(lines).scope.consents] == [
        ("a", True, True, 0.0),
        ("b", True, False, 0.0),
        ("a", True, False, 50.0),
        ("b", False, False, 60.0),
    ]


def test_a_moment_tells_what_led_to_it_the_rise_the_cue_and_the_way_back() -> None:
    first, second = report(a_session()).moments
    assert first.title == "One at a time, at 1:12"
    assert first.trigger == "At 0:40, 0:55 and 1:10 one of you began while the other was speaking."
    assert first.cue == "“One at a time?” was shown on both screens."
    assert first.recovery == "You mostly spoke one at a time."
    assert second.title == "A breath together, at 3:20"
    assert second.rise == "From 3:10 Ana’s voice was above its own usual."
    assert second.recovery == "By 3:40, after 30 seconds, Ana’s voice was back."


def test_at_most_three_moments_are_told_and_those_with_a_way_back_come_first() -> None:
    lines: list[Line] = [*turns(20.0)]
    for i in range(6):
        lines.append(rise(A, 100.0 + 150.0 * i, 106.0 + 150.0 * i))
        if i in (1, 3, 4):
            lines.append(settled(A, 130.0 + 150.0 * i))
    told = report(lines).moments
    assert [m.start_s for m in told] == [245.0, 545.0, 695.0]
    assert all(m.recovery for m in told)


def test_moments_of_several_kinds_are_told_before_a_second_one_of_a_kind() -> None:
    lines: list[Line] = [*turns(20.0)]
    for i in range(4):
        given = cue(2, "Breathe together", 107.0 + 150.0 * i)
        lines += [rise(A, 100.0 + 150.0 * i, 106.0 + 150.0 * i), given, settled(A, 130.0 + 150.0 * i)]
    close = [interruption(B, 900.0 + 5.0 * i) for i in range(6)]
    lines += [*close, cue(1, "One at a time?", 930.0, tuple(a.id for a in close))]
    told = report(lines).moments
    assert [m.title.split(",")[0] for m in told] == ["A breath together", "A breath together", "One at a time"]
    assert told[2].trigger == "6 times between 15:00 and 15:25 one of you began while the other was speaking."


def test_a_cue_taken_up_several_times_is_one_strength() -> None:
    lines: list[Line] = [*turns(20.0), *[cue(1, "One at a time?", at_s) for at_s in (100.0, 400.0, 700.0)]]
    (first, *_) = report(lines).strengths
    assert first.text.startswith("You took up “One at a time?” 3 times, first at 1:40: ")


def test_what_came_of_a_cue_stands_on_the_rail() -> None:
    first, second = (mark for mark in report(a_session()).rail if mark.group == "cue")
    assert (first.label, first.text) == ("One at a time, taken up", "One at a time?")
    assert second.label == "A breath together, not seen"  # no screen acknowledged it


def test_a_time_out_lasts_on_the_rail_until_the_couple_was_back() -> None:
    out = Cue("out", "s", 4, "Pause. Back at 8:40.", samples(60.0), 1_200.0, ())
    pause = [happening("paused", 60.0, "a"), happening("resumed", 75.0, "b")]
    (mark,) = (mark for mark in report([*turns(3.0), *pause, out]).rail if mark.group == "cue")
    assert (mark.start_s, mark.end_s) == (60.0, 75.0)


def test_the_card_that_was_begun_is_what_was_practised() -> None:
    begun = acted("s", "say-it-back", "start", samples(5.0), "a")
    practised = report([begun, *turns(3.0)]).practised
    assert (practised.card, practised.planned_s) == ("Say it back, then answer", 600.0)
    assert report(turns(3.0)).practised.card is None


def test_a_rise_ends_where_it_settled() -> None:
    lines: list[Line] = [*turns(3.0), rise(A, 40.0, 46.0), settled(A, 60.0), rise(B, 90.0, 95.0)]
    lanes = report(lines).lanes
    assert lanes[0].rises == ((40.0, 60.0),)
    assert lanes[1].rises == ((90.0, 95.0),)


def test_a_cue_that_no_screen_confirmed_is_told_as_such() -> None:
    lines: list[Line] = [*turns(3.0), cue(2, "Breathe together", 60.0)]
    assert any("No screen confirmed" in limit for limit in report(lines).limits)
    painted = happening("cue_painted", 60.1, "a", cue="cue-60.0")
    assert not any("No screen confirmed" in limit for limit in report([*lines, painted]).limits)


def test_what_went_well_is_told_as_it_happened_and_then_what_went_on_all_the_while() -> None:
    told = report([*a_session(), rise(B, 20.0, 25.0), settled(B, 40.0)]).strengths
    assert [s.at_s for s in told] == [40.0, 72.0, 220.0, 300.0, None]


def test_strengths_are_what_the_data_show() -> None:
    built = report(a_session())
    texts = [s.text for s in built.strengths]
    assert "You took up “One at a time?” at 1:12: after it you mostly spoke one at a time." in texts
    assert "One of you asked for a pause at 5:00. It was kept for 30 seconds, and you came back." in texts
    assert {s.by for s in built.strengths} == {None, "a", "b"}
    assert built.couple.strengths[A] != built.couple.strengths[B]


def test_silence_after_a_cue_is_no_proof_of_taking_turns() -> None:
    only_a: list[Line] = [*turns(1.0), cue(1, "One at a time?", 62.0), *speech(A, 65.0, 180.0)]
    assert not any("took up" in s.text for s in report(only_a).strengths)


def test_thin_data_are_told_to_be_thin_and_nothing_is_made_up() -> None:
    built = report([*speech(A, 1.0, 4.0)])
    assert built.strengths == ()
    assert built.couple.strengths == {
        "a": "Ana came. There was too little to hear to say more.",
        "b": "Ben was not heard this time, so there is nothing to say yet.",
    }
    assert any(limit.startswith("Only 4 seconds were heard") for limit in built.limits)


def test_an_empty_session_has_a_report() -> None:
    built = report([], ReportFacts())
    assert built.duration_s == 0.0
    assert built.names == {"a": "Partner A", "b": "Partner B"}
    assert (built.turn_taking[0].share_low, built.turn_taking[0].share_high) == (0.0, 1.0)


def test_swapped_partners_get_the_swapped_report() -> None:
    swapped = {"a": "b", "b": "a"}

    def mirror(line: Line) -> Line:
        if isinstance(line, Annotation):
            return mirrored(line)
        if isinstance(line, Happening) and line.by:
            return Happening(line.id, "s", line.kind, line.at, swapped[line.by], line.detail)
        return line

    plain = report(a_session())
    other = report([mirror(line) for line in a_session()], ReportFacts({A: "Ben", B: "Ana"}))
    assert other.couple.strengths == {swapped[by]: text for by, text in plain.couple.strengths.items()}
    assert other.moments == plain.moments
    assert other.couple.shared_moment == plain.couple.shared_moment
    assert [row.speaking_s for row in other.turn_taking] == [row.speaking_s for row in plain.turn_taking][::-1]
    assert [row.started_over_high for row in other.turn_taking] == [row.started_over_high for row in plain.turn_taking][
        ::-1
    ]


def test_the_share_of_speaking_time_comes_with_an_interval_that_narrows_with_more_talk() -> None:
    short, long = report(turns(2.0)).turn_taking[0], report(turns(30.0)).turn_taking[0]
    assert short.share_low < 0.5 < short.share_high
    assert long.share_high - long.share_low < short.share_high - short.share_low


def test_an_overlap_that_nobody_is_named_for_widens_the_interval_of_both() -> None:
    lines: list[Line] = [*turns(3.0), interruption(B, 40.0), interruption(None, 50.0, Kind.TALK_OVER)]
    a, b = report(lines).turn_taking
    assert (a.started_over, b.started_over) == (0, 1)
    assert a.started_over_high == pytest.approx(5.57, abs=0.01)
    assert b.started_over_high == pytest.approx(7.22, abs=0.01)


@pytest.mark.parametrize(("count", "low", "high"), [(0, 0.0, 3.689), (3, 0.619, 8.767), (10, 4.795, 18.390)])
def test_counts_have_the_exact_poisson_interval(count: int, low: float, high: float) -> None:
    assert poisson_interval(count) == pytest.approx((low, high), abs=0.001)


def test_a_share_of_few_turns_has_wilsons_interval() -> None:
    assert wilson_interval(0.5, 10) == pytest.approx((0.2366, 0.7634), abs=0.0005)
    assert wilson_interval(0.0, 0) == (0.0, 1.0)


def taking_turns() -> list[Line]:
    """Two turns: a speaks, b breaks in once, says it back, adds nothing; then b's turn; then free talk."""
    steps = (
        (60.0, "holding", "a"),
        (90.0, "reflecting", "a"),
        (110.0, "confirming", "a"),
        (112.0, "holding", "a"),
        (120.0, "reflecting", "a"),
        (130.0, "confirming", "a"),
        (135.0, "holding", "b"),
        (180.0, "off", None),
    )
    return [
        *turns(4.0),
        interruption(B, 70.0),
        interruption(A, 75.0),
        interruption(A, 200.0),
        *[happening("floor", at_s, phase=phase, holder=holder, swaps=0) for at_s, phase, holder in steps],
        happening("broke_in", 70.0, "b", holder="a"),
    ]


def test_in_agreed_turns_only_what_is_known_counts_and_all_of_it_is_told() -> None:
    told = report(taking_turns())
    turns_taken = told.practised.turns
    assert turns_taken is not None
    assert (turns_taken.lasted_s, turns_taken.said_back, turns_taken.found_right) == (120.0, 2, 1)
    assert (turns_taken.added_to, turns_taken.handed_over, turns_taken.broken_into) == (1, 1, 1)
    assert [(row.by, row.started_over) for row in told.turn_taking] == [("a", 1), ("b", 1)]
    assert [(m.kind, m.start_s) for m in told.rail if m.group == "floor"] == [
        *(("take", 60.0), ("done", 90.0), ("reflected", 110.0), ("add", 112.0)),
        *(("done", 120.0), ("reflected", 130.0), ("yes", 135.0), ("stop", 180.0)),
    ]
    (broken,) = [m for m in told.rail if m.label == "Begun before the floor went over"]
    assert (broken.kind, broken.by, broken.over, broken.start_s) == ("took_floor", "b", "a", 70.0)
    assert report(turns(2.0)).practised.turns is None


def test_a_time_out_a_card_and_every_answer_have_their_mark() -> None:
    lines: list[Line] = [
        happening("practice_start", 0.0, card="say-it-back", anchor="after the tea"),
        *turns(1.0),
        happening("time_out", 100.0, "a", minutes=20, back_at="8:40"),
        happening("paused", 100.0, "a"),
        happening("resumed", 1300.0, "b"),
        happening("ended", 1400.0, "a"),
        acted("s", "say-it-back", "finish", samples(1400.0), "a"),
        acted("s", "say-it-back", "bend", samples(1400.0), "b"),
    ]
    told = report(lines)
    assert [(m.group, m.kind, m.label) for m in told.rail if m.group in ("pause", "card")] == [
        ("card", "start", "Begun: “Say it back, then answer”"),
        ("pause", "time_out", "A time-out of 20 minutes, back at 8:40"),
        ("card", "finish", "Said: “We did it”"),
        ("card", "bend", "Said: “We did half”"),
    ]
    assert (told.practised.pauses.asked, told.practised.pauses.kept) == (1, 1)
    assert (told.practised.pauses.time_outs, told.practised.pauses.came_back) == (1, 1)


def test_what_an_observer_said_has_its_mark_and_is_told_as_it_was_recorded() -> None:
    first, second = happening("note", 20.0, text="Well done"), happening("note", 90.0, text="One more time")
    lines: list[Line] = [first, happening("note_painted", 20.1, "b", note=first.id), *turns(2.0), second]
    told = report(lines)
    assert [(m.group, m.kind, m.start_s, m.end_s, m.label, m.text, m.by) for m in told.rail if m.group == "note"] == [
        ("note", "note", 20.0, 20.0, "From the observer", "Well done", None),
        ("note", "note", 90.0, 90.0, "From the observer", "One more time", None),
    ]
    assert [(note.at_s, note.text, note.shown_on) for note in told.notes] == [
        (20.0, "Well done", ("b",)),
        (90.0, "One more time", ()),
    ]
    assert report(turns(2.0)).notes == ()


def test_every_cue_is_told_with_whose_screens_it_was_on_and_what_came_of_it() -> None:
    first, second = report(a_session()).cues
    assert (first.text, first.shown_on, first.verdict) == ("One at a time?", ("a", "b"), "followed")
    assert "overlap_stopped" in first.signs
    assert (second.text, second.shown_on, second.verdict) == ("Breathe together", (), "unseen")
