"""Drawing more rows than are asked for, and keeping the right ones.

A *selector* tells learned rows from rows that the model draws: boosted trees over the tokens of a record. How
much likelier it finds a drawn row to be a learned one is how much too rare the model draws its like, so that
of `BUDGET` times as many rows those are kept that make up for it: each with a chance of min(1, w / c), where
c makes the right number of them (optimal budgeted rejection sampling: Verine et al., 2024, for any
f-divergence). Without a signal all chances are equal.

The trees are fitted with a part of the rows left out. The part left out says how many of the trees are kept,
and how far what they say is weakened: so the selector does not know a learned row by heart. Its leaves have
`LEAF_ROWS` rows at least, and it is shallow. Of few rows each of `FOLDS` parts is left out once, and the
selector is the mean of so many forests; of many rows one part says as much, in a third of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from lookalike.codec import Slot
from lookalike.codec.slot import LOSES, Array
from lookalike.difflm.selector import DEPTH, Selector
from lookalike.seed import child, child_seed

BUDGET, BUDGET_TEXTS = 1.25, 2.0  # rows that are drawn for each that is kept, and where they have texts
FEWEST, FEWEST_TEXTS = 1000, 400  # rows that a selector is fitted on, at least, and of those with texts
TREES, STAGE, LEAF_ROWS = 100, 10, 80
FOLDS, RATE = 4, 0.05
MANY, RATE_MANY = 20_000, 0.1  # rows of both kinds: from then on one part is left out, and trees learn faster
LOOK, TOLD = 20, 0.508  # trees of a first look, and the AUC from which on a selector is worth its time
ROUNDS, TINY = 30, 1e-9  # in which the values of groups get their shares; rows of a value, at least
NEAR = 0.2  # rows that all values may be off their share
PARTS = 20  # of the values of a slot, each of which is kept as often as the learned rows hold it
HALVINGS = 60  # of an interval of c

# What stands in each drawn row, and which of it is kept how often. (rows,) values and None: of those kept as
# many have each value as of all; (rows,) numbers of values and (values,) the share of those kept that each
# has; or (rows,) bool and a share, 0 to 1: no more than this share of those kept.
Group = tuple[Array, Array | float | None]


def features(slots: list[Slot], records: Array) -> Array:
    """(rows, 2, slots) records as the trees read them: the rank of a number, else the token.

    An empty slot is -1, as is a token without a rank, such as missing. A slot of which some learned rows hold
    what is never drawn says nothing, 0: else other rows of their kind, which have to hold something else
    there, would seem to be none that are learned, and be left out (beyond `LOSES`).
    """
    columns = []
    for index, slot in enumerate(slots):
        tokens, cells = records[:, 0, index], records[:, 1, index]
        if slot.lost > LOSES:
            columns.append(np.zeros(len(records)))
        elif slot.rank is None:
            columns.append(tokens.astype(np.float64))
        else:
            rank = np.nan_to_num(slot.rank, nan=-1.0)[np.maximum(tokens, 0), np.maximum(cells, 0)]
            columns.append(np.where(tokens < 0, -1.0, rank))
    return np.stack(columns, 1)


def marginals(slots: list[Slot], records: Array) -> list[Group]:
    """(rows, 2, slots) drawn records -> the part of its values that each slot of a row holds, and how often
    the learned rows hold each part: a twentieth of the numbers, a frequent token, or all seldom ones.

    Rows are kept so that what each column holds is right, whatever the trees say of rows: they took the mean
    of a count 5% too low, as rows that are drawn too often can be left out, and others not drawn again. None
    of slots that lose values, and of those that are empty in some rows.
    """
    found: list[Group] = []
    for index, slot in enumerate(slots):
        tokens, cells = records[:, 0, index], records[:, 1, index]
        if slot.lost > LOSES or (tokens < 0).any():
            continue
        if slot.rank is None:
            own = slot.counts >= slot.counts.sum() / PARTS / 2
            part = np.where(own, np.cumsum(own).reshape(own.shape), 0)
        else:
            part = 1 + np.minimum(np.nan_to_num(slot.rank) * PARTS, PARTS - 1).astype(np.int64)
            part = np.where(np.isnan(slot.rank), 0, part)
        values, number = np.unique(part[slot.counts > 0], return_inverse=True)
        shares = np.bincount(number, slot.counts[slot.counts > 0]) / slot.counts.sum()
        if len(values) > 1:
            at = np.searchsorted(values, part[tokens, cells])
            found.append((np.minimum(at, len(values) - 1), shares))
    return found


def told(learned: Array, drawn: Array, seed: int) -> bool:
    """Whether a few trees tell features of learned rows from those of drawn ones, on rows left out.

    On the five tables of the benchmark their AUC is .486 to .505 (a standard deviation of .001 to .005, as it
    is for 8,000 to 20,000 rows of each kind) where a selector finds nothing, else .517 and .529.
    """
    from sklearn.metrics import roc_auc_score

    x, y, fold = _both(learned, drawn, FOLDS, seed)
    found = []
    with threadpool_limits(1):
        for f in range(FOLDS):
            forest = _forest(LOOK, RATE_MANY, seed, f).fit(x[fold != f], y[fold != f])
            found.append(roc_auc_score(y[fold == f], forest.decision_function(x[fold == f])))
    return float(np.mean(found)) >= TOLD


def fit_selector(learned: Array, drawn: Array, seed: int, fewest: int = FEWEST) -> Selector | None:
    """Of features of learned and drawn rows, more of these than of those; None where it cannot tell them
    apart, or there are fewer than `fewest` of either.

    The number of trees is what says most of the rows that the trees of a fold have not seen: 100 at most, and
    of many rows 200. How many there are of each kind is taken off what they say: weights of rows would do the
    same, but scikit-learn takes longer to bin rows with weights than to grow the trees.
    """
    if min(len(learned), len(drawn)) < fewest:
        return None
    many = len(learned) + len(drawn) >= MANY
    x, y, fold = _both(learned, drawn, FOLDS + many, seed)
    forests = [_forest(TREES, RATE_MANY if many else RATE, seed, f) for f in range(1 if many else FOLDS)]
    asked = fold < len(forests)
    judged = _judged(forests, x, y, fold)
    if many and _best(judged[:, asked], y[asked]) == len(judged) - 1:
        forests[0].set_params(max_iter=2 * TREES)
        judged = _judged(forests, x, y, fold)
    judged, y = judged[:, asked], y[asked]
    best = _best(judged, y)
    strength, apart = _strength(judged[best], y), float(np.log(len(drawn) / len(learned)))
    return Selector.of_models(forests, (best + 1) * STAGE, strength, apart) if strength > 0 else None


def _both(learned: Array, drawn: Array, folds: int, seed: int) -> tuple[Array, Array, Array]:
    """Rows of both kinds, which of them are learned (1, else 0), and the fold of each."""
    x, y = np.concatenate([learned, drawn]), np.repeat([1, 0], [len(learned), len(drawn)])
    return x, y, child(seed, "folds of the selector").permutation(len(x)) % folds


def _forest(trees: int, rate: float, seed: int, fold: int) -> Any:
    """Boosted trees, not fitted yet; when they are fitted again with more of them, they go on."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # not needed to draw

    return HistGradientBoostingClassifier(
        max_iter=trees, max_depth=DEPTH, min_samples_leaf=LEAF_ROWS, learning_rate=rate, warm_start=True,
        early_stopping=False, random_state=child_seed(seed, "selector", fold) % 2**31,
    )  # fmt: skip


def _judged(forests: list[Any], x: Array, y: Array, fold: Array) -> Array:
    """(stages, rows) what the first 10, 20, ... trees of the forest that is fitted without its fold say of
    each row, 0 of a row that no forest leaves out.
    """
    judged = np.zeros((forests[0].max_iter // STAGE, len(x)))
    with threadpool_limits(1):
        for f, forest in enumerate(forests):
            forest.fit(x[fold != f], y[fold != f])
            stages = islice(forest.staged_decision_function(x[fold == f]), STAGE - 1, None, STAGE)
            judged[:, fold == f] = [said.ravel() for said in stages]
    return judged


def _best(judged: Array, y: Array) -> int:
    """The stage that says most of the rows."""
    return int(np.argmin(np.logaddexp(0, np.where(y == 1, -judged, judged)).sum(1)))


def _strength(judged: Array, y: Array) -> float:
    """The slope of a logistic regression of the truth on what was said of rows that were not seen."""
    slope, height = 1.0, 0.0
    for _ in range(25):  # Newton's steps
        p = 1 / (1 + np.exp(-np.clip(slope * judged + height, -30, 30)))
        weight, error = p * (1 - p), y - p
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
    weights = np.exp(log_weights - log_weights.max())
    known = [_shared(values, share) for values, share in groups]
    for _ in range(ROUNDS if known else 0):
        weights, off = weights / _level(weights, rows), 0.0
        for own, wanted in reversed(known):
            have = np.bincount(own, np.minimum(1.0, weights), minlength=len(wanted))
            off = max(off, float(np.abs(rows * wanted - have).max()))
            weights = weights * (np.maximum(rows * wanted, TINY) / np.maximum(have, TINY))[own]
        if off < NEAR:
            break
    chances = np.minimum(1.0, weights / _level(weights, rows))
    order = rng.permutation(len(chances))
    for own, _ in reversed(known):  # rows of one value lie together, so that their number comes out right
        order = order[np.argsort(own[order], kind="stable")]
    steps = np.floor(np.cumsum(chances[order]) + rng.random())  # systematic: the number comes out right
    chosen = order[np.flatnonzero(np.diff(np.concatenate([[0.0], steps])) >= 1)]
    if len(chosen) < rows:  # by a rounding of the last step, or where too few have a chance
        others = np.setdiff1d(order, chosen)
        more = others[np.argsort(-weights[others], kind="stable")[: rows - len(chosen)]]
        chosen = np.concatenate([chosen, more])
    return np.sort(chosen[:rows])


def _shared(values: Array, share: Array | float | None) -> tuple[Array, Array]:
    """(rows,) which value each has, and (values,) the share that each is to have of the rows kept."""
    if isinstance(share, np.ndarray):
        return values, share
    if share is None:
        own = np.unique(values, return_inverse=True)[1]
        return own, np.bincount(own) / len(own)
    most = min(share, float(values.mean()))
    return values.astype(np.int64), np.array([1 - most, most])


def _level(weights: Array, rows: int) -> float:
    """The c with which min(1, w / c) of each row are `rows` of them in all."""
    low, high = 0.0, float(len(weights)) * float(weights.max()) / 1e-12
    for _ in range(HALVINGS):  # bisection
        middle = np.sqrt(max(low, 1e-12) * high)
        if np.minimum(1.0, weights / middle).sum() > rows:
            low = middle
        else:
            high = middle
    return high
