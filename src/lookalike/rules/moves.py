"""What is modelled, moved so that a number or date that follows from it comes to where it is asked to be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.slot import Array
from lookalike.rules.holds import computed, solved
from lookalike.rules.keep import Plan
from lookalike.rules.months import DAY, PER_UNIT, calendar, later
from lookalike.rules.steps import AS_DRAWN, MISSING, OWN, RULE, Step, floors, least
from lookalike.rules.values import Values, as_floats, moved, rounded, step, written
from lookalike.table.rule_formulas import UNITS, Extreme, Linear, Part, Product, Term, Transform

WHOLE_DATES = ("date", "time", "seconds since 1970")  # parts that move their date; the rest of it stays
MOVES = 16  # times that a column is moved until what follows from it is where it should be
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
                if getattr(own.rule, "zeros", False):  # what is empty stays so
                    here = here & ~np.isnan(self.now(part))
                if here.any():
                    self.move(part, self.part_goal(own.rule, part, goal), here)
                off = off & ~here
        elif isinstance(own.rule, Extreme):
            self.move_extreme(own.rule, goal, off)
        elif isinstance(own.rule, Term):
            self.move_term(own.rule, goal, off)
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

    def move_term(self, rule: Term, goal: Array, off: Array) -> None:
        """The date that months are added to is moved; where it is given, the months are."""
        now, months = self.now(rule.of), rule.unit in PER_UNIT
        many = np.full(len(off), float(rule.apart)) if rule.by is None else self.now(rule.by)
        goal = goal - rule.days * DAY
        here = self.free(rule.of, off & ~np.isnan(many))
        start = later(goal, -many, rule.unit, 0, "kept" if rule.ends else "")
        start = start - (start - now) % DAY if months else start  # the time of the day stays
        self.move(rule.of, np.where(np.isnan(start), now, start), here)
        if rule.by is not None and (rest := off & ~here).any():
            apart = calendar(goal)[0] - calendar(now)[0] if months else goal - now
            apart = apart / (PER_UNIT | UNITS)[rule.unit]
            self.move(rule.by, apart, self.free(rule.by, rest & (apart == np.round(apart))))

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
