"""Synthetic rows beside the real ones that are nearest to them: what a person looks at first."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.evaluate import shown
from lookalike.evaluate.columns import ComparedColumn
from lookalike.evaluate.section import Beside, Section
from lookalike.evaluate.view import View

Array = npt.NDArray[Any]

PAIRS = 4  # synthetic rows that are shown, the first ones
MOST = 100_000  # real rows that are looked through, the first ones
COLUMNS = 40  # of a pair that are shown, at most


def measure(view: View) -> Section:
    """The first synthetic rows, each with its nearest real row by Gower's distance.

    Without `show_real` no cell of a real row is told: the cells that are usual one by one are a person when
    they stand side by side.
    """
    columns = [column for column in view.columns if column.kind != "id" and column.parts]
    if not columns:
        return Section()
    made = np.arange(min(PAIRS, view.rows["synthetic"]))
    apart = np.zeros((len(made), min(MOST, view.rows["real"])))
    for column in columns:
        apart += distances(column, made, apart.shape[1])
    nearest = apart.argmin(axis=1)
    equal = np.array([one.identity["synthetic"][made] == one.identity["real"][nearest] for one in columns])
    some = columns[:COLUMNS]
    real = shown.rows(view.tables["real"], some, nearest, True).data if view.show_real else None
    return Section(
        beside=Beside(
            [str(column.name) for column in some],
            shown.rows(view.tables["synthetic"], some, made, view.show_real).data,
            real,
            equal[:COLUMNS].T.tolist() if view.show_real else None,
            [int(row.sum()) for row in equal.T],
            len(columns),
            apart.shape[1],
        )
    )


def distances(column: ComparedColumn, made: Array, rows: int) -> Array:
    """(synthetic rows, real rows) 0..1: of numbers and dates the share of real rows between them, of others
    whether they differ.

    made: numbers of synthetic rows. rows: the first real rows.
    """
    ours, theirs = column.identity["synthetic"][made], column.identity["real"][:rows]
    part = column.parts[0]
    if part.values is None or column.kind == "text":
        return np.asarray(ours[:, None] != theirs[None], dtype=float)
    known = np.sort(part.values["real"][~np.isnan(part.values["real"])])
    own, real = (
        (np.searchsorted(known, v, "left") + np.searchsorted(known, v, "right")) / 2 / max(len(known), 1)
        for v in (part.values["synthetic"][made], part.values["real"][:rows])
    )
    own[ours < 0], real[theirs < 0] = np.nan, np.nan
    found = np.abs(own[:, None] - real[None])
    return np.where(np.isnan(found), (ours[:, None] != theirs[None]).astype(float), found)
