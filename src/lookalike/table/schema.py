"""The schema of a table: its columns, their kinds, exact dtypes, precision and range.

    schema = lookalike.infer(df)
    schema["zip"].kind = "category"         # edit, then fit with it
    schema.save("schema.json")

Kinds: category, number, datetime, boolean, text (strings of many values), code (text in a language), json
(dicts and lists, or text of them), id (unique keys: never modelled, fresh ones are made) and constant; and,
never inferred but set: key (keys that repeat: fresh ones are made), pseudonym (made-up names, mails, ... in
place of the real ones) and drop (neither learned nor in the synthetic table).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lookalike import arguments
from lookalike.arguments import shown
from lookalike.atomic import replace_text
from lookalike.errors import DataError, OptionError, SchemaError
from lookalike.table import kinds, nested, personal
from lookalike.table.dtypes import RESOLUTIONS, as_numbers, dtype_name, python_type, timedelta_units
from lookalike.texts.syntax import language

FORMAT = 1
KINDS = (
    *("category", "number", "datetime", "boolean", "text", "code", "json", "id", "constant"),
    *("key", "pseudonym", "drop"),
)
MADE = ("id", "key", "pseudonym")  # kinds that are not learned: all their values are made afresh
LANGUAGES = ("python", "sql")
_CAN_BE_PERSONAL = ("category", "text", "number", "id")
_HIDDEN = 5  # minimum and maximum are the 5th smallest and largest value: a schema tells no single row


@dataclass
class Column:
    """One column of a table.

    name, kind: `kind` is one of `KINDS`; set it to have the column treated otherwise.
    dtype: the exact dtype, by name; python: what an object column holds (str, int, float, bool, date, decimal
    ...; json where there are dicts or lists).
    nullable: missing values occur, so they are modelled.
    decimals: digits after the point of a number, 0 for whole numbers; None = full float precision.
    minimum, maximum: range of a number (timedeltas as strings) or a datetime (ISO string).
    resolution: the finest part of a datetime or timedelta that varies: year, month, day, hour ... ns.
    format: how a datetime that is a string is written.
    language: of code, one of `LANGUAGES`; None = no parser is known.
    json_schema: of json, the JSON Schema that its values satisfy; None = it is inferred. keys: of json, how
    many keys there are at its top.
    categories, ordered: of a pandas categorical, in their order. value: of a constant.
    sentinel: what is written for missing where the dtype has no missing value.
    personal: what personal data it looks like, one of `personal.SORTS`; None = nothing that is known. What a
    pseudonym is made as. locale: of a pseudonym, such as "de_DE"; None = "en_US".
    min_rows: of a category, values that fewer rows hold are not reproduced; None means 5, 1 keeps all (of the
    1,000 most frequent, which a category has at most).
    note: the kind that it was inferred to be and why, where another is possible; not saved.
    """

    name: Any
    kind: str
    dtype: str
    nullable: bool = False
    python: str | None = None
    decimals: int | None = None
    minimum: Any = None
    maximum: Any = None
    resolution: str | None = None
    format: str | None = None
    language: str | None = None
    json_schema: dict[str, Any] | None = None
    keys: int | None = None
    categories: list[Any] | None = None
    ordered: bool = False
    value: Any = None
    sentinel: Any = None
    personal: str | None = None
    locale: str | None = None
    min_rows: int | None = None
    note: tuple[str, str] | None = field(default=None, compare=False)

    @property
    def integer(self) -> bool:
        """Whether the column holds whole numbers only (whatever its dtype)."""
        return self.kind == "number" and self.decimals == 0

    @property
    def exact(self) -> bool:
        """Whether the numbers are Decimals."""
        return self.python == "decimal" or self.dtype.startswith("arrow[decimal")

    def units(self, series: pd.Series) -> int:
        """How many units of a timedelta Series one `resolution` is."""
        unit = dtype_name(series).rstrip("]").rpartition("[")[2]
        return timedelta_units(str(self.resolution), unit)


@dataclass
class Schema:
    """The columns of a table in their order. `rows` is how many rows they were inferred from.

    missing: values declared missing by the user, such as "?". layout: how the file of delimited text was
    written (`delimited.py`).
    """

    columns: list[Column]
    rows: int
    missing: tuple[Any, ...] = field(default=())
    layout: dict[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> list[Any]:
        """The column names in order."""
        return [column.name for column in self.columns]

    @property
    def kept(self) -> list[Any]:
        """The names of the columns that are not dropped, in order."""
        return [column.name for column in self.columns if column.kind != "drop"]

    def __getitem__(self, name: Any) -> Column:
        """The column of that name. Raises SchemaError if there is none."""
        for column in self.columns:
            if isinstance(name, str | int | np.integer) and column.name == name:
                return column
        raise SchemaError(
            f"the schema has no column {shown(name)}: its columns are {', '.join(map(str, self.names))}."
        )

    def __repr__(self) -> str:
        rows = [("column", "kind", "dtype", "missing", "details")]
        for column in self.columns:
            nullable = "yes" if column.nullable else "no"
            rows.append((str(column.name), column.kind, column.dtype, nullable, _details(column)))
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        lines = [
            "  ".join([*(cell.ljust(w) for cell, w in zip(row[:4], widths, strict=True)), row[4]])
            for row in rows
        ]
        return "\n".join([f"Schema of {len(self.columns)} columns, inferred from {self.rows:,} rows", *lines])

    def to_dict(self) -> dict[str, Any]:
        """JSON values only; facts that a column does not have are left out."""
        columns = []
        for column in self.columns:
            facts = {k: v for k, v in asdict(column).items() if v is not None and v is not False}
            facts.pop("note", None)
            # a JSON Schema is JSON as it is, so that it can be edited
            columns.append({k: v if k == "json_schema" else kinds.to_json(v) for k, v in facts.items()})
        missing = [kinds.to_json(value) for value in self.missing]
        facts = {"format": FORMAT, "rows": self.rows, "missing": missing, "columns": columns}
        return facts | ({"layout": self.layout} if self.layout else {})

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> Schema:
        """Reads `to_dict`. Raises SchemaError for another format version, unknown facts or kinds."""
        if not isinstance(facts, dict) or not isinstance(facts.get("columns", []), list):
            raise SchemaError(f"{shown(facts)} is no schema: use what `Schema.to_dict` gives.")
        if facts.get("format") != FORMAT:
            raise SchemaError(
                f"the schema has the format {facts.get('format')!r} and this version reads {FORMAT}: "
                "infer it again."
            )
        known = {f.name for f in fields(Column)} - {"note"}
        columns = []
        for entry in facts.get("columns", []):
            if not isinstance(entry, dict):
                raise SchemaError(f"{shown(entry)} is no schema of a column: it needs name, kind and dtype.")
            for fact in entry:
                if fact not in known:
                    raise SchemaError(
                        f"column '{entry.get('name')}' of the schema has an unknown entry '{fact}'."
                    )
            if not {"name", "kind", "dtype"} <= entry.keys():
                raise SchemaError(f"{shown(entry)} is no schema of a column: it needs name, kind and dtype.")
            column = Column(
                **{key: v if key == "json_schema" else kinds.from_json(v) for key, v in entry.items()}
            )
            check_kind(column)
            columns.append(column)
        missing = tuple(kinds.from_json(v) for v in facts.get("missing", []))
        rows = arguments.whole("rows", facts.get("rows"))
        return cls(columns, rows, missing, dict(facts.get("layout", {})))

    def notes(self) -> list[str]:
        """A sentence for each column that could have been learned otherwise, looks personal or is left out:
        what happens to it, why, and how to change that.
        """
        chosen = [
            f"column '{column.name}' {column.note[1]}"
            for column in self.columns
            if column.note and column.note[0] == column.kind
        ]
        return chosen + [note for column in self.columns if (note := personal.note(column)) is not None]

    def set_kinds(self, declared: Iterable[str]) -> None:
        """Sets kinds that are written COL=KIND, or COL=pseudonym:SORT with a sort of `personal.SORTS`.

        Raises SchemaError for an unknown column, kind or sort, and for a text without "=".
        """
        names = {str(name): name for name in self.names}
        for text in declared:
            name, equals, kind = text.rpartition("=")
            if not equals:
                raise SchemaError(f"the kind '{text}' has no '=': write COL=KIND, such as id=key.")
            column = self[names.get(name, name)]
            column.kind, _, sort = kind.strip().partition(":")
            column.personal = sort or column.personal
            check_kind(column)

    def save(self, path: str | Path) -> None:
        """Writes the schema as JSON."""
        path = arguments.path("path", path)
        try:
            replace_text(path, json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n")
        except OSError as error:
            raise DataError(f"the schema cannot be written to '{path}': {error.strerror}.") from None

    @classmethod
    def load(cls, path: str | Path) -> Schema:
        """Reads a schema file. Raises SchemaError if it cannot be read."""
        path = arguments.path("path", path)
        try:
            return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except (SchemaError, OptionError) as error:
            raise SchemaError(f"'{path}': {error}") from None
        except OSError as error:
            raise SchemaError(f"the schema '{path}' cannot be read: {error.strerror}.") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise SchemaError(f"'{path}' is no schema: write one with `Schema.save`.") from None


def _details(column: Column) -> str:
    said = []
    if column.kind == "number":
        precision = {None: "full precision", 0: "whole"}.get(column.decimals, f"{column.decimals} decimals")
        said.append(f"by {column.resolution}" if column.resolution else precision)
    if column.kind == "datetime":
        said.append(f"by {column.resolution}")
    if column.minimum is not None and column.kind in ("number", "datetime"):
        said.append(f"{column.minimum} to {column.maximum}")
    if column.format:
        said.append(f"written {column.format}")
    if column.categories is not None:
        said.append(f"{len(column.categories)} categories" + (", ordered" if column.ordered else ""))
    if column.kind in ("category", "boolean") and column.min_rows is not None:
        least = column.min_rows
        said.append("rare values kept" if least == 1 else f"values of at least {least} rows")
    if column.kind == "constant":
        said.append(f"always {column.value!r}")
    if column.personal is not None:
        said.append(personal.SORTS.get(column.personal, column.personal))
    if column.kind == "code":
        said.append(f"in {column.language}" if column.language else "no parser known")
    if column.kind == "json":
        keys = f"{column.keys} key" + ("s" if column.keys != 1 else "")
        said += [keys] if column.keys is not None else []
        said += ["schema given"] if column.json_schema is not None else []
    return ", ".join(said)


def check_kind(column: Column) -> None:
    """Raises SchemaError for a kind or a language that does not exist."""
    if not isinstance(column.kind, str) or column.kind not in KINDS:
        raise SchemaError(
            f"column '{column.name}' has the kind {shown(column.kind)}: the kinds are {', '.join(KINDS)}."
        )
    if column.personal is not None and column.personal not in personal.SORTS:
        raise SchemaError(
            f"column '{column.name}' is said to hold {column.personal!r}, which is not known: choose one of "
            f"{', '.join(personal.SORTS)}."
        )
    if column.min_rows is not None and (type(column.min_rows) is not int or column.min_rows < 1):
        raise SchemaError(
            f"column '{column.name}' has the min_rows {column.min_rows!r}: give a whole number of at least "
            "1, which keeps all values."
        )
    language = column.language
    if language is not None and (not isinstance(language, str) or language not in LANGUAGES):
        raise SchemaError(
            f"column '{column.name}' has the language {shown(language)}, which has no parser here: name "
            f"one of {', '.join(LANGUAGES)}, or none."
        )
    if column.json_schema is not None and not isinstance(column.json_schema, dict):
        raise SchemaError(
            f"column '{column.name}' has the json_schema {shown(column.json_schema)}, which is no JSON "
            "object: give a JSON Schema."
        )
    known = isinstance(column.resolution, str) and column.resolution in RESOLUTIONS
    if column.resolution is not None and not known:
        raise SchemaError(
            f"column '{column.name}' has the resolution {shown(column.resolution)}: the resolutions are "
            f"{', '.join(RESOLUTIONS)}."
        )
    if column.decimals is not None:
        arguments.whole(f"decimals of column '{column.name}'", column.decimals, 0, 300)
    if not isinstance(column.dtype, str):
        raise SchemaError(
            f"column '{column.name}' has the dtype {shown(column.dtype)}: write its name, such as 'int64'."
        )
    if column.format is not None and not isinstance(column.format, str):
        raise SchemaError(
            f"column '{column.name}' has the format {shown(column.format)}: write one such as '%Y-%m-%d'."
        )


def infer(
    table: pd.DataFrame,
    missing: Collection[Any] = (),
    source: str = "the table",
    keep_rare: bool = False,
) -> Schema:
    """The schema of a table.

    missing: values that mean missing in this table, such as {"?"}; by default only real missing values do.
    source: what error messages call the table (a file name). keep_rare: values of fewer than 5 rows are
    reproduced, too: every column has a `min_rows` of 1, and strings are a category where half of the cells
    hold values that come at least twice.
    Raises DataError for a table without columns, with fewer than two rows, with a column name that occurs
    twice, or with values that no kind can hold.
    """
    table, missing = arguments.table(source, table), arguments.sentinels("missing", missing)
    check_table(table, source)
    least = 1 if keep_rare else None
    columns = [_infer_column(table[name], missing, least) for name in table.columns]
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


def is_missing(series: pd.Series, sentinels: Iterable[Any]) -> pd.Series:
    """Where a Series is missing or holds a declared sentinel (strings also match numbers written so)."""
    gone = series.isna()
    wanted = list(sentinels)
    if wanted and pd.api.types.is_numeric_dtype(series.dtype):
        numbers = pd.to_numeric(pd.Series([str(v) for v in wanted]), errors="coerce").dropna()
        return gone | series.isin(numbers.tolist()).fillna(False).astype(bool)
    if wanted:
        cells = series.astype(object)
        if nested.holds_values(cells):
            cells = cells.map(lambda cell: None if isinstance(cell, (dict, list)) else cell)
        return gone | cells.isin(wanted)
    return gone


def masked(table: pd.DataFrame, column: Column, schema: Schema) -> pd.Series:
    """A column of a table with its sentinels as missing values."""
    series = table[column.name]
    if not schema.missing:
        return series
    gone = is_missing(series, schema.missing)
    return hide(series, gone) if gone.any() else series


def hide(series: pd.Series, gone: pd.Series) -> pd.Series:
    """The Series with missing values at `gone`, in a dtype that can hold them."""
    if series.dtype.kind in "iu" and isinstance(series.dtype, np.dtype):
        series = series.astype(str(series.dtype).replace("i", "I").replace("u", "U"))
    elif series.dtype == bool:
        series = series.astype("boolean")
    return series.mask(gone)


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
    if column.kind in _CAN_BE_PERSONAL:
        column.personal = _personal(present, column)
    describe(present, column)
    return column


def _personal(present: pd.Series, column: Column, declared: bool = False) -> str | None:
    values = plain_values(present, column).drop_duplicates()
    some = [kinds.plain(value) for value in values.head(personal.SAMPLE)]
    return personal.looks_personal(column.name, some, len(present), len(values), declared)


def plain_values(series: pd.Series, column: Column) -> pd.Series:
    """The values as codecs look them up: those of mixed columns as strings, everything else as it is."""
    if column.python == "mixed":
        return series.map(str, na_action="ignore")
    return series


def describe(present: pd.Series, column: Column) -> None:
    """Fills in the facts of the column's kind that are not set. `present` has no missing values.

    Raises SchemaError if the values contradict the kind.
    """
    check_kind(column)
    if len(present) == 0 or column.kind == "drop":
        return
    if column.python == "json" and column.kind != "json":
        raise SchemaError(
            f"column '{column.name}' is declared {column.kind}, but holds lists or objects: make its kind "
            "json, or write them as text."
        )
    if column.kind == "number":
        _describe_number(present, column)
    elif column.kind == "datetime":
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
    elif column.kind == "constant" and column.value is None:
        values = plain_values(present, column)
        column.value = kinds.plain(values.iloc[0])
    if column.kind == "constant":
        other = present[plain_values(present, column) != column.value]
        if len(other):
            raise SchemaError(
                f"column '{column.name}' is declared constant with the value {column.value!r}, but holds "
                f"{kinds.plain(other.iloc[0])!r} too: change its kind."
            )
    if column.kind in ("key", "pseudonym"):
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
    try:
        values, _ = as_numbers(present)
    except ValueError as error:
        raise SchemaError(
            f"column '{column.name}' is declared a number, but holds {error.args[0]!r}: change its kind."
        ) from None
    timedelta = "timedelta" in column.dtype or "duration" in column.dtype
    finite = values[np.isfinite(values)] if values.dtype == np.float64 else values
    if timedelta:
        column.resolution = column.resolution or kinds.timedelta_resolution(present, values)
    elif column.decimals is None and column.minimum is None:
        column.decimals = kinds.decimals(finite, column.dtype)
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
