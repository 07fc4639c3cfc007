"""What pages ask about words over HTTP: a partner confirms what they were reaching for; a summary is proposed."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import FastAPI, Request
from pydantic import Field

from coach.report import build_report
from coach.report_form import Report, ReportFacts
from coach.spoken import REACHING
from gateway.practice.registry import Link, Record
from gateway.protocol import LineId
from gateway.web.asking import Body, gateway_of, lines_of, partner, read, readable, viewer
from gateway.words.summary import Proposal, proposal, propose
from streaming.errors import Refused
from streaming.types import Annotation, Happening, Kind, Line, Speaker

SUMMARIES_AT_ONCE = 2  # each holds a thread for up to a minute, of the few in which reports are made too
_NOT_YOURS = "Only the one who said it can say what it meant."


class ReachingAnswer(Body):
    """``words``: the id of what was said."""

    words: LineId
    yes: bool


class SummaryWanted(Body):
    """``digest``: of the text that was shown; another one is not sent."""

    digest: Annotated[str, Field(min_length=64, max_length=64)]


def end_of(lines: Sequence[Line]) -> int:
    """Session time at which the practice ended; 0 before. The wall clock may have been set while it ran."""
    return max((line.at for line in lines if isinstance(line, Happening) and line.kind == "ended"), default=0)


async def facts_of(request: Request, link: Link, record: Record) -> ReportFacts:
    """What the report of this practice needs beside its timeline."""
    gateway = gateway_of(request)
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
        viewer=await viewer(request, link),
    )


async def report_of(request: Request) -> Report:
    """The report for whoever asks. Raises Refused."""
    link, record = await readable(request)
    facts = await facts_of(request, link, record)
    lines = await lines_of(request, link)
    # In a thread: some 20 ms for a few minutes of talk, in which nobody's audio should wait.
    return await asyncio.to_thread(build_report, link.session, lines, facts)


def add_words(app: FastAPI) -> None:
    places = asyncio.Semaphore(SUMMARIES_AT_ONCE)

    @app.post("/api/reaching", status_code=201)
    async def reaching(request: Request) -> dict[str, bool]:
        answer = await read(ReachingAnswer, request)
        link, record = await readable(request)
        by = await partner(request, link, _NOT_YOURS)
        if not record.room.worded:
            raise Refused("not_now", "No words of this practice may be shown.")
        lines, detail = await lines_of(request, link), {"words": answer.words, "yes": answer.yes}
        if not any(isinstance(a, Annotation) and (a.kind, a.id, a.by) == (Kind.WORDS, answer.words, by) for a in lines):
            raise Refused("not_a_partner", _NOT_YOURS)
        own = [h.detail for h in lines if isinstance(h, Happening) and (h.kind, h.by) == (REACHING, by)]
        if [said for said in own if said["words"] == answer.words][-1:] != [detail]:  # said again, it changes nothing
            line = Happening(secrets.token_hex(10), link.session, REACHING, end_of(lines), by, detail)
            await gateway_of(request).timeline.append([line])
        return {"yes": answer.yes}

    @app.get("/api/summary")
    async def shown_summary(request: Request) -> dict[str, Any]:
        """Exactly what would be sent, and where."""
        shown = await _shown(request)
        return {"to": shown.to, "text": shown.body, "digest": shown.digest}

    @app.post("/api/summary")
    async def wanted_summary(request: Request) -> dict[str, str]:
        wanted = await read(SummaryWanted, request)
        shown = await _shown(request)
        if shown.digest != wanted.digest:
            raise Refused("summary_changed", "The words have changed since they were shown.")
        if places.locked():
            raise Refused("summary_failed", "Others are having theirs proposed just now.")
        async with places:
            return {"summary": await propose(shown, gateway_of(request).settings.summary)}


async def _shown(request: Request) -> Proposal:
    return proposal(await report_of(request), gateway_of(request).settings.summary)
