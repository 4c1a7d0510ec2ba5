"""Exploration-aware sampling: which real rows become demonstrations (SynAlign, arXiv 2502.08661).

A Gaussian process with an RBF kernel and no targets tells how much is still unknown at each real row, given
the rows that were shown: its posterior variance

    var(x) = k(x, x) - k_xS (K_SS + alpha I)^-1 k_Sx,    k(x, y) = exp(-|x - y|^2 / (2 length^2)).

The next demonstration is the unused row with the largest variance. The process need not be refitted for it:
with the Cholesky factor C of K_SS + alpha I, var(x) = 1 - |C^-1 k_Sx|^2, and one more shown row adds one more
component to C^-1 k_Sx (a pivoted Cholesky factorisation, Harbrecht, Peters and Schneider 2012).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.errors import DataError, OptionError
from lookalike.sampling import apportion, median_distance

Array = npt.NDArray[Any]

ALPHA = 1e-6
REFERENCE_LENGTH = 0.1
EXACT_BYTES = 2.5e8  # up to this size the factor is kept in float64, above in float32
MOST_BYTES = 1e9  # above this size a class is represented by a sample of its rows
SHARES = ("proportion", "average")
BLOCK = 64  # rows shown before all are brought up to date
POOL, LEAST_POOL = 48, 256  # one in so many rows is in the pool, and at least so many


@dataclass
class Exploration:
    """What was picked, in the order in which to show it: the classes take turns by their number of picks.

    picks: (n,) row numbers of the demonstrations.
    groups: n arrays of row numbers, the pick first and then its nearest neighbours, all of one class.
    classes: (n,) the label of each pick; None without labels.
    coverage: (n,) the mean posterior variance left over the real rows after each pick, 0..1: it falls from 1
    towards 0, where nothing is new any more.
    """

    picks: Array
    groups: list[Array]
    classes: list[Any]
    coverage: Array


def explore(
    points: Array,
    n: int,
    labels: Sequence[Any] | None = None,
    *,
    share: str = "proportion",
    group: int = 5,
    seed: int = 0,
    reference: bool = False,
) -> Exploration:
    """Pick n real rows that cover the real data, with their groups of neighbours.

    points: (rows, dims) unit vectors, finite. labels: (rows,) strings or numbers; each class is explored by
    itself. share: "proportion" gives every class its share of the picks (a rare one may get none), "average"
    the same number to each, both by largest remainder, so that they sum to n. group: rows of a group, the
    pick included. seed: of ties (all rows are equal at first).

    Only the picks condition the process, not their groups: the variance stands for what the language model
    has not been shown, and it is shown the pick alone (the attributes of one demonstration). The
    neighbours are close, so conditioning on them lowers the variance little where they are dense, would
    declare explored what nobody has seen where they are sparse, and costs `group` times the memory and its
    square in time. They are marked as used: no row is in two groups until all rows of its class were used;
    then a new round begins, in which a pick that was shown before adds nothing to the process.

    The length of the kernel is the median distance between rows of the class, alpha 1e-6. For m rows and t
    picks of a class, the j-th pick takes O(m j) time and the class m x t numbers: float64 up to 250 MB,
    float32 up to 1 GB, and above that a random sample of the class's rows stands for it.

    reference: as the released code does, for comparison: length 0.1 on the points as they are (it does not
    normalise them), the whole group conditions the process, the first of equals is taken. Where the rows are
    much more than 0.1 apart, its picks are in file order.

    Raises OptionError for n or group below 1, an unknown share, or with "average" fewer picks than classes;
    DataError for no rows, points that are not finite, or missing labels.
    """
    names, codes = _classes(points, labels)
    if n < 1 or group < 1:
        raise OptionError(
            f"{n} demonstrations in groups of {group} were asked for: ask for at least 1 of each."
        )
    if share not in SHARES:
        raise OptionError(f"there is no share '{share}': choose one of {', '.join(SHARES)}.")
    if share == "average" and n < len(names):
        raise OptionError(
            f"{n} demonstrations cannot show {len(names)} classes: ask for at least {len(names)}."
        )
    sizes = np.bincount(codes)
    counts = apportion(sizes if share == "proportion" else np.ones(len(names)), n)
    rng = np.random.default_rng(seed)
    turns, picks, groups, classes, falls = [], [], [], [], []
    for code in range(len(names)):
        rows = np.flatnonzero(codes == code)
        some, found, left = _explore_class(points, rows, int(counts[code]), group, rng, reference)
        picks += [int(one) for one in some]
        groups += found
        classes += [names[code]] * len(some)
        turns.append((np.arange(len(some)) + 0.5) / max(len(some), 1))
        falls.append(-np.diff(left, prepend=1.0) * sizes[code] / len(points))
    order = np.argsort(np.concatenate(turns), kind="stable")
    return Exploration(
        np.array(picks, dtype=np.int64)[order],
        [groups[i] for i in order],
        [classes[i] for i in order],
        np.maximum(1 - np.cumsum(np.concatenate(falls)[order]), 0),
    )


def _explore_class(
    points: Array, rows: Array, t: int, group: int, rng: np.random.Generator, reference: bool
) -> tuple[Array, list[Array], Array]:
    """(t picks, their groups, (t,) mean variance left), as numbers of rows of the table."""
    shown = t * group if reference else t
    if not reference:
        rows = rng.permutation(rows)[: max(int(MOST_BYTES / (4 * max(t, 1))), 1)]
    own = points[rows]
    length = REFERENCE_LENGTH if reference else median_distance(own, rng)
    tracker = Tracker(own, length, min(shown, len(own)))
    picks, steps = np.empty(t, dtype=np.int64), np.empty(t, dtype=np.int64)
    groups: list[Array] = []
    used = np.zeros(len(own), dtype=bool)
    for step in range(t):
        if used.all():
            used[:] = False
            tracker.settle()
        pick = tracker.largest(used)
        used[pick] = True
        near = np.array([pick])
        if group > 1:
            near = np.append(near, _nearest(tracker.distances(pick), used, group - 1))
            used[near] = True
        for row in near.tolist() if reference else [pick]:
            tracker.show(row)
        picks[step], steps[step] = rows[pick], tracker.shown
        groups.append(rows[near])
    return picks, groups, np.array(tracker.left)[steps - 1]


def _nearest(squared: Array, used: Array, k: int) -> Array:
    """The k nearest unused rows, or as many as there are, the nearest first."""
    k = min(k, int((~used).sum()))
    if k < 1:
        return np.empty(0, dtype=np.int64)
    squared = np.where(used, np.inf, squared)
    near = np.argpartition(squared, k - 1)[:k]
    return near[np.lexsort((near, squared[near]))]


class Tracker:
    """The posterior variance of the process at every row, as rows are shown.

    Rows are shown in blocks: until one is full, only the rows with the largest variance, the pool, are kept
    up to date. A variance never rises, so the largest of the pool is the largest of all as long as it is not
    below what the others had when the block began; then the block is settled, for all rows by one product of
    matrices, which is several times as fast as a product a row.

    shown: rows shown so far; a row that was shown before changes nothing.
    """

    def __init__(self, points: Array, length: float, most: int) -> None:
        """points: (rows, dims) float; length: of the RBF; most: rows that will be shown, at most."""
        exact = points.shape[0] * most * 8 <= EXACT_BYTES
        dtype = np.float64 if exact else np.float32
        self._points = np.ascontiguousarray(points, dtype=dtype)
        self._squares = (self._points**2).sum(1)
        self._length = length
        self._factor = np.zeros((len(points), most), dtype=dtype)  # (rows, shown): (C^-1 k_Sx)^T
        self._variance = np.ones(len(points))  # when the block began
        self._left: list[float] = []  # its mean after each row of the settled blocks
        self._block: list[int] = []
        self._known: set[int] = set()
        self._pool: Array | None = None  # row numbers, ascending
        self._outside = -np.inf  # the largest variance of the others
        # Of the pool: variance, points, factor, and its columns of the block.
        self._current: Array = np.empty(0)
        self._near: Array = np.empty(0)
        self._pooled: Array = np.empty(0)
        self._columns: Array = np.empty(0)

    @property
    def shown(self) -> int:
        return len(self._known)

    @property
    def variance(self) -> Array:
        """(rows,) float64, 0..1."""
        self.settle()
        return self._variance

    @property
    def left(self) -> list[float]:
        """The mean variance after each row that was shown."""
        self.settle()
        return self._left

    def distances(self, row: int) -> Array:
        """(rows,) squared distances to one row."""
        squared = self._squares + self._squares[row] - 2 * (self._points @ self._points[row])
        return np.maximum(squared, 0)

    def largest(self, used: Array) -> int:
        """The row with the largest variance of those that are not used, the first of equals."""
        while True:
            if self._pool is None:
                self._fill_pool(used)
                assert self._pool is not None
            free = np.where(used[self._pool], -1.0, self._current)
            best = int(free.argmax())
            if free[best] >= self._outside or not self._block:
                return int(self._pool[best])
            self.settle()

    def show(self, row: int) -> None:
        """Condition the process on one row."""
        if row in self._known:
            return
        at = -1 if self._pool is None else int(np.searchsorted(self._pool, row))
        if self._pool is None or at == len(self._pool) or self._pool[at] != row:
            self.settle()
            self._block.append(row)
            self._known.add(row)
            self.settle()
            return
        before = self._columns[:, : len(self._block)]
        kernel = self._kernel(self._near, self._squares[self._pool], np.array([row]))[:, 0]
        kernel[at] = 1.0
        kernel = kernel - self._pooled @ self._pooled[at] - before @ before[at]
        column = kernel / np.sqrt(max(self._current[at], 0.0) + ALPHA)
        self._columns[:, len(self._block)] = column
        self._current = np.maximum(self._current - np.square(column, dtype=np.float64), 0)
        self._block.append(row)
        self._known.add(row)
        if len(self._block) == BLOCK:
            self.settle()

    def settle(self) -> None:
        """Brings all rows up to date with the block, and begins a new one."""
        self._pool = None
        if not self._block:
            return
        rows, start = np.array(self._block), len(self._left)
        kernel = self._kernel(self._points, self._squares, rows)
        kernel[rows, np.arange(len(rows))] = 1.0
        kernel -= self._factor[:, :start] @ self._factor[rows, :start].T
        own = self._variance[rows]
        fresh = np.empty((len(self._points), len(rows)), dtype=kernel.dtype, order="F")
        for at, row in enumerate(rows):
            column = kernel[:, at] - fresh[:, :at] @ fresh[row, :at]
            fresh[:, at] = column / np.sqrt(max(own[at], 0.0) + ALPHA)
            own -= np.square(fresh[rows, at], dtype=np.float64)
            taken = np.square(fresh[:, at], dtype=np.float64)
            self._variance = np.maximum(self._variance - taken, 0)
            self._left.append(float(self._variance.mean()))
        self._factor[:, start : start + len(rows)] = fresh
        self._block = []

    def _fill_pool(self, used: Array) -> None:
        self.settle()
        free = np.where(used, -1.0, self._variance)
        size = max(LEAST_POOL, len(free) // POOL)
        pool, self._outside = np.arange(len(free)), -np.inf
        if size < len(free):
            edge = np.partition(free, len(free) - size)[len(free) - size]
            above, equal = np.flatnonzero(free > edge), np.flatnonzero(free == edge)
            pool = np.sort(np.append(above, equal[: size - len(above)]))
            self._outside = float(edge)
        self._pool, self._current = pool, self._variance[pool]
        self._near, self._pooled = self._points[pool], self._factor[pool, : len(self._left)]
        self._columns = np.empty((len(pool), BLOCK), dtype=self._factor.dtype)

    def _kernel(self, points: Array, squares: Array, others: Array) -> Array:
        """(points, others) of the RBF; others: row numbers."""
        squared = squares[:, None] + self._squares[others] - 2 * (points @ self._points[others].T)
        return np.exp(np.maximum(squared, 0) / (-2 * self._length**2))


def _classes(points: Array, labels: Sequence[Any] | None) -> tuple[list[Any], Array]:
    """(labels in the order of their first row, (rows,) int64 number of each row's label), checked."""
    if points.ndim != 2 or not len(points):
        raise DataError("there are no real rows to choose demonstrations from: give a table with rows.")
    if not np.isfinite(points).all():
        raise DataError("the embedding of a real row holds nan or infinite numbers: use another embedder.")
    if labels is None:
        return [None], np.zeros(len(points), dtype=np.int64)
    if len(labels) != len(points):
        raise DataError(f"there are {len(labels):,} labels of {len(points):,} rows: give one a row.")
    codes, names = pd.factorize(pd.Series(list(labels), dtype=object))
    if (codes < 0).any():
        raise DataError(f"{int((codes < 0).sum()):,} real rows have no label: fill it in, or leave them out.")
    return list(names), codes.astype(np.int64)
