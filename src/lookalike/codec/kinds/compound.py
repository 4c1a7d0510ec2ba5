"""Compound columns: cells of several numbers or words (see table/compound.py), each as a column of its own.

The slots of a cell are those of its members, one after the other; where the first says that the cell is
missing, or one of the column's exceptions, the others are empty. A cell of words that a single real row holds
is not written again, and cells of words repeat as often as the real ones (`made/combined.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
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
    distinct,
    literal,
    of_others,
    strings,
)
from lookalike.codec.kinds import category, number
from lookalike.codec.learned import LEARNED, UNKNOWN
from lookalike.codec.made import combined
from lookalike.codec.made.taken import Taken
from lookalike.codec.slot import Array, Slot
from lookalike.codec.ticks.numbers import MISSING, restored, schema_range, to_ticks
from lookalike.codec.where import Condition
from lookalike.errors import ConditionError, SchemaError
from lookalike.table import compound
from lookalike.table.column import Column
from lookalike.table.dtypes import restore
from lookalike.table.inferring import describe
from lookalike.table.repeats import RARE

KINDS: dict[str, Any] = {"number": number, "category": category}


@dataclass(frozen=True)
class Params:
    """What is learned of a compound.

    columns, params: of each member; single: the cells that a single row holds, which are not written again;
    None where all members are numbers. rows, unread: how many cells there were, and how many of them had
    another layout. distinct: how many different cells there were; again: the share of the cells that repeat
    that of an earlier row.
    """

    columns: list[Column]
    params: list[Any]
    single: Taken | None = None
    rows: int = 0
    unread: int = 0
    distinct: int = 0
    again: float = 0.0

    def members(self) -> list[tuple[Any, Any, Column]]:
        """(the file of its kind, Params, column) of each member."""
        return [(KINDS[c.kind], p, c) for c, p in zip(self.columns, self.params, strict=True)]


def of(facts: dict[str, Any]) -> Params:
    columns = [Column(**one) for one in facts["columns"]]
    params = [KINDS[c.kind].of(one) for c, one in zip(columns, facts["params"], strict=True)]
    single = facts["single"] and Taken(**facts["single"])
    return Params(**{**facts, "columns": columns, "params": params, "single": single})


def analyse(series: pd.Series, column: Column, rare: int) -> Params:
    """Raises SchemaError where more than a few cells have another layout than the format says."""
    compound.check_format(column)
    cells, gone = _cells(series)
    members = _split(cells, column)
    odd = ~gone & pd.isna(members[0])
    if odd.sum() > compound.LOST * len(odd):
        raise SchemaError(
            f"column '{column.name}' is declared a compound, but holds {cells[odd.argmax()]!r}, which is not "
            f"written as {column.format}: change its kind."
        )
    columns, params = compound.columns_of(column), []
    if columns[0].is_number:
        columns[0].exceptions = column.exceptions
    for at, (own, texts) in enumerate(zip(columns, members, strict=True)):
        shown = pd.Series(texts[~odd] if at == 0 else texts[~pd.isna(texts)], dtype=object)
        describe(shown.dropna(), own)
        params.append(KINDS[own.kind].analyse(shown, own, rare))
    single, counts = None, pd.Series(cells[~gone], dtype=object).value_counts()
    if compound.WORD in str(column.format) and (column.min_rows or rare) > 1:
        single = Taken.of([str(cell) for cell in counts.index[counts == 1]])
    again = 1 - len(counts) / max(int(counts.sum()), 1)
    return Params(columns, params, single, len(series), int(odd.sum()), len(counts), again)


def _split(cells: Array, column: Column) -> list[Array]:
    """The members of cells, as `compound.split`; the first member of an exception is the cell."""
    members = compound.split(cells, str(column.format))
    special = _special(cells, column)
    members[0][special] = cells[special]
    return members


def _special(cells: Array, column: Column) -> Array:
    """(rows,) which cells are exceptions."""
    return np.array([cell is not None and cell in (column.exceptions or ()) for cell in cells], dtype=bool)


def _tokens(params: Params, column: Column) -> dict[str, int]:
    """The token of each exception in the first slot."""
    first = params.params[0]
    if isinstance(first, category.Params):
        return {cell: first.values.index(cell) for cell in column.exceptions or [] if cell in first.values}
    found = zip(column.exceptions or [], first.exceptions, strict=True)
    return {cell: token for cell, token in found if token is not None}


def _cells(series: pd.Series) -> tuple[Array, Array]:
    """(rows,) the cells as strings, None where missing; and where they are."""
    gone = series.isna().to_numpy(bool)
    return series.astype(object).where(~gone, None).to_numpy(object), gone


def slots(params: Params, column: Column) -> list[Slot]:
    found: list[Slot] = []
    for at, (kind, own, member) in enumerate(params.members()):
        for slot in kind.slots(own, member):
            name = f"{column.name}/{at + 1}/{slot.part}"
            found.append(replace(slot, column=column.name, part=f"{at + 1}/{slot.part}", vocabulary=name))
    gone = _missing(params)
    if gone is not None:
        found[0].ends = (*found[0].ends, gone)
    found[0].ends = tuple(dict.fromkeys([*found[0].ends, *_tokens(params, column).values()]))
    return found


def _missing(params: Params) -> int | None:
    """The token that says that a cell is missing."""
    first = params.params[0]
    if isinstance(first, category.Params):
        return first.missing
    token: int | None = first.bins.positions[MISSING - 1]
    return token


def encode(params: Params, series: pd.Series, column: Column) -> tuple[Array, Array]:
    """Of cells that have another layout all tokens are -1."""
    cells, gone = _cells(series)
    texts = _split(cells, column)
    odd = ~gone & pd.isna(texts[0])
    found = [
        kind.encode(own, pd.Series(part, dtype=object), member)
        for (kind, own, member), part in zip(params.members(), texts, strict=True)
    ]
    tokens = np.hstack([pair[0] for pair in found])
    tokens[odd] = -1
    return tokens, np.hstack([pair[1] for pair in found])


def decode(
    params: Params,
    column: Column,
    tokens: Array,
    cells: Array,
    rng: np.random.Generator,
    condition: Condition | None = None,
    offset: int = 0,
) -> pd.Series:
    wanted = None if condition is None else _wanted(condition, column)
    texts = _decoded(params, tokens, cells, rng, wanted)
    return _joined(params, column, texts, rng, wanted)


def _decoded(
    params: Params, tokens: Array, cells: Array, rng: np.random.Generator, wanted: list[str] | None
) -> list[Array]:
    """The members of cells, each (rows,)."""
    texts, at = [], 0
    for place, (kind, own, member) in enumerate(params.members()):
        width = len(kind.slots(own, member))
        part = slice(at, at + width)
        asked = None if wanted is None else Condition((wanted[place],))
        made = kind.decode(own, member, tokens[:, part], cells[:, part], rng, asked)
        texts.append(made.astype(object).where(made.notna(), None).to_numpy(object))
        at += width
    return texts


def _joined(
    params: Params, column: Column, texts: list[Array], rng: np.random.Generator, wanted: list[str] | None
) -> pd.Series:
    given, special = texts[0], _special(texts[0], column)
    if special.any():
        texts = [given.copy(), *texts[1:]]
        texts[0][special] = None
    if params.single is not None and wanted is None:
        texts = combined.as_often(texts, str(column.format), params.single, params.again, rng)
    cells = compound.join(texts, str(column.format))
    cells[special] = given[special]
    return restore(pd.Series(cells, dtype=object), column)


def _wanted(condition: Condition, column: Column) -> list[str] | None:
    """The members of the one cell that a condition names; None where it only says whether there is one."""
    if condition.low is not None or condition.high is not None or len(condition.values or ()) > 1:
        raise ConditionError(
            f"column '{column.name}' holds several numbers or words in a cell, written {column.format}: name "
            "one such cell, or none to have it missing."
        )
    if not condition.values:
        return None
    value = str(condition.values[0])
    texts = _split(np.array([value], dtype=object), column)
    if texts[0][0] is None:
        raise ConditionError(
            f"the value {brief(value)} of column '{column.name}' is not written as "
            f"{column.format}, as all of its values are."
        )
    return None if value in (column.exceptions or ()) else [str(part[0]) for part in texts]


def allowed(params: Params, column: Column, condition: Condition) -> dict[int, Array]:
    wanted, gone = _wanted(condition, column), _missing(params)
    if condition.missing and gone is None:
        raise ConditionError(f"no value of column '{column.name}' is missing.")
    if wanted is None:
        first, special = slots(params, column)[0], _tokens(params, column)
        share = np.full((first.tokens, first.cells), 1.0 * (condition.values is None))
        for value in condition.values or ():
            if value in special:
                share[special[value]] = 1.0
        if gone is not None:
            share[gone] = float(condition.missing)
        return {0: share}
    found, at = {}, 0
    for (kind, own, member), text in zip(params.members(), wanted, strict=True):
        shares = kind.allowed(own, replace(member, name=column.name), Condition((text,)))
        found.update({at + place: share for place, share in shares.items()})
        at += len(kind.slots(own, member))
    if condition.missing:
        found[0][gone] = 1.0
    return found


# --- JSON text -----------------------------------------------------------------------------------------


def literals(params: Params, column: Column) -> list[str]:
    return []


def shape(
    params: Params | Asked, column: Column, condition: Condition | None = None, extent: Extent | None = None
) -> JsonSchema:
    if isinstance(params, Asked):
        return asked_shape(params, column.nullable)
    wanted = None if condition is None else _wanted(condition, column)
    if wanted is not None and condition is not None:
        return {"enum": [str((condition.values or ())[0]), *([None] if condition.missing else [])]}
    none = _missing(params) is not None and (condition is None or condition.missing)
    some = condition is None or condition.values is None
    text: JsonSchema = {"type": "string", "pattern": f"^{_expression(params, column)}$"}
    asked = None if condition is None else condition.values
    special = [cell for cell in _tokens(params, column) if asked is None or cell in asked]
    others = [*special, *([None] if none else [])]
    if not some:
        return {"enum": others or [None]}
    return {"anyOf": [text, {"enum": others}]} if others else text


def _expression(params: Params, column: Column) -> str:
    """The regular expression of the cells."""
    said: list[str] = []
    for own, member in zip(params.params, params.columns, strict=True):
        if isinstance(own, category.Params):
            words = [value for value in own.values if said or value not in (column.exceptions or ())]
            said.append("(" + "|".join(map(re.escape, words)) + ")")
        else:
            ends = restored(
                np.array([own.cells.low[0], own.cells.high[-1]]), np.zeros(2, dtype=np.int8), member
            )
            most = max(len(re.split(r"[.,]", str(end))[0].lstrip("+-")) for end in ends)
            sign = "-?" if any(str(end).startswith("-") for end in ends) else ""
            places = max(len(re.split(r"[.,]", str(end) + ".")[1]) for end in ends)
            said.append(f"{sign}[0-9]{{1,{most}}}" + (f"[.,][0-9]{{1,{places}}}" if places else ""))
    pieces = re.split(r"\{number\}|\{word\}", str(column.format))
    return re.escape(pieces[0]) + "".join(a + re.escape(b) for a, b in zip(said, pieces[1:], strict=True))


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
    series = strings(cells)
    tokens, places = encode(params, series, column)
    of_others(tokens, places, rng)
    wanted = None if condition is None else _wanted(condition, column)
    texts = _decoded(params, np.maximum(tokens, 0), places, rng, wanted)
    written = compound.split(_cells(series)[0], str(column.format))
    for at, (part, member) in enumerate(zip(written, params.columns, strict=True)):
        if member.is_number:  # it stays as it was written, not another one of its bin
            ticks, marks = to_ticks(pd.Series(part, dtype=object), member)
            low, high = schema_range(member)
            good = (marks == 0) & (ticks >= low) & (ticks <= high)
            texts[at] = texts[at].copy()
            texts[at][good] = restored(ticks[good], marks[good], member).astype(object).to_numpy()
    return _joined(params, column, texts, rng, wanted)


def asked(series: pd.Series, column: Column, label: bool = False) -> Asked | str:
    """No word of few rows is told."""
    known = analyse(series, column, RARE)
    ends = [
        f"a number from {one.minimum} to {one.maximum}" if one.is_number else "a word"
        for one in known.columns
    ]
    names = [own.values[:5] for own in known.params if isinstance(own, category.Params)]
    such = "; words such as " + ", ".join(str(v) for values in names for v in values) if names else ""

    def value(written: Any) -> Any:
        if _split(np.array([str(written)], dtype=object), column)[0][0] is None:
            raise ValueError(written)
        return str(written)

    return Asked("string", f"written {column.format}: {', then '.join(ends)}{such}", value)


# --- what was learned ----------------------------------------------------------------------------------


def learned(params: Params, column: Column, values: pd.Series) -> Array:
    texts = _split(values.astype(object).map(str).to_numpy(object), column)
    odd = pd.isna(texts[0])
    found = np.full(len(values), LEARNED)
    for (kind, own, member), part in zip(params.members(), texts, strict=True):
        at = np.flatnonzero(~pd.isna(part))
        if len(at):
            found[at] = np.maximum(found[at], kind.learned(own, member, pd.Series(part[at], dtype=object)))
    return np.where(odd, UNKNOWN, found)


def choices(params: Params, column: Column, value: object) -> str:
    return f"its cells are written {column.format}, of members that were learned"


def note(params: Params, column: Column, names: bool = True) -> str | None:
    if not params.unread:
        return None
    return (
        f"column '{column.name}': {params.unread:,} of its {params.rows:,} cells are not written as "
        f"{column.format}, and are not reproduced"
    )
