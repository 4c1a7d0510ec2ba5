"""Number columns: a bin token and a cell inside the bin (see ticks/cells.py).

A column with a known number of decimals is counted in ticks of its last decimal (12.34 -> 1234), so that
integers and decimals are drawn on their own grid and come back exactly; full-precision floats stay float64.
Tokens: the bins in ascending order, then -inf, +inf and missing where the column has them.
"""

from __future__ import annotations

import decimal
import json
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from lookalike.arguments import brief
from lookalike.codec.celltext import (
    LARGEST,
    Asked,
    Extent,
    JsonSchema,
    asked_shape,
    asked_values,
    distinct,
    nearest,
)
from lookalike.codec.learned import LEARNED, OUTSIDE, UNKNOWN, in_range
from lookalike.codec.slot import Array, Slot
from lookalike.codec.ticks.cells import Cells, draw, locate, mass, partition
from lookalike.codec.ticks.ends import told_numbers
from lookalike.codec.ticks.numbers import (
    ABOVE,
    BELOW,
    LIMIT,
    MISSING,
    Ranges,
    condition_ranges,
    from_ticks,
    schema_range,
    to_ticks,
)
from lookalike.codec.where import Condition, listed
from lookalike.errors import ConditionError
from lookalike.table.dtypes import as_numbers, restore
from lookalike.table.kinds import RARE
from lookalike.table.schema import Column

FEW = 20  # values that a number column can have and still be a choice between classes, such as a 0/1 target
_INFINITE = {BELOW: '"-inf"', ABOVE: '"inf"'}
_DIGITS = 9  # a grammar can hold numbers to a grid this fine
_EXACT = json.JSONDecoder(parse_float=decimal.Decimal)


@dataclass(frozen=True)
class Params:
    """What is learned of numbers.

    special: rows of -inf, +inf and missing; positions: their tokens, None where there are none; tokens: how
    many there are; moments: the scale, and mean and deviation in units of it.
    """

    cells: Cells
    special: list[int]
    positions: list[int | None]
    tokens: int
    moments: list[float]


def of(facts: dict[str, Any]) -> Params:
    return Params(**{**facts, "cells": Cells(**facts["cells"])})


def analyse(series: pd.Series, column: Column, rare: int) -> Params:
    return bounded(fit_ticks(*to_ticks(series, column), rare), *schema_range(column))


def fit_ticks(ticks: Array, marks: Array, rare: int) -> Params:
    """Params of ticks (int64, float64 or Python ints) and their marks (0 = an ordinary value)."""
    values, counts = np.unique(ticks[marks == 0], return_counts=True)
    if len(values):
        cells = partition(values, counts, rare)
    else:  # nothing but infinities: one bin that no row has
        zero, one = np.zeros(1, dtype=ticks.dtype), np.ones(1)
        first = np.zeros(1, dtype=np.int64)
        cells = Cells(zero, zero, zero, one, 0 * one, first, first, np.zeros((1, 0)))
    tokens, positions, special = cells.tokens, [], []
    for mark in (BELOW, ABOVE, MISSING):
        rows = int((marks == mark).sum())
        positions.append(tokens if rows else None)
        special.append(rows)
        tokens += rows > 0
    floats, weights = values.astype(np.float64), counts / max(counts.sum(), 1)
    scale = float(np.abs(floats).max(initial=0)) or 1.0  # squares of huge values overflow
    mean = float((floats / scale * weights).sum())
    deviation = float(np.sqrt(((floats / scale - mean) ** 2 * weights).sum())) or 1.0
    return Params(cells, special, positions, int(tokens), [scale, mean, deviation])


def bounded(params: Params, low: Any, high: Any) -> Params:
    """The same cells, clipped to the range of an edited schema."""
    cells = params.cells
    low, high = (cells.low[0] if low is None else low), (cells.high[-1] if high is None else high)

    def clipped(ends: Array) -> Array:
        return np.minimum(np.maximum(ends, low), high).astype(ends.dtype)

    inside = cells._replace(low=clipped(cells.low), knee=clipped(cells.knee), high=clipped(cells.high))
    return replace(params, cells=inside)


def known(params: Params, column: Column) -> list[Any] | None:
    """The values of a column of at most `FEW`, each a token of its own, most frequent first; else None."""
    cells = params.cells
    if (
        len(cells.rows) > FEW
        or cells.place.any()
        or (cells.low != cells.high).any()
        or any(params.special[:2])
    ):
        return None
    ticks = cells.low[np.argsort(-cells.rows, kind="stable")]
    return restore(from_ticks(ticks, np.zeros(len(ticks), dtype=np.int8), column), column).tolist()


def slots(params: Params, column: Column, part: str = "") -> list[Slot]:
    cells = params.cells
    shape = (params.tokens, int(cells.place.max()) + 1)
    counts, rank, value = np.zeros(shape), np.full(shape, np.nan), np.full(shape, np.nan)
    below, above, _ = params.special
    scale, mean, deviation = params.moments
    total = max(below + above + cells.rows.sum(), 1.0)
    counts[cells.token, cells.place] = cells.rows
    rank[cells.token, cells.place] = (below + np.cumsum(cells.rows) - cells.rows / 2) / total
    centre = (cells.knee.astype(np.float64) / scale - mean) / deviation
    value[cells.token, cells.place] = np.clip(centre, -5, 5)
    ends = [(below / 2 / total, -5.0), (1 - above / 2 / total, 5.0), (np.nan, np.nan)]
    for token, rows, (at, height) in zip(params.positions, params.special, ends, strict=True):
        if token is not None:
            counts[token, 0], rank[token, 0], value[token, 0] = rows, at, height
    name = f"{column.name}/{part}" if part else str(column.name)
    return [Slot(column.name, part, counts, rank, value, vocabulary=name)]


def encode(params: Params, series: pd.Series, column: Column) -> tuple[Array, Array]:
    """Values outside the training range get the nearest cell, and marks without a token -1."""
    return encode_ticks(params, *to_ticks(series, column))


def encode_ticks(params: Params, ticks: Array, marks: Array) -> tuple[Array, Array]:
    """(tokens, cells), each (rows, 1)."""
    cells = params.cells
    if ticks.dtype == object and cells.low.dtype == np.int64:
        ticks = np.clip(ticks, -LIMIT, LIMIT)
    index = locate(cells.low, cells.high, ticks.astype(cells.low.dtype))
    tokens, places = cells.token[index].astype(np.int32), cells.place[index].astype(np.int16)
    for mark, token in zip((BELOW, ABOVE, MISSING), params.positions, strict=True):
        rows = marks == mark
        instead = {BELOW: 0, ABOVE: cells.tokens - 1, MISSING: -1}[mark]
        tokens[rows], places[rows] = instead if token is None else token, 0
    return tokens[:, None], places[:, None]


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
    ticks, marks = decode_ticks(params, tokens[:, 0], cells[:, 0], rng, ranges)
    return restore(from_ticks(ticks, marks, column), column)


def decode_ticks(
    params: Params, tokens: Array, places: Array, rng: np.random.Generator, ranges: Ranges = None
) -> tuple[Array, Array]:
    """(ticks, marks) drawn inside the cells, within `ranges` where the cell meets them."""
    cells = params.cells
    table = cells.table()
    token = np.where(tokens < len(table), np.maximum(tokens, 0), 0)
    index = table[token, np.clip(places, 0, table.shape[1] - 1)]
    marks = np.zeros(len(tokens), dtype=np.int8)
    for mark, special in zip((BELOW, ABOVE, MISSING), params.positions, strict=True):
        if special is not None:
            marks[tokens == special] = mark
    return draw(cells, index, rng, ranges), marks


def allowed(params: Params, column: Column, condition: Condition) -> dict[int, Array]:
    if condition.missing and params.positions[MISSING - 1] is None:
        raise ConditionError(f"no value of column '{column.name}' is missing.")
    share = allowed_ticks(params, condition_ranges(column, condition), condition.missing)
    every = [condition] if condition.values is None else [Condition((value,)) for value in condition.values]
    for one in every:
        if not allowed_ticks(params, condition_ranges(column, one), False).any():
            raise ConditionError(_nothing(params, column, one))
    return {0: share}


def allowed_ticks(params: Params, ranges: Ranges, missing: bool) -> Array:
    """(tokens, cells): share of each cell in the ranges."""
    cells = params.cells
    share = np.zeros((params.tokens, int(cells.place.max()) + 1))
    at_below, at_above, at_missing = params.positions
    if ranges is None:
        share[: params.tokens - (at_missing is not None)] = 1.0
    for low, high in ranges or []:
        if low <= high:
            share[cells.token, cells.place] += mass(cells, low, high)
        for token, infinity in ((at_below, -np.inf), (at_above, np.inf)):
            if token is not None and low <= infinity <= high:
                share[token, 0] = 1.0
    if at_missing is not None:
        share[at_missing, 0] = missing
    return np.clip(share, 0.0, 1.0)


def _nothing(params: Params, column: Column, condition: Condition) -> str:
    cells = params.cells
    ends = np.array([cells.low[0], cells.high[-1]], dtype=cells.low.dtype)
    low, high = restore(from_ticks(ends, np.zeros(2, dtype=np.int8), column), column)
    if condition.values is None:
        what = f"no value of column '{column.name}' lies in {condition.text()}"
    else:
        wanted = " or ".join(map(brief, condition.values))
        what = f"the value {wanted} of column '{column.name}' never occurs"
    return f"{what}: its values go from {low} to {high}."


# --- JSON text -----------------------------------------------------------------------------------------


def literals(params: Params, column: Column) -> list[str]:
    return []


def write(params: Params | Asked, column: Column, series: pd.Series) -> Array:
    """With `Asked`, the numbers as the table has them; timedeltas in units of the column's resolution."""
    if isinstance(params, Asked):
        missing = series.isna().to_numpy(bool)
        plain = [json.dumps(value) for value in plain_numbers(series, column)]
        return np.where(missing, "null", np.array([*plain, None], dtype=object)[:-1])
    ticks, marks = to_ticks(series, column)
    texts = distinct(ticks, lambda tick: number_text(tick, column), marks == MISSING)
    for mark, text in _INFINITE.items():
        texts[marks == mark] = text
    return texts


def plain_numbers(series: pd.Series, column: Column) -> list[int | float]:
    """(rows,) as JSON has them; of missing values just anything."""
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


def shape(
    params: Params | Asked, column: Column, condition: Condition | None = None, extent: Extent | None = None
) -> JsonSchema:
    if isinstance(params, Asked):
        return asked_shape(params, column.nullable)
    pairs = _pairs(params, column, condition)
    few = condition is None or condition.values is None
    values: list[Any] | None = None
    if few and known(params, column) is not None:
        values = sorted(tick for tick in np.unique(params.cells.low).tolist() if _holds(tick, pairs))
    elif all(low == high for low, high in pairs):
        values = [low for low, _ in pairs]
    special = _special_choices(params, column, condition)
    if values is not None and not any(abs(value) > LARGEST for value in values):
        return {"enum": [*(json.loads(number_text(value, column)) for value in values), *special]}
    shapes = [_range_shape(low, high, column) for low, high in pairs if low <= high]
    return {"anyOf": [*shapes, *([{"enum": special}] if special else [])]}


def _pairs(params: Params, column: Column, condition: Condition | None) -> list[tuple[Any, Any]]:
    """The ranges of ticks that a condition leaves of the learned one; low > high where it leaves nothing."""
    first, last = params.cells.low[0], params.cells.high[-1]
    limits = None if condition is None else condition_ranges(column, condition)
    if limits is None:
        return [(first, last)]
    return [(max(low, first), min(high, last)) for low, high in limits]


def _special_choices(params: Params, column: Column, condition: Condition | None) -> list[Any]:
    """What stands for infinities and for missing, where the column has them and the condition wants them."""
    limits = None if condition is None else condition_ranges(column, condition)
    found: list[Any] = []
    for token, mark, infinity in zip(params.positions[:2], (BELOW, ABOVE), (-np.inf, np.inf), strict=True):
        if token is not None and (limits is None or _holds(infinity, limits)):
            found.append(json.loads(_INFINITE[mark]))
    if params.positions[MISSING - 1] is not None and (condition is None or condition.missing):
        found.append(None)
    return found


def _holds(tick: Any, pairs: list[tuple[Any, Any]]) -> bool:
    return any(low <= tick <= high for low, high in pairs)


def _range_shape(low: Any, high: Any, column: Column) -> JsonSchema:
    whole = column.resolution is not None or column.decimals == 0
    found: JsonSchema = {"type": "integer" if whole else "number"}
    ends = [json.loads(number_text(end, column)) for end in (low, high)]
    if not _unbounded(*ends):
        found |= {"minimum": ends[0], "maximum": ends[1]}
        if not whole and column.decimals is not None and column.decimals < _DIGITS:
            found["multipleOf"] = float(f"1e-{column.decimals}")
    return found


def read(
    params: Params | Asked,
    column: Column,
    cells: Array,
    rng: np.random.Generator | None = None,
    condition: Condition | None = None,
    offset: int = 0,
) -> pd.Series:
    if isinstance(params, Asked):
        return restore(asked_values(params, cells), column)
    ranges = [pair for pair in _pairs(params, column, condition) if pair[0] <= pair[1]]
    codes, found = pd.factorize(cells)
    marks = np.zeros(len(found) + 1, dtype=np.int8)
    ticks = np.zeros(len(found) + 1, dtype=params.cells.low.dtype)
    special = {"null": MISSING} | {text: mark for mark, text in _INFINITE.items()}
    for i, text in enumerate(found):
        marks[i] = special.get(text, 0)
        if not marks[i]:
            ticks[i] = nearest(_read_tick(text, column), ranges)
    marks[-1] = MISSING  # cells that are None
    return restore(from_ticks(ticks[codes], marks[codes], column), column)


def _read_tick(text: str, column: Column) -> Any:
    value = _EXACT.decode(text)
    if column.decimals is None and column.resolution is None:
        return float(value)
    scaled = decimal.Decimal(value).scaleb(0 if column.resolution is not None else column.decimals or 0)
    return int(scaled.to_integral_value())


def _asked_number(written: Any, column: Column, low: float, high: float) -> Any:
    """An answer in the column's precision; ValueError for what is no number, or too far out."""
    number = float(written)
    if not math.isfinite(number) or not low <= number <= high:
        raise ValueError
    if column.integer or column.resolution:
        return round(number)
    if column.exact:
        return round(decimal.Decimal(str(written)), column.decimals or 0)
    return number if column.decimals is None else round(number, column.decimals)


def asked(series: pd.Series, column: Column, label: bool = False) -> Asked | str:
    """Answers are mistakes as far outside of the real numbers as those are apart. An end of the range that
    only few rows hold is told rounded outwards.
    """
    present = series.dropna()
    low, high = told_numbers(present, column, column.min_rows or RARE)
    said = f"a number from {low} to {high}"
    if column.resolution:
        said = f"a number of units of one {column.resolution}, from {low} to {high}"
    elif column.integer:
        said = f"a whole number from {low} to {high}"
    elif column.decimals is not None:
        said += f" with at most {column.decimals} decimals"
    lowest, highest = -math.inf, math.inf
    if len(present):
        real = [float(value) for value in plain_numbers(present, column)]
        slack = max(max(real) - min(real), 1.0)
        lowest, highest = min(real) - slack, max(real) + slack

    def value(written: Any) -> Any:
        return _asked_number(written, column, lowest, highest)

    return Asked("integer" if column.integer else "number", said, value)


# --- what was learned ----------------------------------------------------------------------------------


def learned(params: Params, column: Column, values: pd.Series) -> Array:
    try:
        as_numbers(values)
    except ValueError:
        return np.array([LEARNED if _is_number(cell) else UNKNOWN for cell in values], dtype=int)
    ticks, marks = to_ticks(values, column)
    low, high = params.cells.low, params.cells.high
    found = in_range(ticks, low[0], high[-1])
    if known(params, column) is not None:
        found[(found == LEARNED) & ~np.isin(ticks, low)] = OUTSIDE
    for mark, token in zip((BELOW, ABOVE), params.positions[:2], strict=True):
        found[marks == mark] = UNKNOWN if token is None else LEARNED
    return found


def _is_number(cell: object) -> bool:
    try:
        as_numbers(pd.Series([cell], dtype=object))
    except ValueError:
        return False
    return True


def choices(params: Params, column: Column, value: object) -> str:
    values = known(params, column)
    if values is not None:
        return listed(value, sorted(values), "values that were learned")
    ends = np.array([params.cells.low[0], params.cells.high[-1]])
    low, high = restore(from_ticks(ends, np.zeros(2, dtype=np.int8), column), column)
    return f"the values that were learned go from {low} to {high}"


def note(params: Params, column: Column, names: bool = True) -> str | None:
    return None
