"""How far the weights may go: as far as real rows that were not matched say that it helps.

Weights that match one embedding of few real rows closely follow their chance: the same few rows come again
and again, and in another embedding the result is further from the real rows than before. So several limits
on how often a row comes are tried on a part of the real rows, and judged on the rest of them in a second
embedding; the least change is made that is within one standard error of the best.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.curate.kernel import Features
from lookalike.sampling import median_distance

Array = npt.NDArray[Any]
Draw = Callable[[int], Array]

CAPS = (0, 1, 2, 5, 10)  # how often a row may come; 0: all rows of a class alike
JUDGED = 20_000  # drawn rows that are judged, at most


def caps(most_repeats: int, needed: int) -> list[int]:
    """The limits that are tried, least change first: 0, then those from `needed` to `most_repeats`.

    needed: how often a row has to come, so that there are rows enough.
    """
    tried = sorted({cap for cap in (*CAPS, most_repeats) if max(needed, 1) <= cap <= most_repeats})
    return [0, *tried]


def choose(tried: Sequence[int], draw: Draw, synthetic: Array, real: Array, rng: np.random.Generator) -> int:
    """The first of the limits that is within one standard error of the best.

    draw: limit -> (n,) the rows that it gives. synthetic, real: (rows, dims) points in the second embedding;
    of these real rows none was matched. What is compared is the unbiased MMD^2 to them, but for a constant;
    its standard error is that of the difference from the best, over the real rows.
    """
    if len(tried) == 1 or len(real) < 2:
        return tried[0]
    features = Features(real.shape[1], median_distance(real, rng), rng)
    held = features(real)
    found = [_compared(features, synthetic, draw(cap), held, rng) for cap in tried]
    best = min(range(len(tried)), key=lambda at: found[at][0])
    for at, (value, of_row) in enumerate(found):
        difference = of_row - found[best][1]
        error = 2 * float(difference.std(ddof=1)) / np.sqrt(len(real))
        if value <= found[best][0] + error:
            return tried[at]
    return tried[best]


def _compared(
    features: Features, synthetic: Array, rows: Array, held: Array, rng: np.random.Generator
) -> tuple[float, Array]:
    """MMD^2 but for the real rows' own part, and (real rows,) the mean kernel of each with the drawn rows."""
    rows = rows[rng.permutation(len(rows))[:JUDGED]]
    total = features(synthetic[rows]).sum(0, dtype=np.float64)
    n = len(rows)
    within = (total @ total - n) / (n * (n - 1))
    of_row = held.astype(np.float64) @ (total / n)
    return within - 2 * float(of_row.mean()), of_row
