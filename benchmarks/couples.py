"""Couples for the coach to listen to: real turn timing of calm talk, and scripted heated talk with known moments."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from detectors.turns import annotate_activity
from streaming.ids import event_id
from streaming.types import Annotation, Kind, Span, Speaker, Status, joined
from streaming.wire import samples

VOICE_OPEN_S = 0.1  # a voice detector announces speech this long after its start …
VOICE_FINAL_S = 0.256  # … and its end this long after it
IPU_GAP_S = 0.2
POINT_S = 0.5  # an arousal point for each half second of own speech


def as_heard(session: str, activity: dict[Speaker, list[Span]], more: Sequence[Annotation] = ()) -> list[Annotation]:
    """What detectors would say of the activity, in the order in which it is decided."""
    lines = [*annotate_activity(session, activity), *more]
    for speaker, spans in activity.items():
        for ipu in ipus(spans):
            opened = Span(ipu.start, min(ipu.end, ipu.start + samples(VOICE_OPEN_S)))
            lines.append(_voice(session, speaker, opened, "open", ipu.start + samples(VOICE_OPEN_S)))
            lines.append(_voice(session, speaker, ipu, "final", ipu.end + samples(VOICE_FINAL_S)))
    return sorted(lines, key=lambda line: line.decided)


def ipus(spans: Sequence[Span]) -> list[Span]:
    """Speech with no silence of 200 ms or more inside."""
    out: list[Span] = []
    for span in joined(list(spans)):
        if out and span.start - out[-1].end < samples(IPU_GAP_S):
            out[-1] = Span(out[-1].start, span.end)
        else:
            out.append(span)
    return out


def _voice(session: str, by: Speaker, span: Span, status: Status, decided: int) -> Annotation:
    id = event_id(session, "vad@1", "speech", by, span.start)
    return Annotation(id, session, Kind.SPEECH, status, span, decided, "vad@1", 0.95, by)


def mirrored(activity: dict[Speaker, list[Span]]) -> dict[Speaker, list[Span]]:
    return {speaker: activity[speaker.other] for speaker in Speaker}


@dataclass(frozen=True, slots=True)
class Moment:
    """A scripted heated moment: what was scripted, and the stretch of session time in which it lies."""

    what: str
    span: Span


@dataclass
class Scripted:
    """One scripted couple, written turn by turn from a seed."""

    seed: int
    activity: dict[Speaker, list[Span]] = field(default_factory=lambda: {s: [] for s in Speaker})
    arousal: list[Annotation] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._now_s = 1.0
        self._by = Speaker.A

    @property
    def session(self) -> str:
        return f"scripted-{self.seed}"

    def lines(self) -> list[Annotation]:
        return as_heard(self.session, {s: joined(spans) for s, spans in self.activity.items()}, self.arousal)

    def calm(self, length_s: float) -> None:
        """Turns of 3 to 12 s in breaths of 1 to 4 s, gaps near 200 ms, a listening sound now and then."""
        until_s = self._now_s + length_s
        while self._now_s < until_s:
            self._turn(self._random.uniform(3.0, 12.0))
            self._now_s += self._random.uniform(0.15, 0.7)
            self._by = self._by.other

    def cluster(self, count: int = 5) -> None:
        """``count`` turns, each cut off by the other before it had ended."""
        begun = self._now_s
        for _ in range(count):
            self._turn(self._random.uniform(1.0, 4.0), listener=False)
            # In mid-breath the other starts, 0.5 to 1.2 s before this one stops, and goes on.
            self._breath(2.5)
            self._now_s -= self._random.uniform(0.5, 1.2)
            self._by = self._by.other
            self._breath(2.5)
        self._turn(self._random.uniform(4.0, 8.0), listener=False)
        self._now_s += 0.3
        self._perhaps_up(begun)
        self.moments.append(Moment("cluster", Span(samples(begun), samples(self._now_s))))

    def shouting(self) -> None:
        """Three times both go on talking at once for 2 s and more."""
        begun = self._now_s
        for _ in range(3):
            self._turn(self._random.uniform(2.0, 4.0), listener=False)
            self._breath(4.5)
            over_s = self._random.uniform(2.0, 3.5)
            self.activity[self._by.other].append(_span(self._now_s - over_s, self._now_s + 1.5))
            self._now_s += 1.8
        self._perhaps_up(begun)
        self.moments.append(Moment("both at once", Span(samples(begun), samples(self._now_s))))

    def rise(self, length_s: float = 25.0) -> None:
        """One partner's voice goes up for ``length_s`` of talk and comes down again."""
        begun, by = self._now_s, self._random.choice(list(Speaker))
        while self._now_s < begun + length_s:
            before = self._now_s
            self._by = by if self._random.random() < 0.7 else by.other
            self._turn(self._random.uniform(3.0, 8.0), listener=False)
            if self._by is by:
                self._points(by, before, self._now_s)
            self._now_s += self._random.uniform(0.2, 0.5)
        self._say(Kind.AROUSAL_RISE, by, begun, begun + 4.0)
        self._say(Kind.AROUSAL_SETTLED, by, self._now_s + 5.0, self._now_s + 8.0)
        self.moments.append(Moment("rise", Span(samples(begun), samples(self._now_s))))

    def _turn(self, length_s: float, listener: bool = True) -> None:
        """The turn of the one whose turn it is, with pauses for breath inside."""
        end_s = self._now_s + length_s
        while self._now_s < end_s:
            breath_s = min(self._random.uniform(1.0, 4.0), end_s - self._now_s)
            self.activity[self._by].append(_span(self._now_s, self._now_s + max(0.3, breath_s)))
            if listener and breath_s > 1.5 and self._random.random() < 0.2:
                at_s = self._now_s + breath_s / 2
                self.activity[self._by.other].append(_span(at_s, at_s + 0.35))
            self._now_s += max(0.3, breath_s)
            if self._now_s < end_s:
                self._now_s += self._random.uniform(0.25, 0.6)

    def _perhaps_up(self, begun_s: float) -> None:
        """In every second quarrel a voice goes up with it, told 5 s after it began."""
        if self._random.random() < 0.5:
            by = self._random.choice(list(Speaker))
            self._say(Kind.AROUSAL_RISE, by, begun_s, begun_s + 5.0)
            self._say(Kind.AROUSAL_SETTLED, by, self._now_s + 3.0, self._now_s + 6.0)

    def _breath(self, length_s: float) -> None:
        """Speech without a pause."""
        self.activity[self._by].append(_span(self._now_s, self._now_s + length_s))
        self._now_s += length_s

    def _points(self, by: Speaker, start_s: float, end_s: float) -> None:
        at_s = start_s
        while at_s + POINT_S <= end_s:
            self._say(Kind.AROUSAL, by, at_s, at_s + POINT_S, level=self._random.uniform(0.68, 0.85))
            at_s += POINT_S

    def _say(self, kind: Kind, by: Speaker, start_s: float, end_s: float, level: float | None = None) -> None:
        span = _span(start_s, end_s)
        id = event_id(self.session, "arousal@1", kind.value, by, span.start)
        decided = span.end + samples(0.1)
        self.arousal.append(
            Annotation(id, self.session, kind, "final", span, decided, "arousal@1", 0.85, by, level=level)
        )


def scripted_couple(seed: int) -> Scripted:
    """About forty minutes: a calm beginning, then moments with calm talk between them."""
    couple = Scripted(seed)
    chance = random.Random(seed + 1)
    couple.calm(150.0)
    for _ in range(8):
        chance.choice([couple.cluster, couple.shouting, couple.rise])()
        couple.calm(chance.choice([40.0, 120.0, 240.0, 300.0]))
    return couple


def _span(start_s: float, end_s: float) -> Span:
    return Span(samples(start_s), samples(end_s))
