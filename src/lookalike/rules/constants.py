"""Constants of formulas, as a person would write them: the shortest that the cells of a column allow."""

from __future__ import annotations

import numpy as np

from lookalike.codec.slot import Array
from lookalike.table.rule_formulas import digits_of

DIGITS = 12  # of a constant, at most
# Ticks that a number is below and above its cell, as it is rounded to the nearest, down or up.
WAYS = ((0.5, 0.5), (0.0, 1.0), (1.0, 0.0))


def shortest(low: float, high: float) -> float:
    """The number of the fewest digits between low and high, both included."""
    if low <= 0 <= high:
        return 0.0
    if high < 0:
        return -shortest(-high, -low)
    for digits in range(DIGITS):
        size = 10.0 ** (np.floor(np.log10(high)) - digits)
        first, last = np.ceil(low / size * (1 - 1e-15)), np.floor(high / size * (1 + 1e-15))
        if first <= last:
            middle = min(max(np.rint((low + high) / 2 / size), first), last)
            return float(f"{middle * size:.{DIGITS}g}")
    return (low + high) / 2


def written(low: float, high: float) -> float:
    """The factor between low and high of the fewest digits, or 1 by such a number: 1 / 36500."""
    factor = shortest(low, high)
    if not factor or low * high <= 0:
        return factor
    below = shortest(*sorted((1 / low, 1 / high)))
    return 1 / below if digits_of(below) < digits_of(factor) else factor


def agreed(lows: Array, highs: Array) -> tuple[float, float, float]:
    """(low, high, share): the range that the most of some ranges have in common, and the share of them that
    do. lows, highs: (ranges,).
    """
    if not len(lows):
        return 0.0, 0.0, 0.0
    ends = np.concatenate([lows, highs])
    begins = np.repeat([1, -1], len(lows))
    order = np.lexsort((-begins, ends))
    depth = np.cumsum(begins[order])
    best = int(depth.argmax())
    if best + 1 >= len(order):
        return 0.0, 0.0, 0.0
    return float(ends[order[best]]), float(ends[order[best + 1]]), float(depth[best] / len(lows))


def factor_of(target: Array, said: Array, tick: float, error: float) -> tuple[float, float, float]:
    """(low, high, share) of the factor of `said` that comes to the target in the most rows, as this is
    rounded; of several of these one of a single digit: .01, rounded down, before .0098. Both are (rows,),
    without missing cells; tick: of the target; error: the relative one of it.
    """
    there = said != 0
    target, said = target[there], said[there]
    best, digits = (0.0, 0.0, 0.0), 0
    for below, above in WAYS if tick else WAYS[:1]:
        left = error * np.abs(target) + 1e-6 * tick
        ends = (target - below * tick - left) / said, (target + above * tick + left) / said
        found = agreed(np.minimum(*ends), np.maximum(*ends))
        own = digits_of(written(*found[:2]))
        if found[2] > best[2] or (found[2] == best[2] and own == 1 < digits):
            best, digits = found, own
    return best
