"""Weights -> rows: systematic sampling with a cap on repeats."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.errors import OptionError

Array = npt.NDArray[Any]


def resample(weights: Array, n: int, most_repeats: int, seed: int = 0) -> Array:
    """(n,) row numbers in a random order, a row about n times its weight, and never more than `most_repeats`.

    weights: (m,) at least 0, of any positive sum. What the cap takes from a row goes to the others in
    proportion to their weights, then to those of weight zero alike. A row comes as often as its share says,
    rounded down or up: systematic sampling (Madow 1949) of the fractions, in a random order.

    Raises OptionError if n > most_repeats x m.
    """
    if n > most_repeats * len(weights):
        raise OptionError(
            f"{n:,} rows cannot be made of {len(weights):,} of which none may come more than {most_repeats} "
            "times: ask for fewer rows or allow more repeats."
        )
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(weights))
    expected = _capped(np.asarray(weights, dtype=np.float64)[order], n, most_repeats)
    counts = np.floor(expected + 1e-9).astype(np.int64)
    rest = n - int(counts.sum())
    if rest:
        fractions = np.maximum(expected - counts, 0)
        ends = np.cumsum(fractions)
        places = (rng.random() + np.arange(rest)) * (ends[-1] / rest)
        counts[np.minimum(np.searchsorted(ends, places, side="right"), len(counts) - 1)] += 1
    rows = np.repeat(order, counts)
    return rng.permutation(rows)


def _capped(weights: Array, n: int, most: int) -> Array:
    """(m,) expected numbers of the rows, at most `most`, that sum to n."""
    expected = np.zeros(len(weights))
    full = np.zeros(len(weights), dtype=bool)
    while True:
        left = n - most * int(full.sum())
        free = np.where(full, 0.0, weights)
        if left > 0 and free.sum() <= 0:  # every row that weighs anything is at the cap
            free = np.where(full, 0.0, 1.0)
        expected = np.where(full, float(most), free * (left / max(free.sum(), 1e-300)))
        over = (expected >= most) & ~full
        if not over.any():
            return expected
        full |= over
