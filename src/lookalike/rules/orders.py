"""Orders of two numbers or dates: low <= high, strictly or with a distance, that chance would not keep."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from lookalike.codec.slot import Array
from lookalike.rules.chance import BROKEN, BY_CHANCE, LEAST_ROWS, LEAST_SUPPORT, is_rare
from lookalike.rules.values import Values, step
from lookalike.table import units
from lookalike.table.column import Column
from lookalike.table.rule import Order, Rule
from lookalike.table.rule_formulas import UNITS

GLANCE = 200  # rows of a first look at an order
MIXED, MOST_MIXED = 0.2, 13  # the share of these that may break it there, and how many: .98 of all keep it
OFTEN = 0.2  # share of the rows that hold one value
ALIKE = 0.25  # times the spread of another column, that one of the same size has at least
NEAR, SEVERAL = 0.1, 3  # standard deviations; rows that are no further from breaking an order
TAIL, FAR_SMALLER = 0.02, 0.15  # of the numbers at either end; the same as ALIKE, without these
LOOSE = 2.0  # times as many rows may break an order in a look at all pairs as in the end
AT_LEAST, EDGED = 20, 0.01  # rows, and the share of them, that are as near as an order with a distance allows
ALONE = 0.5  # share of these, at most, that hold one number
SPANS = ("days", "hours", "minutes", "seconds")  # that such a distance is told in
CELLS = 1 << 17  # of columns that are looked at at once
EDGE = 60  # times as many gaps just above 0 as just below it


def orders(values: Values, names: list[Any], rng: np.random.Generator, many: Values) -> list[Rule]:
    """a <= b, without those that follow from others (a <= b <= c says a <= c). many: more rows, none of which
    may break a distance.
    """
    names = [name for name in names if not _of_units(values.column(name))]
    if len(names) < 2:
        return []
    x = np.array([values.numbers(name) for name in names], dtype=np.float64)
    dated = np.array([values.column(name).is_date for name in names], dtype=bool)
    shuffled = x[:, rng.permutation(values.rows)]
    some = x[:, np.linspace(0, values.rows - 1, min(values.rows, GLANCE)).astype(int)]
    found: dict[tuple[int, int], Order] = {}
    for a in range(len(names) - 1):
        others = a + 1 + np.flatnonzero(_apart(some, a) & (dated[a + 1 :] == dated[a]))
        share = max(1, CELLS // values.rows)
        for part in (others[at : at + share] for at in range(0, len(others), share)):
            for low, high in _candidates(x, shuffled, a, part):
                there = ~np.isnan(x[low] + x[high])
                own = x[low, there], x[high, there]
                apart = _distance(*own, names[low], names[high], many)
                one = _one_measure(names[low], names[high])
                alike = apart or _may_be_one(*own, names[low], names[high], values)
                if dated[a] or (alike and _near(own[0] + apart, own[1], one)):
                    rule = _order(names[low], names[high], *own, apart, bool(dated[a]))
                    found |= {} if rule is None else {(low, high): rule}
    above = np.zeros((len(names), len(names)), dtype=bool)
    above[tuple(np.array([*found], dtype=int).reshape(-1, 2).T)] = True
    implied = np.array([above[own].any(0) for own in above]).reshape(above.shape)
    return [rule for pair, rule in found.items() if rule.apart or not implied[pair]]


def _of_units(column: Column) -> bool:
    """Whether the numbers of a column have several units."""
    return column.is_number and len(column.formats) > 1 and units.are_several(column.formats)


def _apart(some: Array, a: int) -> Array:
    """(others,) bool: of which columns behind the column a one is hardly ever below the other in a few rows.
    some: (columns, rows).
    """
    with np.errstate(invalid="ignore"):
        above = np.count_nonzero(some[a + 1 :] > some[a], axis=1)
        below = np.count_nonzero(some[a + 1 :] < some[a], axis=1)
    mixed = np.minimum(above, below)
    return np.asarray((mixed <= MIXED * (above + below)) & (mixed <= MOST_MIXED))


def _candidates(x: Array, shuffled: Array, a: int, others: Array) -> Iterator[tuple[int, int]]:
    """(low, high) of the columns a and one of others: pairs whose order (nearly) all rows keep, and that more
    break in rows shuffled. x, shuffled: (columns, rows).
    """
    with np.errstate(invalid="ignore"):
        gap = x[others] - x[a]
        rows = np.count_nonzero(gap == gap, axis=1)
        up, down = np.count_nonzero(gap >= 0, axis=1), np.count_nonzero(gap <= 0, axis=1)
        hold = (rows >= LEAST_ROWS) & (np.maximum(up, down) >= LEAST_SUPPORT * rows)
        others, rows, up, down = others[hold], rows[hold], up[hold], down[hold]
        rising = up >= LEAST_SUPPORT * rows
        by_chance = np.empty(len(others))
        for way, low, high in ((rising, a, others[rising]), (~rising, others[~rising], a)):
            mixed = x[low] - shuffled[high]
            told = np.count_nonzero(mixed == mixed, axis=-1)
            by_chance[way] = np.count_nonzero(mixed > 0, axis=-1) / np.maximum(told, 1)
    broken = 1 - np.where(rising, up, down) / rows
    likely = (broken <= LOOSE * BY_CHANCE * by_chance) & (LOOSE * by_chance * rows >= BROKEN)
    for at in np.flatnonzero(likely):
        yield (a, int(others[at])) if rising[at] else (int(others[at]), a)


def _distance(low: Array, high: Array, low_name: Any, high_name: Any, many: Values) -> float:
    """How far apart two numbers or dates (in seconds) are at least: where many rows are at the least gap, it
    is more than one tick, these are not mostly the same two numbers (the cheapest item is no distance), and
    none of many more rows is below it; else 0.
    """
    size = step(many.column(high_name))
    if size is None or size != step(many.column(low_name)) or not len(low):
        return 0.0
    gap = np.rint((high - low) / size)
    least, rows = gap.min(), np.count_nonzero(gap == gap.min())
    if least < 2 or rows < max(AT_LEAST, EDGED * len(gap)) or rows == len(gap):
        return 0.0
    if np.unique(low[gap == least], return_counts=True)[1].max() > ALONE * rows:
        return 0.0
    below, above = np.asarray(many.numbers(low_name)), np.asarray(many.numbers(high_name))
    held = np.nanmin(np.rint((above - below) / size)) == least
    return float(f"{least * size:.12g}") if held else 0.0


def _order(low_name: Any, high_name: Any, low: Array, high: Array, apart: float, dated: bool) -> Order | None:
    """The rule, where neither chance nor the columns' correlation alone would keep it. apart: how far apart
    they are at least; dated: whether that is in seconds.
    """
    by_chance = float(np.searchsorted(np.sort(high), low + apart).mean()) / len(high)  # of all pairs of rows
    if not is_rare(0.0 if apart else float((low > high).mean()), by_chance, len(high)):
        return None
    gap = high - low
    if (gap == gap[0]).all() or not (gap != 0).any():
        return None
    if apart:
        unit = next((one for one in SPANS if apart % UNITS[one] == 0), "") if dated else ""
        return Order(low_name, high_name, apart=apart / UNITS.get(unit, 1.0), unit=unit)
    strict = bool((low < high).all()) and _touches(gap)
    return Order(low_name, high_name, strict)


def has_edge(rule: Order, values: Values) -> bool:
    """Whether an order that some rows break has an edge at 0: many rows just above it, few just below."""
    low, high = values.numbers(rule.low), values.numbers(rule.high)
    if low is None or high is None:
        return False
    gap = high - low
    found, counts = np.unique(low[~np.isnan(low)], return_counts=True)
    if (gap < 0).any() and counts.max() > OFTEN * counts.sum():  # a low that is mostly 0 says little
        gap = gap[low != found[counts.argmax()]]
    if not (gap < 0).any():
        return True
    width = 2 * float(np.median(-gap[gap < 0]))
    return bool(((gap > 0) & (gap <= width)).sum() >= EDGE * ((gap < 0) & (gap >= -width)).sum())


def _near(low: Array, high: Array, one: bool) -> bool:
    """Whether some rows come near to breaking the order; else the columns are only of different sizes: near
    by the spread of the higher one, or by that of the lower one where that is far smaller. Rows where both
    are at their least, such as 0, do not count. one: both measure the same, and no size is different.
    """
    gap, spread = high - low, high.std()
    if not one and low.std() < ALIKE * spread:
        spread = low.std()
    elif not one and _spread(low) < FAR_SMALLER * _spread(high):
        spread = _spread(low)
    least = (low == low.min()) & (high == high.min()) & (not one)
    return bool(np.count_nonzero((gap >= 0) & (gap <= NEAR * spread) & ~least) >= SEVERAL)


def _spread(numbers: Array) -> float:
    """The standard deviation of the numbers; a few that are far off do not count."""
    low, high = np.quantile(numbers, (TAIL, 1 - TAIL))
    return float(np.clip(numbers, low, high).std())


def _may_be_one(low: Array, high: Array, low_name: Any, high_name: Any, values: Values) -> bool:
    """Whether two numbers may measure the same: have as many decimals, are equal in a row, or share a word
    of their names.
    """
    first, second = step(values.column(low_name)), step(values.column(high_name))
    as_exact = first is None or second is None or first == second
    return as_exact or bool((low == high).any()) or bool(_words(low_name) & _words(high_name))


def _words(name: Any) -> set[str]:
    return {*re.findall(r"[a-z]{3,}", str(name).lower())}


def _one_measure(low: Any, high: Any) -> bool:
    """Whether the words of one name are among those of the other: gust, gust_max."""
    first, second = _words(low), _words(high)
    return bool(first and second) and (first <= second or second <= first)


def _touches(gap: Array) -> bool:
    """Whether the smallest gap is one that many rows have, so that 0 would have been seen."""
    smallest = gap.min()
    return bool(smallest > 0 and (gap == smallest).sum() >= 20)
