"""Typed overlap, long silence and monologue from the speech activity of two partners.

Everything happens at a *moment*: activity changes, or a deadline passes (an IPU has ended, the
floor is taken, an overlap is due to be announced again). Between moments nothing happens, hence
how time is cut into steps changes nothing. Channels are treated alike: swap them and every label
mirrors.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Self

from detectors.floor import NEVER, Voice
from detectors.lulls import Lull, Lulls
from detectors.overlap import Overlap, final_kind, rule
from detectors.turn_habits import Bursts
from detectors.turn_model import TurnModel, both_share, context, shipped
from detectors.turn_settings import TurnSettings
from streaming.ids import event_id
from streaming.types import INTERRUPTION_KINDS, Annotation, Kind, Span, Speaker, Status

DETECTOR = "turns@1"
_NOT_RAISED = dict.fromkeys(Speaker, 0.0)
_UNSURE_CONFIDENCE = 0.3  # one of the two could not be heard at the moment that counts


class TurnDetector:
    """One session's turns. ``start`` is the session time (samples) at which listening begins."""

    def __init__(
        self, session: str, settings: TurnSettings | None = None, *, start: int = 0, model: TurnModel | None = None
    ) -> None:
        self.session = session
        self.settings = settings or TurnSettings()
        self.begun = start
        self.now = start
        self.holder: Speaker | None = None  # of the floor
        self._model = model or shipped()
        self._voices = {speaker: Voice() for speaker in Speaker}
        self._bursts = {speaker: Bursts() for speaker in Speaker}
        self._raised_db = dict(_NOT_RAISED)
        self._both = 0  # samples in which both spoke so far, up to the last stop
        self._overlaps: list[Overlap] = []  # undecided, oldest first
        self._lulls = Lulls()
        self._fresh = True  # nothing heard yet
        self._next: int | None = None  # moment, as long as nothing happens before

    def step(
        self,
        end: int,
        active: Mapping[Speaker, bool],
        missing: Mapping[Speaker, bool],
        *,
        uncertainty: int = 0,
        hears_late: Mapping[Speaker, int] | None = None,
        raised_db: Mapping[Speaker, float] | None = None,
    ) -> list[Annotation]:
        """Goes on to ``end``, the activity of both constant until there. Earlier ends change nothing.

        A partner is ``active`` while speaking; ``missing`` audio is neither speech nor silence.
        ``uncertainty`` is how far (samples) the two streams may be off against each other,
        ``hears_late`` how much later than session time each hears the other: a start is judged by
        what the starter had heard by then. ``raised_db`` is how far each voice is over its usual level.
        """
        if end <= self.now:
            return []
        self._raised_db = {**_NOT_RAISED, **raised_db} if raised_db else dict(_NOT_RAISED)
        out = self._change(active, missing, uncertainty, hears_late or {})
        if self._next is None or self._next <= end:
            while (moment := self._deadline()) <= end:
                self.now = moment
                out += self._settle()
            self._next = moment
        self.now = end
        return out

    def flush(self) -> list[Annotation]:
        """The session ends here: whoever speaks stops, and what is undecided is decided on what is known."""
        for voice in self._voices.values():
            if voice.speaking:
                voice.stop(self.now)
        out = [self._lull(lull) for lull in self._lulls.finish(self.now)]
        for speaker in Speaker:
            self._close_ipu(speaker)
            self._close_burst(speaker)
        out += [a for o in list(self._overlaps) for a in self._progress(o)]
        self._overlaps = []
        return out

    def save(self) -> dict[str, Any]:
        """The whole state in plain JSON values."""
        return {
            "begun": self.begun,
            "now": self.now,
            "holder": self.holder,
            "fresh": self._fresh,
            "both": self._both,
            "voices": {speaker.value: dataclasses.asdict(voice) for speaker, voice in self._voices.items()},
            "bursts": {speaker.value: own.counts for speaker, own in self._bursts.items()},
            "raised_db": {speaker.value: db for speaker, db in self._raised_db.items()},
            "overlaps": [dataclasses.asdict(overlap) for overlap in self._overlaps],
            "lulls": dataclasses.asdict(self._lulls),
        }

    @classmethod
    def restore(cls, session: str, saved: Mapping[str, Any], settings: TurnSettings | None = None) -> Self:
        """The detector that ``save`` was called on; going on gives the same annotations."""
        own = cls(session, settings, start=saved["begun"])
        own.now = saved["now"]
        own.holder = _speaker(saved["holder"])
        own._fresh, own._both = saved["fresh"], saved["both"]
        own._voices = {speaker: Voice(**saved["voices"][speaker.value]) for speaker in Speaker}
        own._bursts = {speaker: Bursts(list(saved["bursts"][speaker.value])) for speaker in Speaker}
        own._raised_db = {speaker: saved["raised_db"][speaker.value] for speaker in Speaker}
        own._overlaps = [
            Overlap(
                **{**o, "by": Speaker(o["by"]), "over": Speaker(o["over"]), "ruled": o["ruled"] and Kind(o["ruled"])}
            )
            for o in saved["overlaps"]
        ]
        own._lulls = Lulls(**{**saved["lulls"], "speaker": _speaker(saved["lulls"]["speaker"])})
        return own

    @property
    def undecided(self) -> tuple[Overlap, ...]:
        """Overlaps whose type is open, oldest first."""
        return tuple(self._overlaps)

    @property
    def waits_until(self) -> int:
        """Until activity changes, no step that ends before this moment does anything."""
        return self.now if self._next is None else self._next

    # Moments

    def _deadline(self) -> int:
        s = self.settings
        moments = [self._lulls.deadline(s), *(o.next_refresh for o in self._overlaps)]
        for speaker, voice in self._voices.items():
            moments.append(voice.deadline(s))
            moments.append(self._alone_from(speaker) + s.floor_samples if self.holder is not speaker else NEVER)
            moments.append(voice.missing_start + s.hidden_samples if voice.missing else NEVER)
        return min((m for m in moments if m > self.now), default=NEVER)

    def _change(
        self,
        active: Mapping[Speaker, bool],
        missing: Mapping[Speaker, bool],
        uncertainty: int,
        hears_late: Mapping[Speaker, int],
    ) -> list[Annotation]:
        """Takes in what each partner does from now on. Stops come before starts, on either channel."""
        changed = self._fresh
        speaks: dict[Speaker, bool] = {}
        for speaker, voice in self._voices.items():
            unheard = missing.get(speaker, False)
            speaks[speaker] = active.get(speaker, False) and not unheard
            changed = changed or voice.speaking != speaks[speaker] or voice.missing != unheard
        if not changed:
            return []
        self._fresh, self._next = False, None
        for speaker, voice in self._voices.items():
            voice.hear(self.now, missing.get(speaker, False))
            if voice.speaking and not speaks[speaker]:
                other = self._voices[speaker.other]
                self._both += self.now - max(voice.sound, other.sound) if other.speaking else 0
                voice.stop(self.now)
        starting = [s for s, v in self._voices.items() if speaks[s] and not v.speaking]
        self._claim_floor(starting)
        begun = [speaker for speaker in starting if self._begin(speaker)]
        for speaker in begun if len(begun) < len(Speaker) else [Speaker.B]:
            self._meet(speaker, uncertainty, hears_late.get(speaker, 0))
        return self._settle()

    def _settle(self) -> list[Annotation]:
        """Draws every conclusion that is due now."""
        s = self.settings
        for speaker, voice in self._voices.items():
            if voice.open and not voice.speaking and self.now >= voice.over_at(s):
                self._close_ipu(speaker)
            if voice.burst_open and not voice.speaking and self.now - voice.last >= s.burst_gap_samples:
                self._close_burst(speaker)
        for speaker in Speaker:
            if self.holder is not speaker and self.now - self._alone_from(speaker) >= s.floor_samples:
                self._take_floor(speaker, self.now)
        out = [self._lull(x) for x in self._lulls.settle(self.now, self._voices, self.holder, self.begun, s)]
        for overlap in list(self._overlaps):
            out += self._progress(overlap)
        return out

    # Floor

    def _alone_from(self, speaker: Speaker) -> int:
        """Since when this partner has been speaking alone, NEVER where that is not so or not yet certain."""
        own, other = self._voices[speaker], self._voices[speaker.other]
        return max(own.start, other.end) if own.speaking and not other.open else NEVER

    def _claim_floor(self, starting: list[Speaker]) -> None:
        """A start ends the other's time alone. In a pause, whether that was speech shows only later."""
        for speaker in starting:
            own, other = self._voices[speaker], self._voices[speaker.other]
            if own.open or not other.open or other.speaking:
                continue
            got = max(other.start, own.end) + self.settings.floor_samples
            other.claims = got if got <= self.now else None

    def _begin(self, speaker: Speaker) -> bool:
        """Sound begins; True where it begins an IPU."""
        voice = self._voices[speaker]
        new = voice.begin(self.now, self.settings)
        if new:
            for o in self._overlaps:
                if o.over is speaker and o.over_end is not None and o.resumed is None:
                    o.resumed = self.now + o.late
        elif voice.claims is not None:
            self._take_floor(speaker, voice.claims)
            voice.claims = None
        return new

    def _take_floor(self, speaker: Speaker, at: int) -> None:
        self.holder = speaker
        for o in self._overlaps:
            if o.by is speaker and o.over_end is not None and o.got_floor is None:
                o.got_floor = at + o.late

    def _close_ipu(self, speaker: Speaker) -> None:
        voice = self._voices[speaker]
        if not voice.open:
            return
        voice.open, voice.claims, voice.end = False, None, voice.last
        for o in self._overlaps:
            if o.by is speaker and o.by_end is None:
                o.by_end, o.lost = voice.end, o.lost or voice.lost
            if o.over is speaker and o.over_end is None:
                o.over_end, o.lost = voice.end + o.late, o.lost or voice.lost

    def _close_burst(self, speaker: Speaker) -> None:
        voice = self._voices[speaker]
        if voice.burst_open and not voice.lost:
            self._bursts[speaker].hear(voice.last - voice.burst_start)
        voice.burst_open = False
        for o in self._overlaps:
            if o.by is speaker and o.burst_end is None:
                o.burst_end = voice.last

    # Overlaps

    def _meet(self, by: Speaker, uncertainty: int, late: int) -> None:
        """``by`` begins an IPU now: over the other's speech, or together with it?

        Over what is still on its way to the starter's ear too: there the other has not ended.
        """
        s = self.settings
        own, other = self._voices[by], self._voices[by.other]
        tie = other.start == self.now  # then neither is the starter
        on_its_way = not other.open and self.now < other.end + late
        if not (other.open or on_its_way) or (own.burst_typed and (other.burst_typed or not tie)):
            return
        heard_for = self.now - late - other.start  # how long the starter had heard the other speak
        if on_its_way and heard_for < s.together_samples:
            return
        silent_for = other.start - max(own.end, other.end)
        together = heard_for < s.together_samples and silent_for >= s.mutual_silence_samples
        if together:
            late = 0  # neither answers what they hear: they met in session time or not at all
        else:
            spoke_for = self.now - other.start
            until = other.end if on_its_way else self.now
            held = self.holder is by.other or until - max(other.start, own.end) >= s.floor_samples
            if spoke_for < s.together_samples or not held:
                return
        own.burst_typed = True
        other.burst_typed = other.burst_typed or tie
        unsure = own.unsure_start or other.unsure_start or heard_for < s.together_samples + uncertainty
        unsure = unsure or self._perhaps_together(own, other, late)
        self._overlaps.append(
            Overlap(
                by=by,
                over=by.other,
                start=self.now,
                burst_start=own.burst_start,
                over_start=other.start + late,
                over_end=other.end + late if on_its_way else None,
                lost=on_its_way and other.lost,
                together=together,
                blame=not (together or unsure),
                uncertainty=uncertainty,
                late=late,
                next_refresh=self.now + s.refresh_samples,
                context=context(self.now, other),
                both_share=both_share(self._both, self.now - self.begun),
                over_raised_db=self._raised_db[by.other],
            )
        )

    def _perhaps_together(self, own: Voice, other: Voice, late: int) -> bool:
        """Whether ``own``, who begins now, might have entered with ``other`` if boundaries lay a little elsewhere."""
        s = self.settings
        heard_for = self.now - late - other.sound
        silent_for = other.sound - max(own.last, other.before)
        near = heard_for < s.together_samples + s.blame_margin_samples
        return near and silent_for >= s.mutual_silence_samples - s.blame_margin_samples

    def _progress(self, o: Overlap) -> list[Annotation]:
        """Says of an overlap what is due, and lets go of it once its type is said."""
        s = self.settings
        by, over = self._voices[o.by], self._voices[o.over]
        o.heard_by = by.heard_until(self.now) if o.by_end is None else o.by_end
        o.heard_over = over.heard_until(self.now) + o.late if o.over_end is None else o.over_end
        o.burst_heard = by.heard_until(self.now) if o.burst_end is None else o.burst_end
        o.goes_on = self._bursts[o.by].goes_on(o.burst_heard - o.burst_start)
        o.by_raised_db = self._raised_db[o.by]
        o.claiming = by.claims is not None
        if o.ruled is None:
            o.ruled = rule(o, s)
        due = self.now >= o.next_refresh
        if due:
            o.next_refresh += s.refresh_samples
        if o.heard < s.min_overlap_samples:
            if o.closed:
                self._overlaps.remove(o)
                if o.heard <= 0 and by.burst_start == o.burst_start:
                    by.burst_typed = False  # the other's pause was an end: they never met
            return []
        p = self._model.p_interruption(o, self.now)
        out: list[Annotation] = []
        if due or (o.ruled and not o.announced):
            o.announced = True
            out.append(self._say(o, Kind.OVERLAP, "open", p))
        if o.ruled:
            self._overlaps.remove(o)
            out.append(self._say(o, final_kind(o, p, s), "final", p))
        return out

    def _say(self, o: Overlap, kind: Kind, status: Status, p: float) -> Annotation:
        sure = o.blame and not o.lost and o.heard > o.uncertainty
        confidence = p if kind in INTERRUPTION_KINDS else 1.0 - p
        return Annotation(
            id=event_id(self.session, DETECTOR, "overlap", None if o.together else o.by, o.start),
            session=self.session,
            kind=kind,
            status=status,
            span=Span(o.start, o.start + o.heard),
            decided=self.now,
            detector=DETECTOR,
            confidence=confidence if sure or o.together else min(confidence, _UNSURE_CONFIDENCE),
            by=o.by if sure else None,
            over=o.over if sure else None,
            p_interruption=p,
        )

    def _lull(self, lull: Lull) -> Annotation:
        end = self.now if lull.end is None else lull.end
        return Annotation(
            id=event_id(self.session, DETECTOR, lull.kind, lull.by, lull.start),
            session=self.session,
            kind=lull.kind,
            status="open" if lull.end is None else "final",
            span=Span(lull.start, end),
            decided=self.now,
            detector=DETECTOR,
            by=lull.by,
        )


def annotate_activity(
    session: str,
    activity: Mapping[Speaker, list[Span]],
    settings: TurnSettings | None = None,
    *,
    model: TurnModel | None = None,
) -> list[Annotation]:
    """All that is to be said of given speech activity (each partner's spans sorted and disjoint)."""
    detector = TurnDetector(session, settings, model=model)
    out = [a for end, active in changes(activity) for a in detector.step(end, active, {})]
    return out + detector.flush()


def changes(activity: Mapping[Speaker, list[Span]]) -> Iterator[tuple[int, dict[Speaker, bool]]]:
    """The activity as steps: each end, and who speaks up to it."""
    edges = sorted(
        (at, speaker, on)
        for speaker, spans in activity.items()
        for span in spans
        for at, on in ((span.start, True), (span.end, False))
        if span.length
    )
    active = dict.fromkeys(Speaker, False)
    for at, speaker, on in edges:
        yield at, dict(active)
        active[speaker] = on


def _speaker(value: str | None) -> Speaker | None:
    return None if value is None else Speaker(value)
