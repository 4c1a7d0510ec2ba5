"""Range columns: two numbers or dates in a cell (see table/ranges.py), the last one by its distance.

The slots of a cell are those of its first end, which format it has where there are several, and how far the
last end is, a number of units of the finest part. So no cell breaks the order of the real ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from lookalike.arguments import brief
from lookalike.codec.celltext import (
    Asked,
    Extent,
    JsonSchema,
    asked_shape,
    asked_values,
    bounded,
    distinct,
    literal,
    of_others,
    strings,
)
from lookalike.codec.kinds import datetime, number
from lookalike.codec.learned import LEARNED, UNKNOWN
from lookalike.codec.slot import Array, Slot, plain_slot
from lookalike.codec.ticks import dates, numbers
from lookalike.codec.where import Condition
from lookalike.errors import ConditionError, SchemaError
from lookalike.table import compound, durations, formats, ranges
from lookalike.table.column import Column
from lookalike.table.dates import pattern_of
from lookalike.table.dtypes import RESOLUTIONS, restore
from lookalike.table.inferring import describe
from lookalike.table.kind_groups import DATE, NUMBER

KINDS: dict[str, Any] = {NUMBER: number, DATE: datetime}


@dataclass(frozen=True)
class Params:
    """What is learned of a range.

    columns: of the first end, the last end, and the distance between them; first, gap: what is learned of the
    first and the third. formats: (formats,) rows of each, empty where there is one. rows, unread: how many
    cells there were, and how many of them had none of the formats.
    """

    columns: list[Column]
    first: Any
    gap: number.Params
    formats: Array = field(default_factory=lambda: np.zeros(0))
    rows: int = 0
    unread: int = 0

    @property
    def kind(self) -> Any:
        """The file of the kind of the ends."""
        return KINDS[self.columns[0].kind]


def of(facts: dict[str, Any]) -> Params:
    columns = [Column(**one) for one in facts["columns"]]
    first = KINDS[columns[0].kind].of(facts["first"])
    return Params(**{**facts, "columns": columns, "first": first, "gap": number.of(facts["gap"])})


def analyse(series: pd.Series, column: Column, rare: int) -> Params:
    """Raises SchemaError where more than a few cells have none of the column's formats."""
    ranges.check_format(column)
    cells, first, last, which, odd = _read(series, column)
    if odd.sum() > compound.LOST * len(odd):
        raise SchemaError(
            f"column '{column.name}' is declared a range, but holds {cells[odd.argmax()]!r}, which is not "
            f"written as {' or '.join(column.formats)}: change its kind."
        )
    columns = ranges.columns_of(column)
    columns[0].exceptions = column.exceptions
    for own, end in zip(columns, (first, last), strict=True):
        describe(pd.Series(end[~pd.isna(end)], dtype=object), own)
    if columns[0].is_date:
        fine = max((str(own.resolution) for own in columns), key=list(RESOLUTIONS).index)
        columns[0].resolution = columns[1].resolution = fine
    columns[1].exceptions = None
    learned = KINDS[columns[0].kind].analyse(pd.Series(first[~odd], dtype=object), columns[0], rare)
    columns.append(Column(f"{column.name} [apart]", NUMBER, "Int64", False, "int", decimals=0))
    apart = pd.Series(_apart(columns, first, last), dtype="Int64").dropna()
    gap = number.analyse(apart, columns[2], rare)
    kinds = len(column.formats)
    counts = np.bincount(which[which >= 0], minlength=kinds).astype(float) if kinds > 1 else np.zeros(0)
    return Params(columns, learned, gap, counts, len(series), int(odd.sum()))


def _read(series: pd.Series, column: Column) -> tuple[Array, Array, Array, Array, Array]:
    """(cells, first, last, which, odd): the cells as strings, None where missing; as of `ranges.read`, the
    first end of an exception being the cell; and where cells have no format.
    """
    gone = series.isna().to_numpy(bool)
    cells = series.astype(object).where(~gone, None).to_numpy(object)
    first, last, which = ranges.read(cells, column.formats)
    special = np.isin(cells.astype(str), column.exceptions or []) & ~gone
    first[special], last[special], which[special] = cells[special], None, -1
    return cells, first, last, which, ~gone & ~special & (which < 0)


def _ticks(texts: Array, column: Column) -> tuple[Array, Array]:
    """(ticks, marks) of the texts of an end."""
    own = numbers if column.is_number else dates
    return own.to_ticks(pd.Series(texts, dtype=object), column)


def _range(column: Column) -> tuple[int, int]:
    """The smallest and the largest tick of an end."""
    low, high = (numbers if column.is_number else dates).schema_range(column)
    return int(low), int(high)


def _untick(ticks: Array, column: Column) -> Array:
    """The values of ticks of an end."""
    back = numbers.restored if column.is_number else dates.from_ticks
    return back(ticks, np.zeros(len(ticks), dtype=np.int8), column).astype(object).to_numpy()


def _apart(columns: list[Column], first: Array, last: Array) -> list[Any]:
    """How far the last end is from the first, None where there is none."""
    (a, marks), (b, more) = (_ticks(end, own) for end, own in zip((first, last), columns, strict=False))
    return [None if m or n else int(y - x) for x, y, m, n in zip(a, b, marks, more, strict=True)]


def slots(params: Params, column: Column) -> list[Slot]:
    found = [
        replace(slot, column=column.name, part=f"1/{slot.part}", vocabulary=f"{column.name}/1/{slot.part}")
        for slot in params.kind.slots(params.first, params.columns[0])
    ]
    bins = params.first.first if params.columns[0].is_date else params.first.bins
    special = [token for token in bins.positions[numbers.MISSING - 1 :] if token is not None]
    found[0].ends = tuple(dict.fromkeys([*found[0].ends, *special]))
    if len(params.formats):
        single = tuple(i for i in range(len(column.formats)) if i not in _two(column))
        found.append(plain_slot(column.name, "format", params.formats, ends=single))
    (gap,) = number.slots(params.gap, params.columns[2])
    return [*found, replace(gap, column=column.name, part="apart", vocabulary=f"{column.name}/apart")]


def _two(column: Column) -> list[int]:
    """The formats with two ends."""
    own = [ranges.layout(text) for text in column.formats]
    return [i for i, one in enumerate(own) if one is not None and len(one.forms) == 2]


def encode(params: Params, series: pd.Series, column: Column) -> tuple[Array, Array]:
    """Of cells that have no format all tokens are -1."""
    return _encoded(params, column, *_read(series, column)[1:])


def _encoded(
    params: Params, column: Column, first: Array, last: Array, which: Array, odd: Array
) -> tuple[Array, Array]:
    """As `encode`, of what `_read` gives."""
    own = params.kind.encode(params.first, pd.Series(first, dtype=object), params.columns[0])
    apart = pd.Series(_apart(params.columns, first, last), dtype="Int64")
    gap = number.encode(params.gap, apart, params.columns[2])
    gap[0][apart.isna().to_numpy(bool)] = -1
    parts = [own, gap]
    if len(params.formats):
        form = which.astype(np.int32)[:, None]
        parts.insert(1, (form, np.zeros(form.shape, dtype=np.int16)))
    tokens = np.hstack([part[0] for part in parts])
    tokens[odd] = -1
    return tokens, np.hstack([part[1] for part in parts])


def decode(
    params: Params,
    column: Column,
    tokens: Array,
    cells: Array,
    rng: np.random.Generator,
    condition: Condition | None = None,
    offset: int = 0,
) -> pd.Series:
    wanted = None if condition is None else _wanted(condition, params, column)
    width = len(params.kind.slots(params.first, params.columns[0]))
    asked = None if wanted is None else Condition((wanted[0],))
    made = params.kind.decode(
        params.first, params.columns[0], tokens[:, :width], cells[:, :width], rng, asked
    )
    first = made.astype(object).where(made.notna(), None).to_numpy(object)
    which = np.zeros(len(tokens), dtype=np.int64)
    if len(params.formats):
        which = np.where(tokens[:, width] < 0, params.formats.argmax(), tokens[:, width])
    asked = None if wanted is None or wanted[2] is None else Condition((wanted[2],))
    apart = number.decode(params.gap, params.columns[2], tokens[:, -1:], cells[:, -1:], rng, asked)
    ticks, marks = _ticks(first, params.columns[0])
    both = (marks == 0) & np.isin(which, _two(column))
    last = np.full(len(tokens), None, dtype=object)
    if both.any():
        begun, gaps = ticks[both], apart.to_numpy(np.int64)[both]
        own = params.columns[1]
        ends = np.clip(begun + gaps, *_range(own)).astype(ticks.dtype)
        ends = np.where(gaps < 0, np.minimum(ends, begun), np.maximum(ends, begun))  # whatever was clipped
        last[both] = _untick(ends, own)
    out = first.copy()
    there = marks == 0
    out[there] = ranges.write(first[there], last[there], which[there], column.formats)
    return restore(pd.Series(out, dtype=object), column)


def _wanted(condition: Condition, params: Params, column: Column) -> tuple[str, int, int | None] | None:
    """(first end, format, distance) of the one cell that a condition names; None where it only says whether
    there is one.
    """
    if condition.low is not None or condition.high is not None or len(condition.values or ()) > 1:
        raise ConditionError(
            f"column '{column.name}' holds ranges, written {' or '.join(column.formats)}: name one of them, "
            "or none to have it missing."
        )
    if not condition.values:
        return None
    cell = str(condition.values[0])
    _, first, last, which, odd = _read(pd.Series([cell], dtype=object), column)
    if odd[0]:
        raise ConditionError(
            f"the value {brief(cell)} of column '{column.name}' is not written as "
            f"{' or '.join(column.formats)}, as all of its values are."
        )
    return str(first[0]), int(which[0]), _apart(params.columns, first, last)[0]


def allowed(params: Params, column: Column, condition: Condition) -> dict[int, Array]:
    wanted = _wanted(condition, params, column)
    inner = Condition(None if wanted is None else (wanted[0],), missing=condition.missing)
    if wanted is None and condition.values is not None:
        inner = Condition((), missing=condition.missing)
    own = replace(params.columns[0], name=column.name)
    found: dict[int, Array] = params.kind.allowed(params.first, own, inner)
    if wanted is None:
        return found
    width = len(params.kind.slots(params.first, own))
    if len(params.formats) and wanted[1] >= 0:
        found[width] = (np.arange(len(params.formats)) == wanted[1])[:, None].astype(float)
    if wanted[2] is not None:
        apart = replace(params.columns[2], name=column.name)
        at = width + bool(len(params.formats))
        found[at] = number.allowed(params.gap, apart, Condition((wanted[2],)))[0]
    return found


# --- JSON text -----------------------------------------------------------------------------------------


def literals(params: Params, column: Column) -> list[str]:
    return []


def shape(
    params: Params | Asked, column: Column, condition: Condition | None = None, extent: Extent | None = None
) -> JsonSchema:
    if isinstance(params, Asked):
        return asked_shape(params, column.nullable)
    wanted = None if condition is None else _wanted(condition, params, column)
    none = [None] if column.nullable and (condition is None or condition.missing) else []
    if condition is not None and condition.values is not None:
        return {"enum": [*condition.values[: wanted is not None], *none]}
    text: JsonSchema = {
        "type": "string",
        "pattern": f"^({'|'.join(_expression(params, one) for one in column.formats)})$",
    }
    others = [*(column.exceptions or []), *none]
    return {"anyOf": [text, {"enum": others}]} if others else text


def _expression(params: Params, text: str) -> str:
    """A regular expression of the cells of a format; some that it lets through are none."""
    own = ranges.layout(text)
    assert own is not None
    ends = [end for column in params.columns[:2] for end in (column.minimum, column.maximum)]
    most = 4 if own.of_dates else max(len(str(abs(int(end or 0)))) for end in ends)
    said = re.escape(own.texts[0])
    for form, after in zip(own.forms, own.texts[1:], strict=True):
        if own.of_dates:
            said += bounded(pattern_of(form)[0], most)
        else:
            known = formats.parsed(form)
            found = map(durations.pattern_of, known.spans) if known.spans else [formats.pattern_of(form)]
            said += f"({'|'.join(bounded(one, most, known.zero) for one in found)})"
        said += re.escape(after)
    return said


def write(params: Params | Asked, column: Column, series: pd.Series) -> Array:
    return distinct(series.astype(object).map(str), literal, series.isna().to_numpy(bool))


def read(
    params: Params | Asked,
    column: Column,
    cells: Array,
    rng: np.random.Generator | None = None,
    condition: Condition | None = None,
    offset: int = 0,
) -> pd.Series:
    if isinstance(params, Asked):
        return restore(asked_values(params, cells), column)
    rng = rng or np.random.default_rng(0)
    _, first, last, which, odd = _read(strings(cells), column)
    tokens, places = _encoded(params, column, first, last, which, odd)
    of_others(tokens, places, rng)
    made = decode(params, column, np.maximum(tokens, 0), places, rng, condition)
    good, texts = _as_written(params, column, first, last, which)
    made[good] = texts
    return made


def _as_written(
    params: Params, column: Column, first: Array, last: Array, which: Array
) -> tuple[Array, Array]:
    """(rows,) bool: whether both ends are in their ranges and as far apart as was learned; the cells of
    these, in their format.
    """
    (a, marks), (b, more) = (
        _ticks(end, own) for end, own in zip((first, last), params.columns, strict=False)
    )
    two, good = np.isin(which, _two(column)), (which >= 0) & (marks == 0)
    (low, high), (least, most) = (_range(own) for own in params.columns[:2])
    good &= (a >= low) & (a <= high)
    low, high = int(params.gap.cells.low.min()), int(params.gap.cells.high.max())
    good &= ~two | ((more == 0) & (b >= least) & (b <= most) & (b - a >= low) & (b - a <= high))
    begun, ended = (_untick(t[good], own) for t, own in zip((a, b), params.columns, strict=False))
    ended = pd.Series(ended, dtype=object).where(two[good], None).to_numpy(object)
    return good, ranges.write(begun, ended, which[good], column.formats)


def asked(series: pd.Series, column: Column, label: bool = False) -> Asked | str:
    ends = ranges.columns_of(column)
    _, first, last, which, _ = _read(series.dropna(), column)
    for own, end in zip(ends, (first, last), strict=True):
        own.exceptions = column.exceptions
        describe(pd.Series(end[(which >= 0) & ~pd.isna(end)], dtype=object), own)
    said = f"written {' or '.join(column.formats)}, from between {ends[0].minimum} and {ends[0].maximum} to "
    said += f"between {ends[1].minimum} and {ends[1].maximum}"
    said += "".join(f', or "{cell}"' for cell in column.exceptions or ())

    def value(written: Any) -> Any:
        if _read(pd.Series([str(written)], dtype=object), column)[4][0]:
            raise ValueError(written)
        return str(written)

    return Asked("string", said, value)


# --- what was learned ----------------------------------------------------------------------------------


def learned(params: Params, column: Column, values: pd.Series) -> Array:
    texts = values.astype(object).map(str)
    _, first, last, which, odd = _read(texts, column)
    found = np.full(len(values), LEARNED)
    for own, part, end in ((params.kind, params.first, first), (number, params.gap, None)):
        cells: Any = _apart(params.columns, first, last) if end is None else end
        there = np.array([cell is not None for cell in cells], dtype=bool) & ~odd & (which >= 0)
        if there.any():
            inside = pd.Series(
                [cells[i] for i in np.flatnonzero(there)], dtype="Int64" if end is None else object
            )
            column_ = params.columns[2 if end is None else 0]
            found[there] = np.maximum(found[there], own.learned(part, column_, inside))
    return np.where(odd, UNKNOWN, found)


def choices(params: Params, column: Column, value: object) -> str:
    return f"its cells are written {' or '.join(column.formats)}, with ends that were learned"


def note(params: Params, column: Column, names: bool = True) -> str | None:
    if not params.unread:
        return None
    return (
        f"column '{column.name}': {params.unread:,} of its {params.rows:,} cells are not written as "
        f"{' or '.join(column.formats)}, and are not reproduced"
    )
