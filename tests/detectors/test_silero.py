"""The model gives a stream the same answer, bit for bit, in any company."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from detectors.settings import CONTEXT_SAMPLES, FRAME_SAMPLES
from detectors.silero import STATE_SHAPE, shared_model
from streaming.types import Speaker
from tests.detectors.talk import dialogue


@pytest.mark.parametrize("streams", [2, 3, 5, 8, 13, 16, 21, 40, 64])
def test_a_row_does_not_depend_on_the_rows_beside_it(streams: int) -> None:
    random = np.random.default_rng(streams)
    voice = dialogue(28, 40)[Speaker.B]
    starts = random.integers(0, len(voice) - 600, streams)
    windows = np.stack([voice[at : at + CONTEXT_SAMPLES + FRAME_SAMPLES] for at in starts])
    memories = random.standard_normal((streams, *STATE_SHAPE)).astype(np.float32) * 0.3
    together, after = shared_model().infer(windows, memories)
    for row in range(streams):
        alone, own = shared_model().infer(windows[row : row + 1], memories[row : row + 1])
        assert alone == [together[row]]
        np.testing.assert_array_equal(own[0], after[row])


def test_speech_is_heard_as_speech_and_silence_is_not() -> None:
    voice = dialogue(1, 2)[Speaker.A]
    memory = np.zeros((1, *STATE_SHAPE), np.float32)
    p = []
    for at in range(CONTEXT_SAMPLES, len(voice) - FRAME_SAMPLES, FRAME_SAMPLES):
        (answer,), memory = shared_model().infer(voice[None, at - CONTEXT_SAMPLES : at + FRAME_SAMPLES], memory)
        p.append(answer)
    assert np.median(p) > 0.9  # without its context the model would say 0 all through
    quiet, _ = shared_model().infer(np.zeros((1, 576), np.float32), np.zeros((1, *STATE_SHAPE), np.float32))
    assert quiet[0] < 0.1


def test_the_detectors_load_without_torch() -> None:
    program = "import sys, detectors.worker, detectors.silero as s; s.shared_model(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"
