"""The rules of a table: what (nearly) all rows keep and chance would not.

Candidates are sought in a few rows, then judged on many of them, beside the same rows with a column shuffled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.slot import Array
from lookalike.rules.chance import BROKEN, BY_CHANCE, LEAST_FORMULA, LEAST_ROWS, LEAST_SUPPORT, is_rare
from lookalike.rules.comparisons import comparisons
from lookalike.rules.date_parts import parts
from lookalike.rules.discrete import (
    categories,
    combination_rules,
    copies,
    emptiness,
    joined_texts,
    one_of_rules,
)
from lookalike.rules.formulas import formulas
from lookalike.rules.functions import as_ranges, cuts, functions, of_dates
from lookalike.rules.holds import FORMULAS, support
from lookalike.rules.sums import DISTINCT
from lookalike.rules.traits import traits
from lookalike.rules.values import Values, step
from lookalike.seed import child
from lookalike.table import sources
from lookalike.table.inferring import infer
from lookalike.table.rule import (
    UNITS,
    Combination,
    EmptyTogether,
    EmptyWhen,
    Extreme,
    Function,
    Linear,
    Order,
    Product,
    Rule,
    Trait,
    Transform,
)
from lookalike.table.rule_words import read_rules
from lookalike.table.schema import Schema

SOME, MANY = 2_000, 100_000  # rows that candidates are tried on, judged on
GLANCE = 200  # rows of a first look at an order
MIXED, MOST_MIXED = 0.2, 13  # the share of these that may break it there, and how many: .98 of all keep it
OFTEN = 0.2  # share of the rows that hold one value
ALIKE = 0.25  # times the spread of another column, that one of the same size has at least
NEAR, SEVERAL = 0.1, 3  # standard deviations; rows that are no further from breaking an order
TAIL, FAR_SMALLER = 0.02, 0.15  # of the numbers at either end; the same as ALIKE, without these
LOOSE = 2.0  # times as many rows may break an order in a look at all pairs as in the end
AT_LEAST, EDGED = 20, 0.01  # rows, and the share of them, that are as near as an order with a distance allows
SPANS = ("days", "hours", "minutes", "seconds")  # that such a distance is told in
CELLS = 1 << 17  # of columns that are looked at at once
EDGE = 60  # times as many gaps just above 0 as just below it
BROKEN_BY = (0.0, 0.001, 0.005, 1 - LEAST_SUPPORT, 1 - LEAST_FORMULA)  # shares of the rows that break a rule


def find_rules(table: pd.DataFrame, schema: Schema | None = None, seed: int = 0) -> list[Rule]:
    """The rules between the columns of a table, each with the share of the rows that keep it.

    schema: of the table. None: it is inferred.
    seed: of the rows that are looked at, 100,000 at most.
    """
    table = sources.table("the table", table)
    schema = infer(table) if schema is None else schema
    rng = child(seed, "rules")
    if len(table) > MANY:
        table = table.iloc[np.sort(rng.permutation(len(table))[:MANY])]
    kept = [name for name in schema.kept if name in table.columns]
    values = Values(table[kept].reset_index(drop=True), schema)
    if len(table) < LEAST_ROWS:
        return []
    small = values
    if len(table) > SOME:
        rows = np.sort(rng.permutation(len(table))[:SOME])
        small = Values(table[kept].iloc[rows].reset_index(drop=True), schema)
    names = _numbers(small)
    ahead = [*copies(small, kept), *joined_texts(small, kept), *parts(small, names)]
    sums = [*formulas(small, [name for name in kept if name in names or _is_rate(small, name)], values)]
    known = [
        one
        for one in [
            *cuts(small, kept, [name for name in names if small.column(name).is_number]),
            *(as_ranges(one, small) for one in functions(small, kept, rng)),
            *of_dates(small, kept, rng),
            *comparisons(small, kept, names),
        ]
        if not any({*one.columns} <= {*own.columns} for own in sums)
    ]  # a formula says numbers that were never seen, too
    ahead += [*sums, *known]
    empty = [*emptiness(small, kept)]
    found = _derived(ahead, empty, values, small)
    for rules in (
        one_of_rules(small, kept),
        empty,
        combination_rules(small, kept, rng),
        traits(small, categories(small, kept), names),
        _orders(small, names, rng, values),
    ):
        found += _new(rules, found, values)
    return found


def _derived(rules: list[Any], empty: list[Rule], values: Values, small: Values) -> list[Rule]:
    """One rule a column, of those that say its values: one that no row breaks before one with exceptions,
    however simple that is.
    """
    numbers = (Linear, Extreme, Product, Transform)
    taken: dict[int, Any] = {}
    shares: dict[int, float] = {}
    for broken in BROKEN_BY:
        for at, rule in enumerate(rules):
            before = [*taken.values()]
            if any(rule.column == one.column for one in taken.values()) or _circle(rule, before):
                continue
            if (broken == 0 and support(rule, small) < 1) or _says_less(rule, empty, before):
                continue
            share = shares[at] = shares[at] if at in shares else support(rule, values)
            if share >= max(1 - broken, LEAST_FORMULA if isinstance(rule, numbers) else LEAST_SUPPORT):
                taken[at] = replace(rule, support=share)
    return [taken[at] for at in sorted(taken)]


def _says_less(rule: Rule, empty: list[Rule], before: list[Rule]) -> bool:
    """Whether a function would hide where its column is empty, which another column tells."""
    if not isinstance(rule, Function):
        return False
    if _circle(rule, [one for one in empty if hasattr(one, "column")]):
        return True
    tells = {rule.of, *(one.column for one in before if isinstance(one, Function) and one.of == rule.of)}
    return any(
        isinstance(one, EmptyWhen) and one.column == rule.column and one.of not in tells for one in empty
    )


def _new(rules: Iterable[Rule], before: list[Rule], values: Values) -> list[Rule]:
    """The rules that hold in many rows, too, and that say something which those before do not."""
    derived = {own.column for own in before if hasattr(own, "column")}
    found: list[Rule] = []
    for rule in rules:
        own = getattr(rule, "column", None)
        if (own in derived and not _beside(rule, before)) or _circle(rule, [*before, *found]):
            continue
        share = support(rule, values)
        rule = replace(rule, support=share)
        if share < LEAST_SUPPORT or _told(rule, before):
            continue
        if isinstance(rule, Order) and not _has_edge(rule, values):
            continue
        if own is not None and not isinstance(rule, Trait):
            derived.add(own)
        found.append(rule)
    return found


def _beside(rule: Rule, before: list[Rule]) -> bool:
    """Whether a rule says where a number is empty that a formula computes, or how it is written: both are
    true of it.
    """
    written = isinstance(rule, Trait) and rule.trait == "format"
    return (isinstance(rule, EmptyWhen) or written) and all(
        isinstance(one, FORMULAS)
        for one in before
        if getattr(one, "column", None) == getattr(rule, "column", None)
    )


def _told(rule: Rule, before: list[Rule]) -> bool:
    """Whether an order or combinations are between columns that another rule joins already. An order that
    more rows keep than the other rule is told by none, and none by where cells are empty.
    """
    pair = set(rule.columns)
    return isinstance(rule, Order | Combination) and any(
        pair <= set(own.columns)
        for own in before
        if not isinstance(own, EmptyTogether | EmptyWhen)
        and not _span(own, pair)
        and not (isinstance(rule, Order) and own.support < rule.support)
    )


def _span(rule: Rule, pair: set[Any]) -> bool:
    """Whether a rule derives a third column from the pair: then the pair itself is free."""
    return hasattr(rule, "column") and rule.column not in pair


def _circle(rule: Rule, before: list[Rule]) -> bool:
    """Whether a column would be derived from itself."""
    own = getattr(rule, "column", None)
    if own is None:
        return False
    parents = {one.column: one.columns[1:] for one in before if hasattr(one, "column")}
    ahead, seen = list(rule.columns[1:]), set()
    while ahead:
        name = ahead.pop()
        if name == own:
            return True
        if name not in seen:
            seen.add(name)
            ahead += parents.get(name, ())
    return False


def _numbers(values: Values) -> list[Any]:
    """The columns of numbers and dates that vary."""
    found = []
    for column in values.schema.columns:
        if not column.is_number_or_date or column.name not in values.table.columns:
            continue
        own = values.numbers(column.name)
        if own is not None and np.nanmin(own, initial=np.inf) < np.nanmax(own, initial=-np.inf):
            found.append(column.name)
    return found


def _is_rate(values: Values, name: Any) -> bool:
    """Whether a category is of few numbers that others may be computed from, such as 7% and 19%."""
    if not values.column(name).is_categorical:
        return False
    found = values.codes(name)[1]
    return 2 <= len(found) < DISTINCT and values.numbers(name) is not None


# --- order ---------------------------------------------------------------------------------------------


def _orders(values: Values, names: list[Any], rng: np.random.Generator, many: Values) -> list[Rule]:
    """a <= b, without those that follow from others (a <= b <= c says a <= c). many: more rows, none of which
    may break a distance.
    """
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
    is more than one tick, and none of many more rows is below it; else 0.
    """
    size = step(many.column(high_name))
    if size is None or size != step(many.column(low_name)) or not len(low):
        return 0.0
    gap = np.rint((high - low) / size)
    least, rows = gap.min(), np.count_nonzero(gap == gap.min())
    if least < 2 or rows < max(AT_LEAST, EDGED * len(gap)) or rows == len(gap):
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


def _has_edge(rule: Order, values: Values) -> bool:
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


def rules_of(table: pd.DataFrame, schema: Schema, seed: int = 0) -> list[Rule]:
    """The rules of the schema as objects, each with its support in the table; found where it has None.

    Raises SchemaError for a rule that does not fit the columns.
    """
    if schema.rules is None:
        return find_rules(table, schema, seed)
    rules = read_rules(schema.rules, schema)
    if len(table) > MANY:
        table = table.iloc[np.sort(child(seed, "rules").permutation(len(table))[:MANY])]
    kept = [name for name in schema.kept if name in table.columns]
    values = Values(table[kept].reset_index(drop=True), schema)
    return [replace(rule, support=support(rule, values)) for rule in rules if {*rule.columns} <= {*kept}]
