"""How alike two tables are, pair of columns by pair of columns.

The error of a pair is |r_real - r_synthetic| / 2 with Pearson's r (two numbers), else the total variation
between the two tables of joint frequencies, numbers cut into 10 equal-width bins whose edges come from the
real table and missing a value like any other: 1 - SDMetrics' CorrelationSimilarity and ContingencySimilarity.
But where the synthetic column alone is constant r counts as 0, and all but the 100 commonest categories of a
column are one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.chapters.fidelity import CHANCES, bootstrap, repeats
from lookalike.evaluate.columns import ComparedColumn
from lookalike.evaluate.parts import Part, counts
from lookalike.evaluate.rows import at_most, lengths
from lookalike.evaluate.section import Entry, Pair, PairMap, Section, entry, known
from lookalike.evaluate.view import View

Array = npt.NDArray[Any]

BINS = 10
COMMON = 100  # categories of a column that are told apart
MOST_PAIRS = 1225  # every pair of 50 columns; of more columns as many pairs are drawn
MOST_MAPPED = 50  # columns up to which all pairs are drawn
SHOWN_PAIRS = 50
CELLS = 1 << 20  # rows x pairs that are multiplied at once


def measure(view: View) -> Section:
    """The entry `pair_error`, the worst pairs, the error of all pairs and the mean error of each column."""
    names = [str(column.name) for column in view.whole if column.compared]
    count = max(1, min(len(names) * (len(names) - 1) // 2, MOST_PAIRS))
    in_pairs = {table: min(n, view.limits.pair_cells // count) for table, n in lengths(view.whole).items()}
    some = at_most(view.whole, in_pairs, view.rng)
    yardstick = view.yardstick and at_most(view.yardstick, in_pairs, view.rng)
    pair, worst, every, by_column = pair_errors(some, view.rng, yardstick)
    section = Section({"fidelity": {"pair_error": pair}}, pair_errors=by_column, sizes={"pairs": in_pairs})
    if every > MOST_PAIRS:
        section.skipped["pairs"] = (
            f"{count:,} of the {every:,} pairs of columns were drawn at random and measured."
        )
    if len(names) <= MOST_MAPPED:
        section.pair_map = _pair_map(names, worst)
    target = None if view.target is None else str(view.target)
    section.pairs = [replace(p, target=target in (p.first, p.second)) for p in worst[:SHOWN_PAIRS]]
    return section


def _pair_map(names: list[str], pairs: list[Pair]) -> PairMap:
    place = {name: i for i, name in enumerate(names)}
    out: list[list[float | None]] = [[None] * len(names) for _ in names]
    for pair in pairs:
        i, j = place[pair.first], place[pair.second]
        out[i][j] = out[j][i] = pair.error
    return PairMap(names, out)


class Joint:
    """What pairs need of the columns: numbers for correlations, small codes for joint frequencies."""

    def __init__(self, columns: list[ComparedColumn]) -> None:
        self.columns = columns
        self.parts = [column.parts[0] for column in columns]
        self.numeric = [part.ordered for part in self.parts]
        self.places = np.cumsum(self.numeric) - 1  # of a numeric column in the correlation matrix
        self.codes = [_few(part) for part in self.parts]
        tables = columns[0].identity
        self.values = {table: self._values(table) for table in tables}

    def _values(self, table: str) -> Array:
        """(rows, numeric columns) centred and scaled as the real ones, so that sums of squares stay exact."""
        out = []
        for part in (part for part in self.parts if part.ordered and part.values is not None):
            assert part.values is not None
            size = max(np.nanmax(np.abs(_finite(part.values["real"])), initial=0.0), 1e-300)
            real, other = _finite(part.values["real"]) / size, _finite(part.values[table]) / size
            scale = np.nanstd(real)
            out.append((other - np.nanmean(real)) / (scale if scale > 0 else 1.0))
        rows = len(self.columns[0].identity[table])
        return np.stack(out, axis=1) if out else np.empty((rows, 0))

    def errors(
        self, pairs: list[tuple[int, int]], table: str, weights: Any = None
    ) -> tuple[Array, Array, Array]:
        """((pairs,) errors, and (pairs,) correlations in the real and in the other table, nan where a pair is
        not of two numbers).
        """
        a, b = weights or (None, None)
        both = np.array([self.numeric[i] and self.numeric[j] for i, j in pairs], dtype=bool)
        places = self.places[np.array(pairs, dtype=int).reshape(-1, 2)[both]]
        r, s = np.full((2, len(pairs)), np.nan)
        r[both] = at(self.values["real"], places, a)
        s[both] = at(self.values[table], places, b)
        out = np.abs(r - np.nan_to_num(s)) / 2
        for k in np.flatnonzero(~both):
            (left, width), (right, height) = (self.codes[i] for i in pairs[k])
            p, q = (
                np.bincount(left[t] * height + right[t], weights=w, minlength=width * height)
                for t, w in (("real", a), (table, b))
            )
            out[k] = np.abs(p / p.sum() - q / q.sum()).sum() / 2
        return out, r, s


def _finite(values: Array) -> Array:
    return np.where(np.isfinite(values), values, np.nan)


def _few(part: Part) -> tuple[dict[str, Array], int]:
    """(table -> code of each row, number of codes): bins of a number or common categories; last missing."""
    if part.ordered and part.values is not None:
        real = _finite(part.values["real"])
        present = real[~np.isnan(real)]
        edges = np.linspace(present.min(), present.max(), BINS + 1)
        last = BINS + 2
        return {
            t: np.where(np.isnan(v), last, np.digitize(v, edges)) for t, v in part.values.items()
        }, last + 1
    order = np.argsort(-counts(part, "real"), kind="stable")[:COMMON]
    place = np.full(part.support + 1, min(part.support, COMMON))
    place[order] = np.arange(len(order))
    place[-1] = min(part.support, COMMON) + 1  # code -1: missing
    return {t: place[codes] for t, codes in part.codes.items()}, int(place[-1]) + 1


def correlations(values: Array, weights: Array | None = None) -> Array:
    """Pearson's r of every two columns over the rows that have both; nan where one of them does not vary.

    values: (rows, columns), nan where missing. weights: (rows,) how often each row counts.
    """
    return of_moments(moments(values, weights))


def moments(values: Array, weights: Array | None = None) -> list[Array]:
    """Of every two columns over the rows that have both: how many rows, the sums of the first column, of the
    products, of the squares of the first; each (columns, columns). Those of parts of a table add up.
    """
    there = (~np.isnan(values)).astype(float)
    x = np.nan_to_num(values)
    w = np.ones(len(x)) if weights is None else weights
    xw, tw = x * w[:, None], there * w[:, None]
    return [tw.T @ there, xw.T @ there, xw.T @ x, (xw * x).T @ there]


def of_moments(sums: list[Array]) -> Array:
    """`correlations` from `moments`."""
    n, first, products, squares = sums
    return _correlation(n, products, (first, first.T), (squares, squares.T))


def _correlation(
    n: Array, products: Array, first: tuple[Array, Array], squares: tuple[Array, Array]
) -> Array:
    """Pearson's r of sums as those of `moments`; first, squares: of one column and of the other."""
    with np.errstate(divide="ignore", invalid="ignore"):
        means = [own / n for own in first]  # of each column where the other is there, too
        covariance = products / n - means[0] * means[1]
        variances = []
        for mean, own in zip(means, squares, strict=True):
            variance = own / n - mean**2
            variance[variance < 1e-12 * (1 + mean**2)] = np.nan
            variances.append(variance)
        r = covariance / np.sqrt(variances[0] * variances[1])
    return np.where(n > 1, np.clip(r, -1, 1), np.nan)


def at(values: Array, pairs: Array, weights: Array | None = None) -> Array:
    """(pairs,) `correlations` of some pairs of columns: one by one where they are few of all.

    pairs: (pairs, 2) columns of values.
    """
    if values.shape[1] <= MOST_MAPPED:
        return np.asarray(correlations(values, weights)[tuple(pairs.T)])
    there = (~np.isnan(values)).astype(float)
    x = np.nan_to_num(values)
    w = np.ones(len(x)) if weights is None else weights
    weighted = [own * w[:, None] for own in (there, x, x * x)]
    out = []
    for i, j in (part.T for part in np.array_split(pairs, -(-len(x) * len(pairs) // CELLS) or 1)):
        n, (one, other), (squares, more) = (
            [np.einsum("rp,rp->p", own[:, a], there[:, b]) for a, b in ((i, j), (j, i))] for own in weighted
        )
        products = np.einsum("rp,rp->p", weighted[1][:, i], x[:, j])
        out.append(_correlation(n[0], products, (one, other), (squares, more)))
    return np.concatenate(out)


def pair_errors(
    columns: list[ComparedColumn], rng: np.random.Generator, yardstick: list[ComparedColumn] | None = None
) -> tuple[Entry, list[Pair], int, dict[str, float]]:
    """(the mean error, the pairs with the worst first, how many pairs there are, mean error by column).

    The worst is what exceeds the holdout's error most: pairs of many categories differ by chance alone.
    yardstick: as for `fidelity.shapes`.
    """
    columns = [column for column in columns if column.compared]
    others = [column for column in yardstick or columns if column.compared]
    every = list(combinations(range(len(columns)), 2))
    chosen = every
    if len(every) > MOST_PAIRS:
        chosen = [every[k] for k in sorted(rng.choice(len(every), MOST_PAIRS, replace=False))]
    if not chosen:
        return Entry(), [], 0, {}
    tables = Joint(columns)
    sizes = {table: len(codes) for table, codes in columns[0].identity.items()}
    value, r, s = tables.errors(chosen, "synthetic")
    held = None
    if "holdout" in others[0].identity:
        held = (tables if yardstick is None else Joint(others)).errors(chosen, "holdout")[0]
    draws = []
    for _ in range(repeats(len(chosen) * (sizes["real"] + sizes["synthetic"]))):
        weights = bootstrap(sizes["real"], rng), bootstrap(sizes["synthetic"], rng)
        draws.append(_mean(tables.errors(chosen, "synthetic", weights)[0]))
    by_chance = []
    for _ in range(CHANCES):
        weights = bootstrap(sizes["real"], rng), bootstrap(sizes["real"], rng, sizes["synthetic"])
        by_chance.append(_mean(tables.errors(chosen, "real", weights)[0]))
    spread = float(np.std(draws, ddof=1))
    mean = entry(_mean(value), None if held is None else _mean(held), spread, float(np.mean(by_chance)))
    found = [
        _pair(tables, pair, value[k], None if held is None else held[k], r[k], s[k])
        for k, pair in enumerate(chosen)
        if not np.isnan(value[k])
    ]
    found.sort(key=lambda pair: (pair.reference or 0.0) - pair.error)
    return mean, found, len(every), _by_column(found)


def _pair(
    tables: Joint, pair: tuple[int, int], error: float, reference: float | None, r: float, s: float
) -> Pair:
    """r, s: the correlation in the real and in the synthetic table."""
    i, j = pair
    both = tables.numeric[i] and tables.numeric[j]
    return Pair(
        str(tables.columns[i].name),
        str(tables.columns[j].name),
        "correlation" if both else "joint frequencies",
        float(error),
        known(reference),
        known(r) if both else None,
        known(s) if both else None,
    )


def _mean(errors: Array) -> float:
    return float(np.nanmean(errors)) if not np.isnan(errors).all() else float("nan")


def _by_column(found: Iterable[Pair]) -> dict[str, float]:
    sums: dict[str, list[float]] = {}
    for pair in found:
        for name in (pair.first, pair.second):
            sums.setdefault(name, []).append(pair.error)
    return {name: float(np.mean(errors)) for name, errors in sums.items()}
