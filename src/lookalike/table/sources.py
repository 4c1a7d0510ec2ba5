"""A caller's table of any library, in and out.

`taken` makes a pandas table of whatever a caller hands over, and an `Origin`, which makes the caller's kind
of table of another pandas table. What is in the middle is Arrow: every library gives it (the PyCapsule
interface) and takes it, with the types of its columns (`arrow.py`). No library is imported here that the
caller has not imported before.

    pandas.DataFrame, Series                 as they are; a Series is its one column
    polars.DataFrame, LazyFrame              the same; a LazyFrame is collected; a Series is its one column
    pyarrow.Table, RecordBatch               and whatever else has `__arrow_c_stream__`: a pyarrow.Table
    pyarrow.RecordBatchReader                the same, read to its end
    DuckDB relation                          a relation of DuckDB's default connection
    Hugging Face Dataset                     the same, with its features; names of classes are categories here
    Hugging Face DatasetDict                 its split "train", and "test" or "validation" is the holdout
    list of dicts, dict of columns           the same, of plain Python values
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lookalike.arguments import listed, shown
from lookalike.errors import DataError, first_line
from lookalike.table.arrow import as_arrow, as_pandas, column_of, known, schema_of

Table = Any  # what this file takes: a table of any library
HOLDOUTS = ("test", "validation", "valid", "dev", "eval")  # splits that are a holdout: the first one
REFUSED = {  # what holds no table values -> Arrow's types of it
    "bytes": ("binary", "large_binary", "binary_view", "fixed_size_binary"),
    "intervals": ("interval", "month_day_nano_interval"),
    "values of several types": ("dense_union", "sparse_union"),
}


@dataclass(frozen=True)
class Origin:
    """The kind of table that a caller handed over.

    library: a name of `_BACK`; "pandas" for what comes back as pandas. schema: its Arrow schema. own: the
    types of its columns as its library has them, where Arrow does not tell them apart.
    """

    library: str = "pandas"
    schema: Any = None
    own: Any = None

    def back(self, table: pd.DataFrame) -> Table:
        """A pandas table in the caller's kind, with the caller's types where it has the same columns."""
        return table if self.library == "pandas" else _BACK[self.library](table, self)


PANDAS = Origin()


def table(what: str, value: Table) -> pd.DataFrame:
    """The pandas table of any table; errors as of `taken`."""
    return taken(what, value)[0]


def taken(what: str, value: Table) -> tuple[pd.DataFrame, Origin]:
    """(pandas table, where it came from); a DataFrame of pandas is taken as it is.

    what: what the sentence calls it, such as "the given table". Raises DataError for what is no table, and
    for columns of what `REFUSED` names.
    """
    if isinstance(value, pd.DataFrame):
        return value, PANDAS
    if isinstance(value, pd.Series) and value.name is not None:
        return value.to_frame(), PANDAS
    value, _ = parted(what, value)
    try:
        found = _taken(what, value)
    except DataError:
        raise
    except Exception as error:  # whatever the library of the table raises
        raise DataError(f"{what} cannot be read as a table ({first_line(error)}).") from None
    if found is not None:
        return found
    if isinstance(value, str | os.PathLike):
        raise DataError(
            f"{what} is the name {shown(str(value))}: read it first, with "
            f"lookalike.read_table({shown(str(value))})."
        )
    if isinstance(value, list | tuple) and not value:
        raise DataError(f"{what} is an empty list: it needs rows.")
    got = "None" if value is None else f"of the type {type(value).__name__}"
    raise DataError(
        f"{what} is {got}: give a pandas DataFrame, a table of polars, pyarrow, DuckDB or datasets, a list "
        "of dicts, or a dict of columns."
    )


def parted(what: str, real: Table, holdout: Table = None) -> tuple[Table, Table]:
    """(the real table, the holdout): the splits of a DatasetDict, anything else as it is.

    A holdout that is given counts more than a split. Raises DataError for a DatasetDict without "train" and
    with several splits, and for a stream.
    """
    if _home(real) != "datasets":
        return real, holdout
    name = type(real).__name__
    if name.startswith("Iterable"):
        raise DataError(
            f"{what} is a stream, {name}: take its rows first, such as Dataset.from_list(list(stream))."
        )
    if not isinstance(real, Mapping):
        return real, holdout
    if "train" not in real and len(real) != 1:
        raise DataError(f"{what} has no split 'train' but {listed(real) or 'none'}: give one of its splits.")
    first = "train" if "train" in real else next(iter(real))
    if holdout is None:
        holdout = next((real[split] for split in HOLDOUTS if split in real and split != first), None)
    return real[first], holdout


def to_dataset(table: Table, report: Any = None) -> Any:
    """The table as a Dataset of the library `datasets` of Hugging Face.

        made = lookalike.to_dataset(synthetic, report)
        made.push_to_hub("me/synthetic-orders")
        huggingface_hub.DatasetCard(report.card()).push_to_hub("me/synthetic-orders")

    report: of `evaluate`; the description of the dataset is then its data card, too.
    Raises DataError for what is no table, MissingDependency where `datasets` is not installed.
    """
    from lookalike.errors import MissingDependency

    try:
        import datasets
    except ImportError:
        raise MissingDependency("datasets", "sources") from None
    frame, origin = taken("the table", table)
    made = origin.back(frame) if origin.library == "datasets" else _to_datasets(frame, origin)
    if report is not None:
        made = datasets.Dataset(made.data, info=made.info.copy())
        made.info.description = report.card()
    return made


# --- in ------------------------------------------------------------------------------------------------


def _home(value: Any) -> str:
    """The package that a value's class comes from."""
    return type(value).__module__.partition(".")[0]


def _taken(what: str, value: Any) -> tuple[pd.DataFrame, Origin] | None:
    """None for what is no table."""
    home, name = _home(value), type(value).__name__
    if home == "polars" and name == "LazyFrame":
        return _of_arrow(what, value.collect(), "polars lazy")
    if home == "polars" and name in ("DataFrame", "Series"):
        return _of_arrow(what, value if name == "DataFrame" else value.to_frame(), "polars")
    if home == "datasets" and name == "Dataset":
        return _of_dataset(what, value)
    if home in ("duckdb", "_duckdb") and name == "DuckDBPyRelation":
        types = dict(zip(value.columns, map(str, value.types), strict=True))
        return _of_arrow(what, value, "duckdb", types)
    if hasattr(value, "__arrow_c_stream__") or name == "RecordBatch":
        return _of_arrow(what, value, "reader" if name == "RecordBatchReader" else "arrow")
    if hasattr(value, "to_pandas") and isinstance(made := value.to_pandas(), pd.DataFrame):
        return made, PANDAS
    if isinstance(value, Mapping) and value:
        return _of_columns(what, value)
    if isinstance(value, list | tuple) and value and all(isinstance(row, Mapping) for row in value):
        names = dict.fromkeys(name for row in value for name in row)
        frame, origin = _of_columns(what, {name: [row.get(name) for row in value] for name in names})
        return frame, Origin("rows", origin.schema)
    return None


def _of_arrow(what: str, value: Any, library: str, own: Any = None) -> tuple[pd.DataFrame, Origin]:
    import pyarrow as pa

    there = pa.Table.from_batches([value]) if isinstance(value, pa.RecordBatch) else pa.table(value)
    _check_types(what, there.schema)  # before the cells are read
    return as_pandas(there), Origin(library, there.schema, own)


def _of_dataset(what: str, value: Any) -> tuple[pd.DataFrame, Origin]:
    """The names of classes in place of their numbers; -1, which says that there is none, is missing."""
    import pyarrow as pa

    there = value.with_format("arrow")[:].replace_schema_metadata(None)
    for at, name in enumerate(there.column_names):
        if names := _class_names(value.features, name):
            codes = there.column(at).combine_chunks().to_pandas().fillna(-1).astype("int32").to_numpy()
            classes = pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), pa.array(names))
            there = there.set_column(at, name, classes)
    return _of_arrow(what, there, "datasets", value.features)


def _class_names(features: Any, name: str) -> list[str]:
    """Of a ClassLabel; nothing for other features."""
    feature: Any = features.get(name)
    return list(feature.names) if type(feature).__name__ == "ClassLabel" else []


def _of_columns(what: str, columns: Mapping[Any, Any]) -> tuple[pd.DataFrame, Origin]:
    """A dict of columns, or of the cells of one row."""
    import pyarrow as pa

    if all(isinstance(item, str) or not hasattr(item, "__len__") for item in columns.values()):
        columns = {name: [cell] for name, cell in columns.items()}
    if not all(isinstance(cells, list | tuple) for cells in columns.values()):  # pandas knows more arrays
        frame = pd.DataFrame(dict(columns))
        return frame, Origin("columns", pa.schema([]))
    if twice := next((name for name in columns if sum(str(one) == str(name) for one in columns) > 1), None):
        raise ValueError(f"two of its columns are written '{twice}'")
    if len({len(cells) for cells in columns.values()}) > 1:
        raise ValueError("its columns have different numbers of rows")
    fields, made = [], {}
    for name, cells in columns.items():
        made[name], kind = _listed(cells)
        fields += [] if kind is None else [pa.field(str(name), kind)]
    _check_types(what, fields)
    return pd.DataFrame(made), Origin("columns", pa.schema(fields))


def _listed(cells: Iterable[Any]) -> tuple[pd.Series, Any]:
    """(a list of Python values, the Arrow type of all of them); None for lists, dicts and mixed values."""
    import pyarrow as pa

    cells = list(cells)
    try:
        array = pa.chunked_array([pa.array(cells, from_pandas=True)])
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return pd.Series(cells, dtype=None if cells else object), None
    if pa.types.is_nested(array.type) or pa.types.is_null(array.type):
        return pd.Series(cells, dtype=object), None
    return column_of(array, array.type), array.type


def _check_types(what: str, fields: Iterable[Any]) -> None:
    """Raises DataError for a column of what `REFUSED` names, on any level."""
    import pyarrow as pa

    def odd(kind: Any) -> str | None:
        if isinstance(kind, pa.BaseExtensionType):
            return odd(kind.storage_type)
        if pa.types.is_dictionary(kind):
            return odd(kind.value_type)
        name = re.split(r"[\[<]", str(kind), maxsplit=1)[0]
        if found := next((what_it_is for what_it_is, names in REFUSED.items() if name in names), None):
            return found
        inner = (odd(kind.field(at).type) for at in range(kind.num_fields))
        return next((found for found in inner if found), None)

    for field in fields:
        if found := odd(field.type):
            raise DataError(
                f"column '{field.name}' of {what} holds {found}, which are not supported: leave it out, "
                "or convert it to numbers, strings or dates first."
            )


# --- out -----------------------------------------------------------------------------------------------


def _to_arrow(table: pd.DataFrame, origin: Origin) -> Any:
    schema = known({}) if origin.schema is None else origin.schema
    return as_arrow(table, schema_of(table, schema))


def _to_polars(table: pd.DataFrame, origin: Origin) -> Any:
    import polars

    return polars.from_arrow(_to_arrow(table, origin))


def _to_duckdb(table: pd.DataFrame, origin: Origin) -> Any:
    import duckdb

    there = _to_arrow(table, origin)
    names = {name: '"{}"'.format(name.replace('"', '""')) for name in there.column_names}
    casts = [
        f"CAST({quoted} AS {origin.own[name]}) AS {quoted}" if name in origin.own else quoted
        for name, quoted in names.items()
    ]
    return duckdb.from_arrow(there).project(", ".join(casts))


def _to_datasets(table: pd.DataFrame, origin: Origin) -> Any:
    import datasets
    import pyarrow as pa

    there = _to_arrow(table, origin).replace_schema_metadata(None)
    own = origin.own if origin.library == "datasets" else {}
    for at, name in enumerate(there.column_names):
        if names := _class_names(own, name):
            codes = {name: code for code, name in enumerate(names)}
            numbers = [codes.get(cell) for cell in there.column(at).to_pylist()]
            there = there.set_column(at, name, pa.array(numbers, pa.int64()))
        elif pa.types.is_dictionary(there.schema.field(at).type):  # the library has no such type
            there = there.set_column(at, name, there.column(at).cast(there.schema.field(at).type.value_type))
    found = datasets.Features.from_arrow_schema(there.schema)
    features = datasets.Features({name: (own or {}).get(name, found[name]) for name in found})
    return datasets.Dataset(there.cast(features.arrow_schema), info=datasets.DatasetInfo(features=features))


def _to_columns(table: pd.DataFrame, origin: Origin) -> dict[Any, list[Any]]:
    """Plain Python values; missing ones are None."""
    there, made = {field.name: field for field in origin.schema}, {}
    for at, name in enumerate(table.columns):
        series = table.iloc[:, at]
        if field := there.get(str(name)):
            own = series.to_frame(field.name)
            made[name] = as_arrow(own, origin.schema.empty_table().select([field.name]).schema)[0].to_pylist()
        else:
            made[name] = series.astype(object).where(series.notna(), None).tolist()
    return made


def _to_rows(table: pd.DataFrame, origin: Origin) -> list[dict[Any, Any]]:
    columns = _to_columns(table, origin)
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


_BACK: dict[str, Callable[[pd.DataFrame, Origin], Any]] = {
    "polars": _to_polars,
    "polars lazy": lambda table, origin: _to_polars(table, origin).lazy(),
    "arrow": _to_arrow,
    "reader": lambda table, origin: _to_arrow(table, origin).to_reader(),
    "duckdb": _to_duckdb,
    "datasets": _to_datasets,
    "rows": _to_rows,
    "columns": _to_columns,
}
