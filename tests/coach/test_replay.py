from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from coach.policy import Coach
from coach.replay import compared, picture, replay, table
from coach.settings import PRESETS, CoachSettings
from streaming.types import Annotation, Cue, Happening, Line
from streaming.wire import samples
from tests.coach.streams import A, B, greetings, happening, interruption, rise, settled


def recorded() -> list[Line]:
    """A live session as its timeline holds it: a cluster and two rises, with the cues of the standard policy."""
    heard: list[Annotation | Happening] = [
        *greetings(),
        *[interruption(by, at_s) for by, at_s in ((A, 50.0), (B, 58.0), (A, 66.0))],
        rise(A, 200.0, 207.0),
        settled(A, 220.0),
        happening("paused", 230.0, "b"),
        happening("resumed", 260.0, "b"),
        rise(B, 700.0, 706.0),
        settled(B, 720.0),
    ]
    coach, lines = Coach("s"), list[Line]()
    for line in heard:
        cues = coach.happened(line) if isinstance(line, Happening) else coach.observe(line)
        lines += [line, *cues]
        lines += [happening("cue_painted", cue.at / 16_000, "a", cue=cue.id) for cue in cues]
    return lines


def cues(lines: list[Line]) -> list[Cue]:
    return [line for line in lines if isinstance(line, Cue)]


def test_the_same_policy_gives_the_same_cues_again() -> None:
    lines = recorded()
    assert [cue.level for cue in cues(lines)] == [1, 2, 3, 2]
    assert replay("s", lines, CoachSettings()) == cues(lines)


def test_a_gentler_policy_gives_fewer() -> None:
    lines = recorded()
    assert [cue.level for cue in replay("s", lines, PRESETS["hardly_ever"])] == [2]
    gentle = replay("s", lines, PRESETS["gentle"])
    assert [cue.level for cue in gentle] == [1, 2]


def test_cues_of_both_policies_stand_side_by_side() -> None:
    was = [
        Cue("1", "s", 1, "One at a time?", samples(60.0), 8.0),
        Cue("2", "s", 2, "Breathe together", 4_000_000, 10.0),
    ]
    would_be = [
        Cue("3", "s", 1, "One at a time?", samples(66.0), 8.0),
        Cue("4", "s", 2, "Breathe together", 800_000, 10.0),
    ]
    rows = compared(was, would_be)
    assert table(rows) == [
        ("time", "as it was", "other policy"),
        ("0:50", "", "2 Breathe together"),
        ("1:00", "1 One at a time?", "1 One at a time?"),
        ("4:10", "2 Breathe together", ""),
    ]


def test_the_picture_shows_every_cue_and_is_well_formed() -> None:
    lines = recorded()
    rows = compared(cues(lines), replay("s", lines, PRESETS["gentle"]))
    root = ElementTree.fromstring(picture(rows, 720.0))
    assert len(root.findall(".//{http://www.w3.org/2000/svg}title")) == 6
    assert "other policy" in "".join(root.itertext())
    assert ElementTree.fromstring(picture([], 0.0)) is not None
