"""Conditions on the columns of a table, said of the columns that are modelled instead.

A condition on a function's value is one on its keys, one on a cell of a combination one on the combination.
What follows from numbers (a sum, a later date) cannot be said so: candidates are drawn, and `settled` moves
those that come near.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.codecs import CODECS
from lookalike.codec.record import RecordCodec
from lookalike.codec.slot import Array
from lookalike.codec.ticks import dates, numbers
from lookalike.codec.where import Condition, read_where
from lookalike.errors import ConditionError
from lookalike.rules.back import told
from lookalike.rules.codes import is_of_code
from lookalike.rules.holds import EMPTY, LEAST, TWICE
from lookalike.rules.keep import Plan
from lookalike.rules.steps import MISSING, Step, said_texts
from lookalike.rules.values import Values, as_floats, rounded, step
from lookalike.table.rule import Function

Wanted = Mapping[Any, Condition]


def translated(
    plan: Plan, codec: RecordCodec, where: Mapping[Any, Any]
) -> tuple[dict[Any, Condition], dict[Any, Condition]]:
    """Conditions on a table -> those on what is modelled, and those that cannot be said of it.

    codec: of the table as it is. Raises ConditionError for what never occurs, and where no row has it all.
    """
    conditions = read_where(where, codec.schema)
    codec.allowed(conditions)  # says what is wrong with them in the table's own words
    inner: dict[Any, Condition] = {}
    rest: dict[Any, Condition] = {}
    for name, condition in conditions.items():
        own = plan.step_of(name)
        aimed = own is not None and own.aimed and not condition.missing
        values = condition.values != () or not condition.missing
        if aimed or (plan.solving(name) is not None and values):  # drawn there, it may be moved out of it
            rest[name] = condition
        if own is None or aimed:
            _join(inner, {name: condition}, plan)
        elif own.way == "unlike":  # a value that is the same in both is replaced by others
            rest[name] = condition
            _join(inner, {name: condition}, plan)
            _join(inner, _unlike(plan, own, name, condition), plan)
        elif (found := _said(plan, codec, own, name, condition)) is not None:
            _join(inner, found, plan)
            if any(_is_unlike(plan, key) for key in found):
                rest[name] = condition
        else:
            rest[name] = condition
    plan.codec.allowed(inner)
    return inner, rest


def _said(
    plan: Plan, codec: RecordCodec, own: Step, name: Any, condition: Condition
) -> dict[Any, Condition] | None:
    """A condition on a column that a step makes; None where it cannot be said of what is modelled."""

    def test(value: Any) -> bool:
        if value is None:
            return condition.missing
        cells = pd.Series([value], dtype=object)
        return bool(meets(codec, name, condition, cells)[0])

    if own.way == "group":
        at = own.columns.index(name)
        return _one_of(own.names["group"], [text for text, row in own.table if test(row[at])])
    by_value = isinstance(own.rule, Function) and not (own.rule.part or own.rule.cuts)
    by_value = (by_value and len(own.parents) == 1) or is_of_code(own.rule)
    if own.way in ("lookup", "text") and by_value and own.flag is None and always_told(plan, own):
        return keys_of(plan, own, test)
    if own.way == "together" and not (condition.missing and condition.values != ()):
        found = emptiness(plan, name, condition.missing)
        if found is None or condition.missing or condition == Condition():
            return found
        return found | {name: condition}
    if condition.missing and condition.values == ():
        return emptiness(plan, name, True)
    return None


def _is_unlike(plan: Plan, name: Any) -> bool:
    own = plan.step_of(name)
    return own is not None and own.way == "unlike"


def _unlike(plan: Plan, own: Step, name: Any, condition: Condition) -> dict[Any, Condition]:
    """What the columns that one is unlike may hold where it has to hold one value."""
    known = plan.codec.known()
    if condition.missing or condition.values is None or len(condition.values) != 1:
        return {}
    text = str(condition.values[0])
    return {
        parent: Condition(values=tuple(value for value in known[parent] if str(value) != text))
        for parent in own.parents
        if parent in known and plan.step_of(parent) is None and plan.schema[parent].is_categorical
    }


def emptiness(plan: Plan, name: Any, missing: bool) -> dict[Any, Condition] | None:
    """The condition under which a column is empty, or is not, said of what is modelled; None where it cannot
    be.
    """
    own = plan.step_of(name)
    if own is None:
        return {name: Condition(values=(), missing=True) if missing else Condition()}
    if own.way == "together":
        at = own.columns.index(name)
        if not own.parents:
            kept = [state for state in own.states if (state[at] == "-") == missing]
            return _one_of(own.flag, kept) if own.flag else {}
        alike = {state[at] == "+" for state in own.states}
        return emptiness(plan, own.parents[0], missing == alike.pop()) if len(alike) == 1 else None
    if MISSING in own.states and not any(plan.schema[one].nullable for one in own.parents):
        return _one_of(own.flag, [state for state in own.states if (state == MISSING) == missing])
    return None


def _one_of(name: Any, values: list[Any]) -> dict[Any, Condition]:
    return {name: Condition(values=tuple(values))}


def always_told(plan: Plan, own: Step) -> bool:
    """Whether a lookup says the value of every row that is drawn: rare keys are not, and none is missing."""
    key = plan.schema[own.parents[0]]
    return not own.own or (key.is_categorical and not key.nullable and TWICE <= (key.min_rows or 0) < LEAST)


def keys_of(plan: Plan, own: Step, test: Callable[[Any], bool]) -> dict[Any, Condition] | None:
    """The keys of a lookup, or the codes of which a column is a part, whose values pass a test, as a
    condition; None where they are no categories.
    """
    key = own.parents[0]
    if not (plan.step_of(key) is None or _is_unlike(plan, key)) or not plan.codec.schema[key].is_categorical:
        return None
    known = plan.codec.known()[key]
    if not is_of_code(own.rule):
        known_texts = {str(value) for value in known}
        return _one_of(key, [k for k, value in own.table if str(k) in known_texts and test(value)])
    values = Values(pd.DataFrame({key: known}, dtype=object), plan.schema)
    texts, unknown = said_texts(own, values)
    cells = told(own, texts, plan.schema[own.columns[0]]).tolist()
    fit = [
        not nothing and test(None if text == EMPTY else cell)
        for text, cell, nothing in zip(texts, cells, unknown, strict=True)
    ]
    return _one_of(key, [one for one, fits in zip(known, fit, strict=True) if fits])


def _join(inner: dict[Any, Condition], more: Wanted, plan: Plan) -> None:
    """Adds conditions to others: both are to be met. Raises ConditionError where no value meets both."""
    for name, condition in more.items():
        before = inner.get(name)
        if before is not None:
            values = plan.codec.known()[name]
            for one in (before, condition):
                kept = meets(plan.codec, name, one, pd.Series(values, dtype=object))
                values = [value for value, keep in zip(values, kept, strict=True) if keep]
            missing = before.missing and condition.missing
            condition = Condition(values=tuple(values), missing=missing)
        if condition.values == () and not condition.missing:
            raise ConditionError(
                "no row of the learned table satisfies all the conditions at once: leave one of them out."
            )
        inner[name] = condition


def joined(plan: Plan, inner: Wanted, more: Wanted) -> dict[Any, Condition]:
    """Both conditions; where no value meets both, the first ones."""
    found = dict(inner)
    for name, condition in more.items():
        try:
            _join(found, {name: condition}, plan)
        except ConditionError:
            continue
    return found


def meets(codec: RecordCodec, name: Any, condition: Condition, cells: pd.Series) -> Array:
    """(rows,) bool: the cells that satisfy a condition, exactly."""
    column = codec.schema[name]
    gone = cells.isna().to_numpy(bool)
    if column.is_number_or_date:
        inside = _inside(ranges(codec, name, condition), cells, column)
        if column.exceptions:  # they are no numbers: only one that is asked for is meant
            odd = cells.isin(column.exceptions).to_numpy(bool)
            asked = cells.isin(list(condition.values or ())).to_numpy(bool)
            inside = np.where(odd, asked, inside)
        return np.where(gone, condition.missing, inside)
    kind, params = CODECS[column.kind], codec.params_of(name)
    share = kind.allowed(params, column, condition)
    if not share or not column.is_categorical:
        texts = {str(value) for value in condition.values or ()}
        kept = np.array([condition.values is None or str(cell) in texts for cell in cells], dtype=bool)
    else:
        tokens, _ = kind.encode(params, cells, column)
        kept = (tokens[:, 0] >= 0) & (share[0][tokens[:, 0], 0] > 0)
    return np.where(gone, condition.missing, kept)


def ranges(codec: RecordCodec, name: Any, condition: Condition) -> list[tuple[Any, Any]] | None:
    """Inclusive ranges in ticks; None for any value."""
    column = codec.schema[name]
    module = numbers if column.is_number else dates
    return module.condition_ranges(column, condition)


def _inside(wanted: list[tuple[Any, Any]] | None, cells: pd.Series, column: Any) -> Array:
    if wanted is None:
        return np.ones(len(cells), dtype=bool)
    ticks, _ = (numbers if column.is_number else dates).to_ticks(cells, column)
    found = np.zeros(len(cells), dtype=bool)
    for low, high in wanted:
        found |= (ticks >= low) & (ticks <= high)
    return found


def missed(codec: RecordCodec, rest: Wanted, table: pd.DataFrame) -> Array:
    """(rows,) float64: 0 where all conditions are met, else how far the row is from it, in widths of the
    columns.
    """
    found = np.zeros(len(table))
    for name, condition in rest.items():
        kept = meets(codec, name, condition, table[name])
        far = np.ones(len(table))
        goal = goals(codec, name, condition, table[name], None)
        if goal is not None:
            own = as_floats(table[name], codec.schema[name])
            assert own is not None
            far = np.abs(goal - own) / max(float(np.nanstd(own)), 1e-300)
        found += np.where(kept, 0.0, 1e-9 + np.nan_to_num(far, nan=1e9))
    return found


def goals(
    codec: RecordCodec, name: Any, condition: Condition, cells: pd.Series, rng: np.random.Generator | None
) -> Array | None:
    """(rows,) float64: where each number or date should be: a place inside of the nearest range (drawn with
    `rng`, else its end); None where a condition is no range, or the column of another kind.
    """
    column = codec.schema[name]
    if not column.is_number_or_date:
        return None
    wanted, own = ranges(codec, name, condition), as_floats(cells, column)
    if own is None or not wanted:
        return None
    size = step(column) or (10.0 ** -(column.decimals or 0) if column.is_number else None)
    if size is None:
        return None
    seen = own[~np.isnan(own)]
    span = (float(seen.min()), float(seen.max())) if len(seen) else (0.0, 1.0)
    best, far = np.full(len(own), np.nan), np.full(len(own), np.inf)
    for low, high in wanted:
        first, last = max(low * size, min(span[0], high * size)), min(high * size, max(span[1], low * size))
        nearest = np.clip(own, first, last)
        if rng is not None:
            nearest = np.where(own == nearest, own, rng.uniform(first, last, len(own)))
        gone = np.isnan(own)
        nearest = np.where(gone, first, nearest)
        distance = np.where(gone, 0.0, np.abs(nearest - own))
        best, far = np.where(distance < far, nearest, best), np.minimum(distance, far)
    return rounded(best, column)
