"""What pages ask about words over HTTP: a partner confirms what they were reaching for; a summary is proposed."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeAlias, TypeVar

from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from coach.report import build_report
from coach.report_form import ReportFacts
from coach.spoken import REACHING
from gateway.live import Gateway
from gateway.practice.registry import Link, Record
from gateway.web.asking import partner, viewer
from gateway.words.summary import Proposal, proposal, propose
from streaming.errors import Refused
from streaming.types import Happening, Line, Speaker

MAX_BODY_BYTES = 1024

Form = TypeVar("Form", bound=BaseModel)
Readable: TypeAlias = Callable[[Request], Awaitable[tuple[Link, Record]]]


class ReachingAnswer(BaseModel):
    """``words``: the id of what was said."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    words: Annotated[str, Field(min_length=1, max_length=64)]
    yes: bool


class SummaryWanted(BaseModel):
    """``digest``: of the text that was shown; another one is not sent."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    digest: Annotated[str, Field(min_length=64, max_length=64)]


def facts_of(gateway: Gateway, viewer: Speaker | None, record: Record) -> ReportFacts:
    """What the report of this practice needs beside its timeline; ``viewer``: the partner who reads it, if one does."""
    phase, now_s = gateway.stands(record)
    return ReportFacts(
        names={speaker: record.room.partner(speaker).name for speaker in Speaker},
        began_unix=record.began_unix,
        phase=phase,
        now_s=now_s,
        words=record.room.worded,
        language=gateway.settings.words_language,
        words_waiting=gateway.words is not None and gateway.words.waits(record.session),
        summary=bool(gateway.settings.summary.url),
        viewer=viewer,
    )


def end_of(lines: Sequence[Line]) -> int:
    """Session time at which the practice ended; 0 before. The wall clock may have been set while it ran."""
    return max((line.at for line in lines if isinstance(line, Happening) and line.kind == "ended"), default=0)


def add_words(app: FastAPI, readable: Readable) -> None:
    """``readable`` says who asks, and refuses those who may not read the report."""

    @app.post("/api/reaching", status_code=201)
    async def reaching(request: Request) -> dict[str, bool]:
        answer = await _read(ReachingAnswer, request)
        link, record = await readable(request)
        by = await partner(request, link, "Only the one who said it can say what it meant.")
        if record.began_unix is None or not record.room.worded:
            raise Refused("not_now", "No words of this practice may be shown.")
        gateway = _gateway(request)
        at = end_of([stored.line for stored in await gateway.timeline.read(link.session)])
        detail = {"words": answer.words, "yes": answer.yes}
        line = Happening(secrets.token_hex(10), link.session, REACHING, at, by, detail)
        await gateway.timeline.append([line])
        return {"yes": answer.yes}

    @app.get("/api/summary")
    async def shown_summary(request: Request) -> dict[str, Any]:
        """Exactly what would be sent, and where."""
        shown = await _shown(request, readable)
        return {"to": shown.to, "text": shown.body, "digest": shown.digest}

    @app.post("/api/summary")
    async def wanted_summary(request: Request) -> dict[str, str]:
        wanted = await _read(SummaryWanted, request)
        shown = await _shown(request, readable)
        if shown.digest != wanted.digest:
            raise Refused("summary_changed", "The words have changed since they were shown.")
        return {"summary": await propose(shown, _gateway(request).settings.summary)}


async def _shown(request: Request, readable: Readable) -> Proposal:
    link, record = await readable(request)
    gateway = _gateway(request)
    facts = facts_of(gateway, await viewer(request, link), record)
    lines = [stored.line for stored in await gateway.timeline.read(link.session)]
    report = await asyncio.to_thread(build_report, link.session, lines, facts)
    return proposal(report, gateway.settings.summary)


async def _read(form: type[Form], request: Request) -> Form:
    """Raises Refused ``bad_request`` for what is too long, or no such answer."""
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > MAX_BODY_BYTES:
            raise Refused("bad_request", f"A request of over {MAX_BODY_BYTES} bytes is not expected here.")
    try:
        return form.model_validate_json(data)
    except ValidationError as error:
        raise Refused("bad_request", "The request does not fit what is expected here.") from error


def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway
