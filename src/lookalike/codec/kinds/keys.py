"""Keys that repeat, and pseudonyms: never modelled, but for where they are missing (a slot of two tokens).

`decode` leaves the mark TO_MAKE where a value is to stand: which rows share one is seen only when the other
columns are there, so `entities.fill` makes the values.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.celltext import Asked, choice_tokens
from lookalike.codec.kinds import ids, presence
from lookalike.codec.kinds.ids import allowed, choices, learned, note, shape
from lookalike.codec.kinds.presence import encode, literals, slots, write
from lookalike.codec.made import pseudonyms
from lookalike.codec.slot import Array
from lookalike.codec.where import Condition
from lookalike.table.column import Column, without_exceptions

__all__ = [
    "TO_MAKE", "allowed", "analyse", "asked", "choices", "decode", "encode", "learned", "literals", "note",
    "of", "read", "shape", "slots", "write",
]  # fmt: skip


class _Mark(enum.Enum):
    TO_MAKE = "to make"


TO_MAKE = _Mark.TO_MAKE


def _none() -> Array:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Params:
    """What is learned of a column of keys or pseudonyms; no real value is in it.

    rows: present, missing, and each exception; fresh: how a key is made (as an id), or a pseudonym, None
    where there is none to make. What `entities.learn` adds of the entities that share a value: distinct:
    how many there are; sizes, counts: rows of an entity, and how many entities have so many; determines:
    the columns (by number) of which every entity has one value, missing ones aside; gaps: those of them
    that are missing in all rows of an entity or in none; counters: [column, 0 or 1] of those that count an
    entity's rows from there.
    """

    rows: list[int]
    fresh: ids.Params | pseudonyms.Params | None
    distinct: int = 0
    sizes: Array = field(default_factory=_none)
    counts: Array = field(default_factory=_none)
    determines: list[int] = field(default_factory=list)
    gaps: list[int] = field(default_factory=list)
    counters: list[list[int]] = field(default_factory=list)


def of(facts: dict[str, Any]) -> Params:
    fresh = facts["fresh"]
    make: Any = None  # models of version 0 write {"sort": None} where there is none to make
    if fresh and "form" in fresh:
        make = ids.of(fresh)
    elif fresh and "salt" in fresh:
        make = pseudonyms.of(fresh)
    return Params(**{**facts, "fresh": make})


def analyse(series: pd.Series, column: Column, rare: int) -> Params:
    distinct = without_exceptions(series, column).dropna().drop_duplicates()
    fresh: ids.Params | pseudonyms.Params | None = None
    if len(distinct):
        make = ids.analyse if column.kind == "key" else pseudonyms.analyse
        fresh = make(distinct, column, rare)
    return Params(presence.rows_of(series, column), fresh)


def decode(
    params: Params,
    column: Column,
    tokens: Array,
    cells: Array,
    rng: np.random.Generator,
    condition: Condition | None = None,
    offset: int = 0,
) -> pd.Series:
    marks = np.full(len(tokens), TO_MAKE, dtype=object)
    absent, others = presence.drawn(params, column, tokens)
    marks[absent] = others[absent]
    return pd.Series(marks, dtype=object, name=column.name)


def read(
    params: Params,
    column: Column,
    cells: Array,
    rng: np.random.Generator | None = None,
    condition: Condition | None = None,
    offset: int = 0,
) -> pd.Series:
    tokens = choice_tokens(literals(params, column), cells, len(slots(params, column)))
    return decode(params, column, tokens, tokens, rng or np.random.default_rng(0))


def asked(series: pd.Series, column: Column, label: bool = False) -> Asked | str:
    if column.kind == "pseudonym":
        return f"the column '{column.name}' is a pseudonym: no prompt shows it, and it is left out."
    return ids.asked(series, column)
