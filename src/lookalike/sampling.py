"""What choosing rows needs in more than one place: whole shares, groups, and how far apart rows are."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

MEDIAN_ROWS = 1000  # whose pairwise distances give the median


def apportion(weights: Array, n: int) -> Array:
    """(classes,) whole numbers that sum to n, in proportion to the weights by largest remainder."""
    exact = np.asarray(weights, dtype=np.float64) / np.sum(weights) * n
    counts = np.floor(exact + 1e-9).astype(np.int64)
    most = np.argsort(counts - exact, kind="stable")
    counts[most[: n - counts.sum()]] += 1
    return counts


def in_groups(counts: Array, least: int) -> list[int]:
    """The first places of groups of neighbours, each of `least` rows at least, where there are so many.

    counts: (places,) rows. A group ends as soon as it has them; what is left at the end joins the last one.
    """
    first: list[int] = []
    held = least
    for at, rows in enumerate(counts.tolist()):
        if held >= least:
            first.append(at)
            held = 0
        held += rows
    if held < least and len(first) > 1:
        first.pop()
    return first


def median_distance(points: Array, rng: np.random.Generator) -> float:
    """The median distance between two rows of a sample of (rows, dims); the width of a kernel.

    Where most rows are duplicates of each other, that of the others; 1 where there are no others.
    """
    some = points[np.sort(rng.permutation(len(points))[:MEDIAN_ROWS])].astype(np.float64)
    size = (some**2).sum(1)
    squared = (size[:, None] + size - 2 * some @ some.T)[np.triu_indices(len(some), 1)]
    apart = squared[squared > 1e-9]
    if 2 * len(apart) > len(squared):
        apart = squared
    return float(np.sqrt(max(np.median(apart), 1e-9))) if len(apart) else 1.0
