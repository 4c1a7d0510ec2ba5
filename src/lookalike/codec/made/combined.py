"""Cells of several words: as many repeat as of the real ones, and none is that of a single real row.

A cell that is to be another one gets a word of another row: of two words the second one first, and of more
words one that stands beside the same neighbour there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lookalike.codec.made.taken import Taken
from lookalike.codec.slot import Array
from lookalike.table import compound

TRIES = 24  # words that are tried for a cell


def as_often(
    members: Sequence[Array], form: str, single: Taken, again: float, rng: np.random.Generator
) -> list[Array]:
    """(rows,) of each member its text, so that a share `again` of the cells repeats that of an earlier row.

    members: as of `compound.split`; form: how they are joined; single: the cells of single real rows. Where
    no other cell can be made, one repeats all the same.
    """
    made = [own.copy() for own in members]
    cells = compound.join(made, form)
    there = ~pd.isna(cells)
    codes, names = pd.factorize(cells)
    hidden = np.array([name in single for name in names] + [False])[codes] & there
    copies = np.flatnonzero(pd.Series(cells).duplicated().to_numpy() & there & ~hidden)
    most = round(again * int(there.sum()))
    left = np.concatenate([np.flatnonzero(hidden), rng.permutation(copies)[most:]])
    stays = there.copy()
    stays[left] = False
    used = set(cells[stays])
    varied = [at for at, own in enumerate(made) if len(set(own[there])) > 1][::-1]
    for turn in range(TRIES if varied else 0):
        if not len(left):
            break
        at = varied[turn % len(varied)]
        new = [own[left] for own in made]
        beside = None if len(made) < 3 else members[at - 1 if at else 1]
        new[at] = members[at][_donors(beside, np.flatnonzero(there), left, rng)]
        good = np.zeros(len(left), dtype=bool)
        for place, cell in enumerate(compound.join(new, form)):
            if cell not in used and cell not in single:
                used.add(cell)
                good[place] = True
        for own, texts in zip(made, new, strict=True):
            own[left[good]] = texts[good]
        left = left[~good]
    lost = left[hidden[left]]
    others = np.setdiff1d(np.flatnonzero(there), lost)
    if len(lost) and len(others):
        _repeat(made, lost, rng.choice(others, len(lost)))
    cells = compound.join(made, form)
    lacking = most - int(pd.Series(cells[there]).duplicated().sum())
    alone = np.flatnonzero(~pd.Series(cells).duplicated(keep=False).to_numpy() & there)
    if lacking > 0 and len(alone) > 1:
        rows = rng.permutation(alone)
        rows, others = rows[: min(lacking, len(rows) // 2)], rows[len(rows) // 2 :]
        _repeat(made, rows, _donors(made[0], others, rows, rng))
    return made


def _repeat(members: Sequence[Array], rows: Array, others: Array) -> None:
    """The cells of rows become those of others."""
    for own in members:
        own[rows] = own[others]


def _donors(beside: Array | None, others: Array, rows: Array, rng: np.random.Generator) -> Array:
    """For each of the rows one of the others: of those with the same word `beside`, where there are any."""
    picked: Array = rng.choice(others, len(rows))
    if beside is None:
        return picked
    codes = pd.factorize(beside)[0]
    order = others[np.argsort(codes[others], kind="stable")]
    first = np.searchsorted(codes[order], codes[rows], side="left")
    size = np.searchsorted(codes[order], codes[rows], side="right") - first
    chosen = np.minimum(first + (rng.random(len(rows)) * size).astype(np.int64), len(order) - 1)
    return np.where(size > 0, order[chosen], picked)
