"""Columns of several numbers, words or items in a cell are compared member by member."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.table import compound, lists, ranges
from lookalike.table.column import Column
from lookalike.table.inferring import describe
from lookalike.table.kind_groups import SEVERAL
from lookalike.table.missing import masked
from lookalike.table.schema import Schema

_ROOMS = {"compound": compound, "range": ranges, "list": lists}


@dataclass(frozen=True)
class Member:
    """Where a compared column comes from: a column of the table, its format, and which of its members.

    whole: of a list, the column itself.
    """

    column: Any
    format: tuple[str, ...]
    at: int
    whole: Column | None = None

    def of(self, series: pd.Series) -> pd.Series:
        """The member of the cells of the column."""
        cells = _cells(series)
        if self.whole is not None:
            part = lists.parts(cells, self.whole)[self.at]
        elif ranges.layout(self.format[0]) is None:
            part = compound.split(cells, self.format[0])[self.at]
        else:
            part = ranges.read(cells, self.format)[self.at]
        return pd.Series(part, index=series.index, dtype=object)


def members(
    tables: Mapping[str, pd.DataFrame], schema: Schema, whole: Any = None
) -> tuple[dict[str, pd.DataFrame], Schema, dict[Any, Member]]:
    """The tables with a column for each member of a compound in its place, their schema, and where the new
    columns come from. whole: a column that is left as it is.
    """
    wanted = [c for c in schema.columns if c.kind in SEVERAL and c.name != whole]
    if not wanted:
        return dict(tables), schema, {}
    columns, found = [], {}
    for column in schema.columns:
        own = [column]
        if column in wanted:
            room: Any = _ROOMS[column.kind]
            room.check_format(column)
            own = room.columns_of(column)
            for at, one in enumerate(own):
                while one.name in schema.names:
                    one.name += "'"
                one.personal = column.personal
                found[one.name] = Member(
                    column.name, tuple(column.formats), at, column if room is lists else None
                )
        columns += own
    made = apart(tables, schema, replace(schema, columns=columns), found)
    for one in columns:
        if one.name in found:
            one.nullable = True
            describe(made["real"][one.name].dropna(), one)
    return made, replace(schema, columns=columns), found


def apart(
    tables: Mapping[str, pd.DataFrame], schema: Schema, described: Schema, found: Mapping[Any, Member]
) -> dict[str, pd.DataFrame]:
    """The tables with the columns of `described`, as `members` has found them; schema: their own."""
    made = {}
    for title, table in tables.items():
        cells = {}
        for name in described.names:
            member = found.get(name)
            if member is None:
                cells[name] = table[name]
            else:
                cells[name] = member.of(masked(table, schema[member.column], schema))
        made[title] = pd.DataFrame(cells, index=table.index)
    return made


def _cells(series: pd.Series) -> npt.NDArray[np.object_]:
    return series.astype(object).where(series.notna(), None).to_numpy(object)
