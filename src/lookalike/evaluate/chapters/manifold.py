"""Fidelity of whole rows: alpha-precision and beta-recall, and the maximum mean discrepancy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.chapters.fidelity import bootstrap
from lookalike.evaluate.section import Entry, Section, entry
from lookalike.evaluate.space import nearest, projection
from lookalike.evaluate.view import View

Array = npt.NDArray[Any]

LEVELS = np.linspace(0, 1, 51)
NEIGHBOURS = 5
BOOTSTRAPS = 30
KERNEL_ROWS = 1000  # of each table, for MMD
PERMUTATIONS = 200
SHOWN_POINTS = 400  # of each table in the projection


def measure(view: View) -> Section:
    """The entries of whole rows and the projection; whatever is asked for, how many rows have neighbours."""
    if not view.has_points:
        reason = "distances between rows need at least 20 rows of each table and a column that is not an id."
        return Section(skipped={"neighbours": reason})
    rows = view.neighbour_rows
    section = Section(sizes={"neighbours": rows, "kernel": min(*rows.values(), KERNEL_ROWS)})
    if "fidelity" in view.only:
        section.entries["fidelity"] = manifold(view.points, view.rng)
        section.projection = projection(view.points, SHOWN_POINTS)
    return section


def precision_recall(real: Array, other: Array, rng: np.random.Generator) -> dict[str, tuple[float, float]]:
    """{"alpha_precision", "beta_recall"}: (value, spread), 0..1; 1 where the supports agree at every level.

    Alaa et al., "How faithful is your synthetic data?", ICML 2022, section 3, in the space of `points`. P(a)
    is the share of the other rows within the ball around the mean real row that holds a share a of the real
    ones; R(b) the share of the real rows that have a row of the innermost share b of the other table within
    the distance of their fifth real neighbour. Each is 1 - 2 x the area between its curve and the diagonal.
    real, other: (rows, dims), as many rows each.
    """
    inner = np.sort(np.linalg.norm(real - real.mean(0), axis=1))
    rank = np.searchsorted(inner, np.linalg.norm(other - real.mean(0), axis=1)) / len(inner)
    depth = np.linalg.norm(other - other.mean(0), axis=1)
    depth_rank = (np.argsort(np.argsort(depth, kind="stable")) + 1) / len(depth)
    radius = nearest(real, real, NEIGHBOURS, itself=True)[0][:, -1]
    distance, found = nearest(real, other)
    level = np.where(distance[:, 0] <= radius, depth_rank[found[:, 0]], np.inf)

    def score(levels: Array, weights: Array | None = None) -> float:
        order = np.argsort(levels)
        mass = np.ones(len(levels)) if weights is None else weights
        reached = np.append(0, np.cumsum(mass[order])) / mass.sum()
        curve = reached[np.searchsorted(levels[order], LEVELS, side="right")]
        return float(1 - 2 * np.trapezoid(np.abs(curve - LEVELS), LEVELS))

    out = {}
    for name, levels in (("alpha_precision", rank), ("beta_recall", level)):
        draws = [score(levels, bootstrap(len(levels), rng)) for _ in range(BOOTSTRAPS)]
        out[name] = score(levels), float(np.std(draws, ddof=1))
    return out


def mmd(real: Array, other: Array, rng: np.random.Generator) -> tuple[float, float, float]:
    """(MMD^2, its spread under the null, p-value): are both tables drawn from one distribution?

    Gretton et al., "A kernel two-sample test", JMLR 2012, the unbiased estimate of lemma 6 with a Gaussian
    kernel whose width is the median distance; p-value from permutations (their section 5 names the
    bootstrap). real, other: (rows, dims), as many rows each.
    """
    n = min(len(real), len(other), KERNEL_ROWS)
    both = np.concatenate([t[rng.permutation(len(t))[:n]] for t in (real, other)]).astype(np.float32)
    size = (both**2).sum(1)
    squared = np.maximum(size[:, None] + size - 2 * both @ both.T, 0)
    width = np.median(squared[np.triu_indices(2 * n, 1)])
    kernel = np.exp(squared / -max(width, 1e-12))
    np.fill_diagonal(kernel, 0)
    signs = np.ones((2 * n, PERMUTATIONS + 1), dtype=np.float32)
    signs[n:, 0] = -1
    for k in range(1, PERMUTATIONS + 1):
        signs[rng.permutation(2 * n)[:n], k] = -1
    # within the tables minus twice across
    same = np.einsum("ik,ik->k", signs, kernel @ signs, dtype=np.float64)
    total = kernel.sum(dtype=np.float64)
    within, across = (total + same) / 2, (total - same) / 2
    values = within / (n * (n - 1)) - across / n**2
    p = (values[1:] >= values[0]).sum() + 1
    return float(values[0]), float(values[1:].std(ddof=1)), float(p / (PERMUTATIONS + 1))


def manifold(points: dict[str, Array], rng: np.random.Generator) -> dict[str, Entry]:
    """The entries `alpha_precision`, `beta_recall`, `mmd2` and `mmd_p` of the synthetic table."""
    rows = min(len(rows) for rows in points.values())
    some = {table: p[rng.permutation(len(p))[:rows]] for table, p in points.items()}
    value = precision_recall(some["real"], some["synthetic"], rng)
    held = precision_recall(some["real"], some["holdout"], rng) if "holdout" in some else {}
    out = {name: entry(v, held.get(name, (None,))[0], spread) for name, (v, spread) in value.items()}
    distance, spread, p = mmd(some["real"], some["synthetic"], rng)
    reference = mmd(some["real"], some["holdout"], rng) if "holdout" in some else (None, None, None)
    out["mmd2"] = entry(distance, reference[0], spread, bounds=(-1.0, 2.0))
    out["mmd_p"] = entry(
        p, reference[2], float(np.sqrt(p * (1 - p) / PERMUTATIONS))
    )  # of drawing permutations
    return out
