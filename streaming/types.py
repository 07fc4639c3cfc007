"""The values that travel between the folders.

All times are **session time**: whole samples at 16 kHz since the session began. A bare ``start``,
``end`` or ``decided`` is such an integer. Seconds exist only on the wire (see ``wire``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
STEP = 1 / 32_768  # live samples are whole multiples of it: 16 bits are all that decoders give

Samples: TypeAlias = NDArray[np.float32]
Status: TypeAlias = Literal["open", "final"]


class Speaker(StrEnum):
    """A partner. Observers have no voice here."""

    A = "a"
    B = "b"

    @property
    def other(self) -> Speaker:
        return Speaker.B if self is Speaker.A else Speaker.A


class Kind(StrEnum):
    """What a detector can say. Values are the wire's words (see EVENTS in the docs)."""

    SPEECH = "speech"
    OVERLAP = "overlap"  # open only: a type follows with the same id
    DUAL_START = "dual_start"
    TALK_OVER = "talk_over"
    TERMINAL_OVERLAP = "terminal_overlap"
    BACKCHANNEL = "backchannel"
    TOOK_FLOOR = "took_floor"
    BUTTED_IN = "butted_in"
    LONG_SILENCE = "long_silence"
    MONOLOGUE = "monologue"
    AROUSAL = "arousal"
    AROUSAL_RISE = "arousal_rise"
    AROUSAL_SETTLED = "arousal_settled"
    QUALITY = "quality"
    WORDS = "words"  # open: a partial text, taken back or replaced by the final of the same id


OVERLAP_KINDS = frozenset(
    {Kind.DUAL_START, Kind.TALK_OVER, Kind.TERMINAL_OVERLAP, Kind.BACKCHANNEL, Kind.TOOK_FLOOR, Kind.BUTTED_IN}
)
INTERRUPTION_KINDS = frozenset({Kind.TOOK_FLOOR, Kind.TALK_OVER})


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open range of samples; adjacent spans do not overlap."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"span ends at {self.end}, before it starts at {self.start}")

    @property
    def length(self) -> int:
        return self.end - self.start

    def overlap(self, other: Span) -> int:
        """Samples that both spans cover, 0 where they do not meet."""
        return max(0, min(self.end, other.end) - max(self.start, other.start))


def joined(spans: Iterable[Span], apart: int = 1) -> list[Span]:
    """The spans sorted, those less than ``apart`` samples apart made one, empty ones left out."""
    out: list[Span] = []
    for span in sorted((span for span in spans if span.length), key=lambda span: span.start):
        if out and span.start - out[-1].end < apart:
            out[-1] = Span(out[-1].start, max(out[-1].end, span.end))
        else:
            out.append(span)
    return out


@dataclass(frozen=True, slots=True, eq=False)
class AudioChunk:
    """Consecutive audio of one partner, placed in session time.

    ``samples`` is float32 of shape (n,), -1 to 1, 16 kHz mono, live in whole steps of 16 bits (``on_steps``), so
    that the bus carries them exactly; where ``missing`` is true nothing
    was heard (loss, mute, reconnect) and the samples are zeros that mean "unknown", not "silent".
    ``concealed`` audio is the decoder's guess at a short loss: it keeps models going, and is no evidence.
    Chunks of one partner are contiguous: each starts where the one before it ended.

    ``uncertainty`` is how far, in samples, the placement may be off; ``hears_late`` how many
    samples later than session time this partner hears the other. Both are 0 for files.
    """

    session: str
    speaker: Speaker
    start: int
    samples: Samples
    missing: bool = False
    uncertainty: int = 0
    hears_late: int = 0
    concealed: bool = False

    @property
    def end(self) -> int:
        return self.start + len(self.samples)


def on_steps(samples: NDArray[np.floating[Any]]) -> Samples:
    """The samples as 16 bits can tell them; what is louder than they can tell stays as loud."""
    out: Samples = np.multiply(np.rint(samples / STEP), STEP, dtype=np.float32)
    return out


@dataclass(frozen=True, slots=True)
class Word:
    """One spoken word. ``confidence`` is the transcriber's own, 0 to 1."""

    text: str
    span: Span
    confidence: float


@dataclass(frozen=True, slots=True)
class Annotation:
    """What a detector says of a span. A later one with the same ``id`` revises an earlier one.

    ``decided`` is the session time up to which audio had to be heard to say so, hence
    ``decided - span.end`` is the algorithmic delay. ``confidence`` runs from 0 to 1.
    """

    id: str
    session: str
    kind: Kind
    status: Status
    span: Span
    decided: int
    detector: str
    confidence: float = 1.0
    by: Speaker | None = None
    over: Speaker | None = None
    p_interruption: float | None = None  # 0 to 1, overlaps only
    level: float | None = None  # arousal, 0 to 1, 0.5 = own baseline
    z: float | None = None  # arousal, own-baseline standard deviations
    recovery_s: float | None = None  # arousal_settled: seconds since the rise began
    reason: str | None = None  # quality: clipping, noisy, narrow_band, muted, gain_control, bleed
    text: str | None = None  # words: what was said; "" takes a partial text back
    language: str | None = None  # words: two letters
    words: tuple[Word, ...] | None = None  # words: in order of time


@dataclass(frozen=True, slots=True)
class Cue:
    """A gentle word for both partners, decided by the coach at session time ``at``."""

    id: str
    session: str
    level: int
    text: str
    at: int
    ttl_s: float
    because: tuple[str, ...] = ()
    kind: Literal["cue"] = "cue"
    detector: str = "coach@1"


@dataclass(frozen=True, slots=True)
class Happening:
    """What people or the gateway did: consent, painted, dismissed, paused, joined, ended …

    ``detail`` holds plain JSON values and travels beside the envelope's own fields.
    """

    id: str
    session: str
    kind: str
    at: int
    by: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    detector: str = "gateway@1"


Line: TypeAlias = Annotation | Cue | Happening
