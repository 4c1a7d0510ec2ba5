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
- `mle`: an XGBoost trained on the synthetic table (depth and rounds chosen on a split of the synthetic
  table), judged on the real test rows: AUC of the rarest class of the target against the rest, RMSE of a
  number (rows without a target are dropped).
- `copies`: share of synthetic rows that equal a training row in every column.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench import command

BINS = 10
FEW = 20
FOLDS = 5
DEPTHS = (3, 6, 10)
HELD = 0.15  # share of the training rows that choose the depth and the rounds
TABLES = "the real table", "the test table", "the synthetic table"


class BadInput(ValueError):
    """Tables that cannot be scored: one sentence that names the table, the column and the fix."""


def read(path: str | Path) -> pd.DataFrame:
    """A table by suffix; in CSV only the empty cell is missing, so "?" and "NA" stay values."""
    path = Path(path)
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        return pd.read_csv(path, keep_default_na=False, na_values=[""])
    except (
        OSError,
        ValueError,
        EOFError,
    ) as error:  # what pandas and pyarrow raise of a file is one of these
        raise BadInput(
            f"{path} cannot be read as a table: {error}. Give a .csv, .csv.gz or .parquet"
        ) from error


def is_numeric(column: pd.Series) -> bool:
    """Numbers, of whatever count of distinct values; booleans are none."""
    return bool(pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column))


def is_number(real: pd.Series) -> bool:
    """A numeric column of more than FEW distinct values; of fewer, its values are compared as categories."""
    return is_numeric(real) and bool(real.nunique() > FEW)


def text(column: pd.Series) -> pd.Series:
    """Values as strings that agree between dtypes (1, 1.0 and "1"; True and "True"); missing stays so."""
    if is_numeric(column):
        column = column.astype("float64")
        return column.map(lambda v: f"{v:g}" if v % 1 else f"{v:.0f}", na_action="ignore")
    return column.map(str, na_action="ignore")


def numbers(column: pd.Series) -> np.ndarray:
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype="float64", na_value=np.nan)


def codes(real: pd.Series, other: pd.Series) -> tuple[np.ndarray, np.ndarray, int]:
    """One integer per distinct value of either column, missing included; and how many there are."""
    both, values = pd.factorize(
        pd.concat([text(real), text(other)], ignore_index=True), use_na_sentinel=False
    )
    return both[: len(real)], both[len(real) :], len(values)


def bins(column: np.ndarray, edges_of: np.ndarray) -> np.ndarray:
    """1..BINS by the equal-width bins of `edges_of`; 0 below, BINS + 1 at their end, above and for missing.

    As numpy and SDMetrics count: the largest value has the last place to itself.
    """
    finite = edges_of[np.isfinite(edges_of)]
    edges = np.histogram_bin_edges(finite, bins=BINS) if len(finite) else np.array([0.0, 1.0])
    return np.digitize(column, edges)


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


def design(real: pd.DataFrame, other: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both tables as numbers and categories; both learn the categories of both."""
    a, b = {}, {}
    for name in real.columns:
        if is_numeric(real[name]):
            a[name], b[name] = numbers(real[name]), numbers(other[name])
        else:
            left, right, _ = codes(real[name], other[name])
            # The booster takes at most 255 categories: the rarest of a longer list share the last one.
            kept = pd.Series(np.concatenate([left, right])).value_counts().index[:254]
            place = pd.Series(np.arange(len(kept)), index=kept)
            both = pd.CategoricalDtype(range(255))
            a[name] = pd.Series(left).map(place).fillna(254).astype(int).astype(both)
            b[name] = pd.Series(right).map(place).fillna(254).astype(int).astype(both)
    return pd.DataFrame(a), pd.DataFrame(b)


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
    synthetic = synthetic[list(real.columns)]
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
    out: dict[str, Any] = {"mle_kind": "rmse" if regression else "auc", "rows": len(synthetic)}
    seconds = {}
    for name, part in parts.items():
        begin = time.perf_counter()
        out[name] = round(part(), 5)
        seconds[name] = round(time.perf_counter() - begin, 2)
    worst = sorted(shapes(real, synthetic).items(), key=lambda item: -item[1])[:5]
    return out | {"worst_columns": {k: round(v, 4) for k, v in worst}, "seconds": seconds}


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
