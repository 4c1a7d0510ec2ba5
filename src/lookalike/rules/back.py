"""What was modelled in place of the columns of a rule, put together again (see steps.py)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.slot import Array
from lookalike.rules.codes import is_of_code
from lookalike.rules.holds import APART, EMPTY, computed, equal, said_empty
from lookalike.rules.retold import with_traits
from lookalike.rules.solve import followed
from lookalike.rules.steps import (
    MISSING,
    OWN,
    Step,
    ceilings,
    floors,
    least,
    room,
    said_texts,
)
from lookalike.rules.values import Values, as_floats, moved, step, written
from lookalike.table.column import Column
from lookalike.table.dtypes import restore
from lookalike.table.missing import hide
from lookalike.table.rule import EmptyWhen


def back(
    own: Step, inner: pd.DataFrame, values: Values, rng: np.random.Generator, fresh: bool = False
) -> dict[Any, pd.Series]:
    """The step's columns of the table. inner: what was modelled; values: the columns that are there; fresh:
    whether rows were drawn, so that none is to be out of the range of its column.
    """
    rows = len(inner)
    state = inner[own.flag].to_numpy(object) if own.flag else np.full(rows, own.states[0], dtype=object)
    if own.way == "group":
        return _ungrouped(own, inner, values)
    if own.way in ("clamp", "lift"):
        name = own.columns[0]
        drawn = values.table[name] if own.way == "lift" else inner[name]
        return {name: _clamped(own, drawn, values, rng)}
    if own.way == "solve":
        return {own.columns[0]: followed(own, inner, values, rng)}
    if own.way == "choice":
        return {own.columns[0]: _chosen(own, inner[own.columns[0]], values, rng)}
    if own.way == "unlike":
        return {own.columns[0]: _unlike(own, inner[own.columns[0]], values, rng)}
    if own.way == "trait":
        return {own.columns[0]: with_traits(own, inner[own.columns[0]], values, rng)}
    if own.way in ("together", "when"):
        return {name: _with_gaps(own, name, inner, values, state) for name in own.columns}
    name = own.columns[0]
    column = values.column(name)
    instead = inner[name] if own.own else None
    if own.way in ("formula", "gap"):
        said = _computed(own, inner, values, state)
        if fresh and own.ends:
            said = _between_ends(said, own, values, state == OWN, rng)
        if instead is not None:
            use = np.isnan(said) if own.way == "gap" else (state == OWN) | np.isnan(said)
            alone = as_floats(instead, column)
            said = said if alone is None else np.where(use, alone, said)
            if own.way == "formula" and own.lows:
                said = np.where(use, bounded(said, own, values, rng), said)
        said = np.where(state == MISSING, np.nan, said)
        said = _no_gaps(said, column)
        if own.emptied is not None:
            said = np.where(said_empty(own.emptied, values), np.nan, said)
        forms = inner[own.names["form"]].to_numpy(object) if own.table else None
        made = written(said, column, forms)
        return {name: with_traits(own, made, values, rng) if own.goes else made}
    texts, unknown = said_texts(own, values)
    made = told(own, texts, column)
    gone = state == MISSING
    if instead is not None:
        made = made.where(pd.Series((state != OWN) & ~unknown), instead)
    return {name: _emptied_series(made, gone, column)}


def told(own: Step, texts: Array, column: Column) -> pd.Series:
    """What the texts of a lookup, a copy or a joined text say, in the exact dtype of the column: where that
    is nothing, it is missing, or something else if the column can have no gap. texts: as of `said_texts`.
    """
    if own.way == "text" and column.is_number and is_of_code(own.rule):
        numbers = np.array([np.nan if text is None else float(text) for text in texts])
        return written(_no_gaps(numbers, column), column)
    by_text = {EMPTY if value is None else str(value): value for _, value in own.table}
    cells = [None if text is None else by_text.get(text, text) for text in texts]
    if own.way == "lookup":
        cells = [None if text is None or text == EMPTY else by_text[text] for text in texts]
    if own.table and not column.nullable:  # what is unknown has to be something
        cells = [own.table[0][1] if cell is None else cell for cell in cells]
    return _typed(cells, column)


def _typed(cells: list[Any], column: Column) -> pd.Series:
    """Values as they stand in the table, in its exact dtype."""
    if column.is_date and column.format is None:
        return pd.Series(cells, dtype=object).astype(restore([], column).dtype)
    return _strings(cells, column) if column.is_date else restore(cells, column)


def _strings(cells: list[Any], column: Column) -> pd.Series:
    plain = Column(column.name, "category", column.dtype, column.nullable, column.python)
    return restore(cells, plain)


def _computed(own: Step, inner: pd.DataFrame, values: Values, state: Array) -> Array:
    if own.way == "formula":
        return computed(own.rule, values)  # type: ignore[arg-type]
    column = values.column(own.columns[0])
    floor, size = floors(own, values), step(column)
    gap = inner[own.names["gap"]].to_numpy(np.float64, na_value=np.nan)
    said = floor + np.maximum(gap, least(own, column)) * (size or 1.0)
    if OWN in own.states:  # as far below as rows that break the order are
        below = inner[own.names["below"]].to_numpy(np.float64, na_value=np.nan)
        said = np.where(state == OWN, floor - below * (size or 1.0), said)
    return np.asarray(said)


def _between_ends(said: Array, own: Step, values: Values, broken: Array, rng: np.random.Generator) -> Array:
    """A gap above a large number may lead out of the column's range: those are the value of another row."""
    column, floor = values.column(own.columns[0]), floors(own, values)
    size = step(column) or 1.0
    low, high = (np.full(len(said), end) for end in own.ends)
    low = np.where(broken, low, np.fmax(low, floor + least(own, column) * size))
    high = np.where(broken, np.fmin(high, floor - size), high)
    return moved(said, low, high, rng)


def _no_gaps(said: Array, column: Column) -> Array:
    """Without missing cells where the column can have none: the value of another row instead."""
    gone = np.isnan(said)
    if column.nullable or not gone.any():
        return said
    there = said[~gone]
    if not len(there):
        return np.zeros(len(said))
    said = said.copy()
    said[gone] = np.resize(there, int(gone.sum()))
    return said


def _clamped(own: Step, drawn: pd.Series, values: Values, rng: np.random.Generator) -> pd.Series:
    """The column as it was drawn; where it is out of its bounds, the value of another row that is not. As
    many rows as break the rules in the real table may break them.
    """
    column = values.column(own.columns[0])
    numbers = as_floats(drawn, column)
    assert numbers is not None
    inside = bounded(numbers, own, values, rng)
    out = (inside != numbers) & ~np.isnan(inside)
    broken = 1 - min(rule.support for rule in own.rules)
    if broken:
        out &= rng.random(len(out)) * max(out.mean(), broken) >= broken
    return drawn.where(pd.Series(~out), written(inside, column)) if out.any() else drawn


def bounded(numbers: Array, own: Step, values: Values, rng: np.random.Generator) -> Array:
    """(rows,) numbers, of which those out of their bounds are the value of another row that is not."""
    column = values.column(own.columns[0])
    apart = least(own, column) * (step(column) or 1.0)
    low = (
        np.nan_to_num(floors(own, values) + apart, nan=-np.inf)
        if own.lows
        else np.full(len(numbers), -np.inf)
    )
    high = (
        np.nan_to_num(ceilings(own, values) - apart, nan=np.inf) if own.highs else np.full(len(low), np.inf)
    )
    space = room(own, values)
    return moved(_in_room(numbers, space, rng), low, np.fmin(high, space), rng)


def _in_room(numbers: Array, space: Array, rng: np.random.Generator) -> Array:
    """(rows,) numbers, of which those larger than the space leave as much of it as another row does."""
    over = np.flatnonzero(numbers > space)
    left = np.sort((space - numbers)[numbers <= space])
    last = np.searchsorted(left, space[over], side="right")
    pick = (rng.random(len(over)) * last).astype(np.int64)
    found = numbers.copy()
    if len(left):
        found[over] = np.where(last > 0, space[over] - left[pick], space[over])
    return found


def _chosen(own: Step, drawn: pd.Series, values: Values, rng: np.random.Generator) -> pd.Series:
    """The column as it was drawn; where it does not go with its parents, the value of a row that does."""
    goes: dict[str, dict[str, Any]] = {}
    for key, value in own.table:
        goes.setdefault(key, {})[str(value)] = value
    texts, cells = drawn.astype(str), drawn.tolist()
    made = list(cells)
    sides = [[f"{at}{APART}{one}" for one in values.texts(name)] for at, name in enumerate(own.parents)]
    rows_of = pd.Series(range(len(drawn))).groupby(pd.MultiIndex.from_arrays(sides)).indices
    for key, rows in rows_of.items():
        known = [goes.get(one, {}) for one in (key if isinstance(key, tuple) else (key,))]
        both = [text for text in known[0] if all(text in more for more in known[1:])]
        wrong = rows[~texts.iloc[rows].isin(both)]
        pool = np.flatnonzero(texts.isin(both)) if len(wrong) else wrong
        for row in wrong if both else ():
            made[row] = cells[rng.choice(pool)] if len(pool) else known[0][both[0]]
    return _typed(made, values.column(own.columns[0]))


def _unlike(own: Step, drawn: pd.Series, values: Values, rng: np.random.Generator) -> pd.Series:
    """The column as it was drawn; where it is equal to a parent, a value that no parent holds, as often as
    the real rows hold it. As many rows as break the rules in the real table may break them.
    """
    name, column = own.columns[0], values.column(own.columns[0])
    table = values.table[own.parents].assign(**{name: drawn})
    now = Values(table, values.schema)
    alike = np.array([equal(name, one, now) for one in own.parents]) & ~now.missing(name)
    wrong = np.asarray(alike.any(0))
    broken = 1 - min(rule.support for rule in own.rules)
    if broken:
        wrong &= rng.random(len(wrong)) * max(wrong.mean(), broken) >= broken
    if not wrong.any():
        return drawn
    gone = now.missing(name)
    cells = [None if lost else cell for lost, cell in zip(gone, drawn.tolist(), strict=True)]
    numbers = all(pd.api.types.is_numeric_dtype(table[one].dtype) for one in (name, *own.parents))
    at = np.flatnonzero(wrong)
    sides = [
        pd.Series(np.asarray(now.numbers(one) if numbers else now.texts(one))[at]) for one in own.parents
    ]
    share = np.array([rows for _, rows in own.table], dtype=np.float64)
    known = [float(value) if numbers else str(value) for value, _ in own.table]
    for held, rows in pd.Series(at).groupby(sides, dropna=False).indices.items():
        taken = held if isinstance(held, tuple) else (held,)
        free = share * [value not in taken for value in known]
        if free.any():
            for row, pick in zip(
                at[rows], rng.choice(len(free), len(rows), p=free / free.sum()), strict=True
            ):
                cells[row] = own.table[pick][0]
    return _typed(cells, column)


def _ungrouped(own: Step, inner: pd.DataFrame, values: Values) -> dict[Any, pd.Series]:
    known = dict(own.table)
    texts = inner[own.names["group"]].to_numpy(object)
    fallback = own.table[0][1] if own.table else [None] * len(own.columns)
    cells = [known.get(text, fallback) for text in texts]
    return {
        name: _typed([row[at] for row in cells], values.column(name)) for at, name in enumerate(own.columns)
    }


def _with_gaps(own: Step, name: Any, inner: pd.DataFrame, values: Values, state: Array) -> pd.Series:
    column, made = values.column(name), inner[name]
    if own.way == "together":
        at = own.columns.index(name)
        gone = np.array([one[at] == "-" for one in state], dtype=bool)
        if own.parents:
            gone = gone != values.missing(own.parents[0])
        return _emptied_series(made, gone, column)
    rule = own.rule
    assert isinstance(rule, EmptyWhen)
    gone = said_empty(rule, values) != (state == OWN)
    if rule.value is None:
        return _emptied_series(made, gone, column)
    alike = np.flatnonzero((made == rule.value).to_numpy(bool, na_value=False))
    others = np.setdiff1d(np.flatnonzero(~gone), alike)
    if len(alike) and len(others):  # a text may be drawn that is the sign: that of another row instead
        places = np.arange(len(made))
        places[alike] = np.resize(others, len(alike))
        made = made.iloc[places].reset_index(drop=True)
    sign = pd.Series([rule.value] * len(made), dtype=made.dtype)
    return made.where(pd.Series(~gone), sign)


def _emptied_series(made: pd.Series, gone: Array, column: Column) -> pd.Series:
    if not gone.any():
        return made
    if column.sentinel is not None and made.dtype.kind in "iub":
        return made.where(pd.Series(~gone), column.sentinel)
    return hide(made, pd.Series(gone))
