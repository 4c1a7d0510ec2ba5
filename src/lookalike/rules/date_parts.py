"""Parts of dates: numbers such as the week of the year, and dates such as the first day of a month."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.slot import Array
from lookalike.rules.chance import LEAST_ROWS, LEAST_SUPPORT
from lookalike.rules.values import Values, is_text, rounded, same, step
from lookalike.table.rule import Rule
from lookalike.table.rule_formulas import PARTS, Part

DATES = ("date", "first of week", "first of month", "first of quarter", "last of month", "time")
WHOLE = [part for part in PARTS if part not in DATES]
SHIFTED = ("year", "quarter", "month")  # parts of a year that begins in another month
DAY = 86400
ALIKE = 0.9  # of the first rows, that a part of a date agrees in


def part_of(seconds: Array, part: str, first: int = 0, shift: int = 0) -> Array:
    """(rows,) float64: a part, one of `PARTS`, of dates in seconds since 1970; nan where missing.

    first: the number of the first day of a week. shift: months that are added to the date before.
    """
    gone = np.isnan(seconds)
    stamp = np.where(gone, 0, np.floor(seconds)).astype("M8[s]")
    day, month = stamp.astype("M8[D]"), stamp.astype("M8[M]") + np.timedelta64(shift, "M")
    if part.startswith("week") or part.endswith("week"):
        found = _of_week(day.astype(np.int64), part, first)
    elif part.endswith("1970"):
        found = seconds * (1000 if part.startswith("milli") else 1)
    elif part == "time":
        found = seconds % DAY
    elif part in ("hour", "minute", "second"):
        clock = (stamp - day).astype(np.int64)
        found = {"hour": clock // 3600, "minute": clock // 60 % 60, "second": clock % 60}[part]
    elif part == "day of year":
        found = (day - day.astype("M8[Y]").astype("M8[D]")).astype(np.int64) + 1
    else:
        found = _of_month(day, month, part)
    return np.where(gone, np.nan, np.asarray(found, dtype=np.float64))


def _of_week(day: Array, part: str, first: int) -> Array:
    """day: (rows,) int64 days since 1970, which began on a Thursday."""
    weekday = (day + 3) % 7
    if part == "weekday":
        return np.asarray(weekday + first)
    if part == "weekday from Sunday":
        return np.asarray((weekday + 1) % 7 + first)
    if part == "first of week":
        return np.asarray((day - weekday) * DAY)
    thursday = (day - weekday + 3).astype("M8[D]")  # whose year is that of the week (ISO 8601)
    year = thursday.astype("M8[Y]")
    week = (thursday - year.astype("M8[D]")).astype(np.int64) // 7 + 1
    number = year.astype(np.int64) + 1970
    return np.asarray({"week": week, "year of its week": number}.get(part, 100 * number + week))


def _of_month(day: Array, month: Array, part: str) -> Array:
    """day, month: (rows,) dates in days and in months."""
    number = month.astype(np.int64)
    if part == "year":
        return np.asarray(month.astype("M8[Y]").astype(np.int64) + 1970)
    if part in ("quarter", "month"):
        return np.asarray(number % 12 // 3 + 1 if part == "quarter" else number % 12 + 1)
    if part == "day":
        return np.asarray((day - month.astype("M8[D]")).astype(np.int64) + 1)
    if part == "last of month":
        day = (month + 1).astype("M8[D]") - 1
    elif part != "date":
        day = (month - number % 3 if part == "first of quarter" else month).astype("M8[D]")
    return np.asarray(day.astype(np.int64) * DAY)


def parts(values: Values, names: list[Any]) -> Iterator[Rule]:
    """Years, months, ... of a date beside it. names: of the numbers and dates that vary."""
    dates = [name for name in names if values.column(name).is_date]
    columns = {}
    for name in values.table.columns if dates else ():
        column = values.column(name)
        if (own := values.numbers(name)) is not None and not (column.is_categorical and is_text(column)):
            columns[name] = own
    for date in dates:
        seconds = values.numbers(date)
        if seconds is None:
            continue
        for name, asked in _glanced(values, date, seconds, columns):
            own, column = columns[name], values.column(name)
            there = ~np.isnan(seconds + own)
            said = rounded(part_of(seconds, *asked), column, "down")
            told = len(np.unique(said[there])) > 2 and not (column.is_date and (said == seconds)[there].all())
            if told and same(said, own)[there].mean() >= LEAST_SUPPORT:
                yield Part(name, date, *asked)


def _glanced(
    values: Values, date: Any, seconds: Array, columns: dict[Any, Array]
) -> Iterator[tuple[Any, tuple[str, int, int]]]:
    """(column, (part, first, shift)) that agree in the first rows that hold both. columns: (rows,) each."""
    groups: dict[tuple[bool, float | None], list[Any]] = {}
    rows: dict[Any, Array] = {}
    for name, own in columns.items():
        some = np.flatnonzero(~np.isnan(seconds + own)) if name != date else np.zeros(0)
        if len(some) >= LEAST_ROWS:
            rows[name] = some[:LEAST_ROWS]
            groups.setdefault((values.column(name).is_date, step(values.column(name))), []).append(name)
    found: dict[Any, list[tuple[str, int, int]]] = {}
    known: dict[tuple[str, int, int], Array] = {}
    for (dated, _), group in groups.items():
        few = np.stack([rows[name] for name in group])
        cells = np.stack([columns[name][rows[name]] for name in group])
        for asked in _asked(dated):
            if asked not in known:
                known[asked] = part_of(seconds, *asked)
            said = rounded(known[asked], values.column(group[0]), "down")
            for at in np.flatnonzero(same(said[few], cells).mean(1) > ALIKE):
                found.setdefault(group[at], []).append(asked)
    for name in columns:
        for asked in found.get(name, ()):
            yield name, asked


def _asked(dated: bool) -> Iterator[tuple[str, int, int]]:
    """(part, first, shift) that a column of dates, or of numbers, may hold; plain ones first."""
    for part in DATES if dated else WHOLE:
        for first in (0, 1) if part.startswith("weekday") else (0,):
            yield part, first, 0
    for part in SHIFTED if not dated else ():
        for shift in (*range(1, 12), *range(-1, -12, -1)):
            yield part, 0, shift


def keys_of_date(seconds: Array, part: str, shift: int) -> tuple[Array, pd.Index]:
    """(rows,) the number of each part, -1 where it is missing; and the parts, as whole numbers."""
    found = part_of(seconds, part, 0, shift)
    codes, keys = pd.factorize(pd.Series(found).astype("Int64"))
    return codes, pd.Index([int(one) for one in keys], dtype=object)
