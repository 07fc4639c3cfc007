"""What browser and gateway say to one another over ``/ws``: JSON text messages, each with a ``type``.

The TypeScript twin is web-client/src/protocol.ts. Strangers speak here, so every field is bounded;
fields that are not known are passed over, so that an older gateway bears with a newer page.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, TypeAdapter, ValidationError

from coach.practice import Card, as_shown
from gateway.plain import made_plain
from streaming.errors import Refused

PROTOCOL_VERSION = 1
MAX_MESSAGE_BYTES = 65_536  # a full SDP offer of a browser is 2 to 6 KiB
MAX_SDP_CHARS = 60_000
MAX_NAME_CHARS = 40
SECRET_CHARS = range(8, 129)  # how long a link's token, or the secret of a device, may be
MAX_CLOCK_CHARS = 16
MAX_NOTE_WORDS = 4  # read in one glance, in the middle of a talk
MAX_NOTE_CHARS = 40  # four long words; more do not fit a phone in large type
MAX_TYPED_CHARS = 400  # what is longer no page sends; between the two, whoever typed it is told what fits

Role: TypeAlias = Literal["a", "b", "observer", "report"]
Phase: TypeAlias = Literal["waiting", "consent", "practising", "paused", "ended"]
MediaState: TypeAlias = Literal["none", "connecting", "connected", "lost"]
MicrophoneState: TypeAlias = Literal["ok", "unplugged", "muted", "silent"]
WireLine: TypeAlias = dict[str, Any]  # streaming.wire.to_wire

_Name = Annotated[str, Field(max_length=MAX_NAME_CHARS), AfterValidator(made_plain)]
Secret = Annotated[str, Field(min_length=SECRET_CHARS[0], max_length=SECRET_CHARS[-1])]
LineId = Annotated[str, Field(min_length=1, max_length=64)]
_BrowserMs = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]  # performance.now()


class _FromBrowser(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Hello(_FromBrowser):
    """The first message. ``device`` is a secret that the browser made for this link and keeps."""

    type: Literal["hello"]
    v: int
    token: Secret
    device: Secret
    name: _Name = ""


class Consent(_FromBrowser):
    """Sent again to change or withdraw. ``observer``: a therapist may watch; ``words``: they are written down."""

    type: Literal["consent"]
    practice: bool
    observer: bool = False
    words: bool = False


class Setup(_FromBrowser):
    type: Literal["setup"]
    same_room: bool | None = None
    name: _Name | None = None


class Offer(_FromBrowser):
    """A full offer with all its ICE candidates; again after any loss."""

    type: Literal["offer"]
    sdp: Annotated[str, Field(min_length=1, max_length=MAX_SDP_CHARS)]


class Microphone(_FromBrowser):
    """What the browser knows of its own microphone; that it is silent is heard here."""

    type: Literal["microphone"]
    state: Literal["ok", "unplugged", "muted"]


class FreshIce(_FromBrowser):
    """The credentials in the room's ``ice_servers`` have run out: the room is sent again."""

    type: Literal["ice"]


class Painted(_FromBrowser):
    """The browser's own clock: when the cue's message came in, and the animation frame that showed it.

    ``cue`` may be a note, too.
    """

    type: Literal["painted"]
    cue: LineId
    received_ms: _BrowserMs
    painted_ms: _BrowserMs


class Dismiss(_FromBrowser):
    type: Literal["dismiss"]
    cue: LineId


class Pause(_FromBrowser):
    type: Literal["pause"]


class TakeTimeOut(_FromBrowser):
    """A pause with a time to be back: ``back_at`` as the browser's own clock will show it, "8:40"."""

    type: Literal["time_out"]
    minutes: int
    back_at: Annotated[str, Field(max_length=MAX_CLOCK_CHARS)]


class Resume(_FromBrowser):
    type: Literal["resume"]


class End(_FromBrowser):
    type: Literal["end"]


class FloorAct(_FromBrowser):
    """A step of the floor mode: one speaks, the other says it back. What is not theirs to do changes nothing."""

    type: Literal["floor"]
    act: Literal["take", "done", "reflected", "yes", "add", "stop"]


class Repair(_FromBrowser):
    """A sentence came out wrong: one offers to begin it again, the other takes that up, or not now."""

    type: Literal["repair"]
    act: Literal["offer", "accept", "later"]


class Carry(_FromBrowser):
    """Whether what is learnt of the two is kept for their next practice; both have to want it."""

    type: Literal["carry"]
    yes: bool


class BeginNow(_FromBrowser):
    """Somebody would rather not have the easy first minute."""

    type: Literal["begin_now"]


class CuesWanted(_FromBrowser):
    """The coach has fallen silent, and somebody would like cues again."""

    type: Literal["cues_wanted"]


class Note(_FromBrowser):
    """An observer's few words to both partners."""

    type: Literal["note"]
    text: Annotated[str, Field(max_length=MAX_TYPED_CHARS)]


class Ping(_FromBrowser):
    type: Literal["ping"]
    t: Annotated[float, Field(allow_inf_nan=False)] = 0.0


# What a partner does with the room.
Act: TypeAlias = (
    Consent
    | Setup
    | Microphone
    | Pause
    | TakeTimeOut
    | Resume
    | FloorAct
    | CuesWanted
    | Repair
    | Carry
    | BeginNow
    | End
)
ClientMessage: TypeAlias = Annotated[
    Hello | Offer | FreshIce | Painted | Dismiss | Ping | Note | Act, Field(discriminator="type")
]
_CLIENT_MESSAGE: TypeAdapter[ClientMessage] = TypeAdapter(ClientMessage)


def read_message(text: str) -> ClientMessage:
    """What the browser said. Raises Refused: ``bad_json``, ``unknown_message`` or ``bad_message``."""
    try:
        return _CLIENT_MESSAGE.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        if first["type"] in ("json_invalid", "model_attributes_type", "dict_type"):
            raise Refused("bad_json", "A message could not be read as a JSON object.") from None
        if first["type"].startswith("union_tag"):
            raise Refused("unknown_message", "A message has a type that Breathmark does not know.") from None
        where = ".".join(str(part) for part in first["loc"])
        raise Refused("bad_message", f"A message does not fit: {where}: {first['msg']}.") from None


class _ToBrowser(BaseModel):
    model_config = ConfigDict(frozen=True)

    def text(self) -> str:
        return self.model_dump_json()


class PartnerView(_ToBrowser):
    """What everybody in the room may see of a partner."""

    present: bool = False
    name: str = ""
    practice: bool = False
    observer: bool = False
    carry: bool = False
    words: bool = False
    media: MediaState = "none"
    microphone: MicrophoneState = "ok"


class TimeOutView(_ToBrowser):
    """``left_s``: seconds until the return, below 0 after it. ``task``: one small thing that soothes, for both."""

    minutes: int
    back_at: str
    left_s: float
    task: str


class FloorSide(_ToBrowser):
    """What one partner's screen says, and what it offers."""

    prompt: str
    acts: tuple[str, ...]


class RoomView(_ToBrowser):
    """The whole room, sent whenever it changes. ``now_s``: session time, 0 before it begins."""

    phase: Phase
    now_s: float
    same_room: bool
    observers: int
    observer_waiting: bool  # an observer is here, and not both partners have agreed to one
    ice_servers: tuple[dict[str, str], ...]  # RTCIceServer: urls, and username and credential where it has them
    ice_good_s: float | None = None  # how long their credentials can be used; None: for ever
    partners: dict[Literal["a", "b"], PartnerView]
    time_out: TimeOutView | None = None
    card: Annotated[Card, PlainSerializer(as_shown)] | None = None  # None: just talk
    floor: dict[Literal["a", "b"], FloorSide] | None = None  # None: the floor mode is off
    coaching_paused: bool = False  # nobody analyses for a moment, and nobody's doing: it goes on by itself
    repair: Literal["a", "b"] | None = None  # who offers to begin again, until the other has answered
    repairs: int = 0  # such offers that were taken up
    neutral_s: float = 0.0  # session time until which both are asked for easy talk; 0: not at all
    learnt: bool = False  # something is kept of an earlier practice, or after the end of this one
    words_offered: bool = False  # this gateway can write words down, if both want it
    words_behind: bool = False  # they come late, or some not at all
    note_from_s: float = 0.0  # session time from which an observer may send the next few words
    cues_silent: bool = False  # two cues were ignored: there are no more of the coach's own, until somebody asks

    @property
    def watched(self) -> RoomView:
        """As observers get it: who does not speak needs no servers to speak through."""
        return self.model_copy(update={"ice_servers": (), "ice_good_s": None})


class Welcome(_ToBrowser):
    """``lines``: the history so far for an observer whom both agreed to, else empty."""

    type: Literal["welcome"] = "welcome"
    v: int = PROTOCOL_VERSION
    role: Role
    session: str
    demo: bool
    room: RoomView
    lines: tuple[WireLine, ...] = ()


class RoomChanged(_ToBrowser):
    type: Literal["room"] = "room"
    room: RoomView


class Answer(_ToBrowser):
    type: Literal["answer"] = "answer"
    sdp: str


class CueShown(_ToBrowser):
    type: Literal["cue"] = "cue"
    line: WireLine


class NoteShown(_ToBrowser):
    """An observer's few words, for both partners and all observers."""

    type: Literal["note"] = "note"
    line: WireLine


class Lines(_ToBrowser):
    """Timeline lines for observers, in batches. A line may come twice: its id and status are its key."""

    type: Literal["lines"] = "lines"
    lines: tuple[WireLine, ...]


class RefusedMessage(_ToBrowser):
    """``fatal``: the socket closes after it, and trying again as before will not help."""

    type: Literal["refused"] = "refused"
    code: str
    message: str
    way_out: str
    fatal: bool = False


class Ended(_ToBrowser):
    """``report`` opens the report: /report#TOKEN. Null where an observer's agreement is missing."""

    type: Literal["ended"] = "ended"
    report: str | None


class Pong(_ToBrowser):
    type: Literal["pong"] = "pong"
    t: float
    now_s: float


ServerMessage: TypeAlias = Welcome | RoomChanged | Answer | CueShown | NoteShown | Lines | RefusedMessage | Ended | Pong
