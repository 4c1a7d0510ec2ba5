"""Weights as a function of the row, for a table that is too large to be weighed at once.

The weights of `weights.py` in random features phi, with a little ridge on how uneven they are, have a dual:

    weight(x) = clip(level - slope . phi(x), 0, most)

with one number for each feature in `slope`. Found on a uniform sample of the rows, the same function weighs
any other row, so that what a part of the table weighs is a sum over its rows, however these are dealt to
parts. The dual is concave, of 512 unknowns, and solved by L-BFGS (Liu and Nocedal 1989).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.curate.kernel import CHUNK, Features
from lookalike.curate.weights import Tick, project, steps, tolerance

Array = npt.NDArray[Any]

ROUNDS = 200  # of the search, at most


@dataclass(frozen=True)
class Tilt:
    """The weight of a row beside that of others; about 1 on average over the rows that it was found on.

    features: None: the points less `centre` are their own features. most: the largest weight.
    """

    features: Features | None
    centre: Array
    slope: Array
    level: float
    most: float

    def __call__(self, points: Array) -> Array:
        """(rows,) float64, in the memory of 8,192 rows."""
        found = np.empty(len(points))
        for start in range(0, len(points), CHUNK):
            part = points[start : start + CHUNK]
            own = part - self.centre if self.features is None else self.features(part)
            found[start : start + CHUNK] = own.astype(np.float64) @ self.slope
        return np.clip(self.level - found, 0, self.most)


def tilt(
    real: Array, synthetic: Array, length: float, *, method: str = "exact", most: float = 1.0, seed: int = 0
) -> Tilt:
    """The function that weighs the synthetic rows, and others like them, so that they match the real ones.

    The arguments are those of `weights.weigh`; rows of the average weight 1 weigh at most m x `most`.
    """
    m, linear = len(synthetic), method == "linear"
    centre = real.mean(0, dtype=np.float64).astype(np.float32)
    if linear:
        features, target = None, np.zeros(real.shape[1])
        own = synthetic - centre
        ridge = tolerance(len(real), float(np.var(real, axis=0, dtype=np.float64).sum()))
    else:
        features = Features(real.shape[1], length, np.random.default_rng(seed))
        own, target = features(synthetic), features.mean(real)
        ridge = tolerance(len(real))
    slope = _solved(own, target, ridge, most) / max(ridge, 1e-300)
    scores = own.astype(np.float64) @ slope
    level = _level(scores, m * most)
    return Tilt(features, centre, slope, level, m * most)


def weigh(
    real: Array,
    synthetic: Array,
    length: float,
    *,
    method: str = "exact",
    most: float = 1.0,
    seed: int = 0,
    tick: Tick = lambda steps: None,
) -> Array:
    """As `weights.weigh`, by the function."""
    found = tilt(real, synthetic, length, method=method, most=most, seed=seed)(synthetic)
    tick(steps(len(synthetic)))
    return found / found.sum()


def _solved(features: Array, target: Array, ridge: float, most: float) -> Array:
    """(d,) the u of the greatest dual of  min |features'w - target|^2 / 2 + ridge m |w - 1/m|^2 / 2  over
    weights w between 0 and `most` that sum to 1; w = project(1/m - features u / (ridge m)).
    """
    from scipy.optimize import minimize

    m = len(features)
    unit = max(ridge, 1e-300) * m

    def dual(u: Array) -> tuple[float, Array]:
        w = project(1 / m - (features @ u.astype(features.dtype)).astype(np.float64) / unit, most)
        gap = (w.astype(features.dtype) @ features).astype(np.float64) - target
        value = u @ u / 2 - u @ gap - unit / 2 * float(((w - 1 / m) ** 2).sum())
        return float(value), u - gap

    found = minimize(
        dual, np.zeros(features.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": ROUNDS}
    )
    return np.asarray(found.x)


def _level(scores: Array, most: float) -> float:
    """The level at which clip(level - scores, 0, most) has the mean 1."""
    m = len(scores)
    weights = project((1 - scores) / m, most / m)
    inside = (weights > 0) & (weights < most / m)
    if inside.any():
        return float((weights[inside] * m + scores[inside]).mean())
    return float(scores[weights > 0].max() + most)
