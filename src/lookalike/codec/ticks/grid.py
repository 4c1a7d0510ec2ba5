"""The grid that whole numbers lie on (halves, prices in .99), and how many zeros they end in."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from lookalike.codec.slot import Array

ON_GRID = 0.99  # of the rows in intervals, that lie on a grid
GRID_VALUES, PARTS = 20, 25  # neighbours by which a grid is told, and how many times
CHANCE = 1e-6  # that values lie on it by accident, at most


def grid_of(values: Array, counts: Array) -> tuple[int, int]:
    """(step, offset) of the values that occur `counts` times; (1, 0) where they lie on no grid.

    Up to 1% of the rows need not lie on it.
    """
    if values.dtype != np.int64 or not counts.any():
        return 1, 0
    own, rows = values[counts > 0], counts[counts > 0]
    parts = max(1, len(own) // GRID_VALUES)  # few of them have values of another grid
    some = np.linspace(0, parts - 1, min(parts, PARTS)).astype(int)
    runs = (own[at * len(own) // parts : (at + 1) * len(own) // parts] for at in some)
    found = [int(np.gcd.reduce(run - run[0])) for run in runs]
    step = sorted(found)[len(found) // 2]
    if step < 2 or (len(own) - 1) * math.log(step) < -math.log(CHANCE):
        return 1, 0
    offset = int(np.median(own % step))
    if rows[own % step == offset].sum() < ON_GRID * rows.sum():
        return 1, 0
    rounded = offset == 0 and step == 10 ** (len(str(step)) - 1)  # the grain says so, bin by bin
    return (1, 0) if rounded else (step, offset)


def _units(step: int, largest: Any) -> list[int]:
    """Ticks that a draw is rounded to: of the grid, and of it those that end in one zero, in two ..."""
    units, level = [step], 1
    while (unit := math.lcm(step, 10**level)) <= largest:
        units.append(unit)
        level += 1
    return units


def grain_of(values: Array, counts: Array, index: Array, interval: Array, token: Array, step: int) -> Array:
    """(tokens, levels): chance of rounding a draw to at least so many zeros at its end, one a level.

    A share q[k] of the real values ends in k zeros. Of those that were rounded to fewer, a share c (a tenth,
    or more on a grid) ends in one more by itself, so the chance a[k] of rounding to k zeros at least solves
    q[k] = a[k] + (q[k-1] - a[k]) * c.
    """
    tokens = int(token.max()) + 1
    if values.dtype != np.int64 or not interval.any():
        return np.zeros((tokens, 0))
    inside = np.where(interval[index], counts, 0)
    rows = np.maximum(np.bincount(token[index], weights=inside, minlength=tokens), 1)
    before, chances = np.ones(tokens), [np.ones(tokens)]
    for last, unit in itertools.pairwise(_units(step, np.abs(values).max())):
        ends = np.bincount(token[index], weights=inside * (values % unit == 0), minlength=tokens) / rows
        if not ends.any():
            break
        alone = last / unit
        if alone == 1:
            chances.append(chances[-1])
        else:
            chances.append(np.clip((ends - before * alone) / (1 - alone), 0, chances[-1]))
        before = ends
    return np.stack(chances[1:], axis=1) if len(chances) > 1 else np.zeros((tokens, 0))
