"""How alike two tables are, column by column.

The shape error of a column is the Kolmogorov-Smirnov distance max|F_real - F_synthetic| (numbers and dates of
more than 20 distinct values), else the total variation sum|p_real - p_synthetic| / 2, missing values left
out: 1 - SDMetrics' KSComplement and TVComplement. A text has the largest of the distances of its length, its
number of words and its pairs of letters. Missing, unseen and out-of-range values are counted apart.

Everything lies on 0..1, and 0 is perfect. Intervals are the value +- 1.96 standard deviations over bootstrap
samples of the rows of both tables; not percentiles, because resampling a table adds noise to it, so that a
distance near 0 only ever grows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.columns import MISSING, UNREADABLE, ComparedColumn
from lookalike.evaluate.page.histogram import histogram
from lookalike.evaluate.parts import Part, counts
from lookalike.evaluate.section import ColumnDetail, Entry, Section, entry, share
from lookalike.evaluate.view import View

Array = npt.NDArray[Any]

BUDGET = 2e8  # cells looked at by a bootstrap
CHANCES = 5  # pairs of samples of the real table that show what chance does


def measure(view: View) -> Section:
    """Column shapes, and missing, unseen and out-of-range values; the detail of each column."""
    shape, errors = shapes(view.whole, view.rng, view.yardstick)
    return Section(
        {
            "fidelity": {
                "shape_error": shape,
                "missing_error": missing(view.whole, view.yardstick),
                "unseen": strange_rows([c for c in view.columns if c.is_categorical]),
                "out_of_range": strange_rows([c for c in view.columns if c.is_number_or_date]),
            }
        },
        columns={str(c.name): _detail(c, errors.get(c.name, Entry())) for c in view.columns},
    )


def _detail(column: ComparedColumn, shape: Entry) -> ColumnDetail:
    others = [table for table in column.identity if table != "real"]
    return ColumnDetail(
        shape,
        {table: missing_rate(column, table) for table in column.identity},
        {table: float(strange(column, table).mean()) for table in others},
        histogram(column),
    )


def repeats(cells: float) -> int:
    """Bootstrap samples that the budget allows, 10 to 50."""
    return int(np.clip(BUDGET / max(cells, 1.0), 10, 50))


# --- columns -----------------------------------------------------------------------------------------------


def distance(part: Part, real: Array, other: Array) -> float:
    """Distance of two columns given the counts of their values; 1 if only one of them is empty."""
    n, m = real.sum(), other.sum()
    if not n or not m:
        return float(bool(n) != bool(m))
    gap = real / n - other / m
    return float(np.abs(np.cumsum(gap)).max() if part.ordered else np.abs(gap).sum() / 2)


def shape_error(column: ComparedColumn, table: str, weights: tuple[Array, Array] | None = None) -> float:
    """Shape error of one column of a table against the real one; weights: of the real and the other rows."""
    a, b = weights or (None, None)
    parts = column.parts[: column.compared]
    return max(distance(part, counts(part, "real", a), counts(part, table, b)) for part in parts)


def shapes(
    columns: list[ComparedColumn], rng: np.random.Generator, yardstick: list[ComparedColumn] | None = None
) -> tuple[Entry, dict[Any, Entry]]:
    """(the mean shape error, name of a column -> its shape error), each with reference and interval.

    yardstick: the same columns with the real and the holdout rows whose error is the reference; None: those
    of `columns`.
    """
    kept = [column for column in columns if column.compared]
    if not kept:
        return Entry(), {}
    sizes = {table: len(codes) for table, codes in kept[0].identity.items()}
    value = np.array([shape_error(column, "synthetic") for column in kept])
    others = [column for column in yardstick or kept if column.compared]
    held = np.array([shape_error(c, "holdout") for c in others]) if "holdout" in others[0].identity else None
    draws = np.empty((repeats(len(kept) * (sizes["real"] + sizes["synthetic"])), len(kept)))
    for i in range(len(draws)):
        weights = bootstrap(sizes["real"], rng), bootstrap(sizes["synthetic"], rng)
        draws[i] = [shape_error(column, "synthetic", weights) for column in kept]
    by_chance = np.empty((CHANCES, len(kept)))
    for i in range(CHANCES):
        weights = bootstrap(sizes["real"], rng), bootstrap(sizes["real"], rng, sizes["synthetic"])
        by_chance[i] = [shape_error(column, "real", weights) for column in kept]
    spread, chance = draws.std(0, ddof=1), by_chance.mean(0)
    each = {
        column.name: entry(value[i], None if held is None else held[i], spread[i], chance[i])
        for i, column in enumerate(kept)
    }
    mean = entry(
        value.mean(), None if held is None else held.mean(), draws.mean(1).std(ddof=1), float(chance.mean())
    )
    return mean, each


def bootstrap(rows: int, rng: np.random.Generator, draws: int | None = None) -> Array:
    """(rows,) how often each row is among `draws` (default: as many as there are) drawn with replacement."""
    return np.bincount(rng.integers(0, rows, draws or rows), minlength=rows).astype(float)


# --- missing, unseen, out of range -------------------------------------------------------------------------


def missing_rate(column: ComparedColumn, table: str) -> float:
    """Share of the rows whose value is missing."""
    return float((column.identity[table] == MISSING).mean())


def missing(columns: list[ComparedColumn], yardstick: list[ComparedColumn] | None = None) -> Entry:
    """Mean difference to the real missing rate, over the columns with a missing value in any table.

    yardstick: as for `shapes`.
    """
    pairs = [
        (column, other)
        for column, other in zip(columns, yardstick or columns, strict=True)
        if any((codes == MISSING).any() for codes in column.identity.values())
    ]
    some, others = [column for column, _ in pairs], [other for _, other in pairs]
    held = "holdout" in (yardstick or columns)[0].identity
    if not some:
        return entry(0.0, 0.0 if held else None, 0.0, 0.0)

    def gap(of: list[ComparedColumn], table: str) -> tuple[float, float, float]:
        rates = np.array([missing_rate(c, table) for c in of])
        real = np.array([missing_rate(c, "real") for c in of])
        n, m = len(of[0].identity[table]), len(of[0].identity["real"])
        noise = rates * (1 - rates) / n + real * (1 - real) / m
        chance = np.sqrt(2 / np.pi * real * (1 - real) * (1 / n + 1 / m)).mean()  # E|x| of a normal x
        return float(np.abs(rates - real).mean()), float(np.sqrt(noise.sum()) / len(some)), float(chance)

    value, spread, chance = gap(some, "synthetic")
    return entry(value, gap(others, "holdout")[0] if held else None, spread, chance)


def strange(column: ComparedColumn, table: str) -> Array:
    """(rows,) whether the value is outside the real range or unreadable (numbers, dates) or unseen
    (categories)."""
    rows = column.identity[table] == UNREADABLE
    if column.is_number_or_date:
        assert column.parts[0].values is not None
        real, other = column.parts[0].values["real"], column.parts[0].values[table]
        if np.isnan(real).all():
            return rows | ~np.isnan(other)
        with np.errstate(invalid="ignore"):
            return rows | (other < np.nanmin(real)) | (other > np.nanmax(real))
    if column.is_categorical:
        codes = column.identity[table]
        return (codes >= 0) & ~np.isin(codes, np.unique(column.identity["real"]))
    return rows


def strange_rows(columns: list[ComparedColumn]) -> Entry:
    """Share of the rows that have such a value in any of these columns.

    By chance: of n real rows, a fresh one lies outside the range of a number with probability 2 / (n + 1),
    and has an unseen category with about the share of rows whose category is the only one of its kind (Good &
    Turing).
    """
    if not columns:
        return Entry()
    of = {t: np.any([strange(c, t) for c in columns], axis=0) for t in columns[0].identity if t != "real"}
    return share(
        of["synthetic"], of.get("holdout"), 1 - float(np.prod([1 - _fresh(column) for column in columns]))
    )


def _fresh(column: ComparedColumn) -> float:
    real = column.parts[0].codes["real"]
    number = counts(column.parts[0], "real")
    if column.is_categorical:
        return float((number == 1).sum() / len(real))
    ends = np.flatnonzero(number)[[0, -1]] if number.any() else np.zeros(0, int)
    return float((number[ends] == 1).sum() / (len(real) + 1))  # a value that others share is no sharp end
