"""Speech activity given as RTTM: ``SPEAKER file channel onset_s duration_s <NA> <NA> name <NA> <NA>``."""

from __future__ import annotations

from pathlib import Path

from streaming.errors import UnusableInput
from streaming.types import Span, Speaker, joined
from streaming.wire import samples

_STRAY_SHARE = 0.02  # of all speech: a voice at the door is no third partner


def read_rttm(path: Path) -> dict[Speaker, list[Span]]:
    """Each partner's speech, sorted, touching or overlapping spans joined.

    Speakers named ``a`` and ``b``, in small letters or large, keep their names, otherwise the first to speak is ``a``.
    Beside two who hold nearly all of the speech, others are left out (``strays`` names them); raises UnusableInput
    where they are more.
    """
    named = _named(path)
    for name in strays(path):
        del named[name]
    order = sorted(named, key=lambda name: min(span.start for span in named[name]))
    small = {name.lower(): spans for name, spans in named.items()}
    if len(small) == len(named) and set(small) <= {"a", "b"}:
        named = small
    else:
        named = dict(zip(("a", "b"), (named[name] for name in order), strict=False))
    return {speaker: joined(named.get(speaker.value, [])) for speaker in Speaker}


def strays(path: Path) -> list[str]:
    """Who speaks too little to be a partner, beside two who are. Raises UnusableInput as ``read_rttm`` does."""
    named = _named(path)
    spoken = {name: sum(span.length for span in spans) for name, spans in named.items()}
    others = sorted(named, key=lambda name: -spoken[name])[2:]
    if not named or sum(spoken[name] for name in others) > _STRAY_SHARE * sum(spoken.values()):
        raise UnusableInput(f"{path}: names {len(named)} speakers where 1 or 2 were expected; cut it to two partners")
    return sorted(others)


def _named(path: Path) -> dict[str, list[Span]]:
    """All speech by the speaker's name in the file."""
    if not path.is_file():
        raise UnusableInput(f"{path}: no such file; give an RTTM file with two speakers")
    try:
        text = path.read_text(encoding="utf-8-sig")  # Windows' editors begin a file with a mark
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
    return named
