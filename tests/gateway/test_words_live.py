"""Words in a live practice: real voices over WebRTC, the real model, only while both agree."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from gateway.simulated import SimulatedPartner, speak_together
from gateway.web.words import SUMMARIES_AT_ONCE
from gateway.words.summary import SummarySettings
from tests.gateway.serving import PATIENCE_S, Page, Served, bearer, practising, say_so, serving, settings_in, until
from tests.gateway.test_session import couple

pytestmark = pytest.mark.alone

REACHING_FROM_S = 72.8  # a: "I just want us to decide together."; b: "So you worry … Did I get that right?"


class _Model(BaseHTTPRequestHandler):
    """A language model's server that speaks OpenAI's chat completions and keeps what it was sent."""

    asked: ClassVar[list[dict[str, Any]]] = []
    answer: ClassVar[bytes] = b""
    status: ClassVar[int] = 200
    free: ClassVar[threading.Event] = threading.Event()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).asked.append(
            {"path": self.path, "key": self.headers["Authorization"], "text": body.decode(), **json.loads(body)}
        )
        self.free.wait()
        self.send_response(self.status)
        if self.status == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, format: str, *args: object) -> None: ...


@contextmanager
def language_model() -> Iterator[str]:
    reply = {"choices": [{"index": 0, "message": {"role": "assistant", "content": " They decide together. "}}]}
    _Model.asked, _Model.answer, _Model.status = [], json.dumps(reply).encode(), 200
    _Model.free.set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Model)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def asked_of_the_model() -> list[dict[str, Any]]:
    """What the last ``language_model`` was sent."""
    return _Model.asked


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    with language_model() as url:
        summary = SummarySettings(url, "small", "secret")
        async with serving(settings_in(tmp_path, words="tiny.en", summary=summary)) as served:
            yield served


async def agree(partner: SimulatedPartner, *, words: bool) -> None:
    await partner.say({"type": "consent", "practice": True, "observer": True, "words": words})


def spoken(lines: list[dict[str, Any]], by: str = "") -> str:
    finals = [line for line in lines if line["kind"] == "words" and line["status"] == "final"]
    return " ".join(line["text"] for line in finals if by in ("", line["by"])).lower()


async def until_shown(watch: Page, holds: Callable[[], bool]) -> None:
    """The transcriber runs at a lower priority than all else: on a busy machine it is the one that waits."""
    async with asyncio.timeout(3 * PATIENCE_S):
        while not holds():
            known = len(watch.got)
            await watch.one("lines", "room", where=lambda _: len(watch.got) > known)  # noqa: B023 (used at once)


async def test_from_the_voice_to_the_quote_and_what_it_may_be_used_for(served: Served) -> None:
    links = await served.links()
    async with couple(served, links, REACHING_FROM_S) as (a, b), served.page(links["observer"]) as watch:
        await agree(a, words=True)
        await agree(b, words=True)
        await a.until(lambda: a.room["phase"] == "practising")
        assert a.room["words_offered"]
        await speak_together([a, b])
        await until_shown(watch, lambda: "get that right" in spoken(watch.lines(), "b"))
        await a.end()
    assert "decide together" in spoken(watch.lines(), "a")
    words = [line for line in watch.lines() if line["kind"] == "words"]
    assert {line["status"] for line in words} == {"open", "final"}
    said = next(line for line in words if line["status"] == "final")
    assert all(said["start_s"] <= word["start_s"] <= word["end_s"] <= said["end_s"] for word in said["words"])

    def asking(role: str, partner: SimulatedPartner) -> dict[str, str]:
        return bearer(links[role]) | {"breathmark-device": partner._device}

    async def reaching(role: str, partner: SimulatedPartner = a) -> list[dict[str, Any]]:
        report = (await served.http.get("/api/report", headers=asking(role, partner))).json()
        rows: list[dict[str, Any]] = report["spoken"]["reaching"]
        return rows

    (asked,) = await reaching("a")
    assert (asked["text"], asked["answer"]) == ("I just want us to decide together.", "asked")
    assert await reaching("report") == await reaching("a", b) == [], "not for the other, with a's link neither"
    answer = {"words": asked["words"], "yes": True}
    refused = await served.http.post("/api/reaching", json=answer, headers=bearer(links["report"]))
    assert refused.json()["code"] == "not_a_partner"
    refused = await served.http.post("/api/reaching", json=answer, headers=asking("a", b))
    assert refused.json()["code"] == "link_in_use"
    assert (await served.http.post("/api/reaching", json=answer, headers=asking("a", a))).status_code == 201
    assert [row["answer"] for row in await reaching("report")] == ["yes"]
    await _a_summary_is_only_what_was_shown(served, links["report"])


async def _a_summary_is_only_what_was_shown(served: Served, token: str) -> None:
    async def wanted() -> tuple[dict[str, Any], httpx.Response]:
        """What was shown, and the answer; the last words may still come between the two."""
        while True:
            shown = (await served.http.get("/api/summary", headers=bearer(token))).json()
            digest = {"digest": shown["digest"]}
            answer = await served.http.post("/api/summary", json=digest, headers=bearer(token))
            if answer.json().get("code") != "summary_changed":
                return shown, answer

    other = {"digest": hashlib.sha256(b"another text").hexdigest()}
    refused = await served.http.post("/api/summary", json=other, headers=bearer(token))
    assert refused.json()["code"] == "summary_changed"
    assert _Model.asked == [], "nothing is sent that was not shown"
    shown, answer = await wanted()
    assert answer.json() == {"summary": "They decide together."}
    (asked,) = _Model.asked
    assert (asked["path"], asked["key"], asked["model"]) == ("/v1/chat/completions", "Bearer secret", "small")
    assert asked["text"] == shown["text"]
    assert "decide together" in shown["text"]
    for _Model.status, _Model.answer in ((302, b""), (500, b"no"), (200, b"{}"), (200, b"x" * 70_000)):
        _, failed = await wanted()
        assert (failed.status_code, failed.json()["code"]) == (502, "summary_failed")
    assert all(asked["path"] == "/v1/chat/completions" for asked in _Model.asked), "a redirect is not followed"


async def test_summaries_that_take_long_leave_room_for_reports(served: Served) -> None:
    links = await served.links()
    async with practising(served, links, words=True) as (a, b):
        await say_so(served, a.session)
        await a.say("end")
        await b.one("ended")
    shown = (await served.http.get("/api/summary", headers=bearer(links["a"]))).json()

    async def wanted() -> httpx.Response:
        return await served.http.post("/api/summary", json={"digest": shown["digest"]}, headers=bearer(links["a"]))

    _Model.free.clear()
    slow = [asyncio.create_task(wanted()) for _ in range(SUMMARIES_AT_ONCE)]
    await until(lambda: len(_Model.asked) == SUMMARIES_AT_ONCE)
    assert (await wanted()).json()["code"] == "summary_failed"
    assert (await served.http.get("/api/report", headers=bearer(links["a"]))).status_code == 200
    _Model.free.set()
    assert [(await answer).status_code for answer in slow] == [200] * SUMMARIES_AT_ONCE


async def test_without_both_no_word_is_written_and_after_a_withdrawal_none_is_shown(served: Served) -> None:
    links = await served.links()
    async with couple(served, links, REACHING_FROM_S) as (a, b), served.page(links["observer"]) as watch:
        await agree(a, words=True)
        await agree(b, words=False)
        await a.until(lambda: a.room["phase"] == "practising")
        await speak_together([a, b])
        await asyncio.sleep(2.5)
        assert [line for line in await served.timeline(links["a"]) if line["kind"] == "words"] == []
        await agree(b, words=True)
        await until_shown(watch, lambda: spoken(watch.lines()) != "")
        assert "decide together" not in spoken(watch.lines()), "what was said before both agreed is not written down"
        await agree(a, words=False)
        await a.until(lambda: not a.room["partners"]["a"]["words"])
        assert [line for line in await served.timeline(links["a"]) if line["kind"] == "words"] == []
        report = (await served.http.get("/api/report", headers=bearer(links["a"]))).json()
        assert report["spoken"] is None
        changes = [line for line in await served.timeline(links["a"]) if line["kind"] == "words_consent"]
        assert [(line["by"], line["words"]) for line in changes] == [("a", True), ("b", True), ("a", False)]
        await a.end()
