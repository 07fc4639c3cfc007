"""Learns how much each prosodic feature says of arousal, and writes detectors/weights/arousal.json.

    python -m benchmarks.train_arousal --data ../shared/data

The clips (EmoDB, CC0) are peak-normalised, and no feature knows the level, so loudness cannot be
learnt. Weights may not be negative: each feature was chosen because its sign is known. Some points
lose their pitch or their spectrum in training, so that neither alone carries the sum.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.clips import CONDITIONS, Clip, Condition, emodb, joined_clips, levelled, noises, under
from benchmarks.voice_points import points_of
from detectors.prosody import FEATURES

HIGH, LOW = "WFA", "NTL"
PITCH = np.array([name.startswith("pitch") for name in FEATURES])
SPECTRUM = np.array([name.endswith("_db") or name == "centre_st" for name in FEATURES])
WEIGHT_DECAY = 0.02
DROP_SHARE = 0.25

Rows = NDArray[np.float64]


def clip_points(clip: Clip, condition: Condition, data: Path, random: np.random.Generator) -> Rows:
    """Features (n, 7) of the clip's points under a condition."""
    line = joined_clips([levelled(clip.samples)], random, pause_s=1.0)  # the room is heard before the voice
    return np.array([p.features for p in points_of(under(line, condition, noises(data), random))], float)


def collect(data: Path) -> tuple[Rows, Rows, NDArray[np.str_], Rows]:
    """Features less own clean neutral mean (n, 7), targets, speakers, and the usual spread (7,)."""
    random = np.random.default_rng(0)
    rows, targets, speakers, spreads = [], [], [], []
    for speaker, clips in emodb(data).items():
        own: defaultdict[tuple[str, Condition], list[Rows]] = defaultdict(list)
        for clip in clips:
            if clip.emotion not in HIGH + LOW:
                continue
            for condition in CONDITIONS if clip.emotion == "N" else CONDITIONS[:2]:
                points = clip_points(clip, condition, data, random)
                if len(points):
                    own[clip.emotion, condition].append(points)
        neutral = np.concatenate(own["N", "clean"])
        spreads.append(neutral.std(axis=0))
        for (emotion, _), parts in own.items():
            points = np.concatenate(parts)
            rows.append(points - neutral.mean(axis=0))
            targets += [float(emotion in HIGH)] * len(points)
            speakers += [speaker] * len(points)
    spread = np.sqrt(np.mean(np.square(spreads), axis=0))
    return np.concatenate(rows) / spread, np.array(targets), np.array(speakers), spread


def fit(rows: Rows, targets: Rows) -> Rows:
    """Non-negative logistic weights (7,), scaled to sum to one."""
    random = np.random.default_rng(0)
    dropped = rows.copy()
    fate = random.random(len(rows))
    dropped[np.ix_(fate < DROP_SHARE, PITCH)] = 0.0
    dropped[np.ix_(fate > 1 - DROP_SHARE, SPECTRUM)] = 0.0
    balance = np.where(targets > 0, 0.5 / targets.mean(), 0.5 / (1 - targets.mean()))

    def loss(w: Rows) -> tuple[float, Rows]:
        sign = 2 * targets - 1
        margin = sign * (dropped @ w[:-1] + w[-1])
        p = 1 / (1 + np.exp(np.clip(margin, -50, 50)))
        slope = -(balance * sign * p)
        gradient = np.append(dropped.T @ slope / len(slope) + 2 * WEIGHT_DECAY * w[:-1], slope.mean())
        return float(np.mean(balance * np.logaddexp(0, -margin)) + WEIGHT_DECAY * (w[:-1] ** 2).sum()), gradient

    bounds = [(0.0, None)] * rows.shape[1] + [(None, None)]
    found = minimize(loss, np.zeros(rows.shape[1] + 1), jac=True, bounds=bounds, method="L-BFGS-B").x[:-1]
    return np.asarray(found / found.sum())


def auc(high: Rows, low: Rows) -> float:
    """Share of pairs in the right order."""
    return float((high[:, None] > low[None]).mean() + 0.5 * (high[:, None] == low[None]).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "detectors/weights/arousal.json")
    args = parser.parse_args()
    rows, targets, speakers, spread = collect(args.data)
    for speaker in np.unique(speakers):
        held = speakers == speaker
        score = rows[held] @ fit(rows[~held], targets[~held])
        found = auc(score[targets[held] > 0], score[targets[held] == 0])
        print(f"speaker {speaker} held out: AUC of single points {found:.3f}")
    weights = fit(rows, targets)
    out = {
        name: {"spread": round(float(s), 3), "weight": round(float(w), 3)}
        for name, s, w in zip(FEATURES, spread, weights, strict=True)
    }
    args.out.write_text(json.dumps(out, indent=1) + "\n")
    for name, numbers in out.items():
        print(f"{name:20s} spread {numbers['spread']:6.3f}  weight {numbers['weight']:.3f}")


if __name__ == "__main__":
    main()
