"""Columns that count the rows of each entity: the lines of an order, the visits of a patient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.table.column import Column
from lookalike.table.kind_groups import NUMBER
from lookalike.table.personal import says_entity

Array = npt.NDArray[Any]

ENTITIES = 20  # entities by which it is told, at least
SEVERAL = 1.5  # rows of an entity, on average, at least


def start_of(groups: Array, numbers: Array) -> int | None:
    """0 or 1, from which whole numbers count the rows of each group; None where they do not.

    groups: (rows,) the number of each group; numbers: (rows,) float64, nan where missing.
    """
    if not len(groups) or np.isnan(numbers).any() or len(groups) < SEVERAL * len(np.unique(groups)):
        return None
    order = np.lexsort((numbers, groups))
    first = np.diff(groups[order], prepend=-1) != 0
    starts, steps = numbers[order][first], np.diff(numbers[order], prepend=np.nan)[~first]
    told = len(starts) >= ENTITIES and starts[0] in (0, 1) and (starts == starts[0]).all()
    return int(starts[0]) if told and (steps == 1).all() else None


def counted(series: pd.Series, column: Column) -> Array | None:
    """(rows,) float64 whole numbers that may count, nan where missing; None of other columns."""
    whole = column.kind == NUMBER and column.decimals == 0 and pd.api.types.is_numeric_dtype(series.dtype)
    if not whole or column.format is not None or column.exceptions:
        return None
    return np.asarray(series.to_numpy(np.float64, na_value=np.nan))


def entities(table: pd.DataFrame, columns: Sequence[Column]) -> list[Column]:
    """The columns that are named for persons or keys, and whose rows another column counts: their values are
    those of entities, of which each has its rows.
    """
    found = []
    for column in columns:
        number = column.kind == NUMBER and column.decimals == 0 and column.format is None
        coded = number or (column.kind == "category" and column.personal in (None, "key"))
        if not coded or not says_entity(column.name) or pd.api.types.is_bool_dtype(table[column.name].dtype):
            continue
        groups = np.asarray(pd.factorize(table[column.name])[0])
        others = (counted(table[other.name], other) for other in columns if other.name != column.name)
        if (groups >= 0).all() and any(
            start_of(groups, own) is not None for own in others if own is not None
        ):
            found.append(column)
    return found
