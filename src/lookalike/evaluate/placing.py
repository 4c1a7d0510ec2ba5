"""Rows of tables that come one after the other as points of one space, which two tables have fixed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.errors import DataError
from lookalike.evaluate import compound
from lookalike.evaluate.columns import check_table, described_as, flattened, read_as
from lookalike.evaluate.space import Axis

Array = npt.NDArray[Any]

HEAD = 50  # real rows that a table is read with, for their dtypes


class Space:
    """The points of `space.py`: ranks among the real numbers, the corners of the categories and the pieces of
    texts are those of the real table and of a sample of the others. A category that neither has lies where
    all rare ones do.
    """

    def __init__(self, real: pd.DataFrame, sample: pd.DataFrame, seed: int) -> None:
        """Raises DataError where the tables do not fit, or all columns are unique ids."""
        for title, table in (("real", real), ("synthetic", sample)):
            check_table(title, table, real)
        self._own = described_as(real, None, (), None)
        plain = flattened({"real": real, "synthetic": sample})
        tables, self._described, self._members = compound.members(plain, self._own)
        columns = read_as(tables, self._described)
        self._axes = [None if one.is_made else Axis.of(one, seed) for one in columns]
        if not any(self._axes):
            raise DataError(
                "every column holds unique ids, which have no distribution: name the column of text."
            )
        self._head = plain["real"].head(HEAD)

    def __call__(self, table: pd.DataFrame) -> Array:
        """(rows, dims) float32. Raises DataError where the table has other columns, or most values of one do
        not fit it.
        """
        check_table("synthetic", table, self._head)
        tables = flattened({"real": self._head, "synthetic": table[list(self._head.columns)]})
        if self._members:
            tables = compound.apart(tables, self._own, self._described, self._members)
        columns = read_as(tables, self._described)
        pairs = zip(columns, self._axes, strict=True)
        return np.concatenate([axis(one, "synthetic") for one, axis in pairs if axis is not None], axis=1)
