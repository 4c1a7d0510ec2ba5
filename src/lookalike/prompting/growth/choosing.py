"""Which of more good rows than are wanted are kept: those that lie together as the real ones do.

Kernel herding (Chen, Welling and Smola, UAI 2010): one row after the other is taken, each the one that brings
the mean kernel of those taken nearest to that of the real rows; then rows are exchanged while that helps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.sampling import apportion, median_distance
from lookalike.seed import child

Array = npt.NDArray[Any]

MOST = 4000  # rows that are chosen from at once; more are dealt into parts at random
WIDTH = 0.5  # of the kernel, in median distances of the real rows: .35 and 1 did about as well


def chosen(real: Array, points: Array, n: int, seed: int) -> list[int]:
    """Numbers of n of the points, ascending, whose distribution is that of the real ones.

    real, points: (rows, dims), at least one real row, and n points at least. Deterministic by the seed.
    """
    if n >= len(points) or n < 1:
        return list(range(min(n, len(points))))
    rng = child(seed, "choosing")
    width = WIDTH * median_distance(real, rng)
    parts = -(-len(points) // MOST)
    order = rng.permutation(len(points)) if parts > 1 else np.arange(len(points))
    sizes = np.array([len(order[part::parts]) for part in range(parts)])
    found: list[int] = []
    for part, share in enumerate(apportion(sizes, n).tolist()):
        some = order[part::parts]
        goal = real[rng.permutation(len(real))[:MOST]] if len(real) > MOST else real
        found += some[_herded(points[some], goal, share, width)].tolist()
    return sorted(found)


def _herded(points: Array, real: Array, n: int, width: float) -> Array:
    """Numbers of n of the points."""
    among = _kernel(points, points, width)
    goal = _kernel(points, real, width).mean(1)
    taken, total = np.zeros(len(points), dtype=bool), np.zeros(len(points))
    for count in range(n):
        score = np.where(taken, -np.inf, goal - total / (count + 1))
        best = int(score.argmax())
        taken[best] = True
        total += among[best]
    for _ in range(n):
        worst = int(np.where(taken, goal - total / n, np.inf).argmin())
        taken[worst] = False
        total -= among[worst]
        best = int(np.where(taken, -np.inf, goal - total / n).argmax())
        taken[best] = True
        total += among[best]
        if best == worst:
            break
    return np.flatnonzero(taken)


def _kernel(one: Array, other: Array, width: float) -> Array:
    """(rows of one, rows of other) exp(-|x - y|^2 / (2 width^2))."""
    squared = (one**2).sum(1)[:, None] + (other**2).sum(1) - 2 * one @ other.T
    return np.exp(np.maximum(squared, 0) * (-0.5 / width**2))
