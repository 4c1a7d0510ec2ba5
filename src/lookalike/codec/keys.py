"""Keys that repeat, and pseudonyms: never modelled, but for where they are missing (a slot of two tokens).

`decode` leaves the mark TO_MAKE where a value is to stand: which rows share one is seen only when the other
columns are there, so `entities.fill` makes the values.
"""

from __future__ import annotations

import enum

import numpy as np
import pandas as pd

from lookalike.codec import constant, ids, pseudonyms
from lookalike.codec.constant import encode, slots
from lookalike.codec.ids import allowed
from lookalike.codec.slot import Array, Params
from lookalike.codec.where import Condition
from lookalike.table.column import Column

__all__ = ["TO_MAKE", "allowed", "analyse", "decode", "encode", "slots"]


class _Mark(enum.Enum):
    TO_MAKE = "to make"


TO_MAKE = _Mark.TO_MAKE


def analyse(series: pd.Series, column: Column, rare: int) -> Params:
    """fresh: how a key is made (as an id), or a pseudonym; no real value is in it."""
    distinct = series.dropna().drop_duplicates()
    make = ids if column.kind == "key" else pseudonyms
    fresh = make.analyse(distinct, column, rare) if len(distinct) else {"sort": None}  # there is none to make
    return {**constant.analyse(series, column, rare), "fresh": fresh}


def decode(
    params: Params,
    column: Column,
    tokens: Array,
    cells: Array,
    rng: np.random.Generator,
    condition: Condition | None,
) -> pd.Series:
    marks = np.full(len(tokens), TO_MAKE, dtype=object)
    marks[constant.absent(params, tokens)] = None
    return pd.Series(marks, dtype=object, name=column.name)
