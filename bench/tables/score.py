"""Scores one synthetic table against the real one: the single scorer of the benchmark.

    python -m bench.tables.score --real TRAIN --test TEST --synthetic S --target COLUMN

prints JSON. It imports nothing of lookalike on purpose (pandas, scikit-learn and xgboost alone), so that the
product does not mark its own work. All figures are on 0..1 unless another scale is named:

- `shape`: mean over columns of the Kolmogorov-Smirnov distance (numbers) or the total variation (the rest);
  this is 1 - SDMetrics' Column Shapes. A numeric column of 20 distinct values or fewer counts as categories,
  here and below.
- `trend`: mean over pairs of |r_real - r_synthetic| / 2 (two numbers) or of the total variation between the
  contingency tables (the rest; numbers in 10 equal-width bins whose edges come from the real table).
- `trend_sdmetrics`: the same with each table's numbers cut at edges from its *own* range, which is what
  SDMetrics' Column Pair Trends does; one extreme value more or less then moves every bin, so it is large even
  between two real tables. (SDMetrics' default report also leaves weakly related pairs out; set its two
  thresholds to 0 to compare.)
- `shape_matched`, `trend_matched`: `shape` and `trend` on as many synthetic rows as the test file has, to be
  read beside the holdout's row (a small sample has a larger error by chance alone).
- `c2st`: 5-fold cross-validated AUC of gradient boosting telling real training rows from as many synthetic
  rows.
- `c2st_test`: the same against real test rows: what is only learnt by heart does not help there.
- `mle`: an XGBoost trained on the synthetic table (depth and rounds chosen on a split of the synthetic
  table), judged on the real test rows: AUC of the rarest class of the target against the rest, RMSE of a
  number (rows without a target are dropped).
- `copies`: share of synthetic rows that equal a training row in every column.
- `closer`: share of synthetic rows whose nearest real row is a training row and no test row (the DCR share),
  weighted as if there were as many of both: .5 where no training row was learnt by heart, 1 for copies.

Without xgboost `mle` is left out; `python -m bench.tables` adds it when it is run again where there is one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd

from bench import command
from bench.tables.columns import BINS, BadInput, bins, codes, design, is_number, numbers, read, text

FOLDS = 5
NEAR = 5_000  # synthetic rows whose nearest real ones are looked for, at most
DEPTHS = (3, 6, 10)
HELD = 0.15  # share of the training rows that choose the depth and the rounds
PARTS = (
    "shape", "trend", "trend_sdmetrics", "shape_matched", "trend_matched",
    "c2st", "c2st_test", "mle", "copies", "closer",
)  # fmt: skip
TABLES = "the real table", "the test table", "the synthetic table"


def ks(real: np.ndarray, other: np.ndarray) -> float:
    """Largest gap between the two empirical distribution functions, missing values left out."""
    real, other = np.sort(real[~np.isnan(real)]), np.sort(other[~np.isnan(other)])
    if not len(real) or not len(other):
        return float(len(real) != len(other))
    at = np.concatenate([real, other])
    gap = np.searchsorted(real, at, side="right") / len(real) - np.searchsorted(
        other, at, side="right"
    ) / len(other)
    return float(np.abs(gap).max())


def tv(real: np.ndarray, other: np.ndarray, size: int) -> float:
    """Total variation between two columns of codes 0..size-1."""
    p, q = np.bincount(real, minlength=size) / len(real), np.bincount(other, minlength=size) / len(other)
    return float(np.abs(p - q).sum() / 2)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    keep = ~(np.isnan(a) | np.isnan(b))
    a, b = a[keep], b[keep]
    if len(a) < 2 or np.all(a == a[0]) or np.all(b == b[0]):
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def shapes(real: pd.DataFrame, other: pd.DataFrame) -> dict[str, float]:
    """Distance of every column, by name."""
    return {
        name: ks(numbers(real[name]), numbers(other[name]))
        if is_number(real[name])
        else tv(*codes(real[name], other[name]))
        for name in real.columns
    }


def trends(real: pd.DataFrame, other: pd.DataFrame, own_edges: bool = False) -> dict[tuple[str, str], float]:
    """Distance of every pair of columns; nan where the real columns have no correlation (one is constant)."""
    raw, coded = {}, {}
    for name in real.columns:
        if is_number(real[name]):
            a, b = numbers(real[name]), numbers(other[name])
            raw[name] = a, b
            coded[name] = bins(a, a), bins(b, b if own_edges else a), BINS + 2
        else:
            coded[name] = codes(real[name], other[name])
    out = {}
    for i, first in enumerate(real.columns):
        for second in real.columns[i + 1 :]:
            if first in raw and second in raw:
                r = correlation(raw[first][0], raw[second][0])
                s = correlation(raw[first][1], raw[second][1])
                out[first, second] = float("nan") if np.isnan(r) else abs(r - (0.0 if np.isnan(s) else s)) / 2
            else:
                (a, b, _), (c, d, size) = coded[first], coded[second]
                _, joint = np.unique(np.concatenate([a * size + c, b * size + d]), return_inverse=True)
                out[first, second] = tv(joint[: len(a)], joint[len(a) :], int(joint.max()) + 1)
    return out


def c2st(real: pd.DataFrame, other: pd.DataFrame, seed: int = 0) -> float:
    """AUC of telling the tables apart, out of fold, with equal numbers of rows; 0.5 cannot be told."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from threadpoolctl import threadpool_limits

    rows = min(len(real), len(other))
    real, other = (t.sample(rows, random_state=seed).reset_index(drop=True) for t in (real, other))
    x = pd.concat(design(real, other), ignore_index=True)
    y = np.repeat([0, 1], rows)
    model = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=seed)
    # not the seed of `sample`: equal draws would make folds of rows that lie together in the file
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed + 12345)
    with threadpool_limits(1):  # on a busy machine a second thread of the booster waits longer than it works
        p = cross_val_predict(model, x, y, cv=folds, method="predict_proba")[:, 1]
    return float(roc_auc_score(y, p))


def mle(
    train: pd.DataFrame, test: pd.DataFrame, target: str, regression: bool, positive: str, seed: int = 0
) -> float:
    """Trains on one table, tests on real rows: AUC of the class `positive`, RMSE of a number.

    .5 where the training rows have one class only, of `positive` and the rest. Rows without a target are
    dropped; where too few are left for the split that chooses the depth, BadInput is raised.
    """
    import xgboost
    from sklearn.metrics import roc_auc_score

    train, test = (t[t[target].notna()].reset_index(drop=True) for t in (train, test))
    x, x_test = design(train.drop(columns=target), test.drop(columns=target))
    if regression:
        y, y_test = numbers(train[target]), numbers(test[target])
    else:
        y, y_test = ((text(t[target]) == positive).to_numpy(int) for t in (train, test))
        if y.min() == y.max():  # one class only: nothing to learn
            return 0.5
    held = np.random.default_rng(seed).random(len(x)) < HELD
    if held.all() or not held.any():
        raise BadInput(f"{len(x)} rows with a value of {target!r} are too few to learn from: give 50 or more")
    best: tuple[float, Any] | None = None
    for depth in DEPTHS:
        make = xgboost.XGBRegressor if regression else xgboost.XGBClassifier
        model = make(
            n_estimators=500, learning_rate=0.1, max_depth=depth, subsample=0.8, early_stopping_rounds=20,
            eval_metric="rmse" if regression else "auc", tree_method="hist",
            n_jobs=1, enable_categorical=True, random_state=seed,
        )  # fmt: skip
        model.fit(x[~held], y[~held], eval_set=[(x[held], y[held])], verbose=False)
        score = -model.best_score if regression else model.best_score
        if best is None or score > best[0]:
            best = score, model
    assert best is not None
    if regression:
        return float(np.sqrt(np.mean((best[1].predict(x_test) - y_test) ** 2)))
    return float(roc_auc_score(y_test, best[1].predict_proba(x_test)[:, 1]))


def copies(real: pd.DataFrame, other: pd.DataFrame) -> float:
    """Share of rows of `other` that occur in `real`, compared value by value in every column."""
    columns = [codes(real[name], other[name]) for name in real.columns]
    left, right = (pd.DataFrame({i: c[side] for i, c in enumerate(columns)}) for side in (0, 1))
    seen = np.unique(pd.util.hash_pandas_object(left, index=False))
    return float(np.isin(pd.util.hash_pandas_object(right, index=False), seen).mean())


def points(real: pd.DataFrame, others: Sequence[pd.DataFrame]) -> list[np.ndarray]:
    """Tables as points, (rows, dimensions): numbers by their rank in the real column, 0..1, and a step of 1
    between two categories; a missing number lies half a range below all others.
    """
    parts: list[list[np.ndarray]] = [[] for _ in others]
    for name in real.columns:
        if is_number(real[name]):
            known = np.sort(numbers(real[name]))
            known = known[~np.isnan(known)]
            for part, table in zip(parts, others, strict=True):
                value = numbers(table[name])
                rank = sum(np.searchsorted(known, value, side=side) for side in ("left", "right"))
                part.append(np.where(np.isnan(value), -0.5, rank / (2 * max(1, len(known))))[:, None])
        else:
            joined = pd.concat([text(table[name]) for table in others], ignore_index=True)
            found, values = pd.factorize(joined, use_na_sentinel=False)
            steps = np.eye(len(values))[found] / np.sqrt(2)
            edges = np.cumsum([len(table) for table in others])[:-1]
            for part, own in zip(parts, np.split(steps, edges), strict=True):
                part.append(own)
    return [np.concatenate(part, 1) for part in parts]


def closer(real: pd.DataFrame, test: pd.DataFrame, synthetic: pd.DataFrame, seed: int = 0) -> float:
    """Share of the synthetic rows that lie nearer to a training row than to a test row, as if there were
    as many of both: .5 for fresh rows, 1 for rows that repeat training rows.
    """
    from threadpoolctl import threadpool_limits

    made = synthetic.sample(min(NEAR, len(synthetic)), random_state=seed)
    here, *there = points(real, [made, real, test])
    with threadpool_limits(1):
        train, held = (_nearest(here, other) for other in there)
    n, m = len(real), len(test)
    nearer = np.mean((train < held) + (train == held) * n / (n + m))
    return float(nearer / n / (nearer / n + (1 - nearer) / m))


def _nearest(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(points,) the squared distance to the nearest of the others, 0 of equal ones."""
    own = (others**2).sum(1)
    parts = np.array_split(points, len(points) // 100 + 1)
    found = np.concatenate([(own - 2 * part @ others.T).min(1) for part in parts])
    return (found + (points**2).sum(1)).round(9)


def check(real: pd.DataFrame, test: pd.DataFrame, synthetic: pd.DataFrame, target: str) -> None:
    """Raises BadInput where a table lacks rows or columns, or where there is no target to learn."""
    if target not in real.columns:
        raise BadInput(
            f"the real table has no column {target!r}: name the target among {_listed(real.columns)}"
        )
    if len(real.columns) < 2:
        raise BadInput(f"the real table has no column but the target {target!r}: give it one to predict from")
    for which, table in zip(TABLES, (real, test, synthetic), strict=True):
        if missing := [name for name in real.columns if name not in table.columns]:
            raise BadInput(f"{which} lacks columns of the real table: add {_listed(missing)}")
        if len(table) < FOLDS:
            raise BadInput(f"{which} has {len(table)} rows: give at least {FOLDS}")
        known = table[target].dropna()
        if known.empty:
            raise BadInput(f"column {target!r} of {which} has no values: name another target")
        if is_number(real[target]):
            wrong = known[~np.isfinite(numbers(known))]
            if len(wrong):
                shown = repr(wrong.iloc[0]) if isinstance(wrong.iloc[0], str) else wrong.iloc[0]
                raise BadInput(
                    f"column {target!r} of {which} has {shown}, which is no finite number: correct it"
                )
    if is_number(real[target]):
        return
    rare = rarest(real[target])
    for which, table in zip(TABLES[:2], (real, test), strict=True):
        if (text(table[target]).dropna() == rare).nunique() < 2:
            raise BadInput(
                f"column {target!r} of {which} has no row of {rare!r}, or no other: name another target"
            )


def _listed(names: Iterable[object]) -> str:
    return ", ".join(map(repr, names))


def known() -> set[str]:
    """The figures that can be had here."""
    return set(PARTS) if find_spec("xgboost") else set(PARTS) - {"mle"}


def rarest(column: pd.Series) -> str:
    """The class that `mle` tells from the rest."""
    return str(text(column).value_counts().index[-1])


def score(
    real: pd.DataFrame,
    test: pd.DataFrame,
    synthetic: pd.DataFrame,
    target: str,
    seed: int = 0,
    trained_on: pd.DataFrame | None = None,
) -> dict[str, Any]:
    """All figures of one synthetic table (see the top of this file), with the seconds that each took.

    trained_on: what `mle` learns from instead of the synthetic table. A real holdout in the place of the
    synthetic table is judged with `trained_on=real`, or it would be tested on what it learnt.
    Tables that cannot be scored raise BadInput.
    """
    check(real, test, synthetic, target)
    synthetic, test = synthetic[list(real.columns)], test[list(real.columns)]
    few = synthetic.sample(min(len(test), len(synthetic)), random_state=seed)
    regression = is_number(real[target])
    positive = "" if regression else rarest(real[target])
    mean: Callable[[dict[Any, float]], float] = lambda d: float(np.nanmean(list(d.values())))  # noqa: E731
    parts: dict[str, Callable[[], Any]] = {
        "shape": lambda: mean(shapes(real, synthetic)),
        "trend": lambda: mean(trends(real, synthetic)),
        "trend_sdmetrics": lambda: mean(trends(real, synthetic, own_edges=True)),
        "shape_matched": lambda: mean(shapes(real, few)),
        "trend_matched": lambda: mean(trends(real, few)),
        "c2st": lambda: c2st(real, synthetic, seed),
        "mle": lambda: mle(
            synthetic if trained_on is None else trained_on, test, target, regression, positive, seed
        ),
        "copies": lambda: copies(real, synthetic),
    }
    # a holdout in the place of the synthetic table is told from, and near to, the other half of itself
    other, made = (test, synthetic) if trained_on is None else _halves(test, seed)
    parts["c2st_test"] = lambda: c2st(other, made, seed)
    parts["closer"] = lambda: closer(real, other, made, seed)
    parts = {name: parts[name] for name in PARTS if name in known()}
    out: dict[str, Any] = {"mle_kind": "rmse" if regression else "auc", "rows": len(synthetic)}
    seconds = {}
    for name, part in parts.items():
        begin = time.perf_counter()
        out[name] = round(part(), 5)
        seconds[name] = round(time.perf_counter() - begin, 2)
    worst = sorted(shapes(real, synthetic).items(), key=lambda item: -item[1])[:5]
    return out | {"worst_columns": {k: round(v, 4) for k, v in worst}, "seconds": seconds}


def _halves(table: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    mixed = table.sample(frac=1, random_state=seed)
    return mixed.iloc[: len(mixed) // 2], mixed.iloc[len(mixed) // 2 :]


def main() -> None:
    parser = command.parser("bench.tables.score", __doc__)
    parser.add_argument("--real", type=command.file, required=True, help="the training table")
    parser.add_argument("--test", type=command.file, required=True, help="real rows that no synthesizer saw")
    parser.add_argument("--synthetic", type=command.file, required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    try:
        real, test, synthetic = read(args.real), read(args.test), read(args.synthetic)
        found = score(real, test, synthetic, args.target, args.seed)
    except BadInput as error:
        parser.error(str(error))
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
