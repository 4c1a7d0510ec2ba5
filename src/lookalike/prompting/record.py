"""The columns of a real table as the fields of a JSON object; records back as a table of the same dtypes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.arguments import is_column, shown
from lookalike.codec import dropped_notes
from lookalike.errors import DataError, SchemaError
from lookalike.table.column import Column
from lookalike.table.dtypes import as_numbers, restore
from lookalike.table.inferring import check_table, infer
from lookalike.table.kinds import RARE, least_rows, naive_datetimes
from lookalike.table.schema import Schema

MOST_CLASSES = 50  # or half the rows: a label of more values is none
LISTED = 200  # values of a category that are listed to the model; of more, some
SOME = 20
SPACELESS = 15.0  # letters a word, on average: above it the language puts no spaces between words
DAY = ("year", "month", "day")  # resolutions of dates without a time


@dataclass
class Field:
    """A column in a record.

    name: in the JSON; kind: "text", "category", "number" or "date"; values: of a category, as written -> as
    in the table, without those of fewer rows than the column's `min_rows` (else 5); open: a category that may
    have other values than those; description: for the prompt; low, high: numbers beyond these are mistakes,
    as far outside the real ones as those are apart.
    """

    name: str
    kind: str
    column: Column
    values: dict[str, Any]
    open: bool
    description: str
    low: float = -math.inf
    high: float = math.inf


@dataclass
class Form:
    """What a record looks like.

    fields: what the model writes, in the table's order; texts: the names of the text fields; label: that of
    the class, None without one; fixed: constant columns, filled in; left_out: keys, which nobody can invent,
    pseudonyms and what is dropped; notes: a sentence for each column of which rare values are not reproduced.
    """

    fields: list[Field]
    texts: list[str]
    label: str | None
    fixed: list[Column]
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
    fields, fixed, left_out = [], [], []
    for column in [replace(column) for column in schema.columns]:
        if column.kind in ("key", "pseudonym", "drop"):
            if column.name in texts or column.name == label:
                raise DataError(
                    f"the column '{column.name}' is declared {column.kind}, so it cannot be text or label: "
                    "change its kind, or name another column."
                )
            left_out.append(column.name)
            continue
        if column.python == "json":
            raise DataError(
                f"the column '{column.name}' holds lists or objects, which cannot be shown in a prompt: "
                "write them as text, or leave the column out."
            )
        if column.name in texts or column.kind in ("code", "json"):
            column.kind = "text"
            fields.append(_field(real[column.name], column))
        elif column.name == label:
            column.kind = "category"
            fields.append(_field(real[column.name], column, closed=True))
        elif column.kind == "constant":
            fixed.append(column)
        elif column.kind == "id":
            left_out.append(column.name)
        else:
            fields.append(_field(real[column.name], column))
    order = [name for name in real.columns if name not in left_out]
    return Form(fields, [str(name) for name in texts], None if label is None else str(label), fixed,
                left_out, order, dropped_notes(real, schema))  # fmt: skip


def _field(series: pd.Series, column: Column, closed: bool = False) -> Field:
    present = series.dropna()
    values: dict[str, Any] = {}
    is_open = False
    if column.kind == "text":
        kind, said = "text", describe_texts(present.map(str))
    elif column.kind == "number":
        kind, said = "number", f"a number from {column.minimum} to {column.maximum}"
        if column.resolution:
            said = f"a number of units of one {column.resolution}, from {column.minimum} to {column.maximum}"
        elif column.integer:
            said = f"a whole number from {column.minimum} to {column.maximum}"
        elif column.decimals is not None:
            said += f" with at most {column.decimals} decimals"
    elif column.kind == "datetime":
        kind = "date"
        example = column.format or ("YYYY-MM-DD" if column.resolution in DAY else "YYYY-MM-DDTHH:MM:SS")
        said = f"a date from {column.minimum} to {column.maximum}, written {example}"
    else:
        kind = "category"
        distinct = present.value_counts()
        distinct = distinct[distinct >= least_rows(distinct.to_numpy(), column.min_rows or RARE)]
        mixed = column.python == "mixed"
        values = {str(value): str(value) if mixed else value for value in distinct.index}
        is_open = not closed and len(values) > LISTED and column.categories is None
        is_open = is_open and (column.python == "str" or column.dtype.startswith(("str", "arrow[str")))
        listed = ", ".join(f'"{value}"' for value in list(values)[: SOME if is_open else LISTED])
        said = f"such as {listed}" if is_open else f"one of {listed}"
    if column.nullable and not closed:
        said += ", or null"
    field = Field(str(column.name), kind, column, values, is_open, said)
    if kind == "number" and len(present):
        real = [float(value) for value in _written(field, present)]
        slack = max(max(real) - min(real), 1.0)
        field.low, field.high = min(real) - slack, max(real) + slack
    return field


def describe_texts(texts: pd.Series) -> str:
    """How long texts are, in words: between the 5th and the 95th percentile."""
    words = texts.str.split().str.len()
    letters = texts.str.len()
    unit, counts = "words", words
    if letters.sum() > SPACELESS * max(words.sum(), 1):
        unit, counts = "characters", letters
    low, high = (int(x) for x in np.percentile(counts, [5, 95])) if len(counts) else (1, 50)
    return f"a text of about {max(low, 1)} to {max(high, 2)} {unit}"


def as_json(form: Form, rows: pd.DataFrame) -> list[dict[str, Any]]:
    """The records of rows of the table, as JSON objects; missing and rare values are None."""
    columns = {field.name: _written(field, rows[field.column.name]) for field in form.fields}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _written(field: Field, series: pd.Series) -> list[Any]:
    gone = series.isna().to_numpy(bool)
    found: list[Any]
    if field.kind == "number":
        values = as_numbers(series)[0]
        if field.column.resolution:
            values = values // field.column.units(series)
        whole = field.column.integer or bool(field.column.resolution)
        found = [int(value) if whole else float(value) for value in values]
    elif field.kind == "date" and field.column.format is None:
        dates = naive_datetimes(series, field.column)
        unit = "D" if field.column.resolution in DAY else "s"
        found = dates.astype(f"M8[{unit}]").astype(str).tolist()
    elif field.kind == "category":
        found = [text if (text := str(value)) in field.values else None for value in series]
    else:
        found = [str(value) for value in series]
    return [None if missing else value for value, missing in zip(found, gone, strict=True)]


def reply_schema(form: Form) -> dict[str, Any]:
    """The JSON schema of a reply of records, not of how many: models miscount, and a reply with one record
    too few is worth keeping.
    """
    properties = {field.name: _schema(field) for field in form.fields}
    one = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    many = {"type": "array", "minItems": 1, "items": one}
    return {
        "type": "object",
        "properties": {"records": many},
        "required": ["records"],
        "additionalProperties": False,
    }


def _schema(field: Field) -> dict[str, Any]:
    nullable = field.column.nullable
    if field.kind == "category" and not field.open and len(field.values) <= LISTED:
        return {"enum": [*field.values, *([None] if nullable else [])]}
    kind = ("integer" if field.column.integer else "number") if field.kind == "number" else "string"
    return {"type": [kind, "null"] if nullable else kind}


def value_of(field: Field, written: Any) -> Any:
    """A value of a record as it stands in the table (what `restore` takes); raises ValueError where it cannot
    stand there.
    """
    if written is None:
        if not field.column.nullable:
            raise ValueError
        return None
    if field.kind == "text":
        return str(written).strip()
    if field.kind == "category":
        if str(written) in field.values:
            return field.values[str(written)]
        if not field.open or not str(written).strip():
            raise ValueError
        return str(written).strip()
    return _number(field, written) if field.kind == "number" else _date(field.column, written)


def _number(field: Field, written: Any) -> Any:
    column, number = field.column, float(written)
    if not math.isfinite(number):
        raise ValueError
    if not field.low <= number <= field.high:
        raise ValueError
    if column.integer or column.resolution:
        return round(number)
    if column.exact:
        return round(Decimal(str(written)), column.decimals or 0)
    return number if column.decimals is None else round(number, column.decimals)


def _date(column: Column, written: Any) -> Any:
    if column.format is not None:
        from lookalike.table.dates import read_dates

        found = read_dates(np.array([str(written)], dtype=object), column.format)[0]
    else:
        stamp = pd.Timestamp(str(written))
        found = np.datetime64("NaT") if stamp is pd.NaT else stamp.tz_localize(None).to_datetime64()
    if np.isnat(found):
        raise ValueError
    return found.astype("M8[us]")


def table_of(form: Form, records: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Records that `value_of` takes as a table: the real one's columns in their order, with its dtypes."""
    columns = {}
    for field in form.fields:
        values = [value_of(field, record[field.name]) for record in records]
        series: Any = values
        if field.kind == "date":
            dates = [np.datetime64("NaT") if value is None else value for value in values]
            series = pd.Series(np.array(dates, dtype="M8[us]"))
        columns[field.column.name] = restore(series, field.column)
    for column in form.fixed:
        values = [column.value] * len(records)
        columns[column.name] = restore(values, column)
    try:
        return pd.DataFrame({name: columns[name] for name in form.order}, columns=form.order)
    except (ValueError, OverflowError) as error:
        raise SchemaError(f"the records do not fit the table's dtypes: {error}.") from None
