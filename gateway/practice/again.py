"""Practising again: a new practice for the same two, tied to the one before by their own links.

Either partner begins it from their own link, on their own device; the other comes in from theirs. Both
say yes anew, and what the earlier practice taught is used only while both want that.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.practice import rooms
from gateway.practice.registry import NewSession, Record, Registry
from gateway.practice.rooms import Partner, Room
from gateway.protocol import Role
from streaming.errors import Refused
from streaming.types import Speaker


def next_room(before: Record, neutral_s: float) -> Room:
    """The same two on the same sides, with their card. Whoever is here says so again, and says yes again."""
    room = before.room
    known = before.learnt is not None
    people = [Partner(name=p.name, carry=p.carry and known) for p in (room.a, room.b)]
    return Room(a=people[0], b=people[1], same_room=room.same_room, card=room.card, neutral_s=neutral_s, learnt=known)


async def newest(registry: Registry, record: Record) -> Record:
    """The last of the practices that came after this one; itself where there is none."""
    while (after := await registry.after(record.session)) is not None:
        record = await registry.load(after)
    return record


async def open_next(registry: Registry, record: Record, role: Role, neutral_s: float) -> NewSession:
    """The couple's next practice: a new one, or the side of ``role`` in one that the other has opened.

    Only what belongs to the asker is given out of a practice that is there already. Raises Refused.
    """
    if record.began_unix is None or not record.room.ended:
        raise Refused("not_now", "This practice has not ended yet.")
    last = await newest(registry, record)
    if last.room.ended:
        made = await registry.create_after(last.session, lambda before: next_room(before, neutral_s))
        if made is not None:
            return made
        last = await newest(registry, record)  # the other was a moment earlier
    return NewSession(last.session, {role: await registry.renew(last.session, role)})


def without_learnt(record: Record, by: Speaker) -> Record:
    """Somebody took back that it be kept: it is gone."""
    return replace(record, room=rooms.carried(record.room, by, False), learnt=None)
