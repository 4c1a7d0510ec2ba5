"""Judges of small tables: random forests, whose defaults need no tuning on a hundred rows.

A booster with early stopping, as `score.py` has it, learns little from so few. Categories are codes of both
tables, missing numbers stay missing (the trees learn a side for them).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.tables.columns import codes, is_number, is_numeric, numbers, text

TREES = 200
FOLDS = 5
MOST = 2_000  # rows of each table that are told apart, at most


def coded(real: pd.DataFrame, other: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Both tables as (rows, columns) numbers."""
    pairs = []
    for name in real.columns:
        if is_numeric(real[name]):
            pairs.append((numbers(real[name]), numbers(other[name])))
        else:
            pairs.append(codes(real[name], other[name])[:2])
    left, right = zip(*pairs, strict=True)
    return np.column_stack(left).astype(np.float32), np.column_stack(right).astype(np.float32)


def c2st(real: pd.DataFrame, other: pd.DataFrame, seed: int = 0) -> float:
    """AUC of telling the tables apart, out of fold, with equal numbers of rows; 0.5 cannot be told."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    rows = min(len(real), len(other), MOST)
    x = np.concatenate(coded(*(t.sample(rows, random_state=seed) for t in (real, other))))
    y = np.repeat([0, 1], rows)
    model = RandomForestClassifier(TREES, random_state=seed, n_jobs=1)
    # not the seed of `sample`: equal draws would make folds of rows that lie together in the file
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed + 12345)
    return float(roc_auc_score(y, cross_val_predict(model, x, y, cv=folds, method="predict_proba")[:, 1]))


def utility(train: pd.DataFrame, test: pd.DataFrame, target: str, seed: int = 0) -> float:
    """Trains on one table, judges on real rows: R2 of a number (never below -1), AUC of two classes (of the
    one that is rarer in the test rows), accuracy of more. Rows without a target are left out.
    """
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.metrics import r2_score, roc_auc_score

    train, test = (t[t[target].notna()] for t in (train, test))
    x, x_test = coded(train.drop(columns=target), test.drop(columns=target))
    if is_number(test[target]):
        forest = RandomForestRegressor(TREES, random_state=seed, n_jobs=1)
        made = forest.fit(x, numbers(train[target])).predict(x_test)
        return max(-1.0, float(r2_score(numbers(test[target]), made)))
    y, y_test = text(train[target]), text(test[target])
    model = RandomForestClassifier(TREES, random_state=seed, n_jobs=1).fit(x, y)
    if y_test.nunique() > 2:
        return float((model.predict(x_test) == y_test).mean())
    rare = y_test.value_counts().index[-1]
    if rare not in model.classes_:
        return 0.5
    p = model.predict_proba(x_test)[:, list(model.classes_).index(rare)]
    return float(roc_auc_score(y_test == rare, p))
