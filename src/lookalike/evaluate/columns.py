"""Reads a column of the real, the synthetic and the holdout table into arrays that every metric can compare.

A column has one or more *parts* (`parts.py`): a number, a category or a date has one that is compared; a text
is compared by its length, its number of words and its letters. Dates and texts have more parts that only the
detector looks at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.errors import DataError, OptionError, SchemaError
from lookalike.evaluate import compound
from lookalike.evaluate.compound import Member
from lookalike.evaluate.parts import Part, clock_parts, ordered_part, prose, text_parts, unordered_part
from lookalike.evaluate.values import formatted_numbers, is_nan, moments, numbers, spans, strings
from lookalike.table import inferring
from lookalike.table.column import Column, without_exceptions
from lookalike.table.kind_groups import TEXTUAL, OfAKind
from lookalike.table.missing import masked
from lookalike.table.nested import flat, holds_values
from lookalike.table.schema import Schema, check_kind, given_schema

Array = npt.NDArray[Any]

MISSING, UNREADABLE = -1, -2  # in `ComparedColumn.identity`
READ_AS_TEXT = (
    *TEXTUAL,
    "category",
    "compound",
    "range",
    "list",
    "id",
)  # kinds that can be named as the column of text


@dataclass
class ComparedColumn(OfAKind):
    """A column of all tables as its kind and its parts; the first `compared` parts make its shape error.

    kind: a number, datetime, category, text or id; other kinds are compared as one of these.
    identity: table -> int64 (rows,): equal where the values are; MISSING or UNREADABLE below 0.
    texts: of a text, what the codes of `identity` stand for; labels: of an id, the same.
    words: of a text, the mean number of words if it is prose; else 0.
    personal: it looks as if it named persons. pattern, check: of an id, what its strings look like.
    member: of a compound, which of its members it is.
    """

    name: Any
    kind: str
    parts: list[Part]
    identity: dict[str, Array]
    compared: int = 1
    integer: bool = False
    notes: list[str] = field(default_factory=list)
    texts: Array | None = None
    labels: Array | None = None
    words: float = 0.0
    personal: bool = False
    pattern: str | None = None
    check: str | None = None
    member: Member | None = None

    def take(self, rows: Mapping[str, Array]) -> ComparedColumn:
        """The same column with the given row numbers of the tables that are named, without the others.

        A holdout where there was none is made of rows of the real table.
        """

        def pick(arrays: dict[str, Array]) -> dict[str, Array]:
            return {table: arrays.get(table, arrays["real"])[numbers] for table, numbers in rows.items()}

        parts = [
            replace(p, codes=pick(p.codes), values=None if p.values is None else pick(p.values))
            for p in self.parts
        ]
        return replace(self, parts=parts, identity=pick(self.identity))


def read_columns(
    tables: Mapping[str, pd.DataFrame],
    text: str | None = None,
    ids: Collection[Any] = (),
    schema: Schema | None = None,
    target: Any = None,
) -> list[ComparedColumn]:
    """Every column of tables["real"], with the same columns of the others.

    The kinds come from the real table, or from the schema where one is given; text: a column that is read as
    text whatever it looks like; ids: those of keys and of made-up values. A compound is read as a column for
    each of its members, unless it is the target. What the schema declares missing is missing, and what it
    drops is left out. A number or a date that cannot be read is UNREADABLE.

    Raises DataError where a table has no rows, lacks a column, has one more, or where most values of
    a column do not fit its kind; OptionError where `text` holds no texts; SchemaError for a schema that does
    not fit the real table.
    """
    tables = without_dropped(tables, schema)
    for title, table in tables.items():
        check_table(title, table, tables["real"])
    inferring.check_table(tables["real"], "the real table")
    tables = flattened(tables)
    described = _as_asked(_described(tables["real"], schema), text, ids)
    tables, described, members = compound.members(tables, described, target)
    return [replace(one, member=members.get(one.name)) for one in read_as(tables, described)]


def joined(columns: list[ComparedColumn], tables: Mapping[str, pd.DataFrame]) -> list[ComparedColumn]:
    """The columns with each compound as it stands in the tables, in place of its members: a person is known
    by the whole name. A cell without any member is missing.
    """
    out: dict[Any, ComparedColumn] = {}
    for column in columns:
        if column.member is None or column.member.column in out:
            out.setdefault(column.name if column.member is None else column.member.column, column)
            continue
        name = column.member.column
        members = [one for one in columns if one.member is not None and one.member.column == name]
        cells = {}
        for table in column.identity:
            texts, gone = strings(tables[table][name])
            none = np.all([one.identity[table] == MISSING for one in members], axis=0)
            cells[table] = texts, gone | none
        whole = unordered_part("", cells)
        out[name] = ComparedColumn(name, "category", [whole], whole.codes, personal=column.personal)
    return list(out.values())


def read_as(tables: Mapping[str, pd.DataFrame], described: Schema) -> list[ComparedColumn]:
    """The columns of a schema, of tables whose lists and objects are JSON text. Errors as of
    `read_columns`.
    """
    columns = []
    for column in described.columns:
        cells = {t: masked(table, column, described) for t, table in tables.items()}
        columns.append(replace(_read(column, cells), personal=column.personal is not None))
    return columns


def described_as(real: pd.DataFrame, text: str | None, ids: Collection[Any], schema: Schema | None) -> Schema:
    """How the columns of a real table are read, for tables that are read one after the other by `read_as`.

    The arguments and errors are those of `read_columns`.
    """
    inferring.check_table(real, "the real table")
    return _as_asked(_described(flattened({"real": real})["real"], schema), text, ids)


def _as_asked(described: Schema, text: str | None, ids: Collection[Any]) -> Schema:
    """The schema with the column that is read as text, and those that are ids."""
    if text is not None:
        kind = described[text].kind
        if kind not in READ_AS_TEXT:
            raise OptionError(
                f"column '{text}' holds no texts but is of kind {kind}: name a column of texts."
            )
        described[text].kind = "text"
    for name in ids:
        described[name].kind = "id"
    return described


def without_dropped(tables: Mapping[str, pd.DataFrame], schema: Schema | None) -> dict[str, pd.DataFrame]:
    """The tables without the columns that the schema drops, whichever tables have them.

    Raises SchemaError where `schema` is no Schema.
    """
    schema = given_schema(schema)
    dropped = [] if schema is None else schema.dropped
    return {title: table.drop(columns=dropped, errors="ignore") for title, table in tables.items()}


def _described(real: pd.DataFrame, given: Schema | None) -> Schema:
    """The kinds of the real table and what reading them takes, in its order: declared, or else inferred.

    A schema may have more columns than are compared: those that no table has are ignored.
    """
    missing = () if given is None else given.missing
    schema = inferring.infer(real, missing, source="the real table")
    if given is None:
        return schema
    absent = [str(name) for name in real.columns if name not in given.names]
    if absent:
        raise SchemaError(
            f"the schema has no column {_names(absent)}, which the real table has: add it to the schema, or "
            "infer the schema of this table."
        )
    return replace(schema, columns=[_declared(own, given[own.name], real, schema) for own in schema.columns])


def _declared(own: Column, given: Column, real: pd.DataFrame, schema: Schema) -> Column:
    """The inferred column with what was declared of it; raises SchemaError where its values contradict it."""
    check_kind(given)
    column = replace(
        own,
        kind=given.kind,
        format=own.format if given.format is None else given.format,
        personal=own.personal if given.personal is None else given.personal,
    )
    redeclared = (column.kind, column.format) != (own.kind, own.format)
    if column.is_number_or_date and redeclared:
        inferring.describe(masked(real, own, schema).dropna(), column)
    return column


def flattened(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables with JSON text in the columns where any of them has lists or objects."""
    names = [n for n in tables["real"].columns if any(holds_values(table[n]) for table in tables.values())]
    out = {title: table.copy(deep=False) for title, table in tables.items()}
    for table in out.values():
        for name in names:
            table[name] = table[name].astype(object).map(flat)
    return out


def check_table(title: str, table: pd.DataFrame, real: pd.DataFrame) -> None:
    """Raises DataError unless it has rows and exactly the columns of the real one."""
    doubled = table.columns[table.columns.duplicated()]
    if len(doubled):
        raise DataError(f"the {title} table has two columns named '{doubled[0]}': rename one.")
    alike = table.columns[pd.Series(map(str, table.columns)).duplicated().to_numpy()]
    if len(alike):
        raise DataError(
            f"the {title} table has two columns written '{alike[0]}', as number and text: rename one."
        )
    if not len(table) or not len(table.columns):
        what = "columns" if len(table) else "rows"
        raise DataError(f"the {title} table has no {what}: give a table that has some.")
    absent = [str(name) for name in real.columns if name not in table.columns]
    if absent:
        raise DataError(
            f"the {title} table has no column {_names(absent)}: it needs those of the real table."
        )
    extra = [str(name) for name in table.columns if name not in real.columns]
    if extra:
        raise DataError(
            f"the {title} table has the column {_names(extra)}, which the real table lacks: drop it."
        )


def _names(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names[:5]) + (
        f" and {len(names) - 5} more" if len(names) > 5 else ""
    )


def _read(column: Column, series: dict[str, pd.Series]) -> ComparedColumn:
    notes = _dtype_notes(column.name, series)
    if column.is_number_or_date:
        return _read_ordered(column, series, notes)
    made = column.is_made
    words = {table: strings(without_exceptions(s, column) if made else s) for table, s in series.items()}
    whole = unordered_part("", words)
    if made:
        return ComparedColumn(
            column.name,
            "id",
            [],
            whole.codes,
            compared=0,
            notes=notes,
            labels=whole.labels,
            pattern=column.pattern,
            check=column.check,
        )
    if column.is_textual:
        mean = prose(words["real"]) if column.kind == "text" else 0.0
        return ComparedColumn(
            column.name,
            "text",
            text_parts(words),
            whole.codes,
            compared=3,
            notes=notes,
            texts=whole.labels,
            words=mean,
        )
    return ComparedColumn(column.name, "category", [whole], whole.codes, notes=notes)


def _read_ordered(column: Column, series: dict[str, pd.Series], notes: list[str]) -> ComparedColumn:
    """A column of numbers or of moments; what cannot be read is UNREADABLE, and noted."""
    number = column.is_number
    odd = {t: np.zeros(len(s), dtype=np.int64) for t, s in series.items()}
    if number and column.formats:
        cells = {t: formatted_numbers(s, column) for t, s in series.items()}
        read = {t: (values, gone) for t, (values, gone, _) in cells.items()}
        odd = {t: own for t, (_, _, own) in cells.items()}
    elif number:
        span = series["real"].dtype.kind == "m"
        read = {t: numbers(spans(s, series["real"]) if span else s) for t, s in series.items()}
    else:
        read = {t: moments(s, column) for t, s in series.items()}
        for t, s in series.items():
            for place, cell in enumerate(column.exceptions or []):
                odd[t][(s.astype(object) == cell).to_numpy(bool)] = place + 1
    wrong = {t: read[t][1] & (odd[t] == 0) & s.notna().to_numpy(bool) & ~is_nan(s) for t, s in series.items()}
    notes = notes + [_unread(t, s, wrong[t], column.kind) for t, s in series.items() if wrong[t].any()]
    part = ordered_part("", read)
    codes = {t: np.where(wrong[t], UNREADABLE, part.codes[t]) for t in series}
    parts = [part]
    if any(own.any() for own in odd.values()):  # the exceptions are values, too
        codes = {t: np.where(odd[t] > 0, part.support + odd[t], codes[t]) for t in series}
        parts.append(unordered_part("exception", {t: (own.astype(str), own < 0) for t, own in odd.items()}))
    return ComparedColumn(
        column.name,
        column.kind,
        parts if number else [*parts, *clock_parts(read)],
        codes,
        compared=len(parts),
        integer=number and column.integer,
        notes=notes,
    )


def _dtype_notes(name: Any, series: dict[str, pd.Series]) -> list[str]:
    """Where a table has no value at all of a column, or another dtype than the real one."""
    empty = [table for table, s in series.items() if s.isna().all()]
    notes = [
        f"column '{name}' has no values in the {table} table" for table in empty if len(empty) < len(series)
    ]
    return notes + [
        f"column '{name}' is {s.dtype} in the {table} table and {series['real'].dtype} in the real one"
        for table, s in series.items()
        if s.dtype != series["real"].dtype and table not in empty and "real" not in empty
    ]


def _unread(table: str, series: pd.Series, wrong: Array, kind: str) -> str:
    """A note on the values that cannot be read; raises DataError where that is most of them."""
    present = int(series.notna().sum())
    what = "numbers" if kind == "number" else "dates"
    bad = str(series[wrong].iloc[0])[:60]
    if wrong.sum() > present / 2:
        fix = "make both numbers, or both strings" if kind == "number" else "write them in one format"
        raise DataError(
            f"column '{series.name}' holds {what} in the real table, but {bad!r} in the {table} one: {fix}."
        )
    quoted = f" (the first: {bad!r})" if table == "synthetic" else ""  # others are of real rows
    return (
        f"column '{series.name}': {int(wrong.sum()):,} of {present:,} values of the {table} table cannot be "
        f"read as {what}{quoted}; they count as out of range"
    )
