"""What people say of some pairs -> how far the judge agrees, and what people would say of all of them.

By the judge's verdict: in each of them the mean of what people say of the pairs that they saw, weighed by how
often the judge gives it (prediction-powered inference in strata, Fisch et al. 2024). That holds for any share
of each verdict that people see, as long as the pairs of a verdict are drawn at random, so `spread` draws more
of a rare one, whose pairs tell more. Where a verdict has too few answers it is PPI++ (Angelopoulos, Duchi and
Zrnic 2023): the mean of the judge's values over all pairs, moved by how far it is off where people answered,
lambda mean(f_others) + mean(y - lambda f), with the lambda of the least variance. That wants a slice of which
every pair had the same chance. Both hold whatever the judge is worth.
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
VERDICTS = (0.0, 0.5, 1.0)  # of a pair: the real row, neither, the synthetic one
LEAST_ANSWERS = 5  # of people, to pairs of a verdict, for a mean of its own


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


def rate(said: Array, judged: Array, others: Array, strata: bool = True) -> Rate:
    """The mean of what people say, of all items.

    said, judged: (n,) values, 0..1, by people and by the judge, of the items that people saw; n is 2 or more.
    others: (N,) the judge's, of all other items. strata: False for PPI++ of a slice at random.
    """
    from scipy.stats import t

    said, judged, others = (np.asarray(one, dtype=float) for one in (said, judged, others))
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
    free = n - 1.0
    mean, half = float(said.mean()), float(t.ppf(SURE, free)) * math.sqrt(float(said.var(ddof=1)) / n)
    found = _by_verdict(said, judged, others) if strata else None
    if found is not None:
        value, variance, free = found
    return Rate(
        min(max(value, 0.0), 1.0),
        *_clipped(value, float(t.ppf(SURE, free)) * math.sqrt(variance)),
        _clipped(mean, half),
        trust,
        n,
    )


def _by_verdict(said: Array, judged: Array, others: Array) -> tuple[float, float, float] | None:
    """Mean, variance and degrees of freedom of the strata of the verdicts; None where there are no two that
    people answered often enough.

    A verdict with few answers goes with the next one. In a stratum of which all say the same, one answer more
    to each side is counted for the variance.
    """
    every = np.concatenate([judged, others])
    if not np.isin(every, VERDICTS).all():
        return None
    strata: list[list[float]] = []
    for verdict in np.unique(every).tolist():
        few = bool(strata) and np.isin(judged, strata[-1]).sum() < LEAST_ANSWERS
        if few or (strata and (judged == verdict).sum() < LEAST_ANSWERS):
            strata[-1].append(verdict)
        else:
            strata.append([verdict])
    if len(strata) < 2 or np.isin(judged, strata[0]).sum() < LEAST_ANSWERS:
        return None
    shares = np.array([np.isin(every, one).mean() for one in strata])
    answers = [said[np.isin(judged, one)] for one in strata]
    means = np.array([one.mean() for one in answers])
    sizes = np.array([len(one) for one in answers])
    spread = np.array([(one if one.var() else np.append(one, [0.0, 1.0])).var(ddof=1) for one in answers])
    parts = shares**2 * spread / sizes
    value = float(shares @ means)
    variance = float(parts.sum() + shares @ (means - value) ** 2 / len(every))
    return value, variance, float(variance**2 / (parts**2 / (sizes - 1)).sum())


def spread(verdicts: Array, n: int, rng: np.random.Generator) -> list[int]:
    """Numbers of n of the pairs, for people, in an order by chance: of each verdict as many as the root of
    its share says, and those that people need at least.

    Where a judge is as often wrong one way as the other, as many of each verdict would be best, and shares as
    they are worst; the root loses little and bears a rare third verdict.
    """
    found, counts = np.unique(verdicts, return_counts=True)
    roots = np.sqrt(counts)
    wanted = np.maximum(np.round(n * roots / roots.sum()), LEAST_ANSWERS).astype(int)
    some = [
        rng.permutation(np.flatnonzero(verdicts == one))[:most].tolist()
        for one, most in zip(found, wanted.tolist(), strict=True)
    ]
    chosen = [at for own in some for at in own]
    rest = np.setdiff1d(np.arange(len(verdicts)), chosen)  # where a verdict has too few
    chosen += rng.permutation(rest)[: max(n - len(chosen), 0)].tolist()
    return [chosen[at] for at in rng.permutation(len(chosen))[:n]]


def _clipped(value: float, half: float) -> tuple[float, float]:
    return min(max(value - half, 0.0), 1.0), min(max(value + half, 0.0), 1.0)
