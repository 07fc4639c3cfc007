"""The wire form: one JSON object a line, times in seconds. Command line, bus, socket, export.

Seconds are ``samples / 16000`` unrounded, so a line read back gives the same integers.
"""

from __future__ import annotations

import json
from typing import Any

from streaming.errors import UnusableInput
from streaming.types import SAMPLE_RATE_HZ, Annotation, Cue, Happening, Kind, Line, Span, Speaker, Word

WIRE_VERSION = 1
_ENVELOPE = {"v", "id", "session", "kind", "status", "by", "over", "start_s", "end_s", "decided_s", "detector"}
_OPTIONAL = ("p_interruption", "level", "z", "recovery_s", "reason", "text", "language")
_DETECTED = frozenset(kind.value for kind in Kind)
_ROUND = 4  # digits of confidences and levels; times are exact


def seconds(samples: int) -> float:
    return samples / SAMPLE_RATE_HZ


def samples(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE_HZ)


def to_wire(line: Line) -> dict[str, Any]:
    """The line as a JSON-ready dict; absent fields are left out."""
    if isinstance(line, Annotation):
        return _annotation_to_wire(line)
    envelope = _envelope(line, "final", line.at, line.at, line.at)
    if isinstance(line, Cue):
        return {**envelope, "level": line.level, "text": line.text, "ttl_s": line.ttl_s, "because": list(line.because)}
    return {**line.detail, **envelope, **({"by": line.by} if line.by else {})}


def _envelope(line: Line, status: str, start: int, end: int, decided: int) -> dict[str, Any]:
    return {
        "v": WIRE_VERSION,
        "id": line.id,
        "session": line.session,
        "kind": str(line.kind),
        "status": status,
        "start_s": seconds(start),
        "end_s": seconds(end),
        "decided_s": seconds(decided),
        "detector": line.detector,
    }


def _annotation_to_wire(a: Annotation) -> dict[str, Any]:
    out = _envelope(a, a.status, a.span.start, a.span.end, a.decided)
    out["by"] = a.by.value if a.by else None
    if a.over:
        out["over"] = a.over.value
    out["confidence"] = round(a.confidence, _ROUND)
    for name in _OPTIONAL:
        value = getattr(a, name)
        if value is not None:
            out[name] = round(value, _ROUND) if isinstance(value, float) else value
    if a.words is not None:
        out["words"] = [_word_to_wire(word) for word in a.words]
    return out


def _word_to_wire(word: Word) -> dict[str, Any]:
    times = {"start_s": seconds(word.span.start), "end_s": seconds(word.span.end)}
    return {"text": word.text, **times, "confidence": round(word.confidence, _ROUND)}


def _word_from_wire(data: dict[str, Any]) -> Word:
    return Word(data["text"], Span(samples(data["start_s"]), samples(data["end_s"])), float(data["confidence"]))


def from_wire(data: dict[str, Any]) -> Line:
    """The line that ``to_wire`` wrote. Raises UnusableInput with the field that does not fit."""
    try:
        if data["v"] != WIRE_VERSION:
            raise UnusableInput(
                f"wire version {data['v']!r} is not {WIRE_VERSION}: update the older of the two programs"
            )
        if data["kind"] == "cue":
            return Cue(
                id=data["id"],
                session=data["session"],
                level=int(data["level"]),
                text=data["text"],
                at=samples(data["start_s"]),
                ttl_s=float(data.get("ttl_s", 0.0)),
                because=tuple(data.get("because", ())),
                detector=data["detector"],
            )
        if data["kind"] in _DETECTED:
            return _annotation_from_wire(data)
        return Happening(
            id=data["id"],
            session=data["session"],
            kind=data["kind"],
            at=samples(data["start_s"]),
            by=data.get("by"),
            detail={k: v for k, v in data.items() if k not in _ENVELOPE},
            detector=data["detector"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UnusableInput(
            f"not a timeline line ({error!r}): expected the wire form, version {WIRE_VERSION}"
        ) from error


def _annotation_from_wire(data: dict[str, Any]) -> Annotation:
    return Annotation(
        id=data["id"],
        session=data["session"],
        kind=Kind(data["kind"]),
        status=data["status"],
        span=Span(samples(data["start_s"]), samples(data["end_s"])),
        decided=samples(data["decided_s"]),
        detector=data["detector"],
        confidence=float(data["confidence"]),
        by=Speaker(data["by"]) if data.get("by") else None,
        over=Speaker(data["over"]) if data.get("over") else None,
        words=None if data.get("words") is None else tuple(_word_from_wire(word) for word in data["words"]),
        **{name: data.get(name) for name in _OPTIONAL},
    )


def dumps(line: Line) -> str:
    """One compact JSON line without its newline."""
    return json.dumps(to_wire(line), separators=(",", ":"), ensure_ascii=False)


def loads(text: str) -> Line:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise UnusableInput(f"not JSON at column {error.colno}: {error.msg}") from error
    if not isinstance(data, dict):
        raise UnusableInput(f"expected a JSON object, got {type(data).__name__}")
    return from_wire(data)
