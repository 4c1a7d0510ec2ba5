"""A decision tree as plain arrays: which leaf a row falls into, and which leaves an ancestor has."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lookalike.codec.slot import Array


@dataclass
class Tree:
    """feature: of each node, -1 at a leaf; threshold; children: (nodes, 2); leaf: its number, in order."""

    feature: Array
    threshold: Array
    children: Array
    leaf: Array
    rows: Array

    def place(self, x: Array) -> Array:
        """(rows,) the number of the leaf that each row of (rows, features) falls into."""
        node = np.zeros(len(x), dtype=np.int64)
        at = np.arange(len(x))
        while True:
            feature = self.feature[node]
            inner = feature >= 0
            if not inner.any():
                return self.leaf[node]
            right = x[at, np.maximum(feature, 0)] > self.threshold[node]
            node = np.where(inner, self.children[node, right.astype(np.int64)], node)

    @cached_property
    def spans(self) -> tuple[list[int], list[int], list[int]]:
        """Of every node its parent, and the first and one past the last leaf below it."""
        inner, children = (self.feature >= 0).tolist(), self.children.tolist()
        parent, start = [-1] * len(inner), self.leaf.tolist()
        stop = [leaf + 1 for leaf in start]
        order, stack = [], [0]
        while stack:
            node = stack.pop()
            order.append(node)
            if inner[node]:
                for below in children[node]:
                    parent[below] = node
                    stack.append(below)
        for node in reversed(order):
            if inner[node]:
                a, b = children[node]
                start[node], stop[node] = start[a], stop[b]
        return parent, start, stop


def plain_tree(tree: Any) -> Tree:
    """The arrays of a tree of scikit-learn, its leaves numbered from left to right."""
    left, right = tree.children_left, tree.children_right
    leaf, stack, count = np.full(len(left), -1, dtype=np.int64), [0], 0
    while stack:
        node = stack.pop()
        if left[node] < 0:
            leaf[node], count = count, count + 1
        else:
            stack += [int(right[node]), int(left[node])]
    children = np.stack([left, right], 1)
    feature = np.where(left < 0, -1, tree.feature)
    return Tree(
        feature.astype(np.int64), tree.threshold.astype(np.float32), np.maximum(children, 0).astype(np.int64),
        leaf, tree.n_node_samples.copy(),
    )  # fmt: skip


def ancestors(tree: Tree, least: int, rows: Array | None = None) -> list[tuple[int, int]]:
    """Of every leaf the leaves below its nearest ancestor (or itself) of `least` rows: first, one past last.

    rows: (leaves,) rows that count; None: those that the tree was fitted on.
    """
    parent, start, stop = tree.spans
    if rows is None:
        held = tree.rows.tolist()
    else:
        ends = np.concatenate([[0], np.cumsum(rows)])
        held = (ends[stop] - ends[start]).tolist()
    found = []
    for node in np.flatnonzero(tree.feature < 0)[np.argsort(tree.leaf[tree.feature < 0])].tolist():
        while parent[node] >= 0 and held[node] < least:
            node = parent[node]
        found.append((start[node], stop[node]))
    return found
