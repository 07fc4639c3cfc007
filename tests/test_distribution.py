"""The flat package names are safe only while nothing else installed claims them."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from setuptools import find_packages  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[1]
PACKAGES = ("streaming", "detectors", "coach", "gateway", "benchmarks")


@pytest.mark.parametrize("package", PACKAGES)
def test_nobody_else_owns_our_package_names(package: str) -> None:
    assert packages_distributions().get(package) == ["breathmark"]


def test_every_requirement_is_locked_with_a_hash() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    pinned = set(re.findall(r"^([a-z0-9._-]+)==", lock, re.MULTILINE))
    wanted = {
        re.split(r"[\[=<>!;~ ]", need)[0].lower() for need in requires("breathmark") or [] if "extra ==" not in need
    }
    assert wanted - pinned == {"torch"}, "torch alone is pinned in pyproject.toml instead"
    for block in re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in block, block.splitlines()[0]


def test_both_lock_files_agree() -> None:
    def pins(name: str) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))

    runtime, dev = pins("requirements.lock"), pins("requirements-dev.lock")
    assert runtime
    assert {name: dev.get(name) for name in runtime} == runtime


def test_every_room_of_a_package_is_in_what_people_install() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]["include"]
    installed = set(find_packages(str(ROOT), include=wanted))
    files = (file for package in PACKAGES for file in (ROOT / package).rglob("__init__.py"))
    assert {".".join(file.parent.relative_to(ROOT).parts) for file in files} == installed
