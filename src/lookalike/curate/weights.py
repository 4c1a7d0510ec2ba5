"""Weights that match synthetic rows to real ones (SynAlign, arXiv 2502.08661, distribution alignment).

The squared maximum mean discrepancy between the real rows and the weighted synthetic ones is, but for a
constant, w'Kw - 2 kappa'w with K_jl = k(s_j, s_l) and kappa_j = mean_i k(s_j, x_i) (the biased estimate).
It is minimised over w >= 0 with sum w = 1, and w <= most where a row may not weigh more.

"exact": the kernel of `kernel.py`; on more than 4,000 synthetic rows its random features Phi, in which the
same is |Phi'w - mu|^2. "linear": the mean embedding, E |Theta'(sum_j w_j s_j - mean_i x_i)|^2 over random
projections Theta. That expectation is known, |sum_j w_j s_j - mean_i x_i|^2 times a constant, so nothing is
drawn: the points are their own features.

Both are solved by accelerated projected gradient (FISTA, Beck and Teboulle 2009) with restarts where the
momentum points uphill (O'Donoghue and Candes 2015), from equal weights: of the many weights that match about
equally well it ends near those that are the least uneven.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.curate.kernel import Features, kernel, mean_kernel
from lookalike.defaults import ALIGN_METHODS

Array = npt.NDArray[Any]
Slope = Callable[[Array], Array]
Tick = Callable[[int], object]

METHODS = ALIGN_METHODS
EXACT_ROWS = 4000  # synthetic rows up to which the kernel matrix is held (128 MB)
BLOCK = 1_000_000  # synthetic rows whose features are held at once (2 GB); more are split at random
STEPS = 300  # of the gradient, at most
TOLERANCE, NOISE = 1e-4, 0.25  # what may be missing to the minimum: see `tolerance`
POWER_STEPS = 12
CHECK = 10  # steps between two looks at that bound


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
    """(m,) float64 weights of the synthetic rows, at least 0, that sum to 1.

    real: (n, dims), synthetic: (m, dims), finite. length: the median distance of real rows. most: the largest
    weight of a row, at least 1/m. tick: called with how many of `steps(m)` were done.

    Time grows linearly with n and m; memory beyond the points is 2 kB a synthetic row, at most 2 GB.
    """
    rng = np.random.default_rng(seed)
    m = len(synthetic)
    blocks = -(-m // BLOCK)
    if blocks > 1:  # each a random sample of the rows, so each can be matched by itself
        weights = np.empty(m)
        for rows in np.array_split(rng.permutation(m), blocks):
            share = len(rows) / m
            part = weigh(
                real,
                synthetic[np.sort(rows)],
                length,
                method=method,
                most=most / share,
                seed=int(rng.integers(2**63)),
                tick=tick,
            )
            weights[np.sort(rows)] = part * share
        return weights
    if method == "linear":
        centre = real.mean(0, dtype=np.float64)
        spread = float(np.var(real, axis=0, dtype=np.float64).sum())
        return _by_features(synthetic, centre, most, tolerance(len(real), spread), rng, tick)
    if m <= EXACT_ROWS:
        points = synthetic.astype(np.float64)
        gram = kernel(points, points, length)
        kappa = mean_kernel(points, real.astype(np.float64), length)
        return minimise(lambda w: gram @ w - kappa, m, most, tolerance(len(real)), rng, tick)
    features = Features(real.shape[1], length, rng)
    target = features.mean(real)
    return _by_features(features(synthetic), target, most, tolerance(len(real)), rng, tick)


def steps(m: int) -> int:
    """How many steps `weigh` ticks for m synthetic rows."""
    return STEPS * -(-m // BLOCK)


def tolerance(n: int, spread: float = 1.0) -> float:
    """How far from the minimum the search may end: 1e-4, or a quarter of the noise of n real rows.

    Their mean is off the truth by at most spread/n in the same unit. Nearer to the minimum the weights grow
    uneven to match that noise, and rows that were held out are matched no better.
    """
    return spread * min(TOLERANCE, NOISE / n)


def _by_features(
    features: Array, target: Array, most: float, tolerance: float, rng: np.random.Generator, tick: Tick
) -> Array:
    """Minimise |features'w - target|^2; features: (m, d), target: (d,)."""
    target = target.astype(features.dtype)

    def slope(w: Array) -> Array:  # the difference first: near the minimum it is small beside its two terms
        return (features @ (w.astype(features.dtype) @ features - target)).astype(np.float64)

    return minimise(slope, len(features), most, tolerance, rng, tick)


def minimise(
    slope: Slope,
    m: int,
    most: float,
    tolerance: float,
    rng: np.random.Generator,
    tick: Tick = lambda steps: None,
) -> Array:
    """(m,) the w with 0 <= w <= most and sum 1 that minimises w'Kw - 2 kappa'w, given slope(w) = Kw - kappa.

    It ends where the objective is proven to be within `tolerance` of the minimum, or after 300 steps.
    """
    before = at = np.full(m, 1 / m)
    step, momentum = 1 / _curvature(slope, at, rng), 1.0
    for done in range(STEPS):
        downhill = slope(at)
        if done % CHECK == 0 and 2 * _gap(at, downhill, most) <= tolerance:
            tick(STEPS - done)
            break
        after = project(at - step * downhill, most)
        if (at - after) @ (after - before) > 0:
            momentum = 1.0
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        at = after + (momentum - 1) / following * (after - before)
        before, momentum = after, following
        tick(1)
    return before


def project(v: Array, most: float) -> Array:
    """The nearest w to v with 0 <= w <= most and sum 1, by Newton steps on the shift that they share."""
    low, high = float(v.min()) - most, float(v.max())
    shift = float(v.sum() - 1) / len(v)
    for _ in range(100):
        w = np.clip(v - shift, 0, most)
        over = float(w.sum()) - 1
        if abs(over) < 1e-12:
            break
        low, high = (shift, high) if over > 0 else (low, shift)
        inside = int(((w > 0) & (w < most)).sum())
        shift = shift + over / inside if inside else low
        if not low < shift < high:
            shift = (low + high) / 2
    return w


def _gap(w: Array, slope: Array, most: float) -> float:
    """What a step to the best corner would gain: half a bound on f(w) - min f (Frank and Wolfe 1956)."""
    full = min(int(1 / most), len(w))  # rows of weight `most` in that corner
    if full < 2:
        return float(w @ slope - slope.min())
    lowest = np.partition(slope, full - 1)[:full]
    return float(w @ slope - lowest.mean())


def _curvature(slope: Slope, w: Array, rng: np.random.Generator) -> float:
    """A bound on the curvature among weights of equal sum: the largest eigenvalue by power steps, x 1.5."""
    base, value = slope(w), 0.0
    v = rng.standard_normal(len(w))
    for _ in range(POWER_STEPS):
        v -= v.mean()
        v /= max(float(np.linalg.norm(v)), 1e-300)
        image = slope(w + v) - base
        value = float(v @ image)
        v = image
    return max(1.5 * value, 1e-12)
