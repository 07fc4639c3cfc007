"""`breathmark coach …`: another policy on a session that was, a policy of one's own, cards of one's own."""

from __future__ import annotations

import asyncio
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from coach.policy import Coach
from coach.settings import PRESETS, settings_from_toml
from gateway.cli import app
from streaming.errors import UnusableInput
from streaming.timeline import Timeline, open_engine, sqlite_url
from streaming.types import Line
from streaming.wire import dumps
from tests.coach.streams import A, greetings, interruption, rise, settled

REST = "anchor = 'after tea'\ndone_when = 'Each has said one thing.'\nfallback = 'One turn each.'\n"


def recorded() -> list[Line]:
    """A cluster that the standard policy answers, and a rise."""
    coach, lines = Coach("s"), list[Line]()
    for line in (*greetings(), *[interruption(A, at_s) for at_s in (50.0, 55.0, 60.0)], rise(A, 300.0, 307.0)):
        lines += [line, *coach.observe(line)]
    return [*lines, settled(A, 340.0)]


def keep(data: Path, lines: Sequence[Line]) -> None:
    async def write() -> None:
        engine = await open_engine(sqlite_url(data))
        async with Timeline(engine) as timeline:
            await timeline.append(lines)
        await engine.dispose()

    asyncio.run(write())


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["coach", *map(str, arguments)], env={"COLUMNS": "120"})


def test_a_session_in_the_store_and_its_file_are_replayed_alike_as_a_table_and_a_picture(tmp_path: Path) -> None:
    lines = recorded()
    keep(tmp_path, lines)
    (tmp_path / "timeline.jsonl").write_text("".join(dumps(line) + "\n" for line in lines))
    (tmp_path / "hardly.toml").write_text('preset = "hardly_ever"\n')
    picture = tmp_path / "beside.svg"
    by_id = run("replay", "s", "--policy", tmp_path / "hardly.toml", "--data", tmp_path, "--picture", picture)
    by_file = run("replay", tmp_path / "timeline.jsonl", "--policy", tmp_path / "hardly.toml")
    by_address = run("replay", "s", "--policy", tmp_path / "hardly.toml", "--store", sqlite_url(tmp_path))
    assert (by_id.exit_code, by_id.output) == (0, by_file.output)
    assert by_address.output == by_file.output
    assert "One at a time?" in by_id.output
    assert "other policy" in by_id.output
    drawn = ElementTree.fromstring(picture.read_text())
    assert drawn.findall(".//{http://www.w3.org/2000/svg}title")


@pytest.mark.parametrize(
    ("session", "says"), [("nobody", "no session with this id"), ("nowhere.jsonl", "no session with this id")]
)
def test_a_session_that_is_not_there_is_told_with_what_would_do(tmp_path: Path, session: str, says: str) -> None:
    keep(tmp_path, recorded())
    (tmp_path / "p.toml").write_text("")
    told = run("replay", session, "--policy", tmp_path / "p.toml", "--data", tmp_path).exception
    assert isinstance(told, UnusableInput)
    assert says in str(told)
    empty = run("replay", session, "--policy", tmp_path / "p.toml", "--data", tmp_path / "empty").exception
    assert isinstance(empty, UnusableInput)
    assert "give a timeline file, or --data or --store" in str(empty)


def test_a_bad_policy_and_a_picture_of_another_kind_are_told_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("\nspacing_s = 30\n")
    bad = run("replay", "s", "--policy", tmp_path / "bad.toml").exception
    assert isinstance(bad, UnusableInput)
    assert str(bad).startswith(f"{tmp_path}/bad.toml:2: spacing_s is 30")
    assert "nearest valid value is 90" in str(bad)
    (tmp_path / "good.toml").write_text("")
    png = run("replay", "s", "--policy", tmp_path / "good.toml", "--picture", "x.png").exception
    assert isinstance(png, UnusableInput)
    assert "ends in .svg" in str(png)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_printed_as_a_file_that_can_be_changed(preset: str) -> None:
    told = run("policy", preset)
    assert told.exit_code == 0
    assert settings_from_toml(told.output) == PRESETS[preset]
    assert isinstance(run("policy", "gentel").exception, UnusableInput)


def test_cards_of_one_s_own_are_checked_line_by_line(tmp_path: Path) -> None:
    assert "Say it back, then answer" in run("cards").output
    vague = tmp_path / "ours.toml"
    vague.write_text('[[card]]\nid = "ours"\ntitle = "Us"\nprofile = "soothing"\nskill = "work on communication"\n')
    told = run("cards", vague).exception
    assert isinstance(told, UnusableInput)
    assert [line.split(": ")[1] for line in str(told).splitlines()] == [
        *("steps", "turns", "minutes", "anchor", "done_when", "fallback")
    ]
    vague.write_text(vague.read_text() + "steps = ['Sit.']\nturns = 1\nminutes = 5\n" + REST)
    told = run("cards", vague).exception
    assert str(told).startswith(f"{vague}:5: skill: “work on” can't be seen or counted; name one act, such as")
