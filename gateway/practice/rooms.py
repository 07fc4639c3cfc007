"""The room of one practice: who is here, what they agreed to, and so what may happen now.

Pure: every act gives a new room, and ``happened`` names what changed between two of them. No clock,
no socket, no store.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from pydantic import TypeAdapter, ValidationError

from coach import floor as floors
from coach.cards import as_told, card_told
from coach.floor import Floor
from coach.practice import Card
from gateway.practice.time_outs import TimeOut
from gateway.protocol import (
    ClientMessage,
    Consent,
    End,
    MediaState,
    MicrophoneState,
    Pause,
    Phase,
    TakeTimeOut,
)
from streaming.errors import UnusableInput
from streaming.types import Speaker


@dataclass(frozen=True, slots=True)
class Partner:
    """``practice`` and ``observer`` are this person's standing consents.

    ``cut_off``: the audio was lost, and has not been connected since. The microphone is told again by
    whoever joins anew.
    """

    present: bool = False
    name: str = ""
    practice: bool = False
    observer: bool = False
    carry: bool = False
    words: bool = False
    media: MediaState = "none"
    cut_off: bool = False
    microphone: MicrophoneState = "ok"  # as its browser has it
    silent: bool = False  # as it is heard


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened: the kind and detail of a Happening, still without its time."""

    kind: str
    by: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Room:
    a: Partner = Partner()
    b: Partner = Partner()
    same_room: bool = False
    observers: int = 0
    began: bool = False  # session time runs from here on, whatever comes
    paused_by: Speaker | None = None
    ended: bool = False
    ended_by: Speaker | None = None  # None: nobody came back in time
    time_out: TimeOut | None = None  # a pause with a time to be back
    card: Card | None = None  # None: just talk
    floor: Floor = field(default_factory=Floor)  # speaker and listener, where they chose to take turns
    repair: Speaker | None = None  # who offers to begin again
    repairs: int = 0  # such offers that were taken up
    neutral_s: float = 0.0  # session time until which they are asked for easy talk
    learnt: bool = False  # something is kept of an earlier practice, or after the end of this one

    def partner(self, speaker: Speaker) -> Partner:
        return self.a if speaker is Speaker.A else self.b

    @property
    def agreed(self) -> bool:
        """Both consents to the practice stand."""
        return self.a.practice and self.b.practice

    @property
    def watchable(self) -> bool:
        """Both consents to an observer stand."""
        return self.a.observer and self.b.observer

    @property
    def worded(self) -> bool:
        """Both want what they say written down."""
        return self.a.words and self.b.words

    @property
    def carries(self) -> bool:
        """Both want what is learnt of them kept."""
        return self.a.carry and self.b.carry

    @property
    def calibrates(self) -> bool:
        """The two are not known yet, and nobody has asked to begin at once."""
        return self.neutral_s > 0 and not (self.learnt and self.carries)

    @property
    def empty(self) -> bool:
        return not (self.a.present or self.b.present)

    @property
    def phase(self) -> Phase:
        """A partner who drops out of a practice that has begun does not stop it for the other."""
        if self.ended:
            return "ended"
        if self.empty or not (self.began or (self.a.present and self.b.present)):
            return "waiting"
        if not self.agreed:
            return "consent"
        return "paused" if self.paused_by else "practising"

    @property
    def analysing(self) -> bool:
        """Only now may audio be decoded and looked at."""
        return self.phase == "practising"

    @property
    def audible(self) -> bool:
        """Partners who are apart hear each other, in a pause too: nobody is muted by the machine."""
        return self.began and not self.ended and not self.same_room


RoomState: TypeAlias = dict[str, Any]  # JSON, for the store
_ROOM = TypeAdapter(Room)
_NOT_KEPT = {"a", "b", "card", "observers", "repair", "repairs"}  # a, b and card in another form
_KEPT_OF_PARTNERS = ("name", "practice", "observer", "carry", "words")


def joined(room: Room, speaker: Speaker, name: str) -> Room:
    old = room.partner(speaker)
    return _with(room, speaker, replace(old, present=True, name=name.strip() or old.name, microphone="ok"))


def left(room: Room, speaker: Speaker) -> Room:
    return _with(room, speaker, replace(room.partner(speaker), present=False))


def consented(room: Room, speaker: Speaker, practice: bool, observer: bool, words: bool = False) -> Room:
    given = replace(room.partner(speaker), practice=practice, observer=observer, words=words)
    return _with(room, speaker, given)


def carried(room: Room, speaker: Speaker, yes: bool) -> Room:
    """A no takes back what was kept: it is erased, and a later yes begins anew."""
    room = _with(room, speaker, replace(room.partner(speaker), carry=yes))
    return room if yes else replace(room, learnt=False)


def repaired(room: Room, by: Speaker, act: Literal["offer", "accept", "later"]) -> Room:
    """An offer belongs to its moment: it is not kept over a restart. Two offers at once are a yes."""
    if room.phase != "practising":
        return room
    if act == "later":
        return replace(room, repair=None)
    if room.repair is by.other:
        return replace(room, repair=None, repairs=room.repairs + 1)
    return replace(room, repair=by) if act == "offer" else room


def began_at_once(room: Room) -> Room:
    """Somebody would rather not have the easy first minute."""
    return replace(room, neutral_s=0.0)


def set_up(room: Room, speaker: Speaker, same_room: bool | None, name: str | None) -> Room:
    old = room.partner(speaker)
    room = _with(room, speaker, replace(old, name=(name or "").strip() or old.name))
    return room if same_room is None else replace(room, same_room=same_room)


def media_changed(room: Room, speaker: Speaker, media: MediaState) -> Room:
    """``lost`` lasts over every try to come back, until one is ``connected``."""
    old = room.partner(speaker)
    cut_off = media == "lost" or (old.cut_off and media != "connected")
    return _with(room, speaker, replace(old, media=media, cut_off=cut_off))


def microphone_told(room: Room, speaker: Speaker, state: MicrophoneState) -> Room:
    """What the partner's browser knows of it."""
    return _with(room, speaker, replace(room.partner(speaker), microphone=state))


def microphone_heard(room: Room, speaker: Speaker, *, silent: bool) -> Room:
    return _with(room, speaker, replace(room.partner(speaker), silent=silent))


def silenced(room: Room) -> Room:
    """The gateway itself was away: nobody is heard until they have connected again."""
    return replace(room, a=replace(room.a, cut_off=True), b=replace(room.b, cut_off=True))


def paused(room: Room, by: Speaker) -> Room:
    """Anyone may pause without a reason."""
    return replace(room, paused_by=by) if room.phase == "practising" else room


def took_time_out(room: Room, time_out: TimeOut, now_unix: float) -> Room:
    """From talk or from a pause. While one runs, its time stands: both have been told of it."""
    running = room.time_out is not None and room.time_out.running(now_unix)
    if running or room.phase not in ("practising", "paused"):
        return room
    return replace(room, paused_by=room.paused_by or time_out.by, time_out=time_out)


def took_turn(room: Room, by: Speaker, act: floors.Act) -> Room:
    """A step of the floor mode; in a pause the floor stays with whom it is."""
    return replace(room, floor=floors.step(room.floor, act, by)) if room.phase == "practising" else room


def resumed(room: Room) -> Room:
    return replace(room, paused_by=None, time_out=None)


def watched_by(room: Room, observers: int) -> Room:
    return replace(room, observers=observers)


def ended(room: Room, by: Speaker | None) -> Room:
    return room if room.ended else replace(room, ended=True, ended_by=by)


def taken_back(room: Room, by: Speaker, message: ClientMessage) -> Room:
    """The room without what this message takes back. What it gives, or asks for besides, has to be dealt with."""
    match message:
        case Consent():
            old, given = room.partner(by), message
            practice, observer = old.practice and given.practice, old.observer and given.observer
            return consented(room, by, practice, observer, old.words and given.words)
        case Pause() | TakeTimeOut():
            return paused(room, by)
        case End():
            return ended(room, by)
    return room


def stops(before: Room, after: Room) -> bool:
    """The analysis, the watching or the writing down of words: people's no to that counts at once."""
    return any(getattr(before, what) and not getattr(after, what) for what in ("analysing", "watchable", "worded"))


def _with(room: Room, speaker: Speaker, partner: Partner) -> Room:
    """The practice begins at the first moment at which both are here and both consents stand."""
    room = replace(room, a=partner) if speaker is Speaker.A else replace(room, b=partner)
    here = room.a.present and room.b.present
    return replace(room, began=True) if room.agreed and here and not room.ended else room


def happened(before: Room, after: Room) -> list[Change]:
    """What is worth a line in the timeline, in the order in which it makes sense."""
    changes: list[Change] = []
    for speaker in Speaker:
        changes += _partner_changes(speaker, before.partner(speaker), after.partner(speaker))
    if after.began and not before.began:
        changes.append(Change("began"))
        if after.card:
            changes.append(Change("practice_start", None, as_told(after.card)))
        if after.calibrates:
            changes.append(Change("neutral", None, {"seconds": after.neutral_s}))
    if before.began and before.neutral_s and not after.neutral_s:
        changes.append(Change("neutral_over"))
    if after.repairs != before.repairs and before.repair:
        changes.append(Change("repair_accepted", before.repair.other))
    elif after.repair and not before.repair:
        changes.append(Change("repair_offered", after.repair))
    if after.floor != before.floor:
        changes.append(Change("floor", None, floors.save(after.floor)))
    if after.time_out and after.time_out != before.time_out:  # before the pause: it is the reason for it
        changes.append(Change("time_out", after.time_out.by, after.time_out.detail))
    if after.paused_by and not before.paused_by:
        changes.append(Change("paused", after.paused_by))
    if before.paused_by and not after.paused_by:
        changes.append(Change("resumed"))
    if before.observers != after.observers:
        kind = "observer_joined" if after.observers > before.observers else "observer_left"
        changes.append(Change(kind, None, {"observers": after.observers}))
    if after.ended and not before.ended:
        changes.append(Change("ended", after.ended_by))
    return changes


_CONSENTS = {"consent": "practice", "observer_consent": "observer", "words_consent": "words", "carry_consent": "carry"}


def _partner_changes(by: Speaker, before: Partner, after: Partner) -> list[Change]:
    changes: list[Change] = []
    if after.present and not before.present:
        changes.append(Change("joined", by))
    for kind, purpose in _CONSENTS.items():
        if getattr(before, purpose) != (given := getattr(after, purpose)):
            changes.append(Change(kind, by, {purpose: given}))
    if after.cut_off and not before.cut_off:
        changes.append(Change("media_lost", by))
    if before.cut_off and not after.cut_off:
        changes.append(Change("media_back", by))
    if before.present and not after.present:
        changes.append(Change("left", by))
    return changes


def to_state(room: Room) -> RoomState:
    """What must outlive the process. Presence and media do not: whoever is here says so again."""
    state: RoomState = _ROOM.dump_python(room, mode="json", exclude=_NOT_KEPT)
    people = {s.value: {name: getattr(room.partner(s), name) for name in _KEPT_OF_PARTNERS} for s in Speaker}
    return {**state, "partners": people, "card": as_told(room.card) if room.card else None}


def from_state(state: RoomState) -> Room:
    """Raises UnusableInput for what ``to_state`` did not give."""
    try:
        people = {speaker.value: state["partners"][speaker.value] for speaker in Speaker}
        card = card_told(state["card"]) if state.get("card") else None
        return _ROOM.validate_python({**state, **people, "card": card})
    except ValidationError as error:  # without what people wrote: it may end in a log
        reason: object = error.errors(include_input=False, include_url=False)
    except (KeyError, TypeError, ValueError) as error:
        reason = error
    raise UnusableInput(f"a stored room does not fit this version ({reason!r}); start a new practice")
