"""Speech activity given as RTTM: ``SPEAKER file channel onset_s duration_s <NA> <NA> name <NA> <NA>``."""

from __future__ import annotations

from pathlib import Path

from streaming.errors import UnusableInput
from streaming.types import Span, Speaker
from streaming.wire import samples


def read_rttm(path: Path) -> dict[Speaker, list[Span]]:
    """Each partner's speech, sorted, touching or overlapping spans joined.

    Speakers named ``a`` and ``b`` keep their names, otherwise the first to speak is ``a``.
    """
    if not path.is_file():
        raise UnusableInput(f"{path}: no such file; give an RTTM file with two speakers")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UnusableInput(f"{path}: not a text file; give an RTTM file with two speakers") from error
    named: dict[str, list[Span]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split()
        if not fields or fields[0] != "SPEAKER":
            continue
        try:
            onset_s, duration_s, name = float(fields[3]), float(fields[4]), fields[7]
            if not (onset_s >= 0 and duration_s >= 0 and onset_s + duration_s < float("inf")):
                raise ValueError
            named.setdefault(name, []).append(Span(samples(onset_s), samples(onset_s + duration_s)))
        except (IndexError, ValueError) as error:
            raise UnusableInput(
                f"{path}:{number}: expected 'SPEAKER file 1 onset_s duration_s <NA> <NA> name', got {line[:80]!r}"
            ) from error
    if not named or len(named) > 2:
        raise UnusableInput(f"{path}: names {len(named)} speakers where 1 or 2 were expected; cut it to two partners")
    order = sorted(named, key=lambda name: min(span.start for span in named[name]))
    if not set(order) <= {"a", "b"}:
        named = dict(zip(("a", "b"), (named[name] for name in order), strict=False))
    return {speaker: joined(named.get(speaker.value, [])) for speaker in Speaker}


def joined(spans: list[Span]) -> list[Span]:
    """The spans sorted, touching or overlapping ones made one, empty ones left out."""
    out: list[Span] = []
    for span in sorted(spans, key=lambda s: s.start):
        if span.length == 0:
            continue
        if out and span.start <= out[-1].end:
            out[-1] = Span(out[-1].start, max(out[-1].end, span.end))
        else:
            out.append(span)
    return out
