"""Tables of Arrow and pandas, both ways: the Arrow schema in is the schema out.

A table that came from Arrow has its schema in its `attrs`, as the layout {"arrow": the schema's bytes in
base64}; so the types that pandas does not tell apart (decimal(5,2), list, struct, date, time) and what a file
says of its index come out again. An index is a column here, of the name that it has in the file.
"""

from __future__ import annotations

import base64
import datetime
import json
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from lookalike.progress import say
from lookalike.table.nested import plain_cell

# --- Arrow -> pandas -----------------------------------------------------------------------------------


def as_pandas(table: Any) -> pd.DataFrame:
    """The columns of an Arrow table, those of its index included, with its schema in `attrs`."""
    names = _names(table.schema)
    columns = [column_of(table.column(i), table.schema.field(i).type) for i in range(table.num_columns)]
    for at, dtype in _nullable(table.schema).items():
        columns[at] = columns[at].astype(dtype)
    made = pd.DataFrame(dict(enumerate(columns)), index=pd.RangeIndex(table.num_rows))
    made.columns = pd.Index(names, dtype=None if names else object)
    made.attrs["layout"] = {"arrow": base64.b64encode(_clean(table.schema).serialize().to_pybytes()).decode()}
    return made


def column_of(column: Any, kind: Any) -> pd.Series:
    """Whole numbers and truth values with missing ones in nullable dtypes; Python's lists and dicts."""
    import pyarrow as pa

    if column.null_count and (pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        plain = "boolean" if pa.types.is_boolean(kind) else str(kind)
        named = plain.replace("uint", "UInt").replace("int", "Int")
        nullable = pd.api.types.pandas_dtype(named)
        return pd.Series(nullable.__from_arrow__(column))
    if pa.types.is_nested(kind):
        return pd.Series([plain_cell(cell) for cell in column.to_pylist()], dtype=object)
    if pa.types.is_date64(kind):
        return pd.Series(column.cast(pa.date32()).to_pylist(), dtype=object)
    if pa.types.is_time(kind):
        return _clock(column)
    series = column.to_pandas()
    return series.where(series.notna(), None) if series.dtype == object else series


def _clock(column: Any) -> pd.Series:
    """Times of the day as strings, 14:30:05 or 14:30:05.250, all with as many digits."""
    import pyarrow as pa

    texts = pd.Series(column.cast(pa.string()).to_pylist(), dtype=object)
    while texts.str.contains(".", regex=False).any() and texts.dropna().str.endswith("000").all():
        texts = texts.str[:-3].str.rstrip(".")
    return texts.where(texts.notna(), None)


def _names(schema: Any) -> list[Any]:
    """The column names: whole numbers where pandas had such ones when it wrote the file."""
    facts = schema.pandas_metadata or {}
    levels = facts.get("column_indexes") or [{}]
    whole = len(levels) == 1 and str(levels[0].get("pandas_type", "")).startswith(("int", "uint"))
    return [int(name) if whole and name.lstrip("-").isdigit() else name for name in schema.names]


def _nullable(schema: Any) -> dict[int, str]:
    """Column number -> the dtype of pandas, where its missing value is NA."""
    facts = schema.pandas_metadata or {}
    named = {one.get("field_name"): str(one.get("numpy_type")) for one in facts.get("columns", [])}
    found = re.compile(r"U?Int\d+|Float\d+|boolean|string(\[\w+\])?")
    return {at: named[name] for at, name in enumerate(schema.names) if found.fullmatch(named.get(name, ""))}


def _clean(schema: Any) -> Any:
    """The schema without what is true of its own rows only: the numbers of a plain index, and the values of
    an Enum of polars, which a layout does not hold.
    """
    for at, field in enumerate(schema):
        if marks := field.metadata:
            own = {key: text for key, text in marks.items() if not key.startswith(b"_PL_")}
            schema = schema.set(at, field.with_metadata(own or None))
    facts = schema.pandas_metadata
    if not facts:
        return schema
    kept = [one for one in facts.get("index_columns", []) if not isinstance(one, dict)]
    texts = {**(schema.metadata or {}), b"pandas": json.dumps({**facts, "index_columns": kept}).encode()}
    return schema.with_metadata(texts)


# --- pandas -> Arrow -----------------------------------------------------------------------------------


def known(layout: Mapping[str, Any]) -> Any:
    """The Arrow schema that a layout holds; an empty one where it holds none."""
    import pyarrow as pa

    there = layout.get("arrow")
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(there))) if there else pa.schema([])


def schema_of(table: pd.DataFrame, known: Any) -> Any:
    """The Arrow schema of a table: columns of the schema `known` as they are there; others of the types of
    the first piece, wide enough for the pieces that follow.
    """
    import pyarrow as pa

    fields = []
    for at, name in enumerate(map(str, table.columns)):
        place = known.get_field_index(name)
        fields.append(known.field(place) if place >= 0 else _field(name, table.iloc[:, at]))
    whole = known.names == [field.name for field in fields]
    return pa.schema(fields, metadata=known.metadata if whole else None)


def _field(name: str, series: pd.Series) -> Any:
    import pyarrow as pa

    found = pa.Schema.from_pandas(pd.DataFrame({name: series}), preserve_index=False).field(0)
    if pa.types.is_null(found.type):  # nothing but missing values so far
        return found.with_type(pa.string())
    if pa.types.is_decimal(found.type) and series.dtype == object:
        return found.with_type(pa.decimal128(38, found.type.scale))
    return found


def as_arrow(table: pd.DataFrame, schema: Any) -> Any:
    """The Arrow table of a piece. A value that its type cannot hold is missing, and a line says so."""
    import pyarrow as pa

    columns = [_array(table.iloc[:, at], field) for at, field in enumerate(schema)]
    return pa.Table.from_arrays(columns, schema=schema)


def _array(series: pd.Series, field: Any) -> Any:
    import pyarrow as pa

    kind = field.type
    dictionary = pa.types.is_dictionary(kind)
    if dictionary:
        return _dictionary(series, kind)
    try:
        return pa.array(series, type=kind, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, TypeError, ValueError):
        pass
    cells = series.astype(object).where(series.notna(), None).tolist()
    fitting, lost = [], 0
    for cell in cells:
        try:
            plain = _fitted(cell, kind)
            pa.array([plain], type=kind)
        except (pa.ArrowException, TypeError, ValueError, ArithmeticError):
            plain, lost = None, lost + 1
        fitting.append(plain)
    if lost:
        say(f"column '{field.name}': {lost} values do not fit the type {kind} and are missing")
    return pa.array(fitting, type=kind)


def _dictionary(series: pd.Series, kind: Any) -> Any:
    """A dictionary of the file's types, in the order of the categories."""
    import pyarrow as pa

    values = series if isinstance(series.dtype, pd.CategoricalDtype) else series.astype("category")
    categories = pa.array(values.cat.categories, from_pandas=True).cast(kind.value_type)
    codes = pa.array(values.cat.codes.to_numpy(), mask=(values.cat.codes < 0).to_numpy()).cast(
        kind.index_type
    )
    return pa.DictionaryArray.from_arrays(codes, categories, ordered=kind.ordered)


def _fitted(cell: Any, kind: Any) -> Any:
    """A cell as its Arrow type wants it: whole numbers whole, maps as pairs, fields of a struct all there."""
    import pyarrow as pa

    if cell is None:
        return None
    if pa.types.is_struct(kind) and isinstance(cell, dict):
        return {field.name: _fitted(cell.get(field.name), field.type) for field in kind}
    if pa.types.is_map(kind):
        pairs = cell.items() if isinstance(cell, dict) else cell
        return [(_fitted(key, kind.key_type), _fitted(item, kind.item_type)) for key, item in pairs]
    if pa.types.is_nested(kind) and isinstance(cell, list):
        return [_fitted(item, kind.value_type) for item in cell]
    if pa.types.is_time(kind) and isinstance(cell, str):
        return _count(cell, kind.unit)
    if pa.types.is_integer(kind) and isinstance(cell, float):
        return round(cell)
    if pa.types.is_floating(kind):
        return float(cell)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False, default=str)
    if pa.types.is_decimal(kind):
        return pa.scalar(round(cell, kind.scale), type=kind).as_py()
    return cell


def _count(clock: str, unit: str) -> int:
    """A time of the day, 14:30:05.250, in units since midnight. Raises ValueError for what is none."""
    whole, _, part = clock.partition(".")
    time = datetime.time.fromisoformat(whole)
    digits = {"s": 0, "ms": 3, "us": 6, "ns": 9}[unit]
    seconds = (time.hour * 60 + time.minute) * 60 + time.second
    return seconds * 10**digits + int(part.ljust(digits, "0")[:digits] or "0")
