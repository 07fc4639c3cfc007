"""One microphone through the detectors' own parts, for what a benchmark wants to see between them."""

from __future__ import annotations

from detectors.frames import Frame
from detectors.partner import Partner
from detectors.prosody import Prosody
from detectors.settings import FRAME_SAMPLES, DetectorSettings
from detectors.silero import shared_model
from streaming.types import Samples, Speaker


def points_of(samples: Samples, settings: DetectorSettings | None = None) -> list[Prosody]:
    """The prosodic points of one microphone's audio that hold a voice."""
    settings = settings or DetectorSettings()
    own, model = Partner("bench", Speaker.A, settings, 0), shared_model()
    out: list[Prosody] = []
    for start in range(0, len(samples) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        frame = Frame.of(start, samples[start : start + FRAME_SAMPLES])
        (p,), memories = model.infer(own.window(frame)[None], own.memory[None])
        own.remember(frame, memories[0])
        own.voice.step(frame, p)
        point = own.prosody(frame, p, bleeding=False)
        if point is not None and point.voiced:
            out.append(point)
    return out
