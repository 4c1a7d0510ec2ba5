"""Which rows a training holds out for validation, and which columns of a row come first."""

from __future__ import annotations

import numpy as np

from lookalike.difflm.training.config import TrainConfig
from lookalike.seed import child

BASED = 5  # a row in so many is held out under a base, which none of them has formed as it sees it


def split(rows: int, config: TrainConfig, seed: int, based: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Indices of training and validation rows; tables of under 20 rows validate on the training rows.

    based: whether the model corrects a base (`small/base.py`).
    """
    shuffled = child(seed, "split").permutation(rows)
    share = BASED if based else 20 if rows >= 200 else 10
    held = min(config.validation_rows, rows // share)
    return (shuffled[held:], shuffled[:held]) if rows >= 20 else (shuffled, shuffled)


def random_first(rows: int, columns: int, config: TrainConfig, rng: np.random.Generator) -> np.ndarray:
    """(rows, columns) bool: none or, in a share of the rows, a random subset of the columns, mostly a few."""
    few = np.minimum(rng.geometric(0.35, rows), columns - 1)
    size = np.where(rng.random(rows) < 0.6, few, rng.integers(min(1, columns - 1), max(columns, 1), rows))
    size[rng.random(rows) >= config.subset_share] = 0
    return rng.random((rows, columns)).argsort(1).argsort(1) < size[:, None]
