"""Which rows meet: rows of each table against real rows of the same condition, no row twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from lookalike.arguments import is_column, listed, shown
from lookalike.errors import DataError, OptionError
from lookalike.seed import child
from lookalike.table.cells import text_column, written

REAL = "real"
EMPTY = "(missing)"
SOME = 2_000  # real rows whose values are known
ANY = ""  # the condition of rows that are to be nothing in particular


@dataclass(frozen=True)
class Pair:
    """Two rows that are compared.

    item: which of the real rows; the pairs of an item are not independent. one, other: their tables. texts:
    the two rows as they are shown. given: what both are to be. control: "" or how `other`, a real row, was
    damaged.
    """

    item: int
    one: str
    other: str
    texts: tuple[str, str]
    given: str
    control: str = ""

    @cached_property
    def key(self) -> str:
        """Twelve letters that name the pair by what is in it, so that answers of people find it again."""
        said = json.dumps([self.one, self.other, *self.texts, self.given, self.control])
        return f"p{hashlib.sha256(said.encode()).hexdigest()[:11]}"  # a letter first: no number to a reader


class Rows:
    """Tables as a judge reads them.

    tables: by name, the real one as "real". label: the column of the condition, or None. columns: what is
    shown of a row: those that all tables have. text: that with most words, or None.
    """

    def __init__(self, tables: Mapping[str, pd.DataFrame], label: Any) -> None:
        real = tables[REAL]
        for name, table in tables.items():
            if not len(table):
                raise DataError(f"the table '{name}' has no rows: there is nothing to judge.")
            if table.columns.has_duplicates:
                twice = table.columns[table.columns.duplicated()][0]
                raise DataError(f"the table '{name}' has the column {shown(twice)} twice: rename one.")
            if label is not None and not is_column(label, table.columns):
                raise OptionError(
                    f"the label {shown(label)} is not a column of the table '{name}': choose one of "
                    f"{listed(table.columns)}."
                )
        self.columns = [
            name
            for name in real.columns
            if name != label and all(name in table.columns for table in tables.values())
        ]
        if not self.columns:
            raise DataError(
                "the tables have no column in common that could be judged: "
                f"the real one has {listed(real.columns)}."
            )
        self.text = text_column(real[self.columns], set())
        self.label = label
        self._tables = {name: table[[*self.columns]] for name, table in tables.items()}
        self.given = {
            name: [ANY] * len(table)
            if label is None
            else [written(cell) or EMPTY for cell in table[label].tolist()]
            for name, table in tables.items()
        }

    def count(self, table: str) -> int:
        return len(self._tables[table])

    def cells(self, table: str, row: int) -> list[str | None]:
        """The cells of a row as text, None for missing ones, in the order of `columns`."""
        some = self._tables[table]
        return [written(some[name].iat[row]) for name in self.columns]

    def text_of(self, table: str, row: int) -> str:
        return self.said(self.cells(table, row))

    def said(self, cells: Sequence[str | None]) -> str:
        """Cells as a record to be read: the cell alone where there is one column, else a line for each."""
        plain = [EMPTY if cell is None else cell for cell in cells]
        if len(plain) == 1:
            return plain[0]
        return "\n".join(f"{name}: {cell}" for name, cell in zip(self.columns, plain, strict=True))

    @cached_property
    def known(self) -> list[set[str | None]]:
        """The values of each column in the first real rows."""
        some = self._tables[REAL].head(SOME)
        return [{written(cell) for cell in some[name].tolist()} for name in self.columns]

    def condition(self, given: str) -> str:
        """A condition in words."""
        return "" if self.label is None else f"{self.label} = {given}"


def draw(rows: Rows, names: Sequence[str], pairs: int, between: bool, seed: int) -> list[Pair]:
    """At most `pairs` pairs of each table with real rows; between: the tables' rows meet one another, too.

    Real rows come in an order by chance; each meets the next row of every table that has one of the same
    condition left. So a class of which a table has few rows has few pairs.
    """
    left: dict[str, dict[str, list[int]]] = {}
    for name in names:
        queues: dict[str, list[int]] = {}
        for row in child(seed, "judge", "rows", name).permutation(rows.count(name)).tolist():
            queues.setdefault(rows.given[name][row], []).append(row)
        left[name] = queues
    found: list[Pair] = []
    count = dict.fromkeys(names, 0)
    for item in child(seed, "judge", "real").permutation(rows.count(REAL)).tolist():
        if min(count.values()) >= pairs:
            break
        condition = rows.given[REAL][item]
        meets = [name for name in names if count[name] < pairs and left[name].get(condition)]
        drawn = {name: rows.text_of(name, left[name][condition].pop()) for name in meets}
        given = rows.condition(condition)
        for name in meets:
            count[name] += 1
            found.append(Pair(item, REAL, name, (rows.text_of(REAL, item), drawn[name]), given))
        for at, name in enumerate(meets if between else ()):
            found += [
                Pair(item, name, other, (drawn[name], drawn[other]), given) for other in meets[at + 1 :]
            ]
    if not found:
        raise DataError(
            f"no row of the tables has a label that a real row has: check the column '{rows.label}'."
        )
    return found


def sample_of(rows: Rows, table: str, most: int, seed: int) -> list[int]:
    """The rows of a table that are rated."""
    order = child(seed, "judge", "rated", table).permutation(rows.count(table))
    return np.sort(order[:most]).tolist()
