"""One column of a table: its kind, exact dtype, precision and range.

number, datetime    values with an order and distances
category, boolean   few values, each of many rows
compound            several numbers or words in a cell
range               two numbers or dates in a cell, of which one is never above the other
list                several items of a vocabulary in a cell
text, code, json    strings of many values; code in a language; dicts and lists, or text of them
id                  keys that are unique: they are not learned, and new ones are made
constant            one value in every row
key, pseudonym      never inferred: keys that repeat, and names, mails, ...: new ones are made for each entity
drop                never inferred: neither learned nor in the synthetic table
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from lookalike.table.dtypes import dtype_name, timedelta_units
from lookalike.table.kind_groups import OfAKind

LANGUAGES = ("python", "sql")


@dataclass
class Column(OfAKind):
    """One column of a table.

    name, kind: `kind` is one of `kind_groups.KINDS`; set it to have the column treated otherwise. dtype: the
    exact dtype, by name; python: what an object column holds, as `dtypes.python_type` says it. nullable:
    missing values occur, so they are modelled. decimals: digits after the point of a number, 0 for whole
    numbers; None = full float precision. digits: significant digits of such a number; None = as many as a
    float has. single: the numbers are those of single precision, in which 0.1 is 0.10000000149011612, in a
    wider dtype. minimum, maximum: range of a number (timedeltas as strings) or a datetime (ISO string).
    resolution: the finest part of a datetime or timedelta that varies: year, month, day, hour ... ns. format:
    how numbers (`formats.py`) and datetimes (`dates.py`) are written that are strings, or datetimes that are
    whole numbers; what all cells of a compound have in common (`compound.py`), of a range (`ranges.py`) and
    of a list (`lists.py`); a list where several formats occur, which are tried in their order. exceptions:
    cells of a number, datetime, range, compound, id, key or pseudonym that are none, such as "?", most
    frequent first: values of their own. language: of code, one of `LANGUAGES`; None = no parser is known.
    json_schema: of json, the JSON Schema that its values satisfy; None = it is inferred. keys: of json, how
    many keys there are at its top. items: of a list, those that its cells hold, most frequent first.
    categories, ordered: of a pandas categorical, in their order. value: of a constant. sentinel: what is
    written for missing where the dtype has no missing value. personal: what personal data it looks like, one
    of `personal.SORTS`; None = nothing that is known. What a pseudonym is made as. locale: of a pseudonym,
    such as "de_DE"; None = "en_US". min_rows: of a category, values that fewer rows hold are not reproduced;
    None means 5, 1 keeps all (of the 5,000 most frequent, which a category has at most). pattern: of an id or
    key, the regular expression of its strings (`patterns.py`); edited, it says what fresh ones look like.
    check: the check digits that they have, one of `check_digits.CHECKS`; None = none. note: the kind that it
    was inferred to be and why, where another is possible; not saved.
    """

    name: Any
    kind: str
    dtype: str
    nullable: bool = False
    python: str | None = None
    decimals: int | None = None
    digits: int | None = None
    single: bool = False
    minimum: Any = None
    maximum: Any = None
    resolution: str | None = None
    format: str | list[str] | None = None
    exceptions: list[str] | None = None
    items: list[str] | None = None
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
    pattern: str | None = None
    check: str | None = None
    note: tuple[str, str] | None = field(default=None, compare=False)

    @property
    def integer(self) -> bool:
        """Whether the column holds whole numbers only (whatever its dtype)."""
        return self.is_number and self.decimals == 0

    @property
    def formats(self) -> list[str]:
        """The formats as a list, empty without any."""
        return [self.format] if isinstance(self.format, str) else list(self.format or [])

    @property
    def is_mixed(self) -> bool:
        """Whether the values have several types."""
        return str(self.python).startswith("mixed")

    @property
    def exact(self) -> bool:
        """Whether the numbers are Decimals."""
        return self.python == "decimal" or self.dtype.startswith("arrow[decimal")

    def units(self, series: pd.Series) -> int:
        """How many units of a timedelta Series one `resolution` is."""
        unit = dtype_name(series).rstrip("]").rpartition("[")[2]
        return timedelta_units(str(self.resolution), unit)


def without_exceptions(series: pd.Series, column: Column) -> pd.Series:
    """The series with what is an exception of the column missing: of ids, keys and pseudonyms."""
    if not column.exceptions:
        return series
    return series.mask(series.astype(object).isin(column.exceptions).to_numpy(bool))


def plain_values(series: pd.Series, column: Column) -> pd.Series:
    """The values as codecs look them up: those of mixed columns as strings, everything else as it is."""
    if column.is_mixed:
        return series.map(str, na_action="ignore")
    return series
