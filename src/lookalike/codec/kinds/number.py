"""Number columns: a bin token and a cell inside the bin (see ticks/bins.py).

A column with a known number of decimals is counted in ticks of its last decimal (12.34 -> 1234), so that
integers and decimals are drawn on their own grid and come back exactly; full-precision floats stay float64.
Tokens: the bins in ascending order, then -inf, +inf, missing and the exceptions where the column has them.
Where the cells have several formats, a second slot holds which one.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
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
    literal,
    nearest,
)
from lookalike.codec.learned import LEARNED, OUTSIDE, UNKNOWN, in_range
from lookalike.codec.slot import Array, Slot, plain_slot
from lookalike.codec.ticks import bins
from lookalike.codec.ticks.bins import Bins
from lookalike.codec.ticks.cells import Cells
from lookalike.codec.ticks.ends import told_numbers
from lookalike.codec.ticks.number_text import (
    INFINITE,
    asked_number,
    cell_text,
    cut_numbers,
    exception_texts,
    number_text,
    plain_numbers,
    range_shape,
    read_tick,
)
from lookalike.codec.ticks.numbers import (
    ABOVE,
    BELOW,
    MISSING,
    UNREAD,
    condition_ranges,
    fitting,
    format_ends,
    formats_of,
    restored,
    schema_range,
    to_ticks,
    unread_note,
)
from lookalike.codec.where import Condition, listed
from lookalike.errors import ConditionError
from lookalike.table import formats, formatted
from lookalike.table.column import Column
from lookalike.table.dtypes import as_numbers, restore
from lookalike.table.formatted import value_of
from lookalike.table.kinds import is_string
from lookalike.table.repeats import RARE

PRICES = 3  # decimals of a price, at most
FEW = 20  # values that a number column can have and still be a choice between classes, such as a 0/1 target


@dataclass(frozen=True)
class Params:
    """What is learned of numbers.

    bins: their bins and cells; formats: (formats,) rows of each, empty where there are not several; ends: as
    of `format_ends`. rows, unread: how many cells there were, and how many of them were neither a number
    nor an exception.
    """

    bins: Bins
    formats: Array = field(default_factory=lambda: np.zeros(0))
    rows: int = 0
    unread: int = 0
    ends: Array = field(default_factory=lambda: np.zeros((0, 2)))

    @property
    def cells(self) -> Cells:
        """The cells of the bins."""
        return self.bins.cells

    @property
    def exceptions(self) -> list[int | None]:
        """The token of each of the column's exceptions."""
        return self.bins.positions[MISSING:]


def of(facts: dict[str, Any]) -> Params:
    if "cells" in facts:  # of a model without formats
        return Params(Bins.of(facts))
    return Params(**{**facts, "bins": Bins.of(facts["bins"])})


def analyse(series: pd.Series, column: Column, rare: int) -> Params:
    ticks, marks = to_ticks(series, column)
    prices = column.resolution is None and column.decimals is not None and column.decimals <= PRICES
    found = bins.fit(ticks, marks, rare, len(column.exceptions or []), endings=prices)
    kinds = len(column.formats)
    which = formats_of(series, column)
    return Params(
        bins.bounded(found, *schema_range(column)),
        np.bincount(which[which >= 0], minlength=kinds).astype(float) if kinds > 1 else np.zeros(0),
        len(series),
        int((marks == UNREAD).sum()),
        format_ends(ticks, np.where(marks == 0, which, -1), kinds, rare) if kinds > 1 else np.zeros((0, 2)),
    )


def known(params: Params, column: Column) -> list[Any] | None:
    """The values of a column of at most `FEW`, each a token of its own, most frequent first; else None."""
    cells = params.cells
    if (
        len(cells.rows) > FEW
        or cells.place.any()
        or (cells.low != cells.high).any()
        or any(params.bins.special[:2])
        or any(params.exceptions)
    ):
        return None
    ticks = cells.low[np.argsort(-cells.rows, kind="stable")]
    return restored(ticks, np.zeros(len(ticks), dtype=np.int8), column).tolist()


def slots(params: Params, column: Column) -> list[Slot]:
    values = [formatted.lenient(cell) for cell in column.exceptions or []]
    ticks = [None if value is None else value * 10.0 ** (column.decimals or 0) for value in values]
    first = bins.slot(params.bins, column.name, numbers=ticks)
    if column.resolution is None:
        own, first.number = params.cells, np.full(first.counts.shape, np.nan)
        first.number[own.token, own.place] = own.knee.astype(np.float64) / 10.0 ** (column.decimals or 0)
    if not len(params.formats):
        return [first]
    first.ends = tuple(token for token in params.bins.positions[MISSING - 1 :] if token is not None)
    return [first, plain_slot(column.name, "format", params.formats)]


def encode(params: Params, series: pd.Series, column: Column) -> tuple[Array, Array]:
    """Values outside the training range get the nearest cell, and marks without a token -1."""
    tokens, cells = bins.encode(params.bins, *to_ticks(series, column))
    if not len(params.formats):
        return tokens, cells
    which = formats_of(series, column).astype(np.int32)[:, None]
    return np.hstack([tokens, which]), np.hstack([cells, np.zeros_like(cells)])


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
    ticks, marks = bins.decode(params.bins, tokens[:, 0], cells[:, 0], rng, ranges)
    which = tokens[:, 1] if len(params.formats) else None
    if which is not None and len(params.ends) and condition is None:
        drawn = np.where(marks == 0, which, -1)
        which = np.where(drawn < 0, which, fitting(drawn, ticks, column, params.ends, params.formats, rng))
    return restored(ticks, marks, column, which)


def allowed(params: Params, column: Column, condition: Condition) -> dict[int, Array]:
    if condition.missing and params.bins.positions[MISSING - 1] is None:
        raise ConditionError(f"no value of column '{column.name}' is missing.")
    ranges = condition_ranges(column, condition)
    share = bins.allowed(params.bins, ranges, condition.missing)
    every = [condition] if condition.values is None else [Condition((value,)) for value in condition.values]
    exceptions = dict(zip(column.exceptions or [], params.exceptions, strict=True))
    for cell, token in exceptions.items():
        value = formatted.lenient(cell)  # -999 is an exception and a number
        if value is not None and token is not None and ranges and _holds(value, _scaled(ranges, column)):
            share[token] = 1.0
    for one in every:
        token = exceptions.get(one.values[0]) if one.values else None
        if token is not None:
            share[token] = 1.0
        elif not bins.allowed(params.bins, condition_ranges(column, one), False).any():
            raise ConditionError(_nothing(params, column, one))
    wanted = _formats_wanted(column, condition)
    return {0: share} | ({1: wanted} if len(params.formats) and wanted.any() else {})


def _scaled(ranges: list[tuple[Any, Any]], column: Column) -> list[tuple[float, float]]:
    """Ranges of ticks as ranges of numbers."""
    step = 10.0 ** (column.decimals or 0)
    return [(float(low) / step, float(high) / step) for low, high in ranges]


def _formats_wanted(column: Column, condition: Condition) -> Array:
    """(formats, 1) which of them a condition names by the way it writes its values; none where any do."""
    values = [value for value in condition.values or () if value not in (column.exceptions or ())]
    which = formats.read([str(value) for value in values], column.formats, column.decimals)[1]
    share = np.zeros((len(column.formats), 1))
    if all(isinstance(value, str) for value in values) and (which >= 0).all():
        share[which] = 1.0
    return share


def _nothing(params: Params, column: Column, condition: Condition) -> str:
    cells = params.cells
    ends = np.array([cells.low[0], cells.high[-1]], dtype=cells.low.dtype)
    low, high = restored(ends, np.zeros(2, dtype=np.int8), column)
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
        if is_string(series.dtype, column) and column.formats:
            return distinct(series.astype(object), lambda cell: literal(str(cell)), missing)
        plain = [json.dumps(value) for value in plain_numbers(series, column)]
        return np.where(missing, "null", np.array([*plain, None], dtype=object)[:-1])
    ticks, marks = to_ticks(series, column)
    texts = distinct(ticks, lambda tick: number_text(tick, column), marks == MISSING)
    for mark, text in (INFINITE | exception_texts(column)).items():
        texts[marks == mark] = text
    texts[marks == UNREAD] = "null"
    return texts


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
    ranges = [(low, high) for low, high in pairs if low <= high]
    shapes = [range_shape(low, high, column) for low, high in ranges]
    others = [*special, *(one for low, high in ranges for one in cut_numbers(low, high, column))]
    return {"anyOf": [*shapes, *([{"enum": others}] if others else [])]}


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
    for token, mark, infinity in zip(
        params.bins.positions[:2], (BELOW, ABOVE), (-np.inf, np.inf), strict=True
    ):
        if token is not None and (limits is None or _holds(infinity, limits)):
            found.append(json.loads(INFINITE[mark]))
    for cell, token in zip(column.exceptions or [], params.exceptions, strict=True):
        if token is not None and (limits is None or cell in (condition.values or () if condition else ())):
            found.append(cell)
    if params.bins.positions[MISSING - 1] is not None and (condition is None or condition.missing):
        found.append(None)
    return found


def _holds(tick: Any, pairs: list[tuple[Any, Any]]) -> bool:
    return any(low <= tick <= high for low, high in pairs)


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
    special = {"null": MISSING}
    special |= {text: mark for mark, text in (INFINITE | exception_texts(column)).items()}
    for i, text in enumerate(found):
        marks[i] = special.get(text, 0)
        if not marks[i]:
            ticks[i] = nearest(read_tick(text, column), ranges)
    marks[-1] = MISSING  # cells that are None
    which = None
    if len(params.formats):  # numbers of JSON have one format: that of the cell is drawn
        chance = params.formats / params.formats.sum()
        rng = rng or np.random.default_rng(0)
        which = rng.choice(len(chance), len(cells), p=chance)
        if len(params.ends):
            which = fitting(which, ticks[codes], column, params.ends, params.formats, rng)
    return restored(ticks[codes], marks[codes], column, which)


def asked(series: pd.Series, column: Column, label: bool = False) -> Asked | str:
    """Answers are mistakes as far outside of the real numbers as those are apart. An end of the range that
    only few rows hold is told rounded outwards.
    """
    present = series.dropna()
    strings = bool(column.formats) and is_string(series.dtype, column)
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
        return asked_number(written, column, lowest, highest)

    def cell(written: Any) -> Any:
        if written in (column.exceptions or ()):
            return written
        ticks, which = formats.read([str(written)], column.formats, column.decimals)
        number = value_of(ticks[0], column.decimals) if which[0] >= 0 else formatted.lenient(str(written))
        if number is None or not lowest <= number <= highest:
            raise ValueError
        return str(written) if which[0] >= 0 else cell_text(number, column)

    if strings:
        said = f"a number from {cell_text(low, column)} to {cell_text(high, column)}, "
        said += f"written {' or '.join(column.formats)}"
        said += "".join(f', or "{exception}"' for exception in column.exceptions or ())
        return Asked("string", said, cell)
    return Asked("integer" if column.integer else "number", said, value)


# --- what was learned ----------------------------------------------------------------------------------


def learned(params: Params, column: Column, values: pd.Series) -> Array:
    if not column.formats:
        try:
            as_numbers(values)
        except ValueError:
            return np.array([LEARNED if _is_number(cell) else UNKNOWN for cell in values], dtype=int)
    ticks, marks = to_ticks(values, column)
    low, high = params.cells.low, params.cells.high
    found = in_range(ticks, low[0], high[-1])
    if known(params, column) is not None:
        found[(found == LEARNED) & ~np.isin(ticks, low)] = OUTSIDE
    for mark, token in enumerate(params.bins.positions, BELOW):
        if mark != MISSING:
            found[marks == mark] = UNKNOWN if token is None else LEARNED
    found[marks == UNREAD] = UNKNOWN
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
    low, high = restored(ends, np.zeros(2, dtype=np.int8), column)
    return f"the values that were learned go from {low} to {high}"


def note(params: Params, column: Column, names: bool = True) -> str | None:
    return unread_note(params.unread, params.rows, column)
