"""Checks of single rows: each gives decisions on the rows that it would drop, with score and limit.

With a real table, limits are what its rows allow (`texts/measures.py`); without one they are absolute, and
checks that need real rows are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.arguments import brief
from lookalike.codec.ticks import dates, numbers
from lookalike.errors import SchemaError
from lookalike.rules import rules_of
from lookalike.rules.holds import holds
from lookalike.rules.values import Values
from lookalike.table.column import Column
from lookalike.table.kind_groups import DATE, NUMBER
from lookalike.table.schema import Schema
from lookalike.texts.apart import check_apart
from lookalike.texts.checks import TEXT_CHECKS, Hit, TextChecks
from lookalike.texts.inside import texts_inside
from lookalike.texts.measures import limits
from lookalike.texts.syntax import PARSERS

Array = npt.NDArray[Any]
Decision = dict[str, Any]
Check = Callable[["Rows"], Iterator[Decision]]

ALWAYS = 0.995  # share of the real texts that parse, from which all synthetic ones have to


@dataclass
class Rows:
    """What is checked: the synthetic rows, and the real ones where there are some.

    schema: of the real table, or of the synthetic one. texts: the columns of text that are looked at. label:
    the column of labels. sentences: columns that only seem to be categories, as a few sentences come again
    and again: checked one by one as texts are, but not for repeats.
    """

    synthetic: pd.DataFrame
    real: pd.DataFrame | None
    schema: Schema
    texts: list[Any]
    label: Any = None
    sentences: list[Any] = field(default_factory=list)

    def text(self, name: Any) -> tuple[list[int], list[str]]:
        """The rows of the synthetic table that have a text in the column, and the texts."""
        return self._read["synthetic", name]

    def compared(self, name: Any) -> tuple[list[int], list[str]]:
        """The rows of the synthetic table that have a text to compare with others in the column, and the
        texts: of JSON those that it holds. JSON without any is of `duplicates.exact` alone.
        """
        return self._inside("synthetic", self.synthetic, name)

    def compared_real(self, name: Any) -> list[str]:
        """As the texts of `compared`, of the real table; [] without one."""
        return [] if self.real is None else self._inside("real", self.real, name)[1]

    def _inside(self, title: str, table: pd.DataFrame, name: Any) -> tuple[list[int], list[str]]:
        """`_read`, but of JSON the texts that it holds; looked for once."""
        if self.schema[name].kind != "json":
            return self._read[title, name]
        if (title, name) not in self._held:
            at, _ = self._read[title, name]
            told = [texts_inside(table[name].iloc[row]) for row in at]
            some = [(row, one) for row, one in zip(at, told, strict=True) if one is not None]
            self._held[title, name] = [row for row, _ in some], [one for _, one in some]
        return self._held[title, name]

    def real_text(self, name: Any) -> list[str]:
        """The real texts of a column; [] without a real table."""
        return [] if self.real is None else self._read["real", name][1]

    def check_apart(self, names: Sequence[str], workers: int | None, progress: bool) -> None:
        """These of `TEXT_CHECKS` by several processes, where there are texts enough (`texts/apart.py`)."""
        for column in [*self.texts, *self.sentences]:
            found = check_apart(self.judge(column), names, self.text(column)[1], workers, progress)
            self._apart |= {(name, column): hits for name, hits in (found or {}).items()}

    def hits(self, name: str, column: Any) -> Iterator[tuple[int, Hit]]:
        """The rows of the synthetic table whose text fails one of `TEXT_CHECKS`, and how."""
        numbers, texts = self.text(column)
        if (name, column) in self._apart:
            return ((numbers[at], hit) for at, hit in self._apart[name, column])
        each = zip(numbers, self.judge(column).each(name, texts), strict=True)
        return ((row, hit) for row, hit in each if hit is not None)

    def judge(self, name: Any) -> TextChecks:
        """The checks of the texts of a column, with the limits of its real texts."""
        if name not in self._judges:
            prose = self.schema[name].kind == "text" or name in self.sentences
            self._judges[name] = TextChecks(self.real_text(name), prose)
        return self._judges[name]

    @cached_property
    def _apart(self) -> dict[tuple[str, Any], list[tuple[int, Hit]]]:
        return {}

    @cached_property
    def _judges(self) -> dict[Any, TextChecks]:
        return {}

    @cached_property
    def _held(self) -> dict[tuple[str, Any], tuple[list[int], list[str]]]:
        return {}

    @cached_property
    def _read(self) -> dict[tuple[str, Any], tuple[list[int], list[str]]]:
        """The texts of each table and column, which every check looks at."""
        tables = {"synthetic": self.synthetic, **({} if self.real is None else {"real": self.real})}
        names = [*self.texts, *self.sentences]
        return {(title, name): _texts(table[name]) for title, table in tables.items() for name in names}

    @cached_property
    def others(self) -> list[Column]:
        """The columns that hold no texts, and are no ids."""
        return [column for column in self.schema.columns if column.name not in self.texts]


def _texts(series: pd.Series) -> tuple[list[int], list[str]]:
    present = series.notna().to_numpy(bool)
    return np.flatnonzero(present).tolist(), [str(cell) for cell in series[present].tolist()]


def of_text(name: str) -> Check:
    """The check of one of `TEXT_CHECKS`, over all columns of text."""

    def check(rows: Rows) -> Iterator[Decision]:
        for column in [*rows.texts, *rows.sentences]:
            for row, hit in rows.hits(name, column):
                drop = _drop(row, name, column, hit.reason, hit.score, hit.limit)
                yield drop if hit.value is None else drop | {"value": hit.value}

    return check


def parses(rows: Rows) -> Iterator[Decision]:
    """Code and JSON that does not parse, where that of the real rows does."""
    for column in rows.schema.columns:
        form = "json" if column.kind == "json" and column.python != "json" else column.language
        if column.name not in rows.texts or column.kind == "text" or form not in PARSERS:
            continue
        test, real = PARSERS[form], rows.real_text(column.name)
        if real and np.mean([test(text) for text in real]) < ALWAYS:
            continue
        for row, text in zip(*rows.text(column.name), strict=True):
            if not test(text):
                yield _drop(row, "parses", column.name, f"it does not parse as {form}")


def missing(rows: Rows) -> Iterator[Decision]:
    """Cells that are missing, or texts of nothing but space, in columns in which no real one is."""
    if rows.real is None:
        return
    for column in rows.schema.columns:
        if not _gone(rows.real[column.name]).any():
            for row in np.flatnonzero(_gone(rows.synthetic[column.name])):
                yield _drop(int(row), "missing", column.name, f"column '{column.name}' is empty")


def value_range(rows: Rows) -> Iterator[Decision]:
    """Numbers and dates beyond what the real ones allow."""
    if rows.real is None:
        return
    for column in rows.others:
        if not column.is_number_or_date:
            continue
        values, _ = read_numbers(rows.real[column.name], column)
        if not np.isfinite(values).any():
            continue
        low, high = limits(values[np.isfinite(values)])
        own, odd = read_numbers(rows.synthetic[column.name], column)
        beyond = ((own < low) | (own > high)) & ~(np.isinf(own) & np.isin(own, values))
        for row in np.flatnonzero(odd | beyond):
            cell, below = rows.synthetic[column.name].iloc[row], own[row] < low
            none = f"no {READ[column.kind][1]}" + (" as real ones are written" if column.formats else "")
            what = none if odd[row] else f"{'below' if below else 'above'} what is real"
            reason = f"{brief(cell)} in column '{column.name}' is {what}"
            yield _drop(int(row), "range", column.name, reason, own[row], low if below else high)


def unknown(rows: Rows) -> Iterator[Decision]:
    """Categories that no real row has."""
    if rows.real is None:
        return
    for column in rows.others:
        if column.is_categorical or column.kind == "constant":
            known = set(rows.real[column.name].dropna().map(str))
            cells = rows.synthetic[column.name]
            there = cells.notna()
            for row in np.flatnonzero(there & ~cells.map(str).isin(list(known))):
                reason = f"{brief(cells.iloc[row])} in column '{column.name}' is no real value"
                yield _drop(int(row), "unknown", column.name, reason)


def rules_broken(rows: Rows) -> Iterator[Decision]:
    """Rows that break a rule between columns which all real rows keep."""
    if rows.real is None:
        return
    table = rows.synthetic.reset_index(drop=True)
    own = Values(table, rows.schema)
    real = Values(rows.real.reset_index(drop=True), rows.schema)
    for rule in rules_of(rows.real, rows.schema):
        if holds(rule, real, real)[0].all():
            for row in np.flatnonzero(~holds(rule, own, real)[0]):
                yield _drop(int(row), "rules", None, f"it breaks the rule '{rule.words}'")


CHECKS: dict[str, Check] = {
    "missing": missing,
    **{name: of_text(name) for name in TEXT_CHECKS if name != "copy"},
    "parses": parses,
    "range": value_range,
    "unknown": unknown,
    "rules": rules_broken,
    "copy": of_text("copy"),
}
READ = {NUMBER: (numbers.to_ticks, "number"), DATE: (dates.to_ticks, "date")}


def _drop(
    row: int, check: str, column: Any, reason: str, score: float = np.nan, limit: float = np.nan
) -> Decision:
    facts = {"row": row, "check": check, "column": column, "score": score, "limit": limit}
    return {**facts, "action": "drop", "reason": reason}


def _gone(series: pd.Series) -> Array:
    gone = series.isna().to_numpy(bool)
    if series.dtype == object or pd.api.types.is_string_dtype(series.dtype):
        gone = gone | series.map(lambda cell: isinstance(cell, str) and not cell.strip()).to_numpy(bool)
    return gone


def read_numbers(series: pd.Series, column: Column) -> tuple[Array, Array]:
    """(rows,) float64 that can be compared, nan where there is none; and whether a cell cannot be read, of
    a column that has formats as one of these."""
    read = READ[column.kind][0]
    try:
        ticks, marks = read(series, column)
        odd = np.zeros(len(series), dtype=bool)
    except (SchemaError, ValueError, TypeError):  # some cell is at fault: one by one
        odd = series.notna().to_numpy(bool) & ~series.map(lambda cell: _can(read, cell, series, column))
        ticks, marks = read(series.mask(odd).infer_objects(), column)
    marks = np.asarray(marks)
    values = np.where(marks == 0, ticks.astype(np.float64), np.nan)
    values[marks == numbers.BELOW], values[marks == numbers.ABOVE] = -np.inf, np.inf
    return values, odd | (marks == numbers.UNREAD)


def _can(read: Any, cell: Any, series: pd.Series, column: Column) -> bool:
    try:
        read(pd.Series([cell], dtype=series.dtype), column)
    except (SchemaError, ValueError, TypeError):
        return False
    return True
