"""What everybody in a room sees of it. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from coach import floor as floors
from coach.floor import Floor
from gateway.practice.rooms import Partner, Room
from gateway.protocol import FloorSide, PartnerView, RoomView
from streaming.types import Speaker


def view(room: Room, now_unix: float, **known: Any) -> RoomView:
    """``known``: what the room itself does not know."""
    return RoomView(
        phase=room.phase,
        same_room=room.same_room,
        observers=room.observers,
        partners={"a": _partner_view(room.a), "b": _partner_view(room.b)},
        time_out=room.time_out.view(now_unix) if room.time_out else None,
        card=room.card,
        floor=_floor_view(room.floor),
        repair=room.repair.value if room.repair else None,
        repairs=room.repairs,
        neutral_s=room.neutral_s if room.calibrates else 0.0,
        learnt=room.learnt,
        **known,
    )


def _floor_view(floor: Floor) -> dict[Literal["a", "b"], FloorSide] | None:
    if floor.phase is floors.Phase.OFF:
        return None
    a, b = (FloorSide(prompt=floors.prompt(floor, s), acts=floors.allowed(floor, s)) for s in Speaker)
    return {"a": a, "b": b}


def _partner_view(partner: Partner) -> PartnerView:
    unheard = partner.silent and partner.microphone == "ok"
    shown = replace(partner, microphone="silent") if unheard else partner
    return PartnerView.model_validate(shown, from_attributes=True)
