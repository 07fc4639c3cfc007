"""The coach on couples: calm ones with real timing, scripted heated ones, and sessions nobody would live through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from matplotlib.axes import Axes

from benchmarks.couples import Moment, Scripted, as_heard, mirrored, scripted_couple
from benchmarks.harness import BenchResult, Figure, Panel, cumulative, measured, recordings
from benchmarks.random_sessions import DoseWatch, drive, random_session
from benchmarks.sbcsae import Conversation, read_all
from coach.policy import Coach
from coach.settings import CoachSettings
from streaming.types import Annotation, Cue, Happening
from streaming.wire import seconds

IN_TIME_S = 5.0
RANDOM_STEPS = 1_000_000
STEPS_A_SESSION = 2_000
COUPLES, COUPLES_QUICK = 40, 10
DOSE = frozenset({"spacing", "dose", "ignored", "settling_in", "time_out"})


@dataclass(frozen=True, slots=True)
class Calm:
    name: str
    hours: float
    cues: tuple[Cue, ...]
    same_mirrored: bool
    same_restarted: bool


@dataclass(slots=True)
class Heated:
    """Scripted moments by what became of them, and how long after the evidence a cue came."""

    answered: int = 0
    missed: int = 0
    held_by_dose: int = 0
    without_evidence: int = 0
    delays_s: list[float] = field(default_factory=list)

    @property
    def asked(self) -> int:
        return self.answered + self.missed


def run(quick: bool = False) -> BenchResult:
    settings = CoachSettings()
    calm = [listen(conversation, settings) for conversation in read_all(recordings())]
    seeds = range(COUPLES_QUICK if quick else COUPLES)
    heated = [answer(scripted_couple(seed), settings) for seed in seeds]
    steps = RANDOM_STEPS // (40 if quick else 1)
    cues, violations = tempt(steps // STEPS_A_SESSION, settings)
    notes = [f"a broken dose: {line}" for line in violations[:5]]
    notes.append(f"{cues} cues in {steps} random steps; {sum(len(c.cues) for c in calm)} in calm talk: {_where(calm)}")
    notes.append("What is unusual for a couple was chosen on these same calm conversations, which hold no audio:")
    notes.append("with arousal beside the timing, and on other people, expect more than the first figure.")
    return BenchResult(
        "coach",
        asdict(settings),
        _figures(calm, heated, steps, violations),
        (_delays(heated), _calm_picture(calm)),
        notes,
    )


def _figures(calm: Sequence[Calm], heated: Sequence[Heated], steps: int, violations: Sequence[str]) -> list[Figure]:
    moments = sum(h.asked + h.held_by_dose + h.without_evidence for h in heated)
    hours = sum(c.hours for c in calm)
    stems = sum(cue.level == 3 for c in calm for cue in c.cues)
    return [
        measured("false_cues_per_hour_calm", calm, _per_hour, len(calm)),
        measured("heated_answered_share", heated, _answered, sum(h.asked for h in heated)),
        Figure("dose_violations", len(violations), steps),
        Figure("stems_per_hour_calm", stems / hours, len(calm)),
        Figure("heated_held_by_dose_share", sum(h.held_by_dose for h in heated) / moments, moments),
        Figure("heated_without_evidence_share", sum(h.without_evidence for h in heated) / moments, moments),
        Figure("mirrored_differences", sum(not c.same_mirrored for c in calm), len(calm)),
        Figure("restart_differences", sum(not c.same_restarted for c in calm), len(calm)),
    ]


def _per_hour(calm: Sequence[Calm]) -> float:
    """Every cue in calm talk counts as false, stems after a monologue too."""
    return sum(len(c.cues) for c in calm) / sum(c.hours for c in calm)


def _answered(heated: Sequence[Heated]) -> float:
    asked = sum(h.asked for h in heated)
    return sum(h.answered for h in heated) / asked if asked else float("nan")


def listen(conversation: Conversation, settings: CoachSettings) -> Calm:
    """The coach on a calm conversation: as it is, with the partners swapped, and restarted once a minute."""
    lines = as_heard(conversation.name, conversation.activity)
    swapped = as_heard(conversation.name, mirrored(conversation.activity))
    cues = hear(lines, conversation.length, settings)
    return Calm(
        conversation.name,
        conversation.minutes / 60.0,
        tuple(cues),
        [_unnamed(cue) for cue in hear(swapped, conversation.length, settings)] == [_unnamed(cue) for cue in cues],
        hear(lines, conversation.length, settings, restart_s=60.0) == cues,
    )


def _unnamed(cue: Cue) -> tuple[str, int, int, str, int]:
    """Ids of annotations hold the speaker, so only their number can be the same."""
    return cue.id, cue.level, cue.at, cue.text, len(cue.because)


def hear(lines: Sequence[Annotation], end: int, settings: CoachSettings, restart_s: float | None = None) -> list[Cue]:
    session = lines[0].session if lines else "none"
    coach, cues, restarted = Coach(session, settings), [], 0.0
    # As every practice of two who are not known yet begins.
    coach.happened(Happening("neutral", session, "neutral", 0, None, {"seconds": settings.neutral_s}))
    for line in lines:
        cues += coach.observe(line)
        if restart_s and seconds(line.decided) - restarted >= restart_s:
            coach, restarted = Coach.restore(session, coach.save(), settings), seconds(line.decided)
    return cues + coach.advance(end)


def answer(couple: Scripted, settings: CoachSettings) -> Heated:
    """What became of each scripted moment."""
    coach, lines = Coach(couple.session, settings), couple.lines()
    given: list[float] = []
    asked: list[tuple[float, str | None]] = []  # when evidence asked for a cue, and what silenced the coach then
    wanted = False
    for line in lines:
        new = coach.observe(line)
        given += [seconds(cue.at) for cue in new if cue.level != 3]
        wants = coach.wants() is not None or any(cue.level != 3 for cue in new)
        if wants and not wanted:
            asked.append((seconds(new[0].at if new else coach.now), coach.why_silent()))
        wanted = wants and not new
    return judge(couple.moments, asked, given)


def judge(moments: Sequence[Moment], asked: Sequence[tuple[float, str | None]], given: Sequence[float]) -> Heated:
    """Each moment by the first evidence in it: answered within 5 s, held back by the dose alone, or missed."""
    out = Heated()
    for moment in moments:
        start_s, end_s = seconds(moment.span.start), seconds(moment.span.end) + IN_TIME_S
        evidence = [(at_s, why) for at_s, why in asked if start_s <= at_s <= end_s]
        if not evidence:
            out.without_evidence += 1
            continue
        answers = [(cue_s - at_s, why) for at_s, why in evidence for cue_s in given if 0.0 <= cue_s - at_s <= IN_TIME_S]
        if answers:
            out.answered += 1
            out.delays_s.append(answers[0][0])
        elif all(why in DOSE for _, why in evidence):
            out.held_by_dose += 1
        else:
            out.missed += 1
    return out


def tempt(sessions: int, settings: CoachSettings) -> tuple[int, list[str]]:
    """Cues given and rules broken over random sessions."""
    cues, violations = 0, []
    for seed in range(sessions):
        watch = DoseWatch()
        drive(Coach(f"random-{seed}", settings), random_session(seed, STEPS_A_SESSION), watch)
        cues += watch.cues
        violations += [f"seed {seed}, {line}" for line in watch.violations]
    return cues, violations


def _where(calm: Sequence[Calm]) -> str:
    told = [f"{c.name} level {cue.level} at {seconds(cue.at):.0f} s" for c in calm for cue in c.cues]
    return ", ".join(told) or "none"


def _delays(heated: Sequence[Heated]) -> Panel:
    def draw(axes: Axes) -> None:
        delays = [delay for h in heated for delay in h.delays_s]
        cumulative(axes, delays, color="#2f6fb0")
        axes.set(xlim=(0, IN_TIME_S), ylim=(0, 1), xlabel="from evidence to cue, s", ylabel="share of answered moments")
        axes.set_title(f"Waiting for a boundary ({len(delays)} moments)")

    return draw


def _calm_picture(calm: Sequence[Calm]) -> Panel:
    def draw(axes: Axes) -> None:
        names = [c.name for c in calm]
        axes.barh(names, [c.hours * 60.0 for c in calm], color="#e8e4dc")
        for row, c in enumerate(calm):
            for cue in c.cues:
                axes.plot(seconds(cue.at) / 60.0, row, "o", color="#c26a1b" if cue.level != 3 else "#2f6fb0")
        axes.set(xlabel="minutes of calm talk", title="Cues in calm talk (blue: stems)")

    return draw
