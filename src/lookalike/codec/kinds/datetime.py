"""Datetime columns, decomposed: the day (or month, or year), hour, minute, second, as far as they vary.

Every part is a number of its own (ticks/bins.py) with its bins and cells. The first slot carries the missing
token. Times are wall times where the column has a time zone, so that the daily pattern survives daylight
saving.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
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
from lookalike.codec.learned import LEARNED, UNKNOWN, in_range
from lookalike.codec.slot import Array, Slot, plain_slot
from lookalike.codec.ticks import bins, calendar, iso
from lookalike.codec.ticks.bins import Bins
from lookalike.codec.ticks.calendar import Calendar
from lookalike.codec.ticks.dates import (
    as_written,
    condition_ranges,
    formats_of,
    from_ticks,
    is_whole,
    joined,
    layout,
    nothing,
    schema_range,
    split,
    split_end,
    to_ticks,
)
from lookalike.codec.ticks.ends import told_dates
from lookalike.codec.ticks.numbers import EXCEPTION, MISSING, UNREAD, Ranges, unread_note
from lookalike.codec.where import Condition
from lookalike.errors import ConditionError, SchemaError
from lookalike.table.column import Column
from lookalike.table.dates import read_several
from lookalike.table.dtypes import restore
from lookalike.table.kinds import naive_datetimes
from lookalike.table.repeats import RARE

_DAY = ("year", "month", "day")  # resolutions of dates without a time


@dataclass(frozen=True)
class Params:
    """What is learned of dates.

    parts: name -> that of the parts that vary; fixed: name -> value of the others; formats, rows, unread: as
    those of numbers; calendar: which dates there are, and whether each comes once.
    """

    parts: dict[str, Bins]
    fixed: dict[str, int]
    formats: Array = field(default_factory=lambda: np.zeros(0))
    rows: int = 0
    unread: int = 0
    calendar: Calendar = field(default_factory=Calendar)

    @property
    def first(self) -> Bins:
        """The first part, which has the tokens of missing and of the exceptions."""
        return next(iter(self.parts.values()))

    @property
    def exceptions(self) -> list[int | None]:
        """The token of each of the column's exceptions."""
        return self.first.positions[MISSING:]


def of(facts: dict[str, Any]) -> Params:
    parts = {name: Bins.of(part) for name, part in facts["parts"].items()}
    return Params(**{**facts, "parts": parts, "calendar": Calendar(**facts.get("calendar", {}))})


def analyse(series: pd.Series, column: Column, rare: int) -> Params:
    ticks, marks = to_ticks(series, column)
    exceptions = len(column.exceptions or [])
    parts: dict[str, Bins] = {}
    fixed: dict[str, int] = {}
    for (name, _), values in zip(layout(column), split(ticks, column), strict=True):
        present = values[marks == 0]
        if (present == present[0]).all():
            fixed[name] = int(present[0])
        elif parts:  # the first slot has the missing token, the others are then empty
            parts[name] = bins.fit(present, np.zeros(len(present), dtype=np.int8), rare)
        else:
            parts[name] = bins.bounded(bins.fit(values, marks, rare, exceptions), *_bounds(column, name))
    if not parts:  # one single date: the schema was made constant by hand
        name = layout(column)[0][0]
        parts[name] = bins.fit(split(ticks, column)[0], marks, rare, exceptions)
        del fixed[name]
    which, kinds = formats_of(series, column), len(column.formats)
    formats = np.bincount(which[which >= 0], minlength=kinds).astype(float) if kinds > 1 else np.zeros(0)
    names, sizes = zip(*layout(column), strict=True)
    day = int(np.prod(sizes[1:])) if names[0] == "day" else 0
    dates = calendar.learn(ticks[marks == 0], day)
    return Params(parts, fixed, formats, len(series), int((marks == UNREAD).sum()), dates)


def _bounds(column: Column, name: str) -> tuple[Any, ...]:
    """The schema's range for the first part."""
    if name != layout(column)[0][0]:
        return None, None
    return tuple(None if np.isinf(end) else split_end(end, column)[0] for end in schema_range(column))


def slots(params: Params, column: Column) -> list[Slot]:
    found = [bins.slot(part, column.name, name) for name, part in params.parts.items()]
    if len(params.formats):
        found.append(plain_slot(column.name, "format", params.formats))
    if len(found) > 1:
        found[0].ends = tuple(token for token in params.first.positions[MISSING - 1 :] if token is not None)
    return found


def missing_token(params: Params) -> int | None:
    """The token of the first part that means missing, if there is one."""
    return params.first.positions[MISSING - 1]


def encode(params: Params, series: pd.Series, column: Column) -> tuple[Array, Array]:
    ticks, marks = to_ticks(series, column)
    tokens, cells = [], []
    for (name, _), values in zip(layout(column), split(ticks, column), strict=True):
        if name in params.parts:
            own = bins.encode(params.parts[name], values, marks)
            tokens.append(own[0])
            cells.append(own[1])
    if len(params.formats):
        which = formats_of(series, column).astype(np.int32)[:, None]
        tokens.append(which)
        cells.append(np.zeros_like(cells[0]))
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
    parts, slot, marks = [], 0, np.zeros(len(tokens), dtype=np.int8)
    limits = _part_ranges(column, ranges)
    for name, _ in layout(column):
        if name in params.fixed:
            parts.append(np.full(len(tokens), params.fixed[name]))
            continue
        drawn, own = bins.decode(params.parts[name], tokens[:, slot], cells[:, slot], rng, limits.get(name))
        marks = np.where(own > 0, own, marks) if slot == 0 else marks
        parts.append(drawn)
        slot += 1
    ticks = joined(parts, column)
    ticks = _into_ranges(ticks, column, ranges or [schema_range(column)], rng)
    if ranges is None and np.isfinite(schema_range(column)).all():
        there = marks == 0
        ticks[there] = calendar.kept(params.calendar, ticks[there], *schema_range(column), rng)
    return from_ticks(ticks, marks, column, tokens[:, slot] if len(params.formats) else None)


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
    for cell, token in zip(column.exceptions or [], params.exceptions, strict=True):
        if token is not None and cell in (condition.values or ()):
            shares[0][token] = 1.0
    if not shares[0].any():
        raise ConditionError(nothing(column, condition))
    wanted = _formats_wanted(column, condition)
    return shares | ({len(params.parts): wanted} if len(params.formats) and wanted.any() else {})


def _formats_wanted(column: Column, condition: Condition) -> Array:
    """(formats, 1) which of them a condition names by the way it writes its values; none where any do."""
    values = [value for value in condition.values or () if value not in (column.exceptions or ())]
    share = np.zeros((len(column.formats), 1))
    which = read_several(values, column.formats)[1]
    if all(isinstance(value, str) for value in values) and (which >= 0).all():
        share[which] = 1.0
    return share


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
    for cell, token in zip(column.exceptions or [], params.exceptions, strict=True):
        if token is not None and (condition is None or cell in (condition.values or ())):
            shapes.append({"enum": [cell]})
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
        if column.formats:
            return distinct(series.astype(object), lambda text: literal(str(text)), missing)
        unit = "D" if column.resolution in _DAY else "s"
        texts = naive_datetimes(series, column).astype(f"M8[{unit}]").astype(str).astype(object)
        return distinct(texts, literal, missing)
    ticks, marks = to_ticks(series, column)
    only, resolution = params.fixed.get("day") is not None, str(column.resolution)
    none = (marks == MISSING) | (marks == UNREAD)
    texts = distinct(ticks, lambda tick: f'"{iso.write_iso(np.array([tick]), resolution, only)[0]}"', none)
    for place, cell in enumerate(column.exceptions or []):
        texts[marks == EXCEPTION + place] = literal(cell)
    return texts


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
        if column.formats:
            return restore(pd.Series(values, dtype=object), column)
        dates = [np.datetime64("NaT") if value is None else value for value in values]
        return restore(pd.Series(np.array(dates, dtype="M8[us]")), column)
    ranges = _ranges(column, condition)
    codes, found = pd.factorize(cells)
    special = {literal(cell): EXCEPTION + place for place, cell in enumerate(column.exceptions or [])}
    special["null"] = MISSING
    marks = np.array([*(special.get(text, 0) for text in found), MISSING], dtype=np.int8)
    texts = [json.loads(text) for text in found if text not in special]
    ticks = np.zeros(len(marks), dtype=np.int64)
    ticks[marks == 0] = iso.read_iso(texts, str(column.resolution), params.fixed.get("day"))
    for i in np.flatnonzero(marks == 0):  # within the last second of a range
        ticks[i] = nearest(int(ticks[i]), ranges)
    which = None
    if len(params.formats):  # the text in ISO form has no format: that of the cell is drawn
        chance = params.formats / params.formats.sum()
        which = (rng or np.random.default_rng(0)).choice(len(chance), len(cells), p=chance)
    return from_ticks(ticks[codes], marks[codes], column, which)


def _asked_date(written: Any, column: Column) -> Any:
    """An answer as a date, or as the cell that is written so; ValueError for what is none."""
    if column.formats:
        cell = np.array([int(written) if is_whole(column) else str(written)], dtype=object)
        if cell[0] not in (column.exceptions or ()) and read_several(cell, column.formats)[1][0] < 0:
            raise ValueError
        return as_written(cell, column)[0]
    stamp = pd.Timestamp(str(written))
    found = np.datetime64("NaT") if stamp is pd.NaT else stamp.tz_localize(None).to_datetime64()
    if np.isnat(found):
        raise ValueError
    return found.astype("M8[us]")


def asked(series: pd.Series, column: Column, label: bool = False) -> Asked | str:
    """An end of the range that only few rows hold is told as the begin or end of its month, year ..."""
    low, high = told_dates(series.dropna(), column, column.min_rows or RARE)
    example = " or ".join(column.formats) or (
        "YYYY-MM-DD" if column.resolution in _DAY else "YYYY-MM-DDTHH:MM:SS"
    )
    said = f"a date from {low} to {high}, written {example}"
    said += "".join(f', or "{exception}"' for exception in column.exceptions or ())
    return Asked("string", said, lambda written: _asked_date(written, column))


# --- what was learned ----------------------------------------------------------------------------------


def learned(params: Params, column: Column, values: pd.Series) -> Array:
    found = _of_ticks(column, values)
    if column.formats:
        marks = to_ticks(values, column)[1]
        found[marks == UNREAD] = UNKNOWN
        for place, token in enumerate(params.exceptions):
            found[marks == EXCEPTION + place] = UNKNOWN if token is None else LEARNED
    return found


def _of_ticks(column: Column, values: pd.Series) -> Array:
    try:
        ticks, _ = to_ticks(values, column)
    except (SchemaError, TypeError, ValueError, OverflowError):
        return np.full(len(values), UNKNOWN)
    return in_range(ticks, *schema_range(column))


def choices(params: Params, column: Column, value: object) -> str:
    written = f", written {' or '.join(column.formats)}" if column.formats else ""
    return f"the values that were learned go from {column.minimum} to {column.maximum}{written}"


def note(params: Params, column: Column, names: bool = True) -> str | None:
    return unread_note(params.unread, params.rows, column)
