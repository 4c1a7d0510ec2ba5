"""Datetime columns, decomposed: the day (or month, or year), hour, minute, second, as far as they vary.

Every part is a number of its own (number.py) with its bins and cells. The first slot carries the missing
token. Times are wall times where the column has a time zone, so that the daily pattern survives daylight
saving.
"""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd

from lookalike.arguments import brief, shown
from lookalike.codec import number
from lookalike.codec.slot import Array, Params, Slot
from lookalike.codec.where import Condition
from lookalike.errors import ConditionError
from lookalike.table.column import Column
from lookalike.table.dates import read_dates
from lookalike.table.dtypes import RESOLUTIONS, restore
from lookalike.table.kinds import naive_datetimes

_PARTS = {"hour": 24, "minute": 60, "second": 60}  # name -> how many of it its parent holds
_FRACTIONS = {"ms": 10**3, "us": 10**6, "ns": 10**9}


def _layout(column: Column) -> list[tuple[str, int]]:
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


def _split(ticks: Array, column: Column) -> list[Array]:
    """Counts of the finest unit -> one array per part."""
    values = []
    for _, size in reversed(_layout(column)[1:]):
        values.append(ticks % size)
        ticks = ticks // size
    return [ticks, *reversed(values)]


def _join(parts: list[Array], column: Column) -> Array:
    ticks = parts[0]
    for values, (_, size) in zip(parts[1:], _layout(column)[1:], strict=True):
        ticks = ticks * size + values
    return ticks


def to_ticks(series: pd.Series, column: Column) -> tuple[Array, Array]:
    """(counts of the finest unit since 1970, missing)."""
    dates = naive_datetimes(series, column)
    missing = np.isnat(dates)
    ticks = dates.astype(f"M8[{RESOLUTIONS[str(column.resolution)]}]").astype(np.int64)
    return np.where(missing, 0, ticks), missing


def analyse(series: pd.Series, column: Column, rare: int) -> Params:
    """parts: name -> number params of the parts that vary; fixed: name -> value of those that do not."""
    ticks, missing = to_ticks(series, column)
    marks = np.where(missing, number.MISSING, 0).astype(np.int8)
    parts: dict[str, Params] = {}
    fixed: dict[str, int] = {}
    for (name, _), values in zip(_layout(column), _split(ticks, column), strict=True):
        present = values[~missing]
        if (present == present[0]).all():
            fixed[name] = int(present[0])
        elif parts:  # the first slot has the missing token, the others are then empty
            parts[name] = number.fit_ticks(present, np.zeros(len(present), dtype=np.int8), rare)
        else:
            parts[name] = number.bounded(number.fit_ticks(values, marks, rare), *_bounds(column, name))
    if not parts:  # one single date: the schema was made constant by hand
        name = _layout(column)[0][0]
        parts[name] = number.fit_ticks(_split(ticks, column)[0], marks, rare)
        del fixed[name]
    return {"parts": parts, "fixed": fixed}


def _bounds(column: Column, name: str) -> tuple[Any, ...]:
    """The schema's range for the first part."""
    if name != _layout(column)[0][0]:
        return None, None
    return tuple(None if np.isinf(end) else _split_end(end, column)[0] for end in schema_range(column))


def schema_range(column: Column) -> tuple[Any, Any]:
    """The schema's range in ticks; infinite where it is open."""
    low = -np.inf if column.minimum is None else _span(column.minimum, column)[0]
    return low, np.inf if column.maximum is None else _span(column.maximum, column)[1]


def slots(params: Params, column: Column) -> list[Slot]:
    found = [number.slots(part, column, name)[0] for name, part in params["parts"].items()]
    missing = missing_token(params)
    if len(found) > 1 and missing is not None:
        found[0].ends = (missing,)
    return found


def missing_token(params: Params) -> int | None:
    """The token of the first part that means missing, if there is one."""
    first: Params = next(iter(params["parts"].values()))
    token: int | None = first["positions"][number.MISSING - 1]
    return token


def encode(params: Params, series: pd.Series, column: Column) -> tuple[Array, Array]:
    ticks, missing = to_ticks(series, column)
    marks = np.where(missing, number.MISSING, 0).astype(np.int8)
    tokens, cells = [], []
    for (name, _), values in zip(_layout(column), _split(ticks, column), strict=True):
        if name in params["parts"]:
            own = number.encode_ticks(params["parts"][name], values, marks)
            tokens.append(own[0])
            cells.append(own[1])
    return np.concatenate(tokens, axis=1), np.concatenate(cells, axis=1)


def decode(
    params: Params,
    column: Column,
    tokens: Array,
    cells: Array,
    rng: np.random.Generator,
    condition: Condition | None,
) -> pd.Series:
    ranges = None if condition is None else condition_ranges(column, condition)
    parts, slot, missing = [], 0, np.zeros(len(tokens), dtype=bool)
    limits = _part_ranges(column, ranges)
    for name, _ in _layout(column):
        if name in params["fixed"]:
            parts.append(np.full(len(tokens), params["fixed"][name]))
            continue
        drawn, marks = number.decode_ticks(
            params["parts"][name], tokens[:, slot], cells[:, slot], rng, limits.get(name)
        )
        missing |= marks == number.MISSING
        parts.append(drawn)
        slot += 1
    ticks = _join(parts, column)
    ticks = _into_ranges(ticks, column, ranges or [schema_range(column)], rng)
    return from_ticks(ticks, missing, column)


def from_ticks(ticks: Array, missing: Array, column: Column) -> pd.Series:
    """The column of (rows,) counts of the finest unit since 1970."""
    dates = ticks.astype(f"M8[{RESOLUTIONS[str(column.resolution)]}]")
    dates[missing] = np.datetime64("NaT")
    unit = np.datetime_data(dates.dtype)[0]
    return restore(pd.Series(dates.astype("M8[s]") if unit in "YMDhm" else dates), column)


def _into_ranges(
    ticks: Array, column: Column, ranges: list[tuple[Any, Any]], rng: np.random.Generator
) -> Array:
    """Moves the time of rows on a boundary day into the range: to one that other rows have, if any has."""
    outside = np.ones(len(ticks), dtype=bool)
    for low, high in ranges:
        outside &= (ticks < low) | (ticks > high)
    rows = np.flatnonzero(outside)
    if not len(rows):
        return ticks
    whole = int(np.prod([size for _, size in _layout(column)[1:]]))  # finest units in the first part
    day = ticks[rows] // whole * whole
    low, high = day.copy(), day - 1
    for start, stop in reversed(ranges):
        start, stop = max(start, int(day.min())), min(stop, int(day.max()) + whole)  # finite
        meets = (day <= stop) & (day + whole - 1 >= start)
        low = np.where(meets, np.maximum(day, start), low)
        high = np.where(meets, np.minimum(day + whole - 1, stop), high)
    times = np.sort(ticks % whole)
    first = np.searchsorted(times, low - day, side="left")
    last = np.searchsorted(times, high - day, side="right")
    pick = np.minimum((first + rng.random(len(rows)) * (last - first)).astype(np.int64), len(times) - 1)
    anywhere = low + (rng.random(len(rows)) * (high - low + 1)).astype(np.int64)
    moved = np.where(last > first, day + times[pick], anywhere)
    ticks = ticks.copy()
    ticks[rows] = np.where(high >= low, moved, ticks[rows])
    return ticks


def allowed(params: Params, column: Column, condition: Condition) -> dict[int, Array]:
    ranges = condition_ranges(column, condition)
    if condition.missing and missing_token(params) is None:
        raise ConditionError(f"no value of column '{column.name}' is missing.")
    for one in ranges or []:
        if not all(share.any() for share in _shares(params, column, [one], False).values()):
            raise ConditionError(_nothing(column, condition))
    shares = _shares(params, column, ranges, condition.missing)
    if not shares[0].any():
        raise ConditionError(_nothing(column, condition))
    return shares


def _shares(params: Params, column: Column, ranges: number.Ranges, missing: bool) -> dict[int, Array]:
    limits = _part_ranges(column, ranges)
    found = {}
    for slot, (name, part) in enumerate(params["parts"].items()):
        if slot == 0 or name in limits:
            own = limits.get(name) if ranges is None or ranges else []
            found[slot] = number.allowed_ticks(part, own, missing)
    return found


def _part_ranges(column: Column, ranges: number.Ranges) -> dict[str, list[tuple[Any, Any]]]:
    """Ranges of the single parts: a part is bounded while all coarser parts have one value in every range."""
    if not ranges:
        return {}
    layout, limits = _layout(column), {}
    ends = [[_split_end(end, column) for end in pair] for pair in ranges]
    for i, (name, _) in enumerate(layout):
        pairs = sorted({(low[i], high[i]) for low, high in ends})
        limits[name] = [
            pair for j, pair in enumerate(pairs) if all(pair[0] > other[1] for other in pairs[:j])
        ]
        overlap = len(limits[name]) < len(pairs)
        if overlap:
            limits[name] = [(min(low for low, _ in pairs), max(high for _, high in pairs))]
        if any(low[i] != high[i] for low, high in ends):
            break
    return limits


def _split_end(end: float, column: Column) -> list[Any]:
    if np.isinf(end):
        return [end] * len(_layout(column))
    return [int(part[0]) for part in _split(np.array([end], dtype=np.int64), column)]


def _nothing(column: Column, condition: Condition) -> str:
    what = condition.text() if condition.values is None else " or ".join(map(brief, condition.values))
    ends = f"{column.minimum} to {column.maximum}"
    return f"no value of column '{column.name}' lies in {what}: its values go from {ends}."


def condition_ranges(column: Column, condition: Condition) -> number.Ranges:
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
        raise ConditionError(_nothing(column, condition))
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
            f"column '{column.name}' holds dates, which {shown(value)} is not: write YYYY-MM-DD."
        ) from None
    if stamp.tzinfo is not None:
        zone = column.dtype.rstrip("]").rpartition(", ")[2].removeprefix("tz=")
        stamp = stamp.tz_convert(zone if "," in column.dtype else "UTC").tz_localize(None)
    date = stamp.to_datetime64()
    return date, date
