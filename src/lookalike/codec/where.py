"""Conditions on columns: what `where` means, in Python and on the command line.

    {"income": ">50K"}                      one value                 income=">50K"
    {"age": (30, 39)}                       a range, both ends in     age=30..39
    {"age": (None, 39)}                     an open range             age=..39
    {"race": {"Black", "Other"}}            any of these (set, list)  race=Black,Other
    {"speed": None}                         missing                   speed=
    {"tool": {"name": "f"}}                 one value of json         tool={"name": "f"}
    {"speed": NOT_MISSING}                  not missing               speed!=

A value that itself holds a comma or ".." is taken whole when the column has it; else quote it as in CSV:
tags='"a,b",c'.
"""

from __future__ import annotations

import csv
import difflib
import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..errors import ConditionError
from ..nested import json_text
from ..schema import Schema


class _Mark(enum.Enum):
    NOT_MISSING = "not missing"


NOT_MISSING = _Mark.NOT_MISSING
Where = Mapping[str, Any]


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
        return f"{'' if self.low is None else self.low}..{'' if self.high is None else self.high}"


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
        return Condition(low=wanted[0], high=wanted[1])
    if schema[name].kind == "json" and isinstance(wanted, (dict, list)):
        wanted = json_text(wanted)
    several = isinstance(wanted, (set, frozenset, list, pd.Series, pd.Index, np.ndarray))
    values = list(wanted) if several else [wanted]
    if not values:
        raise ConditionError(f"the condition on column '{name}' is an empty set: name at least one value.")
    present = [v for v in values if not _is_missing(v)]
    # sorted, so that the same set always gives the same table
    present = sorted(dict.fromkeys(present), key=lambda v: (str(type(v)), str(v)))
    return Condition(values=tuple(present), missing=len(present) < len(values))


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
    for text in texts:
        cuts = [i for i, letter in enumerate(text) if letter == "="]
        if not cuts:
            raise ConditionError(f"the condition '{text}' has no '=': write COLUMN=VALUE.")
        names = {str(name): name for name in schema.names}
        at = next((i for i in cuts if text[:i] in names or text[:i].removesuffix("!") in names), cuts[0])
        left, right = text[:at], text[at + 1 :]
        negated = left not in names and left.endswith("!") and right == ""
        left = left[:-1] if negated else left
        if left not in names:
            raise ConditionError(f"there is no column '{left}': {listed(left, schema.names, 'columns')}.")
        if names[left] in where:
            raise ConditionError(f"column '{left}' has two conditions: join their values as {left}=A,B.")
        values = {str(value) for value in (known or {}).get(names[left], ())}
        whole = schema[names[left]].kind in ("text", "code", "json") or right in values
        where[names[left]] = NOT_MISSING if negated else right if whole and right else _parse_right(right)
    return where


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
    near = difflib.get_close_matches(str(wanted), texts, n=5, cutoff=0.5)
    if near and len(texts) > 8:
        return "did you mean " + " or ".join(f"'{x}'" for x in near)
    more = f" and {len(texts) - 8} more" if len(texts) > 8 else ""
    return f"the {what} are " + ", ".join(f"'{x}'" for x in texts[:8]) + more
