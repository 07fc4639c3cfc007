"""Another policy on a session that was: which cues would have come, beside those that came.

What the couple did with a cue that never came can't be known: outcomes are judged by what followed
in the recorded talk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from coach.lanes import CUE_LABELS
from coach.policy import Coach
from coach.record import clock
from coach.settings import CoachSettings
from streaming.types import Annotation, Cue, Happening, Line
from streaming.wire import seconds

POLICIES = ("as it was", "other policy")
SAME_WITHIN_S = 10.0
# Acknowledgements belong to the cues that were shown, not to those that would have been.
OF_OLD_CUES = frozenset({"cue_painted", "cue_dismissed", "cue_outcome"})


@dataclass(frozen=True, slots=True)
class Row:
    """One cue of either policy, or one that both would give."""

    at_s: float
    was: Cue | None
    would_be: Cue | None


def replay(session: str, lines: Sequence[Line], settings: CoachSettings) -> list[Cue]:
    """The cues that this policy gives on the recorded lines, in the order in which they were accepted."""
    coach, cues, end = Coach(session, settings), [], 0
    for line in lines:
        if isinstance(line, Annotation):
            cues += coach.observe(line)
            end = max(end, line.decided)
        elif isinstance(line, Happening) and line.kind not in OF_OLD_CUES:
            cues += coach.happened(line)
    return cues + coach.advance(end)


def compared(was: Sequence[Cue], would_be: Sequence[Cue]) -> list[Row]:
    """Both policies' cues by time; those of one level less than 10 s apart share a row."""
    left = list(would_be)
    rows = []
    for cue in was:
        same = [c for c in left if c.level == cue.level and abs(seconds(c.at - cue.at)) <= SAME_WITHIN_S]
        nearest = min(same, key=lambda c: abs(c.at - cue.at), default=None)
        if nearest:
            left.remove(nearest)
        rows.append(Row(seconds(cue.at), cue, nearest))
    rows += [Row(seconds(cue.at), None, cue) for cue in left]
    return sorted(rows, key=lambda row: row.at_s)


def table(rows: Sequence[Row]) -> list[tuple[str, str, str]]:
    """Rows of text with a head: time, the cue that came, the cue that would have come."""
    return [("time", *POLICIES), *((clock(row.at_s), _told(row.was), _told(row.would_be)) for row in rows)]


def _told(cue: Cue | None) -> str:
    return f"{cue.level} {cue.text}" if cue else ""


WIDTH, HEIGHT, LEFT, LANE = 960, 200, 130, 56
# Levels are told by shape as well as by colour.
SHAPES = {
    1: '<circle cx="{x}" cy="{y}" r="7" fill="#2f6fb0"/>',
    2: '<rect x="{x0}" y="{y0}" width="14" height="14" rx="2" fill="#c26a1b"/>',
    3: '<path d="M{x} {y0} l8 14 h-16 z" fill="#4d7d54"/>',
    4: '<path d="M{x} {y0} l7 7 l-7 7 l-7 -7 z" fill="#6b4f8a"/>',
}


def picture(rows: Sequence[Row], duration_s: float) -> str:
    """The same as an SVG: one lane a policy, a shape a level, minutes below."""
    span_s = max(1.0, duration_s)
    marks = []
    for lane, cues in enumerate(([row.was for row in rows], [row.would_be for row in rows])):
        y = 40 + LANE * lane
        marks.append(f'<text x="12" y="{y + 5}">{POLICIES[lane]}</text>')
        marks.append(f'<line x1="{LEFT}" y1="{y}" x2="{WIDTH - 20}" y2="{y}" stroke="#cfc8bb"/>')
        marks += [_mark(cue, y, span_s) for cue in cues if cue]
    marks += _minutes(span_s) + _legend()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="14" fill="#3a342c">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fbf8f2"/>{"".join(marks)}</svg>'
    )


def _x(at_s: float, span_s: float) -> float:
    return round(LEFT + (WIDTH - 20 - LEFT) * min(1.0, at_s / span_s), 1)


def _mark(cue: Cue, y: int, span_s: float) -> str:
    x = _x(seconds(cue.at), span_s)
    return f"<g><title>{escape(_told(cue))}</title>{_shape(cue.level, x, y)}</g>"


def _shape(level: int, x: float, y: int) -> str:
    return SHAPES.get(level, SHAPES[1]).format(x=x, y=y, x0=round(x - 7, 1), y0=y - 7)


def _legend() -> list[str]:
    out, y = [], HEIGHT - 16
    for level, words in CUE_LABELS.items():
        x = LEFT + 170 * (level - 1)
        out.append(f'{_shape(level, x, y)}<text x="{x + 14}" y="{y + 5}">{words}</text>')
    return out


def _minutes(span_s: float) -> list[str]:
    every = next((n for n in (1, 2, 5, 10, 15, 30) if span_s / 60 / n <= 12), 60)
    at = range(0, int(span_s // 60) + 1, every)
    return [f'<text x="{_x(n * 60.0, span_s)}" y="156" text-anchor="middle">{n} min</text>' for n in at]
