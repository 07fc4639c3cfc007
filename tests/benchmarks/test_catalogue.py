"""Every benchmark that is named can be run."""

from __future__ import annotations

from importlib import import_module

import pytest

from benchmarks.catalogue import BENCHES, bench, names
from streaming.errors import UnusableInput


@pytest.mark.parametrize("module", BENCHES.values())
def test_each_module_has_a_run(module: str) -> None:
    assert callable(import_module(module).run)


def test_another_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnusableInput, match=", ".join(names())):
        bench("speed", quick=True, json=None, picture=None)
