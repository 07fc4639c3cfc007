"""The demo practice in a terminal: lanes as they are heard, overlaps and cues as they come, then the findings."""

from __future__ import annotations

import asyncio
import json
import secrets
import tempfile
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from gateway.logs import configure
from gateway.protocol import PROTOCOL_VERSION
from gateway.serve import Server, bind
from gateway.settings import GatewaySettings, from_environment
from streaming.errors import BreathmarkError, UnusableInput
from streaming.types import INTERRUPTION_KINDS, OVERLAP_KINDS, Annotation, Cue, Kind, Line, Speaker
from streaming.wire import from_wire, seconds

CELL_S = 0.5  # seconds a character of a lane
REFRESH_PER_S = 8
_HISTORY_BYTES = 16 * 1024 * 1024
# Told apart by colour-blind eyes, read on dark terminals and on light ones; and each has its own row.
_STYLE = {Speaker.A: "dodger_blue1", Speaker.B: "dark_orange3"}
_SAID = {  # in the pages' words
    Kind.DUAL_START: "both began at once",
    Kind.TALK_OVER: "both spoke at once",
    Kind.TERMINAL_OVERLAP: "a quick handover",
    Kind.BACKCHANNEL: "a listening sound",
    Kind.TOOK_FLOOR: "the floor changed early",
    Kind.BUTTED_IN: "a start that gave way",
    Kind.LONG_SILENCE: "a long silence",
    Kind.MONOLOGUE: "one voice for long",
    Kind.AROUSAL_RISE: "a voice above its usual",
    Kind.AROUSAL_SETTLED: "and back to its usual",
}


@dataclass(slots=True)
class Lanes:
    """What has been heard so far, kept as a terminal can draw it."""

    names: dict[Speaker, str] = field(default_factory=lambda: {s: s.value for s in Speaker})
    speech: dict[Speaker, dict[str, tuple[float, float]]] = field(default_factory=lambda: {s: {} for s in Speaker})
    marks: dict[str, tuple[float, str]] = field(default_factory=dict)  # of the rail between the lanes
    now_s: float = 0.0
    seen: set[str] = field(default_factory=set)

    def take(self, line: Line) -> Text | None:
        """Draws the line in, and gives the sentence to print where it deserves one."""
        if isinstance(line, Cue):
            self.marks[line.id] = (seconds(line.at), "◆")
            return self._once(line.id, line.at, f"cue for both: “{line.text}”", "bold")
        if not isinstance(line, Annotation):
            return None
        self.now_s = max(self.now_s, seconds(line.decided))
        if line.kind is Kind.SPEECH and line.by:
            self.speech[line.by][line.id] = (seconds(line.span.start), seconds(line.span.end))
        if line.status != "final" or line.kind not in _SAID:
            return None
        if line.kind in OVERLAP_KINDS:
            self.marks[line.id] = (seconds(line.span.start), "×" if line.kind in INTERRUPTION_KINDS else "·")
        who = f" ({self.names[line.by]})" if line.by else ""
        return self._once(line.id, line.span.start, _SAID[line.kind] + who, "" if line.by is None else _STYLE[line.by])

    def draw(self, width: int) -> Group:
        """The last stretch of time, as wide as the terminal: a lane, the rail, a lane."""
        margin = max(len(name) for name in self.names.values()) + 1
        cells = max(10, width - margin - 1)
        first_s = max(0.0, self.now_s - cells * CELL_S)
        rows = [self._lane(Speaker.A, first_s, cells, margin), self._rail(first_s, cells, margin)]
        return Group(*rows, self._lane(Speaker.B, first_s, cells, margin), Text(f"{'':{margin}}{self.now_s:.0f} s"))

    def _lane(self, speaker: Speaker, first_s: float, cells: int, margin: int) -> Text:
        row = [" "] * cells
        for start_s, end_s in self.speech[speaker].values():
            lo, hi = (start_s - first_s) / CELL_S, (end_s - first_s) / CELL_S
            for cell in range(max(0, int(lo)), min(cells, int(hi) + 1)):
                row[cell] = "█"
        return Text(f"{self.names[speaker]:{margin}}" + "".join(row), style=_STYLE[speaker])

    def _rail(self, first_s: float, cells: int, margin: int) -> Text:
        row = ["─"] * cells
        for at_s, mark in self.marks.values():
            cell = int((at_s - first_s) / CELL_S)
            if 0 <= cell < cells:
                row[cell] = mark
        return Text(" " * margin + "".join(row), style="dim")

    def _once(self, id: str, at: int, words: str, style: str) -> Text | None:
        if id in self.seen:
            return None
        self.seen.add(id)
        return Text(f"{seconds(at):6.1f} s  {words}", style=style)


async def run_terminal_demo(console: Console | None = None) -> None:
    """Starts a gateway of its own, shows the demo, and in a terminal keeps the report open until Ctrl-C."""
    console = console or Console()
    with tempfile.TemporaryDirectory(prefix="breathmark-demo-") as folder:
        async with _own_gateway(Path(folder)) as url:
            report = await show_demo(console, url)
            if console.is_terminal:
                console.print(f"\nThe whole report, until Ctrl-C: {url}/report#{report}", soft_wrap=True)
                await asyncio.Event().wait()


@asynccontextmanager
async def _own_gateway(data: Path) -> AsyncIterator[str]:
    """A gateway over ``data`` on a free loopback port, in this process; gives its address."""
    configure("error")  # the screen belongs to the demo
    listening = bind("127.0.0.1", 0)
    opened = asyncio.Event()
    server = _OwnServer(replace(from_environment(GatewaySettings()), data=data), opened.set)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    ready = asyncio.create_task(opened.wait())
    try:
        await asyncio.wait({serving, ready}, return_when=asyncio.FIRST_COMPLETED)
        if not opened.is_set():
            raise UnusableInput(f"the demo's gateway could not start in {data}: is the disk full?")
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        ready.cancel()
        server.should_exit = True
        await serving
        listening.close()


class _OwnServer(Server):
    """Leaves Ctrl-C to the command that started it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def show_demo(console: Console, url: str) -> str:
    """One demo of the gateway at ``url``, printed as it happens. Gives the report's token."""
    links = await asyncio.to_thread(_fetch, f"{url}/api/demo", "", "POST")
    lanes = Lanes()
    console.print("Two simulated partners talk about money, in real time. What is heard:\n")
    with Live(lanes.draw(console.width), console=console, refresh_per_second=REFRESH_PER_S, transient=True) as live:
        async for message in _watch(url.replace("http", "ws", 1) + "/ws", links["token"]):
            for sentence in _sentences(message, lanes):
                console.print(sentence)
            live.update(lanes.draw(console.width))
    report = await asyncio.to_thread(_fetch, f"{url}/api/report", links["report"], "GET")
    for line in _findings(report):
        console.print(line)
    return str(links["report"])


async def _watch(socket_url: str, token: str) -> AsyncIterator[dict[str, Any]]:
    """What an observer is sent, until the practice has ended."""
    hello = {"type": "hello", "v": PROTOCOL_VERSION, "token": token, "device": secrets.token_urlsafe(16), "name": ""}
    async with connect(socket_url, max_size=_HISTORY_BYTES, proxy=None) as seat:
        await seat.send(json.dumps(hello))
        try:
            async for text in seat:
                message: dict[str, Any] = json.loads(text)
                if message["type"] == "refused" and message["fatal"]:
                    raise BreathmarkError(f"{message['message']} {message['way_out']}")
                yield message
                if message["type"] == "ended":
                    return
        except ConnectionClosed as error:
            raise BreathmarkError(f"the gateway closed the connection ({error}); start the demo again") from error
    raise BreathmarkError("the gateway closed the connection before the end; start the demo again")


def _sentences(message: dict[str, Any], lanes: Lanes) -> list[Text]:
    if message["type"] in ("welcome", "room"):
        room = message["room"]
        lanes.names = {s: room["partners"][s.value]["name"] or s.value for s in Speaker}
        lanes.now_s = max(lanes.now_s, float(room["now_s"]))
    wire_lines = [message["line"]] if message["type"] == "cue" else message.get("lines", [])
    return [sentence for wire in wire_lines if (sentence := lanes.take(from_wire(wire)))]


def _findings(report: dict[str, Any]) -> list[Text]:
    """The report's own sentences: what went well, the moments, one thing to try."""
    out = [Text(f"\nThe report, {report['duration_s']:.0f} s of practice", style="bold")]
    out += [Text(f"  {strength['text']}") for strength in report["strengths"]]
    out += [Text(f"  {moment['title']}: {moment['recovery'] or moment['trigger']}") for moment in report["moments"]]
    out.append(Text(f"  One thing to try: {report['couple']['one_thing']}"))
    return out + [Text(f"  {limit}", style="dim") for limit in report["limits"][:1]]


def _fetch(url: str, token: str, method: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method, headers=headers), timeout=15) as answer:
            body: dict[str, Any] = json.load(answer)
            return body
    except OSError as error:
        raise UnusableInput(f"{url} cannot be reached ({error}); is a gateway running there?") from error
