"""The columns of a real table as the fields of a JSON object; records back as a table of the same dtypes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.arguments import is_column, shown
from lookalike.codec import CODECS
from lookalike.codec.celltext import Asked
from lookalike.errors import DataError, SchemaError
from lookalike.llm.structured import closed
from lookalike.table.column import Column
from lookalike.table.inferring import check_table, infer
from lookalike.table.schema import Schema

MOST_CLASSES = 50  # or half the rows: a label of more values is none


@dataclass
class Field:
    """A column in a record.

    name: in the JSON; asked: what the model is told of the column, by the file of its kind; label: whether it
    is the column of the class.
    """

    name: str
    column: Column
    asked: Asked
    label: bool = False

    @property
    def description(self) -> str:
        """What the column holds, for the prompt."""
        return self.asked.said + (", or null" if self.column.nullable and not self.label else "")

    @property
    def values(self) -> dict[str, Any]:
        """Of a category, as written -> as in the table, without those that too few rows hold; else empty."""
        return self.asked.values


@dataclass
class Form:
    """What a record looks like.

    fields: what the model writes, in the table's order; texts: the names of the text fields; label: that of
    the class, None without one; fixed: constant columns, filled in; left_out: keys, which nobody can invent,
    pseudonyms, categories of rare values alone and what is dropped; notes: a sentence for each column that is
    left out unasked, or of which rare values are not reproduced.
    """

    fields: list[Field]
    texts: list[str]
    label: str | None
    fixed: list[Field]
    left_out: list[Any]
    order: list[Any]
    notes: list[str]

    def __getitem__(self, name: str) -> Field:
        return next(field for field in self.fields if field.name == name)


def with_text(real: pd.DataFrame, texts: Sequence[Any], label: Any | None) -> npt.NDArray[Any]:
    """(rows,) row numbers of the rows that have a text; the columns are checked.

    Raises DataError for no rows, columns that are missing, of the wrong dtype or named alike, for rows
    without a label, a label that differs from row to row, and where all texts are empty.
    """
    check_table(real, "the real table")
    for name in [*texts, *([] if label is None else [label])]:
        if not is_column(name, real.columns):
            known = ", ".join(map(str, real.columns[:10]))
            raise DataError(f"the real table has no column {shown(name)}: its columns are {known}.")
    if label is not None and label in texts:
        raise DataError(f"the column '{label}' cannot be both text and label: name two columns.")
    if len({str(name) for name in real.columns}) < len(real.columns):
        raise DataError("two columns of the real table are written alike in JSON: rename one of them.")
    filled = np.zeros(len(real), dtype=bool)
    for name in texts:
        column = real[name]
        if pd.api.types.is_numeric_dtype(column) or column.dtype.kind in "Mm":
            raise DataError(f"the column '{name}' holds {column.dtype}, not texts: name another text column.")
        if isinstance(column.dtype, pd.CategoricalDtype):
            raise DataError(f"the text column '{name}' is a categorical: convert it to strings.")
        filled |= (column.notna() & (column.fillna("").astype(str).str.strip() != "")).to_numpy(bool)
    if not filled.any():
        raise DataError(f"all texts of '{texts[0]}' are empty: name another text column.")
    if label is not None:
        nested = next((one for one in real[label] if isinstance(one, list | dict | set | np.ndarray)), None)
        if nested is not None:
            raise DataError(
                f"the column '{label}' holds lists or objects such as {shown(nested)}: name a column of "
                "one class a row as the label."
            )
        if real[label].isna().any():
            rows = int(real[label].isna().sum())
            raise DataError(f"{rows:,} real rows have no '{label}': fill it in, or leave them out.")
        classes = int(real[label].nunique())
        if classes > max(MOST_CLASSES, len(real) // 2):
            raise DataError(f"'{label}' has {classes:,} values: name a column of classes as the label.")
    return np.flatnonzero(filled)


def form_of(
    real: pd.DataFrame, texts: Sequence[Any], label: Any | None, schema: Schema | None = None
) -> Form:
    """The form of a table's records; texts: its text columns; label: the column of the class; schema: None
    infers it. The columns and rows have passed `with_text`.

    Raises what `infer` raises, and DataError for a text or label that the schema leaves out.
    """
    schema = schema or infer(real, source="the real table")
    fields: list[Field] = []
    fixed: list[Field] = []
    left_out, notes = [], []
    for column in [replace(column) for column in schema.columns]:
        is_label = label is not None and column.name == label
        _check_use(column, column.name in texts or is_label)
        if column.kind == "drop":
            left_out.append(column.name)
            continue
        if column.name in texts or is_label:
            column.kind = "category" if is_label else "text"
        asked = CODECS[column.kind].asked(real[column.name], column, is_label)
        if isinstance(asked, str):
            if is_label:
                raise DataError(
                    f"no class of '{label}' has two rows, and none of a single row is shown: name another "
                    "label, or keep rare classes (--keep-rare; in Python: the column's min_rows at 1)."
                )
            left_out.append(column.name)
            notes.append(asked)
            continue
        notes += [] if asked.note is None else [asked.note]
        own = fixed if column.kind == "constant" else fields
        own.append(Field(str(column.name), column, asked, is_label))
    order = [name for name in real.columns if name not in left_out]
    named = None if label is None else str(label)
    return Form(fields, [str(name) for name in texts], named, fixed, left_out, order, notes)


def _check_use(column: Column, named: bool) -> None:
    """Raises DataError for a column that cannot be shown. named: it is a text or the label."""
    if named and (column.is_of_entities or column.kind == "drop"):
        raise DataError(
            f"the column '{column.name}' is declared {column.kind}, so it cannot be text or label: "
            "change its kind, or name another column."
        )
    if column.python == "json" and not (column.is_of_entities or column.kind == "drop"):
        raise DataError(
            f"the column '{column.name}' holds lists or objects, which cannot be shown in a prompt: "
            "write them as text, or leave the column out."
        )


def as_json(form: Form, rows: pd.DataFrame) -> list[dict[str, Any]]:
    """The records of rows of the table, as JSON objects; missing and rare values are None."""
    columns = {field.name: _written(field, rows[field.column.name]) for field in form.fields}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _written(field: Field, series: pd.Series) -> list[Any]:
    return [json.loads(text) for text in CODECS[field.column.kind].write(field.asked, field.column, series)]


def reply_schema(form: Form) -> dict[str, Any]:
    """The JSON schema of a reply of records, not of how many: models miscount, and a reply with one record
    too few is worth keeping.
    """
    properties = {
        field.name: CODECS[field.column.kind].shape(field.asked, field.column) for field in form.fields
    }
    return closed({"records": {"type": "array", "minItems": 1, "items": closed(properties)}})


def value_of(field: Field, written: Any) -> Any:
    """A value of a record as it stands in the table (what `restore` takes); raises ValueError where it cannot
    stand there.
    """
    if written is None:
        if not field.column.nullable:
            raise ValueError
        return None
    return field.asked.value(written)


def table_of(form: Form, records: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Records that `value_of` takes as a table: the real one's columns in their order, with its dtypes."""
    columns = {}
    for field in form.fields:
        columns[field.column.name] = _read(field, [json.dumps(record[field.name]) for record in records])
    for field in form.fixed:
        columns[field.column.name] = _read(field, [None] * len(records))
    try:
        return pd.DataFrame({name: columns[name] for name in form.order}, columns=form.order)
    except (ValueError, OverflowError) as error:
        raise SchemaError(f"the records do not fit the table's dtypes: {error}.") from None


def _read(field: Field, cells: Sequence[str | None]) -> Any:
    texts = np.array([*cells, None], dtype=object)[:-1]
    return CODECS[field.column.kind].read(field.asked, field.column, texts)
