"""Rows as points, in which rows that are alike are near: texts by their embedding, other columns by value."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.curate.checks import Rows, read_numbers
from lookalike.embed import Embed, embedder

Array = npt.NDArray[Any]

MOST_VALUES = 50  # of a category, that have a dimension of their own


def points(rows: Rows, embed: str | Embed | None, seed: int) -> tuple[Array, Array | None]:
    """(synthetic rows, dims) and (real rows, dims) float64; None without real rows. The label is left out.

    A text becomes its embedding, of length 1; the built-in one is fitted on all texts. A number or a date
    becomes its rank among all rows, -1..1, and a second dimension says where it is missing; a category a
    dimension for each of its 50 most frequent values. Ids and constants are left out.
    """
    tables = [rows.synthetic] if rows.real is None else [rows.synthetic, rows.real]
    parts: list[Array] = []
    for column in rows.schema.columns:
        if column.name == rows.label:
            continue
        cells = pd.concat([table[column.name] for table in tables], ignore_index=True)
        if column.name in rows.texts:
            texts = cells.astype(object).where(cells.notna(), "").map(str).tolist()
            parts.append(np.asarray(embedder(embed, texts, seed)(texts), dtype=np.float64))
        elif column.is_number_or_date:
            parts.append(_ranks(read_numbers(cells, column)[0]))
        elif column.is_categorical:
            parts.append(_one_hot(cells))
    both = np.concatenate([*parts], axis=1) if parts else np.zeros((sum(map(len, tables)), 0))
    size = len(rows.synthetic)
    return both[:size], None if rows.real is None else both[size:]


def _ranks(values: Array) -> Array:
    """(rows, 2) the rank of each number, -1..1 and 0 where it is missing, and whether it is missing."""
    known = np.isfinite(values)
    rank = pd.Series(np.where(known, values, np.nan)).rank(pct=True).to_numpy()
    return np.column_stack([np.where(known, 2 * np.nan_to_num(rank) - 1, 0.0), ~known]).astype(np.float64)


def _one_hot(cells: pd.Series) -> Array:
    """(rows, values) whether a cell has each of the most frequent values."""
    names = cells.astype(object).where(cells.notna(), None).map(str)
    found = names.value_counts().index[:MOST_VALUES]
    return (names.to_numpy(object)[:, None] == found.to_numpy(object)).astype(np.float64)
