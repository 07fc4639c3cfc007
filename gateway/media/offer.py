"""A browser's offer, cut down to what we take: one audio section with Opus, and a bounded list of addresses.

Everything else (video, data, a second microphone) is turned down in the answer, section by section, so
that a browser which offers more than asked still gets its call. SDP as in RFC 8866, 8829 and 9143.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from streaming.errors import Refused

_OPUS = re.compile(r"a=rtpmap:(\d+) opus/48000(?:/\d+)?\s*$", re.IGNORECASE)
_MEDIA = re.compile(r"m=([a-z]+) (\d+) (\S+) (.+)$")
_FINGERPRINT = re.compile(r"a=fingerprint:sha-(?:256|384|512) [0-9A-F]{2}(?::[0-9A-F]{2})+\s*$", re.IGNORECASE)
_OFFERABLE_DIRECTIONS = ("a=sendrecv", "a=sendonly")
_PORTS = range(1024, 65_536)  # below are the machines' own services, which are no partners


@dataclass(frozen=True, slots=True)
class Offer:
    """``sdp`` holds the one audio section that is answered; ``sections`` all that were offered."""

    sdp: str
    sections: tuple[tuple[str, ...], ...]
    accepted: int
    candidates_dropped: int


def screen_offer(sdp: str, *, max_bytes: int, max_candidates: int) -> Offer:
    """The offer as far as we take it. Raises Refused("bad_offer") with what is wrong with it."""
    size = len(sdp.encode("utf-8", "replace"))
    if size > max_bytes:
        raise _bad(f"the offer has {size} bytes, more than {max_bytes}")
    session, sections = _split(sdp)
    if not session or session[0] != "v=0" or not sections:
        raise _bad("the offer is not a session description")
    if any(_MEDIA.match(section[0]) is None for section in sections):
        raise _bad("the offer holds a media line that cannot be read")
    accepted = next((i for i, section in enumerate(sections) if _is_our_audio(section)), None)
    if accepted is None:
        raise _bad("the offer holds no audio in Opus that is sent to us")
    audio = sections[accepted]
    if not any(_FINGERPRINT.match(line) for line in [*session, *audio]):
        raise _bad("the offer holds no SHA-2 fingerprint to encrypt for")
    candidates = [line for line in audio if line.startswith("a=candidate:")]
    if not candidates:  # a bundled section leaves them to the first one
        candidates = [line for line in sections[0] if line.startswith("a=candidate:")]
    usable = [line for line in dict.fromkeys(candidates) if _is_usable(line)][:max_candidates]
    # No "end of candidates": addresses that were left out show themselves in the browser's own checks.
    # No header extensions: nobody reads them here, and taking them apart costs a tenth of a packet's way.
    left_out = ("a=candidate:", "a=end-of-candidates", "a=bundle-only", "a=extmap:")
    kept = [line for line in audio if not line.startswith(left_out)]
    kept[0] = re.sub(r"^m=audio 0 ", "m=audio 9 ", kept[0])
    head = [line for line in session if not line.startswith("a=group:")]
    mid = _mid(audio)
    bundle = [f"a=group:BUNDLE {mid}"] if mid is not None else []
    return Offer(
        "\r\n".join([*head, *bundle, *kept, *usable]) + "\r\n",
        tuple(tuple(section) for section in sections),
        accepted,
        len(candidates) - len(usable),
    )


def complete_answer(answer: str, offer: Offer) -> str:
    """The answer with every offered section in its place, the others turned down, and redundancy asked for."""
    session, sections = _split(answer)
    audio = _ask_for_redundancy(sections[0])
    lines = list(session)
    for i, section in enumerate(offer.sections):
        lines += audio if i == offer.accepted else _turned_down(section)
    return "\r\n".join(lines) + "\r\n"


def opus_payload_type(sdp: str) -> int | None:
    """The payload type that an SDP of ours maps to Opus."""
    return next((int(match[1]) for line in sdp.splitlines() if (match := _OPUS.match(line))), None)


def _ask_for_redundancy(section: list[str]) -> list[str]:
    """In-band copies of lost packets: browsers send them only where the answer asks."""
    out: list[str] = []
    for line in section:
        out.append(line)
        if match := _OPUS.match(line):
            out.append(f"a=fmtp:{match[1]} minptime=10;useinbandfec=1")
    return out


def _turned_down(section: tuple[str, ...]) -> list[str]:
    """RFC 8829, 5.3.1: a rejected section has port 0 and keeps its place, kind, protocol and name."""
    match = _MEDIA.match(section[0])
    assert match is not None, "screened before"
    kind, _, protocol, formats = match.groups()
    mid = _mid(section)
    lines = [f"m={kind} 0 {protocol} {formats}", "c=IN IP4 0.0.0.0", "a=inactive"]
    return lines if mid is None else [*lines, f"a=mid:{mid}"]


def _is_our_audio(section: list[str]) -> bool:
    match = _MEDIA.match(section[0])
    if match is None or match[1] != "audio" or (match[2] == "0" and "a=bundle-only" not in section):
        return False
    named = {line[2:] for line in section if line in ("a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive")}
    sends = not named or any(d[2:] in named for d in _OFFERABLE_DIRECTIONS)
    formats = match[4].split()
    return sends and any((found := _OPUS.match(line)) and found[1] in formats for line in section)


def _is_usable(line: str) -> bool:
    """Whether the address can be tried: UDP and numeric. Names of the local network (.local) cost a
    second each to look up, and the browser's own checks reveal the address anyway."""
    bits = line.removeprefix("a=candidate:").split()
    if len(bits) < 8 or bits[1] != "1" or bits[2].lower() != "udp" or bits[6] != "typ":
        return False
    try:
        address = ipaddress.ip_address(bits[4])
        int(bits[3])
        one = not (address.is_multicast or address.is_unspecified or address.is_reserved)
        return one and int(bits[5]) in _PORTS and bits[7] in ("host", "srflx", "prflx", "relay")
    except ValueError:
        return False


def _mid(section: tuple[str, ...] | list[str]) -> str | None:
    return next((line.removeprefix("a=mid:") for line in section if line.startswith("a=mid:")), None)


def _split(sdp: str) -> tuple[list[str], list[list[str]]]:
    session: list[str] = []
    sections: list[list[str]] = []
    for line in (raw.strip() for raw in sdp.splitlines()):
        if line.startswith("m="):
            sections.append([line])
        elif line:
            (sections[-1] if sections else session).append(line)
    return session, sections


def _bad(what: str) -> Refused:
    return Refused("bad_offer", f"Your browser's call could not be read: {what}.")
