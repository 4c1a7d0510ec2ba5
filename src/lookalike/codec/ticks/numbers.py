"""Numbers as ticks: counts of a column's last decimal, so that 12.34 is 1234; and ranges of them.

Full-precision floats are their own ticks; a timedelta is counted in the column's resolution.
"""

from __future__ import annotations

import decimal
from typing import Any

import numpy as np
import pandas as pd

from lookalike.arguments import brief, shown
from lookalike.codec.slot import Array
from lookalike.codec.where import Condition
from lookalike.errors import ConditionError, SchemaError
from lookalike.table import formats, formatted
from lookalike.table.column import Column
from lookalike.table.dtypes import as_numbers, restore
from lookalike.table.formats import is_below_zero
from lookalike.table.formatted import read_column
from lookalike.table.kinds import is_string
from lookalike.table.precision import rounded

# marks of the rows whose tick means nothing: -inf, +inf, missing; then the exceptions; and what is neither
BELOW, ABOVE, MISSING = 1, 2, 3
EXCEPTION, UNREAD = 4, 127
_TIMES = 2.0  # as large as its largest number, or as small as its smallest, that a number of a format may be
_ROOM = 0.1  # of its range that it may be beyond that, if this is more: a few numbers there are not told
LIMIT = 2**61  # ticks beyond it are Python ints: differences of int64 would overflow
_WIDE = decimal.Context(prec=100)
Ranges = list[tuple[Any, Any]] | None  # inclusive, in ticks, ends may be infinite; None = any value


def to_ticks(series: pd.Series, column: Column) -> tuple[Array, Array]:
    """(ticks, marks) of a column's values. Raises SchemaError where a value is no number.

    Of numbers that are written as strings: UNREAD where one is neither in a format nor an exception.
    """
    if column.formats and not pd.api.types.is_numeric_dtype(series.dtype):
        ticks, _, odd = read_column(series, column)
        return ticks, marks_of(odd, series.isna().to_numpy(bool))
    try:
        values, missing = as_numbers(series)
    except ValueError as error:
        raise SchemaError(
            f"column '{column.name}' is declared a number but holds {error.args[0]!r}: make it a category."
        ) from None
    marks = np.where(missing, MISSING, 0).astype(np.int8)
    if column.resolution is not None:
        return values // column.units(series), marks
    for place, cell in enumerate(column.exceptions or []):
        alike = values == float(cell)
        if values.dtype == np.float64 and float(cell) == 0:
            alike &= np.signbit(values) == np.signbit(float(cell))
        marks[alike & (marks == 0)] = EXCEPTION + place
    if values.dtype == np.float64:
        marks[np.isnan(values)] = MISSING
        marks[np.isneginf(values)] = BELOW
        marks[np.isposinf(values)] = ABOVE
    values = np.where(marks > 0, 0, values)
    if column.decimals is None:
        return values.astype(np.float64), marks
    if values.dtype == np.float64:
        ticks = np.rint(values * 10.0**column.decimals)
        return np.clip(ticks, -LIMIT, LIMIT).astype(np.int64), marks
    if values.dtype == object or column.decimals > 0:
        values = np.array([_scaled(value, column.decimals) for value in values.tolist()], dtype=object)
    if len(values) and values.min() >= -LIMIT and values.max() <= LIMIT:
        values = values.astype(np.int64)
    return values.astype(object) if len(values) and abs(values).max() > LIMIT else values.astype(
        np.int64
    ), marks


def marks_of(odd: Array, missing: Array) -> Array:
    """The marks of cells: 0 an ordinary one, 1 ... of the exceptions, -1 neither."""
    marks = np.where(odd > 0, odd + EXCEPTION - 1, np.where(odd < 0, UNREAD, 0))
    return np.where(missing, MISSING, marks).astype(np.int8)


def formats_of(series: pd.Series, column: Column) -> Array:
    """(rows,) which of the column's formats each cell has; -1 for none, and where there are not several."""
    if len(column.formats) < 2 or pd.api.types.is_numeric_dtype(series.dtype):
        return np.full(len(series), -1, dtype=np.int16)
    _, which, odd = read_column(series, column)
    return np.where(odd == 0, which, -1)


def format_ends(ticks: Array, which: Array, kinds: int, least: int) -> Array:
    """(formats, 2) the smallest and the largest tick of each, but for `least` - 1 ticks at both ends."""
    found = np.zeros((kinds, 2))
    for number in range(kinds):
        own = np.sort(ticks[which == number]).astype(np.float64)
        skip = min(least - 1, (len(own) - 1) // 4)
        found[number] = (own[skip], own[-1 - skip]) if len(own) else (np.inf, -np.inf)
    return found


def fitting(
    which: Array, ticks: Array, column: Column, ends: Array, rows: Array, rng: np.random.Generator
) -> Array:
    """(rows,) the formats of ticks: those that were drawn, but another one where the tick is none that the
    format has: 2,330 acres beside 0.5 acres and 2,330 sqft, or a number of more decimals than it writes.

    ends: as of `format_ends`; rows: (formats,) of each.
    """
    values = ticks.astype(np.float64)[:, None]
    (least, most), room = ends.T, _ROOM * (ends[:, 1] - ends[:, 0])
    low = np.minimum(least * np.where(least > 0, 1 / _TIMES, _TIMES), least - room)
    low = np.where(least >= 0, np.maximum(low, 0), low)
    high = np.maximum(most * np.where(most > 0, _TIMES, 1 / _TIMES), most + room)
    high = np.where(most <= 0, np.minimum(high, 0), high)
    far = np.maximum(low - values, 0) + np.maximum(values - high, 0)
    for number, text in enumerate(column.formats):
        lacking = (column.decimals or 0) - formats.parsed(text).most
        if ticks.dtype.kind == "i" and lacking > 0:
            far[ticks % 10**lacking != 0, number] = np.inf
    can = np.isfinite(far) & (far == far.min(1)[:, None])
    wrong = np.flatnonzero(~can[np.arange(len(which)), np.maximum(which, 0)] & can.any(1) & (which >= 0))
    if not len(wrong):
        return which
    found, shares = which.copy(), np.cumsum(can[wrong] * rows, axis=1)
    found[wrong] = (shares <= rng.random(len(wrong))[:, None] * shares[:, -1:]).sum(1)
    return found


def unread_note(unread: int, rows: int, column: Column) -> str | None:
    """A sentence on cells that are neither in a format of the column nor an exception; None without any."""
    if not unread:
        return None
    what = "number" if column.is_number else "date"
    return (
        f"column '{column.name}': {unread:,} of {rows:,} cells hold no {what} and are not reproduced; list "
        "them in the column's exceptions to have them"
    )


def _scaled(value: Any, decimals: int) -> int:
    if isinstance(value, int):
        return value * 10**decimals
    return int(_WIDE.scaleb(decimal.Decimal(value), decimals).to_integral_value())


def from_ticks(ticks: Array, marks: Array, column: Column) -> pd.Series:
    """The values as Int64, float64 or objects (None = missing), ready for `restore`."""
    missing = marks == MISSING
    ends = {BELOW: -np.inf, ABOVE: np.inf}
    infinite = bool(np.isin(marks, (BELOW, ABOVE)).any())
    if column.exact:
        step = decimal.Decimal(1).scaleb(-(column.decimals or 0))
        exact: list[Any] = [_WIDE.multiply(int(tick), step) for tick in ticks.tolist()]
        for row in np.flatnonzero(marks):
            exact[row] = None if missing[row] else decimal.Decimal(ends[marks[row]])
        return pd.Series(exact, dtype=object)
    if (column.resolution is not None or column.decimals == 0) and not infinite:
        if ticks.dtype == np.int64:
            return pd.Series(pd.arrays.IntegerArray(ticks, missing))
        values = pd.Series(ticks, dtype=object)
        values[missing] = None
        return values
    floats = rounded(ticks.astype(np.float64) / 10.0 ** (column.decimals or 0), column)
    for mark, end in {**ends, MISSING: np.nan}.items():
        floats[marks == mark] = end
    return pd.Series(floats)


def restored(ticks: Array, marks: Array, column: Column, which: Array | None = None) -> pd.Series:
    """The column of ticks, with its exact dtype. which: (rows,) the format of each; the first, where None."""
    numbers = from_ticks(ticks, marks, column)
    if not (column.formats or column.exceptions):
        return restore(numbers, column)
    if is_string(restore([], column).dtype, column):
        which = np.zeros(len(ticks), dtype=np.int64) if which is None else which
        cells = _written(ticks, which, column)
        cells[marks == MISSING] = None
        for place, cell in enumerate(column.exceptions or []):
            cells[marks == EXCEPTION + place] = cell
        return restore(pd.Series(cells, dtype=object), column)
    if column.formats and is_below_zero(column.formats[0]):
        numbers = numbers.mask(pd.Series((ticks == 0) & (marks == 0)), -0.0)
    for place, cell in enumerate(column.exceptions or []):
        value = float(cell) if numbers.dtype == np.float64 else int(cell)
        numbers = numbers.mask(pd.Series(marks == EXCEPTION + place), value)
    return restore(numbers, column)


def _written(ticks: Array, which: Array, column: Column) -> Array:
    """The cells of ticks, as exact as the real ones."""
    if column.decimals is not None and not column.single:
        return formats.write(ticks, which, column.formats, column.decimals)
    floats = rounded(ticks.astype(np.float64) / 10.0 ** (column.decimals or 0), column)
    return formats.write(floats, which, column.formats, None)


def tick_of(column: Column, value: Any, up: bool) -> Any:
    """A bound in ticks, rounded into the range; None stays None. Raises ValueError for what is no number."""
    if value is None:
        return None
    if isinstance(value, str) and column.formats:
        ticks, which = formats.read([value], column.formats, column.decimals)
        if which[0] >= 0:
            return ticks[0]
        found = formatted.lenient(value)
        value = value if found is None else found
    if column.resolution is not None:
        ratio = decimal.Decimal(pd.Timedelta(value).value) / pd.Timedelta(1, column.resolution).value
    else:
        number = (
            float(value)
            if not isinstance(value, str) or not value.strip().lstrip("+-").isdigit()
            else int(value)
        )
        single = column.single or str(column.dtype).lower() in ("float32", "arrow[float]")
        if single and (column.decimals is None or column.decimals > 6):
            with np.errstate(over="ignore"):
                number = float(np.float32(number))  # what the column holds when it is given this
            number, value = number if column.decimals is None else round(number, column.decimals), None
        if column.decimals is None or np.isinf(number):
            return float(number)
        exact = isinstance(value, (int, np.integer, decimal.Decimal))
        ratio = _WIDE.scaleb(decimal.Decimal(str(value) if exact else str(number)), column.decimals)
    return int(ratio.to_integral_value(decimal.ROUND_CEILING if up else decimal.ROUND_FLOOR))


def schema_range(column: Column) -> tuple[Any, Any]:
    """The schema's range in ticks; None where it is open. Raises SchemaError where an end is no number."""
    try:
        return tick_of(column, column.minimum, up=True), tick_of(column, column.maximum, up=False)
    except (TypeError, ValueError, ArithmeticError):
        raise SchemaError(
            f"column '{column.name}' has the range {shown(column.minimum)} to {shown(column.maximum)} in the "
            "schema: its ends are numbers, or None."
        ) from None


def condition_ranges(column: Column, condition: Condition) -> Ranges:
    try:
        if condition.values is not None:
            numbers = [value for value in condition.values if value not in (column.exceptions or ())]
            pairs = {(tick_of(column, v, up=True), tick_of(column, v, up=False)) for v in numbers}
            return sorted(pairs)
        if condition.low is None and condition.high is None:
            return None
        low, high = tick_of(column, condition.low, up=True), tick_of(column, condition.high, up=False)
    except (TypeError, ValueError, ArithmeticError):
        wanted = condition.text() if condition.values is None else ", ".join(map(brief, condition.values))
        raise ConditionError(f"column '{column.name}' holds numbers, and {wanted} is not a number.") from None
    return [(-np.inf if low is None else low, np.inf if high is None else high)]
