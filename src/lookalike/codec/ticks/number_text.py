"""Numbers of a column as text: of JSON, of a cell, of an answer; and back."""

from __future__ import annotations

import decimal
import json
import math
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.celltext import LARGEST, JsonSchema, literal
from lookalike.codec.ticks.numbers import ABOVE, BELOW, EXCEPTION, tick_of, to_ticks
from lookalike.table import formats
from lookalike.table.column import Column
from lookalike.table.dtypes import as_numbers
from lookalike.table.formatted import value_of
from lookalike.table.kinds import is_string

INFINITE = {BELOW: '"-inf"', ABOVE: '"inf"'}
_DIGITS = 9  # a grammar can hold numbers to a grid this fine
_EXACT = json.JSONDecoder(parse_float=decimal.Decimal)


def exception_texts(column: Column) -> dict[int, str]:
    """Mark -> JSON text of each exception."""
    return {EXCEPTION + place: literal(cell) for place, cell in enumerate(column.exceptions or [])}


def plain_numbers(series: pd.Series, column: Column) -> list[int | float]:
    """(rows,) as JSON has them; of missing values just anything. Of strings those that are numbers."""
    if is_string(series.dtype, column) and column.formats:
        ticks, marks = to_ticks(series, column)
        return [value_of(tick, column.decimals) for tick in ticks[marks == 0].tolist()]
    values = as_numbers(series)[0]
    if column.resolution:
        values = values // column.units(series)
    whole = column.integer or bool(column.resolution)
    return [int(value) if whole else float(value) for value in values]


def number_text(tick: Any, column: Column) -> str:
    """A tick as JSON text: decimals without trailing zeros, floats without exponent where a grammar can."""
    if column.resolution is not None or column.decimals == 0:
        return str(int(tick))
    if column.decimals is None:
        value = float(tick)
        return repr(value) if _unbounded(value) else np.format_float_positional(value, trim="0")
    text = f"{decimal.Decimal(int(tick)).scaleb(-column.decimals):f}"
    return text.rstrip("0").rstrip(".") or "0"


def _unbounded(*ends: float) -> bool:
    """Whether a bound is out of what a grammar can hold numbers to: then only `read` does."""
    return any(abs(end) > LARGEST or 0 < abs(end) < 10.0**-_DIGITS for end in ends)


def range_shape(low: Any, high: Any, column: Column) -> JsonSchema:
    whole = column.resolution is not None or column.decimals == 0
    found: JsonSchema = {"type": "integer" if whole else "number"}
    ends = [json.loads(number_text(end, column)) for end in (low, high)]
    if not _unbounded(*ends):
        found |= {"minimum": ends[0], "maximum": ends[1]}
        if not whole and column.decimals is not None and column.decimals < _DIGITS:
            found["multipleOf"] = float(f"1e-{column.decimals}")
    return found


def cut_numbers(low: Any, high: Any, column: Column) -> list[float]:
    """Numbers of the range that an end begins with, as 12.3 of 12.34: the grammar library takes them for ones
    beyond it.
    """
    found = []
    for text in {number_text(end, column) for end in (low, high)}:
        point = text.find(".")
        if point >= 0 and not _unbounded(float(text)):
            begun = {float(text[:end]) for end in range(point + 2, len(text))}
            found += [one for one in sorted(begun) if _within(one, low, high, column)]
    return found


def _within(number: float, low: Any, high: Any, column: Column) -> bool:
    return bool(low <= read_tick(repr(number), column) <= high)


def read_tick(text: str, column: Column) -> Any:
    value = _EXACT.decode(text)
    if column.decimals is None and column.resolution is None:
        return float(value)
    scaled = decimal.Decimal(value).scaleb(0 if column.resolution is not None else column.decimals or 0)
    return int(scaled.to_integral_value())


def cell_text(number: Any, column: Column) -> str:
    """A number in the first format of a column."""
    tick = tick_of(column, number, up=False)
    return str(formats.write(np.array([tick]), np.zeros(1, np.int64), column.formats, column.decimals)[0])


def asked_number(written: Any, column: Column, low: float, high: float) -> Any:
    """An answer in the column's precision; ValueError for what is no number, or too far out."""
    number = float(written)
    if not math.isfinite(number) or not low <= number <= high:
        raise ValueError
    if column.integer or column.resolution:
        return round(number)
    if column.exact:
        return round(decimal.Decimal(str(written)), column.decimals or 0)
    return number if column.decimals is None else round(number, column.decimals)
