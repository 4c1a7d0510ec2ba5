"""Columns that are dropped: no slots, nothing is learned, and no table that is decoded has them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lookalike.codec.slot import Array, Params, Slot
from lookalike.codec.where import Condition
from lookalike.errors import ConditionError
from lookalike.table.column import Column


def analyse(series: pd.Series, column: Column, rare: int) -> Params:
    return {}


def slots(params: Params, column: Column) -> list[Slot]:
    return []


def encode(params: Params, series: pd.Series, column: Column) -> tuple[Array, Array]:
    return np.zeros((len(series), 0), dtype=np.int32), np.zeros((len(series), 0), dtype=np.int16)


def decode(
    params: Params,
    column: Column,
    tokens: Array,
    cells: Array,
    rng: np.random.Generator,
    condition: Condition | None,
) -> pd.Series | None:
    return None


def allowed(params: Params, column: Column, condition: Condition) -> dict[int, Array]:
    raise ConditionError(
        f"column '{column.name}' is dropped: no synthetic row has it, so leave the condition out."
    )
