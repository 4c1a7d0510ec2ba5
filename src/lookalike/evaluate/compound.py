"""Columns of several numbers or words in a cell are compared member by member."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.table import compound
from lookalike.table.inferring import describe
from lookalike.table.missing import masked
from lookalike.table.schema import Schema


@dataclass(frozen=True)
class Member:
    """Where a compared column comes from: a column of the table, its format, and which of its members."""

    column: Any
    format: str
    at: int

    def of(self, series: pd.Series) -> pd.Series:
        """The member of the cells of the column."""
        part = compound.split(_cells(series), self.format)[self.at]
        return pd.Series(part, index=series.index, dtype=object)


def members(
    tables: Mapping[str, pd.DataFrame], schema: Schema, whole: Any = None
) -> tuple[dict[str, pd.DataFrame], Schema, dict[Any, Member]]:
    """The tables with a column for each member of a compound in its place, their schema, and where the new
    columns come from. whole: a column that is left as it is.
    """
    wanted = [c for c in schema.columns if c.kind == "compound" and c.name != whole]
    if not wanted:
        return dict(tables), schema, {}
    out: dict[str, dict[Any, pd.Series]] = {title: {} for title in tables}
    columns, found = [], {}
    for column in schema.columns:
        own = [column]
        if column in wanted:
            compound.check_format(column)
            own = compound.columns_of(column)
            for at, one in enumerate(own):
                while one.name in schema.names:
                    one.name += "'"
                found[one.name] = Member(column.name, str(column.format), at)
        columns += own
        for title, table in tables.items():
            cells = masked(table, column, schema)
            for one in own:
                out[title][one.name] = found[one.name].of(cells) if one.name in found else table[one.name]
        for one in own:
            if one.name in found:
                one.nullable = True
                describe(out["real"][one.name].dropna(), one)
    made = {title: pd.DataFrame(cells, index=tables[title].index) for title, cells in out.items()}
    return made, replace(schema, columns=columns), found


def _cells(series: pd.Series) -> npt.NDArray[np.object_]:
    return series.astype(object).where(series.notna(), None).to_numpy(object)
