"""`infer`: the schema of a table, column by column. `describe`: the facts of a column of a given kind."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from lookalike import arguments
from lookalike.errors import DataError, OptionError, SchemaError
from lookalike.table import (
    compound,
    counters,
    duration_formats,
    formatted,
    kinds,
    lists,
    nested,
    personal,
    precision,
    repeats,
    sources,
)
from lookalike.table.codes import has_check
from lookalike.table.column import LANGUAGES, Column, plain_values, without_exceptions
from lookalike.table.dtypes import as_numbers, dtype_name, python_type
from lookalike.table.kind_groups import NUMBER
from lookalike.table.missing import is_missing
from lookalike.table.schema import Schema, check_kind
from lookalike.texts.syntax import language

_CAN_BE_PERSONAL = ("category", "compound", "text", "number", "id", "key")
_HIDDEN = 5  # minimum and maximum are the 5th smallest and largest value: a schema tells no single row


def infer(
    table: pd.DataFrame,
    missing: Collection[Any] = (),
    source: str = "the table",
    keep_rare: bool = False,
) -> Schema:
    """The schema of a table.

    table: of any library, with two rows at least.
    missing: values that mean missing in this table, such as {"?"}. By default only empty cells are missing.
    source: what error sentences call the table, such as the name of its file.
    keep_rare: True lets synthetic rows have values that fewer than 5 rows have. Every column then has a
        `min_rows` of 1, and a column of strings is a category where half of its cells hold values that come
        at least twice.

    Raises DataError for a table without columns or with fewer than two rows, for a column name that occurs
    twice, and for values that no kind can hold.
    """
    table, missing = sources.table(source, table), arguments.sentinels("missing", missing)
    check_table(table, source)
    least = 1 if keep_rare else None
    columns = [_infer_column(table[name], missing, least) for name in table.columns]
    for column in counters.entities(table, columns):
        place = [one.name for one in columns].index(column.name)
        columns[place] = _as_key(table[column.name], missing, column)
    for column, form in duration_formats.of_service_days(table, columns):
        column.kind, column.format, column.resolution = NUMBER, form, None
        column.minimum = column.maximum = None
        series = table[column.name]
        describe(series[~is_missing(series, missing)], column)
    return Schema(columns, len(table), missing, dict(table.attrs.get("layout", {})))


def check_table(table: pd.DataFrame, source: str = "the table") -> None:
    """Raises DataError for a table that cannot be learned from."""
    if not isinstance(table, pd.DataFrame):
        raise DataError(f"{source} is a {type(table).__name__}: give a pandas DataFrame.")
    if table.shape[1] == 0:
        raise DataError(f"{source} has no columns.")
    if isinstance(table.columns, pd.MultiIndex):
        raise DataError(f"{source} has column names of several levels: join them into one name each.")
    for name in table.columns:
        if not isinstance(name, (str, int, np.integer)) or isinstance(name, bool):
            raise DataError(
                f"{source} has a column named {name!r}, which is neither a string nor an integer: rename it."
            )
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        raise DataError(f"{source} has two columns named '{twice[0]}': rename one of them.")
    if len(table) < 2:
        rows = "only one row" if len(table) else "no rows"
        raise DataError(f"{source} has {rows}: at least two are needed to learn from.")


def need_texts(values: pd.Series, source: str) -> None:
    """Raises OptionError for a column that is named as text, but holds numbers, dates or other values that
    are no strings. source: what the sentence calls the table, such as the name of its file.
    """
    present = values.dropna()
    column = _infer_column(present, (), None)
    if len(present) and (column.is_number_or_date or not kinds.is_strings(present)):
        raise OptionError(
            f"column '{values.name}' of {source} holds no texts, but values such as "
            f"{str(kinds.plain(present.iloc[0]))!r}: name a column of texts, or leave the option out, so "
            "that whole rows are compared."
        )


def _infer_column(series: pd.Series, sentinels: tuple[Any, ...], least: int | None) -> Column:
    name = series.name if isinstance(series.name, str) else int(series.name)
    gone = is_missing(series, sentinels)
    present = series[~gone] if gone.any() else series
    column = Column(name, "category", dtype_name(series), bool(gone.any()), python_type(present.dropna()))
    column.min_rows = least
    if sentinels and gone.any() and isinstance(series.dtype, np.dtype) and series.dtype.kind in "iub":
        column.sentinel = kinds.plain(series[gone].iloc[0])
    if isinstance(series.dtype, pd.CategoricalDtype):
        column.categories = [kinds.plain(value) for value in series.dtype.categories]
        column.ordered = bool(series.dtype.ordered)
    if len(present) == 0:
        column.kind = "constant"
        return column
    if column.python == "json":
        column.kind = "json"
        describe(present, column)
        return column
    values = plain_values(present, column)
    first = values.iloc[0]
    if not (values != first).any() and not gone.all():
        column.kind, column.value = "constant", kinds.plain(first)
        return column
    column.kind = kinds.guess(present, values, column, len(series))
    numbers_alone = column.kind == "compound" and compound.WORD not in str(column.format)
    if column.kind in _CAN_BE_PERSONAL and not numbers_alone:
        column.personal = _personal(present, column)
    if column.is_number and column.personal == "key":  # there is no number between two keys
        column.kind = "category" if repeats.are_codes(values, least) else "key"
    describe(present, column)
    if column.kind == "list":
        items = column.items or []
        sort = personal.looks_personal(column.name, items, len(values), len(items))
        column.personal = None if sort == "key" else sort
    return column


def _as_key(series: pd.Series, sentinels: tuple[Any, ...], column: Column) -> Column:
    """The column as one of keys, which are made afresh."""
    own = Column(column.name, "key", column.dtype, column.nullable, column.python, personal="key")
    own.min_rows, own.sentinel = column.min_rows, column.sentinel
    own.categories, own.ordered = column.categories, column.ordered
    describe(series[~is_missing(series, sentinels)], own)
    return own


def _personal(present: pd.Series, column: Column, declared: bool = False) -> str | None:
    present = without_exceptions(present, column).dropna()
    values = plain_values(present, column).drop_duplicates()
    some = [kinds.plain(value) for value in values.head(personal.SAMPLE)]
    return personal.looks_personal(column.name, some, len(present), len(values), declared)


def describe(present: pd.Series, column: Column) -> None:
    """Fills in the facts of the column's kind that are not set. `present` has no missing values.

    Raises SchemaError if the values contradict the kind.
    """
    check_kind(column)
    if column.kind == "id" or column.is_of_entities:
        present = without_exceptions(present, column).dropna()
    if len(present) == 0 or column.kind == "drop":
        return
    if column.python == "json" and column.kind != "json":
        raise SchemaError(
            f"column '{column.name}' is declared {column.kind}, but holds lists or objects: make its kind "
            "json, or write them as text."
        )
    if column.is_number:
        _describe_number(present, column)
    elif column.is_date:
        kinds.describe_datetime(present, column, _HIDDEN)
    elif column.kind == "boolean":
        distinct = present.drop_duplicates()
        if len(distinct) > 2:
            raise SchemaError(
                f"column '{column.name}' is declared boolean, but has a third value "
                f"{kinds.plain(distinct.iloc[2])!r}: make it a category."
            )
    elif column.kind in ("text", "code"):
        kinds.need_strings(present, column)
        if column.kind == "code" and column.language is None:
            found = language(present.astype(object).drop_duplicates().map(str).tolist())
            column.language = found if found in LANGUAGES else None
    elif column.kind == "json":
        keys = [
            nested.keys(value) for value in nested.json_values(present, column.name, column.python == "json")
        ]
        column.keys = len(set().union(*keys))
    elif column.kind == "list":
        lists.describe(plain_values(present, column), column, column.min_rows or _HIDDEN)
    elif column.kind == "constant" and column.value is None:
        values = plain_values(present, column)
        column.value = kinds.plain(values.iloc[0])
    made = column.kind in ("id", "key") and column.pattern is None
    if made and (kinds.is_strings(present) or has_check(kinds.whole_numbers(present))):
        kinds.describe_pattern(present, column)
    if column.kind == "constant":
        other = present[plain_values(present, column) != column.value]
        if len(other):
            raise SchemaError(
                f"column '{column.name}' is declared constant with the value {column.value!r}, but holds "
                f"{kinds.plain(other.iloc[0])!r} too: change its kind."
            )
    if column.is_of_entities:
        _need_names(present, column)
    if column.kind == "pseudonym" and column.personal is None:
        column.personal = _personal(present, column, declared=True)
    if column.kind == "id" and present.duplicated().any():
        value = kinds.plain(present[present.duplicated()].iloc[0])
        raise SchemaError(
            f"column '{column.name}' is declared an id, but {value!r} occurs twice: change its kind."
        )


def _need_names(present: pd.Series, column: Column) -> None:
    """Raises SchemaError for keys and pseudonyms that are neither strings nor whole numbers."""
    dtype = present.dtype
    if pd.api.types.is_bool_dtype(dtype) or column.python == "bool":
        wrong = present
    elif pd.api.types.is_numeric_dtype(dtype):
        wrong = present[as_numbers(present)[0] % 1 != 0]
    else:
        wrong = present[[not isinstance(value, (str, int)) for value in plain_values(present, column)]]
    if len(wrong):
        raise SchemaError(
            f"column '{column.name}' is declared a {column.kind}, but holds {kinds.plain(wrong.iloc[0])!r}: "
            "keys and pseudonyms are strings or whole numbers, so change its kind, or drop the column."
        )


def _describe_number(present: pd.Series, column: Column) -> None:
    if kinds.is_string(present.dtype, column):
        formatted.describe(present, column, _HIDDEN)
        return
    try:
        values, _ = as_numbers(present)
    except ValueError as error:
        raise SchemaError(
            f"column '{column.name}' is declared a number, but holds {error.args[0]!r}: change its kind."
        ) from None
    if values.dtype == np.float64 and column.format is None:
        formatted.describe_zeros(values, column, column.min_rows or _HIDDEN)
    timedelta = "timedelta" in column.dtype or "duration" in column.dtype
    finite = values[np.isfinite(values)] if values.dtype == np.float64 else values
    if timedelta:
        column.resolution = column.resolution or kinds.timedelta_resolution(present, values)
    elif column.decimals is None and column.minimum is None:
        column.decimals, column.digits, column.single = precision.found(finite, column.dtype)
    if column.minimum is None and column.maximum is None and len(finite):
        ordered = np.sort(finite)
        skip = min(_HIDDEN - 1, (len(ordered) - 1) // 4)
        ends = [ordered[skip], ordered[len(ordered) - 1 - skip]]
        if timedelta:
            unit = dtype_name(present).rstrip("]").rpartition("[")[2]
            ends = [str(pd.Timedelta(int(end), unit)) for end in ends]
        elif column.decimals == 0:
            ends = [int(end) for end in ends]
        column.minimum, column.maximum = (kinds.plain(end) for end in ends)
