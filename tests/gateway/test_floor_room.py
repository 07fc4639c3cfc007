"""Speaker and listener over the sockets: the same floor for both, each with what is theirs to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.gateway.serving import Page, practising, serving, settings_in


def newest(page: Page) -> Any:
    return [m["room"]["floor"] for m in page.got if m["type"] in ("welcome", "room")][-1]


async def test_a_turn_is_spoken_said_back_confirmed_and_swapped(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path)) as served:
        links = await served.links()
        async with practising(served, links) as (a, b):
            pages = {"a": a, "b": b}
            told = []
            for by, act in (
                ("a", "take"),
                ("b", "take"),  # the floor is held: nothing happens
                ("a", "done"),
                ("b", "reflected"),
                ("a", "yes"),
            ):
                await pages[by].say("floor", act=act)
                await pages[by].pong()
                await a.pong()
                await b.pong()
                floor = newest(a)
                assert newest(b) == floor
                told.append((floor["a"]["prompt"], floor["b"]["prompt"]))
            assert told == [
                ("You have the floor", "Listen"),
                ("You have the floor", "Listen"),
                ("Listen", "What did you hear?"),
                ("Is that it?", "Did I get that right?"),
                ("Listen", "You have the floor"),
            ]
            await b.say("pause")
            await b.pong()
            await a.say("floor", act="stop")  # not in a pause
            await a.pong()
            assert newest(a) is not None
    async with serving(settings_in(tmp_path)) as served:
        async with served.page(links["a"], "device of a") as a, served.page(links["b"], "device of b") as b:
            assert newest(a) == {
                "a": {"prompt": "Listen", "acts": ["stop"]},
                "b": {"prompt": "You have the floor", "acts": ["done", "stop"]},
            }
            await a.say("resume")
            await a.say("floor", act="stop")
            await a.pong()
            await b.pong()
            assert newest(b) is None
            await a.say("floor", act="shout")
            assert (await a.refusal("bad_message"))["way_out"]
        lines = await served.timeline(links["a"])
    phases = [line["phase"] for line in lines if line["kind"] == "floor"]
    assert phases == ["holding", "reflecting", "confirming", "holding", "off"]
