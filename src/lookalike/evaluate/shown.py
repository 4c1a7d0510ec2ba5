"""Rows of the synthetic table as text, in a report that may travel further than the real table.

A value is shown as it is where at least five real rows have it. Any other, a new one too, is shown as a range
of the column's drawing (a number or date with an order) or hidden: so neither a rare real value can be read
here, nor which values of the synthetic table are real.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.evaluate.columns import ComparedColumn
from lookalike.evaluate.page.histogram import RARE, ranges
from lookalike.evaluate.section import Rows

Array = npt.NDArray[Any]

HIDDEN = "…"


def rows(table: pd.DataFrame, columns: list[ComparedColumn], numbers: Array, show_real: bool) -> Rows:
    """Rows of cells as text, missing as ""; numbers: which rows of the synthetic table.

    columns: of the whole tables. show_real: every value is shown as it is.
    """
    cells = [_cells(_column(table, column).iloc[numbers], column, numbers, show_real) for column in columns]
    return Rows([str(column.name) for column in columns], [list(row) for row in zip(*cells, strict=True)])


def _column(table: pd.DataFrame, column: ComparedColumn) -> pd.Series:
    if column.member is None:
        return table[column.name]
    return column.member.of(table[column.member.column])


def _cells(some: pd.Series, column: ComparedColumn, numbers: Array, show_real: bool) -> list[str]:
    plain = ["" if gone else str(value) for value, gone in zip(some.astype(object), some.isna(), strict=True)]
    if show_real:
        return plain
    real, codes = column.identity["real"], column.identity["synthetic"][numbers]
    times = np.bincount(real[real >= 0], minlength=int(codes.max(initial=0)) + 1)
    common = (codes >= 0) & (times[codes] >= RARE)
    other = [HIDDEN] * len(plain)
    if column.is_number_or_date and column.parts[0].ordered:
        drawn = column.take({"real": np.arange(len(real)), "synthetic": numbers})
        other = [text or HIDDEN for text in ranges(drawn, "synthetic")]
    return [
        text if known or not text else less for text, known, less in zip(plain, common, other, strict=True)
    ]
