"""Dates as ticks: counts of the finest unit of a column since 1970, their parts, and ranges of them.

Times are wall times where the column has a time zone, so that the daily pattern survives daylight saving.
"""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd

from lookalike.arguments import brief, shown
from lookalike.codec.slot import Array
from lookalike.codec.ticks.numbers import EXCEPTION, MISSING, Ranges, marks_of
from lookalike.codec.where import Condition
from lookalike.errors import ConditionError
from lookalike.table.column import Column
from lookalike.table.dates import read_several, write_several
from lookalike.table.dtypes import RESOLUTIONS, restore
from lookalike.table.kinds import naive_datetimes, read_datetimes

_PARTS = {"hour": 24, "minute": 60, "second": 60}  # name -> how many of it its parent holds
_FRACTIONS = {"ms": 10**3, "us": 10**6, "ns": 10**9}


def layout(column: Column) -> list[tuple[str, int]]:
    """(name, size) of the parts of a datetime, coarsest first; the first part has no size (0)."""
    names = list(RESOLUTIONS)
    finest = str(column.resolution)
    if names.index(finest) <= names.index("day"):
        return [(finest, 0)]
    parts = [("day", 0)]
    for name, size in _PARTS.items():
        if names.index(name) <= names.index(finest):
            parts.append((name, size))
    return parts + ([(finest, _FRACTIONS[finest])] if finest in _FRACTIONS else [])


def split(ticks: Array, column: Column) -> list[Array]:
    """Counts of the finest unit -> one array per part."""
    values = []
    for _, size in reversed(layout(column)[1:]):
        values.append(ticks % size)
        ticks = ticks // size
    return [ticks, *reversed(values)]


def joined(parts: list[Array], column: Column) -> Array:
    ticks = parts[0]
    for values, (_, size) in zip(parts[1:], layout(column)[1:], strict=True):
        ticks = ticks * size + values
    return ticks


def to_ticks(series: pd.Series, column: Column) -> tuple[Array, Array]:
    """(counts of the finest unit since 1970, marks: as those of numbers)."""
    if column.formats:
        dates, _, odd = read_datetimes(series, column)
        marks = marks_of(odd, series.isna().to_numpy(bool))
    else:
        dates = naive_datetimes(series, column)
        marks = np.where(np.isnat(dates), MISSING, 0).astype(np.int8)
    ticks = dates.astype(f"M8[{RESOLUTIONS[str(column.resolution)]}]").astype(np.int64)
    return np.where(marks > 0, 0, ticks), marks


def formats_of(series: pd.Series, column: Column) -> Array:
    """(rows,) which of the column's formats each cell has, where there are several; -1 for none."""
    if len(column.formats) < 2:
        return np.full(len(series), -1, dtype=np.int16)
    _, which, odd = read_datetimes(series, column)
    return np.where(odd == 0, which, -1)


def schema_range(column: Column) -> tuple[Any, Any]:
    """The schema's range in ticks; infinite where it is open."""
    low = -np.inf if column.minimum is None else _span(column.minimum, column)[0]
    return low, np.inf if column.maximum is None else _span(column.maximum, column)[1]


def from_ticks(ticks: Array, marks: Array, column: Column, which: Array | None = None) -> pd.Series:
    """A column of (rows,) counts of the finest unit since 1970. which: the format of each, else the first."""
    dates = ticks.astype(f"M8[{RESOLUTIONS[str(column.resolution)]}]")
    dates[marks > 0] = np.datetime64("NaT")
    if column.formats:
        cells = write_several(dates, np.zeros(len(dates), int) if which is None else which, column.formats)
        for place, cell in enumerate(column.exceptions or []):
            cells[marks == EXCEPTION + place] = cell
        return restore(pd.Series(as_written(cells, column), dtype=object), column)
    unit = np.datetime_data(dates.dtype)[0]
    return restore(pd.Series(dates.astype("M8[s]") if unit in "YMDhm" else dates), column)


def as_written(cells: Array, column: Column) -> Array:
    """Cells of a format as the column holds them: strings, or whole numbers."""
    if pd.api.types.is_numeric_dtype(restore([], column).dtype):
        cells[:] = [None if cell is None else int(cell) for cell in cells]
    return cells


def split_end(end: float, column: Column) -> list[Any]:
    if np.isinf(end):
        return [end] * len(layout(column))
    return [int(part[0]) for part in split(np.array([end], dtype=np.int64), column)]


def nothing(column: Column, condition: Condition) -> str:
    what = condition.text() if condition.values is None else " or ".join(map(brief, condition.values))
    ends = f"{column.minimum} to {column.maximum}"
    return f"no value of column '{column.name}' lies in {what}: its values go from {ends}."


def condition_ranges(column: Column, condition: Condition) -> Ranges:
    """The condition as inclusive ranges of the finest unit; None = any value."""
    if condition.values is not None:
        dates = [value for value in condition.values if value not in (column.exceptions or ())]
        pairs = [_span(value, column) for value in dates]
    elif condition.low is None and condition.high is None:
        return None
    else:
        low = -np.inf if condition.low is None else _span(condition.low, column)[0]
        high = np.inf if condition.high is None else _span(condition.high, column)[1]
        pairs = [(low, high)]
    lowest, highest = schema_range(column)
    pairs = [(max(low, lowest), min(high, highest)) for low, high in pairs]
    if any(low > high for low, high in pairs):
        raise ConditionError(nothing(column, condition))
    return sorted(set(pairs))


def _span(value: Any, column: Column) -> tuple[Any, Any]:
    """First and last tick of a date: "2015-03" is a month, a datetime.date a day, a Timestamp an instant."""
    unit = RESOLUTIONS[str(column.resolution)]
    start, stop = _instants(value, column)
    first, last = (
        x.astype("M8[us]") if np.datetime_data(x.dtype)[0] not in ("ns",) else x for x in (start, stop)
    )
    low = first.astype(f"M8[{unit}]")
    if low < first:
        low = low + 1  # an instant between two ticks
    high = (last - 1).astype(f"M8[{unit}]") if stop > start else low
    if stop == start and low > first:
        high = low - 1
    return int(low.astype(np.int64)), int(high.astype(np.int64))


def is_whole(column: Column) -> bool:
    """Whether the dates of a column are whole numbers."""
    return column.dtype.lower().startswith(
        ("int", "uint", "float", "arrow[int", "arrow[uint", "arrow[double")
    )


def _coarse(read: np.datetime64, column: Column) -> tuple[np.datetime64, np.datetime64]:
    """Start and end of a date as a column writes it: all of a quarter or week, where it does so."""
    for letter, unit in (("%q", np.timedelta64(3, "M")), ("%V", np.timedelta64(7, "D"))):
        if letter in column.formats[0]:
            start = read.astype("M8[M]") if letter == "%q" else read.astype("M8[D]")
            return read, (start + unit).astype(read.dtype)
    return read, read


def _instants(value: Any, column: Column) -> tuple[np.datetime64, np.datetime64]:
    """Start and end (exclusive, or equal for an instant) of what a value of a condition means."""
    whole = isinstance(value, (int, float, np.integer)) and not isinstance(value, bool) and value % 1 == 0
    if column.formats and (isinstance(value, str) or whole):
        given = value if not isinstance(value, str) or not is_whole(column) else value.zfill(4)
        read = read_several([given], column.formats)[0][0]
        if not np.isnat(read):
            return _coarse(read, column)
    if isinstance(value, str):
        try:
            date = np.datetime64(value.strip())
            if not np.isnat(date):
                return date, date + 1
        except ValueError:
            pass
    elif isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        date = np.datetime64(value, "D")
        return date, date + 1
    try:
        stamp = pd.Timestamp(value)
    except (TypeError, ValueError):
        raise ConditionError(
            f"column '{column.name}' holds dates, and {shown(value)} is not a date: write YYYY-MM-DD."
        ) from None
    if stamp.tzinfo is not None:
        zone = column.dtype.rstrip("]").rpartition(", ")[2].removeprefix("tz=")
        stamp = stamp.tz_convert(zone if "," in column.dtype else "UTC").tz_localize(None)
    date = stamp.to_datetime64()
    return date, date
