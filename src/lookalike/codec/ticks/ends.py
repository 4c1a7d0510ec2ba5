"""The ends of a range as they may be told to others: none that only few rows hold.

A schema's minimum and maximum are real values, the fifth smallest and largest, of rows that may not be at
hand here. An end that fewer than `least` rows hold is moved outwards, to a rounder one that no row holds, or
enough of them.
"""

from __future__ import annotations

from collections import Counter
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.slot import Array
from lookalike.codec.ticks import dates, numbers
from lookalike.table.column import Column
from lookalike.table.dates import write_dates
from lookalike.table.dtypes import RESOLUTIONS

_WHOLE = 10  # units that a range of dates spans at least, for its ends to be rounded to that unit
_UNITS = ("year", "month", "day", "hour", "minute", "second")


def told_numbers(present: pd.Series, column: Column, least: int) -> tuple[Any, Any]:
    """The schema's range of numbers or timedeltas; what is rounded keeps two digits of the range's width."""
    if column.minimum is None or column.maximum is None or least == 1:
        return column.minimum, column.maximum
    ticks, marks = numbers.to_ticks(present, column)
    rows = Counter(ticks[marks == 0].tolist())
    ends = []
    low, high = numbers.schema_range(column)
    step = Decimal(1).scaleb((_exact(high) - _exact(low)).adjusted() - 1) if high > low else Decimal(1)
    if isinstance(low, int):
        step = max(step, Decimal(1))
    for end, tick, down in ((column.minimum, low, True), (column.maximum, high, False)):
        if rows[tick] >= least:
            ends.append(end)
            continue
        rounding = ROUND_FLOOR if down else ROUND_CEILING
        moved = (_exact(tick) / step).to_integral_value(rounding) * step
        while 0 < rows[_plain(moved, tick)] < least:
            moved += -step if down else step
        ends.append(_told(_plain(moved, tick), column))
    return ends[0], ends[1]


def _exact(tick: Any) -> Decimal:
    return Decimal(tick) if isinstance(tick, int) else Decimal(repr(float(tick)))


def _plain(value: Decimal, like: Any) -> Any:
    return int(value) if isinstance(like, int) else float(value)


def _told(tick: Any, column: Column) -> Any:
    """A tick as the schema writes its ends."""
    if column.resolution is not None:
        return str(pd.Timedelta(pd.Timedelta(1, column.resolution).value * int(tick)))
    if column.decimals is None or column.decimals == 0:
        return tick
    return Decimal(tick).scaleb(-column.decimals) if column.exact else tick / 10**column.decimals


def told_dates(present: pd.Series, column: Column, least: int) -> tuple[Any, Any]:
    """The schema's range of dates; what is rounded becomes the begin or end of its year, month, day ..."""
    if column.minimum is None or column.maximum is None or least == 1:
        return column.minimum, column.maximum
    ticks, marks = dates.to_ticks(present, column)
    rows = Counter(ticks[marks == 0].tolist())
    low, high = dates.schema_range(column)
    floor, ceiling = _day(low, high, column)
    ends = []
    for end, tick, down in ((column.minimum, low, True), (column.maximum, high, False)):
        moved = tick
        if rows[tick] < least:
            unit = _unit(low, high, column)
            moved = _edge(tick, unit, column, down)
            while 0 < rows[moved] < least:
                moved = _edge(moved + (-1 if down else 1), unit, column, down)
            moved = min(max(moved, floor), ceiling)
        ends.append(end if moved == tick else _written(moved, column))
    return ends[0], ends[1]


def _unit(low: int, high: int, column: Column) -> str:
    """The coarsest unit of which a range spans several, no finer than the column's resolution."""
    finest = str(column.resolution)
    units = [unit for unit in _UNITS if list(RESOLUTIONS).index(unit) < list(RESOLUTIONS).index(finest)]
    both = np.array([low, high]).astype(f"M8[{RESOLUTIONS[finest]}]")
    for unit in units:
        first, last = both.astype(f"M8[{RESOLUTIONS[unit]}]").astype(np.int64)
        if last - first >= _WHOLE:
            return unit
    return finest


def _edge(tick: int, unit: str, column: Column, down: bool) -> int:
    """The first tick of the unit that a tick lies in, or the last one."""
    own = f"M8[{RESOLUTIONS[str(column.resolution)]}]"
    start = np.array([tick]).astype(own).astype(f"M8[{RESOLUTIONS[unit]}]")
    if down:
        return int(start.astype(own).astype(np.int64)[0])
    return int((start + 1).astype(own).astype(np.int64)[0]) - 1


def _day(low: int, high: int, column: Column) -> tuple[float, float]:
    """The ticks of the one day of a column of times, which has no other; infinite where there are several."""
    first, last = (_edge(tick, "day", column, True) for tick in (low, high))
    finer = list(RESOLUTIONS).index(str(column.resolution)) > list(RESOLUTIONS).index("day")
    return (first, _edge(high, "day", column, False)) if first == last and finer else (-np.inf, np.inf)


def _written(tick: int, column: Column) -> str:
    date: Array = np.array([tick]).astype(f"M8[{RESOLUTIONS[str(column.resolution)]}]")
    return str(write_dates(date, column.formats[0])[0] if column.formats else date.astype(str)[0])
