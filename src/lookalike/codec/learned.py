"""Which values of a given cell a column has learned, and what is said of one that it has not."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lookalike.codec import datetime, number, structure
from lookalike.codec.slot import Array, Params
from lookalike.codec.where import listed
from lookalike.errors import SchemaError
from lookalike.table.column import Column, plain_values
from lookalike.table.dates import read_dates
from lookalike.table.dtypes import as_numbers, restore
from lookalike.table.nested import json_values

LEARNED, OUTSIDE, FAR, UNKNOWN = range(4)


def learned(params: Params, column: Column, values: pd.Series) -> Array:
    """(rows,) of values, none missing: LEARNED, OUTSIDE, FAR or UNKNOWN.

    OUTSIDE: a value that may well be of the table that was learned, though `where` refuses it: a number or
    date beyond the learned range by no more than the width of it (the most extreme values are not learned),
    or between its values; it is read as the nearest. FAR: farther out than that, as the largest value of a
    column with a long tail may be. UNKNOWN: everything else, and what cannot be read.
    """
    if column.kind in ("category", "boolean"):
        found = plain_values(values, column).astype(object).isin(params["values"]).to_numpy(bool)
        return np.where(found, LEARNED, UNKNOWN)
    if column.kind == "constant":
        same = (plain_values(values, column).astype(object) == column.value).to_numpy(bool)
        return np.where(same, LEARNED, UNKNOWN)
    if column.kind == "number":
        return _of_numbers(params, column, values)
    if column.kind == "datetime":
        return _of_dates(column, values)
    if column.kind == "json":
        return np.array([LEARNED if _is_json(cell, column) else UNKNOWN for cell in values], dtype=int)
    return np.full(len(values), LEARNED)


def _of_numbers(params: Params, column: Column, values: pd.Series) -> Array:
    try:
        as_numbers(values)
    except ValueError:
        return np.array([LEARNED if _is_number(cell) else UNKNOWN for cell in values], dtype=int)
    ticks, marks = number.to_ticks(values, column)
    low, high = params["cells"]["low"], params["cells"]["high"]
    found = _in_range(ticks, low[0], high[-1])
    if number.known(params, column) is not None:
        found[(found == LEARNED) & ~np.isin(ticks, low)] = OUTSIDE
    for mark, token in zip((number.BELOW, number.ABOVE), params["positions"][:2], strict=True):
        found[marks == mark] = UNKNOWN if token is None else LEARNED
    return found


def _of_dates(column: Column, values: pd.Series) -> Array:
    if column.format is not None and not values.empty:
        unread = np.isnat(read_dates(values.astype(object).to_numpy(), column.format))
        found = np.full(len(values), UNKNOWN)
        if not unread.all():
            found[~unread] = _of_ticks(column, values[~unread])
        return found
    return _of_ticks(column, values)


def _of_ticks(column: Column, values: pd.Series) -> Array:
    try:
        ticks, _ = datetime.to_ticks(values, column)
    except (SchemaError, TypeError, ValueError, OverflowError):
        return np.full(len(values), UNKNOWN)
    return _in_range(ticks, *datetime.schema_range(column))


def _in_range(ticks: Array, low: object, high: object) -> Array:
    """As floats: a place far outside of the range is told from one inside by more than their rounding."""
    at = ticks.astype(np.float64) / 4  # quarters, so that twice the width of the widest range is finite
    first, last = float(low) / 4, float(high) / 4  # type: ignore[arg-type]
    width = last - first if np.isfinite([first, last]).all() else np.inf
    found = np.where((at < first - width) | (at > last + width), FAR, OUTSIDE)
    found[(ticks >= low) & (ticks <= high)] = LEARNED
    return found


def _is_number(cell: object) -> bool:
    try:
        as_numbers(pd.Series([cell], dtype=object))
    except ValueError:
        return False
    return True


def _is_json(cell: object, column: Column) -> bool:
    try:
        json_values(pd.Series([cell], dtype=object), column.name, structure.native(column))
    except SchemaError:
        return False
    return True


def choices(params: Params, column: Column, value: object) -> str:
    """What a column has learned, to end a sentence on a value that it has not."""
    if column.kind in ("category", "boolean"):
        return listed(value, params["values"], "values that were learned")
    if column.kind == "constant":
        return "it is always " + ("missing" if column.value is None else repr(column.value))
    if column.kind == "number":
        known = number.known(params, column)
        if known is not None:
            return listed(value, sorted(known), "values that were learned")
        ends = np.array([params["cells"]["low"][0], params["cells"]["high"][-1]])
        low, high = restore(number.from_ticks(ends, np.zeros(2, dtype=np.int8), column), column)
        return f"the values that were learned go from {low} to {high}"
    if column.kind == "datetime":
        written = f", written {column.format}" if column.format else ""
        return f"the values that were learned go from {column.minimum} to {column.maximum}{written}"
    return "it holds JSON"
