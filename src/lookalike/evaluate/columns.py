"""Reads a column of the real, the synthetic and the holdout table into arrays that every metric can compare.

A column has one or more *parts*: a number, a category or a date has one that is compared; a text is compared
by its length, its number of words and its letters. Dates and texts have more parts that only the detector
looks at.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.errors import DataError, OptionError
from lookalike.evaluate.values import is_nan, moments, numbers, spans, strings
from lookalike.table import inferring
from lookalike.table.nested import flat, holds_values

Array = npt.NDArray[Any]

FEW = 20  # distinct values up to which a numeric column is compared value by value, like a category
LETTERS = 50  # pairs of letters of a text that are told apart
MISSING, UNREADABLE = -1, -2  # in `Column.identity`
HUGE = 1e150  # numbers from here on are scaled down, or their squares would overflow
PROSE_WORDS, PROSE_SHARE = 3, 0.5  # words of a text and their share of what it is made of, at least
PROSE_TEXTS = 1000  # that are looked at
WORD = re.compile(r"\W*[^\W\d_]+(?:['\u2019-][^\W\d_]+)*\W*")
# Thai, Japanese and Chinese have no spaces between words: a sign counts as one.
UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")


@dataclass
class Part:
    """One comparable aspect of a column, for every table ("real", "synthetic", "holdout").

    codes: table -> int64 (rows,): place among `support` distinct values, sorted where `ordered`; -1 is
    missing.
    values: table -> float64 (rows,), nan where missing, divided by `scale`; None where they have no order.
    ordered: compared by the distance of distribution functions; else value by value.
    scale: 1, or the power of two that brings huge numbers down to about 1.
    """

    name: str
    codes: dict[str, Array]
    support: int
    values: dict[str, Array] | None
    ordered: bool
    labels: Array | None = None  # (support,) what the codes stand for
    scale: float = 1.0

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
    identity: dict[
        str, Array
    ]  # table -> int64 (rows,): equal where the values are; MISSING or UNREADABLE below 0
    compared: int = 1
    integer: bool = False
    notes: list[str] = field(default_factory=list)
    texts: Array | None = None  # of a text: what the codes of `identity` stand for
    labels: Array | None = None  # of an id: the same
    words: float = 0.0  # of a text: the mean number of words, if it is prose; else 0
    personal: bool = False  # it looks as if it named persons

    def take(self, rows: Mapping[str, Array]) -> Column:
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
    tables: Mapping[str, pd.DataFrame], text: str | None = None, ids: Collection[Any] = ()
) -> list[Column]:
    """Every column of tables["real"], with the same columns of the others.

    The kinds come from the real table; text: a column that is read as text whatever it looks like; ids: those
    of keys and of made-up values. A number or a date that cannot be read is UNREADABLE. Raises DataError
    where a table is none, has no rows, lacks a column, has one more, or where most values of a column do not
    fit its kind; OptionError where `text` holds no texts.
    """
    real = tables["real"]
    for title, table in tables.items():
        check_table(title, table, real)
    inferring.check_table(real, "the real table")
    tables = _flat(tables)
    real = tables["real"]
    schema = inferring.infer(real, source="the real table")
    if text is not None:
        kind = schema[text].kind
        if kind not in ("text", "code", "json", "category", "id"):
            raise OptionError(
                f"column '{text}' holds no texts but is of kind {kind}: name a column of texts."
            )
        schema[text].kind = "text"
    for name in ids:
        schema[name].kind = "id"
    columns = []
    for name in real.columns:
        one = _read(schema[name], {t: table[name] for t, table in tables.items()})
        columns.append(replace(one, personal=schema[name].personal is not None))
    return columns


def _flat(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables with JSON text in the columns where any of them has lists or objects."""
    names = [n for n in tables["real"].columns if any(holds_values(table[n]) for table in tables.values())]
    out = {title: table.copy(deep=False) for title, table in tables.items()}
    for table in out.values():
        for name in names:
            table[name] = table[name].astype(object).map(flat)
    return out


def check_table(title: str, table: pd.DataFrame, real: pd.DataFrame) -> None:
    """Raise DataError unless it is a table with rows and exactly the columns of the real one."""
    for name, one in (("real", real), (title, table)):
        if not isinstance(one, pd.DataFrame):
            raise DataError(f"the {name} table is {_told(one)}: {_remedy(one)}.")
    doubled = table.columns[table.columns.duplicated()]
    if len(doubled):
        raise DataError(f"the {title} table has two columns named '{doubled[0]}': rename one.")
    if not len(table) or not len(table.columns):
        what = "columns" if len(table) else "rows"
        raise DataError(f"the {title} table has no {what}: there is nothing to compare, give one that has.")
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


def _told(value: Any) -> str:
    """What was given in the place of a table."""
    if isinstance(value, (str, Path)):
        return f"the name {str(value)[:100]!r}"
    return "None" if value is None else f"a {type(value).__name__}"


def _remedy(value: Any) -> str:
    if isinstance(value, (str, Path)):
        return f"read it first, with lookalike.read_table({str(value)[:100]!r})"
    return "give a pandas DataFrame"


def _names(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names[:5]) + (
        f" and {len(names) - 5} more" if len(names) > 5 else ""
    )


def _read(column: Any, series: dict[str, pd.Series]) -> Column:
    notes = _dtype_notes(column.name, series)
    if column.kind in ("number", "datetime"):
        number = column.kind == "number"
        span = series["real"].dtype.kind == "m"
        read = {
            t: numbers(spans(s, series["real"]) if span else s)
            if number
            else moments(s, getattr(column, "format", None))
            for t, s in series.items()
        }
        wrong = {t: read[t][1] & s.notna().to_numpy(bool) & ~is_nan(s) for t, s in series.items()}
        notes += [_unread(t, s, wrong[t], column.kind) for t, s in series.items() if wrong[t].any()]
        part = _ordered("", read)
        codes = {t: np.where(wrong[t], UNREADABLE, part.codes[t]) for t in series}
        parts = [part] if number else [part, *_clock(read)]
        return Column(
            column.name, column.kind, parts, codes, integer=number and bool(column.integer), notes=notes
        )
    words = {table: strings(s) for table, s in series.items()}
    whole = _unordered("", words)
    if column.kind == "id":
        return Column(column.name, "id", [], whole.codes, compared=0, notes=notes, labels=whole.labels)
    if column.kind in ("text", "code", "json"):
        parts = _text(words)
        prose = _prose(words["real"]) if column.kind == "text" else 0.0
        return Column(
            column.name, "text", parts, whole.codes, compared=3, notes=notes, texts=whole.labels, words=prose
        )
    return Column(column.name, "category", [whole], whole.codes, notes=notes)


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


def _ordered(name: str, keys: Mapping[str, tuple[Array, Array]]) -> Part:
    """A part whose values have an order; of few distinct values it is compared value by value."""
    kinds = {values.dtype for values, _ in keys.values()}
    common = np.int64 if kinds == {np.dtype(np.int64)} else np.float64
    present = [values[~missing].astype(common) for values, missing in keys.values()]
    support, inverse = np.unique(np.concatenate(present), return_inverse=True)
    scale = _scale(support)
    codes, values, at = {}, {}, 0
    for (table, (_, missing)), shown in zip(keys.items(), present, strict=True):
        codes[table] = np.full(len(missing), -1, dtype=np.int64)
        codes[table][~missing] = inverse[at : at + len(shown)]
        values[table] = np.full(len(missing), np.nan)
        values[table][~missing] = shown / scale if scale != 1 else shown
        at += len(shown)
    real = codes["real"]
    distinct = len(np.unique(real[real >= 0]))
    ordered = distinct > min(FEW, len(real) // 5)
    return Part(name, codes, len(support), values, ordered, support, scale)


def _scale(support: Array) -> float:
    """1, or a power of two near the largest value, where squares of the values would overflow."""
    finite = np.abs(support[np.isfinite(support)])
    top = float(finite.max(initial=0.0)) if support.dtype.kind == "f" else 0.0
    return 1.0 if top < HUGE else float(2.0 ** np.floor(np.log2(top)))


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


def _prose(real: tuple[Array, Array]) -> float:
    """The mean number of words of the real texts; 0 unless they are several and most of what is there.

    Addresses of the web and of mail, keys and code are no words.
    """
    texts, gone = real
    some = [str(text) for text in texts[~gone][:PROSE_TEXTS]]
    pieces = [piece for text in some for piece in UNSPACED.sub("a ", text).split()]
    words = sum(WORD.fullmatch(piece) is not None for piece in pieces)
    if not some or words < PROSE_SHARE * len(pieces) or words < PROSE_WORDS * len(some):
        return 0.0
    return words / len(some)


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
