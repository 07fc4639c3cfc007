"""What whoever runs a gateway may set. Each value has its unit and its reason."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from coach.settings import CoachSettings
from gateway.media.ice import IceServer, IceSettings, TurnSettings
from gateway.media.partner import PeerSettings
from gateway.words.models import OFF
from gateway.words.summary import SummarySettings
from streaming.errors import UnusableInput

_ROOT = Path(__file__).resolve().parents[1]
LOG_LEVELS = ("debug", "info", "warning", "error")
MIN_SECRET_CHARS = 16  # shorter ones are guessed from one credential
MIN_TTL_S, MAX_TTL_S = 120.0, 86_400.0  # a page needs a minute to call; a day is the scheme's own advice


@dataclass(frozen=True, slots=True)
class SocketSettings:
    """Bounds on what one browser may send, and on what may wait to be sent to it."""

    hello_s: float = 10.0  # a page says hello at once; a silent socket is not one of ours
    max_strangers: int = 200  # sockets before their hello; beyond it the longest silent makes room
    max_requests: int = 300  # HTTP connections; likewise, for a page takes six for a second
    messages_per_s: float = 20.0  # a page sends a few a minute, and a ping every few seconds
    burst_messages: int = 60
    offers_per_minute: float = 12.0  # each costs a DTLS key and an ICE agent
    waiting_messages: int = 256  # a partner this far behind is gone; a reconnect starts afresh
    waiting_lines: int = 2000  # about 10 minutes of one couple's lines for an observer who lags
    batch_lines: int = 200  # an observer's message stays far below 64 KiB … 256 KiB of JSON
    batch_s: float = 0.03  # two detector ticks: what comes together goes together, and is seen in time
    send_s: float = 10.0  # a browser that takes no byte for so long is gone
    ping_s: float = 15.0  # protocol ping: half-open connections are found within two of them


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """One gateway process. ``data`` holds all its state."""

    data: Path = Path("data")
    client: Path = _ROOT / "web-client" / "dist"
    # Not in a repr: both may hold passwords.
    store_url: str | None = field(default=None, repr=False)  # None: SQLite under ``data``
    bus_url: str | None = field(default=None, repr=False)  # None: everything in this process
    allowed_origins: tuple[str, ...] = ()  # besides the gateway's own address
    log_level: str = "info"
    max_live_sessions: int = 50  # two streams each; 2 cores carry about 80 streams of detectors
    max_observers: int = 8  # a session
    # Between two notes, of all observers together: a talk with somebody talking into it every minute is another's.
    note_every_s: float = 60.0
    max_sockets: int = 1000  # beyond it even a polite refusal costs too much
    sessions_per_minute: float = 20.0  # one address: nobody starts practices faster by hand
    answers_per_minute: float = 60.0  # of a link: a tap each, and a line on disk each
    poll_s: float = 0.02  # one packet: audio that did not come becomes missing this often
    catch_up_s: float = 0.5  # while nothing is analysed, session time is passed on this often
    snapshot_s: float = 2.0  # at most so much detector state is lost by a crash
    idle_s: float = 600.0  # both partners gone so long: the practice is over
    waiting_s: float = 86_400.0  # an invite link that nobody used is good for a day
    sweep_s: float = 5.0
    rarely_s: float = 60.0  # how often practices that home and bus forgot together, and old ones, are looked for
    keep_days: float | None = None  # all that is kept of a practice is deleted so long after its end; None: never
    ended_kept_s: float = 60.0  # an ended session answers late pages from memory, then from the store
    words: str = OFF  # the transcriber's model: a name, a folder, or off
    words_language: str = "en"
    words_masked: bool = False  # names and numbers are taken out before anything is kept
    summary: SummarySettings = field(default_factory=SummarySettings)
    coach: CoachSettings = field(default_factory=CoachSettings)  # every practice's; a card adds its emphasis
    peer: PeerSettings = field(default_factory=PeerSettings)
    sockets: SocketSettings = field(default_factory=SocketSettings)

    @property
    def ice(self) -> IceSettings:
        return self.peer.ice


def from_environment(base: GatewaySettings, environment: Mapping[str, str] = os.environ) -> GatewaySettings:
    """``base`` with what the environment says; README.md and the docs on turn and on words tell of each variable.

    Raises UnusableInput naming the one that will not do.
    """
    settings = base
    for name, (place, read) in _VARIABLES.items():
        text = environment.get(name, "").strip()
        if text:
            try:
                settings = _with(settings, place, read(text))
            except (OSError, ValueError) as error:
                shown = "" if name == "BREATHMARK_ICE_SERVERS" else f"={text}"  # credentials stay out of logs
                raise UnusableInput(f"{name}{shown}: {error}") from error
    turn = settings.ice.turn
    if turn and not (turn.urls and turn.secret):
        raise UnusableInput("BREATHMARK_TURN_URLS and BREATHMARK_TURN_SECRET_FILE go together: one of them is not set")
    return settings


def _with(settings: Any, place: str, value: object) -> Any:
    """The settings with another value at a place such as ``peer.ice.servers``."""
    name, _, rest = place.partition(".")
    if rest:
        inner = getattr(settings, name) or TurnSettings((), "")  # all the others are never None
        value = _with(inner, rest, value)
    return replace(settings, **{name: value})


def _log_level(text: str) -> str:
    if text.lower() not in LOG_LEVELS:
        raise ValueError(f"use one of {', '.join(LOG_LEVELS)}")
    return text.lower()


def _whole(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError("expected a whole number, 1 or more")
    return int(text)


def _number(text: str) -> float:
    if not 0 < float(text) < float("inf"):
        raise ValueError("expected a number above 0")
    return float(text)


def _ttl_s(text: str) -> float:
    if not MIN_TTL_S <= float(text) <= MAX_TTL_S:
        raise ValueError(f"expected {MIN_TTL_S:g} to {MAX_TTL_S:g} seconds")
    return float(text)


def _address(*schemes: str, example: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not text.startswith(schemes):
            raise ValueError(f"{text!r} will not do; give for example {example}")
        return text

    return read


def _several(read: Callable[[str], str]) -> Callable[[str], tuple[str, ...]]:
    return lambda text: tuple(read(part.strip().rstrip("/")) for part in text.split(","))


def _ice_servers(text: str) -> tuple[IceServer, ...]:
    try:
        servers = tuple(
            IceServer(
                tuple([given["urls"]] if isinstance(given["urls"], str) else given["urls"]),
                given.get("username"),
                given.get("credential"),
            )
            for given in json.loads(text)
        )
        fit = all(url.startswith(("stun:", "turn:", "turns:")) for server in servers for url in server.urls)
    except (ValueError, KeyError, TypeError, AttributeError):
        fit = False
    if not fit:
        raise ValueError('expected a JSON list such as [{"urls": "turn:…", "username": "…", "credential": "…"}]')
    return servers


def _secret(text: str) -> str:
    return Path(text).read_text(encoding="utf-8").strip()


def _turn_secret(text: str) -> str:
    secret = _secret(text)
    if len(secret) < MIN_SECRET_CHARS:
        raise ValueError(f"the secret has {len(secret)} characters, at least {MIN_SECRET_CHARS} are needed")
    return secret


_HTTP = ("https://", "http://")
# Where each variable's value belongs, and how it is read; ValueError and OSError say what will not do.
_VARIABLES: dict[str, tuple[str, Callable[[str], object]]] = {
    "BREATHMARK_LOG_LEVEL": ("log_level", _log_level),
    "BREATHMARK_ALLOWED_ORIGINS": ("allowed_origins", _several(_address(*_HTTP, example="https://practice.example"))),
    "BREATHMARK_BUS": ("bus_url", str),
    "BREATHMARK_STORE": ("store_url", str),
    "BREATHMARK_CLIENT": ("client", Path),  # the folder of the built pages
    "BREATHMARK_MAX_SESSIONS": ("max_live_sessions", _whole),
    "BREATHMARK_SESSIONS_PER_MINUTE": ("sessions_per_minute", _number),
    "BREATHMARK_IDLE_S": ("idle_s", _number),
    "BREATHMARK_KEEP_DAYS": ("keep_days", _number),
    "BREATHMARK_ICE_SERVERS": ("peer.ice.servers", _ice_servers),
    "BREATHMARK_TURN_URLS": (
        "peer.ice.turn.urls",
        _several(_address("turn:", "turns:", example="turns:turn.practice.example:5349")),
    ),
    "BREATHMARK_TURN_SECRET_FILE": ("peer.ice.turn.secret", _turn_secret),
    "BREATHMARK_TURN_TTL_S": ("peer.ice.turn.ttl_s", _ttl_s),
    "BREATHMARK_SUMMARY_URL": ("summary.url", _address(*_HTTP, example="http://127.0.0.1:8080/v1")),
    "BREATHMARK_SUMMARY_MODEL": ("summary.model", str),
    "BREATHMARK_SUMMARY_KEY_FILE": ("summary.key", _secret),
}
