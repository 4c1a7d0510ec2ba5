"""Constant columns: no slot at all, or one slot of two tokens (present, missing) where values are missing."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lookalike.codec.slot import Array, Params, Slot, plain_slot
from lookalike.codec.where import Condition
from lookalike.errors import ConditionError
from lookalike.table.column import Column
from lookalike.table.dtypes import restore

PRESENT, MISSING = 0, 1


def analyse(series: pd.Series, column: Column, rare: int) -> Params:
    missing = int(series.isna().sum())
    return {"rows": [len(series) - missing, missing]}


def slots(params: Params, column: Column) -> list[Slot]:
    return [plain_slot(column.name, "", np.array(params["rows"]))] if all(params["rows"]) else []


def encode(params: Params, series: pd.Series, column: Column) -> tuple[Array, Array]:
    width = len(slots(params, column))
    tokens = np.where(series.isna().to_numpy(bool), MISSING, PRESENT).astype(np.int32)[:, None][:, :width]
    return tokens, np.zeros_like(tokens, dtype=np.int16)


def absent(params: Params, tokens: Array) -> Array:
    """Where the column is missing."""
    if all(params["rows"]):
        return np.asarray(tokens[:, 0] == MISSING)
    return np.full(len(tokens), params["rows"][PRESENT] == 0)


def decode(
    params: Params,
    column: Column,
    tokens: Array,
    cells: Array,
    rng: np.random.Generator,
    condition: Condition | None,
) -> pd.Series:
    vocabulary = restore([column.value, None] if params["rows"][MISSING] else [column.value], column)
    return vocabulary.take(absent(params, tokens).astype(np.int64)).reset_index(drop=True)


def allowed(params: Params, column: Column, condition: Condition) -> dict[int, Array]:
    ok = [
        condition.values is None or column.value in condition.values or str(column.value) in condition.values
    ]
    ok.append(condition.missing)
    ok[PRESENT] = ok[PRESENT] and params["rows"][PRESENT] > 0 and _in_range(column, condition)
    ok[MISSING] = ok[MISSING] and params["rows"][MISSING] > 0
    if not any(ok):
        raise ConditionError(
            f"column '{column.name}' is always {column.value!r}: no row satisfies the condition on it."
        )
    return {0: np.array(ok, dtype=np.float64)[:, None]} if all(params["rows"]) else {}


def _in_range(column: Column, condition: Condition) -> bool:
    try:
        return bool(condition.holds(column.value))
    except TypeError:
        raise ConditionError(
            f"column '{column.name}' is always {column.value!r}, for which {condition.text()} is no range."
        ) from None
