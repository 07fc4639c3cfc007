from __future__ import annotations

import re
from dataclasses import fields

import pytest

from coach.settings import PRESETS, CoachSettings, settings_from_toml, settings_to_toml
from streaming.errors import UnusableInput


def test_a_policy_file_starts_from_a_preset_and_changes_what_it_names() -> None:
    settings = settings_from_toml('preset = "gentle"\ncluster_count = 4\nwait_s = 4\n')
    assert settings.cluster_count == 4
    assert settings.wait_s == 4.0
    assert settings.spacing_s == PRESETS["gentle"].spacing_s


@pytest.mark.parametrize("name", PRESETS)
def test_a_policy_written_out_is_read_back_as_it_was(name: str) -> None:
    text = settings_to_toml(PRESETS[name])
    assert settings_from_toml(text) == PRESETS[name]
    assert f"spacing_s = {PRESETS[name].spacing_s}  # from 90 to 1800\n" in text


def test_an_empty_policy_file_is_the_standard_policy() -> None:
    assert settings_from_toml("") == CoachSettings()


@pytest.mark.parametrize(
    ("text", "line", "reason", "nearest"),
    [
        ("# mine\nspacing_s = 30\n", 2, "must be a number from 90 to 1800", "90"),
        ("cues_per_window = 9", 1, "must be a whole number from 0 to 4", "4"),
        ("\n\ncluster_count = 3.6", 3, "not a whole number from 3 to 6", "4"),
        ('wait_s = "soon"', 1, "not a number from 1 to 5", "1"),
        ("wait_s = nan", 1, "not a number from 1 to 5", "1"),
        ("wait_s = inf", 1, "must be a number from 1 to 5", "5"),
        ("cluster_count = inf", 1, "not a whole number from 3 to 6", "6"),
        ("cluster_count = true", 1, "not a whole number from 3 to 6", "3"),
        ("wait_s = 3\nspacings = 100", 2, "no setting is called 'spacings'", "'spacing_s'"),
        ('preset = "gentel"', 1, "no preset is called 'gentel'", "'gentle'"),
        ("preset = 3", 1, "no preset is called 3", "'standard'"),
        ("[dose]\nspacing_s = 100", 1, "no setting is called 'dose'", "'dense_s'"),
        ("wait_s = 3\nspacing_s ninety", 2, "Expected '='", "spacing_s = 120"),
    ],
)
def test_a_bad_policy_file_is_told_the_line_the_reason_and_the_nearest_value(
    text: str, line: int, reason: str, nearest: str
) -> None:
    with pytest.raises(UnusableInput) as caught:
        settings_from_toml(text, "mine.toml")
    message = str(caught.value)
    assert message.startswith(f"mine.toml:{line}: ")
    assert re.search(re.escape(reason), message)
    assert nearest in message.split(reason)[1]


def test_no_setting_can_break_the_dose_of_practice() -> None:
    bounds = {spec.name: spec.metadata for spec in fields(CoachSettings)}
    assert bounds["spacing_s"]["low"] >= 90.0
    assert bounds["cues_per_window"]["high"] <= 4
    assert bounds["dose_window_s"]["low"] >= 600.0
    assert bounds["ignored_before_silence"]["high"] <= 2
    assert bounds["wait_s"]["high"] <= 5.0


def test_settings_made_in_code_are_held_to_the_same_bounds() -> None:
    with pytest.raises(UnusableInput, match=r"spacing_s is 10\.0.*nearest valid value is 90"):
        CoachSettings(spacing_s=10.0)


def test_presets_get_gentler_in_the_order_of_their_names() -> None:
    standard, gentle, hardly = PRESETS["standard"], PRESETS["gentle"], PRESETS["hardly_ever"]
    assert standard.spacing_s < gentle.spacing_s < hardly.spacing_s
    assert standard.cues_per_window > gentle.cues_per_window > hardly.cues_per_window
