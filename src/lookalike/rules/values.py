"""The columns of a table as rules see them: numbers, seconds, strings and codes; and written back."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.slot import Array
from lookalike.codec.ticks import dates, numbers
from lookalike.errors import SchemaError
from lookalike.table.column import Column
from lookalike.table.dtypes import RESOLUTIONS, restore
from lookalike.table.formatted import lenient
from lookalike.table.kind_groups import OF_ENTITIES
from lookalike.table.missing import is_missing, masked
from lookalike.table.schema import Schema

EXACT = 2.0**52  # whole numbers beyond it are not exact as floats
HUGE = 1e100  # numbers beyond it have no products or variances as floats
RATES = 20  # values of a category that others may be computed from, at most
CLOSE = 1e-9  # relative error of a number in full precision
SINGLE = 1e-6  # the same of what was computed in single precision (32 bits), as statistics programs keep it
_SECONDS = {"D": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


class Values:
    """The columns of a table, each read once, when it is asked for."""

    def __init__(self, table: pd.DataFrame, schema: Schema):
        self.table, self.schema, self.rows = table, schema, len(table)
        self._numbers: dict[Any, Array | None] = {}
        self._codes: dict[Any, tuple[Array, pd.Index]] = {}
        self._texts: dict[Any, Array] = {}
        self._gone: dict[Any, Array] = {}
        self._close: dict[Any, float] = {}
        self._columns = {column.name: column for column in schema.columns}

    def column(self, name: Any) -> Column:
        found = self._columns.get(name)
        return self.schema[name] if found is None else found

    def missing(self, name: Any) -> Array:
        """(rows,) bool."""
        if name not in self._gone:
            self._gone[name] = is_missing(self.table[name], self.schema.missing).to_numpy(bool)
        return self._gone[name]

    def numbers(self, name: Any) -> Array | None:
        """(rows,) float64, dates in seconds since 1970, missing as nan; None for what is neither, and for
        whole numbers that floats do not hold, and numbers beyond 1e100.
        """
        if name not in self._numbers:
            series = masked(self.table, self.column(name), self.schema)
            self._numbers[name] = as_floats(series, self.column(name))
        return self._numbers[name]

    def having(self, name: Any, numbers: Array) -> Values:
        """The same columns, of which one has other numbers."""
        found = copy(self)
        found._numbers = {**self._numbers, name: numbers}
        return found

    def close(self, name: Any) -> float:
        """The relative error of the numbers of a column: `SINGLE` where all are exact in 32 bits."""
        if name not in self._close:
            own, column = self.numbers(name), self.column(name)
            single = "float32" in column.dtype or (
                own is not None and column.is_number and step(column) is None and _is_single(own)
            )
            self._close[name] = SINGLE if single else CLOSE
        return self._close[name]

    def codes(self, name: Any) -> tuple[Array, pd.Index]:
        """(rows,) the number of each value, -1 where it is missing; and the values."""
        if name not in self._codes:
            series = masked(self.table, self.column(name), self.schema)
            if isinstance(series.dtype, pd.CategoricalDtype):
                series = series.astype(object)
            if series.dtype == object:
                series = series.map(_hashable, na_action="ignore")
            codes, found = pd.factorize(series)
            self._codes[name] = codes, pd.Index(found)
        return self._codes[name]

    def texts(self, name: Any) -> Array:
        """(rows,) str, None where missing."""
        if name not in self._texts:
            codes, found = self.codes(name)
            texts = np.array([*(str(value) for value in found), None], dtype=object)
            self._texts[name] = texts[codes]
        return self._texts[name]


def _is_single(numbers: Array) -> bool:
    """Whether 32 bits hold all numbers, of which 15 decimals may be left."""
    known = numbers[~np.isnan(numbers)]
    with np.errstate(over="ignore"):
        off = np.abs(known - known.astype(np.float32))
    return bool(len(known)) and bool((off <= 1e-15 + 1e-14 * np.abs(known)).all())


def _hashable(value: Any) -> Any:
    return str(value) if isinstance(value, dict | list) else value


def step(column: Column) -> float | None:
    """What one tick is in the numbers of `as_floats`; None where they have full precision, or vary."""
    if column.is_date:
        unit = RESOLUTIONS[str(column.resolution)]
        return _SECONDS.get(unit)
    if column.resolution is not None:
        return 1.0
    return None if column.decimals is None else 10.0**-column.decimals


def is_text(column: Column) -> bool:
    """Whether the cells of a column are strings."""
    return column.python == "str" or column.dtype.startswith(("str", "arrow[str", "arrow[large_str"))


def as_floats(series: pd.Series, column: Column) -> Array | None:
    """As `Values.numbers`."""
    try:
        if column.is_number:
            ticks, marks = numbers.to_ticks(series, column)
            values = ticks.astype(np.float64)
            if column.decimals is not None and column.resolution is None:
                if np.abs(values).max(initial=0) > EXACT:
                    return None
                values = values / 10.0**column.decimals
            values[marks > 0] = np.nan
            return None if np.abs(values[marks == 0]).max(initial=0) > HUGE else np.asarray(values)
        if column.is_date:
            ticks, marks = dates.to_ticks(series, column)
            unit = RESOLUTIONS[str(column.resolution)]
            if unit in "YM":
                values = ticks.astype(f"M8[{unit}]").astype("M8[s]").astype(np.int64).astype(np.float64)
            else:
                values = ticks * _SECONDS[unit]
            values[np.asarray(marks) > 0] = np.nan
            return np.asarray(values, dtype=np.float64)
        if column.is_categorical and pd.api.types.is_numeric_dtype(series.dtype):
            return series.to_numpy(np.float64, na_value=np.nan)
        if column.is_categorical and is_text(column):
            return _rates(series)
    except (SchemaError, TypeError, ValueError, OverflowError):
        pass
    return None


def _rates(series: pd.Series) -> Array | None:
    """(rows,) float64: a category of few numbers with a unit, such as 7% and 19%; None of any other."""
    codes, found = pd.factorize(series.astype(object))
    if not 1 <= len(found) <= RATES:  # one, where that is what rows were asked for
        return None
    read = [lenient(str(cell)) for cell in found]
    return None if None in read else np.array([*read, None], dtype=np.float64)[codes]


_ROUND: dict[str, Callable[[Array], Array]] = {
    "nearest": np.rint,
    "as floats": np.rint,  # of what is not quite a half, as a program rounds that divides floats
    "half up": lambda x: np.floor(x + 0.5 + CLOSE),
    "down": lambda x: np.floor(x + CLOSE),
    "up": lambda x: np.ceil(x - CLOSE),
}


def rounded(values: Array, column: Column, rounding: str = "nearest") -> Array:
    """(rows,) float64 values on the ticks of a column."""
    size = step(column)
    if size is None:
        return values
    if size < 1:
        power = round(1 / size)
        ticks = _ROUND[rounding](np.round(values * power, 6) if rounding == "nearest" else values * power)
        return np.asarray(ticks / power)
    return np.asarray(_ROUND[rounding](values / size) * size)


def same(a: Array, b: Array, exact: float = CLOSE, least: Array | float = 1.0) -> Array:
    """(rows,) bool: two arrays of numbers, to what floats are exact to; missing are the same as missing.

    exact: relative error, of the numbers or of `least` where that is larger.
    """
    close = np.abs(a - b) <= exact * np.maximum(least, np.maximum(np.abs(a), np.abs(b)))
    return np.asarray(close | (np.isnan(a) & np.isnan(b)))


def moved(numbers: Array, low: Array, high: Array, rng: np.random.Generator) -> Array:
    """(rows,) numbers, of which those not between low and high are that of another row that is."""
    high = np.maximum(low, high)
    out = np.flatnonzero((numbers < low) | (numbers > high))
    pool = np.sort(numbers[~np.isnan(numbers)])
    first, last = np.searchsorted(pool, low[out]), np.searchsorted(pool, high[out], side="right")
    pick = first + (rng.random(len(out)) * (last - first)).astype(np.int64)
    nearest = np.clip(numbers[out], low[out], high[out])
    found = numbers.copy()
    if len(out):
        found[out] = np.where(first < last, pool[np.minimum(pick, len(pool) - 1)], nearest)
    return found


def written(values: Array, column: Column, forms: Array | None = None) -> pd.Series:
    """(rows,) float64 as of `as_floats` -> the column, in its exact dtype. forms: as of `steps.forms`; None:
    the first format for all.
    """
    gone = np.isnan(values)
    marks, which = np.where(gone, numbers.MISSING, 0).astype(np.int8), None
    if forms is not None:
        odd = np.array([str(one).startswith("=") for one in forms], dtype=bool) & ~gone
        number = np.array([int(str(one).lstrip("=")) for one in forms], dtype=np.int64)
        marks[odd], which = number[odd] + numbers.EXCEPTION, np.where(odd, 0, number)
    filled = np.where(gone, 0.0, values)
    if column.is_date:
        unit = RESOLUTIONS[str(column.resolution)]
        if unit in "YM":
            ticks = np.floor(filled).astype("M8[s]").astype(f"M8[{unit}]").astype(np.int64)
        else:
            ticks = np.floor(filled / _SECONDS[unit] + 1e-6).astype(np.int64)
        return dates.from_ticks(ticks, marks, column, which)
    if column.is_categorical:  # of numbers
        return restore([None if g else v for g, v in zip(gone, filled.tolist(), strict=True)], column)
    if column.resolution is not None:
        return numbers.restored(np.rint(filled).astype(np.int64), marks, column, which)
    if column.decimals is None:
        return numbers.restored(filled, marks, column, which)
    return numbers.restored(np.rint(filled * 10.0**column.decimals).astype(np.int64), marks, column, which)


def columns_of(values: Values, kept: list[Any], kinds: tuple[str, ...] | None = None) -> list[Any]:
    """The columns that vary, of some kinds."""
    found = []
    for name in kept:
        kind = values.column(name).kind
        read = kind not in (*OF_ENTITIES, "drop", "json", "code") and (kinds is None or kind in kinds)
        if read and len(values.codes(name)[1]) > 1:
            found.append(name)
    return found
