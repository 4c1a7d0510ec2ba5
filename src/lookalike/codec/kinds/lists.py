"""Lists: cells of several items of a vocabulary (see table/lists.py), a slot for each item and for the end.

Items stand in the one order of the column where it has one, else as they were written. No cell is written
that holds an item twice. Items of fewer rows than the column's `min_rows` (else than `rare`) share one token
that is read but never emitted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from lookalike.arguments import brief, shown
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
from lookalike.codec.learned import LEARNED, UNKNOWN
from lookalike.codec.slot import Array, Slot, plain_slot
from lookalike.codec.where import Condition
from lookalike.errors import ConditionError, SchemaError
from lookalike.table import lists
from lookalike.table.column import Column
from lookalike.table.dtypes import restore
from lookalike.table.repeats import RARE, least_rows

END, OTHER, MISSING, SPECIAL = range(4)  # the tokens behind those of the items; then one of each exception
NAMED = 3  # items that a note names


@dataclass(frozen=True)
class Params:
    """What is learned of a list.

    items: those of the tokens, in the order of the cells where `ordered`, else most frequent first. counts:
    (slots, tokens) training rows. unread: cells of `rows` that are not written as the format says, or are
    longer than `lists.LONGEST`. lost: items of too few rows, None in a saved model, which does not hold them;
    dropped: how many they were.
    """

    items: list[str]
    ordered: bool
    counts: Array
    rows: int = 0
    unread: int = 0
    dropped: int = 0
    lost: list[str] | None = field(default=None, metadata={"saved": False})

    def token(self, mark: int) -> int:
        """The token of END, OTHER, MISSING, or of the exception SPECIAL + its place."""
        return len(self.items) + mark


def of(facts: dict[str, Any]) -> Params:
    return Params(**facts)


def analyse(series: pd.Series, column: Column, rare: int) -> Params:
    """Raises SchemaError where more than a few cells are not written as the format says."""
    lists.check_format(column)
    cells, found = _read(series, column)
    special = set(column.exceptions or ())
    odd = [
        own is None and cell is not None and cell not in special
        for own, cell in zip(found, cells, strict=True)
    ]
    if sum(odd) > (1 - lists.KNOWN) * len(odd):
        raise SchemaError(
            f"column '{column.name}' is declared a list, but holds {brief(cells[odd.index(True)])}, which is "
            f"not written as {column.format}, or has more than {lists.LONGEST} items: change its kind."
        )
    every = lists.vocabulary(found, 1)
    least = least_rows(_rows_of(found, every), column.min_rows or rare)
    items = lists.vocabulary(found, least)
    ranked = lists.order(found, items)
    longest = max((len(own) for own in found if own is not None), default=1)
    counts = np.zeros((longest, len(items) + SPECIAL + len(column.exceptions or ())))
    counts[0, len(items) + MISSING] = series.isna().sum()
    params = Params(
        items=ranked or items,
        ordered=ranked is not None,
        counts=counts,
        rows=len(series),
        unread=sum(odd),
        dropped=len(every) - len(items),
        lost=every[len(items) :],
    )
    tokens = encode(params, series, column)[0]
    for place in range(longest):
        own = tokens[:, place]
        counts[place] = np.bincount(own[own >= 0], minlength=counts.shape[1])
    return params


def _rows_of(found: Sequence[list[str] | None], items: list[str]) -> Array:
    """(items,) how many of the lists hold each."""
    number = {item: at for at, item in enumerate(items)}
    every = [number[item] for own in found if own is not None for item in dict.fromkeys(own)]
    return np.bincount(np.array(every, dtype=np.int64), minlength=len(items))


def _read(series: pd.Series, column: Column) -> tuple[Array, list[list[str] | None]]:
    """(rows,) the cells, None where missing; and the items of each, None where it is no list."""
    cells = series.astype(object).where(series.notna(), None).to_numpy(object)
    special = set(column.exceptions or ())
    codes, names = pd.factorize(cells)
    own = lists.split(names, str(column.format))
    kept = [
        None if items is None or name in special or len(items) > lists.LONGEST else items
        for name, items in zip(names, own, strict=True)
    ]
    return cells, [kept[code] if code >= 0 else None for code in codes]


def slots(params: Params, column: Column) -> list[Slot]:
    """A slot for each place of the longest list; behind the last item of a shorter one is the end."""
    ends = (params.token(END), *range(params.token(MISSING), params.counts.shape[1]))
    banned = (params.token(OTHER),)
    found = [
        plain_slot(column.name, str(at + 1), own, banned=banned, ends=ends)
        for at, own in enumerate(params.counts)
    ]
    for slot in found:
        slot.vocabulary = f"{column.name}/items"
    return found


def encode(params: Params, series: pd.Series, column: Column) -> tuple[Array, Array]:
    """Of cells that are not written as the format says all tokens are -1."""
    cells, found = _read(series, column)
    number = {item: at for at, item in enumerate(params.items)}
    special = {cell: params.token(SPECIAL + at) for at, cell in enumerate(column.exceptions or ())}
    width = len(params.counts)
    tokens = np.full((len(cells), width), -1, dtype=np.int32)
    for row, (cell, own) in enumerate(zip(cells, found, strict=True)):
        if own is not None:
            at = [number.get(item, params.token(OTHER)) for item in dict.fromkeys(own)][:width]
            at = sorted(at) if params.ordered else at
            tokens[row, : len(at)] = at
            if len(at) < width:
                tokens[row, len(at)] = params.token(END)
        elif cell is None:
            tokens[row, 0] = params.token(MISSING) if params.counts[0, params.token(MISSING)] else -1
        elif cell in special:
            tokens[row, 0] = special[cell]
    return tokens, np.zeros_like(tokens, dtype=np.int16)


def decode(
    params: Params,
    column: Column,
    tokens: Array,
    cells: Array,
    rng: np.random.Generator,
    condition: Condition | None = None,
    offset: int = 0,
) -> pd.Series:
    share = params.counts[:, : len(params.items)].sum(0)
    share = share / share.sum()
    found: list[list[str] | None] = []
    whole: dict[int, str | None] = {}
    for row, own in enumerate(tokens.tolist()):
        if own[0] >= params.token(MISSING):
            at = own[0] - params.token(SPECIAL)
            whole[row] = (column.exceptions or [])[at] if at >= 0 else None
            found.append(None)
            continue
        made = _items(params, own, share, rng)
        found.append([params.items[token] for token in (sorted(made) if params.ordered else made)])
    texts = lists.join(found, str(column.format))
    for row, cell in whole.items():
        texts[row] = cell
    return restore(pd.Series(texts, dtype=object), column)


def _items(params: Params, tokens: list[int], share: Array, rng: np.random.Generator) -> list[int]:
    """The items of a cell, none twice: in place of one that is there already stands another one."""
    kept: list[int] = []
    wanted = 0
    for token in tokens:
        if token < 0 or token == params.token(END):
            break
        wanted += 1
        if token < len(params.items) and token not in kept:
            kept.append(token)
    for _ in range(min(max(wanted, 1), len(params.items)) - len(kept)):
        left = share.copy()
        left[kept] = 0
        if not left.any():
            break
        kept.append(int(rng.choice(len(left), p=left / left.sum())))
    return kept


def _wanted(params: Params, column: Column, condition: Condition) -> Array | None:
    """(slots,) tokens of the one cell that a condition names; None where it says whether there is one."""
    if condition.low is not None or condition.high is not None or len(condition.values or ()) > 1:
        raise ConditionError(
            f"column '{column.name}' holds several items in a cell, written {column.format}: name one such "
            "cell, or none to have it missing."
        )
    if not condition.values:
        return None
    value = str(condition.values[0])
    tokens = encode(params, pd.Series([value], dtype=object), column)[0][0]
    if tokens[0] < 0 or params.token(OTHER) in tokens:
        raise ConditionError(
            f"the value {brief(value)} of column '{column.name}' is not written as {column.format} of items "
            f"that were learned, such as {', '.join(map(repr, params.items[:NAMED]))}."
        )
    return np.asarray(tokens)


def allowed(params: Params, column: Column, condition: Condition) -> dict[int, Array]:
    gone = params.token(MISSING)
    if condition.missing and not params.counts[0, gone]:
        raise ConditionError(f"no value of column '{column.name}' is missing.")
    wanted = _wanted(params, column, condition)
    shares = np.zeros((*params.counts.shape, 1))
    if wanted is None:
        shares[0] = float(condition.values is None)
        shares[0, gone] = float(condition.missing)
        return {0: shares[0]}
    found = {at: shares[at] for at, token in enumerate(wanted.tolist()) if token >= 0}
    for at in found:
        shares[at, wanted[at]] = 1.0
    shares[0, gone] = float(condition.missing)
    return found


# --- JSON text -----------------------------------------------------------------------------------------


def literals(params: Params, column: Column) -> list[str]:
    return []


def shape(
    params: Params | Asked, column: Column, condition: Condition | None = None, extent: Extent | None = None
) -> JsonSchema:
    if isinstance(params, Asked):
        return asked_shape(params, column.nullable)
    wanted = None if condition is None else _wanted(params, column, condition)
    none = params.counts[0, params.token(MISSING)] > 0 and (condition is None or condition.missing)
    if condition is not None and (wanted is not None or condition.values is not None):
        said = [] if wanted is None else [str((condition.values or ())[0])]
        return {"enum": [*said, *([None] if none else [])] or [None]}
    head, between, tail = map(re.escape, str(column.format).split(lists.ITEM))
    one = "(" + "|".join(map(re.escape, params.items)) + ")"
    more = len(params.counts) - 1
    text: JsonSchema = {
        "type": "string",
        "pattern": f"^{head}{one}" + (f"({between}{one}){{0,{more}}}" if more else "") + f"{tail}$",
    }
    others = [*(column.exceptions or []), *([None] if none else [])]
    return {"anyOf": [text, {"enum": others}]} if others else text


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
    tokens, places = encode(params, strings(cells), column)
    of_others(tokens, places, rng)
    return decode(params, column, tokens, places, rng)


def asked(series: pd.Series, column: Column, label: bool = False) -> Asked | str:
    """No item of few rows is told."""
    known = analyse(series, column, RARE)
    items, special = set(known.items), set(column.exceptions or ())

    def value(written: Any) -> Any:
        own = lists.split([str(written)], str(column.format))[0]
        if str(written) not in special and (
            own is None or not items.issuperset(own) or len(set(own)) < len(own)
        ):
            raise ValueError(written)
        return str(written)

    named = ", ".join(f'"{item}"' for item in known.items)
    return Asked("string", f"written {column.format}, each item once, items of {named}", value)


# --- what was learned ----------------------------------------------------------------------------------


def learned(params: Params, column: Column, values: pd.Series) -> Array:
    tokens = encode(params, values, column)[0]
    known = (tokens[:, 0] >= 0) & (tokens != params.token(OTHER)).all(axis=1)
    return np.where(known, LEARNED, UNKNOWN)


def choices(params: Params, column: Column, value: object) -> str:
    return f"its cells are written {column.format}, of items that were learned"


def note(params: Params, column: Column, names: bool = True) -> str | None:
    """What `analyse` dropped, and what it could not read, as a sentence; None for nothing."""
    said = []
    if params.dropped:
        lost = (params.lost or []) if names else []
        more = f" and {len(lost) - NAMED:,} more" if len(lost) > NAMED else ""
        listed = f": {', '.join(map(shown, lost[:NAMED]))}{more}" if lost else ""
        of_all = f"{params.dropped:,} of {params.dropped + len(params.items):,} items"
        said.append(
            f"{of_all} occur in too few rows and are not reproduced{listed}; keep them with --keep-rare"
        )
    if params.unread:
        said.append(
            f"{params.unread:,} of its {params.rows:,} cells are not written as {column.format}, and are not "
            "reproduced"
        )
    return f"column '{column.name}': " + "; ".join(said) if said else None
