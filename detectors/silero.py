"""The silero model: 512 samples (with 64 of context) to the probability of speech, batched over streams.

Source: snakers4/silero-vad (MIT), the ONNX file inside its wheel. The package itself imports torch,
so only its data folder is used.
"""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from detectors.settings import CONTEXT_SAMPLES, FRAME_SAMPLES
from streaming.types import SAMPLE_RATE_HZ, Samples

STATE_SHAPE = (2, 128)  # what the model remembers of one stream
_FILE = "silero_vad_16k_op15.onnx"  # 16 kHz alone: no branch on the rate inside
_QUIET = 3  # onnxruntime speaks of errors only


class SileroModel:
    """One model for all streams of the process; it keeps nothing between calls."""

    def __init__(self, path: Path) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = _QUIET
        self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._rate = np.array(SAMPLE_RATE_HZ, dtype=np.int64)
        # The first inference is slow: nobody's first word should wait for it.
        self.infer(np.zeros((1, CONTEXT_SAMPLES + FRAME_SAMPLES), np.float32), np.zeros((1, *STATE_SHAPE), np.float32))

    def infer(self, windows: Samples, states: NDArray[np.float32]) -> tuple[list[float], NDArray[np.float32]]:
        """Probabilities and next states of ``windows`` (streams, 576) with ``states`` (streams, 2, 128).

        A row's result is the same, bit for bit, whatever rows stand beside it (held by a test).
        """
        if not len(windows):
            return [], states
        feed = {"input": windows, "state": states.transpose(1, 0, 2), "sr": self._rate}
        probabilities, after = self._session.run(None, feed)
        return probabilities[:, 0].tolist(), after.transpose(1, 0, 2)


@functools.cache
def shared_model() -> SileroModel:
    """The process's model, loaded and warmed up at the first call."""
    spec = importlib.util.find_spec("silero_vad")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("silero-vad is not installed: pip install silero-vad")
    return SileroModel(Path(spec.origin).parent / "data" / _FILE)
