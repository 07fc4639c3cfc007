"""The HTTP routes and the WebSocket of one gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.responses import FileResponse, JSONResponse

from coach.adherence import BUTTONS, Act, acted, answers_of
from coach.cards import LIBRARY
from coach.practice import Card, as_shown
from coach.reminder import reminder
from coach.report import report_json
from gateway.demo import DIALOGUE, Demos
from gateway.live import Gateway
from gateway.practice.audience import without_words
from gateway.practice.cards import MAX_SHOWN_CHARS, OwnChoice, chosen
from gateway.practice.registry import Record
from gateway.protocol import Secret
from gateway.rates import Rates
from gateway.settings import GatewaySettings
from gateway.web.asking import Body, bounded, gateway_of, lines_of, linked, owner, partner, read, readable, shown
from gateway.web.http import SecurityHeaders, tell_errors
from gateway.web.pages import page
from gateway.web.sockets import Connection
from gateway.web.words import add_words, end_of, report_of
from streaming.errors import Refused, UnusableInput
from streaming.types import Line
from streaming.wire import dumps

MAX_MESSAGE_CHARS = 160  # of a refusal that quotes what a stranger sent


class Choice(Body):
    """What to practise; an empty ``anchor`` is the card's own."""

    card: str | None = None
    anchor: str = ""
    own: OwnChoice | None = None


class Answer(Body):
    """How the practice went, in one tap."""

    act: str


class Device(Body):
    """What only a link's own device may ask for; see ``Hello``."""

    device: Secret


def create_app(settings: GatewaySettings) -> FastAPI:
    """The application. ``app.state.gateway`` and ``app.state.demos`` exist while it runs."""
    app = FastAPI(title="Breathmark", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_lifespan)
    app.state.settings = settings
    app.state.sockets = 0
    app.state.strangers = {}
    app.state.own_socket = ""
    app.state.starts = Rates(settings.sessions_per_minute / 60, settings.sessions_per_minute)
    app.state.answers = Rates(settings.answers_per_minute / 60, settings.answers_per_minute)
    app.add_middleware(SecurityHeaders)
    tell_errors(app)
    _api(app)
    add_words(app)
    _service(app)
    _client(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with Gateway(app.state.settings) as gateway:
        app.state.gateway = gateway
        app.state.demos = Demos(lambda: gateway.create(demo=True), lambda: str(app.state.own_socket))
        try:
            yield
        finally:
            await app.state.demos.close()


def _api(app: FastAPI) -> None:
    @app.post("/api/sessions", status_code=201)
    async def new_session(request: Request) -> dict[str, Any]:
        bounded(request)
        choice = await read(Choice, request)
        new = await gateway_of(request).create(card=chosen(choice.card, choice.anchor, choice.own))
        return {"session": new.session, "links": new.tokens}

    @app.post("/api/demo", status_code=201)
    async def new_demo(request: Request) -> dict[str, Any]:
        bounded(request)
        host, port = request.scope["server"]
        host = f"[{host}]" if ":" in host else host
        app.state.own_socket = f"ws://{host}:{port}/ws"  # the address that this very request reached
        new = await app.state.demos.start()
        return {"token": new.tokens["observer"], "report": new.tokens["report"]}

    @app.get("/api/cards")
    async def cards() -> dict[str, Any]:
        return {"cards": [as_shown(card) for card in LIBRARY]}

    @app.get("/api/link")
    async def link(request: Request) -> dict[str, Any]:
        link, record = await shown(request)
        phase, _ = gateway_of(request).stands(record)
        return {"session": link.session, "role": link.role, "phase": phase, "demo": record.demo}

    @app.get("/api/report")
    async def report(request: Request) -> JSONResponse:
        told = await report_of(request)
        return JSONResponse(await asyncio.to_thread(report_json, told))

    @app.post("/api/practised", status_code=201)
    async def practised(request: Request) -> dict[str, str]:
        act = _answer((await read(Answer, request)).act)
        link, record = await shown(request)
        by = await partner(request, link, "Only the two who practised can say how it went.")
        card = _card_of(record)
        lines = await lines_of(request, link)
        at, before = _answered_at(record, act, lines), answers_of(lines, by)
        if before[-1:] != [act]:  # said again, it is the same answer; another one counts from now on
            await gateway_of(request).timeline.append([acted(link.session, card.id, act, at, by, nth=len(before))])
        return {"said": BUTTONS[act][1]}

    @app.post("/api/again", status_code=201)
    async def practise_again(request: Request) -> dict[str, Any]:
        bounded(request)
        device = (await read(Device, request)).device
        link = await linked(request)
        new = await gateway_of(request).again(link.session, await owner(request, link, device))
        return {"session": new.session, "links": new.tokens}

    @app.post("/api/forget")
    async def forget(request: Request) -> dict[str, bool]:
        device = (await read(Device, request)).device
        link = await linked(request)
        await gateway_of(request).forget_learnt(link.session, await owner(request, link, device))
        return {"learnt": False}

    @app.get("/api/reminder")
    async def remind(request: Request, date: str = "", time: str = "") -> Response:
        link, record = await shown(request)
        if link.role == "observer":
            raise Refused("not_a_partner", "A reminder is for the two who practise.")
        card = _card_of(record)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        try:
            text = reminder(card, date=date, time=time, uid=f"{link.session}@breathmark", stamp=stamp)
        except UnusableInput as error:
            raise Refused("bad_reminder", f"{str(error)[:MAX_MESSAGE_CHARS]}.") from error
        headers = {"content-disposition": f'attachment; filename="{card.id}.ics"'}
        return Response(text, media_type="text/calendar; charset=utf-8", headers=headers)

    @app.get("/api/timeline")
    async def timeline(request: Request) -> Response:
        link, record = await readable(request)
        lines = without_words(await lines_of(request, link), record.room)
        return Response("".join(dumps(line) + "\n" for line in lines), media_type="application/x-ndjson")


def _service(app: FastAPI) -> None:
    @app.websocket("/ws")
    async def socket(websocket: WebSocket) -> None:
        if app.state.sockets >= app.state.settings.max_sockets:
            await websocket.close()  # before accepting: answered with 403, the cheapest there is
            return
        app.state.sockets += 1
        strangers: dict[Connection, None] = app.state.strangers
        connection = Connection(websocket, app.state.gateway, lambda: strangers.pop(connection, None))
        strangers[connection] = None
        if len(strangers) > app.state.settings.sockets.max_strangers:
            next(iter(strangers)).make_room()
        try:
            await connection.serve()
        finally:
            strangers.pop(connection, None)
            app.state.sockets -= 1

    @app.get("/healthz")
    async def health(request: Request) -> dict[str, str]:
        """Balancers: 503 takes this gateway out; a full one stays, for those whose practice it carries."""
        await gateway_of(request).check()
        return {"status": "full" if gateway_of(request).full else "ok"}

    @app.get("/metrics")
    async def metrics(request: Request) -> Response:
        return Response(gateway_of(request).metrics.text(), media_type="text/plain; version=0.0.4")

    @app.get("/demo/dialogue.ogg")
    async def dialogue() -> FileResponse:
        if not DIALOGUE.is_file():
            raise Refused("no_such_page", "The demo's dialogue is not part of this installation.")
        return FileResponse(DIALOGUE, media_type="audio/ogg")


def _client(app: FastAPI) -> None:
    @app.api_route("/{path:path}", methods=["GET", "HEAD"])
    async def client(request: Request, path: str) -> Response:
        if path.startswith("api/"):
            raise Refused("no_such_page", "There is nothing at this address.")
        return page(app.state.settings.client, path, request.headers)


def _answered_at(record: Record, act: Act, lines: list[Line]) -> int:
    """Session time of an answer. To put a card off, or aside, nobody has to begin it. Raises Refused."""
    if record.began_unix is None and act in ("defer", "avoid"):
        return 0
    if record.began_unix is None or record.ended_unix is None:
        raise Refused("not_now", "The practice has not ended yet.")
    return end_of(lines)


def _answer(act: str) -> Act:
    """Raises Refused ``bad_answer``."""
    answers = [known for known in BUTTONS if known != "start"]
    for known in answers:
        if act == known:
            return known
    raise Refused("bad_answer", f"There is no answer {act[:MAX_SHOWN_CHARS]!r}; there are {', '.join(answers)}.")


def _card_of(record: Record) -> Card:
    if record.room.card is None:
        raise Refused("no_card", "No card was chosen for this practice.")
    return record.room.card
