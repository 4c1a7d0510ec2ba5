"""Synthesizers of a few lines, as peers: what nothing, correlations and one tree a column bring.

- `shuffled`: every column is drawn by itself, from its own values;
- `copula`: a Gaussian copula of mixed kinds: the correlations of the normal scores of the ranks, and back by
  the quantiles of each column (of a number also between two of its values, rounded as they are);
- `cart`: a chain of decision trees, as synthpop has it (Nowok, Raab and Dibben 2016). The first column is
  drawn from its own values, each later one from the training rows in the leaf of a tree over those before it.

Columns that are no numbers are categories, ordered by how often they occur; missing is a value of its own.
Each is `f(table, seed) -> fit`, `fit() -> sample`, `sample(rows) -> table`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from bench.tables.columns import is_numeric

Sample = Callable[[int], pd.DataFrame]
Fit = Callable[[], Sample]
LEAF = 5  # rows of a leaf, at least: synthpop's default


def shuffled(table: pd.DataFrame, seed: int) -> Fit:
    def fit() -> Sample:
        rng = np.random.default_rng(seed)

        def sample(rows: int) -> pd.DataFrame:
            return _taken(table, {name: rng.integers(len(table), size=rows) for name in table.columns})

        return sample

    return fit


def copula(table: pd.DataFrame, seed: int) -> Fit:
    from scipy.special import ndtr, ndtri

    def fit() -> Sample:
        rng = np.random.default_rng(seed)
        coded = {name: encoded(table[name]) for name in table.columns}
        gone = pd.DataFrame({name: table[name].isna() for name in table.columns})
        # a column that has missing values is two: whether there is a value, and which
        both = pd.concat([pd.DataFrame(coded).mask(gone), gone.loc[:, gone.any()].astype(float)], axis=1)
        scores = (both.rank() - 0.5) / both.count()
        root = _root(scores.apply(ndtri).corr().to_numpy())

        def sample(rows: int) -> pd.DataFrame:
            share = ndtr(rng.standard_normal((rows, len(root))) @ root)
            columns, at = [], len(coded)
            for i, name in enumerate(coded):
                column = _quantile(table[name], coded[name], share[:, i])
                if gone[name].any():
                    column = column.where(share[:, at] < 1 - gone[name].mean(), None)
                    at += 1
                columns.append(column.astype(table[name].dtype))
            return pd.concat(columns, axis=1).set_axis(table.columns, axis=1)

        return sample

    return fit


def cart(table: pd.DataFrame, seed: int) -> Fit:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    def fit() -> Sample:
        rng = np.random.default_rng(seed)
        coded = np.column_stack([encoded(table[name]) for name in table.columns])
        trees = []
        for i, name in enumerate(table.columns):
            kind = DecisionTreeRegressor if is_numeric(table[name]) else DecisionTreeClassifier
            tree = kind(min_samples_leaf=LEAF, random_state=seed)
            trees.append(tree.fit(coded[:, :i], coded[:, i]) if i else None)
        leaves = [_Leaves(tree.apply(coded[:, :i])) if tree else None for i, tree in enumerate(trees)]

        def sample(rows: int) -> pd.DataFrame:
            made = np.zeros((rows, len(trees)))
            chosen = {}
            for i, (name, tree, leaf) in enumerate(zip(table.columns, trees, leaves, strict=True)):
                if tree is None or leaf is None:
                    donor = rng.integers(len(table), size=rows)
                else:
                    donor = leaf.donors(tree.apply(made[:, :i]), rng)
                chosen[name], made[:, i] = donor, coded[donor, i]
            return _taken(table, chosen)

        return sample

    return fit


def encoded(column: pd.Series) -> np.ndarray:
    """A column as finite numbers: numbers as they are, categories by their rank in frequency; missing lies
    below all others, about half of the range away: of categories a whole number, too.
    """
    if is_numeric(column):
        values = pd.to_numeric(column).to_numpy(dtype="float64", na_value=np.nan)
        finite = values[np.isfinite(values)]
        low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 0.0)
        values = np.clip(values, low, high)  # infinities
        gone = low - max(1.0, high - low) / 2
    else:
        order = column.value_counts().index
        values = column.map(dict(zip(order, range(len(order)), strict=True))).to_numpy(dtype="float64")
        gone = -float(max(1, (len(order) + 1) // 2))
    return np.where(np.isnan(values), gone, values)


def _root(correlation: np.ndarray) -> np.ndarray:
    """R with R'R the nearest correlation matrix; 0 where nothing is known (a constant column)."""
    known = np.where(np.isfinite(correlation), correlation, 0.0)
    np.fill_diagonal(known, 1.0)
    values, vectors = np.linalg.eigh(known)
    root = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T
    return root / np.linalg.norm(root, axis=0)


def _quantile(column: pd.Series, coded: np.ndarray, share: np.ndarray) -> pd.Series:
    """What stands at these shares of the sorted values; of a number also what lies between two values."""
    known = np.flatnonzero(column.notna())
    if not len(known):
        return pd.Series([None] * len(share), dtype=column.dtype)
    order = known[np.argsort(coded[known], kind="stable")]
    at = np.clip(share * len(order) - 0.5, 0, len(order) - 1)
    if not is_numeric(column):
        return column.iloc[order[np.round(at).astype(int)]].reset_index(drop=True)
    return pd.Series(np.interp(at, np.arange(len(order)), coded[order]).round(decimals(column)))


def decimals(column: pd.Series) -> int:
    """Decimals that all values of a column of numbers keep to, at most 12."""
    values = column.dropna().to_numpy(dtype="float64")
    values = values[np.isfinite(values)]
    return next((d for d in range(12) if np.allclose(values, values.round(d), rtol=1e-12, atol=0)), 12)


class _Leaves:
    """The training rows in each leaf of a tree; leaf: (training rows,)."""

    def __init__(self, leaf: np.ndarray):
        self.order = np.argsort(leaf, kind="stable")
        self.sorted = leaf[self.order]

    def donors(self, leaf: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(rows,) a training row out of each of these leaves, (rows,)."""
        start, stop = (np.searchsorted(self.sorted, leaf, side=side) for side in ("left", "right"))
        return self.order[start + (rng.random(len(leaf)) * (stop - start)).astype(int)]


def _taken(table: pd.DataFrame, rows: dict[str, np.ndarray]) -> pd.DataFrame:
    """Of every column the values of its own rows."""
    columns = [table[name].iloc[own].reset_index(drop=True) for name, own in rows.items()]
    return pd.concat(columns, axis=1)
