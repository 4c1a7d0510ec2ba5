"""The grid that whole numbers lie on (halves, prices in .99), and how round they are: tens, fives,
quarters.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from lookalike.codec.slot import Array

ON_GRID = 0.99  # of the rows in intervals, that lie on a grid
GRID_VALUES, PARTS = 20, 25  # neighbours by which a grid is told, and how many times
CHANCE = 1e-6  # that values lie on it by accident, at most
TWICE, SURE, SEVERAL = 2.0, 5.0, 5  # fives: times as many as by accident, deviations above it, different ones
FILLED = 50  # rows of a bin from which on it tells by itself how round its numbers are
HALF = 0.5  # of the fives that are no tens, that are quarters


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


def units_of(values: Array, counts: Array, step: int) -> list[int]:
    """Ticks that draws are rounded to, each a multiple of the one before: those of the grid, and of it those
    that end in one zero, in two ...; between them fives, or fives and quarters, where there are more of them
    than by accident. Of whole numbers that occur `counts` times.
    """
    largest = int(np.abs(values).max())
    units, level, own = [step], 1, counts > 0
    values, counts = values[own], counts[own]
    while (unit := math.lcm(step, 10**level)) <= largest:
        tens = unit // 10
        fives = step == 1 and _share(values, counts, 5 * tens, tens)
        if fives:
            units.append(5 * tens)
        quarters = fives and _share(values, counts, 25 * tens, 5 * tens) > HALF
        units += [25 * tens, 50 * tens, 100 * tens] if quarters else [unit]  # no quarter is a multiple of ten
        level += 2 if quarters else 1
    return [one for one in units if one <= largest]


def _share(values: Array, counts: Array, fives: int, unit: int) -> float:
    """The share of multiples of `fives`, five units, in those of the unit that are none of ten units: 0.0
    where it may be an accident.
    """
    among = (values % unit == 0) & (values % (10 * unit) != 0)
    chosen = among & (values % fives == 0)
    rows, found = counts[among].sum(), counts[chosen].sum()
    if not found or chosen.sum() < SEVERAL:
        return 0.0
    likely = rows / 9 + SURE * math.sqrt(rows * 8) / 9
    return float(found / rows) if found > max(TWICE * rows / 9, likely) else 0.0


def grain_of(
    values: Array, counts: Array, index: Array, low: Array, interval: Array, token: Array, step: int
) -> tuple[Array, list[int]]:
    """(tokens, levels): chance of rounding a draw to at least each of some units, and those units, the first
    of which is the grid's. index: of the cell of each value; low, interval, token: of each cell.

    A share q[k] of the real values are multiples of unit k. Of those that were rounded to the unit before, a
    share c (a tenth, half, or a fifth) is one of unit k by itself, so the chance a[k] of rounding to unit k
    at least solves q[k] = a[k] + (q[k-1] - a[k]) * c.
    """
    tokens = int(token.max()) + 1
    if values.dtype != np.int64 or not interval.any():
        return np.zeros((tokens, 0)), [step]
    inside = np.where(interval[index], counts, 0)
    rows = np.bincount(token[index], weights=inside, minlength=tokens)
    units = units_of(values, inside, step)
    fives = step == 1 and any(str(unit).strip("0") != "1" for unit in units)
    filled = np.maximum(FILLED - rows, 0) if fives else np.zeros(tokens)
    before, chances = np.ones(tokens), [np.ones(tokens)]
    for last, unit in itertools.pairwise(units):
        ends = np.bincount(token[index], weights=inside * (values % unit == 0), minlength=tokens)
        if not ends.any():
            break
        if fives:  # what is round by accident in bins of few rows, and what exact cells make round, is less
            gone = np.where(
                interval[index], 0, counts * ((low[index] % unit == 0) * 1 - (values % unit == 0))
            )
            ends = ends * np.clip(1 - gone.sum() / ends.sum(), 0, 1)
        ends = (ends + filled * ends.sum() / rows.sum()) / np.maximum(rows + filled, 1)
        alone = last / unit
        if alone == 1:
            chances.append(chances[-1])
        else:
            chances.append(np.clip((ends - before * alone) / (1 - alone), 0, chances[-1]))
        before = ends
    grain = np.stack(chances[1:], axis=1) if len(chances) > 1 else np.zeros((tokens, 0))
    return grain, units[: len(chances)]
