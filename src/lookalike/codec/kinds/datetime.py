"""Datetime columns, decomposed: the day (or month, or year), hour, minute, second, as far as they vary.

Every part is a number of its own (ticks/bins.py) with its bins and cells. The first slot carries the missing
token. Times are wall times where the column has a time zone, so that the daily pattern survives daylight
saving.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.celltext import (
    Asked,
    Extent,
    JsonSchema,
    asked_shape,
    asked_values,
    distinct,
    literal,
    nearest,
)
from lookalike.codec.learned import UNKNOWN, in_range
from lookalike.codec.slot import Array, Slot
from lookalike.codec.ticks import bins, iso
from lookalike.codec.ticks.bins import Bins
from lookalike.codec.ticks.dates import (
    condition_ranges,
    from_ticks,
    joined,
    layout,
    nothing,
    schema_range,
    split,
    split_end,
    to_ticks,
)
from lookalike.codec.ticks.ends import told_dates
from lookalike.codec.ticks.numbers import MISSING, Ranges
from lookalike.codec.where import Condition
from lookalike.errors import ConditionError, SchemaError
from lookalike.table.column import Column
from lookalike.table.dates import read_dates
from lookalike.table.dtypes import restore
from lookalike.table.kinds import RARE, naive_datetimes

_DAY = ("year", "month", "day")  # resolutions of dates without a time


@dataclass(frozen=True)
class Params:
    """What is learned of dates. parts: name -> that of the parts that vary; fixed: name -> value of the
    others.
    """

    parts: dict[str, Bins]
    fixed: dict[str, int]


def of(facts: dict[str, Any]) -> Params:
    return Params({name: Bins.of(part) for name, part in facts["parts"].items()}, facts["fixed"])


def analyse(series: pd.Series, column: Column, rare: int) -> Params:
    ticks, missing = to_ticks(series, column)
    marks = np.where(missing, MISSING, 0).astype(np.int8)
    parts: dict[str, Bins] = {}
    fixed: dict[str, int] = {}
    for (name, _), values in zip(layout(column), split(ticks, column), strict=True):
        present = values[~missing]
        if (present == present[0]).all():
            fixed[name] = int(present[0])
        elif parts:  # the first slot has the missing token, the others are then empty
            parts[name] = bins.fit(present, np.zeros(len(present), dtype=np.int8), rare)
        else:
            parts[name] = bins.bounded(bins.fit(values, marks, rare), *_bounds(column, name))
    if not parts:  # one single date: the schema was made constant by hand
        name = layout(column)[0][0]
        parts[name] = bins.fit(split(ticks, column)[0], marks, rare)
        del fixed[name]
    return Params(parts, fixed)


def _bounds(column: Column, name: str) -> tuple[Any, ...]:
    """The schema's range for the first part."""
    if name != layout(column)[0][0]:
        return None, None
    return tuple(None if np.isinf(end) else split_end(end, column)[0] for end in schema_range(column))


def slots(params: Params, column: Column) -> list[Slot]:
    found = [bins.slot(part, column.name, name) for name, part in params.parts.items()]
    missing = missing_token(params)
    if len(found) > 1 and missing is not None:
        found[0].ends = (missing,)
    return found


def missing_token(params: Params) -> int | None:
    """The token of the first part that means missing, if there is one."""
    first = next(iter(params.parts.values()))
    return first.positions[MISSING - 1]


def encode(params: Params, series: pd.Series, column: Column) -> tuple[Array, Array]:
    ticks, missing = to_ticks(series, column)
    marks = np.where(missing, MISSING, 0).astype(np.int8)
    tokens, cells = [], []
    for (name, _), values in zip(layout(column), split(ticks, column), strict=True):
        if name in params.parts:
            own = bins.encode(params.parts[name], values, marks)
            tokens.append(own[0])
            cells.append(own[1])
    return np.concatenate(tokens, axis=1), np.concatenate(cells, axis=1)


def decode(
    params: Params,
    column: Column,
    tokens: Array,
    cells: Array,
    rng: np.random.Generator,
    condition: Condition | None = None,
    offset: int = 0,
) -> pd.Series:
    ranges = None if condition is None else condition_ranges(column, condition)
    parts, slot, missing = [], 0, np.zeros(len(tokens), dtype=bool)
    limits = _part_ranges(column, ranges)
    for name, _ in layout(column):
        if name in params.fixed:
            parts.append(np.full(len(tokens), params.fixed[name]))
            continue
        drawn, marks = bins.decode(params.parts[name], tokens[:, slot], cells[:, slot], rng, limits.get(name))
        missing |= marks == MISSING
        parts.append(drawn)
        slot += 1
    ticks = joined(parts, column)
    ticks = _into_ranges(ticks, column, ranges or [schema_range(column)], rng)
    return from_ticks(ticks, missing, column)


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
    whole = int(np.prod([size for _, size in layout(column)[1:]]))  # finest units in the first part
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
            raise ConditionError(nothing(column, condition))
    shares = _shares(params, column, ranges, condition.missing)
    if not shares[0].any():
        raise ConditionError(nothing(column, condition))
    return shares


def _shares(params: Params, column: Column, ranges: Ranges, missing: bool) -> dict[int, Array]:
    limits = _part_ranges(column, ranges)
    found = {}
    for slot, (name, part) in enumerate(params.parts.items()):
        if slot == 0 or name in limits:
            own = limits.get(name) if ranges is None or ranges else []
            found[slot] = bins.allowed(part, own, missing)
    return found


def _part_ranges(column: Column, ranges: Ranges) -> dict[str, list[tuple[Any, Any]]]:
    """Ranges of the single parts: a part is bounded while all coarser parts have one value in every range."""
    if not ranges:
        return {}
    limits: dict[str, list[tuple[Any, Any]]] = {}
    ends = [[split_end(end, column) for end in pair] for pair in ranges]
    for i, (name, _) in enumerate(layout(column)):
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


# --- JSON text -----------------------------------------------------------------------------------------


def literals(params: Params, column: Column) -> list[str]:
    return []


def shape(
    params: Params | Asked, column: Column, condition: Condition | None = None, extent: Extent | None = None
) -> JsonSchema:
    if isinstance(params, Asked):
        return asked_shape(params, column.nullable)
    only = params.fixed.get("day") is not None  # all dates are of one day: the text is the time alone
    pattern = iso.pattern(_ranges(column, condition), str(column.resolution), params.fixed, only)
    shapes: list[JsonSchema] = [{"type": "string", "pattern": pattern}] if pattern else []
    if missing_token(params) is not None and (condition is None or condition.missing):
        shapes.append({"type": "null"})
    if not shapes:
        raise ConditionError(
            f"no value of column '{column.name}' lies in {condition.text() if condition else 'its range'}."
        )
    return {"anyOf": shapes}


def _ranges(column: Column, condition: Condition | None) -> list[tuple[Any, Any]]:
    limits = None if condition is None else condition_ranges(column, condition)
    return [schema_range(column)] if limits is None else limits


def write(params: Params | Asked, column: Column, series: pd.Series) -> Array:
    """As ISO text, as fine as the column; with `Asked`, as the table writes it, else to the day or second."""
    if isinstance(params, Asked):
        missing = series.isna().to_numpy(bool)
        if column.format is not None:
            return distinct(series.astype(object), lambda text: literal(str(text)), missing)
        unit = "D" if column.resolution in _DAY else "s"
        texts = naive_datetimes(series, column).astype(f"M8[{unit}]").astype(str).astype(object)
        return distinct(texts, literal, missing)
    ticks, missing = to_ticks(series, column)
    only, resolution = params.fixed.get("day") is not None, str(column.resolution)
    return distinct(ticks, lambda tick: f'"{iso.write_iso(np.array([tick]), resolution, only)[0]}"', missing)


def read(
    params: Params | Asked,
    column: Column,
    cells: Array,
    rng: np.random.Generator | None = None,
    condition: Condition | None = None,
    offset: int = 0,
) -> pd.Series:
    if isinstance(params, Asked):
        values = asked_values(params, cells)
        dates = [np.datetime64("NaT") if value is None else value for value in values]
        return restore(pd.Series(np.array(dates, dtype="M8[us]")), column)
    ranges = _ranges(column, condition)
    codes, found = pd.factorize(cells)
    missing = np.array([text == "null" for text in found] + [True])
    texts = [json.loads(text) for text in found if text != "null"]
    ticks = np.zeros(len(missing), dtype=np.int64)
    ticks[~missing] = iso.read_iso(texts, str(column.resolution), params.fixed.get("day"))
    for i in np.flatnonzero(~missing):  # within the last second of a range
        ticks[i] = nearest(int(ticks[i]), ranges)
    return from_ticks(ticks[codes], missing[codes], column)


def _asked_date(written: Any, column: Column) -> np.datetime64:
    """An answer as a date; ValueError for what is none."""
    if column.format is not None:
        found = read_dates(np.array([str(written)], dtype=object), column.format)[0]
    else:
        stamp = pd.Timestamp(str(written))
        found = np.datetime64("NaT") if stamp is pd.NaT else stamp.tz_localize(None).to_datetime64()
    if np.isnat(found):
        raise ValueError
    return found.astype("M8[us]")


def asked(series: pd.Series, column: Column, label: bool = False) -> Asked | str:
    """An end of the range that only few rows hold is told as the begin or end of its month, year ..."""
    low, high = told_dates(series.dropna(), column, column.min_rows or RARE)
    example = column.format or ("YYYY-MM-DD" if column.resolution in _DAY else "YYYY-MM-DDTHH:MM:SS")
    said = f"a date from {low} to {high}, written {example}"
    return Asked("string", said, lambda written: _asked_date(written, column))


# --- what was learned ----------------------------------------------------------------------------------


def learned(params: Params, column: Column, values: pd.Series) -> Array:
    if column.format is not None and not values.empty:
        unread = np.isnat(read_dates(values.astype(object).to_numpy(), column.format))
        found = np.full(len(values), UNKNOWN)
        if not unread.all():
            found[~unread] = _of_ticks(column, values[~unread])
        return found
    return _of_ticks(column, values)


def _of_ticks(column: Column, values: pd.Series) -> Array:
    try:
        ticks, _ = to_ticks(values, column)
    except (SchemaError, TypeError, ValueError, OverflowError):
        return np.full(len(values), UNKNOWN)
    return in_range(ticks, *schema_range(column))


def choices(params: Params, column: Column, value: object) -> str:
    written = f", written {column.format}" if column.format else ""
    return f"the values that were learned go from {column.minimum} to {column.maximum}{written}"


def note(params: Params, column: Column, names: bool = True) -> str | None:
    return None
