"""What is learned of ids, keys and pseudonyms: whether a cell is there, missing, or one of the exceptions.

A slot holds it where cells differ in that. Its tokens are present, missing, and one for each exception of the
column, such as `N/A` in place of a phone number; without exceptions they are those of a constant.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.celltext import PRESENT as THERE
from lookalike.codec.celltext import literal
from lookalike.codec.kinds.constant import MISSING, PRESENT, present_and_missing
from lookalike.codec.slot import Array, Slot, plain_slot
from lookalike.table.column import Column, without_exceptions


def rows_of(series: pd.Series, column: Column) -> list[int]:
    """How many cells are there, are missing, and are each of the exceptions."""
    marks = _marks(series, column)
    counts = [int((marks == 2 + place).sum()) for place in range(len(column.exceptions or []))]
    present, missing = present_and_missing(without_exceptions(series, column))
    return [present, missing - sum(counts), *counts]


def _marks(series: pd.Series, column: Column) -> Array:
    """(rows,) the token of each cell."""
    found = np.where(series.isna().to_numpy(bool), MISSING, PRESENT).astype(np.int32)
    for place, cell in enumerate(column.exceptions or []):
        found[(series.astype(object) == cell).to_numpy(bool)] = 2 + place
    return found


def slots(params: Any, column: Column) -> list[Slot]:
    """Of all that is made afresh: one where cells differ in whether they are there."""
    rows = params.rows
    if sum(map(bool, rows)) < 2:
        return []
    never = tuple(token for token, count in enumerate(rows) if not count)
    return [plain_slot(column.name, "", np.array(rows), banned=never)]


def encode(params: Any, series: pd.Series, column: Column) -> tuple[Array, Array]:
    tokens = _marks(series, column)[:, None][:, : len(slots(params, column))]
    return tokens, np.zeros_like(tokens, dtype=np.int16)


def drawn(params: Any, column: Column, tokens: Array) -> tuple[Array, Array]:
    """(where, cells): (rows,) where no value is to be made, and what stands there: None or an exception."""
    rows = params.rows
    if sum(map(bool, rows)) < 2:
        which = np.full(len(tokens), int(np.argmax(rows)) if any(rows) else MISSING)
    else:
        which = tokens[:, 0]
    cells = np.array([None, None, *(column.exceptions or []), None], dtype=object)[:-1]
    return np.asarray(which != PRESENT), cells[which]


def literals(params: Any, column: Column) -> list[str]:
    return [THERE, "null", *map(literal, column.exceptions or [])]


def write(params: Any, column: Column, series: pd.Series) -> Array:
    return np.array([*literals(params, column), ""], dtype=object)[_marks(series, column)]
