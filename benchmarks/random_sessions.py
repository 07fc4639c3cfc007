"""Sessions that nobody would live through: random annotations and acts, to see whether the dose holds."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

from coach.policy import Coach
from streaming.ids import event_id
from streaming.types import Annotation, Cue, Happening, Kind, Span, Speaker, Status
from streaming.wire import samples, seconds

SPEAKERS: tuple[Speaker | None, ...] = (Speaker.A, Speaker.B, None)
# Evidence is drawn more often than it comes in life: the coach must be tempted.
KINDS = (
    *[Kind.TOOK_FLOOR] * 6,
    *[Kind.TALK_OVER] * 4,
    *[Kind.SPEECH] * 6,
    *[Kind.AROUSAL] * 4,
    *[Kind.AROUSAL_RISE] * 3,
    *[Kind.AROUSAL_SETTLED] * 2,
    Kind.MONOLOGUE,
    Kind.LONG_SILENCE,
    Kind.BACKCHANNEL,
    Kind.OVERLAP,
    Kind.QUALITY,
)
# Whatever silences the coach is soon taken back, for a silent coach breaks no rule.
ACTS = (
    *["cues_wanted"] * 8,
    *["resumed"] * 6,
    *["media_back"] * 4,
    *["cue_painted", "cue_dismissed"] * 3,
    "paused",
    "media_lost",
    "time_out",
    *["floor"] * 4,
    "note",
)
FLOORS = ("off", "holding", "reflecting", "confirming")


def random_session(seed: int, steps: int) -> Iterator[Annotation | Happening]:
    """``steps`` lines; mean 1.3 s apart, one act of a person in 30. Cues are named by ``latest`` in the detail."""
    chance = random.Random(seed)
    now_s = 0.0
    session = f"random-{seed}"
    for i in range(steps):
        now_s += chance.expovariate(1.0 / 1.3)
        by = chance.choice(SPEAKERS)
        if chance.random() < 1 / 30:
            act, who = chance.choice(ACTS), (by or Speaker.A).value
            yield Happening(f"{session}-{i}", session, act, samples(now_s), who, _detail(chance, act, who))
        else:
            yield _annotation(chance, session, by, now_s)


def _detail(chance: random.Random, act: str, who: str) -> dict[str, Any]:
    if act == "floor":
        phase = chance.choice(FLOORS)
        return {"phase": phase, "holder": None if phase == "off" else who, "swaps": 0}
    return {"cue": "latest"} if act.startswith("cue_") else {}


def _annotation(chance: random.Random, session: str, by: Speaker | None, now_s: float) -> Annotation:
    kind = chance.choice(KINDS)
    announced = kind is Kind.OVERLAP or (kind is not Kind.QUALITY and chance.random() < 0.25)
    status: Status = "open" if announced else "final"
    end_s = max(0.0, now_s - chance.uniform(0.0, 1.0))
    start_s = max(0.0, end_s - chance.expovariate(1.0 / 3.0))
    # Starts on a coarse grid, so that some annotations revise others.
    start = min(samples(end_s), samples(round(start_s)))
    return Annotation(
        id=event_id(session, "random@1", "overlap" if kind.value.startswith("t") else kind.value, by, start),
        session=session,
        kind=kind,
        status=status,
        span=Span(start, samples(end_s)),
        decided=samples(now_s),
        detector="random@1",
        confidence=chance.choice((0.3, 0.7, 0.9, 1.0)),
        by=by,
        over=by.other if by else None,
        level=chance.random() if kind is Kind.AROUSAL else None,
        reason=chance.choice(("noisy", "clipping", "narrow_band")) if kind is Kind.QUALITY else None,
    )


class DoseWatch:
    """Counts broken rules of practice from outside, knowing nothing of how the coach keeps them."""

    def __init__(self) -> None:
        self._own: list[int] = []  # when the coach's own cues came, samples
        self._latest: int | None = None  # when any cue came
        self._ignored = 0
        self._paused = False
        self.cues = 0
        self.violations: list[str] = []

    def cue(self, cue: Cue, asked: bool) -> None:
        self.cues += 1
        if len(cue.text.split()) > 5:
            self.violations.append(f"{seconds(cue.at)} s: more than five words: {cue.text}")
        if not asked:
            self._own_cue(cue.at)
        self._latest = cue.at

    def _own_cue(self, at: int) -> None:
        broken = {
            "less than 90 s after the cue before": self._latest is not None and at - self._latest < samples(90.0),
            "a fifth cue in ten minutes": sum(at - before <= samples(600.0) for before in self._own) >= 4,
            "a cue after two ignored ones": self._ignored >= 2,
            "a cue during a pause": self._paused,
        }
        self.violations += [f"{seconds(at)} s: {rule}" for rule, is_broken in broken.items() if is_broken]
        self._own = [before for before in self._own if at - before <= samples(600.0)] + [at]

    def happened(self, happening: Happening) -> None:
        if happening.kind == "paused":
            self._paused = True
        elif happening.kind == "resumed":
            self._paused = False
        elif happening.kind == "cues_wanted":
            self._ignored = 0

    def outcomes(self, lines: Sequence[Happening]) -> None:
        self._ignored += sum(line.detail.get("verdict") == "ignored" for line in lines)


def drive(coach: Coach, lines: Iterator[Annotation | Happening], watch: DoseWatch) -> list[Cue]:
    """The coach hears the lines in order; acts about the latest cue name it."""
    out: list[Cue] = []
    for line in lines:
        if isinstance(line, Happening):
            if line.detail.get("cue") == "latest":
                line = Happening(line.id, line.session, line.kind, line.at, line.by, {"cue": out[-1].id if out else ""})
            new = coach.advance(line.at)
            _tell(watch, new, coach)
            watch.happened(line)
            asked = coach.happened(line)
            _tell(watch, asked, coach, asked=True)
            out += [*new, *asked]
        else:
            new = coach.observe(line)
            _tell(watch, new, coach)
            out += new
    return out


def _tell(watch: DoseWatch, cues: list[Cue], coach: Coach, *, asked: bool = False) -> None:
    for cue in cues:
        watch.cue(cue, asked)
    watch.outcomes(coach.take_outcomes())
