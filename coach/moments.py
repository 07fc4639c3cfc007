"""At most three moments worth looking at together: what led to it, what rose, the cue, the way back."""

from __future__ import annotations

from dataclasses import dataclass, field

from coach.findings import both_spoke_after
from coach.lanes import at
from coach.record import Record, RiseSeen, lasting
from coach.report_form import Moment
from streaming.types import Annotation, Cue, Kind
from streaming.wire import samples, seconds

MOST = 3
MOST_TIMES = 4  # more are not read aloud one by one
CLUSTER = 3
CLUSTER_WINDOW_S = 60.0
BEFORE_S = 20.0  # what led to a rise is looked for this far back
JOIN_S = 30.0  # a cue belongs to a rise that began or was still up this near to it
AGAIN = 1.5  # a second moment of one kind tells less
AROUND_S = 5.0  # shown on either side


@dataclass(slots=True)
class Episode:
    rises: list[RiseSeen] = field(default_factory=list)
    cues: list[Cue] = field(default_factory=list)
    overlaps: list[Annotation] = field(default_factory=list)

    def span(self, record: Record) -> tuple[int, int]:
        starts = [r.start for r in self.rises] + [c.at for c in self.cues] + [a.span.start for a in self.overlaps]
        ends = [r.end for r in self.rises] + [c.at + samples(10.0) for c in self.cues]
        ends += [a.span.end for a in self.overlaps]
        around = samples(AROUND_S)
        return max(0, min(starts) - around), min(max(record.end, max(starts)), max(ends) + around)


def moments(record: Record) -> tuple[Moment, ...]:
    """The fullest episodes, each of another kind where there are any, in the order in which they came."""
    left = [(_fullness(record, episode), _kind(episode), _tell(record, episode)) for episode in _episodes(record)]
    chosen: list[Moment] = []
    kinds: list[str] = []
    while left and len(chosen) < MOST:
        best = max(left, key=lambda item: (item[0] - AGAIN * kinds.count(item[1]), -item[2].start_s))
        left.remove(best)
        chosen.append(best[2])
        kinds.append(best[1])
    return tuple(sorted(chosen, key=lambda moment: moment.start_s))


def _kind(episode: Episode) -> str:
    return f"level {episode.cues[0].level}" if episode.cues else "rise" if episode.rises else "cluster"


def _episodes(record: Record) -> list[Episode]:
    """Rises, cues and clusters that lie together; each belongs to one episode."""
    episodes: list[Episode] = []
    by_id = {a.id: a for a in record.overlaps}
    for rise in record.rises:
        near = next((e for e in episodes if _touches(e, rise)), None)
        if near:
            near.rises.append(rise)
        else:
            episodes.append(Episode(rises=[rise]))
    for cue in record.cues:
        reach = samples(JOIN_S)
        near = next(
            (e for e in episodes if any(r.start - reach <= cue.at <= r.end + reach for r in e.rises)),
            None,
        )
        if near is None:
            near = Episode()
            episodes.append(near)
        near.cues.append(cue)
        near.overlaps += [by_id[id] for id in cue.because if id in by_id and by_id[id] not in near.overlaps]
    for episode in episodes:
        _led_to(record, episode)
    taken = {a.id for e in episodes for a in e.overlaps}
    for cluster in _clusters([a for a in record.interruptions() if a.id not in taken]):
        episodes.append(Episode(overlaps=cluster))
    return [e for e in episodes if e.rises or e.overlaps or any(c.level != 3 for c in e.cues)]


def _touches(episode: Episode, rise: RiseSeen) -> bool:
    """The other's voice rose too, or the same one again before it had settled."""
    return any(rise.start <= known.end + samples(AROUND_S) for known in episode.rises)


def _led_to(record: Record, episode: Episode) -> None:
    """Interruptions shortly before or at the beginning of a rise."""
    for rise in episode.rises:
        for a in record.interruptions():
            near = rise.start - samples(BEFORE_S) <= a.span.start <= rise.start + samples(AROUND_S)
            if near and a not in episode.overlaps:
                episode.overlaps.append(a)
    episode.overlaps.sort(key=lambda a: a.span.start)


def _clusters(interruptions: list[Annotation]) -> list[list[Annotation]]:
    out: list[list[Annotation]] = []
    row: list[Annotation] = []
    for a in interruptions:
        if row and a.span.start - row[0].span.start > samples(CLUSTER_WINDOW_S):
            if len(row) >= CLUSTER:
                out.append(row)
            row = []
        row.append(a)
    return [*out, row] if len(row) >= CLUSTER else out


def _fullness(record: Record, episode: Episode) -> float:
    """How much there is to look at; a way back counts most, for it is what one can do again."""
    recovered = _recovery(record, episode) is not None
    rise = max((seconds(r.end - r.start) for r in episode.rises), default=0.0)
    return 3.0 * recovered + 2.0 * bool(episode.cues) + 1.5 * bool(episode.rises) + min(1.0, rise / 60.0)


def _tell(record: Record, episode: Episode) -> Moment:
    start, end = episode.span(record)
    return Moment(
        title=_title(record, episode),
        start_s=seconds(start),
        end_s=seconds(max(start, end)),
        trigger=_trigger(record, episode),
        rise=_rise(record, episode),
        cue=_cue(record, episode),
        recovery=_recovery(record, episode),
    )


def _title(record: Record, episode: Episode) -> str:
    if episode.cues:
        cue = episode.cues[0]
        words = {1: "One at a time", 2: "A breath together", 3: "A question to reflect on", 4: "A time-out"}
        return f"{words.get(cue.level, 'A cue')}, at {at(cue.at)}"
    if episode.rises:
        rise = episode.rises[0]
        settled = rise.settled is not None
        return f"{'Up and back again' if settled else 'A voice that rose'}, from {at(rise.start)}"
    return f"Two voices at once, from {at(episode.overlaps[0].span.start)}"


def _trigger(record: Record, episode: Episode) -> str:
    times = [at(a.span.start) for a in episode.overlaps]
    if len(times) == 1:
        return f"At {times[0]} one of you began while the other was speaking."
    if len(times) > MOST_TIMES:
        return f"{len(times)} times between {times[0]} and {times[-1]} one of you began while the other was speaking."
    if times:
        listed = ", ".join(times[:-1]) + f" and {times[-1]}"
        return f"At {listed} one of you began while the other was speaking."
    asked = [c for c in episode.cues if c.level == 4 and any(h.id in c.because for h in record.happenings)]
    if asked:
        return "One of you asked for a pause."
    first = min([r.start for r in episode.rises] + [c.at for c in episode.cues])
    if any(a.span.start <= first <= a.span.end + samples(BEFORE_S) for a in record.monologues):
        return "One of you had been speaking for a while."
    before = [a for a in record.overlaps if 0 <= first - a.span.start <= samples(BEFORE_S)]
    if any(a.kind is not Kind.BACKCHANNEL for a in before):
        return "Your turns had come close together."
    return "What led to it is in the words, and those are yours to remember."


def _rise(record: Record, episode: Episode) -> str | None:
    told: list[str] = []
    for by in dict.fromkeys(r.by for r in episode.rises):
        first = min(r.start for r in episode.rises if r.by is by)
        told.append(f"From {at(first)} {record.name(by)}’s voice was above its own usual.")
    return " ".join(told) or None


def _cue(record: Record, episode: Episode) -> str | None:
    if not episode.cues:
        return None
    cue = episode.cues[0]
    painted = record.painted_by(cue)
    where = {0: "came", 1: "was shown on one screen", 2: "was shown on both screens"}[len(painted)]
    outcome = record.outcomes.get(cue.id)
    dismissed = " It was put aside." if outcome and outcome.verdict == "dismissed" else ""
    return f"“{cue.text}” {where}.{dismissed}"


def _recovery(record: Record, episode: Episode) -> str | None:
    told: list[str] = []
    for by in dict.fromkeys(r.by for r in episode.rises):
        last = max((r for r in episode.rises if r.by is by), key=lambda r: r.start)
        if last.recovery_s is not None and last.settled is not None:
            told.append(f"By {at(last.settled)}, after {lasting(last.recovery_s)}, {record.name(by)}’s voice was back.")
    for cue in episode.cues[:1]:
        outcome = record.outcomes.get(cue.id)
        signs = outcome.signs if outcome else ()
        if "breathed" in signs:
            told.append("You were quiet together for a while.")
        if "overlap_stopped" in signs and both_spoke_after(record, cue.at, cue.level):
            told.append("You mostly spoke one at a time.")
        if "floor_handed_over" in signs:
            told.append("The floor went to the other of you.")
        if "paused" in signs:
            told.append("You took a pause.")
    return " ".join(told) or None
