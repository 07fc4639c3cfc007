"""A summary that a language model proposes, at an endpoint that the practice runs itself. Off unless one is named.

Any server with OpenAI's chat completions will do. Nothing is sent that was not shown first, to the letter; nothing of
the answer is kept; everything else works without it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from coach.record import clock
from coach.report_form import Report
from streaming.errors import Refused

MAX_TEXT_CHARS = 24_000  # some 40 minutes of talk; models of a practice's own machine take about 8 000 tokens
MAX_ANSWER_BYTES = 65_536
MAX_SUMMARY_CHARS = 4_000
MOST_TOKENS = 400

ASK = """You help a couples therapist. Below is what two partners said in a practice conversation, as software heard it.
Propose a summary of at most six short sentences that could be read aloud to both. Say what they spoke about, what each
asked for in own words, and what they agreed on. Give no diagnosis, no blame, no ranking, no word for an emotion that
they did not use themselves. Where the words are unclear, say so."""


@dataclass(frozen=True, slots=True)
class SummarySettings:
    """``url``: up to and including ``/v1``; empty: no summaries."""

    url: str = ""
    model: str = ""
    key: str = field(default="", repr=False)
    within_s: float = 60.0  # a small model on a practice's own machine writes about 10 words a second


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would be sent, and where. ``digest`` names exactly this."""

    to: str
    body: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(f"{self.to}\n{self.body}".encode()).hexdigest()


def proposal(report: Report, settings: SummarySettings) -> Proposal:
    """Raises Refused where there is no endpoint, or where there are no words to sum up."""
    if not settings.url:
        raise Refused("no_summary", "Breathmark proposes no summaries here.")
    quotes = [q for q in report.spoken.quotes if q.text] if report.spoken else []
    if not quotes:
        raise Refused("no_words", "There are no words of this practice that may be summed up.")
    names = report.names
    said = "\n".join(f"{clock(q.start_s)} {names[q.by]}: {q.text}" for q in quotes)
    messages = [{"role": "system", "content": ASK}, {"role": "user", "content": said[:MAX_TEXT_CHARS]}]
    body = {"model": settings.model, "messages": messages, "max_tokens": MOST_TOKENS, "temperature": 0.2}
    return Proposal(f"{settings.url.rstrip('/')}/chat/completions", json.dumps(body, ensure_ascii=False, indent=1))


async def propose(shown: Proposal, settings: SummarySettings) -> str:
    """Sends it and gives what came back. Raises Refused ``summary_failed``."""
    try:
        async with asyncio.timeout(settings.within_s):
            return await asyncio.to_thread(_ask, shown, settings)
    except (TimeoutError, OSError, ValueError, KeyError, IndexError, TypeError) as error:
        where = urlsplit(shown.to).netloc
        raise Refused("summary_failed", f"{where} gave no summary ({type(error).__name__}).") from error


def _ask(shown: Proposal, settings: SummarySettings) -> str:
    headers = {"Content-Type": "application/json"}
    if settings.key:
        headers["Authorization"] = f"Bearer {settings.key}"
    request = urllib.request.Request(shown.to, shown.body.encode(), headers, method="POST")
    # No proxy and no redirect: what was shown goes where was shown, and nowhere else.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stays)
    with opener.open(request, timeout=settings.within_s) as answer:
        data = answer.read(MAX_ANSWER_BYTES + 1)
    if len(data) > MAX_ANSWER_BYTES:
        raise ValueError(f"an answer of over {MAX_ANSWER_BYTES} bytes")
    text = json.loads(data)["choices"][0]["message"]["content"]
    return str(text).strip()[:MAX_SUMMARY_CHARS]


class _Stays(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> None:
        raise urllib.error.HTTPError(req.full_url, code, "it answered with a redirect", headers, fp)
