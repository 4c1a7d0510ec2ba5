"""Logistics that stand for some values of a number, and the likeliest mixture of several such parts."""

from __future__ import annotations

import numpy as np

from lookalike.codec.slot import Array
from lookalike.difflm.small.trees import Tree, ancestors

KERNELS = (8, 6, 6, 6)  # logistics of a leaf, its ancestor, the linear prediction, the whole table
GROUP = np.repeat(np.arange(4), KERNELS)  # the part that each of them belongs to
NARROWEST = -4.5  # log scale of a logistic
ROUNDS = 40  # of EM
BORROWED = 10.0  # rows that the weights of all rows count in those of a group


def kernels_of(values: Array, slices: list[tuple[int, int]], kernels: int, blurs: tuple[float, ...]) -> Array:
    """Logistics of equal weight for sorted stretches of values: (blurs, stretches, 3, kernels).

    Their means are those between quantiles, their scales follow from the distance of these.
    """
    start, stop = np.array(slices).T
    n = np.maximum(stop - start, 1)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    squares = np.concatenate([[0.0], np.cumsum(values**2)])
    mean = (sums[stop] - sums[start]) / n
    spread = np.sqrt(np.maximum((squares[stop] - squares[start]) / n - mean**2, 1e-4)) * np.sqrt((n + 1) / n)
    quantile = np.concatenate([(np.arange(kernels) + 0.5) / kernels, np.arange(kernels + 1) / kernels])
    at = np.clip(quantile[None] * n[:, None] - 0.5, 0, (n - 1)[:, None])
    low = np.floor(at).astype(np.int64)
    high = np.minimum(low + 1, (n - 1)[:, None])
    below = values[np.minimum(start[:, None] + low, len(values) - 1)]
    above = values[np.minimum(start[:, None] + high, len(values) - 1)]
    found = below + (at - low) * (above - below)
    middle, width = found[:, :kernels], np.diff(found[:, kernels:], axis=1)
    out = np.empty((len(blurs), len(n), 3, kernels))
    out[:, :, 0], out[:, :, 2] = middle, spread[:, None]
    for own, blur in zip(out, blurs, strict=True):
        band = blur * spread * n**-0.2
        scale = np.sqrt((width / 12**0.5) ** 2 + band[:, None] ** 2) * np.sqrt(3) / np.pi
        own[:, 1] = np.maximum(np.log(np.maximum(scale, 1e-6)), NARROWEST)
    return out


def kernels_of_nodes(
    target: Array, leaf: Array, tree: Tree, least: int, kernels: int, blurs: tuple[float, ...]
) -> Array:
    """(blurs, leaves, 3, kernels) of what lies in each leaf, or in its nearest ancestor of `least` rows."""
    leaves = int(tree.leaf.max()) + 1
    rows = np.bincount(leaf, minlength=leaves)
    spans = ancestors(tree, least, rows)
    distinct = sorted(set(spans))
    by_leaf = target[np.argsort(leaf, kind="stable")]
    ends = np.concatenate([[0], np.cumsum(rows)])
    pieces = [np.sort(by_leaf[ends[a] : ends[b]]) for a, b in distinct]
    stops = np.cumsum([len(piece) for piece in pieces])
    slices = [(int(b) - len(piece), int(b)) for piece, b in zip(pieces, stops, strict=True)]
    found = kernels_of(np.concatenate(pieces), slices, kernels, blurs)
    place = {span: i for i, span in enumerate(distinct)}
    return found[:, [place[span] for span in spans]]


def log_masses(kernels: Array, shift: Array, low: Array, high: Array) -> Array:
    """(rows, 4) log of the mass that each part gives to the cell of every row.

    kernels: (rows, 4, logistics); shift: (rows, 4) of the means of each part.
    """
    from scipy.special import expit  # not needed to draw, and takes long

    mean, scale = kernels[:, 1] + shift[:, GROUP], np.exp(kernels[:, 2])
    mass = expit((high[:, None] - mean) / scale) - expit((low[:, None] - mean) / scale)
    parts = [mass[:, p == GROUP].mean(1) for p in range(4)]
    return np.log(np.maximum(np.stack(parts, 1), 1e-12))


def mixed(log_parts: Array, prior: Array | None = None) -> tuple[Array, float]:
    """(parts,) the weights of the likeliest mixture of (rows, parts) log probabilities; its mean.

    prior: (parts,) rows that are taken to be of each part before any is seen; None: half a row of each.
    """
    highest = log_parts.max(1)
    parts = np.exp(log_parts - highest[:, None])  # once: a round is two products of matrices
    before = np.full(parts.shape[1], 0.5) if prior is None else prior
    weights = before / before.sum()
    for _ in range(ROUNDS):
        weights = weights + 1e-12
        shares = weights * (parts.T @ (1 / (parts @ weights)))
        weights = (shares + before) / (len(parts) + before.sum())
    return weights, float((np.log(parts @ weights) + highest).mean())


def mixed_by(log_parts: Array, group: Array, groups: int) -> tuple[Array, float]:
    """(groups, parts) the weights of a mixture for each group of rows, near those of all rows; the mean.

    group: (rows,) of each row.
    """
    whole, likely = mixed(log_parts)
    weights, total = np.tile(whole, (groups, 1)), 0.0
    for g in range(groups):
        own = group == g
        if own.any():
            weights[g], mean = mixed(log_parts[own], BORROWED * whole)
            total += mean * float(own.mean())
    return weights, total if len(group) else likely
