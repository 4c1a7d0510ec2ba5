"""Number columns: a bin token and a cell inside the bin (see cells.py).

A column with a known number of decimals is counted in ticks of its last decimal (12.34 -> 1234), so that
integers and decimals are drawn on their own grid and come back exactly; full-precision floats stay float64.
Tokens: the bins in ascending order, then -inf, +inf and missing where the column has them.
"""

from __future__ import annotations

import decimal
from typing import Any

import numpy as np
import pandas as pd

from lookalike.arguments import brief, shown
from lookalike.codec.cells import Cells, draw, locate, mass, partition
from lookalike.codec.slot import Array, Params, Slot
from lookalike.codec.where import Condition
from lookalike.errors import ConditionError, SchemaError
from lookalike.table.column import Column
from lookalike.table.dtypes import as_numbers, restore

FEW = 20  # values that a number column can have and still be a choice between classes, such as a 0/1 target
BELOW, ABOVE, MISSING = 1, 2, 3  # marks of the rows whose tick means nothing: -inf, +inf, missing
_LIMIT = 2**61  # ticks beyond it are Python ints: differences of int64 would overflow
_WIDE = decimal.Context(prec=100)
Ranges = list[tuple[Any, Any]] | None  # inclusive, in ticks, ends may be infinite; None = any value


def analyse(series: pd.Series, column: Column, rare: int) -> Params:
    params = fit_ticks(*to_ticks(series, column), rare)
    try:
        low, high = _tick(column, column.minimum, up=True), _tick(column, column.maximum, up=False)
    except (TypeError, ValueError, ArithmeticError):
        raise SchemaError(
            f"column '{column.name}' has the range {shown(column.minimum)} to {shown(column.maximum)} in the "
            "schema: its ends are numbers, or None."
        ) from None
    return bounded(params, low, high)


def fit_ticks(ticks: Array, marks: Array, rare: int) -> Params:
    """Params of ticks (int64, float64 or Python ints) and their marks (0 = an ordinary value)."""
    values, counts = np.unique(ticks[marks == 0], return_counts=True)
    if len(values):
        cells = partition(values, counts, rare)
    else:  # nothing but infinities: one bin that no row has
        zero, one = np.zeros(1, dtype=ticks.dtype), np.ones(1)
        first = np.zeros(1, dtype=np.int64)
        cells = Cells(zero, zero, zero, one, 0 * one, first, first, np.zeros((1, 0)))
    tokens, positions, special = cells.tokens, [], []
    for mark in (BELOW, ABOVE, MISSING):
        rows = int((marks == mark).sum())
        positions.append(tokens if rows else None)
        special.append(rows)
        tokens += rows > 0
    floats, weights = values.astype(np.float64), counts / max(counts.sum(), 1)
    scale = float(np.abs(floats).max(initial=0)) or 1.0  # squares of huge values overflow
    mean = float((floats / scale * weights).sum())
    deviation = float(np.sqrt(((floats / scale - mean) ** 2 * weights).sum())) or 1.0
    return {
        "cells": cells._asdict(),
        "special": special,  # rows of -inf, +inf, missing
        "positions": positions,  # their tokens
        "tokens": int(tokens),
        "moments": [scale, mean, deviation],
    }


def bounded(params: Params, low: Any, high: Any) -> Params:
    """The same cells, clipped to the range of an edited schema."""
    cells = params["cells"]
    low, high = (cells["low"][0] if low is None else low), (cells["high"][-1] if high is None else high)
    clipped = {
        k: np.minimum(np.maximum(cells[k], low), high).astype(cells[k].dtype) for k in ("low", "knee", "high")
    }
    return {**params, "cells": {**cells, **clipped}}


def known(params: Params, column: Column) -> list[Any] | None:
    """The values of a column of at most `FEW`, each a token of its own, most frequent first; else None."""
    cells = Cells(**params["cells"])
    if (
        len(cells.rows) > FEW
        or cells.place.any()
        or (cells.low != cells.high).any()
        or any(params["special"][:2])
    ):
        return None
    ticks = cells.low[np.argsort(-cells.rows, kind="stable")]
    return restore(from_ticks(ticks, np.zeros(len(ticks), dtype=np.int8), column), column).tolist()


def slots(params: Params, column: Column, part: str = "") -> list[Slot]:
    cells = Cells(**params["cells"])
    shape = (params["tokens"], int(cells.place.max()) + 1)
    counts, rank, value = np.zeros(shape), np.full(shape, np.nan), np.full(shape, np.nan)
    below, above, _ = params["special"]
    scale, mean, deviation = params["moments"]
    total = max(below + above + cells.rows.sum(), 1.0)
    counts[cells.token, cells.place] = cells.rows
    rank[cells.token, cells.place] = (below + np.cumsum(cells.rows) - cells.rows / 2) / total
    centre = (cells.knee.astype(np.float64) / scale - mean) / deviation
    value[cells.token, cells.place] = np.clip(centre, -5, 5)
    ends = [(below / 2 / total, -5.0), (1 - above / 2 / total, 5.0), (np.nan, np.nan)]
    for token, rows, (at, height) in zip(params["positions"], params["special"], ends, strict=True):
        if token is not None:
            counts[token, 0], rank[token, 0], value[token, 0] = rows, at, height
    name = f"{column.name}/{part}" if part else str(column.name)
    return [Slot(column.name, part, counts, rank, value, vocabulary=name)]


def encode(params: Params, series: pd.Series, column: Column) -> tuple[Array, Array]:
    """Values outside the training range get the nearest cell, and marks without a token -1."""
    return encode_ticks(params, *to_ticks(series, column))


def encode_ticks(params: Params, ticks: Array, marks: Array) -> tuple[Array, Array]:
    """(tokens, cells), each (rows, 1)."""
    cells = Cells(**params["cells"])
    if ticks.dtype == object and cells.low.dtype == np.int64:
        ticks = np.clip(ticks, -_LIMIT, _LIMIT)
    index = locate(cells.low, cells.high, ticks.astype(cells.low.dtype))
    tokens, places = cells.token[index].astype(np.int32), cells.place[index].astype(np.int16)
    for mark, token in zip((BELOW, ABOVE, MISSING), params["positions"], strict=True):
        rows = marks == mark
        instead = {BELOW: 0, ABOVE: cells.tokens - 1, MISSING: -1}[mark]
        tokens[rows], places[rows] = instead if token is None else token, 0
    return tokens[:, None], places[:, None]


def decode(
    params: Params,
    column: Column,
    tokens: Array,
    cells: Array,
    rng: np.random.Generator,
    condition: Condition | None,
) -> pd.Series:
    ranges = None if condition is None else condition_ranges(column, condition)
    ticks, marks = decode_ticks(params, tokens[:, 0], cells[:, 0], rng, ranges)
    return restore(from_ticks(ticks, marks, column), column)


def decode_ticks(
    params: Params, tokens: Array, places: Array, rng: np.random.Generator, ranges: Ranges = None
) -> tuple[Array, Array]:
    """(ticks, marks) drawn inside the cells, within `ranges` where the cell meets them."""
    cells = Cells(**params["cells"])
    table = cells.table()
    token = np.where(tokens < len(table), np.maximum(tokens, 0), 0)
    index = table[token, np.clip(places, 0, table.shape[1] - 1)]
    marks = np.zeros(len(tokens), dtype=np.int8)
    for mark, special in zip((BELOW, ABOVE, MISSING), params["positions"], strict=True):
        if special is not None:
            marks[tokens == special] = mark
    return draw(cells, index, rng, ranges), marks


def allowed(params: Params, column: Column, condition: Condition) -> dict[int, Array]:
    if condition.missing and params["positions"][MISSING - 1] is None:
        raise ConditionError(f"no value of column '{column.name}' is missing.")
    share = allowed_ticks(params, condition_ranges(column, condition), condition.missing)
    every = [condition] if condition.values is None else [Condition((value,)) for value in condition.values]
    for one in every:
        if not allowed_ticks(params, condition_ranges(column, one), False).any():
            raise ConditionError(_nothing(params, column, one))
    return {0: share}


def allowed_ticks(params: Params, ranges: Ranges, missing: bool) -> Array:
    """(tokens, cells): share of each cell in the ranges."""
    cells = Cells(**params["cells"])
    share = np.zeros((params["tokens"], int(cells.place.max()) + 1))
    at_below, at_above, at_missing = params["positions"]
    if ranges is None:
        share[: params["tokens"] - (at_missing is not None)] = 1.0
    for low, high in ranges or []:
        if low <= high:
            share[cells.token, cells.place] += mass(cells, low, high)
        for token, infinity in ((at_below, -np.inf), (at_above, np.inf)):
            if token is not None and low <= infinity <= high:
                share[token, 0] = 1.0
    if at_missing is not None:
        share[at_missing, 0] = missing
    return np.clip(share, 0.0, 1.0)


def _nothing(params: Params, column: Column, condition: Condition) -> str:
    cells = Cells(**params["cells"])
    ends = np.array([cells.low[0], cells.high[-1]], dtype=cells.low.dtype)
    low, high = restore(from_ticks(ends, np.zeros(2, dtype=np.int8), column), column)
    if condition.values is None:
        what = f"no value of column '{column.name}' lies in {condition.text()}"
    else:
        wanted = " or ".join(map(brief, condition.values))
        what = f"the value {wanted} of column '{column.name}' never occurs"
    return f"{what}: its values go from {low} to {high}."


# --- values <-> ticks ----------------------------------------------------------------------------------


def to_ticks(series: pd.Series, column: Column) -> tuple[Array, Array]:
    """(ticks, marks) of a column's values. Raises SchemaError where a value is no number."""
    try:
        values, missing = as_numbers(series)
    except ValueError as error:
        raise SchemaError(
            f"column '{column.name}' is declared a number but holds {error.args[0]!r}: make it a category."
        ) from None
    marks = np.where(missing, MISSING, 0).astype(np.int8)
    if column.resolution is not None:
        return values // column.units(series), marks
    if values.dtype == np.float64:
        marks[np.isnan(values)] = MISSING
        marks[np.isneginf(values)] = BELOW
        marks[np.isposinf(values)] = ABOVE
    values = np.where(marks > 0, 0, values)
    if column.decimals is None:
        return values.astype(np.float64), marks
    if values.dtype == np.float64:
        ticks = np.rint(values * 10.0**column.decimals)
        return np.clip(ticks, -_LIMIT, _LIMIT).astype(np.int64), marks
    if values.dtype == object or column.decimals > 0:
        values = np.array([_scaled(value, column.decimals) for value in values.tolist()], dtype=object)
    if len(values) and values.min() >= -_LIMIT and values.max() <= _LIMIT:
        values = values.astype(np.int64)
    return values.astype(object) if len(values) and abs(values).max() > _LIMIT else values.astype(
        np.int64
    ), marks


def _scaled(value: Any, decimals: int) -> int:
    if isinstance(value, int):
        return value * 10**decimals
    return int(_WIDE.scaleb(decimal.Decimal(value), decimals).to_integral_value())


def from_ticks(ticks: Array, marks: Array, column: Column) -> pd.Series:
    """The values as Int64, float64 or objects (None = missing), ready for `restore`."""
    missing = marks == MISSING
    ends = {BELOW: -np.inf, ABOVE: np.inf}
    infinite = bool(np.isin(marks, (BELOW, ABOVE)).any())
    if column.exact:
        step = decimal.Decimal(1).scaleb(-(column.decimals or 0))
        exact: list[Any] = [_WIDE.multiply(int(tick), step) for tick in ticks.tolist()]
        for row in np.flatnonzero(marks):
            exact[row] = None if missing[row] else decimal.Decimal(ends[marks[row]])
        return pd.Series(exact, dtype=object)
    if (column.resolution is not None or column.decimals == 0) and not infinite:
        if ticks.dtype == np.int64:
            return pd.Series(pd.arrays.IntegerArray(ticks, missing))
        values = pd.Series(ticks, dtype=object)
        values[missing] = None
        return values
    floats = ticks.astype(np.float64) / 10.0 ** (column.decimals or 0)
    for mark, end in {**ends, MISSING: np.nan}.items():
        floats[marks == mark] = end
    return pd.Series(floats)


def _tick(column: Column, value: Any, up: bool) -> Any:
    """A bound in ticks, rounded into the range; None stays None. Raises ValueError for what is no number."""
    if value is None:
        return None
    if column.resolution is not None:
        ratio = decimal.Decimal(pd.Timedelta(value).value) / pd.Timedelta(1, column.resolution).value
    else:
        number = (
            float(value)
            if not isinstance(value, str) or not value.strip().lstrip("+-").isdigit()
            else int(value)
        )
        single = str(column.dtype).lower() in ("float32", "arrow[float]")
        if single and (column.decimals is None or column.decimals > 6):
            with np.errstate(over="ignore"):
                number = float(np.float32(number))  # what the column holds when it is given this
            number, value = number if column.decimals is None else round(number, column.decimals), None
        if column.decimals is None or np.isinf(number):
            return float(number)
        exact = isinstance(value, (int, np.integer, decimal.Decimal))
        ratio = _WIDE.scaleb(decimal.Decimal(str(value) if exact else str(number)), column.decimals)
    return int(ratio.to_integral_value(decimal.ROUND_CEILING if up else decimal.ROUND_FLOOR))


def condition_ranges(column: Column, condition: Condition) -> Ranges:
    try:
        if condition.values is not None:
            pairs = {(_tick(column, v, up=True), _tick(column, v, up=False)) for v in condition.values}
            return sorted(pairs)
        if condition.low is None and condition.high is None:
            return None
        low, high = _tick(column, condition.low, up=True), _tick(column, condition.high, up=False)
    except (TypeError, ValueError, ArithmeticError):
        wanted = condition.text() if condition.values is None else ", ".join(map(brief, condition.values))
        raise ConditionError(f"column '{column.name}' holds numbers, which {wanted} is not.") from None
    return [(-np.inf if low is None else low, np.inf if high is None else high)]
