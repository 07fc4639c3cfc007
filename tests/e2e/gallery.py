"""Every screen that people can meet, each within a moment: `python -m tests.e2e.gallery DIR` takes their pictures.

The gateway's messages are made here from its own types instead of being lived through: most of these states need
two people, minutes of talk or a fault to come about. That the gateway comes to them is held by other tests.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Page, Route, WebSocketRoute, async_playwright

from benchmarks.chromium import DESKTOP, MICROPHONE, chromium
from coach.cards import card_named
from coach.floor import Floor, Phase
from coach.report import ReportFacts, build_report, report_json
from coach.wording import BREATHE, ONE_AT_A_TIME, STEMS, time_out_offered
from gateway.analyze import timeline_of_files
from gateway.practice.rooms import Partner, Room
from gateway.practice.time_outs import TimeOut
from gateway.practice.view import view
from gateway.protocol import NoteShown, RefusedMessage, RoomChanged, RoomView, Welcome
from gateway.refusals import REFUSALS
from streaming.types import Annotation, Cue, Happening, Kind, Line, Span, Speaker
from streaming.wire import samples, to_wire
from tests.e2e.browser import PHONE, GatewayProcess

Json = dict[str, Any]
Act = Callable[[Page], Awaitable[None]]
Role = Literal["a", "b", "observer", "report"]

ASSETS = Path(__file__).parents[2] / "gateway" / "assets"
LINKS = {"a": "any-token", "b": "bens-token", "observer": "eyes", "report": "page"}
NOW_S = 300.0
HEARD_S = 92.0  # the bundled dialogue's end: what an observer sees then
HERE = Partner(present=True, name="Nora", practice=True, media="connected")
THERE = replace(HERE, name="Maximilian-Alexander")
TALKING = Room(a=HERE, b=THERE, began=True)
CARD = card_named("say-it-back")


@dataclass(frozen=True)
class Screen:
    """``path`` opened in a page whose socket is welcomed into ``room`` as ``role``, hears ``says``, and is worked by
    ``does``. None as the room: the socket stays silent. ``answers`` stand in for the gateway's HTTP side.
    """

    shows: str  # words that stand on it once it is there
    path: str = "/join#any-token"
    room: Room | None = None
    role: Role = "a"
    now_s: float = NOW_S  # of a practice that has begun
    state: Mapping[str, Any] = field(default_factory=dict)  # of the room's view, beside the room itself
    says: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    does: tuple[Act, ...] = ()
    answers: Mapping[str, tuple[int, Json]] = field(default_factory=dict)
    before: str = ""  # a script of the page before its own


async def show(page: Page, url: str, screen: Screen) -> None:
    """Opens the screen in a fresh page, and returns once it stands."""

    def greet(socket: WebSocketRoute) -> None:
        def answer(text: str | bytes) -> None:
            if screen.room and json.loads(text)["type"] == "hello":
                for message in (welcome(screen), *screen.says):
                    socket.send(message)

        socket.on_message(answer)

    async def tell(route: Route) -> None:
        path = route.request.url.removeprefix(url).split("?")[0]
        if path in screen.answers:
            status, body = screen.answers[path]
            await route.fulfill(status=status, json=body)
        else:
            await route.fallback()

    await page.route_web_socket(re.compile(r"/ws$"), greet)
    await page.route("**/api/**", tell)
    if screen.before:
        await page.add_init_script(screen.before)
    await page.goto(url + screen.path)
    for act in screen.does:
        await act(page)
    await page.get_by_text(screen.shows).locator("visible=true").first.wait_for()


def welcome(screen: Screen) -> str:
    assert screen.room is not None
    lines = tuple(to_wire(line) for line in screen.lines)
    shown = _shown(screen.room, screen.state, screen.now_s)
    return Welcome(role=screen.role, session="s", demo=False, room=shown, lines=lines).text()


def becomes(room: Room) -> str:
    return RoomChanged(room=_shown(room, {}, NOW_S)).text()


def _shown(room: Room, state: Mapping[str, Any], now_s: float) -> RoomView:
    plain = {"observer_waiting": False, "cues_silent": False, "coaching_paused": False} | dict(state)
    return view(room, 0.0, now_s=now_s if room.began else 0.0, ice_servers=(), ice_good_s=None, **plain)


def cue(level: int, text: str) -> str:
    at = samples(NOW_S)
    line = Cue(id=f"cue-{level}", session="s", level=level, text=text, at=at, ttl_s=60.0, because=())
    return json.dumps({"type": "cue", "line": to_wire(line)})


def note(text: str = "Wholeheartedly understanding one another") -> Happening:
    return Happening("note", "s", "note", samples(HEARD_S - 8.0), None, {"text": text})


def seen(by: Speaker) -> Happening:
    return Happening(f"note seen by {by}", "s", "note_painted", samples(HEARD_S - 7.0), by.value, {"note": "note"})


def refusal(code: str, *, fatal: bool) -> str:
    said = "Breathmark says in a sentence what it was asked for, and why that cannot be."
    return RefusedMessage(code=code, message=said, way_out=REFUSALS[code].way_out, fatal=fatal).text()


def press(name: str) -> Act:
    return lambda page: page.get_by_role("button", name=name).first.click()


def unfold(summary: str) -> Act:
    return lambda page: page.get_by_text(summary).first.click()


def choose(name: str) -> Act:
    return lambda page: page.get_by_role("radio", name=re.compile(name)).check()


def microphone(fault: str) -> str:
    """Chromium's fake device is never missing or busy: what the browser would say is said for it."""
    return f'navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException("", "{fault}"); }};'


SAFE, AGREE = press("No, I feel safe"), press("Yes, I agree")
READER = "localStorage.setItem('breathmark.reader.shared-token', 'bens-token');"
KEPT_INVITATION = f"sessionStorage.setItem('breathmark.invitation', '{json.dumps({'session': 's', 'links': LINKS})}');"


@cache
def dialogue() -> tuple[Line, ...]:
    """What the detectors hear in the bundled dialogue, and its words as its script has them."""
    heard = list(timeline_of_files([ASSETS / "dialogue.ogg"], None))
    script = json.loads((ASSETS / "dialogue.truth.json").read_text(encoding="utf-8"))["lines"]
    for number, said in enumerate(script):
        span = Span(samples(said["start_s"]), samples(said["end_s"]))
        words = Annotation(
            id=f"words-{number}",
            session=heard[0].session,
            kind=Kind.WORDS,
            status="final",
            by=Speaker(said["by"]),
            over=None,
            span=span,
            decided=span.end,
            confidence=0.9 if number % 5 else 0.4,
            detector="words@1",
            text=said["text"],
            language="en",
        )
        heard.append(words)
    return tuple(heard)


def said(note: Happening) -> str:
    return NoteShown(line=to_wire(note)).text()


def report(*, words: bool) -> Json:
    names = {Speaker.A: HERE.name, Speaker.B: THERE.name}
    facts = ReportFacts(names, 1_770_000_000.0, now_s=92.0, words=words, summary=words, viewer=Speaker.A)
    lines = (*dialogue(), note(), *map(seen, Speaker))
    told: Json = report_json(build_report(dialogue()[0].session, lines, facts))
    return told


def screens() -> dict[str, Screen]:
    """By name. The order is that of a practice."""
    alone = replace(HERE, practice=False)
    reading = Room(a=alone, b=replace(THERE, practice=False), card=CARD)
    unmet = Room(a=HERE, card=CARD)
    watched = replace(TALKING, a=replace(HERE, observer=True, words=True), b=replace(THERE, observer=True, words=True))
    turns = {name: replace(TALKING, floor=Floor(phase, Speaker.A)) for name, phase in Phase.__members__.items()}
    out = TimeOut(Speaker.B, 20, "8:40", 1_200.0)
    ended = replace(TALKING, ended=True, learnt=True)
    return {
        "start": Screen("Start a practice", "/", does=(unfold("When this is not"),)),
        "start-cards": Screen("Done when", "/", does=(unfold("Pick something"), choose("Say it back"))),
        "start-own-card": Screen("For how long", "/", does=(unfold("Pick something"), choose("of our own"))),
        "start-refused": Screen(
            "could not be made",
            "/",
            does=(press("Start a practice"),),
            answers={
                "/api/sessions": (
                    503,
                    {
                        "code": "server_full",
                        "message": "Breathmark carries 20 practices already.",
                        "way_out": "Try again in a few minutes.",
                    },
                )
            },
        ),
        "invite": Screen("Go to my side", "/", before=KEPT_INVITATION, does=(unfold("A therapist wants"),)),
        "join-alone": Screen("First, for you alone", room=reading),
        "join-unsafe": Screen("Then let’s not", room=reading, does=(press("Yes, or I am"),)),
        "join-agree": Screen(
            "What you say yes to",
            room=replace(reading, learnt=True),
            state={"words_offered": True},
            does=(SAFE, unfold("Sound and touch")),
        ),
        "join-refused": Screen("Not just now", room=reading, says=(refusal("not_now", fatal=False),), does=(SAFE,)),
        "microphone-off": _faulty("NotAllowedError", "switched off for this page", reading),
        "microphone-none": _faulty("NotFoundError", "No microphone found", reading),
        "microphone-busy": _faulty("NotReadableError", "cannot be opened", reading),
        "waiting": Screen(
            "Waiting for your partner", room=unmet, before=KEPT_INVITATION, does=(press("Show the inv"),)
        ),
        "waiting-put-off": Screen(
            "It will wait",
            room=unmet,
            does=(unfold("Not today?"), press("Another day"), unfold("A reminder")),
            answers={"/api/practised": (201, {"said": "It will wait for you."})},
        ),
        "waiting-for-a-yes": Screen(
            "Your partner is here", room=replace(unmet, b=replace(THERE, practice=False), card=None)
        ),
        "waiting-unplugged": Screen("seems unplugged", room=replace(unmet, a=replace(HERE, microphone="unplugged"))),
        "stopped": Screen("Listening has stopped", room=replace(TALKING, b=replace(THERE, practice=False))),
        "stopped-by-me": Screen("Listening has stopped, for both", room=replace(TALKING, a=alone)),
        "practise": Screen("Listening", room=replace(TALKING, card=CARD, observers=1)),
        "practise-easy-minute": Screen("something easy", room=replace(TALKING, neutral_s=NOW_S + 60.0)),
        "practise-observer-asks": Screen(
            "sees nothing until", room=replace(TALKING, observers=1), state={"observer_waiting": True}
        ),
        "practise-coaching-paused": Screen(
            "Coaching is paused", room=replace(TALKING, card=CARD), state={"coaching_paused": True}
        ),
        "practise-all-at-once": Screen(
            "seems unplugged",
            room=replace(
                TALKING, a=replace(HERE, microphone="unplugged"), card=CARD, observers=1, neutral_s=NOW_S + 60.0
            ),
            state={"coaching_paused": True},
            says=(refusal("store_unavailable", fatal=False),),
        ),
        "practise-theirs-muted": Screen(
            "microphone is muted", room=replace(TALKING, b=replace(THERE, microphone="muted"))
        ),
        "practise-apart-again": Screen("partner is connecting", room=replace(TALKING, b=replace(THERE, present=False))),
        "practise-repair-offered": Screen("You offered", room=replace(TALKING, repair=Speaker.A, card=CARD)),
        "practise-repair-asked": Screen("Shall we begin", room=replace(TALKING, repair=Speaker.B, card=CARD)),
        "practise-repair-taken": Screen(
            "Let’s begin that again",
            room=replace(TALKING, repair=Speaker.A, card=CARD),
            says=(becomes(replace(TALKING, repairs=1, card=CARD)),),
        ),
        "practise-repair-in-turns": Screen("Shall we begin", room=replace(turns["HOLDING"], repair=Speaker.B)),
        "floor-holding": Screen("You have the floor", room=replace(turns["HOLDING"], card=CARD)),
        "floor-listening": Screen("Listen", room=turns["HOLDING"], role="b"),
        "floor-reflecting": Screen("What did you hear?", room=turns["REFLECTING"], role="b"),
        "floor-confirming": Screen("Is that it?", room=turns["CONFIRMING"]),
        "cue-one-at-a-time": Screen(ONE_AT_A_TIME, room=TALKING, says=(cue(1, ONE_AT_A_TIME),)),
        "cue-breathe": Screen(BREATHE, room=TALKING, says=(cue(2, BREATHE),)),
        "cue-stem": Screen(STEMS[1], room=TALKING, says=(cue(3, STEMS[1]),)),
        "cue-time-out": Screen("Take 20 minutes", room=TALKING, says=(cue(4, time_out_offered(20)),)),
        "note": Screen("From your observer", room=replace(TALKING, observers=1), says=(said(note()),)),
        "note-in-turns": Screen("From your observer", room=turns["HOLDING"], says=(said(note()),)),
        "details": Screen(
            "Just now",
            room=replace(TALKING, observers=1),
            state={"words_offered": True, "cues_silent": True},
            does=(press("Listening"),),
        ),
        "end": Screen("End the practice for both?", room=TALKING, does=(press("End"),)),
        "paused": Screen("Go on now", room=replace(TALKING, paused_by=Speaker.B)),
        "time-out": Screen("Pause. Back at", room=replace(TALKING, paused_by=Speaker.B, time_out=out)),
        "time-out-over": Screen(
            "Time to be back", room=replace(TALKING, paused_by=Speaker.B, time_out=replace(out, resume_unix=-5.0))
        ),
        "ended": Screen("That was a practice", room=ended),
        "ended-card": Screen("Say it back", room=replace(ended, card=CARD), does=(unfold("A reminder"),)),
        "watch-waiting": Screen(
            "Waiting for both", "/watch#any-token", room=reading, role="observer", state={"words_offered": True}
        ),
        "watch": Screen(
            "Watching live", "/watch#any-token", room=watched, role="observer", now_s=HEARD_S, lines=dialogue()
        ),
        "watch-words-behind": Screen(
            "The words are behind",
            "/watch#any-token",
            room=watched,
            role="observer",
            now_s=HEARD_S,
            state={"words_offered": True, "words_behind": True, "coaching_paused": True},
            lines=dialogue(),
        ),
        "watch-note": Screen(
            "Both have seen",
            "/watch#any-token",
            room=watched,
            role="observer",
            now_s=HEARD_S,
            state={"note_from_s": HEARD_S + 52.0},
            lines=(*dialogue(), note(), *map(seen, Speaker)),
            does=(lambda page: page.get_by_label("At most four words").fill("And breathe out"),),
        ),
        "watch-ended": Screen(
            "The practice has ended", "/watch#any-token", room=replace(watched, ended=True), role="observer"
        ),
        "watch-ended-unseen": Screen("The report opens for you", "/watch#any-token", room=ended, role="observer"),
        "report": _report(words=False),
        "report-partner": replace(_report(words=False), path="/report#shared-token", before=READER),
        "report-words": _report(words=True, does=(unfold("What was said"), unfold("A summary"))),
        "report-empty": Screen("Nothing was recorded", "/report#any-token", answers={"/api/report": (200, _nothing())}),
        "report-not-begun": Screen(
            "has not begun", "/report#any-token", answers={"/api/report": (409, _body("not_begun"))}
        ),
        "demo": Screen(
            "A demo practice",
            "/demo",
            room=replace(watched, observers=1),
            role="observer",
            now_s=HEARD_S,
            lines=dialogue(),
            answers={"/api/demo": (201, {"token": "eyes", "report": "page"})},
        ),
        "demo-refused": Screen("There is no demo", "/demo", answers={"/api/demo": (503, _body("no_demo"))}),
        "no-page": Screen("nothing at this address", "/elsewhere"),
        "half-a-link": Screen("link is not complete", "/join"),
        "refused": _refused("link_in_use"),
        "refused-at-length": _refused(max(REFUSALS, key=lambda code: len(REFUSALS[code].way_out))),
    }


def _faulty(name: str, shows: str, room: Room) -> Screen:
    return Screen(shows, room=room, does=(SAFE, choose("^Apart"), AGREE), before=microphone(name))


def _refused(code: str) -> Screen:
    return Screen(REFUSALS[code].way_out, room=TALKING, says=(refusal(code, fatal=True),))


def _body(code: str) -> Json:
    return {"code": code, "message": "It is still waiting for both of you.", "way_out": REFUSALS[code].way_out}


def _report(*, words: bool, does: tuple[Act, ...] = ()) -> Screen:
    shown = {"to": "http://localhost:1234/v1", "text": "what would be sent\n" * 30, "digest": "d"}
    answers = {"/api/report": (200, report(words=words)), "/api/summary": (200, shown)}
    folds = (unfold("The same as a list"), unfold("How to read"))
    return Screen("For the two of you", "/report#any-token", does=(*folds, *does), answers=answers)


def _nothing() -> Json:
    told: Json = report_json(build_report("s", [], ReportFacts(now_s=0.0)))
    return told


async def take_all(out: Path, only: str) -> None:
    with tempfile.TemporaryDirectory() as folder, GatewayProcess(Path(folder) / "data") as gateway:
        async with async_playwright() as running, chromium(running, Path(folder) / "profile", *MICROPHONE) as browser:
            for name, screen in screens().items():
                if not re.search(only, name):
                    continue
                page = await browser.new_page()
                await show(page, gateway.url, screen)
                for (width, height), size in ((PHONE, "phone"), (DESKTOP, "laptop")):
                    await page.set_viewport_size({"width": width, "height": height})
                    for scheme in ("light", "dark"):
                        await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
                        await page.screenshot(path=out / f"{name}-{size}-{scheme}.png", full_page=True)
                await page.close()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python -m tests.e2e.gallery DIR [PATTERN]")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(take_all(folder, sys.argv[2] if len(sys.argv) == 3 else ""))
