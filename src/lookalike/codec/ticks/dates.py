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
from lookalike.codec.ticks.numbers import Ranges
from lookalike.codec.where import Condition
from lookalike.errors import ConditionError
from lookalike.table.column import Column
from lookalike.table.dates import read_dates
from lookalike.table.dtypes import RESOLUTIONS, restore
from lookalike.table.kinds import naive_datetimes

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
    """(counts of the finest unit since 1970, missing)."""
    dates = naive_datetimes(series, column)
    missing = np.isnat(dates)
    ticks = dates.astype(f"M8[{RESOLUTIONS[str(column.resolution)]}]").astype(np.int64)
    return np.where(missing, 0, ticks), missing


def schema_range(column: Column) -> tuple[Any, Any]:
    """The schema's range in ticks; infinite where it is open."""
    low = -np.inf if column.minimum is None else _span(column.minimum, column)[0]
    return low, np.inf if column.maximum is None else _span(column.maximum, column)[1]


def from_ticks(ticks: Array, missing: Array, column: Column) -> pd.Series:
    """The column of (rows,) counts of the finest unit since 1970."""
    dates = ticks.astype(f"M8[{RESOLUTIONS[str(column.resolution)]}]")
    dates[missing] = np.datetime64("NaT")
    unit = np.datetime_data(dates.dtype)[0]
    return restore(pd.Series(dates.astype("M8[s]") if unit in "YMDhm" else dates), column)


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
        pairs = [_span(value, column) for value in condition.values]
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


def _instants(value: Any, column: Column) -> tuple[np.datetime64, np.datetime64]:
    """Start and end (exclusive, or equal for an instant) of what a value of a condition means."""
    if isinstance(value, str):
        if column.format is not None:
            read = read_dates(np.array([value], dtype=object), column.format)[0]
            if not np.isnat(read):
                return read, read
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
