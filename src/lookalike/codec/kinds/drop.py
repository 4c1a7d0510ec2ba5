"""Columns that are dropped: no slots, nothing is learned, and no table that is made has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.celltext import Asked, Extent, JsonSchema
from lookalike.codec.learned import UNKNOWN
from lookalike.codec.slot import Array, Slot
from lookalike.codec.where import Condition
from lookalike.errors import ConditionError
from lookalike.table.column import Column


@dataclass(frozen=True)
class Params:
    """Nothing is learned."""


def of(facts: dict[str, Any]) -> Params:
    return Params()


def analyse(series: pd.Series, column: Column, rare: int) -> Params:
    return Params()


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
    condition: Condition | None = None,
    offset: int = 0,
) -> None:
    return None


def allowed(params: Params, column: Column, condition: Condition) -> dict[int, Array]:
    raise ConditionError(
        f"column '{column.name}' is dropped: no synthetic row has it, so leave the condition out."
    )


def literals(params: Params, column: Column) -> list[str]:
    return []


def shape(
    params: Params, column: Column, condition: Condition | None = None, extent: Extent | None = None
) -> JsonSchema:
    return {"type": "null"}


def write(params: Params, column: Column, series: pd.Series) -> Array:
    return np.full(len(series), "null", dtype=object)


def read(
    params: Params,
    column: Column,
    cells: Array,
    rng: np.random.Generator | None = None,
    condition: Condition | None = None,
    offset: int = 0,
) -> None:
    return None


def asked(series: pd.Series, column: Column, label: bool = False) -> Asked | str:
    return f"the column '{column.name}' is dropped, as its kind says."


def learned(params: Params, column: Column, values: pd.Series) -> Array:
    return np.full(len(values), UNKNOWN)


def choices(params: Params, column: Column, value: object) -> str:
    return "it is dropped"


def note(params: Params, column: Column, names: bool = True) -> str | None:
    return None
