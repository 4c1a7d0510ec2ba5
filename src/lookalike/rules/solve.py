"""A part of a formula, moved so that the formula comes to the narrow number that was drawn: see narrow.py."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lookalike.codec.slot import Array
from lookalike.codec.ticks import numbers
from lookalike.rules.holds import computed, solved
from lookalike.rules.months import DAY
from lookalike.rules.steps import RULE, Step, room
from lookalike.rules.values import SINGLE, Values, as_floats, moved, rounded, step, written
from lookalike.table.column import Column
from lookalike.table.formatted import lenient
from lookalike.table.rule import Trait
from lookalike.table.rule_formulas import Linear, Product

INSIDE = 0.45  # of a tick, that a number which is rounded down is off the middle of its tick at most
FAR = 1e15  # what stands for a bound where there is none
FEW = 0.05  # of the goals, that lead to a part between the ends of its column
EDGE = 1e-6  # of a tick or a slack, that is left to errors of floats


def followed(own: Step, inner: pd.DataFrame, values: Values, rng: np.random.Generator) -> pd.Series:
    """The part, in the rows that keep the rule. It stays as it was drawn where the formula comes near to the
    number already; else it is moved there, by a multiple of a grid where one leads near enough.
    """
    name, rule, facts = own.columns[0], own.rule, own.solved
    assert isinstance(rule, Linear | Product) and facts is not None
    column, aimed = values.column(name), values.column(rule.column)
    now, goal = values.numbers(name), _goal(inner[rule.column], aimed)
    assert now is not None
    if own.flag:
        goal = np.where(inner[own.flag].to_numpy(object) == RULE, goal, np.nan)
    tick = step(aimed) or 0.0
    left = EDGE * max(tick, facts.slack) + 2 * SINGLE * np.abs(goal)
    low, high = _bounds(own, now, goal, values)
    low, high = _ended(own, low, high, now, goal, values)
    least, most = _sides(own, low, high, values)
    said = computed(rule, values)
    if own.flag:  # those of rows that break the rule are drawn beside the others
        far = np.abs(said - goal) > facts.slack + left
        least = np.where(far, np.fmax(least, np.fmin(most, facts.ends[0])), least)
        most = np.where(far, np.fmin(most, np.fmax(least, facts.ends[1])), most)
    goal = moved(goal, least - left, most + left, rng)
    exact = np.isin(goal, facts.usual)
    near = np.where(exact, 0.0, facts.slack) + left
    with np.errstate(invalid="ignore"):
        off = (np.abs(said - goal) > near) | (now < low) | (now > high)
        off |= (said < np.fmin(goal, facts.ends[0]) - left) | (said > np.fmax(goal, facts.ends[1]) + left)
    off &= ~np.isnan(said + goal)
    if not off.any():
        return values.table[name]
    aim = _Aim.of(own, goal, exact, tick, values, rng)
    found = _placed(own, aim, now, low, high, values)
    off &= np.isfinite(found)
    return values.table[name].where(pd.Series(~off), written(np.where(off, found, now), column))


def _goal(cells: pd.Series, column: Column) -> Array:
    """(rows,) float64: what the number was drawn as, nan for none. Exceptions such as -0.0 are read."""
    found = as_floats(cells, column)
    assert found is not None
    if column.is_number and column.exceptions:
        marks = numbers.to_ticks(cells, column)[1]
        for at, cell in enumerate(column.exceptions):
            value = lenient(str(cell))
            found = np.where(marks == numbers.EXCEPTION + at, np.nan if value is None else value, found)
    return found


def _sides(own: Step, low: Array, high: Array, values: Values) -> tuple[Array, Array]:
    """(rows,) what the number is between where the part is between low and high."""
    name, rule = own.columns[0], own.rule
    ends = (np.clip(end, -FAR, FAR) for end in (low, high))
    sides = [computed(rule, values.having(name, end)) for end in ends]  # type: ignore[arg-type]
    least, most = np.fmin(*sides), np.fmax(*sides)
    return np.where(np.isnan(least), -np.inf, least), np.where(np.isnan(most), np.inf, most)


def _ended(
    own: Step, low: Array, high: Array, now: Array, goal: Array, values: Values
) -> tuple[Array, Array]:
    """(rows,) low and high, of which a part is between the ends of its column, too; but not where hardly any
    goal leads there: beside an unusually large number it is unusually large. Nothing leaves a day, and what
    is not below 0 stays so.
    """
    ends = np.clip(np.fmin(own.ends[0], now), low, high), np.clip(np.fmax(own.ends[1], now), low, high)
    pool = np.sort(goal[~np.isnan(goal)])
    least, most = _sides(own, *ends, values)
    inside = np.searchsorted(pool, most, side="right") - np.searchsorted(pool, least)
    few = inside < FEW * len(pool)
    column = values.column(own.columns[0])
    if own.ends[0] >= 0:
        low = np.clip(0.0, low, high)
        if column.is_date and own.ends[1] < DAY:
            high = np.clip(DAY - (step(column) or 1.0), low, high)
    return np.where(few, low, ends[0]), np.where(few, high, ends[1])


def _bounds(own: Step, now: Array, goal: Array, values: Values) -> tuple[Array, Array]:
    """(rows,) between which the part may be: columns that it has an order with, its sign, and what the other
    parts of a sum leave. A row that breaks an order that not all rows keep goes on breaking it.
    """
    name, size = own.columns[0], step(values.column(own.columns[0])) or 0.0
    low, high = np.full(len(now), -np.inf), np.full(len(now), np.inf)
    if any(isinstance(rule, Trait) and rule.trait == "sign" for rule in own.rules):
        low = np.where(now > 0, size, np.where(now == 0, 0, low))
        high = np.where(now < 0, -size, np.where(now == 0, 0, high))
    for order in own.orders:
        above = order.high == name
        other = order.low if above else order.high
        edge = values.numbers(other)
        if edge is None:
            continue
        edge = rounded(edge, values.column(name), "up" if above else "down")
        told = solved(own.rule, name, goal, values) if other in own.rule.columns else now  # type: ignore[arg-type]
        apart = size if order.strict else 0.0
        with np.errstate(invalid="ignore"):
            keeps = told >= edge + apart - EDGE * size if above else told <= edge - apart + EDGE * size
        keeps |= order.support == 1
        first, last = (edge + apart, edge - size) if above else (edge + size, edge - apart)
        low = np.fmax(low, np.where(keeps == above, first, np.nan))
        high = np.fmin(high, np.where(keeps == above, np.nan, last))
    if any(isinstance(rule, Linear) for rule in own.rules[1:]):
        high = np.fmin(high, room(replace(own, rules=own.rules[1:]), values))
    return low, high


@dataclass
class _Aim:
    """Where a part has to be. best: (rows,), nan for nowhere; low, high: (rows,) between which the number
    stays near enough to its goal; least, most: (rows,) between which it stays in its range; free: (rows,)
    bool, whether any place between low and high is as good as the best: it is not where the number is met.
    """

    best: Array
    low: Array
    high: Array
    least: Array
    most: Array
    free: Array

    @classmethod
    def of(
        cls, own: Step, goal: Array, exact: Array, tick: float, values: Values, rng: np.random.Generator
    ) -> _Aim:
        """goal: (rows,) of the number; exact: (rows,) bool, where it does not move; tick: of the number."""
        name, rule, facts = own.columns[0], own.rule, own.solved
        assert isinstance(rule, Linear | Product) and facts is not None
        up = {"down": 0.5, "up": -0.5}.get(rule.rounding, 0.0) * tick
        far = (1 - EDGE) * np.where(exact, tick / 2, max(facts.slack, tick / 2))
        ends = np.fmin(facts.ends[0], goal) - tick / 2, np.fmax(facts.ends[1], goal) + tick / 2
        near = (np.clip(goal + way * far, *ends) for way in (-1.0, 1.0))
        places = [solved(rule, name, one + up, values) for one in (*near, *ends)]
        middle = goal + up + (rng.uniform(-INSIDE, INSIDE, len(goal)) * tick if up else 0.0)
        best = solved(rule, name, middle, values)
        low, high, least, most = (
            way(*pair) for pair in (places[:2], places[2:]) for way in (np.fmin, np.fmax)
        )
        return cls(best, low, high, least, most, ~exact | (up != 0))


def _placed(own: Step, aim: _Aim, now: Array, low: Array, high: Array, values: Values) -> Array:
    """(rows,) the part, with as many of the digits of `now` as lead near enough, between low and high."""
    assert own.solved is not None
    column = values.column(own.columns[0])
    first, last = np.maximum(low, aim.low), np.minimum(high, aim.high)
    found = np.full(len(now), np.nan)
    with np.errstate(invalid="ignore"):
        for grid in own.solved.grids[
            :1
        ]:  # the same price as on the list, and not one that is as good as that
            off = aim.best - now - grid * np.rint((aim.best - now) / grid)
            found = np.where(~aim.free & (np.abs(off) <= EDGE * grid), aim.best, found)
        for grid in own.solved.grids:
            near = rounded(now + grid * np.rint((aim.best - now) / grid), column)
            found = np.where(np.isnan(found) & (near >= first) & (near <= last), near, found)
        best = rounded(np.where(np.isfinite(aim.best), aim.best, np.nan), column)
        least, most = rounded(aim.least, column, "up"), rounded(aim.most, column, "down")
        best = np.where(least <= most, np.clip(best, least, most), best)
        return np.clip(np.where(np.isnan(found), best, found), low, high)
