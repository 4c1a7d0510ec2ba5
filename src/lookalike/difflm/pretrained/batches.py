"""Records as tokens of a language model, in batches and parts of rows that have about the same length."""

from __future__ import annotations

import numpy as np

from lookalike.codec.slot import Array
from lookalike.seed import child

SORTED = 16  # batches whose rows are sorted by length together


def epoch_batches(length: Array, rows: Array, batch: int, seed: int, epoch: int) -> list[Array]:
    """The rows of an epoch in batches of like length, in random order.

    length: (all rows,) tokens of each; rows: indices into it.
    """
    rng = child(seed, "batches", epoch)
    found, shuffled = [], rng.permutation(rows)
    for first in range(0, len(rows), batch * SORTED):  # whole batches, but for the last one
        group = shuffled[first : first + batch * SORTED]
        ordered = group[np.argsort(length[group], kind="stable")]
        found += [ordered[start : start + batch] for start in range(0, len(ordered), batch)]
    return [found[i] for i in rng.permutation(len(found))]


def length_parts(length: Array, most: int) -> list[Array]:
    """All rows in parts of like length, each of at most `most` tokens when padded (or one row).

    length: (rows,) tokens of each.
    """
    found: list[Array] = []
    part: list[int] = []
    for row in np.argsort(length, kind="stable").tolist():
        if part and (len(part) + 1) * int(length[row]) > most:
            found.append(np.array(part))
            part = []
        part.append(row)
    return [*found, np.array(part)] if part else found
