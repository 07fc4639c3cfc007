"""Renders the dialogue: ``python -m benchmarks.dialogue.render`` writes gateway/assets/dialogue.{ogg,truth.json}.

Needs the development extras and espeak-ng. The two files are kept in the repository, so only a
change of the script asks for a new rendering.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np

from benchmarks.dialogue import HERE, ScriptLine, read_script
from benchmarks.dialogue.voices import RATE_HZ, HibariVoice, PiperVoice, Voice
from streaming.types import Samples, Span, Speaker

ASSETS = HERE.parents[1] / "gateway" / "assets"

_SPEECH_LEVEL = 10 ** (-27 / 20)  # root mean square of usual speech: room for peaks of a worked-up voice
_LEVEL_AT_FULL_HEAT_DB = 8.0
_HURRIED_PAUSE_S = 0.3  # somebody worked up does not wait between sentences
_ROOM_TONE = 10 ** (-70 / 20)  # a microphone is never digitally silent
_PEAK = 0.89
_EDGE_DB = -38.0  # speech starts and ends where the level passes this, relative to the usual speech level
_FRAME = RATE_HZ // 200  # 5 ms: how finely edges are placed
_IPU_GAP_S = 0.2  # shorter silences do not end an inter-pausal unit
_BLIP_S = 0.03  # shorter sounds (a click, a breath) are not speech
_FADE = RATE_HZ // 100
_OPUS_BIT_RATE = 80_000


@dataclass(frozen=True, slots=True)
class Placed:
    """A spoken line in the dialogue; ``span`` and ``units`` count 48 kHz samples."""

    line: ScriptLine
    span: Span
    units: tuple[Span, ...]
    sound: Samples = field(repr=False)


def speech_units(sound: Samples) -> list[Span]:
    """Where somebody speaks (48 kHz samples): level above the edge, gaps under 200 ms closed."""
    frames = len(sound) // _FRAME
    level = np.sqrt(np.mean(sound[: frames * _FRAME].reshape(frames, _FRAME) ** 2, axis=1))
    loud = np.flatnonzero(level > _SPEECH_LEVEL * 10 ** (_EDGE_DB / 20))
    units: list[Span] = []
    for start in loud * _FRAME:
        if units and start - units[-1].end < _IPU_GAP_S * RATE_HZ:
            units[-1] = Span(units[-1].start, int(start) + _FRAME)
        else:
            units.append(Span(int(start), int(start) + _FRAME))
    return [unit for unit in units if unit.length >= _BLIP_S * RATE_HZ]


def place(settings: dict[str, Any], lines: list[ScriptLine], voices: dict[Speaker, Voice]) -> list[Placed]:
    """Every line spoken and put where the script wants its first and last sound."""
    placed: dict[str, Placed] = {}
    free = round(settings["lead_in_s"] * RATE_HZ)  # where the last turn ends
    for number, line in enumerate(lines):
        sound = _spoken(line, voices[line.by], settings["seed"] + number)
        if line.into:
            start = placed[line.into].span.end - round(line.overlap_s * RATE_HZ)
        elif line.over:
            start = placed[line.over].span.start + round(line.offset_s * RATE_HZ)
        else:
            gap_s = settings["gap_s"] if line.gap_s is None else line.gap_s
            start = free + (round(gap_s * RATE_HZ) if placed else 0)
        span = Span(start, start + len(sound))
        units = tuple(Span(start + unit.start, start + unit.end) for unit in speech_units(sound))
        placed[line.id] = Placed(line, span, units, sound)
        if not line.over or line.holds_floor:
            free = max(free, span.end)
    return list(placed.values())


def _spoken(line: ScriptLine, voice: Voice, seed: int) -> Samples:
    """The line alone, at its level, cut to its first and last sound."""
    level = _SPEECH_LEVEL * 10 ** (_LEVEL_AT_FULL_HEAT_DB * line.heat / 20)
    sound = _levelled(voice.say(line.text, line.heat, seed), level)
    units = speech_units(sound)
    if line.heat:
        units = _hurried(units)
        sound = np.concatenate([sound[unit.start : unit.end] for unit in units])
    else:
        sound = sound[units[0].start : units[-1].end].copy()
    sound[: _FADE // 4] *= np.linspace(0, 1, _FADE // 4, dtype=np.float32)
    sound[-_FADE:] *= np.linspace(1, 0, _FADE, dtype=np.float32)
    return np.asarray(_PEAK * np.tanh(sound / _PEAK), np.float32)  # tames the few peaks that would clip


def _hurried(units: list[Span]) -> list[Span]:
    """The stretches to keep so that no pause lasts longer than a worked-up voice lets it: half before, half after."""
    half = round(_HURRIED_PAUSE_S * RATE_HZ / 2)
    kept = [Span(unit.start - half, unit.end + half) for unit in units]
    kept[0] = Span(units[0].start, kept[0].end)
    kept[-1] = Span(kept[-1].start, units[-1].end)
    out = kept[:1]
    for span in kept[1:]:
        if span.start <= out[-1].end:
            out[-1] = Span(out[-1].start, span.end)
        else:
            out.append(span)
    return out


def _levelled(sound: Samples, level: float) -> Samples:
    """``sound`` with that root mean square while somebody speaks; pauses do not count."""
    first_guess = sound * (level / np.sqrt(np.mean(sound**2)))
    speech = np.concatenate([first_guess[unit.start : unit.end] for unit in speech_units(first_guess)])
    return np.asarray(first_guess * (level / np.sqrt(np.mean(speech**2))), np.float32)


def mix(settings: dict[str, Any], placed: list[Placed]) -> dict[Speaker, Samples]:
    """A channel each, 48 kHz: the partner's lines on the quiet tone of a room."""
    total = max(line.span.end for line in placed) + round(settings["lead_out_s"] * RATE_HZ)
    rng = np.random.default_rng(settings["seed"])
    channels = {s: (rng.standard_normal(total) * _ROOM_TONE).astype(np.float32) for s in Speaker}
    for line in placed:
        channels[line.line.by][line.span.start : line.span.end] += line.sound
    return channels


def truth(settings: dict[str, Any], placed: list[Placed], total: int) -> dict[str, Any]:
    """What is so, in seconds: speech, overlaps as the script means them, and the rise."""
    hot = [p for p in placed if p.line.heat > 0]
    after = next(p for p in placed if p.line.by is hot[-1].line.by and p.span.start > hot[-1].span.end)
    return {
        "duration_s": _s(total),
        "speech": {
            s.value: [[_s(u.start), _s(u.end)] for p in placed if p.line.by is s for u in p.units] for s in Speaker
        },
        "events": [_event(p, placed) for p in placed if p.line.event],
        "rise": {
            "by": hot[0].line.by.value,
            "start_s": _s(hot[0].span.start),
            "end_s": _s(hot[-1].span.end),
            "calm_again_s": _s(after.span.start),
        },
        "lines": [
            {"by": p.line.by.value, "start_s": _s(p.span.start), "end_s": _s(p.span.end), "text": p.line.text}
            for p in placed
        ],
    }


def _event(placed: Placed, everyone: list[Placed]) -> dict[str, Any]:
    """From the first sound of whoever came in to the end of both speaking at once."""
    start = placed.span.start
    held = next(u for p in everyone if p.line.by is not placed.line.by for u in p.units if u.start < start < u.end)
    return {
        "kind": placed.line.event,
        "by": placed.line.by.value,
        "over": placed.line.by.other.value,
        "start_s": _s(start),
        "end_s": _s(min(held.end, placed.span.end)),
    }


def _s(samples: int) -> float:
    return round(samples / RATE_HZ, 3)


def write_opus(path: Path, channels: dict[Speaker, Samples]) -> None:
    """Stereo Opus in Ogg, left = a, right = b."""
    both = np.stack([channels[Speaker.A], channels[Speaker.B]])
    with av.open(str(path), "w", format="ogg", container_options={"fflags": "bitexact"}) as container:
        stream = container.add_stream("libopus", rate=RATE_HZ, layout="stereo")
        stream.bit_rate = _OPUS_BIT_RATE
        stream.options = {"application": "audio", "frame_duration": "20"}
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(both), format="fltp", layout="stereo")
        frame.sample_rate = RATE_HZ
        fifo = av.AudioFifo()
        fifo.write(frame)
        while (block := fifo.read(960, partial=True)) is not None:
            container.mux(stream.encode(block))
        container.mux(stream.encode(None))


def main() -> None:
    settings, lines = read_script()
    voices: dict[Speaker, Voice] = {Speaker.A: HibariVoice(), Speaker.B: PiperVoice(settings["seed"])}
    placed = place(settings, lines, voices)
    channels = mix(settings, placed)
    ASSETS.mkdir(parents=True, exist_ok=True)
    write_opus(ASSETS / "dialogue.ogg", channels)
    facts = truth(settings, placed, len(channels[Speaker.A]))
    (ASSETS / "dialogue.truth.json").write_text(
        json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    print(f"{facts['duration_s']:.1f} s, {(ASSETS / 'dialogue.ogg').stat().st_size / 1e6:.2f} MB")
    for event in facts["events"]:
        print(
            f"{event['start_s']:7.2f} s  {event['kind']} by {event['by']} for {event['end_s'] - event['start_s']:.2f} s"
        )


if __name__ == "__main__":
    main()
