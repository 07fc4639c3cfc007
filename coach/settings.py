"""Everything a therapist may change about the coach, within bounds that keep it gentle.

Each number stands with its unit in its name, its bounds and its reason. The dose bounds are those
of practice: nothing set here can make the coach speak more often than once in 90 s, or more than
four times in ten minutes.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass, field, fields, replace
from typing import Any

from streaming.errors import UnusableInput

SHORTEST_TIME_OUT_MIN = 20  # bodies need about twenty minutes to come down
LONGEST_TIME_OUT_MIN = 60  # later than this it is another day, and needs another word


def _within(default: float, low: float, high: float) -> Any:
    return field(default=default, metadata={"low": low, "high": high})


def _check(name: str, value: object, low: float, high: float, whole: bool, where: str = "") -> None:
    kind = "a whole number" if whole else "a number"
    span = f"from {low:g} to {high:g}"
    number = isinstance(value, int | float) and not isinstance(value, bool) and value == value
    if not number or (whole and not isinstance(value, int)):
        near = round(max(low, min(high, value))) if number and isinstance(value, float) else low
        raise UnusableInput(f"{where}{name} is {value!r}, not {kind} {span}; nearest valid value is {near:g}")
    assert isinstance(value, int | float)
    if not low <= value <= high:
        near = max(low, min(high, value))
        raise UnusableInput(f"{where}{name} is {value!r}, must be {kind} {span}; nearest valid value is {near:g}")


@dataclass(frozen=True, slots=True)
class CoachSettings:
    """One policy. Raises UnusableInput where a number lies outside its bounds."""

    # Dose. Lower bounds are the rule of practice itself: hints more often than this annoy and are ignored.
    spacing_s: float = _within(90.0, 90.0, 1800.0)
    after_dismissal_s: float = _within(180.0, 90.0, 1800.0)  # a dismissed cue came at a bad time: wait longer
    cues_per_window: int = _within(4, 0, 4)
    dose_window_s: float = _within(600.0, 600.0, 3600.0)
    ignored_before_silence: int = _within(2, 1, 2)

    # Level 1: a cluster of interruptions, never a single one.
    cluster_count: int = _within(3, 3, 6)
    cluster_window_s: float = _within(60.0, 30.0, 60.0)
    talk_overs_s: float = _within(20.0, 10.0, 60.0)  # a whole cluster of talk-overs this close is unusual for anybody
    dense_s: float = _within(20.0, 10.0, 60.0)  # interruptions this close together …
    dense_relief: int = _within(2, 0, 3)  # … need so many fewer, but never fewer than the cluster

    # The couple's own overlap habit raises the cluster while voices are calm. Chosen on 14 conversations of
    # couples and relatives (Santa Barbara Corpus timing) so that calm talk brings less than one cue an hour.
    habit_per_min_cap: int = _within(3, 1, 6)  # more than this in a minute is a burst, not a habit
    talk_known_s: float = _within(30.0, 10.0, 300.0)  # speech of both before anything is known of their habit
    habit_after_s: float = _within(120.0, 60.0, 600.0)  # speech of both before the habit may be carried on
    cluster_chance: float = _within(0.0002, 0.00001, 0.02)  # of so many within one window of their usual talk
    usual_per_min: float = _within(0.5, 0.1, 3.0)  # until they are known
    usual_weight_min: float = _within(1.0, 0.5, 10.0)  # that guess counts as much as so many minutes
    carried_weight_min: float = _within(5.0, 1.0, 30.0)  # a habit known from before counts for more
    sparse_per_min: float = _within(0.2, 0.0, 0.5)  # who overlaps this rarely is held to the plain rule …
    sparse_after_s: float = _within(60.0, 30.0, 600.0)  # … once so much speech was heard before the cluster

    # Level 2: arousal that stays up. Shorter rises mostly settle by themselves.
    rise_sustained_s: float = _within(6.0, 3.0, 60.0)
    still_up_level: float = _within(0.62, 0.55, 0.95)  # 0.5 is a person's own usual; above this they have not come down
    still_up_s: float = _within(6.0, 2.0, 20.0)  # how far back the newest arousal points may reach

    rise_forgotten_s: float = _within(120.0, 30.0, 600.0)  # a rise that is neither confirmed nor settled

    # Level 3: reflect after a breath or a long monologue.
    reflect_silence_s: float = _within(0.7, 0.4, 5.0)  # longer than the pauses inside a turn
    turn_s: float = _within(1.0, 1.0, 3.0)  # longer than a listening sound: the other has answered a monologue
    reflect_wait_s: float = _within(15.0, 3.0, 60.0)  # after a monologue: later than this the thread has moved on
    reflect_after_breath_s: float = _within(150.0, 90.0, 600.0)  # the breath must still be remembered

    # Level 4: a time-out.
    breaths_before_time_out: int = _within(2, 1, 4)
    breaths_window_s: float = _within(600.0, 300.0, 3600.0)
    time_out_min: int = _within(SHORTEST_TIME_OUT_MIN, SHORTEST_TIME_OUT_MIN, LONGEST_TIME_OUT_MIN)

    # Timing. A hint more than 5 s late is noise.
    wait_s: float = _within(5.0, 1.0, 5.0)  # for a turn boundary; then the cue is let go
    boundary_s: float = _within(0.2, 0.2, 1.0)  # mutual silence that counts as a boundary: a usual gap between turns
    change_s: float = _within(0.6, 0.3, 1.0)  # a new speaker counts as a boundary for this long
    at_once_s: float = _within(1.0, 1.0, 3.0)  # both speaking this long is no backchannel
    neutral_s: float = _within(60.0, 0.0, 180.0)  # easy talk to begin with, where the two are not known yet
    settle_in_s: float = _within(45.0, 0.0, 300.0)  # no cue before: baselines and habits are too young

    # Abstaining.
    min_confidence: float = _within(0.6, 0.5, 0.95)  # of arousal, monologues and reports of poor audio
    # A calibrated detector is seldom sure of one overlap: 0.5 is more likely than not, and there must be three.
    interruption_confidence: float = _within(0.5, 0.5, 0.95)
    one_sided_confidence: float = _within(0.6, 0.5, 0.99)  # a leaking microphone makes one partner "interrupt" always
    poor_audio_s: float = _within(10.0, 2.0, 60.0)  # after poor audio was last reported
    heard_s: float = _within(3.0, 0.5, 30.0)  # own speech before a partner counts as heard at all

    # What came of a cue.
    change_within_s: float = _within(60.0, 30.0, 90.0)
    reaction_s: float = _within(2.0, 0.5, 5.0)  # what happens before it was under way already

    def __post_init__(self) -> None:
        for spec in fields(self):
            _check(spec.name, getattr(self, spec.name), spec.metadata["low"], spec.metadata["high"], spec.type == "int")


PRESETS: dict[str, CoachSettings] = {
    "standard": CoachSettings(),
    "gentle": CoachSettings(
        spacing_s=150.0, after_dismissal_s=300.0, cues_per_window=3, rise_sustained_s=8.0, settle_in_s=60.0
    ),
    "hardly_ever": CoachSettings(
        spacing_s=300.0,
        after_dismissal_s=600.0,
        cues_per_window=1,
        ignored_before_silence=1,
        cluster_count=5,
        rise_sustained_s=15.0,
        settle_in_s=120.0,
        min_confidence=0.75,
        interruption_confidence=0.65,
        one_sided_confidence=0.85,
    ),
}


def settings_from_toml(text: str, source: str = "policy") -> CoachSettings:
    """The policy that ``text`` describes: ``preset = "gentle"`` and any numbers that differ from it.

    Raises UnusableInput with the line, the reason and the nearest valid value.
    """
    given = read_toml(text, source, "write one setting a line, such as 'spacing_s = 120'")
    preset = given.pop("preset", "standard")
    if not isinstance(preset, str) or preset not in PRESETS:
        raise UnusableInput(
            f"{source}:{_line(text, 'preset')}: no preset is called {preset!r}; "
            f"nearest is {_nearest(str(preset), list(PRESETS))!r} (there are {', '.join(PRESETS)})"
        )
    specs = {spec.name: spec for spec in fields(CoachSettings)}
    numbers: dict[str, Any] = {}
    for name, value in given.items():
        where = f"{source}:{_line(text, name)}: "
        if name not in specs:
            raise UnusableInput(f"{where}no setting is called {name!r}; nearest is {_nearest(name, list(specs))!r}")
        spec = specs[name]
        whole = spec.type == "int"
        _check(name, value, spec.metadata["low"], spec.metadata["high"], whole, where)
        numbers[name] = value if whole else float(value)
    return replace(PRESETS[preset], **numbers)


def read_toml(text: str, source: str, advice: str) -> dict[str, Any]:
    """Raises UnusableInput with the line, the reason and the advice."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = found.group(1) if found else str(text.count("\n") + 1)
        reason = re.sub(r"\s*\(at .*\)", "", str(error))
        raise UnusableInput(f"{source}:{line}: {reason}; {advice}") from error


def settings_to_toml(settings: CoachSettings) -> str:
    """Every number with its bounds beside it: a file to start one's own policy from."""
    lines = ["# Change what you need; leave out what may stay as it is."]
    for spec in fields(settings):
        low, high = spec.metadata["low"], spec.metadata["high"]
        lines.append(f"{spec.name} = {getattr(settings, spec.name)}  # from {low:g} to {high:g}")
    return "\n".join(lines) + "\n"


def _nearest(word: str, known: list[str]) -> str:
    return max(known, key=lambda name: difflib.SequenceMatcher(None, word, name).ratio())


def _line(text: str, name: str) -> int:
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(rf"\s*\[?\s*[\"']?{re.escape(name)}[\"']?\s*[=.\]]", line):
            return number
    return 1
