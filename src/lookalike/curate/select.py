"""Which rows a person should label next: six ways, beside each other.

    k-means      the row nearest to each centre of as many clusters as rows are asked for, the largest first;
                 rows are near by what their texts mean, and half as much by their words
    explore      the rows after which the mean variance of all rows is least (`explore/explore.py`)
    vote-k       rows that many unlabelled ones vote for as their neighbour, less if they were heard
    random       rows drawn at random
    entropy      rows of which a classifier of the labelled rows is least sure, by the entropy of its chances
    confidence   the same, by the chance of the likeliest class

The last two need rows that are labelled. vote-k (Su et al., "Selective annotation makes language models
better few-shot learners", 2023): an edge to the 150 nearest; a voter whose neighbours were picked t times
counts 10^-t. With labelled rows the others are cut into bins by the confidence of a classifier, the
surest tenth is left out, and each bin gives the row of most votes. It suits few classes: with 150 neighbours
a pick speaks for a twentieth of 3,000 rows, so that many of 77 classes are not heard. k-means is the default:
on rows of train held out, of 2, 6 and 77 classes, it leads or is next to the lead (bench/RESULTS.md). An
embedding says what a text is about, its words how it asks or judges, by which labels differ, too: with them
100 rows of TREC teach 66.1% instead of 62.9%.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.defaults import SELECT_METHODS
from lookalike.errors import OptionError
from lookalike.explore.explore import explore
from lookalike.learn import classifier
from lookalike.seed import child, in_32_bits

Array = npt.NDArray[Any]

METHODS = SELECT_METHODS
NEED_LABELS = METHODS[4:]
TINY = 1e-9
NEIGHBOURS, DISCOUNT, LEFT_OUT = 150, 10.0, 0.1  # of vote-k
WORDING, TERMS = 0.5, 64  # weight of the words beside the meaning, of k-means; dimensions of them
MOST_ROWS, EACH = 10_000, 4  # rows that are clustered, at most, and at least so many times those asked for


def select(
    points: Array,
    n: int,
    method: str = METHODS[0],
    *,
    labelled: tuple[Array, Array] | None = None,
    words: Any = None,
    seed: int = 0,
) -> Array:
    """(n,) numbers of the rows to label, the most useful first; none of them is labelled.

    points: (rows, dims), finite. labelled: the numbers of rows that have labels, and their labels, 0, 1, ...;
    at least two classes. words: (rows, terms) sparse, the words of the rows' texts (`views.words_of_texts`),
    which "k-means" looks at, too; None where rows have no texts. Fewer than n come where fewer are left.
    Raises OptionError for n below 1, an unknown method, and a method that needs labels without any.
    """
    known = np.empty(0, dtype=np.int64) if labelled is None else np.asarray(labelled[0], dtype=np.int64)
    if n < 1 or method not in METHODS:
        raise OptionError(
            f"{n} rows by '{method}' were asked for: ask for 1 or more by {', '.join(METHODS)}."
        )
    free = np.setdiff1d(np.arange(len(points)), known)
    n = min(n, len(free))
    chances = None
    if labelled is not None and len(np.unique(labelled[1])) > 1:
        chances = classifier().fit(points[known], labelled[1]).predict_proba(points[free])
    if method in NEED_LABELS and chances is None:
        raise OptionError(
            f"'{method}' needs labelled rows of two classes: give some, or take '{METHODS[0]}'."
        )
    if not n:
        return free
    if method == "explore":
        return free[explore(points[free], n, group=1, seed=seed).picks]
    if method == "vote-k":
        return free[_votes(points[free], n, chances)]
    if method == "k-means":
        return free[_centres(points[free], n, seed, None if words is None else words[free])]
    if method == "random":
        return free[child(seed, "select").permutation(len(free))[:n]]
    assert chances is not None
    sure = chances.max(1)
    if method == "entropy":
        sure = (chances * np.log(np.maximum(chances, 1e-300))).sum(1)
    return free[np.argsort(sure, kind="stable")[:n]]


def _votes(points: Array, n: int, chances: Array | None) -> Array:
    from sklearn.neighbors import NearestNeighbors

    most = min(NEIGHBOURS + 1, len(points))
    near = NearestNeighbors(n_neighbors=most).fit(points).kneighbors(points, return_distance=False)
    near = np.array([own[own != row][: most - 1] for row, own in enumerate(near)])
    bins = [np.arange(len(points))] * n
    if chances is not None:
        order = np.argsort(chances.max(1), kind="stable")
        kept = order[: max(n, int((1 - LEFT_OUT) * len(order)))]
        bins = np.array_split(kept, n)
    heard, picked = np.zeros(len(points)), np.zeros(len(points), dtype=bool)
    found = []
    for some in bins:
        weight = np.where(picked, 0.0, DISCOUNT**-heard)  # of each voter
        votes = np.bincount(near.ravel(), np.repeat(weight, near.shape[1]), minlength=len(points))
        votes[picked] = -1
        pick = int(some[votes[some].argmax()])
        found.append(pick)
        picked[pick] = True
        heard += (near == pick).any(1)
    return np.array(found, dtype=np.int64)


def _centres(points: Array, n: int, seed: int, words: Any) -> Array:
    """The rows nearest to the centres, the largest cluster first; where rows are equal, others after them."""
    from sklearn.cluster import KMeans

    rng = child(seed, "select")
    some = np.sort(rng.permutation(len(points))[: max(MOST_ROWS, EACH * n)])
    own = points[some].astype(np.float64, copy=False)
    if words is not None:
        own = np.hstack([own, WORDING * _wording(words[some], seed)])
    distinct = min(n, len(np.unique(own, axis=0)))
    model = KMeans(distinct, n_init=1, random_state=in_32_bits(seed)).fit(own)
    order = np.argsort(-np.bincount(model.labels_, minlength=distinct), kind="stable")
    found: list[int] = []
    for centre in model.cluster_centers_[order]:
        apart = ((own - centre) ** 2).sum(1)
        apart[found] = np.inf
        found.append(int(apart.argmin()))
    rest = np.setdiff1d(np.arange(len(own)), found)
    return some[np.append(found, rng.permutation(rest)[: n - distinct]).astype(np.int64)]


def _wording(words: Any, seed: int) -> Array:
    """(rows, dims) of length 1, or 0 where a row has no word that others have, too: the words of each row, in
    few dimensions.
    """
    from sklearn.decomposition import TruncatedSVD

    dims = min(TERMS, min(words.shape) - 1)
    if dims < 1 or not words.nnz:
        return np.zeros((words.shape[0], 0))
    with np.errstate(invalid="ignore"):  # equal rows have no variance to share out
        found = TruncatedSVD(dims, n_iter=2, random_state=in_32_bits(seed)).fit_transform(words)
    return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), TINY))
