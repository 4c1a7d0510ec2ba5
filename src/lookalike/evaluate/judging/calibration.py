"""What people say of some pairs -> how far the judge agrees, and what people would say of all of them.

PPI++ (Angelopoulos, Duchi and Zrnic 2023): the mean of the judge's values over all pairs, moved by how far it
is off where people answered, lambda mean(f_others) + mean(y - lambda f), with the lambda of the least
variance. It holds whatever the judge is worth, as long as the pairs that people saw were drawn at random.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lookalike.agreement import wilson

Array = npt.NDArray[np.float64]

FEWEST = 10  # answers of people, below which a mean has no interval worth showing
SURE = 0.975


@dataclass(frozen=True)
class Rate:
    """A mean with its 95% interval, and the interval by the people's answers alone. trust: lambda, 0..1, how
    much the judge counts. people: how many answers.
    """

    value: float
    low: float
    high: float
    alone: tuple[float, float]
    trust: float
    people: int


def rate(said: Array, judged: Array, others: Array) -> Rate:
    """The mean of what people say, of all items.

    said, judged: (n,) values, 0..1, by people and by the judge, of the items that people saw; n is 2 or more.
    others: (N,) the judge's, of all other items.
    """
    from scipy.stats import t

    n, rest = len(said), len(others)
    if not said.var():  # all said the same: no spread to go by, but others may say otherwise
        alone = wilson(float(said.sum()), n)
        return Rate(float(said[0]), *alone, alone, 0.0, n)
    trust = 0.0
    if rest > 1 and (spread := float(judged.var(ddof=1))) > 0:
        together = float(np.cov(said, judged)[0, 1])
        trust = float(np.clip(together / ((1 + n / rest) * spread), 0.0, 1.0))
    off = said - trust * judged
    variance = float(off.var(ddof=1)) / n
    value = float(off.mean())
    if trust:
        value += trust * float(others.mean())
        variance += trust**2 * float(others.var(ddof=1)) / rest
    wide = float(t.ppf(SURE, n - 1))
    mean, half = float(said.mean()), wide * math.sqrt(float(said.var(ddof=1)) / n)
    return Rate(
        min(max(value, 0.0), 1.0),
        *_clipped(value, wide * math.sqrt(variance)),
        _clipped(mean, half),
        trust,
        n,
    )


def _clipped(value: float, half: float) -> tuple[float, float]:
    return min(max(value - half, 0.0), 1.0), min(max(value + half, 0.0), 1.0)
