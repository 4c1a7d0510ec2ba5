"""Conditions on columns: what `where` means, in Python and on the command line.

    {"income": ">50K"}                      one value                 income=">50K"
    {"age": (30, 39)}                       a range, both ends in     age=30..39
    {"age": (None, 39)}                     an open range             age=..39
    {"race": {"Black", "Other"}}            any of these (set, list)  race=Black,Other
    {"speed": None}                         missing                   speed=
    {"tool": {"name": "f"}}                 one value of json         tool={"name": "f"}
    {"speed": NOT_MISSING}                  not missing               speed!=

In Python these texts are understood, too: one, or a list of them. A value that itself holds a comma or ".."
is taken whole when the column has it; else quote it as in CSV: tags='"a,b",c'.
"""

from __future__ import annotations

import csv
import enum
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lookalike.arguments import brief, close, shown
from lookalike.errors import ConditionError
from lookalike.table import formats
from lookalike.table.column import Column
from lookalike.table.dates import read_several
from lookalike.table.nested import json_text
from lookalike.table.schema import Schema


class _Mark(enum.Enum):
    NOT_MISSING = "not missing"


NOT_MISSING = _Mark.NOT_MISSING
Where = Mapping[str, Any]
_LISTS = (list, range, pd.Series, pd.Index, pd.Categorical, np.ndarray)
_SEVERAL = (set, frozenset, *_LISTS)  # any of these values


@dataclass(frozen=True)
class Condition:
    """What one column has to satisfy.

    values: any of these; () with `missing` means missing only; None means any value (within low..high).
    low, high: an inclusive range; None = open. missing: missing values satisfy it too.
    """

    values: tuple[Any, ...] | None = None
    low: Any = None
    high: Any = None
    missing: bool = False

    def holds(self, value: Any) -> bool:
        """Whether a value that is not missing lies in the range."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def text(self) -> str:
        """The range as it is written on the command line."""
        low, high = ("" if end is None else brief(end) for end in (self.low, self.high))
        return f"{low}..{high}"


def as_where(
    where: Where | str | Sequence[str] | None,
    schema: Schema,
    known: Mapping[str, Sequence[Any]] | None = None,
) -> Where:
    """The mapping of a `where` that is one, a text of the command line or a list of such texts, or None.

    known: as in `parse_where`. Raises ConditionError for anything else.
    """
    if where is None or isinstance(where, Mapping):
        return where or {}
    texts = [where] if isinstance(where, str) else where
    if isinstance(texts, list | tuple) and all(isinstance(text, str) for text in texts):
        return parse_where(texts, schema, known)
    raise ConditionError(
        f"where is {shown(where)}: write {{column: condition}}, such as {{{_example(schema)!r}: (10, 20)}}, "
        f"or the text '{_example(schema)}=10..20'."
    )


def _example(schema: Schema) -> Any:
    """A column for an example of a range."""
    numbers = [column.name for column in schema.columns if column.is_number]
    return (numbers or schema.names)[0]


def read_where(where: Where | None, schema: Schema) -> dict[str, Condition]:
    """Conditions of a Python `where`. Raises ConditionError for unknown columns and empty sets."""
    return {name: _condition(name, wanted, schema) for name, wanted in (where or {}).items()}


def _condition(name: str, wanted: Any, schema: Schema) -> Condition:
    if name not in schema.names:
        raise ConditionError(f"there is no column '{name}': {listed(name, schema.names, 'columns')}.")
    if wanted is NOT_MISSING:
        return Condition()
    if isinstance(wanted, Condition):
        return wanted
    if isinstance(wanted, tuple):
        if len(wanted) != 2:
            raise ConditionError(
                f"the condition on column '{name}' is a tuple of {len(wanted)}: a tuple is a range "
                "(low, high), a set names several values."
            )
        low, high = (None if _is_value(end) and _is_missing(end) else end for end in wanted)
        if not (_is_value(low) and _is_value(high)):
            raise ConditionError(
                f"the condition on column '{name}' is the range {shown(wanted)}: its ends are values or None."
            )
        return Condition(low=low, high=high)
    if schema[name].kind == "json" and isinstance(wanted, (dict, list)):
        wanted = json_text(wanted)
    if isinstance(wanted, np.ndarray) and wanted.ndim == 0:
        wanted = wanted.item()
    values = list(wanted) if isinstance(wanted, _SEVERAL) else [wanted]
    odd = next((value for value in values if not _is_value(value)), None)
    if odd is not None:
        raise ConditionError(
            f"the condition on column '{name}' is {shown(odd)}: write a value, a set of values, a range "
            "(low, high), None for missing, or NOT_MISSING."
        )
    if not values:
        raise ConditionError(f"the condition on column '{name}' is an empty set: name at least one value.")
    present = [v for v in values if not _is_missing(v)]
    # sorted, so that the same set always gives the same table
    present = sorted(dict.fromkeys(present), key=lambda v: (str(type(v)), str(v)))
    return Condition(values=tuple(present), missing=len(present) < len(values))


def _is_value(value: Any) -> bool:
    """Whether something can be a cell that a condition names."""
    return bool(pd.api.types.is_scalar(value)) and not isinstance(value, bytes | complex | pd.Interval)


def _is_missing(value: Any) -> bool:
    return value is None or bool(pd.isna(value))


def parse_where(
    texts: Sequence[str], schema: Schema, known: Mapping[str, Sequence[Any]] | None = None
) -> dict[str, Any]:
    """The `where` of command-line texts such as `age=30..39`.

    known: the values of category columns (`RecordCodec.known`), so that a value with a comma is recognised.
    Raises ConditionError for texts without "=", unknown columns, and a column named twice.
    """
    where: dict[str, Any] = {}
    names = {str(name): name for name in schema.names}
    for text in texts:
        left, right = _cut(text, names, schema)
        negated = left not in names and left.endswith("!") and right == ""
        left = left[:-1] if negated else left
        if left not in names:
            raise ConditionError(f"there is no column '{left}': {listed(left, schema.names, 'columns')}.")
        if names[left] in where:
            raise ConditionError(f"column '{left}' has two conditions: join their values as {left}=A,B.")
        values = {str(value) for value in (known or {}).get(names[left], ())}
        column = schema[names[left]]
        whole = column.is_textual or right in values or _is_cell(right, column)
        if not whole and schema.layout.get("numbers", {}).get(left, {}).get("decimal") == ",":
            right = "..".join(re.sub(r"^(-?\d+),(\d+)$", r"\1.\2", end) for end in right.split(".."))
        where[names[left]] = NOT_MISSING if negated else right if whole and right else _parse_right(right)
    return where


def _cut(text: str, names: Mapping[str, Any], schema: Schema) -> tuple[str, str]:
    """The two sides of a condition. Raises ConditionError, which says how a comparison is to be written."""
    cuts = [i for i, letter in enumerate(text) if letter == "="]
    at = next((i for i in cuts if text[:i] in names or text[:i].removesuffix("!") in names), None)
    if at is not None:
        return text[:at], text[at + 1 :]
    found = re.fullmatch(r"\s*(.+?)\s*(<=|>=|==|!=|<|>|=)\s*(.*?)\s*", text, re.DOTALL)
    if found is not None and found[1] in names:
        name, sign, value = found.groups()
        if sign == "=" or (sign == "!=" and not value):
            return name + sign[:-1], value
        if sign == "!=":
            raise ConditionError(
                f"the condition '{text}' excludes a value: name those that are wanted, {name}=A,B, or write "
                f"{name}!= for not missing."
            )
        written = value if sign == "==" else f"{value}.." if ">" in sign else f"..{value}"
        more = ", a range whose ends are included" if ".." in written else ""
        raise ConditionError(f"the condition '{text}' is not a comparison: write {name}={written}{more}.")
    if not cuts:
        example = _example(schema)
        raise ConditionError(
            f"the condition '{text}' has no '=': write COLUMN=VALUE, such as {example}=10, or "
            f"{example}=10..20 for a range."
        )
    return text[: cuts[0]], text[cuts[0] + 1 :]


def _is_cell(text: str, column: Column) -> bool:
    """Whether a text with a comma is one cell of a column, such as $1,234.50."""
    if text in (column.exceptions or ()):
        return True
    if column.is_number:
        return bool(formats.read([text], column.formats, column.decimals)[1][0] >= 0)
    return column.is_date and bool(read_several([text], column.formats)[1][0] >= 0)


def _parse_right(text: str) -> Any:
    if text == "":
        return None
    if ".." in text and '"' not in text:
        low, _, high = text.partition("..")
        return (low or None, high or None)
    parts = next(csv.reader([text]))
    return parts[0] if len(parts) == 1 else {part or None for part in parts}


def listed(wanted: Any, known: Iterable[Any], what: str = "values") -> str:
    """The end of an error message: the known values nearest to what was asked for."""
    texts = [str(value) for value in known]
    near = close(str(wanted), texts)
    if near and len(texts) > 8:
        return "did you mean " + " or ".join(f"'{x}'" for x in near)
    more = f" and {len(texts) - 8} more" if len(texts) > 8 else ""
    return f"the {what} are " + ", ".join(f"'{x}'" for x in texts[:8]) + more
