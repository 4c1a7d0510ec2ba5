"""The trees of a selector: how much too rare the like of a drawn row is drawn (`refining.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lookalike.codec.slot import Array

DEPTH = 5  # of a tree, so that a bit of a word stands for each of its leaves
LEAVES, ALL = 2**DEPTH, np.uint32(2**32 - 1)
AT_ONCE = 256  # rows, so that the bits of all their trees stay near the core
MANTISSA, BIAS = 23, 127  # bits of a float32 below its exponent, and the exponent of 1


@dataclass
class Selector:
    """Boosted trees as arrays, those of all folds one after the other: the mean of the folds.

    feature: (nodes,) the slot that a node asks, 0 at a leaf; threshold: (nodes,), above which a row goes to
    the right, infinite at a leaf; below: (nodes, 2) the next node, itself at a leaf; value: (nodes,) of a
    leaf; roots: (trees,). strength: how far it is believed; first: what all rows begin with.
    """

    feature: Array
    threshold: Array
    below: Array
    value: Array
    roots: Array
    strength: float
    first: float

    def log_weights(self, x: Array) -> Array:
        """(rows, slots) features -> (rows,) log of how much too rare the like of each row is drawn.

        No tree is followed from node to node. Each value of a row leaves some leaves of each tree possible;
        of what all its values leave, the leftmost leaf is the row's (Lucchese et al., QuickScorer, 2015).
        """
        values, left = self._leaves
        bins = [np.searchsorted(edges, x[:, slot]) for slot, edges, _ in left]
        first_leaf, total = np.arange(len(self.roots)) * LEAVES, np.zeros(len(x))
        for start in range(0, len(x), AT_ONCE):
            own = slice(start, start + AT_ONCE)
            possible = np.full((len(total[own]), len(self.roots)), ALL)
            for (_, _, bits), place in zip(left, bins, strict=True):
                possible &= bits[place[own]]
            lowest = possible & (~possible + np.uint32(1))
            leaf = (lowest.astype(np.float32).view(np.int32) >> MANTISSA) - BIAS  # which bit it is
            total[own] = values[leaf + first_leaf].sum(1)
        return self.strength * (total + self.first)

    @cached_property
    def _leaves(self) -> tuple[Array, list[tuple[int, Array, Array]]]:
        """(trees x LEAVES,) the value of each leaf, a tree's from left to right; and for each slot that is
        asked its thresholds in order, and (thresholds + 1, trees) which leaves are possible, as bits, for a
        value above none of them, one, two, ...
        """
        values = np.zeros((len(self.roots), LEAVES))
        asked: dict[int, list[tuple[float, int, int]]] = {}  # slot -> threshold, tree, leaves below it

        def walk(node: int, tree: int, leaf: int) -> int:
            """The number of the next leaf; `leaf`: that of the first one at or under the node."""
            low, high = self.below[node].tolist()
            if low == node:
                values[tree, leaf] = self.value[node]
                return leaf + 1
            middle = walk(low, tree, leaf)
            below = (1 << middle) - (1 << leaf)
            asked.setdefault(int(self.feature[node]), []).append((self.threshold[node], tree, below))
            return walk(high, tree, middle)

        for tree, root in enumerate(self.roots.tolist()):
            walk(root, tree, 0)
        found = []
        for slot, nodes in sorted(asked.items()):
            edges = np.unique([threshold for threshold, _, _ in nodes])
            bits = np.full((len(edges) + 1, len(self.roots)), ALL)
            for threshold, tree, below in nodes:
                bits[np.searchsorted(edges, threshold) + 1, tree] &= ~np.uint32(below)
            found.append((slot, edges, np.bitwise_and.accumulate(bits, 0)))
        return values.ravel(), found

    def arrays(self) -> dict[str, Tensor]:
        """What is saved."""
        facts = {"strength": np.float64(self.strength), "first": np.float64(self.first)}
        own = {name: getattr(self, name) for name in ("feature", "threshold", "below", "value", "roots")}
        return {name: torch.from_numpy(np.asarray(value)) for name, value in (own | facts).items()}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Tensor]) -> Selector:
        """What `arrays` gave."""
        own: dict[str, Any] = {name: value.numpy() for name, value in arrays.items()}
        return cls(**own | {name: float(own[name]) for name in ("strength", "first")})

    @classmethod
    def of_models(cls, models: list[Any], trees: int, strength: float, first: float = 0.0) -> Selector:
        """The first trees of each model of scikit-learn, which has no public name for them.

        first: what is added to what every model begins with.
        """
        feature, threshold, below, value, roots = [], [], [], [], []
        start = 0
        for model in models:
            first += float(model._baseline_prediction.ravel()[0]) / len(models)
            for (tree,) in model._predictors[:trees]:
                nodes = tree.nodes
                leaf = nodes["is_leaf"].astype(bool)
                itself = np.arange(len(nodes))
                feature.append(np.where(leaf, 0, nodes["feature_idx"]).astype(np.int64))
                threshold.append(np.where(leaf, np.inf, nodes["num_threshold"]))
                next_ = np.stack([nodes["left"], nodes["right"]], 1).astype(np.int64)
                below.append(np.where(leaf[:, None], itself[:, None], next_) + start)
                value.append(np.where(leaf, nodes["value"] / len(models), 0.0))
                roots.append(start)
                start += len(nodes)
        parts = [np.concatenate(one) for one in (feature, threshold, below, value)]
        return cls(parts[0], parts[1], parts[2], parts[3], np.array(roots), strength, first)
