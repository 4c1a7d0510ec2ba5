"""Reads a column of the real, the synthetic and the holdout table into arrays that every metric can compare.

A column has one or more *parts*: a number, a category or a date has one that is compared; a text is compared
by its length, its number of words and its letters. Dates and texts have more parts that only the detector
looks at.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike import schema as schemas
from lookalike.dates import read_dates
from lookalike.dtypes import as_numbers
from lookalike.errors import DataError, OptionError
from lookalike.nested import flat, holds_values

Array = npt.NDArray[Any]

FEW = 20  # distinct values up to which a numeric column is compared value by value, like a category
LETTERS = 50  # pairs of letters of a text that are told apart


@dataclass
class Part:
    """One comparable aspect of a column, for every table ("real", "synthetic", "holdout").

    codes: table -> int64 (rows,): place among `support` distinct values, sorted where `ordered`; -1 is
    missing.
    values: table -> float64 (rows,), nan where missing; None where the values have no order.
    ordered: compared by the distance of distribution functions; else value by value.
    """

    name: str
    codes: dict[str, Array]
    support: int
    values: dict[str, Array] | None
    ordered: bool
    labels: Array | None = None  # (support,) what the codes stand for

    def by_frequency(self) -> Array:
        """(support + 1,) the place of each code by frequency in the real table; last, for missing: -1."""
        real = self.codes["real"]
        count = np.bincount(real[real >= 0], minlength=self.support)
        place = np.full(self.support + 1, -1)
        place[np.argsort(-count, kind="stable")] = np.arange(self.support)
        return place


@dataclass
class Column:
    """A column as its schema kind and its parts; the first `compared` parts make its shape error."""

    name: str
    kind: str
    parts: list[Part]
    identity: dict[str, Array]  # table -> int64 (rows,): equal exactly where the values are equal
    compared: int = 1
    integer: bool = False
    notes: list[str] = field(default_factory=list)
    texts: Array | None = None  # of a text: what the codes of `identity` stand for
    labels: Array | None = None  # of an id: the same

    def take(self, rows: Mapping[str, Array]) -> Column:
        """The same column with the given row numbers of the tables that are named, without the others.

        A holdout where there was none is made of rows of the real table.
        """

        def pick(arrays: dict[str, Array]) -> dict[str, Array]:
            return {table: arrays.get(table, arrays["real"])[numbers] for table, numbers in rows.items()}

        parts = [
            Part(p.name, pick(p.codes), p.support, p.values and pick(p.values), p.ordered, p.labels)
            for p in self.parts
        ]
        return Column(
            self.name,
            self.kind,
            parts,
            pick(self.identity),
            self.compared,
            self.integer,
            self.notes,
            self.texts,
            self.labels,
        )


def read_columns(
    tables: Mapping[str, pd.DataFrame], text: str | None = None, ids: Collection[Any] = ()
) -> list[Column]:
    """Every column of tables["real"], with the same columns of the others.

    The kinds come from the real table; text: a column that is read as text whatever it looks like; ids: those
    of keys and of made-up values. Raises
    DataError where a table lacks a column, has one more, or holds a value that does not fit the column's
    kind; OptionError where `text` holds no texts.
    """
    real = tables["real"]
    for title, table in tables.items():
        check_table(title, table, real)
    tables = _flat(tables)
    real = tables["real"]
    schema = schemas.infer(real)
    if text is not None:
        kind = schema[text].kind
        if kind not in ("text", "code", "json", "category", "id"):
            raise OptionError(
                f"column '{text}' holds no texts but is of kind {kind}: name a column of texts."
            )
        schema[text].kind = "text"
    for name in ids:
        schema[name].kind = "id"
    return [_read(schema[name], {t: table[name] for t, table in tables.items()}) for name in real.columns]


def _flat(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables with JSON text in the columns where any of them has lists or objects."""
    names = [n for n in tables["real"].columns if any(holds_values(table[n]) for table in tables.values())]
    return {
        title: table.assign(**{name: table[name].astype(object).map(flat) for name in names})
        for title, table in tables.items()
    }


def check_table(title: str, table: pd.DataFrame, real: pd.DataFrame) -> None:
    """Raise DataError unless the table has rows and exactly the columns of the real one."""
    doubled = table.columns[table.columns.duplicated()]
    if len(doubled):
        raise DataError(f"the {title} table has two columns named '{doubled[0]}': rename one.")
    if not len(table) or not len(table.columns):
        raise DataError(f"the {title} table has no rows: there is nothing to compare.")
    absent = [str(name) for name in real.columns if name not in table.columns]
    if absent:
        raise DataError(
            f"the {title} table has no column {_names(absent)}: it needs those of the real table."
        )
    extra = [str(name) for name in table.columns if name not in real.columns]
    if extra:
        raise DataError(
            f"the {title} table has the column {_names(extra)}, which the real one has not: drop it."
        )


def _names(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names[:5]) + (
        f" and {len(names) - 5} more" if len(names) > 5 else ""
    )


def _read(column: Any, series: dict[str, pd.Series]) -> Column:
    notes = [
        f"column '{column.name}' is {s.dtype} in the {table} table and {series['real'].dtype} in the real one"
        for table, s in series.items()
        if s.dtype != series["real"].dtype
    ]
    if column.kind == "number":
        keys = {table: _numbers(table, s) for table, s in series.items()}
        part = _ordered("", keys)
        return Column(column.name, "number", [part], part.codes, integer=bool(column.integer), notes=notes)
    if column.kind == "datetime":
        keys = {table: _moments(table, s, getattr(column, "format", None)) for table, s in series.items()}
        part = _ordered("", keys)
        return Column(column.name, "datetime", [part, *_clock(keys)], part.codes, notes=notes)
    words = {table: _strings(s) for table, s in series.items()}
    whole = _unordered("", words)
    if column.kind == "id":
        return Column(column.name, "id", [], whole.codes, compared=0, notes=notes, labels=whole.labels)
    if column.kind in ("text", "code", "json"):
        parts = _text(words)
        return Column(column.name, "text", parts, whole.codes, compared=3, notes=notes, texts=whole.labels)
    return Column(column.name, "category", [whole], whole.codes, notes=notes)


def _numbers(table: str, series: pd.Series) -> tuple[Array, Array]:
    """(values, missing) of a number column: int64 where they are whole and present, else float64."""
    try:
        values, missing = as_numbers(series)
    except (ValueError, TypeError) as error:
        raise DataError(
            f"column '{series.name}' holds numbers in the real table, but {str(error)[:60]!r} in the {table} "
            "one: make both numbers, or both strings."
        ) from None
    if values.dtype == object:
        values = np.array([float(v) for v in values])
    return values, missing | (np.isnan(values) if values.dtype.kind == "f" else False)


def _moments(table: str, series: pd.Series, form: str | None) -> tuple[Array, Array]:
    """(microseconds since 1970 as int64, missing); where there is a time zone, of wall time."""
    if isinstance(series.dtype, pd.ArrowDtype) and series.dtype.kind == "M":
        series = series.dt.tz_localize(None) if series.dt.tz is not None else series
        series = pd.Series(series.to_numpy("datetime64[us]"), name=series.name)
    if series.dtype.kind == "M":
        wall = series.dt.tz_localize(None) if series.dt.tz is not None else series
        moments = wall.to_numpy().astype("datetime64[us]")
    elif form is not None:
        moments = read_dates(series.astype(object).where(series.notna(), None).to_numpy(object), form)
    else:
        moments = pd.to_datetime(series.astype(object), errors="coerce").to_numpy().astype("datetime64[us]")
    missing = np.isnat(moments)
    wrong = missing & series.notna().to_numpy(bool)
    if wrong.any():
        bad = str(series[wrong].iloc[0])[:60]
        raise DataError(
            f"column '{series.name}' holds dates in the real table, but {bad!r} in the "
            f"{table} one: write them in one format."
        )
    return np.where(missing, np.datetime64(0, "us"), moments).astype(np.int64), missing


def _strings(series: pd.Series) -> tuple[Array, Array]:
    """(strings, missing): what agrees between dtypes (1 and 1.0, True and "True") gives one string."""
    missing = series.isna().to_numpy(bool)
    if pd.api.types.is_float_dtype(series.dtype):
        values = series.to_numpy(np.float64, na_value=np.nan)
        texts = np.array([f"{v:.0f}" if v.is_integer() else repr(v) for v in values.tolist()], dtype=object)
    else:
        texts = series.astype(object).map(str).to_numpy(object)
    return texts, missing


def _ordered(name: str, keys: Mapping[str, tuple[Array, Array]]) -> Part:
    """A part whose values have an order; of few distinct values it is compared value by value."""
    kinds = {values.dtype for values, _ in keys.values()}
    common = np.int64 if kinds == {np.dtype(np.int64)} else np.float64
    present = [values[~missing].astype(common) for values, missing in keys.values()]
    support, inverse = np.unique(np.concatenate(present), return_inverse=True)
    codes, values, at = {}, {}, 0
    for (table, (_, missing)), shown in zip(keys.items(), present, strict=True):
        codes[table] = np.full(len(missing), -1, dtype=np.int64)
        codes[table][~missing] = inverse[at : at + len(shown)]
        values[table] = np.full(len(missing), np.nan)
        values[table][~missing] = shown
        at += len(shown)
    real = codes["real"]
    distinct = len(np.unique(real[real >= 0]))
    ordered = distinct > min(FEW, len(real) // 5)
    return Part(name, codes, len(support), values, ordered, support)


def _unordered(name: str, keys: Mapping[str, tuple[Array, Array]]) -> Part:
    """A part whose values are names."""
    together = np.concatenate([texts for texts, _ in keys.values()])
    gone = np.concatenate([missing for _, missing in keys.values()])
    inverse, labels = pd.factorize(pd.Series(together, dtype=object).where(~gone, None))
    ends = np.cumsum([len(missing) for _, missing in keys.values()])[:-1]
    codes = dict(zip(keys, np.split(inverse.astype(np.int64), ends), strict=True))
    return Part(name, codes, len(labels), None, False, np.asarray(labels, dtype=object))


def _clock(keys: Mapping[str, tuple[Array, Array]]) -> list[Part]:
    """Day of the week and time of day, where they vary: trees cannot see them in a count of microseconds."""
    day = 86_400_000_000
    parts = [
        _ordered("weekday", {t: (v // day % 7, gone) for t, (v, gone) in keys.items()}),
        _ordered("time", {t: (v % day, gone) for t, (v, gone) in keys.items()}),
    ]
    return [part for part in parts if part.support > 1]


def _text(words: Mapping[str, tuple[Array, Array]]) -> list[Part]:
    """Length, words, and one pair of neighbouring letters of each text; digits and capitals."""

    def count(name: str, of: Any) -> Part:
        keys = {
            table: (np.array([0 if m else of(t) for t, m in zip(texts, gone, strict=True)], np.int64), gone)
            for table, (texts, gone) in words.items()
        }
        return _ordered(name, keys)

    def pair(text: str) -> str:
        at = zlib.crc32(text.encode("utf-8", "replace")) % max(
            len(text) - 1, 1
        )  # the same text, the same pair
        return text[at : at + 2]

    pairs = {
        t: (np.array([pair(str(text)) for text in texts], object), gone) for t, (texts, gone) in words.items()
    }
    texts, gone = pairs["real"]
    frequent = set(pd.Series(texts[~gone]).value_counts().index[:LETTERS])
    pairs = {t: (np.array([p if p in frequent else "" for p in x], object), g) for t, (x, g) in pairs.items()}
    return [
        count("length", len),
        count("words", lambda t: len(t.split())),
        _unordered("letters", pairs),
        count("digits", lambda t: sum(map(str.isdigit, t))),
        count("capitals", lambda t: sum(map(str.isupper, t))),
    ]
