"""Drawing more rows than are asked for, and keeping the right ones.

A *selector* tells learned rows from rows that the model draws: boosted trees over the tokens of a record. How
much likelier it finds a drawn row to be a learned one is how much too rare the model draws its like, so that
of `BUDGET` times as many rows those are kept that make up for it: each with a chance of min(1, w / c), where
c makes the right number of them (optimal budgeted rejection sampling: Verine et al., 2024, for any
f-divergence). Without a signal all chances are equal.

The trees are fitted with a part of the rows left out, each of `FOLDS` parts once. The part left out says how
many of the trees are kept, and how far what they say is weakened: so the selector does not know a learned row
by heart. Its leaves have `LEAF_ROWS` rows at least, and it is shallow.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from lookalike.codec import Slot
from lookalike.codec.slot import Array
from lookalike.difflm.selector import DEPTH, Selector
from lookalike.seed import child, child_seed

BUDGET, BUDGET_TEXTS = 1.5, 2.0  # rows that are drawn for each that is kept, and where they have texts
FEWEST, FEWEST_TEXTS = 1000, 400  # rows that a selector is fitted on, at least, and of those with texts
TREES, STAGE, LEAF_ROWS, RATE = 100, 10, 80, 0.05
FOLDS = 4
ROUNDS, TINY = 30, 1e-9  # in which the values of groups get their shares; rows of a value, at least
HALVINGS = 60  # of an interval of c

# What stands in each drawn row, and which of it is kept how often. (rows,) values and None: of those kept as
# many have each value as of all; or (rows,) bool and a share, 0 to 1: no more than this share of those kept.
Group = tuple[Array, float | None]


def features(slots: list[Slot], records: Array) -> Array:
    """(rows, 2, slots) records as the trees read them: the rank of a number, else the token.

    An empty slot is -1, as is a token without a rank, such as missing.
    """
    columns = []
    for index, slot in enumerate(slots):
        tokens, cells = records[:, 0, index], records[:, 1, index]
        if slot.rank is None:
            columns.append(tokens.astype(np.float64))
        else:
            rank = np.nan_to_num(slot.rank, nan=-1.0)[np.maximum(tokens, 0), np.maximum(cells, 0)]
            columns.append(np.where(tokens < 0, -1.0, rank))
    return np.stack(columns, 1)


def fit_selector(learned: Array, drawn: Array, seed: int, fewest: int = FEWEST) -> Selector | None:
    """Of features of learned and drawn rows, more of these than of those; None where it cannot tell them
    apart, or there are fewer than `fewest` of either.

    Both kinds weigh the same. The number of trees is what says most of the rows that the trees of a fold have
    not seen.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier  # not needed to draw

    if min(len(learned), len(drawn)) < fewest:
        return None
    x, y = np.concatenate([learned, drawn]), np.repeat([1, 0], [len(learned), len(drawn)])
    weight = np.where(y == 1, len(drawn) / len(learned), 1.0)
    fold = child(seed, "folds of the selector").permutation(len(x)) % FOLDS
    judged, parts = np.zeros((TREES // STAGE, len(x))), []  # what the first 10, 20, ... trees say
    with threadpool_limits(1):
        for f in range(FOLDS):
            seen = fold != f
            model = HistGradientBoostingClassifier(
                max_iter=TREES, max_depth=DEPTH, min_samples_leaf=LEAF_ROWS, learning_rate=RATE,
                early_stopping=False, random_state=child_seed(seed, "selector", f) % 2**31,
            ).fit(x[seen], y[seen], sample_weight=weight[seen])  # fmt: skip
            stages = islice(model.staged_decision_function(x[~seen]), STAGE - 1, None, STAGE)
            judged[:, ~seen] = [said.ravel() for said in stages]
            parts.append(model)
    losses = np.logaddexp(0, np.where(y == 1, -judged, judged)) @ weight
    best = int(np.argmin(losses))
    strength = _strength(judged[best], y, weight)
    if strength <= 0:
        return None
    return Selector.of_models(parts, (best + 1) * STAGE, strength)


def _strength(judged: Array, y: Array, rows: Array) -> float:
    """The slope of a logistic regression of the truth on what was said of rows that were not seen.

    rows: (rows,) how much each weighs.
    """
    slope, height = 1.0, 0.0
    for _ in range(25):  # Newton's steps
        p = 1 / (1 + np.exp(-np.clip(slope * judged + height, -30, 30)))
        weight, error = rows * p * (1 - p), rows * (y - p)
        a, b, c = (weight * judged**2).sum(), (weight * judged).sum(), weight.sum()
        gradient = np.array([(error * judged).sum(), error.sum()])
        step = np.linalg.solve(np.array([[a, b], [b, c]]) + 1e-9 * np.eye(2), gradient)
        slope, height = slope + float(step[0]), height + float(step[1])
    return min(1.0, slope)


def kept(log_weights: Array, rows: int, rng: np.random.Generator, groups: Sequence[Group] = ()) -> Array:
    """(rows,) which of the drawn rows, `rows` at least, are kept: in their order, each once.

    groups: what their weights are changed for: else a value that the model has not learned well would be left
    out. The first ones come out nearest.
    """
    scaled = log_weights - log_weights.max()
    known = [_shared(values, share) for values, share in groups]
    for _ in range(ROUNDS if known else 0):
        for own, wanted in reversed(known):
            have = np.bincount(own, _chances(scaled, rows), minlength=len(wanted))
            scaled = scaled + np.log(np.maximum(rows * wanted, TINY) / np.maximum(have, TINY))[own]
    chances = _chances(scaled, rows)
    order = rng.permutation(len(chances))
    for own, _ in reversed(known):  # rows of one value lie together, so that their number comes out right
        order = order[np.argsort(own[order], kind="stable")]
    steps = np.floor(np.cumsum(chances[order]) + rng.random())  # systematic: the number comes out right
    chosen = order[np.flatnonzero(np.diff(np.concatenate([[0.0], steps])) >= 1)]
    if len(chosen) < rows:  # by a rounding of the last step, or where too few have a chance
        others = np.setdiff1d(order, chosen)
        more = others[np.argsort(-scaled[others], kind="stable")[: rows - len(chosen)]]
        chosen = np.concatenate([chosen, more])
    return np.sort(chosen[:rows])


def _shared(values: Array, share: float | None) -> tuple[Array, Array]:
    """(rows,) which value each has, and (values,) the share that each is to have of the rows kept."""
    if share is None:
        own = np.unique(values, return_inverse=True)[1]
        return own, np.bincount(own) / len(own)
    most = min(share, float(values.mean()))
    return values.astype(np.int64), np.array([1 - most, most])


def _chances(log_weights: Array, rows: int) -> Array:
    """min(1, w / c) of each row, with the c that makes `rows` of them."""
    weights = np.exp(log_weights - log_weights.max())
    low, high = 0.0, float(len(weights)) / 1e-12
    for _ in range(HALVINGS):  # bisection
        middle = np.sqrt(max(low, 1e-12) * high)
        if np.minimum(1.0, weights / middle).sum() > rows:
            low = middle
        else:
            high = middle
    return np.asarray(np.minimum(1.0, weights / high))
