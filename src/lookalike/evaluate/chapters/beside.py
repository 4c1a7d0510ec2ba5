"""Synthetic rows beside the real ones that are nearest to them: what a person looks at first."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.evaluate import shown
from lookalike.evaluate.columns import ComparedColumn
from lookalike.evaluate.section import Beside, Pairs, Section
from lookalike.evaluate.view import View

Array = npt.NDArray[Any]

PAIRS = 4  # synthetic rows that are shown, the first ones
LOOKED_AT = 200  # rows whose agreement with their nearest real row is measured, the first ones
MOST = 20_000  # real rows that are looked through, the first ones
COLUMNS = 40  # of a pair that are shown, at most


def measure(view: View) -> Section:
    """The first synthetic rows, each with its nearest real row by Gower's distance; in how many columns rows
    agree with their nearest real row, in the median, beside the holdout's.

    Without `show_real` no pair is told: cells that are usual one by one are a person when they stand side by
    side, and whoever has the synthetic table must not learn which of its rows is nearly a real one.
    """
    columns = [column for column in view.columns if not column.is_made and column.parts]
    if not columns:
        return Section()
    rows = min(MOST, view.rows["real"])
    found = {
        table: nearest(columns, table, min(LOOKED_AT, view.rows[table]), rows)
        for table in view.rows
        if table != "real"
    }
    median = {table: float(np.median(equal.sum(0))) for table, (_, equal) in found.items()}
    near, equal = (each[..., :PAIRS] for each in found["synthetic"])
    some = columns[:COLUMNS]
    pairs = None
    if view.show_real:
        made = shown.rows(view.tables["synthetic"], some, np.arange(len(near)), True).data
        real = shown.rows(view.tables["real"], some, near, True).data
        agree = [int(row.sum()) for row in equal.T]
        pairs = Pairs(made, real, equal[:COLUMNS].T.tolist(), agree)
    return Section(beside=Beside([str(column.name) for column in some], median, len(columns), rows, pairs))


def nearest(columns: list[ComparedColumn], table: str, n: int, rows: int) -> tuple[Array, Array]:
    """((n,) the nearest of the first real rows to each of the first n rows of a table, (columns, n) whether
    they are equal there)."""
    apart = np.zeros((n, rows))
    for column in columns:
        apart += distances(column, table, n, rows)
    near = apart.argmin(axis=1)
    return near, np.array([one.identity[table][:n] == one.identity["real"][near] for one in columns])


def distances(column: ComparedColumn, table: str, n: int, rows: int) -> Array:
    """(n, rows) 0..1: of numbers and dates the share of real rows between them, of others
    whether they differ.
    """
    ours, theirs = column.identity[table][:n], column.identity["real"][:rows]
    part = column.parts[0]
    if part.values is None or column.is_textual:
        return np.asarray(ours[:, None] != theirs[None], dtype=float)
    known = np.sort(part.values["real"][~np.isnan(part.values["real"])])
    own, real = (
        (np.searchsorted(known, v, "left") + np.searchsorted(known, v, "right")) / 2 / max(len(known), 1)
        for v in (part.values[table][:n], part.values["real"][:rows])
    )
    own[ours < 0], real[theirs < 0] = np.nan, np.nan
    found = np.abs(own[:, None] - real[None])
    return np.where(np.isnan(found), (ours[:, None] != theirs[None]).astype(float), found)
