"""How near a given value is to those that were learned: the answers of the kinds' `learned`."""

from __future__ import annotations

import numpy as np

from lookalike.codec.slot import Array

# OUTSIDE: a value that may well be of the table that was learned, though `where` refuses it: a number or date
# beyond the learned range by no more than the width of it (the most extreme values are not learned), or
# between its values; it is read as the nearest. FAR: farther out than that, as the largest value of a
# column with a long tail may be. UNKNOWN: everything else, and what cannot be read.
LEARNED, OUTSIDE, FAR, UNKNOWN = range(4)


def in_range(ticks: Array, low: object, high: object) -> Array:
    """(rows,) LEARNED, OUTSIDE or FAR of ticks, by the learned range.

    As floats: a place far outside of the range is told from one inside by more than their rounding.
    """
    at = ticks.astype(np.float64) / 4  # quarters, so that twice the width of the widest range is finite
    first, last = float(low) / 4, float(high) / 4  # type: ignore[arg-type]
    width = last - first if np.isfinite([first, last]).all() else np.inf
    found = np.where((at < first - width) | (at > last + width), FAR, OUTSIDE)
    found[(ticks >= low) & (ticks <= high)] = LEARNED
    return found
