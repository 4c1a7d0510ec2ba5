"""Missing cells: real missing values, and values that the user declared missing, such as "?"."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
import pandas as pd

from lookalike.table import nested
from lookalike.table.column import Column
from lookalike.table.schema import Schema


def is_missing(series: pd.Series, sentinels: Iterable[Any]) -> pd.Series:
    """Where a Series is missing or holds a declared sentinel (strings also match numbers written so)."""
    gone = series.isna()
    wanted = list(sentinels)
    if wanted and pd.api.types.is_numeric_dtype(series.dtype):
        numbers = pd.to_numeric(pd.Series([str(v) for v in wanted]), errors="coerce").dropna()
        return gone | series.isin(numbers.tolist()).fillna(False).astype(bool)
    if wanted:
        cells = series.astype(object)
        if nested.holds_values(cells):
            cells = cells.map(lambda cell: None if isinstance(cell, (dict, list)) else cell)
        return gone | cells.isin(wanted)
    return gone


def masked(table: pd.DataFrame, column: Column, schema: Schema) -> pd.Series:
    """A column of a table with its sentinels as missing values."""
    series = table[column.name]
    if not schema.missing:
        return series
    gone = is_missing(series, schema.missing)
    return hide(series, gone) if gone.any() else series


def hide(series: pd.Series, gone: pd.Series) -> pd.Series:
    """The Series with missing values at `gone`, in a dtype that can hold them."""
    if series.dtype.kind in "iu" and isinstance(series.dtype, np.dtype):
        series = series.astype(str(series.dtype).replace("i", "I").replace("u", "U"))
    elif series.dtype == bool:
        series = series.astype("boolean")
    return series.mask(gone)


def without(table: pd.DataFrame, missing: Collection[Any]) -> pd.DataFrame:
    """The table with declared missing values as missing."""
    if not missing:
        return table
    gone = {name: is_missing(table[name], missing) for name in table.columns}
    out = pd.DataFrame({n: hide(table[n], gone[n]) if gone[n].any() else table[n] for n in table.columns})
    out.attrs = dict(table.attrs)
    return out
