"""A cell of any kind as people and language models read it, and which column they read as text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lookalike.table.nested import json_text, plain_cell

WORDS = 3.0  # of a cell on average, from which a column holds texts
SOME = 2000  # cells that are looked at to find that out


def written(value: Any) -> str | None:
    """A cell as it is shown; None for a missing one."""
    if isinstance(value, dict | list | tuple | np.ndarray):
        try:
            return json_text(plain_cell(value))
        except (TypeError, ValueError):
            return str(value)
    if value is None or value is pd.NaT or (missing := pd.isna(value)) is True or missing is np.True_:
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value)


def text_column(table: pd.DataFrame, without: set[Any]) -> Any:
    """The column with most words a cell, three or more; None where there is none."""
    best, name = WORDS, None
    for column in table.columns:
        if column in without or not (
            table[column].dtype == object or pd.api.types.is_string_dtype(table[column].dtype)
        ):
            continue
        some = [cell for cell in table[column].head(SOME).tolist() if isinstance(cell, str)]
        words = sum(len(cell.split()) for cell in some) / len(some) if some else 0.0
        if words >= best:
            best, name = words, column
    return name
