"""A forest of small decision trees, read from JSON and asked in plain Python: the same on every machine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

_LEAF = -1


@dataclass(frozen=True, slots=True)
class Tree:
    """Nodes in parallel lists. Node i asks whether ``feature[i]`` is at most ``split[i]``: then the next node,
    else ``right[i]``. A leaf has feature -1, and its split is the share of its training events."""

    feature: tuple[int, ...]
    split: tuple[float, ...]
    right: tuple[int, ...]

    def share(self, x: Sequence[float]) -> float:
        node = 0
        while (feature := self.feature[node]) != _LEAF:
            node = node + 1 if x[feature] <= self.split[node] else self.right[node]
        return self.split[node]


@dataclass(frozen=True, slots=True)
class Forest:
    """The mean of its trees' shares, made a probability by ``slope`` and ``offset`` on the log-odds."""

    trees: tuple[Tree, ...]
    slope: float = 1.0
    offset: float = 0.0

    def mean(self, x: Sequence[float]) -> float:
        """0 to 1, before calibration. ``x`` holds the features in the order of training."""
        return sum(tree.share(x) for tree in self.trees) / len(self.trees)

    def p(self, x: Sequence[float]) -> float:
        """A calibrated probability."""
        share = min(max(self.mean(x), 1e-3), 1 - 1e-3)
        return 1.0 / (1.0 + math.exp(-(self.offset + self.slope * math.log(share / (1 - share)))))

    def as_json(self) -> dict[str, Any]:
        return {
            "slope": self.slope,
            "offset": self.offset,
            "trees": [[list(tree.feature), list(tree.split), list(tree.right)] for tree in self.trees],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        trees = tuple(Tree(tuple(f), tuple(s), tuple(r)) for f, s, r in data["trees"])
        return cls(trees, data["slope"], data["offset"])
