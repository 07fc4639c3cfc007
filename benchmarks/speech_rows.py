"""More of speech activity: misses for false alarms, what is taken back, a bad line, far talk, body and household."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from scipy import signal

from benchmarks import vad_scores
from benchmarks.bleed_accuracy import responses
from benchmarks.body_sounds import body_sounds
from benchmarks.clips import Clip, emodb, levelled, mixed, noises, under
from benchmarks.harness import Figure, Panel, measured, recordings
from benchmarks.vad_scores import Scored, companded, final_spans, listen, plain, score
from detectors.frames import Frame
from detectors.settings import FRAME_SAMPLES, VadSettings
from detectors.vad import VoiceActivity
from streaming.audio import read_audio
from streaming.types import SAMPLE_RATE_HZ, Annotation, Samples, Span, Speaker

_PLAIN = "plain silero"
_MISS = 0.05
_FAR_GAIN = 0.3  # -10 dB: across a room
_HISS = 3e-4  # -70 dB of full scale
_WORD_S = (0.2, 0.5)
_LEAST_SAMPLES = SAMPLE_RATE_HZ // 5  # a sound is taken for speech from 200 ms on
_LEVELS = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.99)  # of silero, or of ours when it lets go


@dataclass(frozen=True, slots=True, eq=False)
class _Heard:
    """A stretch with its truth, what the model said of it, and what we said."""

    samples: Samples
    truth: Sequence[Span]
    p: Sequence[float]
    said: Sequence[Annotation]


def run(quick: bool) -> tuple[list[Figure], list[Panel]]:
    """Rows of the table and the trade as a picture. Raises UnusableInput without recordings."""
    data = recordings()
    clips = [clip for own in emodb(data).values() for clip in own]
    noisy = [_noisy(clips, data, seed) for seed in range(2 if quick else 8)]
    trades = {"ours": [_trade_ours(one) for one in noisy], _PLAIN: [_trade_plain(one) for one in noisy]}
    false_alarm = {who: _false_alarm_at_miss(trade) for who, trade in trades.items()}
    opened = sum(a.status == "open" for one in noisy for a in one.said)
    announced = [ms for one in noisy for ms in vad_scores.announcements_ms(one.said, one.truth)]
    lines = [_bad_line(clips, seed) for seed in range(2 if quick else 8)]
    ours, theirs = [_scored(one) for one in lines], [_scored_plain(one) for one in lines]
    far = [_far(clips, data, seed) for seed in range(2 if quick else 8)]
    far_ours, far_theirs = [_scored(one) for one in far], [_scored_plain(one) for one in far]
    words = [_first_word(clips, seed) for seed in range(12 if quick else 60)]
    figures = [
        measured(
            "vad_false_alarm_at_5_percent_miss_noise_5db",
            trades["ours"],
            _false_alarm_at_miss,
            len(noisy),
            {_PLAIN: false_alarm[_PLAIN]},
        ),
        measured("speech_retracted_share_noise_5db", noisy, _retracted, opened),
        Figure("speech_announced_p50_ms_noise_5db", float(np.median(announced)), len(announced)),
        Figure("speech_announced_p95_ms_noise_5db", float(np.quantile(announced, 0.95)), len(announced)),
        measured("vad_f1_telephone_hard", ours, Scored.f1, len(ours), {_PLAIN: Scored.f1(theirs)}),
        measured("vad_f1_far", far_ours, Scored.f1, len(far), {_PLAIN: Scored.f1(far_theirs)}),
        measured("vad_miss_share_far", far_ours, Scored.miss, len(far), {_PLAIN: Scored.miss(far_theirs)}),
        measured(
            "first_words_lost_share",
            [_scored(one) for one in words],
            _lost,
            len(words),
            {_PLAIN: _lost([_scored_plain(one) for one in words])},
        ),
    ]
    voice = np.concatenate([levelled(clip.samples) for clip in clips if clip.emotion == "N"][:4])
    sounds = {sort: _taken(own, voice) for sort, own in body_sounds(3 if quick else 20).items()}
    figures.append(_share("body_sounds_synthetic", [taken for own in sounds.values() for taken in own]))
    if not quick:
        figures += [_share(f"{sort}_synthetic", own) for sort, own in sounds.items()]
    for folder in sorted((data / "noise").iterdir()):
        paths = sorted(folder.glob("*.flac"))[:: 6 if quick else 1]
        noise = [read_audio(path)[0][: 10 * SAMPLE_RATE_HZ] for path in paths]
        figures.append(_share(folder.name, _taken(noise, None)))
    return figures, [lambda axes: _draw_trade(axes, trades)]


def _noisy(clips: Sequence[Clip], data: Path, seed: int) -> _Heard:
    chosen = np.random.default_rng(seed + 50).choice(len(clips), 10, replace=False)
    return _listened(*vad_scores.rendered([clips[i] for i in chosen], "noise_5db", noises(data), seed))


def _bad_line(clips: Sequence[Clip], seed: int) -> _Heard:
    """A telephone in a hissing room, eight bits, and a tenth of its 20 ms packets repeated from the one before."""
    random = np.random.default_rng(seed + 90)
    chosen = random.choice(len(clips), 10, replace=False)
    samples, truth = vad_scores.rendered([clips[i] for i in chosen], "clean", (), seed)
    hiss = random.standard_normal(SAMPLE_RATE_HZ * 10).astype(np.float32)
    samples = companded(under(mixed(samples, hiss, 15.0, random), "telephone", (), random))
    packet = SAMPLE_RATE_HZ // 50
    for at in range(packet, len(samples) - packet, packet):
        if random.random() < 0.1:
            samples[at : at + packet] = 0.7 * samples[at - packet : at]
    return _listened(samples, truth)


def _far(clips: Sequence[Clip], data: Path, seed: int) -> _Heard:
    """Talk from across the room that rings longest, over the hiss of the microphone."""
    random = np.random.default_rng(seed + 580)
    chosen = random.choice(len(clips), 10, replace=False)
    samples, truth = vad_scores.rendered([clips[i] for i in chosen], "clean", (), seed)
    ringing = max(responses(data), key=lambda room: float(np.square(room[SAMPLE_RATE_HZ // 20 :]).sum()))
    rung = signal.fftconvolve(samples, ringing)[: len(samples)] * _FAR_GAIN
    return _listened(np.asarray(rung + random.standard_normal(len(rung)) * _HISS, dtype=np.float32), truth)


def _first_word(clips: Sequence[Clip], seed: int) -> _Heard:
    """Of a voice never heard before no more than a short word, cut from the beginning of a clip."""
    random = np.random.default_rng(seed + 1900)
    clip = clips[int(random.integers(len(clips)))]
    begin = vad_scores.spoken(clip.samples)[0].start
    word = levelled(clip.samples)[begin : begin + round(random.uniform(*_WORD_S) * SAMPLE_RATE_HZ)]
    pause = np.zeros(SAMPLE_RATE_HZ, np.float32)
    samples = np.concatenate([pause, word, pause])
    samples = (samples + random.standard_normal(len(samples)) * 1e-4).astype(np.float32)
    return _listened(samples, [Span(len(pause), len(pause) + len(word))])


def _lost(words: Sequence[Scored]) -> float:
    """Share of which nothing was heard."""
    return float(np.mean([not word.hits for word in words]))


def _listened(samples: Samples, truth: Sequence[Span]) -> _Heard:
    said, p = listen(samples)
    return _Heard(samples, truth, p, said)


def _scored(one: _Heard) -> Scored:
    return score(final_spans(one.said), one.truth, len(one.samples))


def _scored_plain(one: _Heard) -> Scored:
    return score(plain(one.p), one.truth, len(one.samples))


def _retracted(heard: Sequence[_Heard]) -> float:
    """Of what was announced, the share that its final took back."""
    finals = [a for one in heard for a in one.said if a.status == "final"]
    return sum(not a.confidence for a in finals) / max(1, len(finals))


def _trade_plain(one: _Heard) -> list[Scored]:
    """The usual way, its level moved."""
    return [score(plain(one.p, level), one.truth, len(one.samples)) for level in _LEVELS]


def _trade_ours(one: _Heard) -> list[Scored]:
    """Ours, with the probability moved at which a voice begins and ends."""
    out = []
    for level in _LEVELS:
        settings = replace(VadSettings(), on=min(0.995, level + 0.05), off=level)
        voice = VoiceActivity("bench", Speaker.A, settings, 0)
        said: list[Annotation] = []
        for number, p in enumerate(one.p):
            start = number * FRAME_SAMPLES
            frame = Frame.of(start, one.samples[start : start + FRAME_SAMPLES])
            said += voice.step(frame, p)
            voice.settled(frame.end - settings.feed_delay_samples)
        said += voice.flush(len(one.p) * FRAME_SAMPLES)
        out.append(score(final_spans(said), one.truth, len(one.samples)))
    return out


def _curve(trades: Sequence[Sequence[Scored]]) -> list[tuple[float, float]]:
    """(miss, false alarm) at each level, over all stretches."""
    parts = list(zip(*trades, strict=True))
    return sorted((Scored.miss(part), Scored.false_alarm(part)) for part in parts)


def _false_alarm_at_miss(trades: Sequence[Sequence[Scored]]) -> float:
    """Between the nearest two levels; NaN where no level misses so little."""
    miss, false_alarm = zip(*_curve(trades), strict=True)
    return float(np.interp(_MISS, miss, false_alarm, left=np.nan))


def _taken(sounds: Sequence[Samples], voice: Samples | None) -> list[tuple[bool, bool]]:
    """Of each sound, whether we and the plain way called over 200 ms of it speech; ``voice`` speaks before each."""
    hiss = (np.random.default_rng(0).standard_normal(SAMPLE_RATE_HZ) * 1e-4).astype(np.float32)
    before = hiss if voice is None else np.concatenate([voice, hiss])

    def long(spans: Sequence[Span]) -> bool:
        late = [span.length for span in spans if span.start > len(before) - SAMPLE_RATE_HZ // 4]
        return sum(late) > _LEAST_SAMPLES

    heard = (listen(np.concatenate([before, sound, hiss])) for sound in sounds)
    return [(long(final_spans(said)), long(plain(p))) for said, p in heard]


def _share(name: str, taken: Sequence[tuple[bool, bool]]) -> Figure:
    theirs = float(np.mean([plain for _, plain in taken]))
    return measured(
        f"{name}_as_speech_share", taken, lambda t: float(np.mean([o for o, _ in t])), len(taken), {_PLAIN: theirs}
    )


def _draw_trade(axes: Axes, trades: dict[str, list[list[Scored]]]) -> None:
    for who, trade in trades.items():
        points = _curve(trade)
        axes.plot([x for x, _ in points], [y for _, y in points], marker="o", label=who)
    axes.axvline(_MISS, color="0.7", linewidth=1)
    axes.legend(fontsize=8)
    axes.set(xlabel="missed", ylabel="false alarm", xlim=(0, 0.2), title="Speech in noise at 5 dB")
