"""Rows of a call that lie evenly over what the model can draw.

A few hundred rows that are drawn each by itself leave gaps and heaps by chance, and what is learned of them
suffers from that as from too few rows. So `TIMES` as many are drawn, or fewer where many are asked for, and
halved until as many are left. In each halving a row and its nearest neighbour are a pair, of which one stays:
the one by which the rows that stay and those that go are more alike, in the means of random features of a
Gaussian kernel. Without a difference chance decides, so that each row stays as often as any other. This is
kernel halving (Dwivedi and Mackey, "Kernel Thinning", 2021; random features: Rahimi and Recht, 2007).

The rows that stay are ordered by more halvings, so that the first rows of a call are spread like all of them.
"""

from __future__ import annotations

import numpy as np

from lookalike.codec import Slot
from lookalike.codec.slot import Array
from lookalike.difflm.refining import features

TIMES = 8  # rows that are drawn for each that stays, at most: a power of two
TOKENS = 16  # of a slot without an order, the most frequent ones, that rows are compared by
BUCKET = 256  # rows among which the nearest is looked for, at most
FEATURES = 256  # of the kernel
LOOKED_AT = 400  # rows, for the width of the kernel
FIRST = 16  # rows that are not ordered any further


def halvings(rows: int, most: int) -> int:
    """How often `rows` can be doubled without there being more than `most`, `TIMES` as many at most."""
    doubled = 0
    while rows << (doubled + 1) <= most and 2 << doubled <= TIMES:
        doubled += 1
    return doubled


def thinned(slots: list[Slot], records: Array, times: int, rng: np.random.Generator) -> Array:
    """(rows / 2**times,) which of the records (rows, 2, slots) stay when they are halved `times` times, in an
    order of which each beginning is spread like the whole.
    """
    x = coordinates(slots, records)
    kernel = _kernel(x, rng)
    left = np.arange(len(x))
    for _ in range(times):
        left = left[_halved(x[left], kernel[left], rng)]
    later = []
    while len(left) > FIRST:
        half = _halved(x[left], kernel[left], rng)
        gone = np.ones(len(left), bool)
        gone[half] = False
        later.append(rng.permutation(left[gone]))
        left = left[half]
    return np.concatenate([rng.permutation(left), *reversed(later)])


def coordinates(slots: list[Slot], records: Array) -> Array:
    """(rows, 2, slots) records as points, (rows, coordinates): the variance of each slot is 1, or 0.

    A number has its rank, and says whether it has none; another slot says which of its `TOKENS` most frequent
    tokens it has.
    """
    parts = []
    for slot, values in zip(slots, features(slots, records).T, strict=True):
        if slot.rank is None:
            found, counts = np.unique(values, return_counts=True)
            frequent = found[np.argsort(-counts, kind="stable")[:TOKENS]]
            part = (values[:, None] == frequent).astype(np.float64)
        else:
            ranked = values >= 0
            middle = values[ranked].mean() if ranked.any() else 0.0
            part = np.stack([np.where(ranked, values, middle), ~ranked], 1).astype(np.float64)
        if (spread := part.var(0).sum()) > 0:
            parts.append((part - part.mean(0)) / np.sqrt(spread))
    return np.concatenate(parts, 1) if parts else np.zeros((len(records), 1))


def _kernel(x: Array, rng: np.random.Generator) -> Array:
    """(rows, FEATURES) of a Gaussian kernel as wide as the median distance of two points."""
    some = x[rng.permutation(len(x))[:LOOKED_AT]]
    distances = ((some[:, None] - some[None]) ** 2).sum(-1)
    apart = distances[distances > 0]
    width = float(np.median(apart)) if len(apart) else 1.0
    directions = rng.normal(size=(x.shape[1], FEATURES)) * np.sqrt(2 / width)
    return np.cos(x @ directions + rng.uniform(0, 2 * np.pi, FEATURES))


def _halved(x: Array, kernel: Array, rng: np.random.Generator) -> Array:
    """(rows // 2,) numbers of the points of which one of each pair stays."""
    pairs = _pairs(x, rng)
    apart = kernel[pairs[:, 0]] - kernel[pairs[:, 1]]
    chance = rng.integers(0, 2, len(pairs))
    total, stays = np.zeros(kernel.shape[1]), np.empty(len(pairs), np.int64)
    for index, one in enumerate(apart):  # total: of those that stay, less those that go
        says = float(total @ one)
        stays[index] = chance[index] if says == 0 else int(says > 0)
        total += one if stays[index] == 0 else -one
    return pairs[np.arange(len(pairs)), stays]


def _pairs(x: Array, rng: np.random.Generator) -> Array:
    """(rows // 2, 2) numbers of points: each in random order with the nearest left in its bucket."""
    buckets, whole = [], [rng.permutation(len(x))[: len(x) // 2 * 2]]
    while whole:
        one = whole.pop()
        if len(one) <= BUCKET:
            buckets.append(one)
            continue
        widest = int(x[one].var(0).argmax())
        middle = len(one) // 4 * 2
        one = one[np.argpartition(x[one, widest], middle)]
        whole += [one[:middle], one[middle:]]
    return rng.permutation(np.concatenate([_paired(x, one, rng) for one in buckets]))


def _paired(x: Array, bucket: Array, rng: np.random.Generator) -> Array:
    """The pairs of one bucket, an even number of points."""
    bucket = rng.permutation(bucket)
    points = x[bucket]
    squares = (points**2).sum(1)
    distances = squares[:, None] + squares[None] - 2 * points @ points.T
    np.fill_diagonal(distances, np.inf)
    free, pairs = np.ones(len(bucket), bool), []
    for first in range(len(bucket)):
        if free[first]:
            second = int(distances[first].argmin())
            free[[first, second]] = False
            distances[:, [first, second]] = np.inf
            pairs.append((bucket[first], bucket[second]))
    return np.array(pairs, np.int64).reshape(-1, 2)
