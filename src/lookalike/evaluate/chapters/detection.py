"""Can a classifier tell the synthetic rows from the real ones? (classifier two-sample test, C2ST)

Lopez-Paz & Oquab, "Revisiting classifier two-sample tests", ICLR 2017. The figure is the cross-validated AUC:
shown one real and one synthetic row, how often the classifier picks the right one; 0.5 is a coin flip, 1 is
always. The same classifier on real rows against the holdout's gives the reference. Far below 0.5 it is wrong
more often than a coin: rows have twins in the other table, and what it learned of the one in the training
folds says the opposite of the other in the test fold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from lookalike.evaluate.columns import ComparedColumn
from lookalike.evaluate.section import Curve, Entry, Giveaway, Section, entry
from lookalike.evaluate.view import View
from lookalike.seed import in_32_bits

Array = npt.NDArray[Any]

MOST_CELLS = 1_000_000  # rows x columns of each table
LINEAR_ROWS = 10_000
CATEGORIES = 254  # what the trees can tell apart; the rarer ones are one
DUMMIES = 30  # categories of a column that the linear model sees
BINS, WIDE = 255, 100  # of a number among up to so many columns; fewer among more, 32 at least
TREES = 100  # of boosting
LOOKS = 600  # columns x folds that the ranking permutes
BOOTSTRAPS = 100
FEWEST = 20  # rows of each table below which there is no classifier
SHOWN_ROWS = 8  # that the detector is surest about


def measure(view: View) -> Section:
    """The entries `c2st_auc` and `c2st_auc_linear`, the columns that give the synthetic rows away, the ROC
    curve and the synthetic rows that the detector is surest about."""
    useful = [column for column in view.matched if column.parts]
    rows = rows_used(len(useful), [*view.compared.values(), view.limits.detection])
    if rows < FEWEST or not useful:
        reason = "a classifier needs at least 20 rows of each table and a column that is not an id."
        nothing = {"c2st_auc": Entry(), "c2st_auc_linear": Entry()}
        return Section({"fidelity": nothing}, sizes={"detection": rows}, skipped={"detection": reason})
    found, telltale = detect(useful, list(view.compared), rows, view.limits.folds, view.seed)
    found.sizes["detection"] = rows
    found.telltale = view.show(view.drawn["synthetic"][telltale[:SHOWN_ROWS]])
    return found


@dataclass
class Features:
    """Both tables under each other: real rows first, then as many others."""

    x: Array  # (rows, features) float64, nan where missing
    y: Array  # (rows,) 0 real, 1 other
    drawn: Array  # (rows / 2,) which rows of the other table
    categorical: Array  # (features,) bool
    owner: Array  # (features,) number of the column


def rows_used(columns: int, tables: list[int]) -> int:
    """How many rows of each table the detector sees: equal numbers."""
    return min([*tables, max(MOST_CELLS // max(columns, 1), 2000)])


def features(columns: list[ComparedColumn], table: str, rows: int, rng: np.random.Generator) -> Features:
    """`rows` drawn rows of the real table and of another; numbers as they are, categories by frequency."""
    drawn = {t: rng.permutation(len(columns[0].identity[t]))[:rows] for t in ("real", table)}
    cells, categorical, owner = [], [], []
    for number, column in enumerate(columns):
        for part in column.parts:
            if part.values is not None:
                both = np.concatenate([part.values[t][drawn[t]] for t in ("real", table)])
                both = _finite(both)
            else:
                both = by_frequency(np.concatenate([part.codes[t][drawn[t]] for t in ("real", table)]), rng)
            if _varies(both):
                cells.append(both)
                categorical.append(part.values is None)
                owner.append(number)
    x = np.stack(cells, axis=1) if cells else np.zeros((2 * rows, 1))
    return Features(
        x,
        np.repeat([0, 1], rows),
        drawn[table],
        np.array(categorical or [False]),
        np.array(owner or [0]),
    )


def _finite(values: Array) -> Array:
    """The same on -1..1 (no overflow in squares), infinities just outside what the finite values span."""
    there = values[np.isfinite(values)]
    values = values / (np.abs(there).max() if len(there) and there.any() else 1.0)
    return np.nan_to_num(values, nan=np.nan, posinf=3.0, neginf=-3.0)


def by_frequency(codes: Array, rng: np.random.Generator) -> Array:
    """Place of each category by frequency; ties at random, or their order would tell the tables apart."""
    values, at, number = np.unique(codes, return_inverse=True, return_counts=True)
    number[values < 0] = -1
    place = np.empty(len(values))
    place[np.lexsort((rng.random(len(values)), -number))] = np.arange(len(values))
    place = np.minimum(place, CATEGORIES - 1)
    place[values < 0] = np.nan
    return place[at]


def _varies(values: Array) -> bool:
    there = values[~np.isnan(values)]
    return len(there) > 0 and (len(there) < len(values) or bool((there != there[0]).any()))


def auc(score: Array, y: Array) -> float:
    """Area under the ROC curve, ties counted half; 0.5 where there is one class only."""
    place = np.unique(score, return_inverse=True)[1]
    size = int(place.max()) + 1
    return _area(np.bincount(place[y == 0], minlength=size), np.bincount(place[y == 1], minlength=size))


def _area(negative: Array, positive: Array) -> float:
    """The same from how many rows of each class have each score, in ascending order of score."""
    below = np.cumsum(negative) - negative / 2
    total = float(negative.sum()) * float(positive.sum())
    return float((positive * below).sum()) / total if total else 0.5


def auc_spread(score: Array, y: Array, rng: np.random.Generator) -> float:
    """Standard deviation of the AUC over bootstrap samples of the scored rows; the classifiers stay."""
    place = np.unique(score, return_inverse=True)[1]
    size = int(place.max()) + 1
    groups = [place[y == 0], place[y == 1]]
    draws = [
        _area(*(np.bincount(rng.choice(group, len(group)), minlength=size) for group in groups))
        for _ in range(BOOTSTRAPS)
    ]
    return float(np.std(draws, ddof=1))


def boosted(data: Features, folds: int, seed: int, rank: bool = False) -> tuple[Array, Array]:
    """(out-of-fold scores of the rows, importance of each column) by gradient boosting.

    The importance of a column is the AUC lost when its values are shuffled in rows that the classifier has
    not seen, mean over the folds; nan where `rank` is False.
    """
    score = np.zeros(len(data.y))
    leaf = int(np.clip(len(data.y) // 40, 2, 20))  # scikit-learn's 20 could split nothing in a small table
    columns = np.unique(data.owner)
    lost: dict[int, list[float]] = {int(c): [] for c in columns}
    looked = max(1, min(folds, LOOKS // len(columns))) if rank else 0
    rng = np.random.default_rng(seed)
    for k, (train, test) in enumerate(_folds(data.y, folds, seed)):
        model = HistGradientBoostingClassifier(
            categorical_features=data.categorical,
            min_samples_leaf=leaf,
            max_bins=_bins(data),
            max_iter=TREES,
            random_state=in_32_bits(seed),
        )
        model.fit(filled(data.x[train]), data.y[train])
        score[test] = model.predict_proba(data.x[test])[:, 1]
        if k < looked:
            look = rng.permutation(test)[: max(200, min(400_000 // len(columns), len(data.y) // 2) // looked)]
            x, y = data.x[look], data.y[look]
            # One call for all columns, as far as memory allows: a call costs more than its rows.
            at_once = max(1, MOST_CELLS // x.size)
            base = auc(model.predict_proba(x)[:, 1], y)
            for few in np.array_split(columns, -(-len(columns) // at_once)):
                copies = np.tile(x, (len(few), 1, 1))
                for copy, column in zip(copies, few, strict=True):
                    mine = data.owner == column
                    copy[:, mine] = x[rng.permutation(len(x))][:, mine]
                scores = model.predict_proba(copies.reshape(-1, x.shape[1]))[:, 1].reshape(len(few), -1)
                for column, one in zip(few, scores, strict=True):
                    lost[int(column)].append(base - auc(one, y))
    importance = np.full(int(data.owner.max()) + 1, np.nan)
    for column, drops in lost.items():
        if drops:
            importance[column] = np.mean(drops)
    return score, importance


def _bins(data: Features) -> int:
    """Into how many bins numbers are cut: the time of a split goes with columns x bins."""
    codes = data.x[:, data.categorical]
    least = int(np.nanmax(codes, initial=0)) + 1
    return int(np.clip(max(BINS * WIDE // data.x.shape[1], least), 32, BINS))


def filled(x: Array) -> Array:
    """(rows, features) the same with 0 in features that are missing throughout: trees cannot bin them."""
    empty = np.isnan(x).all(axis=0)
    return np.where(empty, 0.0, x) if empty.any() else x


def linear(data: Features, folds: int, seed: int) -> Array:
    """Out-of-fold scores of the rows by logistic regression on standardised numbers and common categories."""
    half = len(data.y) // 2
    rows = np.random.default_rng(seed).permutation(half)[:LINEAR_ROWS]
    rows = np.concatenate([rows, rows + half])
    x, y = _dummies(data.x[rows], data.categorical), data.y[rows]
    score = np.zeros(len(y))
    for train, test in _folds(y, folds, seed):
        score[test] = (
            LogisticRegression(max_iter=50, tol=1e-3).fit(x[train], y[train]).predict_proba(x[test])[:, 1]
        )
    return score


def _dummies(x: Array, categorical: Array) -> Array:
    out = []
    for values, category in zip(x.T, categorical, strict=True):
        gone = np.isnan(values)
        if category:
            out += [values == k for k in range(int(min(np.nanmax(values) + 1, DUMMIES)))]
        else:
            values = np.clip(
                values, *np.nanpercentile(values, [0.1, 99.9])
            )  # one outlier would flatten the rest
            spread = np.nanstd(values)
            out.append(np.where(gone, 0.0, (values - np.nanmean(values)) / (spread if spread > 0 else 1.0)))
        if gone.any():
            out.append(gone)
    return np.stack(out, axis=1).astype(np.float32)


def _folds(y: Array, folds: int, seed: int) -> Any:
    folds = min(folds, int((y == 0).sum()), int((y == 1).sum()))
    return StratifiedKFold(folds, shuffle=True, random_state=in_32_bits(seed)).split(np.zeros((len(y), 1)), y)


def detect(
    columns: list[ComparedColumn], tables: list[str], rows: int, folds: int, seed: int
) -> tuple[Section, Array]:
    """(the entries, giveaways and ROC curve; the synthetic rows by the score of boosting, highest first).

    columns: with parts, of `tables` ("real" among them); rows: drawn of each; folds: of the cross-validation.
    The chance of an entry is the low end of what chance does.
    """
    reference: dict[str, float] = {}
    if "holdout" in tables:
        data = features(columns, "holdout", rows, np.random.default_rng(seed))
        plain, labels = _linear(data, folds, seed)
        reference = {
            "c2st_auc": auc(boosted(data, folds, seed)[0], data.y),
            "c2st_auc_linear": auc(plain, labels),
        }
    data = features(columns, "synthetic", rows, np.random.default_rng(seed))
    score, lost = boosted(data, folds, seed, rank=True)
    plain, labels = _linear(data, folds, seed)
    rng = np.random.default_rng(seed)
    entries = {}
    for name, scores, y in (("c2st_auc", score, data.y), ("c2st_auc_linear", plain, labels)):
        spread = auc_spread(scores, y, rng)
        entries[name] = entry(auc(scores, y), reference.get(name), spread, 0.5 - 2 * spread)
    ranked = np.argsort(-np.nan_to_num(lost), kind="stable")
    giveaways = [Giveaway(str(columns[i].name), float(lost[i])) for i in ranked if lost[i] > 0]
    section = Section({"fidelity": entries}, giveaways=giveaways, roc=roc(score, data.y))
    return section, data.drawn[np.argsort(-score[data.y == 1], kind="stable")]


def _linear(data: Features, folds: int, seed: int) -> tuple[Array, Array]:
    """(scores, labels) of the rows that the linear model sees."""
    scores = linear(data, folds, seed)
    return scores, np.repeat([0, 1], len(scores) // 2)


def roc(score: Array, y: Array, points: int = 60) -> Curve:
    """Shares of real and of other rows above each of some thresholds, from 0 to 1."""
    levels = np.quantile(score, np.linspace(1, 0, points))
    shares = {}
    for name, label in (("false", 0), ("true", 1)):
        own = np.sort(score[y == label])
        above = 1 - np.searchsorted(own, levels, side="left") / len(own)
        shares[name] = [0.0, *(round(float(x), 4) for x in above), 1.0]
    return Curve(**shares)
