"""Growing extremely randomised trees (Geurts, Ernst, Wehenkel 2006) with numpy: few lines, one seed, one answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.forest import Forest, Tree

Table = NDArray[np.float64]
Truth = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Growth:
    """How a forest is grown. Large leaves because a conversation's events resemble one another."""

    trees: int = 60
    leaf: int = 15  # the least rows in a leaf
    tried: float = 0.5  # share of the features tried at a node, one random split each


def grow(x: Table, y: Truth, growth: Growth, seed: int = 0) -> Forest:
    """A forest on rows ``x`` (n, features) with truth ``y`` (n,), not yet calibrated."""
    rng = np.random.default_rng(seed)
    return Forest(tuple(_tree(x, y.astype(float), growth, rng) for _ in range(growth.trees)))


def calibrated(forest: Forest, mean: Table, y: Truth) -> Forest:
    """The forest with slope and offset fitted (Platt) to held-out means of events with truth ``y``."""
    share = np.clip(mean, 1e-3, 1 - 1e-3)
    design = np.stack([np.log(share / (1 - share)), np.ones(len(share))], axis=1)
    weights = np.array([1.0, 0.0])
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ weights))
        hessian = (design * (p * (1 - p))[:, None]).T @ design + 1e-6 * np.eye(2)
        weights = weights - np.linalg.solve(hessian, design.T @ (p - y))
    return Forest(forest.trees, round(float(weights[0]), 4), round(float(weights[1]), 4))


def means(forest: Forest, x: Table) -> Table:
    """``Forest.mean`` of every row, all rows at once."""
    total = np.zeros(len(x))
    for tree in forest.trees:
        feature, split, right = (np.array(part) for part in (tree.feature, tree.split, tree.right))
        node = np.zeros(len(x), int)
        while (inner := feature[node] >= 0).any():
            at = node[inner]
            low = x[inner, feature[at]] <= split[at]
            node[inner] = np.where(low, at + 1, right[at])
        total += split[node]
    return total / len(forest.trees)


def _tree(x: Table, y: Table, growth: Growth, rng: np.random.Generator) -> Tree:
    feature: list[int] = []
    split: list[float] = []
    right: list[int] = []
    todo: list[tuple[NDArray[np.intp], int]] = [(np.arange(len(x)), -1)]  # rows, and whose right child they are
    while todo:
        rows, parent = todo.pop()
        node = len(feature)
        if parent >= 0:
            right[parent] = node
        best = _split(x[rows], y[rows], growth, rng)
        feature.append(best[0])
        split.append(round(best[1], 4))
        right.append(0)
        if best[0] >= 0:
            low = x[rows, best[0]] <= split[node]
            todo += [(rows[~low], node), (rows[low], -1)]
    return Tree(tuple(feature), tuple(split), tuple(right))


def _split(x: Table, y: Table, growth: Growth, rng: np.random.Generator) -> tuple[int, float]:
    """The best of some random splits as (feature, threshold), or (-1, share) for a leaf."""
    n, best, gain = len(y), (-1, float(y.mean())), 1e-9
    if n < 2 * growth.leaf or y.min() == y.max():
        return best
    tried = rng.permutation(x.shape[1])[: max(1, round(growth.tried * x.shape[1]))]
    low, high = x[:, tried].min(axis=0), x[:, tried].max(axis=0)
    at = np.round(low + rng.random(len(tried)) * (high - low), 4)
    side = x[:, tried] <= at
    count = side.sum(axis=0)
    ones = (side * y[:, None]).sum(axis=0)
    fits = (count >= growth.leaf) & (n - count >= growth.leaf)
    if not fits.any():
        return best
    rest = np.maximum(n - count, 1)
    score = ones**2 / np.maximum(count, 1) + (y.sum() - ones) ** 2 / rest - y.sum() ** 2 / n
    score[~fits] = -1.0
    i = int(score.argmax())
    return (int(tried[i]), float(at[i])) if score[i] > gain else best
