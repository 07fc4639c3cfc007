"""What the arousal detector reaches on speakers it never heard: separation, rises, robustness, fairness.

Intervals are over speakers drawn with replacement: clips of one voice are not independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks import arousal_scores
from benchmarks.arousal_scores import Change, Heard, Level, auc
from benchmarks.clips import Clip, emodb
from benchmarks.harness import Figure, measured
from benchmarks.lines import Line

MALE = ("03", "10", "11", "12", "15")  # EmoDB tells the speakers' sex; the others are female
LINES: tuple[Line, ...] = (
    "gain_up_12db",
    "gain_down_12db",
    "agc",
    "bright_mic",
    "dull_mic",
    "telephone",
    "noise_10db",
    "noise_5db",
    "room",
    "opus_24k",
)
QUICK_SPEAKERS = ("03", "08", "11", "14")


def figures(data: Path, quick: bool) -> list[Figure]:
    """All figures; ``quick`` hears four speakers, few clips and little neutral talk."""
    speakers = {name: own for name, own in emodb(data).items() if not quick or name in QUICK_SPEAKERS}
    each = 2 if quick else 100
    names = list(speakers)
    out = [
        _separation("arousal_auc", names, "WN", each, data, "recorded"),
        _separation("arousal_auc_level_removed", names, "WN", each, data, "removed"),
    ]
    if not quick:
        natural = arousal_scores.heard_clips(names, "WN", each, data, level="natural")
        out.append(_auc("arousal_auc_natural_level", natural))
        out.append(_separation("arousal_auc_high_low", names, "WFANTL", each, data, "removed"))
        out += _robustness(names, data)
        out += _fairness(speakers, natural, data)
    return [*out, *_rises(speakers, data, quick)]


def by_speaker(values: Sequence[Heard]) -> list[list[Heard]]:
    """One list a speaker."""
    return [[h for h in values if h.speaker == speaker] for speaker in sorted({h.speaker for h in values})]


def _over(speakers: Sequence[list[Heard]]) -> float:
    return auc([h for own in speakers for h in own])


def _auc(name: str, values: Sequence[Heard]) -> Figure:
    alternatives = {
        "highest point": auc(values, "top"),
        "level alone": auc(values, "loudness"),
        "pitch alone": auc(values, "pitch"),
        "level + pitch": auc(values, "both"),
    }
    return measured(name, by_speaker(values), _over, len(values), alternatives)


def _separation(name: str, speakers: Sequence[str], emotions: str, each: int, data: Path, level: Level) -> Figure:
    return _auc(name, arousal_scores.heard_clips(speakers, emotions, each, data, level=level))


def _robustness(speakers: Sequence[str], data: Path) -> list[Figure]:
    """Clean neutral talk first, then a clip over another line.

    How far neutral speech moves, as a share of what anger does on the clean line; and what is left of the separation.
    """
    clean = arousal_scores.heard_clips(speakers, "WN", 4, data, level="natural")
    calm, sure = _mean(clean, "level", high=False), _mean(clean, "confidence", high=False)
    reach = _mean(clean, "level", high=True) - calm
    out: list[Figure] = []
    for line in LINES:
        heard = arousal_scores.heard_clips(speakers, "WN", 4, data, level="natural", line=line)
        low = [[h for h in own if not h.high] for own in by_speaker(heard)]
        out.append(
            measured(
                f"arousal_shift_share_{line}",
                low,
                lambda parts: abs(_mean([h for own in parts for h in own], "level", high=False) - calm) / reach,
                sum(map(len, low)),
                {
                    "confidence against clean": _mean(heard, "confidence", high=False) / sure,
                    "auc": auc(heard),
                    "auc of pitch": auc(heard, "pitch"),
                },
            )
        )
    return out


def _mean(values: Sequence[Heard], what: str, *, high: bool) -> float:
    return float(np.mean([getattr(h, what) for h in values if h.high == high]))


def _fairness(speakers: dict[str, list[Clip]], natural: Sequence[Heard], data: Path) -> list[Figure]:
    """The same separation for parts of the speakers, and for quiet and loud captures of all."""
    high_pitched = _high_pitched(speakers)
    parts = {
        "male": [h for h in natural if h.speaker in MALE],
        "female": [h for h in natural if h.speaker not in MALE],
        "higher_voices": [h for h in natural if h.speaker in high_pitched],
        "lower_voices": [h for h in natural if h.speaker not in high_pitched],
    }
    out = [measured(f"arousal_auc_{name}", by_speaker(heard), _over, len(heard)) for name, heard in parts.items()]
    for gain_db in (-12.0, 12.0):
        heard = arousal_scores.heard_clips(list(speakers), "WN", 4, data, level="natural", gain_db=gain_db)
        name = f"arousal_auc_capture_{gain_db:+.0f}db".replace("+", "up_").replace("-", "down_")
        out.append(measured(name, by_speaker(heard), _over, len(heard)))
    return out


def _high_pitched(speakers: dict[str, list[Clip]]) -> set[str]:
    """The half of the speakers whose neutral voice is higher."""
    usual = {
        name: arousal_scores.usual_pitch_st([clip.samples for clip in own if clip.emotion == "N"][:4])
        for name, own in speakers.items()
    }
    return set(sorted(usual, key=lambda name: usual[name])[-(len(usual) // 2) :])


def _rises(speakers: dict[str, list[Clip]], data: Path, quick: bool) -> list[Figure]:
    random = np.random.default_rng(2)
    changes = [arousal_scores.change(own, random) for own in speakers.values() for _ in range(1 if quick else 4)]
    sessions = 6 if quick else 18  # of ten minutes
    calm = {name: arousal_scores.false_rises(data, name, sessions, random) for name in speakers}
    out = [
        measured("arousal_rise_delay_p50_s", changes, _rise_delay, len(changes)),
        measured("arousal_rises_found_share", changes, _found, len(changes)),
        measured("arousal_settle_delay_p50_s", changes, _settle_delay, len(changes)),
        _hourly("false_rises_per_hour", list(calm.values())),
    ]
    if not quick:
        out.append(_hourly("false_rises_per_hour_male", [calm[name] for name in calm if name in MALE]))
        out.append(_hourly("false_rises_per_hour_female", [calm[name] for name in calm if name not in MALE]))
    return out


def _hourly(name: str, counts: Sequence[tuple[int, float]]) -> Figure:
    """Events an hour with the exact interval of a Poisson count; n is minutes."""
    count, hours = sum(found for found, _ in counts), sum(length_s for _, length_s in counts) / 3600
    low = float(stats.chi2.ppf(0.025, 2 * count) / 2) if count else 0.0
    high = float(stats.chi2.ppf(0.975 if count else 0.95, 2 * count + 2) / 2)  # one-sided where none was heard
    return Figure(name, count / hours, round(hours * 60), low / hours, high / hours)


def _rise_delay(changes: Sequence[Change]) -> float:
    return float(np.median([c.rise_delay_s for c in changes if c.rise_delay_s is not None] or [np.nan]))


def _settle_delay(changes: Sequence[Change]) -> float:
    return float(np.median([c.settle_delay_s for c in changes if c.settle_delay_s is not None] or [np.nan]))


def _found(changes: Sequence[Change]) -> float:
    return float(np.mean([c.rise_delay_s is not None for c in changes]))
