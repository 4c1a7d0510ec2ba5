"""Constant columns: no slot at all, or one slot of two tokens (present, missing) where values are missing.

A value that fewer rows hold than the column's `min_rows` (else than `rare`), while all others are missing, is
read but never written: then the column comes out empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.celltext import Asked, Extent, JsonSchema, choice_shape, choice_tokens, distinct, literal
from lookalike.codec.learned import LEARNED, UNKNOWN
from lookalike.codec.slot import Array, Slot, plain_slot
from lookalike.codec.where import Condition
from lookalike.errors import ConditionError
from lookalike.table.column import Column, plain_values
from lookalike.table.dtypes import restore
from lookalike.table.repeats import RARE

PRESENT, MISSING = 0, 1


@dataclass(frozen=True)
class Params:
    """What is learned of a constant. rows: present, missing; least: rows that the value had to have."""

    rows: list[int]
    least: int = 0

    @property
    def written(self) -> bool:
        """Whether the value is reproduced; in a table without missing cells it always is."""
        return not self.rows[MISSING] or self.rows[PRESENT] >= self.least


def of(facts: dict[str, Any]) -> Params:
    return Params(**facts)


def analyse(series: pd.Series, column: Column, rare: int) -> Params:
    return Params(present_and_missing(series), column.min_rows or rare)


def present_and_missing(series: pd.Series) -> list[int]:
    """How many cells are there, and how many are missing."""
    missing = int(series.isna().sum())
    return [len(series) - missing, missing]


def note(params: Params, column: Column, names: bool = True) -> str | None:
    present, missing = params.rows
    if params.written or not present:
        return None
    value = f": {column.value!r}" if names else ""
    return (
        f"column '{column.name}': its only value occurs in fewer than {params.least} rows ({present:,} of "
        f"{present + missing:,} rows) and is not reproduced{value}; keep it with --keep-rare"
    )


def slots(params: Params, column: Column) -> list[Slot]:
    """The slot that says whether a cell is there; none where all are, or all are missing."""
    banned = () if params.written else (PRESENT,)
    rows = params.rows
    return [plain_slot(column.name, "", np.array(rows), banned=banned)] if all(rows) else []


def encode(params: Any, series: pd.Series, column: Column) -> tuple[Array, Array]:
    width = int(all(params.rows))
    tokens = np.where(series.isna().to_numpy(bool), MISSING, PRESENT).astype(np.int32)[:, None][:, :width]
    return tokens, np.zeros_like(tokens, dtype=np.int16)


def absent(rows: list[int], tokens: Array) -> Array:
    """(rows,) where the column is missing. rows: how many real cells are there, and are missing."""
    if all(rows):
        return np.asarray(tokens[:, 0] == MISSING)
    return np.full(len(tokens), rows[PRESENT] == 0)


def decode(
    params: Params,
    column: Column,
    tokens: Array,
    cells: Array,
    rng: np.random.Generator,
    condition: Condition | None = None,
    offset: int = 0,
) -> pd.Series:
    value = column.value if params.written else None
    vocabulary = restore([value, None] if params.rows[MISSING] else [value], column)
    return vocabulary.take(absent(params.rows, tokens).astype(np.int64)).reset_index(drop=True)


def allowed(params: Params, column: Column, condition: Condition) -> dict[int, Array]:
    wanted = condition.values
    present = wanted is None or column.value in wanted or str(column.value) in wanted
    present = present and params.rows[PRESENT] > 0 and _in_range(column, condition)
    if present and not params.written:
        if wanted is not None or not condition.missing:
            raise ConditionError(
                f"the value of column '{column.name}' was dropped as rare, as fewer than {params.least} rows "
                "hold it: to have it, learn the table with --keep-rare (in Python: with the column's "
                "min_rows at 1)."
            )
        present = False
    ok = [present, condition.missing and params.rows[MISSING] > 0]
    if not any(ok):
        raise ConditionError(
            f"column '{column.name}' is always {column.value!r}: no row satisfies the condition on it."
        )
    return {0: np.array(ok, dtype=np.float64)[:, None]} if all(params.rows) else {}


def _in_range(column: Column, condition: Condition) -> bool:
    try:
        return bool(condition.holds(column.value))
    except TypeError:
        raise ConditionError(
            f"column '{column.name}' is always {column.value!r}, for which {condition.text()} is not a range."
        ) from None


# --- JSON text -----------------------------------------------------------------------------------------


def literals(params: Params, column: Column) -> list[str]:
    return [literal(column.value) if params.written else "", "null"]


def shape(
    params: Params, column: Column, condition: Condition | None = None, extent: Extent | None = None
) -> JsonSchema:
    share = None if condition is None else allowed(params, column, condition)
    return choice_shape(literals(params, column), share)


def write(params: Params, column: Column, series: pd.Series) -> Array:
    missing = series.isna().to_numpy(bool)
    return distinct(plain_values(series, column).astype(object), literal, missing)


def read(
    params: Params | Asked,
    column: Column,
    cells: Array,
    rng: np.random.Generator | None = None,
    condition: Condition | None = None,
    offset: int = 0,
) -> pd.Series:
    """With `Asked` the cells say nothing: nobody is asked for a value that is always the same."""
    if isinstance(params, Asked):
        return restore([params.value(None)] * len(cells), column)
    tokens = choice_tokens(literals(params, column), cells, int(all(params.rows)))
    return decode(params, column, tokens, tokens, rng or np.random.default_rng(0))


def asked(series: pd.Series, column: Column, label: bool = False) -> Asked:
    """No prompt holds the value: it is filled in, unless fewer rows hold it than may be told."""
    params = analyse(series, column, RARE)
    return Asked(
        type="null",
        said="always the same",
        value=lambda _: column.value if params.written else None,
        note=note(params, column),
    )


# --- what was learned ----------------------------------------------------------------------------------


def learned(params: Params, column: Column, values: pd.Series) -> Array:
    same = (plain_values(values, column).astype(object) == column.value).to_numpy(bool)
    return np.where(same & params.written, LEARNED, UNKNOWN)


def choices(params: Params, column: Column, value: object) -> str:
    shown = column.value if params.written else None
    return "it is always " + ("missing" if shown is None else repr(shown))
