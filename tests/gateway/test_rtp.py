"""Our way of taking RTP apart beside aiortc's, on anything that may come."""

from __future__ import annotations

import pytest
from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from gateway.media import rtp


@st.composite
def datagrams(draw: st.DrawFn) -> bytes:
    """Mostly RTP: any flags and sources, an extension of a kind that says nothing, any length."""
    first = draw(st.integers(0x80, 0xBF) | st.integers(0, 255))
    body = draw(st.binary(max_size=60))
    if first & 0x10 and draw(st.booleans()):  # behind the sources, where it belongs
        sources = 4 * (first & 15)
        extension = bytes([0, 0, 0, draw(st.integers(0, 3))]) + bytes(12)
        body = bytes(sources) + extension + body
    return bytes([first]) + draw(st.binary(min_size=11, max_size=11)) + body


@given(datagrams() | st.binary(max_size=40))
def test_a_packet_is_read_as_aiortc_reads_it_or_refused_alike(data: bytes) -> None:
    try:
        theirs = RtpPacket.parse(data)
    except ValueError:
        theirs = None
    try:
        ours = rtp.parse(data)
    except ValueError:
        assert theirs is None
        return
    if theirs is None:  # they look into extensions too
        assert data[0] & 0x10
        return
    assert ours == (
        theirs.payload_type,
        theirs.sequence_number,
        theirs.timestamp,
        theirs.ssrc,
        bytes(theirs.payload),
    )


def test_padding_and_extensions_are_no_sound() -> None:
    head = bytes([0xB1, 111]) + bytes(10)
    data = head + b"from" + bytes([0xBE, 0xDE, 0, 1]) + b"\x10\xff\0\0" + b"sound" + bytes([0, 0, 3])
    assert rtp.parse(data).payload == b"sound"
    with pytest.raises(ValueError, match="header extension"):
        rtp.parse(head)
