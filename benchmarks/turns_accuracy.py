"""Turn-taking from given speech activity, scored against words and contours of real talk.

Every figure of ours is held out: a conversation is judged with weights grown on others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from benchmarks import scoring, turns_telephone
from benchmarks.definition import Talk
from benchmarks.gold import gold_labels
from benchmarks.harness import Figure, Panel, measured, recordings
from benchmarks.sbcsae import Conversation, read_all
from benchmarks.scoring import Said, Scored
from benchmarks.train_turns import Lessons, learn, moved, train
from detectors.turn_model import P_OTHER, TurnModel
from detectors.turn_settings import TurnSettings
from detectors.turns import annotate_activity
from streaming.types import SAMPLE_RATE_HZ, Kind, Span, Speaker

_JITTER_S = 0.1
_LONG_SAMPLES = SAMPLE_RATE_HZ // 2
EVERY = "every overlap > 0.5 s"
RULES = "EVENTS' table exactly"

Activity = dict[Speaker, list[Span]]
Judge = Callable[[Conversation, Activity], list[Said]]


@dataclass(frozen=True, slots=True)
class Findings:
    """What was scored: ours (held out) and the alternatives, both also with moved boundaries.

    ``models`` has for each conversation the one that has not seen it.
    """

    ours: Sequence[Scored]
    alternatives: dict[str, Sequence[Scored]]
    moved: Sequence[Scored]
    moved_rules: Sequence[Scored]
    models: dict[str, TurnModel]


def find(conversations: Sequence[Conversation], teachers: Sequence[Conversation]) -> Findings:
    """Scores ``conversations``, each with weights that all ``teachers`` but itself have taught."""
    gold = {one.name: gold_labels(one) for one in teachers}
    models = _held_out([learn(one, gold[one.name]) for one in teachers])
    rules = TurnSettings(least_p=0.0, listener_samples=0)

    def ours(c: Conversation, activity: Activity) -> list[Said]:
        return scoring.heard(annotate_activity(c.name, activity, model=models[c.name]))

    def exactly(c: Conversation, activity: Activity) -> list[Said]:
        return scoring.heard(annotate_activity(c.name, activity, rules, model=models[c.name]))

    rng = np.random.default_rng(0)
    jittered = {c.name: moved(c.activity, _JITTER_S, rng) for c in conversations}
    as_is = {c.name: c.activity for c in conversations}

    def score(activity: dict[str, Activity], judge: Judge) -> list[Scored]:
        return [
            Scored(c.name, c.minutes, tuple(scoring.match(gold[c.name], judge(c, activity[c.name]))))
            for c in conversations
        ]

    return Findings(
        ours=score(as_is, ours),
        alternatives={EVERY: score(as_is, _every), RULES: score(as_is, exactly)},
        moved=score(jittered, ours),
        moved_rules=score(jittered, exactly),
        models=models,
    )


def figures(found: Findings) -> list[Figure]:
    """The table's rows; intervals by drawing conversations with replacement."""
    n = len(scoring.pairs_of(found.ours))
    rows: list[tuple[str, Callable[[Sequence[Scored]], float], bool]] = [
        ("interruption_f1", scoring.f1, True),
        ("interruption_precision", scoring.precision, True),
        ("interruption_recall", scoring.recall, True),
        ("false_interruptions_per_10_min", scoring.false_per_10_min, True),
        ("false_per_10_min_at_recall_70", false_at_recall_70, False),
        ("backchannel_as_interruption_rate", scoring.backchannel_as_interruption, True),
        ("overlap_macro_f1", scoring.macro_f1, True),
        ("backchannel_f1", lambda s: scoring.f1(s, Kind.BACKCHANNEL.__eq__), True),
        ("open_p95_ms", scoring.open_p95_ms, False),
        ("interruption_decided_p50_s", scoring.decision_p50_s, False),
        ("wrong_by", scoring.wrong_by, True),
    ]
    out = [
        measured(name, found.ours, figure, n, {w: figure(s) for w, s in found.alternatives.items()} if compare else {})
        for name, figure, compare in rows
    ]
    for after_s in (0.4, 1.0):
        p, _ = scoring.known_by(found.ours, round(after_s * SAMPLE_RATE_HZ))
        out.append(measured(f"p_interruption_auc_after_{after_s:.1f}_s", found.ours, _auc(after_s), len(p)))
        out.append(measured(f"p_interruption_ece_after_{after_s:.1f}_s", found.ours, _ece(after_s), len(p)))
    for name, figure in (("interruption_f1", scoring.f1), ("wrong_by", scoring.wrong_by)):
        out.append(measured(f"{name}_moved_100ms", found.moved, figure, n, {RULES: figure(found.moved_rules)}))
    most = max(found.ours, key=_backchannels)
    without = [one for one in found.ours if one is not most]
    out.append(measured(f"interruption_f1_without_{most.name}", without, scoring.f1, len(scoring.pairs_of(without))))
    return out


def by_conversation(found: Findings) -> str:
    """F1 of each, so that one odd conversation can be seen."""
    return "F1 by conversation: " + ", ".join(f"{one.name} {scoring.f1([one]):.2f}" for one in found.ours)


def by_cause(found: Findings) -> str:
    """What the false ones were: most cannot be told from true ones by timing."""
    causes = scoring.false_by_cause(found.ours)
    return "False interruptions by what words say they were: " + ", ".join(f"{n} {c}" for c, n in causes.most_common())


def panels(found: Findings) -> list[Panel]:
    """Confusion, reliability, and the trade of false against found interruptions."""
    return [
        lambda axes: _draw_confusion(axes, found.ours, "Types of overlap, held out"),
        lambda axes: _draw_reliability(axes, found.ours),
        lambda axes: _draw_trade(axes, found),
    ]


def run(*, quick: bool) -> tuple[list[Figure], list[Panel], list[str]]:
    """Figures, panels and notes on the recordings at hand. The quick form has too little time for the telephone:
    of the ten overlaps that it could hear, no figure would mean anything."""
    conversations = read_all(recordings())
    found = find(conversations[::3] if quick else conversations, conversations)
    rows, drawn = figures(found), panels(found)
    if not quick:
        called = turns_telephone.call(conversations, found.models, 6.0)
        rows += turns_telephone.figures(called)
        drawn.append(lambda axes: _draw_confusion(axes, called.ours, "From sound, over a telephone"))
    return rows, drawn, [by_conversation(found), by_cause(found)]


def trade(scored: Sequence[Scored]) -> list[tuple[float, float]]:
    """(recall, false in 10 minutes) as the least ``p_interruption`` of a final interruption rises."""
    said = [p for p in scoring.pairs_of(scored) if p.said and p.said.p > P_OTHER]
    wanted = sum(bool(p.gold and p.gold.interruption) for p in scoring.pairs_of(scored))
    minutes = sum(one.minutes for one in scored)
    true = false = 0
    out = []
    for pair in sorted(said, key=lambda pair: -(pair.said.p if pair.said else 0.0)):
        hit = bool(pair.gold and pair.gold.interruption and pair.right_by)
        true, false = true + hit, false + (not hit)
        out.append((true / wanted, false / minutes * 10))
    return out


def false_at_recall_70(scored: Sequence[Scored]) -> float:
    return next((false for found, false in trade(scored) if found >= 0.70), float("nan"))


def _held_out(lessons: Sequence[Lessons]) -> dict[str, TurnModel]:
    """For each conversation the model that has heard all others."""
    return {out.name: train([one for one in lessons if one is not out]) for out in lessons}


def _every(_: Conversation, activity: Activity) -> list[Said]:
    """Every overlap of two IPUs that lasts is an interruption by who came later."""
    talk = Talk(activity)
    found = []
    for by in Speaker:
        for own in talk.ipus[by]:
            at = talk.speaking(by.other, own.start)
            other = None if at is None else talk.ipus[by.other][at]
            if other and other.start < own.start and min(own.end, other.end) - own.start > _LONG_SAMPLES:
                decided = own.start + _LONG_SAMPLES
                found.append(Said(own.start, Kind.TALK_OVER, by, decided, own.start, 1.0))
    return found


def _auc(after_s: float) -> Callable[[Sequence[Scored]], float]:
    return lambda scored: scoring.auc(*scoring.known_by(scored, round(after_s * SAMPLE_RATE_HZ)))


def _ece(after_s: float) -> Callable[[Sequence[Scored]], float]:
    return lambda scored: scoring.calibration_error(*scoring.known_by(scored, round(after_s * SAMPLE_RATE_HZ)))


def _backchannels(one: Scored) -> int:
    return sum(bool(p.gold and p.gold.demanded and p.gold.kind is Kind.BACKCHANNEL) for p in one.pairs)


def _draw_confusion(axes: Axes, scored: Sequence[Scored], title: str) -> None:
    table = scoring.confusion(scored)
    names = [*(kind.value for kind in scoring.KINDS), scoring.NONE]
    grid = np.array([[table.get((gold, said), 0) for said in names] for gold in names])
    axes.imshow(np.sqrt(grid), cmap="Blues")
    for (row, column), count in np.ndenumerate(grid):
        shade = "white" if count > grid.max() / 2 else "black"
        axes.text(column, row, str(count), ha="center", va="center", fontsize=8, color=shade)
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right", fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set(xlabel="said", ylabel="gold", title=title)


def _draw_reliability(axes: Axes, scored: Sequence[Scored]) -> None:
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for after_s in (0.4, 1.0):
        p, truth = scoring.known_by(scored, round(after_s * SAMPLE_RATE_HZ))
        bins = np.minimum((np.asarray(p) * 10).astype(int), 9)
        seen = sorted(set(bins.tolist()))
        x = [float(np.asarray(p)[bins == b].mean()) for b in seen]
        y = [float(np.asarray(truth)[bins == b].mean()) for b in seen]
        axes.plot(x, y, marker="o", label=f"after {after_s:.1f} s (n {len(p)})")
    axes.legend(fontsize=8)
    axes.set(xlabel="p_interruption", ylabel="share that were", title="Is p_interruption to be believed?")


def _draw_trade(axes: Axes, found: Findings) -> None:
    for name, scored in (("ours", found.ours), ("boundaries moved 0.1 s", found.moved)):
        points = trade(scored)
        axes.plot([x for x, _ in points], [y for _, y in points], label=name)
    for name, scored in found.alternatives.items():
        axes.plot(scoring.recall(scored), scoring.false_per_10_min(scored), "s", label=name)
    axes.legend(fontsize=8)
    axes.set(xlabel="interruptions found", ylabel="false in 10 min", title="What finding them costs")
