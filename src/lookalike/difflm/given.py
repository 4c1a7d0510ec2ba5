"""Tables that are partly given, to `sample` and `impute`: their known cells, in the learned dtypes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from ..codec import RecordCodec
from ..codec.where import listed
from ..dtypes import restore
from ..errors import ConditionError
from ..schema import Column, Schema, is_missing


def read_given(
    table: pd.DataFrame, schema: Schema, where: Collection[Any] = ()
) -> tuple[dict[Any, pd.Series], dict[Any, np.ndarray]]:
    """The columns of a given table in their learned dtypes, and (rows,) bool: which of their cells are known.

    The unknown cells hold just anything; columns of which nothing is known are in the second alone. where:
    the columns that have a condition. Raises ConditionError for what does not fit the schema.
    """
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        raise ConditionError(f"the given table has two columns named '{twice[0]}': rename one of them.")
    kept, known = {}, {}
    for name in table.columns:
        if name not in schema.names:
            raise ConditionError(
                f"the given table has a column '{name}' that the model does not know: drop or rename it, "
                f"{listed(name, schema.names, 'columns')}."
            )
        if name in where:
            raise ConditionError(f"column '{name}' is both given and in where: leave it out of one of them.")
        known[name] = ~is_missing(table[name], schema.missing).to_numpy(bool)
        if known[name].any():
            values = _in_dtype(table[name][known[name]], schema[name])
            kept[name] = values.take(np.maximum(known[name].cumsum() - 1, 0)).reset_index(drop=True)
    return kept, known


def _in_dtype(values: pd.Series, column: Column) -> pd.Series:
    """Given values (none missing) in the dtype of a learned column; exactly, or else a ConditionError."""
    dtype = restore([], column).dtype
    if values.dtype == dtype:
        return values
    try:
        if isinstance(dtype, pd.CategoricalDtype):
            values = values.astype(object)
            cast = values.where(values.isin(dtype.categories)).astype(dtype)
        else:  # numpy's bool takes any string for True, nullable booleans do not
            cast = values.astype("boolean" if str(dtype) == "bool" else dtype).astype(dtype)
        lost = cast.isna().to_numpy(bool)
        if dtype.kind in "iuMm" and values.dtype.kind in "iufMm":  # fractions and overflows are cut silently
            lost = lost | (cast.astype(object) != values.astype(object)).to_numpy(bool)
    except (ValueError, TypeError, ArithmeticError, NotImplementedError):
        cast, lost = values, np.ones(len(values), dtype=bool)
    if lost.any():
        raise ConditionError(
            f"the given value '{values[lost].iloc[0]}' of column '{column.name}' does not fit its dtype "
            f"{column.dtype}: give a value that the real column could hold."
        )
    return cast


def patterns_of(held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct rows of a bool matrix, and which of them every row is."""
    if not held.shape[1]:
        return held[:1], np.zeros(len(held), dtype=np.int64)
    patterns, member = np.unique(held, axis=0, return_inverse=True)
    return patterns, member.reshape(-1)


def classes(codec: RecordCodec, balance: Any, where: Collection[Any] | None) -> list[Any]:
    """The values of the column that is to be balanced. Raises ConditionError where it has no classes."""
    known, names = codec.known(), codec.schema.names
    if balance not in names:
        raise ConditionError(
            f"there is no column '{balance}' to balance: {listed(balance, names, 'columns')}."
        )
    if balance in (where or {}):
        raise ConditionError(
            f"column '{balance}' is both balanced and in where: leave it out of one of them."
        )
    if balance not in known:
        raise ConditionError(
            f"column '{balance}' has no classes to balance (it is of the kind "
            f"{codec.schema[balance].kind}): set its kind to category in the schema and fit again."
        )
    return known[balance]
