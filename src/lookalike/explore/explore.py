"""Exploration-aware sampling: which real rows become demonstrations (SynAlign, arXiv 2502.08661).

A Gaussian process with an RBF kernel and no targets tells how much is still unknown at each real row, given
the rows that were shown: its posterior variance

    var(x) = k(x, x) - k_xS (K_SS + alpha I)^-1 k_Sx,    k(x, y) = exp(-|x - y|^2 / (2 length^2)).

The paper shows the unused row with the largest variance next, which is often an outlier. Here it is the row
after which the mean variance of all rows is least (Cohn, "Neural network exploration using optimal experiment
design", 1996): it stands for many others. Of 200 rows of SST-2 and of BANKING77 in a sentence embedding, a
classifier learns 71% and 64% with the paper's rule, 73% and 53% with random rows, 78% and 80% with this one
(bench/synalign.py). The process is never refitted: `tracker.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.errors import DataError, OptionError
from lookalike.explore.tracker import MeanTracker, Tracker
from lookalike.sampling import apportion, median_distance

Array = npt.NDArray[Any]

REFERENCE_LENGTH = 0.1
MOST_BYTES = 1e9  # above this size a class is represented by a sample of its rows
SHARES = ("proportion", "average")
CRITERIA: dict[str, type[Tracker] | type[MeanTracker]] = {"largest": Tracker, "mean": MeanTracker}


@dataclass
class Exploration:
    """What was picked, in the order in which to show it: the classes take turns by their number of picks.

    picks: (n,) row numbers of the demonstrations.
    groups: n arrays of row numbers, the pick first and then its nearest neighbours, all of one class.
    classes: (n,) the label of each pick; None without labels.
    coverage: (n,) the mean posterior variance left over the real rows after each pick, 0..1: it falls from 1
    towards 0, where nothing is new any more.
    """

    picks: Array
    groups: list[Array]
    classes: list[Any]
    coverage: Array


def explore(
    points: Array,
    n: int,
    labels: Sequence[Any] | None = None,
    *,
    criterion: str = "mean",
    share: str = "proportion",
    group: int = 5,
    seed: int = 0,
    reference: bool = False,
) -> Exploration:
    """Pick n real rows that cover the real data, with their groups of neighbours.

    points: (rows, dims) unit vectors, finite. labels: (rows,) strings or numbers; each class is explored by
    itself. criterion: next is the row that leaves the least "mean" variance, or the one with the "largest".
    share: "proportion" gives every class its share of the picks (a rare one may get none), "average" the
    same number to each, both by largest remainder, so that they sum to n. group: rows of a group, the pick
    included. seed: of ties (with "largest" all rows are equal at first) and of samples.

    Only the picks condition the process, not their groups: the variance stands for what the language model
    has not been shown, and it is shown the pick alone (the attributes of one demonstration). The
    neighbours are close, so conditioning on them lowers the variance little where they are dense, would
    declare explored what nobody has seen where they are sparse, and costs `group` times the memory and its
    square in time. They are marked as used: no row is in two groups until all rows of its class were used;
    then a new round begins, in which a pick that was shown before adds nothing to the process.

    The length of the kernel is the median distance between rows of the class, alpha 1e-6. For m rows and t
    picks of a class, the j-th pick takes O(m j) time and the class m x t numbers: float64 up to 250 MB,
    float32 up to 1 GB, and above that a random sample of the class's rows stands for it. With "mean" a pick
    takes O(m) time and a class of more than 5,000 rows is represented by so many.

    reference: as the released code does, for comparison: the largest variance, length 0.1 on the points as
    they are (it does not normalise them), the whole group conditions the process, the first of equals is
    taken. Where the rows are much more than 0.1 apart, its picks are in file order.

    Raises OptionError for n or group below 1, an unknown share or criterion, or with "average" fewer picks
    than classes; DataError for no rows, points that are not finite, or missing labels.
    """
    names, codes = _classes(points, labels)
    if n < 1 or group < 1:
        raise OptionError(
            f"{n} demonstrations in groups of {group} were asked for: ask for at least 1 of each."
        )
    if share not in SHARES:
        raise OptionError(f"there is no share '{share}': choose one of {', '.join(SHARES)}.")
    criterion = "largest" if reference else criterion
    if criterion not in CRITERIA:
        raise OptionError(f"there is no criterion '{criterion}': choose one of {', '.join(CRITERIA)}.")
    if share == "average" and n < len(names):
        raise OptionError(
            f"{n} demonstrations cannot show {len(names)} classes: ask for at least {len(names)}."
        )
    sizes = np.bincount(codes)
    counts = apportion(sizes if share == "proportion" else np.ones(len(names)), n)
    rng = np.random.default_rng(seed)
    turns, picks, groups, classes, falls = [], [], [], [], []
    for code in range(len(names)):
        rows = np.flatnonzero(codes == code)
        some, found, left = _explore_class(points, rows, int(counts[code]), criterion, group, rng, reference)
        picks += [int(one) for one in some]
        groups += found
        classes += [names[code]] * len(some)
        turns.append((np.arange(len(some)) + 0.5) / max(len(some), 1))
        falls.append(-np.diff(left, prepend=1.0) * sizes[code] / len(points))
    order = np.argsort(np.concatenate(turns), kind="stable")
    return Exploration(
        np.array(picks, dtype=np.int64)[order],
        [groups[i] for i in order],
        [classes[i] for i in order],
        np.maximum(1 - np.cumsum(np.concatenate(falls)[order]), 0),
    )


def _explore_class(
    points: Array,
    rows: Array,
    t: int,
    criterion: str,
    group: int,
    rng: np.random.Generator,
    reference: bool,
) -> tuple[Array, list[Array], Array]:
    """(t picks, their groups, (t,) mean variance left), as numbers of rows of the table."""
    shown = t * group if reference else t
    if not reference:
        most = MeanTracker.MOST_ROWS if criterion == "mean" else max(int(MOST_BYTES / (4 * max(t, 1))), 1)
        rows = rng.permutation(rows)[:most]
    own = points[rows]
    length = REFERENCE_LENGTH if reference else median_distance(own, rng)
    tracker = CRITERIA[criterion](own, length, min(shown, len(own)))
    picks, steps = np.empty(t, dtype=np.int64), np.empty(t, dtype=np.int64)
    groups: list[Array] = []
    used = np.zeros(len(own), dtype=bool)
    for step in range(t):
        if used.all():
            used[:] = False
            tracker.settle()
        pick = tracker.best(used)
        used[pick] = True
        near = np.array([pick])
        if group > 1:
            near = np.append(near, _nearest(tracker.distances(pick), used, group - 1))
            used[near] = True
        for row in near.tolist() if reference else [pick]:
            tracker.show(row)
        picks[step], steps[step] = rows[pick], tracker.shown
        groups.append(rows[near])
    return picks, groups, np.array(tracker.left)[steps - 1]


def _nearest(squared: Array, used: Array, k: int) -> Array:
    """The k nearest unused rows, or as many as there are, the nearest first."""
    k = min(k, int((~used).sum()))
    if k < 1:
        return np.empty(0, dtype=np.int64)
    squared = np.where(used, np.inf, squared)
    near = np.argpartition(squared, k - 1)[:k]
    return near[np.lexsort((near, squared[near]))]


def _classes(points: Array, labels: Sequence[Any] | None) -> tuple[list[Any], Array]:
    """(labels in the order of their first row, (rows,) int64 number of each row's label), checked."""
    if points.ndim != 2 or not len(points):
        raise DataError("there are no real rows to choose demonstrations from: give a table with rows.")
    if not np.isfinite(points).all():
        raise DataError("the embedding of a real row holds nan or infinite numbers: use another embedder.")
    if labels is None:
        return [None], np.zeros(len(points), dtype=np.int64)
    if len(labels) != len(points):
        raise DataError(f"there are {len(labels):,} labels of {len(points):,} rows: give each row one.")
    codes, names = pd.factorize(pd.Series(list(labels), dtype=object))
    if (codes < 0).any():
        raise DataError(f"{int((codes < 0).sum()):,} real rows have no label: fill it in, or leave them out.")
    return list(names), codes.astype(np.int64)
