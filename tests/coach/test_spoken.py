"""What the report says of words, and to whom."""

from __future__ import annotations

from typing import Any

from coach.report import build_report, report_json
from coach.report_form import Report, ReportFacts
from coach.spoken import REACHING
from streaming.types import Annotation, Happening, Line, Speaker
from tests.detectors.spoken import SESSION, at, speech, words

A, B = Speaker
TALK: tuple[tuple[Speaker, float, float, str], ...] = (
    (A, 1.0, 3.0, "You never told me about the bill."),
    (B, 3.5, 6.0, "Okay, you're right. I jumped in and I am sorry."),
    (A, 7.0, 8.0, "Thank you."),
    (A, 8.2, 11.0, "I just want us to decide together."),
    (B, 12.0, 15.0, "So you worry about the month. Did I get that right?"),
    (B, 17.0, 19.0, "I'd like to look at it over coffee."),
)


def lines(*more: Line) -> list[Line]:
    out: list[Line] = []
    for by, start_s, end_s, text in TALK:
        out += [*speech(by, start_s, end_s), words(by, start_s, end_s, text)]
    return [*out, *more, Happening("end", SESSION, "ended", at(20.0))]


def report(*more: Line, viewer: Speaker | None = None, agreed: bool = True) -> Report:
    facts = ReportFacts({A: "Kim", B: "Sam"}, words=agreed, viewer=viewer)
    return build_report(SESSION, lines(*more), facts)


def spoken(given: Report) -> dict[str, Any]:
    data = report_json(given)["spoken"]
    assert isinstance(data, dict)
    return data


def answered(by: Speaker, yes: bool) -> Happening:
    id = words(A, 8.2, 11.0, "").id
    return Happening(f"answer {yes}", SESSION, REACHING, at(21.0), by.value, {"words": id, "yes": yes})


def test_without_both_consents_no_word_is_in_the_report() -> None:
    silent = report(agreed=False)
    assert silent.spoken is None
    assert "decide together" not in str(report_json(silent))
    assert "sorry" not in str(report_json(silent))


def test_quotes_come_in_order_with_their_times() -> None:
    quotes = spoken(report())["quotes"]
    assert [(q["by"], q["start_s"], q["text"]) for q in quotes] == [(by, s, text) for by, s, _, text in TALK]


def test_a_repair_that_was_taken_up_and_what_was_said_back_are_strengths() -> None:
    texts = [s.text for s in report().strengths]
    assert "At 0:03 Sam said “…you're right”, and Kim took it up." in texts
    assert "At 0:12 Sam said back what was heard." in texts


def test_repairs_lie_on_the_rail_with_their_quote() -> None:
    marks = [m for m in report().rail if m.group == "repair"]
    assert [(m.kind, m.start_s, m.by) for m in marks] == [("repair", 3.5, "b"), ("reflection", 12.0, "b")]
    assert marks[0].label == "A repair, taken up"
    assert marks[0].text == TALK[1][3]


def test_what_somebody_was_reaching_for_is_asked_of_them_alone_until_they_confirm_it() -> None:
    def seen(viewer: Speaker | None, *more: Line) -> list[tuple[str, str]]:
        rows = spoken(report(*more, viewer=viewer))["reaching"]
        return [(row["text"], row["answer"]) for row in rows if row["by"] == "a"]

    own = "I just want us to decide together."
    assert seen(A) == [(own, "asked")]
    assert seen(B) == seen(None) == []
    assert seen(None, answered(A, True)) == [(own, "yes")]
    assert seen(B, answered(A, False)) == []


def test_only_that_partner_can_confirm_it() -> None:
    rows = spoken(report(answered(B, True)))["reaching"]
    assert [row for row in rows if row["by"] == "a"] == []


def test_the_last_answer_counts() -> None:
    rows = spoken(report(answered(A, True), answered(A, False)))["reaching"]
    assert rows == []


def test_starts_are_told_with_their_rule() -> None:
    starts = spoken(report())["starts"]
    assert [(s["by"], s["kind"]) for s in starts] == [("a", "harsh"), ("b", "gentle")]
    assert starts[0]["because"] == "it says always or never of the other: “You never”"  # as it was said


def agreed(by: Speaker, at_s: float, yes: bool) -> Happening:
    return Happening(f"yes {by} {at_s}", SESSION, "words_consent", at(at_s), by.value, {"words": yes})


BOTH = (agreed(A, 0.0, True), agreed(B, 0.0, True))
LOST_LINE = "The words of 2 seconds of talk were lost, at 0:16."


def lost(*more: Line, **facts: Any) -> list[tuple[str, float]]:
    given = ReportFacts({A: "Kim", B: "Sam"}, words=True, **facts)
    built = build_report(SESSION, lines(*BOTH, *more), given)
    assert built.spoken is not None
    found: list[tuple[str, float]] = [(quote.by, quote.start_s) for quote in built.spoken.quotes if not quote.text]
    assert any("were lost" in line for line in built.limits) == bool(found)
    return found


def test_speech_that_has_no_words_is_told_as_missing_in_its_place() -> None:
    assert lost() == []
    assert lost(*speech(A, 15.5, 16.5), *speech(A, 16.8, 17.8)) == [("a", 15.5)]
    told = build_report(SESSION, lines(*BOTH, *speech(A, 16.0, 18.0)), ReportFacts(words=True))
    assert LOST_LINE in told.limits


def test_what_was_listened_to_in_vain_and_what_is_hardly_speech_is_not_missing() -> None:
    assert lost(*speech(A, 16.0, 18.0), words(A, 16.0, 18.0, "")) == []
    assert lost(*speech(A, 16.0, 16.2), *speech(B, 16.0, 18.0, confidence=0.3)) == []


def test_words_that_nobody_agreed_to_and_words_that_are_still_on_their_way_are_not_missing() -> None:
    assert lost(*speech(A, 16.0, 18.0), agreed(B, 15.0, False)) == []
    assert lost(*speech(A, 16.0, 18.0), words_waiting=True) == []
    assert lost(*speech(A, 16.0, 18.0), phase="practising", now_s=40.0) == []


def test_a_text_that_was_taken_back_is_not_quoted() -> None:
    partial = words(A, 30.0, 31.0, "Thank you for watching", "open")
    gone: Annotation = words(A, 30.0, 31.0, "")
    assert "watching" not in str(report_json(report(partial, gone)))
