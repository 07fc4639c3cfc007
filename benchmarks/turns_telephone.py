"""Turn-taking from sound alone, over a two-channel telephone: real timing, real voices, the whole pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks import scoring, vad_scores
from benchmarks.clips import emodb
from benchmarks.gold import gold_labels
from benchmarks.harness import Figure, measured, recordings
from benchmarks.sbcsae import Conversation
from benchmarks.scoring import Scored
from benchmarks.spoken import cut, speak
from detectors.pipeline import Pipeline
from detectors.turn_model import TurnModel
from detectors.turn_settings import TurnSettings
from detectors.turns import annotate_activity
from streaming.audio import chunks
from streaming.types import SAMPLE_RATE_HZ, Annotation, Kind, Samples, Speaker

PLAIN = "the table on plain silero"
_RULES = TurnSettings(least_p=0.0, listener_samples=0)


@dataclass(frozen=True, slots=True)
class Called:
    """Each conversation's beginning over the telephone: ours, and the plain way."""

    ours: Sequence[Scored]
    plain: Sequence[Scored]


def call(conversations: Sequence[Conversation], models: Mapping[str, TurnModel], minutes: float) -> Called:
    """The first ``minutes`` of each, judged by the model that has not seen it."""
    speakers = list(emodb(recordings()).values())
    ours: list[Scored] = []
    plain: list[Scored] = []
    for seed, whole in enumerate(conversations):
        one = cut(whole, round(minutes * 60 * SAMPLE_RATE_HZ))
        gold = gold_labels(one)
        audio = speak(one, speakers, seed)
        activity = {who: vad_scores.plain(vad_scores.listen(samples)[1]) for who, samples in audio.items()}
        simple = annotate_activity(one.name, activity, _RULES, model=models[one.name])
        heard = _heard(one.name, audio, models[one.name])
        for said, out in ((heard, ours), (simple, plain)):
            out.append(Scored(one.name, one.minutes, tuple(scoring.match(gold, scoring.heard(said)))))
    return Called(ours, plain)


def figures(called: Called) -> list[Figure]:
    n = len(scoring.pairs_of(called.ours))
    rows = {
        "telephone_interruption_f1": scoring.f1,
        "telephone_false_interruptions_per_10_min": scoring.false_per_10_min,
        "telephone_backchannel_f1": lambda s: scoring.f1(s, Kind.BACKCHANNEL.__eq__),
        "telephone_open_p95_ms": scoring.open_p95_ms,
        "telephone_wrong_by": scoring.wrong_by,
    }
    return [measured(name, called.ours, figure, n, {PLAIN: figure(called.plain)}) for name, figure in rows.items()]


def _heard(session: str, audio: dict[Speaker, Samples], model: TurnModel) -> list[Annotation]:
    pipeline = Pipeline(session, turn_model=model)
    out = [a for chunk in chunks(session, audio) for a in pipeline.push(chunk)]
    return out + pipeline.flush()
