"""Dates moved by whole months: a month after 31 January is 28 February, or 3 March."""

from __future__ import annotations

import numpy as np

from lookalike.codec.slot import Array
from lookalike.table.rule_formulas import UNITS

DAY = UNITS["days"]
PER_UNIT = {"months": 1, "years": 12}


def calendar(seconds: Array) -> tuple[Array, Array, Array]:
    """(...) the months since 1970 of dates in seconds, their days of the month from 1 on, and the seconds of
    the day; the first two are nan where the date is.
    """
    gone = np.isnan(seconds)
    stamp = np.where(gone, 0, np.floor(seconds)).astype("M8[s]")
    day, month = stamp.astype("M8[D]"), stamp.astype("M8[M]")
    clock = seconds - day.astype(np.int64) * DAY
    days = (day - month.astype("M8[D]")).astype(np.int64) + 1
    return np.where(gone, np.nan, month.astype(np.int64)), np.where(gone, np.nan, days), clock


def lengths(months: Array) -> Array:
    """(...) int64: the days of months since 1970, which are whole numbers."""
    month = months.astype(np.int64).astype("M8[M]")
    return ((month + 1).astype("M8[D]") - month.astype("M8[D]")).astype(np.int64)


def later(seconds: Array, many: Array, unit: str, days: int, ends: str) -> Array:
    """(rows,) float64 seconds: dates, so many units (`PER_UNIT`, `UNITS`) and then days later."""
    if unit in PER_UNIT:
        return moved_by(seconds, PER_UNIT[unit] * many, days, ends)
    return np.asarray(seconds + many * UNITS[unit] + days * DAY)


def moved_by(seconds: Array, months: Array, days: int, ends: str) -> Array:
    """(rows,) float64 seconds: dates, so many months and then so many days later; nan where one is missing or
    the months are no whole number.

    ends: where a month is too short, its last day ("") or as many days into the next one ("over"); the last
    day of each month ("last"); or that of a last day ("kept").
    """
    month, day, clock = calendar(seconds)
    fits = ~np.isnan(month + months) & (months == np.round(months)) & (np.abs(months) < 12_000)
    target = np.where(fits, month + months, 0)
    length = lengths(target)
    if ends == "last":
        day = length
    elif ends == "kept":
        last = day == lengths(np.where(fits, month, 0))
        day = np.where(last, length, np.minimum(day, length))
    elif ends != "over":
        day = np.minimum(day, length)
    first = target.astype(np.int64).astype("M8[M]").astype("M8[D]").astype(np.int64)
    return np.asarray(np.where(fits, (first + day - 1 + days) * DAY + clock, np.nan))
