"""The posterior variance of a Gaussian process with an RBF kernel and no targets, as rows are shown.

With the Cholesky factor C of K_SS + alpha I of the shown rows S, var(x) = 1 - |C^-1 k_Sx|^2, and one more
shown row adds one more component to C^-1 k_Sx (a pivoted Cholesky factorisation, Harbrecht, Peters and
Schneider 2012). Both trackers have the same methods; they differ in which row is the best one to show next.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

ALPHA = 1e-6
EXACT_BYTES = 2.5e8  # up to this size the factor is kept in float64, above in float32
BLOCK = 64  # rows shown before all are brought up to date
POOL, LEAST_POOL = 48, 256  # one in so many rows is in the pool, and at least so many


class Rows:
    """Points with an RBF kernel of one length between them."""

    def __init__(self, points: Array, length: float) -> None:
        """points: (rows, dims) float."""
        self.points, self.length = np.ascontiguousarray(points), length
        self._squares = (self.points**2).sum(1)

    def take(self, rows: Array) -> Rows:
        """Some of the rows."""
        return Rows(self.points[rows], self.length)

    def distances(self, row: int) -> Array:
        """(rows,) squared distances to one row."""
        squared = self._squares + self._squares[row] - 2 * (self.points @ self.points[row])
        return np.maximum(squared, 0)

    def kernel(self, others: Array) -> Array:
        """(rows, others) kernel values; others: (others, dims) points."""
        squared = self._squares[:, None] + (others**2).sum(1) - 2 * (self.points @ others.T)
        return np.exp(np.maximum(squared, 0) / (-2 * self.length**2))


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
        self._rows = Rows(points.astype(dtype, copy=False), length)
        self._factor = np.zeros((len(points), most), dtype=dtype)  # (rows, shown): (C^-1 k_Sx)^T
        self._variance = np.ones(len(points))  # when the block began
        self._left: list[float] = []  # its mean after each row of the settled blocks
        self._block: list[int] = []
        self._known: set[int] = set()
        self._pool: Array | None = None  # row numbers, ascending
        self._outside = -np.inf  # the largest variance of the others
        # Of the pool: variance, points, factor, and its columns of the block.
        self._current: Array = np.empty(0)
        self._near = self._rows
        self._pooled: Array = np.empty(0)
        self._columns: Array = np.empty(0)

    @property
    def shown(self) -> int:
        return len(self._known)

    @property
    def left(self) -> list[float]:
        """The mean variance after each row that was shown."""
        self.settle()
        return self._left

    def distances(self, row: int) -> Array:
        """(rows,) squared distances to one row."""
        return self._rows.distances(row)

    def best(self, used: Array) -> int:
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
        kernel = self._near.kernel(self._rows.points[[row]])[:, 0]
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
        kernel = self._rows.kernel(self._rows.points[rows])
        kernel[rows, np.arange(len(rows))] = 1.0
        kernel -= self._factor[:, :start] @ self._factor[rows, :start].T
        own = self._variance[rows]
        fresh = np.empty(kernel.shape, dtype=kernel.dtype, order="F")
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
        self._near, self._pooled = self._rows.take(pool), self._factor[pool, : len(self._left)]
        self._columns = np.empty((len(pool), BLOCK), dtype=self._factor.dtype)


class MeanTracker:
    """The same process, asked for the row after which the mean variance over all rows is least.

    Showing c lowers the variance at x by cov(x, c)^2 / (var(c) + alpha), with the covariance that the process
    has now (Cohn 1996, section 4). The covariances of all rows (of a sample of 1,000 where there are
    more) with all rows are kept and lowered by a product of two vectors a row.
    """

    MOST_ROWS, SAMPLE = 5000, 1000

    def __init__(self, points: Array, length: float, most: int) -> None:
        """As `Tracker`; at most 5,000 points, in random order."""
        self._rows = Rows(points.astype(np.float64, copy=False), length)
        self._sample = min(len(points), self.SAMPLE)
        sample = self._rows.take(np.arange(self._sample))
        self._covariance = sample.kernel(self._rows.points)  # (sample, rows)
        if self._sample < len(points):
            self._covariance = self._covariance.astype(np.float32)  # half the time; it only ranks the rows
        self._factor = np.zeros((most, len(points)))
        self._known: set[int] = set()
        self.variance = np.ones(len(points))
        self.left: list[float] = []

    @property
    def shown(self) -> int:
        return len(self._known)

    def distances(self, row: int) -> Array:
        """(rows,) squared distances to one row."""
        return self._rows.distances(row)

    def best(self, used: Array) -> int:
        """The row that is not used and lowers the mean variance most, the first of equals."""
        gain = np.einsum("ij,ij->j", self._covariance, self._covariance) / (self.variance + ALPHA)
        return int(np.where(used, -1.0, gain).argmax())

    def show(self, row: int) -> None:
        """Condition the process on one row."""
        if row in self._known:
            return
        before = self._factor[: len(self._known)]
        kernel = self._rows.kernel(self._rows.points[[row]])[:, 0]
        column = (kernel - before[:, row] @ before) / np.sqrt(max(self.variance[row], 0.0) + ALPHA)
        self._factor[len(self._known)] = column
        small = column.astype(self._covariance.dtype)
        self._covariance -= np.outer(small[: self._sample], small)
        self.variance = np.maximum(self.variance - column**2, 0)
        self._known.add(row)
        self.left.append(float(self.variance.mean()))

    def settle(self) -> None:
        """Nothing is put off here."""
