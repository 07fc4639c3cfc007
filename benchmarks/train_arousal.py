"""Fits detectors/weights/arousal.json, how much each prosodic feature says: ``python -m benchmarks.train_arousal``.

Beside it go the models that never heard one of the speakers, for benchmarks (benchmarks/arousal_held_out.json).

One acted corpus (EmoDB, CC0, seven speakers) cannot say which feature carries arousal in another language or
studio: on it nearly every one does. So little is learnt from it. The signs are known (GeMAPS: F. Eyben et al.,
IEEE Trans. Affective Computing 7(2), 2016, and what it reviews) and may not turn; how features vary and go
together in calm speech is taken from it; and the weights are those that separate best in the *worst* of three
worlds, in which arousal moves all features, or the pitch, or the spectrum, by only ``FAINT_SHARE`` of what it
does here. They are then drawn half way to equal weights. The level is not learnt: these clips are peak-normalised.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.arousal_scores import HELD_OUT
from benchmarks.clips import Clip, emodb, joined_clips, levelled
from benchmarks.harness import REPOSITORY, recordings
from benchmarks.lines import Line, through
from benchmarks.voice_points import points_of
from detectors.prosody import FEATURES, OF_THE_VOICE
from detectors.settings import ArousalModel

HIGH, LOW = "WFA", "NTL"
LINES: tuple[Line, ...] = ("clean", "telephone", "noise_10db", "opus_24k")
PITCH = np.array([name in OF_THE_VOICE for name in FEATURES])
WEIGHTS = REPOSITORY / "detectors" / "weights" / "arousal.json"
FAINT_SHARE = 0.3
EQUAL_SHARE = 0.5
CORRELATION_KEPT = 0.7  # of what calm clips show; seven speakers overstate it

Rows = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A clip over a line: its points' features (n, 5)."""

    clip: Clip
    line: Line
    points: Rows

    @property
    def text(self) -> str:
        return self.clip.name[2:5]


@cache
def heard(data: Path, lines: tuple[Line, ...] = LINES) -> list[Heard]:
    """All clips that are of use, over all lines."""
    random = np.random.default_rng(0)
    out: list[Heard] = []
    for clips in emodb(data).values():
        for clip in clips:
            for line in lines if clip.emotion in HIGH + LOW else ():
                said = joined_clips([levelled(clip.samples)], random, pause_s=1.0)  # the room is heard before the voice
                points = [p.features for p in points_of(through(said, line, data, random))]
                if points:
                    out.append(Heard(clip, line, np.array(points, float)))
    return out


def usual_spreads(clips: Sequence[Heard]) -> Rows:
    """Of a half second of calm speech, within a speaker: (5,)."""
    own: defaultdict[str, list[Rows]] = defaultdict(list)
    for h in clips:
        if h.clip.emotion == "N" and h.line == "clean":
            own[h.clip.speaker].append(h.points)
    return np.asarray(np.sqrt(np.mean([np.concatenate(parts).var(axis=0) for parts in own.values()], axis=0)))


def moved(clips: Sequence[Heard], spreads: Rows) -> list[tuple[Heard, Rows]]:
    """How many spreads each clip's mean lies off the speaker's neutral clips of other texts on the same line."""
    neutral: defaultdict[tuple[str, Line], list[Heard]] = defaultdict(list)
    for h in clips:
        if h.clip.emotion == "N":
            neutral[h.clip.speaker, h.line].append(h)
    out: list[tuple[Heard, Rows]] = []
    for h in clips:
        others = [n.points for n in neutral[h.clip.speaker, h.line] if n.text != h.text]
        if others:
            out.append((h, (h.points.mean(axis=0) - np.concatenate(others).mean(axis=0)) / spreads))
    return out


def fit(clips: Sequence[Heard]) -> ArousalModel:
    """The weights, none negative, that sum to one."""
    spreads = usual_spreads(clips)
    rows = moved(clips, spreads)
    calm = np.array([row for h, row in rows if h.clip.emotion == "N"])
    covariance = np.cov(calm.T)
    covariance = CORRELATION_KEPT * covariance + (1 - CORRELATION_KEPT) * np.diag(np.diag(covariance))
    shift = np.mean([row for h, row in rows if h.clip.emotion in HIGH], axis=0)
    worlds = np.array([shift, shift * np.where(PITCH, FAINT_SHARE, 1.0), shift * np.where(PITCH, 1.0, FAINT_SHARE)])
    # The smallest calm variance among weights that move the sum by one in every world.
    found = minimize(
        lambda w: (float(w @ covariance @ w), 2 * covariance @ w),
        np.full(len(FEATURES), 1.0 / worlds.sum(axis=1).min()),
        jac=True,
        bounds=[(0.0, None)] * len(FEATURES),
        constraints={"type": "ineq", "fun": lambda w: worlds @ w - 1.0, "jac": lambda w: worlds},
        method="SLSQP",
    ).x
    equal = np.where(PITCH, 0.5 / PITCH.sum(), 0.5 / (~PITCH).sum())
    weights = EQUAL_SHARE * equal + (1 - EQUAL_SHARE) * found / found.sum()
    return ArousalModel(
        tuple(round(float(s), 3) for s in spreads), tuple(round(float(w), 3) for w in weights / weights.sum())
    )


def without(clips: Sequence[Heard], speaker: str) -> ArousalModel:
    """The model that never heard this speaker."""
    return fit([h for h in clips if h.clip.speaker != speaker])


def main() -> None:
    clips = heard(recordings())
    model = fit(clips)
    named = zip(FEATURES, model.spreads, model.weights, strict=True)
    out = {name: {"spread": spread, "weight": weight} for name, spread, weight in named}
    WEIGHTS.write_text(json.dumps(out, indent=1) + "\n")
    unheard = {speaker: asdict(without(clips, speaker)) for speaker in sorted({h.clip.speaker for h in clips})}
    rows = (f' "{speaker}": {json.dumps(model)}' for speaker, model in unheard.items())
    HELD_OUT.write_text("{\n" + ",\n".join(rows) + "\n}\n")
    for name, numbers in out.items():
        print(f"{name:20s} spread {numbers['spread']:6.3f}  weight {numbers['weight']:.3f}")


if __name__ == "__main__":
    main()
