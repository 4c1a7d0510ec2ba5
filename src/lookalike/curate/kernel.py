"""The kernel of the maximum mean discrepancy, its random features, and the two-sample test.

k(x, y) is the mean of exp(-|x - y|^2 / (2 l^2)) over the lengths l = s/2, s and 2s, where s is the median
distance of real rows: SynAlign's sum of RBF kernels divided by three, so that k(x, x) = 1. MMD^2 lies between
0 and 2 then, and the same weights minimise it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

LENGTHS = (0.5, 1.0, 2.0)  # in median distances
FREQUENCIES = 256  # two features each
CHUNK = 8192  # rows whose features, and 512 rows whose kernel, are worked out at once
TEST_ROWS = 2000  # of each table, in the two-sample test
PERMUTATIONS = 200


def kernel(one: Array, other: Array, length: float) -> Array:
    """(rows of one, rows of other), 0..1, in the precision of the points."""
    squared = -2 * one @ other.T
    squared += (one**2).sum(1)[:, None]
    squared += (other**2).sum(1)
    np.maximum(squared, 0, out=squared)
    out = np.zeros_like(squared)
    for factor in LENGTHS:
        out += np.exp(squared * (-0.5 / (factor * length) ** 2))
    return out / len(LENGTHS)


def mean_kernel(one: Array, other: Array, length: float) -> Array:
    """(rows of one,) the mean kernel with the other rows, in bounded memory."""
    step = max(1, 4_000_000 // max(len(one), 1))
    parts = [kernel(one, other[i : i + step], length).sum(1) for i in range(0, len(other), step)]
    return np.sum(parts, axis=0) / len(other)


class Features:
    """Random Fourier features (Rahimi, Recht 2007) of the kernel, at orthogonal frequencies (Yu et al. 2016).

    The dot product of the features of two rows is about their kernel: cos(f'x) and sin(f'x) for frequencies f
    drawn from the kernel's Fourier transform, a third of them for each length.
    """

    def __init__(self, dims: int, length: float, rng: np.random.Generator) -> None:
        blocks = []
        for _ in range(-(-FREQUENCIES // dims)):
            normal = rng.standard_normal((dims, dims))
            norms = np.linalg.norm(rng.standard_normal((dims, dims)), axis=1)
            blocks.append(np.linalg.qr(normal)[0] * norms)
        drawn = np.concatenate(blocks, axis=1)[:, :FREQUENCIES]  # (dims, frequencies)
        lengths = np.resize(np.array(LENGTHS), drawn.shape[1]) * length
        self._frequencies = (drawn / lengths).astype(np.float32)

    def __call__(self, points: Array, out: Array | None = None) -> Array:
        """(rows, 512) float32, into `out` where it is given."""
        count = self._frequencies.shape[1]
        out = np.empty((len(points), 2 * count), dtype=np.float32) if out is None else out
        for start in range(0, len(points), CHUNK):
            angles = points[start : start + CHUNK].astype(np.float32, copy=False) @ self._frequencies
            np.cos(angles, out=out[start : start + CHUNK, :count])
            np.sin(angles, out=out[start : start + CHUNK, count:])
        out *= np.float32(1 / np.sqrt(count))
        return out

    def mean(self, points: Array) -> Array:
        """(512,) float64, the mean features of the rows, in bounded memory."""
        total = np.zeros(2 * self._frequencies.shape[1])
        for start in range(0, len(points), CHUNK):
            total += self(points[start : start + CHUNK]).sum(0, dtype=np.float64)
        return total / len(points)


def mmd2_test(real: Array, other: Array, length: float, rng: np.random.Generator) -> tuple[float, float]:
    """(MMD^2, p-value) of up to 2,000 rows of each table, drawn at random.

    MMD^2 is the unbiased estimate of Gretton et al., JMLR 2012, lemma 6, which may fall below zero. p is the
    share of 200 random splits of the pooled rows that differ at least as much, so at least 1/201. real,
    other: (rows, dims), at least 2 rows each.
    """
    some = [t[rng.permutation(len(t))[:TEST_ROWS]].astype(np.float64) for t in (real, other)]
    m, n = len(some[0]), len(some[1])
    both = np.concatenate(some)
    gram = kernel(both, both, length)
    np.fill_diagonal(gram, 0)
    first = np.zeros((m + n, PERMUTATIONS + 1))
    first[:m, 0] = 1
    for k in range(1, PERMUTATIONS + 1):
        first[rng.permutation(m + n)[:m], k] = 1
    product = gram @ first
    within = np.einsum("ik,ik->k", first, product)
    across = product.sum(0) - within
    rest = gram.sum() - within - 2 * across
    values = within / (m * (m - 1)) + rest / (n * (n - 1)) - 2 * across / (m * n)
    p = (int((values[1:] >= values[0]).sum()) + 1) / (PERMUTATIONS + 1)
    return float(values[0]), p
