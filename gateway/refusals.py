"""Every way in which the gateway turns somebody away: a stable code, and the way out for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.protocol import RefusedMessage
from streaming.errors import Refused

_RELOAD = "Reload the page. If it happens again, tell whoever runs Breathmark."


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a code means: HTTP status, whether a socket closes after it, and what to do now."""

    status: int
    fatal: bool
    way_out: str


REFUSALS: Final[dict[str, Refusal]] = {
    "bad_hello": Refusal(400, True, _RELOAD),
    "bad_version": Refusal(400, True, "Reload the page to get the version that fits."),
    "bad_json": Refusal(400, True, _RELOAD),
    "bad_message": Refusal(400, False, _RELOAD),
    "unknown_message": Refusal(400, False, _RELOAD),
    "too_large": Refusal(413, True, "Reload the page."),
    "too_fast": Refusal(429, True, "Wait a few seconds, then reload the page."),
    "bad_origin": Refusal(403, True, "Open the page at Breathmark’s own address."),
    "no_link": Refusal(401, True, "Open the invite link that you were given, in full."),
    "unknown_link": Refusal(404, True, "Check that the link is complete, or ask your partner for a new one."),
    "link_in_use": Refusal(409, True, "Ask your partner for the other link, or start a new practice."),
    "taken_over": Refusal(409, True, "Go on in the other window, or reload this one to go on here."),
    "report_link": Refusal(403, True, "Open this link at /report instead."),
    "room_full": Refusal(409, True, "Wait until another observer leaves, then reload the page."),
    "server_full": Refusal(503, True, "Try again in a few minutes."),
    "session_ended": Refusal(410, True, "Open the report, or start a new practice."),
    "not_a_partner": Refusal(403, False, "Only the two partners can do this; keep watching, or ask them."),
    "not_an_observer": Refusal(403, False, "Say it to your partner: only an observer sends notes."),
    "bad_note": Refusal(400, False, "Write it again, in four plain words at most."),
    "note_too_soon": Refusal(429, False, "Keep it until then, or let it go."),
    "not_agreed": Refusal(403, False, "Both partners need to agree to an observer; ask them to."),
    "not_now": Refusal(409, False, "Nothing is lost: go on with what the page shows now."),
    "bad_time_out": Refusal(400, False, "Take 20 minutes, or pause without a time."),
    "bad_card": Refusal(400, False, "Choose one of the cards on the start page, or just talk."),
    "bad_skill": Refusal(400, False, "Write it again, or choose one of the cards."),
    "bad_anchor": Refusal(400, False, "Write it again, or choose one of the cards as it is."),
    "bad_answer": Refusal(400, False, "Choose one of the answers on the page, or none: an answer is never needed."),
    "no_card": Refusal(409, False, "Choose a card when you start the next practice; there is nothing to do now."),
    "bad_reminder": Refusal(400, False, "Choose a day and a time in the form, then try again."),
    "not_begun": Refusal(409, False, "Start the practice with both partners, then come back."),
    "not_ended": Refusal(409, False, "Come back when it has ended; to watch until then, open the observer's link."),
    "no_summary": Refusal(404, False, "Nothing is missing: the report holds all there is."),
    "no_words": Refusal(409, False, "Both partners have to agree to words, in the practice that is to be summed up."),
    "summary_changed": Refusal(409, False, "Look at the text again, then ask for the summary."),
    "summary_failed": Refusal(502, False, "Try again later; the report holds everything without it."),
    "bad_request": Refusal(400, False, _RELOAD),
    "bad_offer": Refusal(400, False, "Reload the page, or try another browser, and allow the microphone."),
    "too_many_offers": Refusal(429, False, "Wait a few seconds; the page tries again by itself."),
    "store_unavailable": Refusal(503, False, "Wait, then reload; if it goes on, tell whoever runs Breathmark."),
    "unexpected": Refusal(500, True, "Reload the page; what was said so far is kept."),
    "no_such_page": Refusal(404, False, "Open the start page at /."),
    "client_not_built": Refusal(503, False, "Run `make setup` in the project's folder, then reload."),
    "no_demo": Refusal(503, False, "Start a practice of your own, or ask whoever runs Breathmark."),
}


def refusal_of(error: Refused) -> Refusal:
    """The table's row; a code from another folder that has no row of its own closes nothing."""
    return REFUSALS.get(error.code, Refusal(400, False, _RELOAD))


def error_body(error: Refused) -> dict[str, str]:
    """The JSON that HTTP answers with."""
    return {"code": error.code, "message": str(error), "way_out": refusal_of(error).way_out}


def refused_message(error: Refused) -> RefusedMessage:
    """What a socket is sent."""
    refusal = refusal_of(error)
    return RefusedMessage(code=error.code, message=str(error), way_out=refusal.way_out, fatal=refusal.fatal)
