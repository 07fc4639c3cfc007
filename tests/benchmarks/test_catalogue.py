"""Every benchmark that is named can be run."""

from __future__ import annotations

from importlib import import_module

import pytest

from benchmarks.catalogue import BENCHES, bench, described, names
from streaming.errors import UnusableInput


@pytest.mark.parametrize("module", BENCHES.values())
def test_each_module_has_a_run(module: str) -> None:
    assert callable(import_module(module).run)


def test_the_list_says_of_each_in_a_sentence_what_it_measures() -> None:
    told = [line.split(maxsplit=1) for line in described()]
    assert [name for name, _ in told] == names()
    assert all(len(sentence.split()) > 5 and sentence.endswith(".") for _, sentence in told)


def test_another_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnusableInput, match=", ".join(names())):
        bench("speed", quick=True, json=None, picture=None)
