"""What goes over the bus and into the store comes back as it was, or is refused in one line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.settings import CoachSettings
from gateway.practice.exchange import Begin, Close, pack, unpack
from gateway.practice.kept import Kept
from gateway.practice.learnt import Learnt
from streaming.errors import UnusableInput
from streaming.types import Speaker

BEGIN = Begin(1.5, 320, CoachSettings(settle_in_s=3.0), Learnt({Speaker.B: {"level": [1.0, None]}}, 0.5))


@pytest.mark.parametrize("message", [BEGIN, Close(2.5)], ids=["begin", "close"])
def test_what_a_worker_is_told_comes_back_as_it_was(message: Begin | Close) -> None:
    assert unpack("s", pack(message)) == message


def test_a_policy_of_a_newer_gateway_is_taken_as_far_as_it_is_known() -> None:
    said = json.loads(pack(BEGIN))
    said["policy"]["of_tomorrow_s"] = 3.0
    assert unpack("s", json.dumps(said).encode()) == BEGIN


@pytest.mark.parametrize(
    "payload",
    [b"", b"[1]", b"7", b'{"control":"dance"}', b'{"control":"begin","began_unix":1}', b'{"v":1}', b"\xff"],
)
def test_anything_else_is_refused(payload: bytes) -> None:
    with pytest.raises(UnusableInput):
        unpack("s", payload)


@given(st.integers(0, 2**60), st.binary(), st.binary(), st.lists(st.text()), st.sampled_from([None, BEGIN]))
def test_a_kept_state_comes_back_as_it_was(
    now: int, coach: bytes, pipeline: bytes, told: list[str], begin: Begin | None
) -> None:
    kept = Kept(now, coach, pipeline, 7, tuple(told), "5-1", begin)
    assert Kept.unpacked(kept.packed()) == kept


@pytest.mark.parametrize("payload", [b"", b"{}", b'{"v":1,"coach_bytes":0}\n', b"nonsense\nnonsense"])
def test_a_state_of_another_version_is_refused(payload: bytes) -> None:
    with pytest.raises(UnusableInput, match="not a kept state"):
        Kept.unpacked(payload)
