"""Of an offer we take one Opus audio section and a bounded list of addresses; the rest is turned down politely."""

from __future__ import annotations

import pytest
from aiortc.sdp import SessionDescription

from gateway.media.offer import Offer, complete_answer, opus_payload_type, screen_offer
from streaming.errors import Refused

HEAD = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0"]
SECURE = ["a=ice-ufrag:abcd", "a=ice-pwd:abcdefghijklmnopqrstuv", "a=setup:actpass", "a=rtcp-mux"]
FINGERPRINT = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32)
HOST = "a=candidate:1 1 udp 2122194687 10.0.0.7 50000 typ host generation 0"


def audio(*extra: str, mid: str = "0", port: int = 9, direction: str = "sendrecv") -> list[str]:
    return [
        f"m=audio {port} UDP/TLS/RTP/SAVPF 111 0",
        "c=IN IP4 0.0.0.0",
        *SECURE,
        f"a=mid:{mid}",
        f"a={direction}",
        "a=rtpmap:111 opus/48000/2",
        "a=rtpmap:0 PCMU/8000",
        *extra,
    ]


def video(mid: str, *extra: str) -> list[str]:
    return [
        "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
        "c=IN IP4 0.0.0.0",
        *SECURE,
        f"a=mid:{mid}",
        "a=rtpmap:96 VP8/90000",
        *extra,
    ]


def sdp(*sections: list[str], bundle: str = "0 1 2") -> str:
    return (
        "\r\n".join([*HEAD, f"a=group:BUNDLE {bundle}", FINGERPRINT, *(line for s in sections for line in s)]) + "\r\n"
    )


def screen(text: str, **limits: int) -> Offer:
    return screen_offer(text, **{"max_bytes": 65_536, "max_candidates": 64, **limits})


def test_only_the_audio_is_passed_on() -> None:
    data = ["m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", *SECURE, "a=mid:2"]
    offer = screen(sdp(video("0"), audio(HOST, mid="1"), data))
    parsed = SessionDescription.parse(offer.sdp)
    assert [(m.kind, m.rtp.muxId) for m in parsed.media] == [("audio", "1")]
    assert [str(group) for group in parsed.group] == ["BUNDLE 1"]
    assert offer.accepted == 1


def test_the_answer_has_every_section_in_its_place_and_the_others_at_port_0() -> None:
    offer = screen(sdp(video("0"), audio(HOST, mid="1"), video("2")))
    answer = complete_answer(sdp(audio(mid="1", port=5000), bundle="1"), offer)
    media = [line for line in answer.splitlines() if line.startswith(("m=", "a=mid:", "a=inactive"))]
    assert media == [
        "m=video 0 UDP/TLS/RTP/SAVPF 96 97",
        "a=inactive",
        "a=mid:0",
        "m=audio 5000 UDP/TLS/RTP/SAVPF 111 0",
        "a=mid:1",
        "m=video 0 UDP/TLS/RTP/SAVPF 96 97",
        "a=inactive",
        "a=mid:2",
    ]


def test_the_answer_asks_for_copies_of_lost_packets() -> None:
    answer = complete_answer(sdp(audio()), screen(sdp(audio(HOST))))
    assert "a=fmtp:111 minptime=10;useinbandfec=1" in answer.splitlines()
    assert opus_payload_type(answer) == 111


def test_a_second_microphone_is_turned_down() -> None:
    offer = screen(sdp(audio(HOST), audio(HOST, mid="1")))
    assert offer.accepted == 0
    assert "m=audio 0 " in complete_answer(sdp(audio()), offer)


@pytest.mark.parametrize(
    "address",
    [
        "a=candidate:1 1 udp 1 0b1c2d3e-aaaa-bbbb-cccc-0123456789ab.local 50000 typ host",
        "a=candidate:1 1 tcp 1 10.0.0.7 9 typ host tcptype active",
        "a=candidate:1 2 udp 1 10.0.0.7 50001 typ host",
        "a=candidate:1 1 udp 1 example.org 50001 typ host",
        "a=candidate:1 1 udp 1 10.0.0.7 99999 typ host",
        "a=candidate:1 1 udp 1 10.0.0.7 53 typ host",
        "a=candidate:1 1 udp 1 224.0.0.251 5353 typ host",
        "a=candidate:1 1 udp 1 255.255.255.255 5000 typ host",
        "a=candidate:1 1 udp 1 :: 5000 typ host",
        "a=candidate:1 1 udp x 10.0.0.7 5000 typ host",
        "a=candidate:nonsense",
    ],
)
def test_an_address_that_cannot_be_tried_is_left_out_and_counted(address: str) -> None:
    offer = screen(sdp(audio(HOST, address)))
    assert [line for line in offer.sdp.splitlines() if "candidate" in line] == [HOST]
    assert offer.candidates_dropped == 1


def test_addresses_by_the_thousand_are_cut() -> None:
    many = [f"a=candidate:{n} 1 udp 1 10.0.{n // 250}.{n % 250} 5000 typ host" for n in range(1000)]
    offer = screen(sdp(audio(*many)))
    assert offer.sdp.count("a=candidate:") == 64
    assert offer.candidates_dropped == 936


def test_the_end_of_addresses_is_left_open_for_those_that_show_themselves_later() -> None:
    assert "end-of-candidates" not in screen(sdp(audio(HOST, "a=end-of-candidates"))).sdp


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "session description"),
        ("\0" * 50, "session description"),
        (sdp(), "session description"),
        (sdp(video("0")), "no audio"),
        (sdp(audio(direction="recvonly")), "no audio"),
        (sdp(audio(direction="inactive")), "no audio"),
        (sdp(audio(port=0)), "no audio"),
        (sdp(audio()).replace("opus", "speex"), "no audio"),
        (sdp(audio()).replace("SAVPF 111 0", "SAVPF 0"), "no audio"),
        (sdp(audio()).replace("m=audio 9", "m=audio nine"), "media line"),
        (sdp(audio()).replace("sha-256", "md5"), "fingerprint"),
        ("v=0\r\n" + "a=x\r\n" * 20_000, "bytes"),
    ],
)
def test_what_we_cannot_use_is_refused_in_one_line_that_says_why(text: str, word: str) -> None:
    with pytest.raises(Refused) as refused:
        screen(text)
    assert refused.value.code == "bad_offer"
    assert word in str(refused.value)
    assert "\n" not in str(refused.value)
