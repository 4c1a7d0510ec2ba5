"""Forests of a slot: what the trees of few rows, each grown on half of them, predict on average.

A regression tells what is linear, a tree what few splits tell; of some hundred rows the mean of many trees
tells more than either (Breiman, Random Forests, 2001; on halves: Buehlmann and Yu, Analyzing Bagging, 2002).
What a forest predicts of a number is mixed with what the regression does, and the trees of the base read the
mixture; the shares that a forest gives to classes are a part of their probabilities (`slotbase.py`).

Trees come in pairs: one is grown on some folds, the other on the rest. So each fold has a tree of each pair
that has not seen it, and these are its forest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lookalike.codec.slot import Array
from lookalike.difflm.small.trees import Tree, plain_tree

PAIRS = 16  # of trees
LEAF_ROWS = 3  # of a leaf, at least
INPUTS = 0.6  # share of the inputs that a split chooses among


@dataclass
class Grown:
    """The trees of a slot and what their leaves hold: (leaves, 1) of a number, (leaves, classes) shares.

    of: (folds, pairs) the trees of the forest of a fold; codes: (trees, values) what they read for the tokens
    of the categories; weight: of what they say in the whole, of classes (leaves of the slot's trees + 1,).
    """

    trees: list[tuple[Tree, Array]]
    of: Array
    codes: Array
    weight: float | Array = 0.0

    def arrays(self, prefix: str) -> dict[str, Tensor]:
        """What is saved, as `Forest` reads it."""
        nodes = np.cumsum([0, *(len(tree.feature) for tree, _ in self.trees)])
        whole = {
            "of": self.of,
            "root": nodes[:-1],
            "feature": np.concatenate([tree.feature for tree, _ in self.trees]),
            "below": np.concatenate([t.children + o for (t, _), o in zip(self.trees, nodes, strict=False)]),
        }
        parts = {
            "threshold": np.concatenate([tree.threshold for tree, _ in self.trees]),
            "value": np.concatenate([value[np.maximum(tree.leaf, 0)] for tree, value in self.trees]),
            "codes": self.codes,
            "weight": np.atleast_1d(self.weight),
        }
        found = {prefix + name: torch.from_numpy(one.astype(np.int64)) for name, one in whole.items()}
        return found | {
            prefix + name: torch.from_numpy(one.astype(np.float32)) for name, one in parts.items()
        }


def grow(
    inputs: Callable[[Array], tuple[Array, Array]],
    y: Array,
    here: Array,
    fold: Array,
    rng: np.random.Generator,
    classes: int = 0,
) -> tuple[Grown, Array]:
    """A forest for each fold, and (rows, 1 or classes) what that of every row's own fold says of it.

    inputs: rows that may be learned, bool -> (rows, features) and the codes of the categories; here: rows
    that have a value; classes: of y, 0 for a number.
    """
    folds = int(fold.max()) + 1
    trees, codes = [], []
    of = np.zeros((folds, PAIRS), dtype=np.int64)
    said = np.zeros((len(y), max(classes, 1)))
    for pair in range(PAIRS):
        half = rng.permutation(folds) < folds // 2  # of each fold, whether the first tree learns it
        for at, learned in enumerate((half, ~half)):
            use = here & learned[fold]
            if not use.any():
                use = here
            x, own = inputs(use)
            tree, value = _tree(x[use], y[use], classes, int(rng.integers(2**31)))
            of[~learned, pair] = 2 * pair + at
            said[~learned[fold]] += value[tree.place(x[~learned[fold]])] / PAIRS
            trees.append((tree, value))
            codes.append(own)
    return Grown(trees, of, np.stack(codes)), said


def _tree(x: Array, y: Array, classes: int, seed: int) -> tuple[Tree, Array]:
    from sklearn import config_context
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor  # not needed to draw

    options: dict[str, Any] = {"min_samples_leaf": LEAF_ROWS, "max_features": INPUTS, "random_state": seed}
    made: Any = DecisionTreeRegressor(**options)
    if classes:
        made = DecisionTreeClassifier(criterion="entropy", **options)
    with config_context(skip_parameter_validation=True):  # of a small table it takes longer than the tree
        grown = made.fit(x, y, check_input=False).tree_
    tree, ends = plain_tree(grown), grown.children_left < 0
    value = np.zeros((int(tree.leaf.max()) + 1, max(classes, 1)))
    value[tree.leaf[ends][:, None], made.classes_ if classes else [0]] = grown.value[ends, 0]
    return tree, value


class Forest(nn.Module):
    """The forests of a slot, as arrays."""

    def __init__(self, arrays: Mapping[str, Tensor], prefix: str):
        super().__init__()
        self.of: Tensor
        self.root: Tensor
        self.feature: Tensor
        self.below: Tensor
        self.threshold: Tensor
        self.value: Tensor
        self.codes: Tensor
        self.weight: Tensor
        for name, value in arrays.items():
            if name.startswith(prefix):
                self.register_buffer(name.removeprefix(prefix), value, persistent=False)
        self.size = self.value.shape[1]

    def predict(self, numbers: Tensor, levels: Tensor, told: Tensor, fold: Tensor) -> Tensor:
        """(rows, 1 or classes) what the forest of every row's fold says.

        numbers: (rows, numbers) normal scores; levels: (rows, categories) places of tokens among all of them;
        told, fold: (rows,), all as in `Base.place`.
        """
        tree = self.of[fold].unsqueeze(2)  # (rows, pairs, 1)
        same = numbers.unsqueeze(1).expand(-1, tree.shape[1], -1)
        x = torch.cat([same, self.codes[tree, levels.unsqueeze(1)], told[:, None, None].expand_as(tree)], 2)
        tree = tree.squeeze(2)
        node = self.root[tree]
        while True:
            feature = self.feature[node]
            inner = feature >= 0
            if not bool(inner.any()):
                return self.value[node].mean(1)
            right = (x.gather(2, feature.clamp(min=0).unsqueeze(2))[..., 0] > self.threshold[node]).long()
            node = torch.where(inner, self.below[node, right], node)
