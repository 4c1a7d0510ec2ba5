"""How alike two tables are, column by column.

The shape error of a column is the Kolmogorov-Smirnov distance max|F_real - F_synthetic| (numbers and dates of
more than 20 distinct values), else the total variation sum|p_real - p_synthetic| / 2, missing values left
out: 1 - SDMetrics' KSComplement and TVComplement. A text has the largest of the distances of its length, its
number of words and its pairs of letters. Missing, unseen and out-of-range values and copies are counted
apart.

Everything lies on 0..1, and 0 is perfect. Intervals are the value +- 1.96 standard deviations over bootstrap
samples of the rows of both tables; not percentiles, because resampling a table adds noise to it, so that a
distance near 0 only ever grows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.evaluate.columns import MISSING, UNREADABLE, Column, Part

Array = npt.NDArray[Any]

BUDGET = 2e8  # cells looked at by a bootstrap
NATURAL = 0.75  # share of copies among fresh real rows, up to which copies mean something
REST = 0.8  # of the rows that are no copies by nature, up to which copies can be excused at all
FEWEST = 200  # rows of a holdout, below which the real table says what is natural
CHANCES = 5  # pairs of samples of the real table that show what chance does
WIDTH = 1.96


def entry(
    value: float,
    reference: float | None = None,
    spread: float | None = None,
    chance: float | None = None,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> dict[str, float | None]:
    """The figures of a measurement: value, the holdout's, and the 95% interval of the value.

    chance: what a perfect synthesizer would score because tables are finite, where that is known. bounds:
    what the figure cannot pass.
    """
    figures = [None if x is None or np.isnan(x) else float(x) for x in (value, reference, spread, chance)]
    low = high = None
    if figures[0] is not None and figures[2] is not None:
        low, high = (
            max(bounds[0], figures[0] - WIDTH * figures[2]),
            min(bounds[1], figures[0] + WIDTH * figures[2]),
        )
    out = {"value": figures[0], "reference": figures[1], "low": low, "high": high}
    return out if figures[3] is None else out | {"chance": figures[3]}


def share(
    flags: Array, reference: Array | None = None, chance: float | None = None
) -> dict[str, float | None]:
    """A share of rows, beside that of the holdout, with the spread of a bootstrap in closed form."""
    value = float(flags.mean())
    spread = float(np.sqrt(value * (1 - value) / len(flags)))
    return entry(value, None if reference is None else float(reference.mean()), spread, chance)


def repeats(cells: float) -> int:
    """Bootstrap samples that the budget allows, 10 to 50."""
    return int(np.clip(BUDGET / max(cells, 1.0), 10, 50))


# --- columns -----------------------------------------------------------------------------------------------


def counts(part: Part, table: str, weights: Array | None = None) -> Array:
    """(support,) rows of each value; missing left out."""
    codes = part.codes[table]
    keep = codes >= 0
    if weights is not None:
        weights = weights[keep]
    return np.bincount(codes[keep], weights=weights, minlength=part.support)


def distance(part: Part, real: Array, other: Array) -> float:
    """Distance of two columns given the counts of their values; 1 if only one of them is empty."""
    n, m = real.sum(), other.sum()
    if not n or not m:
        return float(bool(n) != bool(m))
    gap = real / n - other / m
    return float(np.abs(np.cumsum(gap)).max() if part.ordered else np.abs(gap).sum() / 2)


def shape_error(column: Column, table: str, weights: tuple[Array, Array] | None = None) -> float:
    """Shape error of one column of a table against the real one; weights: of the real and the other rows."""
    a, b = weights or (None, None)
    parts = column.parts[: column.compared]
    return max(distance(part, counts(part, "real", a), counts(part, table, b)) for part in parts)


def shapes(
    columns: list[Column], rng: np.random.Generator, yardstick: list[Column] | None = None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """(the mean shape error, the shape error of each column), each with reference and interval.

    yardstick: the same columns with the real and the holdout rows whose error is the reference; None: those
    of `columns`.
    """
    kept = [column for column in columns if column.compared]
    if not kept:
        return entry(float("nan")), []
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
    each = [
        entry(value[i], None if held is None else held[i], spread[i], chance[i]) for i in range(len(kept))
    ]
    mean = entry(
        value.mean(), None if held is None else held.mean(), draws.mean(1).std(ddof=1), float(chance.mean())
    )
    return mean, each


def bootstrap(rows: int, rng: np.random.Generator, draws: int | None = None) -> Array:
    """(rows,) how often each row is among `draws` (default: as many as there are) drawn with replacement."""
    return np.bincount(rng.integers(0, rows, draws or rows), minlength=rows).astype(float)


# --- missing, unseen, out of range -------------------------------------------------------------------------


def missing_rate(column: Column, table: str) -> float:
    """Share of the rows whose value is missing."""
    return float((column.identity[table] == MISSING).mean())


def missing(columns: list[Column], yardstick: list[Column] | None = None) -> dict[str, Any]:
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

    def gap(of: list[Column], table: str) -> tuple[float, float, float]:
        rates = np.array([missing_rate(c, table) for c in of])
        real = np.array([missing_rate(c, "real") for c in of])
        n, m = len(of[0].identity[table]), len(of[0].identity["real"])
        noise = rates * (1 - rates) / n + real * (1 - real) / m
        chance = np.sqrt(2 / np.pi * real * (1 - real) * (1 / n + 1 / m)).mean()  # E|x| of a normal x
        return float(np.abs(rates - real).mean()), float(np.sqrt(noise.sum()) / len(some)), float(chance)

    value, spread, chance = gap(some, "synthetic")
    return entry(value, gap(others, "holdout")[0] if held else None, spread, chance)


def strange(column: Column, table: str) -> Array:
    """(rows,) whether the value is outside the real range or unreadable (numbers, dates) or unseen
    (categories)."""
    rows = column.identity[table] == UNREADABLE
    if column.kind in ("number", "datetime"):
        assert column.parts[0].values is not None
        real, other = column.parts[0].values["real"], column.parts[0].values[table]
        if np.isnan(real).all():
            return rows | ~np.isnan(other)
        with np.errstate(invalid="ignore"):
            return rows | (other < np.nanmin(real)) | (other > np.nanmax(real))
    if column.kind == "category":
        codes = column.identity[table]
        return (codes >= 0) & ~np.isin(codes, np.unique(column.identity["real"]))
    return rows


def strange_rows(columns: list[Column], kinds: tuple[str, ...]) -> dict[str, Any]:
    """Share of the rows that have such a value in any column of these kinds.

    By chance: of n real rows, a fresh one lies outside the range of a number with probability 2 / (n + 1),
    and has an unseen category with about the share of rows whose category is the only one of its kind (Good &
    Turing).
    """
    kept = [column for column in columns if column.kind in kinds]
    if not kept:
        return entry(float("nan"))
    of = {t: np.any([strange(c, t) for c in kept], axis=0) for t in kept[0].identity if t != "real"}
    return share(
        of["synthetic"], of.get("holdout"), 1 - float(np.prod([1 - _fresh(column) for column in kept]))
    )


def _fresh(column: Column) -> float:
    real = column.parts[0].codes["real"]
    number = counts(column.parts[0], "real")
    if column.kind == "category":
        return float((number == 1).sum() / len(real))
    ends = np.flatnonzero(number)[[0, -1]] if number.any() else np.zeros(0, int)
    return float((number[ends] == 1).sum() / (len(real) + 1))  # a value that others share is no sharp end


def copies(columns: list[Column]) -> dict[str, dict[str, Any]]:
    """`exact_copies` and `near_copies`: shares of the rows that equal a real row in every column but unique
    ids, or in all of them but one.

    By chance (where no holdout of some rows says it): the share of the real rows that have such a twin among
    the other real rows. allowed: (good, fair) shares. A table of few categories has equal rows by nature, and
    a model of it makes the frequent ones more often; but where they are not three in four by nature, a table
    of hardly anything else is a copy.
    """
    kept = [column for column in columns if column.kind != "id"]
    out: dict[str, dict[str, Any]] = {}
    for name, found in (("exact_copies", twins(kept)), ("near_copies", twins(kept, 1))):
        if not found:
            out[name] = entry(float("nan"))
            continue
        held = found.get("holdout")
        natural = float(found["real"].mean()) if held is None or len(held) < FEWEST else float(held.mean())
        rest = natural + REST * (1 - natural) if natural <= NATURAL else 1.0
        allowed = [min(1.25 * natural, rest), min(2 * natural, rest)]
        out[name] = {**share(found["synthetic"], held, natural), "allowed": allowed}
    return out


def twins(columns: list[Column], but: int = 0) -> dict[str, Array]:
    """table -> (rows,) whether a row has an equal in the real table, another one if it is a real row itself;
    equal but for at most `but` columns, 0 or 1. Empty where too few columns would be left to compare."""
    if len(columns) < 1 + 2 * but:
        return {}
    whole = {table: np.zeros(len(codes), dtype=np.uint64) for table, codes in columns[0].identity.items()}
    for number, column in enumerate(columns):
        for table, key in whole.items():
            key += mixed(column.identity[table], number)
    out: dict[str, Array] = {table: np.zeros(len(key), dtype=bool) for table, key in whole.items()}
    for number, left_out in enumerate(columns) if but else [(0, None)]:
        some = {
            table: key if left_out is None else key - mixed(left_out.identity[table], number)
            for table, key in whole.items()
        }
        real = pd.Series(some["real"])
        for table, flags in out.items():
            again = real.duplicated(keep=False) if table == "real" else pd.Series(some[table]).isin(real)
            out[table] = flags | again.to_numpy()
    return out


def mixed(codes: Array, salt: int) -> Array:
    """(rows,) uint64 of codes, scattered by splitmix64; sums of them over columns tell rows apart."""
    with np.errstate(over="ignore"):
        key = codes.astype(np.uint64) + np.uint64(salt + 1) * np.array(0x9E3779B97F4A7C15, dtype=np.uint64)
        key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))


def row_keys(codes: list[Array]) -> Array:
    """A 64-bit fingerprint of each row (two different rows share one with a chance of 5e-20)."""
    key = np.full(len(codes[0]), 0x9E3779B97F4A7C15, dtype=np.uint64)
    for column in codes:  # splitmix64 over the columns
        key = (key ^ column.astype(np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
        key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        key ^= key >> np.uint64(31)
    return key
