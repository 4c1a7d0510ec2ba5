"""Conditions on the columns of a table, said of the columns that are modelled instead.

A condition on a function's value is one on its keys, one on a cell of a combination one on the combination.
What follows from numbers (a sum, a later date) cannot be said so: candidates are drawn, and `settled` moves
those that come near.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.codecs import CODECS
from lookalike.codec.record import RecordCodec
from lookalike.codec.slot import Array
from lookalike.codec.ticks import dates, numbers
from lookalike.codec.where import Condition, read_where
from lookalike.errors import ConditionError
from lookalike.rules.holds import computed, solved
from lookalike.rules.keep import Plan
from lookalike.rules.steps import AS_DRAWN, MISSING, OWN, RULE, Step, floors, least
from lookalike.rules.values import Values, as_floats, moved, rounded, step, written
from lookalike.table.rule import Extreme, Function, Linear, Part, Product, Transform

Wanted = Mapping[Any, Condition]
DAY = 86400.0  # seconds
WHOLE_DATES = ("date", "time", "seconds since 1970")  # parts that move their date; the rest of it stays
MOVES = 16  # times that a column is moved until what follows from it is where it should be


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
        elif (found := _said(plan, codec, own, name, condition)) is not None:
            _join(inner, found, plan)
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
    plain = isinstance(own.rule, Function) and not (own.rule.part or own.rule.cuts)
    plain = plain and len(own.parents) == 1
    if own.way == "lookup" and plain and not own.own and own.flag is None:
        return keys_of(plan, own, test)
    if own.way == "together" and not (condition.missing and condition.values != ()):
        found = emptiness(plan, name, condition.missing)
        if found is None or condition.missing or condition == Condition():
            return found
        return found | {name: condition}
    if condition.missing and condition.values == ():
        return emptiness(plan, name, True)
    return None


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


def keys_of(plan: Plan, own: Step, test: Callable[[Any], bool]) -> dict[Any, Condition] | None:
    """The keys of a lookup whose values pass a test, as a condition; None where keys are no categories."""
    key = own.parents[0]
    if plan.step_of(key) is not None or not plan.codec.schema[key].is_categorical:
        return None
    known = {str(value) for value in plan.codec.known()[key]}
    return _one_of(key, [k for k, value in own.table if str(k) in known and test(value)])


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


Held = Callable[[pd.DataFrame], pd.DataFrame]  # puts what is given into the columns that are made


def settled(
    plan: Plan,
    inner: pd.DataFrame,
    name: Any,
    goal: Array,
    rows: Array,
    rng: np.random.Generator,
    fixed: Mapping[Any, Array] | None = None,
    held: Held | None = None,
) -> pd.DataFrame:
    """What is modelled, moved so that a number or date that follows from it comes to its goal in some rows.

    goal: (rows,) as of `values.as_floats`; rows: (rows,) bool. fixed: column -> (rows,) bool, cells that may
    not move; held: as of `Plan.back`.
    """
    own = _Moves(plan, inner.copy(), fixed or {}, rng)
    for _ in range(MOVES):
        made = plan.back(own.inner, rng, held)
        now = as_floats(made[name], plan.schema[name])
        assert now is not None
        size = step(plan.schema[name]) or 1e-9 * max(float(np.nanmax(np.abs(goal), initial=1.0)), 1.0)
        off = rows & ~(np.abs(now - goal) < size / 2)
        if not off.any():
            break
        own.values, before = Values(made, plan.schema), own.inner.copy()
        own.move(name, goal, off)
        if own.inner.equals(before):  # what it follows from is fixed
            break
    return own.inner


@dataclass
class _Moves:
    """What is modelled, while it is moved. values: the table that it makes; fixed: as of `settled`."""

    plan: Plan
    inner: pd.DataFrame
    fixed: Mapping[Any, Array]
    rng: np.random.Generator
    values: Values = field(init=False)

    def free(self, name: Any, rows: Array) -> Array:
        return rows & ~self.fixed[name] if name in self.fixed else rows

    def now(self, name: Any) -> Array:
        found = self.values.numbers(name)
        return np.full(len(self.inner), np.nan) if found is None else found

    def move(self, name: Any, goal: Array, off: Array) -> None:
        """One move of a column, or of what it follows from, towards its goal in the rows `off`."""
        off = self.free(name, off)
        own = self.plan.step_of(name)
        if not off.any():
            return
        solving = self.plan.solving(name)
        if solving is not None:
            self.move_others(solving, goal, off)
        if own is None or own.way in (*AS_DRAWN, "together", "when"):
            self.put(name, goal, off)
            if own is not None and own.way == "clamp":
                for order in own.orders:
                    if order.high == name:
                        most = goal - order.distance
                        self.move(order.low, most, off & (self.now(order.low) > most))
                    else:
                        least_of = goal + order.distance
                        self.move(order.high, least_of, off & (self.now(order.high) < least_of))
            return
        if own.flag is not None:
            flags = self.inner[own.flag].to_numpy(object)
            missing, alone = off & (flags == MISSING), off & (flags == OWN)
            self.inner.loc[missing | (alone & (own.way == "gap")), own.flag] = RULE
            if own.own and own.way != "gap" and alone.any():
                self.put(name, goal, alone)
                off = off & ~alone
        if own.aimed:
            self.put(name, goal, off)
        if own.way == "gap":
            self.move_gap(own, goal, off)
        elif isinstance(own.rule, Linear | Product | Transform):
            for part in sorted(own.rule.columns[1:], key=partial(self.turn, own.rule)):
                here = self.free(part, off)
                if here.any():
                    self.move(part, self.part_goal(own.rule, part, goal), here)
                off = off & ~here
        elif isinstance(own.rule, Extreme):
            self.move_extreme(own.rule, goal, off)
        elif isinstance(own.rule, Part) and own.rule.part in WHOLE_DATES:
            of, clock = own.rule.of, self.now(own.rule.of) % DAY
            aims = {"date": goal + clock, "time": self.now(of) - clock + goal}
            self.move(of, aims.get(own.rule.part, goal), off)

    def turn(self, rule: Linear | Product | Transform, part: Any) -> int:
        """Which part of a formula is moved first: what it is solved for, then what lies above another part,
        then what is free.
        """
        own, solving = self.plan.step_of(part), self.plan.solving(part)
        if solving is not None and solving.rule == rule:
            return -1
        if own is not None and own.way == "gap" and {*own.lows} & {*rule.columns[1:]}:
            return 0
        return 1 if own is None else 2

    def move_gap(self, own: Step, goal: Array, off: Array) -> None:
        """The gap makes up for it where it can; else the lower columns do."""
        name, column = own.names["gap"], self.plan.schema[own.columns[0]]
        size, floor, smallest = step(column) or 1.0, floors(own, self.values), least(own, column)
        gap = np.maximum(self.inner[name].to_numpy(np.float64), smallest)
        wanted = np.rint((goal - floor) / size) if step(column) else goal - floor
        by_gap = self.free(name, off) & (wanted >= smallest)
        gap = np.where(by_gap, wanted, gap)
        self.inner[name] = pd.Series(gap).astype(self.inner[name].dtype)
        ceiling = goal - gap * size
        for order in own.orders:
            most = ceiling - order.distance
            self.move(order.low, most, off & ~by_gap & (self.now(order.low) != most))

    def move_extreme(self, rule: Extreme, goal: Array, off: Array) -> None:
        """Parts beyond the goal come to it; where none is there then, one that is free does."""
        side = -1 if rule.largest else 1
        beyond = [side * self.now(part) < side * goal for part in rule.of]
        for part, some in zip(rule.of, beyond, strict=True):
            self.move(part, goal, off & some)
        off = off & ~np.any(beyond, axis=0)
        for part in rule.of:
            here = self.free(part, off)
            self.move(part, goal, here)
            off = off & ~here

    def move_others(self, own: Step, goal: Array, off: Array) -> None:
        """Where a part is moved for which a formula is solved, another part goes along, so that the number
        stays near to what it was drawn as.
        """
        name, rule = own.columns[0], own.rule
        assert isinstance(rule, Linear | Product) and own.solved is not None
        if own.flag:
            off = off & (self.inner[own.flag].to_numpy(object) == RULE)
        aim = as_floats(self.inner[rule.column], self.plan.schema[rule.column])
        assert aim is not None
        values = self.values.having(name, np.where(off, goal, self.now(name)))
        with np.errstate(invalid="ignore"):
            off = off & (np.abs(computed(rule, values) - aim) > own.solved.slack)
        for part in rule.columns[1:]:
            here = self.free(part, off) if part != name else np.zeros_like(off)
            if here.any():
                wanted = rounded(solved(rule, part, aim, values), self.plan.schema[part])
                self.move(part, np.where(np.isfinite(wanted), wanted, self.now(part)), here)
            off = off & ~here

    def part_goal(self, rule: Linear | Product | Transform, part: Any, goal: Array) -> Array:
        """Where a part of a formula has to be for the formula to come to its goal."""
        wanted, column = solved(rule, part, goal, self.values), self.plan.schema[part]
        wanted = np.where(np.isfinite(wanted), wanted, self.now(part))
        found = rounded(wanted, column)
        if not isinstance(rule, Linear) or not rule.clipped:
            return found
        rises = dict(rule.of)[part] * rule.divisor > 0
        for end, least_of in ((rule.least, True), (rule.most, False)):
            if (
                end is not None
            ):  # all numbers beyond an end are that end: one that is there, else another row's
                ceiling = rises == least_of
                edge = rounded(wanted, column, "down" if ceiling else "up")
                low, high = (
                    (np.full(len(edge), -np.inf), edge) if ceiling else (edge, np.full(len(edge), np.inf))
                )
                found = np.where(goal == end, moved(self.now(part), low, high, self.rng), found)
        return found

    def put(self, name: Any, goal: Array, rows: Array) -> None:
        """Write numbers or dates into a column that is modelled."""
        column = self.plan.schema[name]
        if rows.any() and column.is_number_or_date:
            moved = written(np.where(rows & ~np.isnan(goal), goal, 0.0), replace(column, nullable=True))
            self.inner[name] = self.inner[name].where(pd.Series(~rows), moved)
