"""The rules of a table: what (nearly) all rows keep and chance would not.

Candidates are sought in a few rows, then judged on many of them, beside the same rows with a column shuffled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from lookalike.arguments import table as read_table
from lookalike.codec.slot import Array
from lookalike.rules.discrete import (
    combination_rules,
    copies,
    emptiness,
    functions,
    joined_texts,
    one_of_rules,
)
from lookalike.rules.holds import computed, part_of, support
from lookalike.rules.values import Values, same, step
from lookalike.seed import child
from lookalike.table.inferring import infer
from lookalike.table.rule import ROUNDINGS, UNITS, Combination, Linear, Order, Part, Product, Rule
from lookalike.table.rule_words import read_rules
from lookalike.table.schema import Schema

FEW, SOME, MANY = 48, 2_000, 100_000  # rows that candidates are sought in, tried on, judged on
LEAST_ROWS = 40  # that a rule is found in
LEAST_SUPPORT = 0.98
BY_CHANCE = 0.1  # of the rows that a shuffled column would break, at most so many may break the rule
NEAR = 2  # rows, at least one more of which comes near to breaking an order
EDGE = 60  # times as many gaps just above 0 as just below it
EXACT = 0.995  # support of a formula that is no approximation
BROKEN = 15  # rows that a shuffled column breaks at least
LARGEST = 100  # columns of numbers among which sums and products are sought
DISTINCT = 8  # values of a number that a formula gives, at least
SPANS = {**UNITS, "milliseconds": 1e-3, "years": 31557600.0}


def find_rules(table: pd.DataFrame, schema: Schema | None = None, seed: int = 0) -> list[Rule]:
    """The rules between the columns of a table, each with the share of the rows that keep it.

    schema: the inferred one, if None. seed: of the rows that are looked at, 100,000 at most.
    """
    table = read_table("the table", table)
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
    found: list[Rule] = []
    for rules in (
        copies(small, kept),
        joined_texts(small, kept),
        _parts(small, names),
        _formulas(small, names, rng),
        one_of_rules(small, kept),
        emptiness(small, kept),
        functions(small, kept, rng),
        combination_rules(small, kept, rng),
        _orders(small, names, rng),
    ):
        found += _new(rules, found, values)
    return found


def _new(rules: Iterable[Rule], before: list[Rule], values: Values) -> list[Rule]:
    """The rules that hold in many rows, too, and that say something which those before do not."""
    derived = {own.column for own in before if hasattr(own, "column")}
    found: list[Rule] = []
    for rule in rules:
        own = getattr(rule, "column", None)
        if own in derived or _circle(rule, [*before, *found]) or _told(rule, before):
            continue
        share = support(rule, values)
        if share < LEAST_SUPPORT or (isinstance(rule, Order) and not _has_edge(rule, values)):
            continue
        if own is not None:
            derived.add(own)
        found.append(replace(rule, support=share))
    return found


def _told(rule: Rule, before: list[Rule]) -> bool:
    """Whether an order or combinations are between columns that another rule joins already."""
    pair = set(rule.columns)
    return isinstance(rule, Order | Combination) and any(
        pair <= set(own.columns) for own in before if not _span(own, pair)
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
        if column.kind not in ("number", "datetime") or column.name not in values.table.columns:
            continue
        own = values.numbers(column.name)
        if own is not None and np.nanmin(own, initial=np.inf) < np.nanmax(own, initial=-np.inf):
            found.append(column.name)
    return found


def beats_chance(kept: Array, shuffled: Array) -> bool:
    """Whether far fewer rows break a rule than with a column shuffled. Both are (rows,) bool."""
    broken, by_chance = float((~kept).mean()), float((~shuffled).mean())
    return broken <= BY_CHANCE * by_chance and int((~shuffled).sum()) >= BROKEN


# --- formulas ------------------------------------------------------------------------------------------


def _parts(values: Values, names: list[Any]) -> Iterator[Rule]:
    """Years, months, ... of a date beside it."""
    dates = [name for name in names if values.column(name).kind == "datetime"]
    for date in dates:
        seconds = values.numbers(date)
        for name in values.table.columns:
            own = values.numbers(name)
            if name == date or own is None or seconds is None:
                continue
            whole = values.column(name).kind != "datetime"
            parts = ("year", "quarter", "month", "day", "weekday", "hour", "minute") if whole else ("date",)
            for part in parts if whole else ("date", "first of month"):
                said = part_of(seconds, part)
                there = ~(np.isnan(said) | np.isnan(own))
                if there.sum() < LEAST_ROWS or len(np.unique(said[there])) < 3:
                    continue
                for first in (0, 1) if part == "weekday" else (0,):
                    kept = said[there] + first == own[there]
                    if kept.mean() >= LEAST_SUPPORT and not (said == seconds).all():
                        yield Part(name, date, part, first)


def _formulas(values: Values, names: list[Any], rng: np.random.Generator) -> Iterator[Rule]:
    """c = f a + g, c = +-a +-b, c = a x b, c = a / b, and sums of more."""
    names = names[:LARGEST]
    columns = [values.numbers(name) for name in names]
    matrix = np.stack([own for own in columns if own is not None], 1) if names else np.zeros((values.rows, 0))
    dated = np.array([values.column(name).kind == "datetime" for name in names], dtype=bool)
    distinct = np.array([len(np.unique(own[~np.isnan(own)])) for own in matrix.T])
    sizes = [step(values.column(name)) for name in names]
    found: list[Any] = [
        *_scaled(matrix, names, dated, distinct, values),
        *_spans(matrix, names, dated, values),
    ]
    found += _pairs(matrix, names, dated, distinct, sizes, values)
    found += _sums(matrix, names, dated, distinct, values, {rule.column for rule in found})
    yield from _simplest(found, names)


def _simplest(rules: list[Any], names: list[Any]) -> list[Any]:
    """Formulas of few parts first, those of later columns before those of earlier ones: c = a + b is also
    a = c - b, and a table has what follows from others behind them."""
    place = {name: at for at, name in enumerate(names)}

    def order(rule: Any) -> tuple[Any, ...]:
        negative = isinstance(rule, Linear) and any(factor < 0 for _, factor in rule.of)
        divided = isinstance(rule, Product) and rule.divide
        last = place[rule.column] > max(place[name] for name in rule.columns[1:])
        return (
            rule.support < EXACT,
            isinstance(rule, Product),
            not last,
            len(rule.columns),
            negative or divided,
            place[rule.column],
        )

    return sorted(rules, key=order)


def _judged(rule: Any, values: Values) -> Any:
    """The rule with the rounding that fits best; None where it does not hold."""
    best, most = None, LEAST_SUPPORT
    for rounding in ROUNDINGS:
        own = replace(rule, rounding=rounding)
        share = support(own, values)
        if share > most or (best is None and share >= most):
            best, most = replace(own, support=share), share
    return best


def _scaled(x: Array, names: list[Any], dated: Array, distinct: Array, values: Values) -> Iterator[Linear]:
    """c = f a + g: the lines through both columns whose factor is a short number."""
    filled = pd.DataFrame(x).corr(min_periods=LEAST_ROWS).to_numpy()
    for a, c in combinations(range(len(names)), 2):
        if not abs(filled[a, c]) > 0.99 or dated[a] != dated[c]:
            continue
        for own, of in ((c, a), (a, c)):
            if distinct[own] < DISTINCT:
                continue
            there = ~np.isnan(x[:, own] + x[:, of])
            rule = _line(x[there, of], x[there, own], names[of], names[own], bool(dated[own]), values)
            if rule is not None:
                yield rule
                break


def _line(a: Array, c: Array, of: Any, own: Any, dated: bool, values: Values) -> Linear | None:
    if not dated and len(a) > 1:
        ratios = c[a != 0] / a[a != 0]
        middle = float(np.median(ratios)) if len(ratios) else 0.0
        slope = float(np.cov(a, c)[0, 1] / a.var(ddof=1))
        for factor, constant in _short(middle, slope, a, c):
            found = _judged(Linear(own, ((of, factor),), constant), values)
            if found is not None and (found.support >= EXACT or len(f"{factor:.12g}") < 5):
                return found
            power = round(1 / factor) if 0 < factor < 1 else 0
            if power > 1 and (found := _judged(Linear(own, ((of, 1.0),), constant, float(power)), values)):
                return found
        return None
    constant = float(np.median(c - a))
    return _judged(Linear(own, ((of, 1.0),), constant), values)


def _short(middle: float, slope: float, a: Array, c: Array) -> list[tuple[float, float]]:
    """(factor, constant) that a person would write: few digits, or a whole number's reciprocal."""
    found = []
    for digits in range(2, 6):
        if middle:
            found.append((float(f"{middle:.{digits}g}"), 0.0))
        factor = float(f"{slope:.{digits}g}")
        if factor:
            constant = float(np.median(c - factor * a))
            found += [(factor, 0.0), (factor, float(f"{constant:.{digits}g}"))]
    if middle and abs(1 / middle - round(1 / middle)) < 1e-3 * abs(1 / middle) and round(1 / middle):
        found.append((1 / round(1 / middle), 0.0))
    return list(dict.fromkeys(found))


def _spans(x: Array, names: list[Any], dated: Array, values: Values) -> Iterator[Linear]:
    """The time between two dates, in seconds, minutes, ... years."""
    dates, others = np.flatnonzero(dated), np.flatnonzero(~dated)
    for start, end in combinations(dates, 2):
        span = x[:, end] - x[:, start]
        for own in others:
            there = ~np.isnan(span + x[:, own]) & (x[:, own] != 0)
            if there.sum() < LEAST_ROWS:
                continue
            ratio = float(np.median(span[there] / x[there, own]))
            for size in SPANS.values():
                if 0.5 < abs(ratio) / size < 2:
                    signs = (1.0, -1.0) if ratio > 0 else (-1.0, 1.0)
                    of = ((names[end], signs[0]), (names[start], signs[1]))
                    if found := _judged(Linear(names[own], of, 0.0, size), values):
                        yield found
                        break


def _pairs(
    x: Array, names: list[Any], dated: Array, distinct: Array, sizes: list[float | None], values: Values
) -> Iterator[Rule]:
    """c = a + b and c = a x b, in a few rows for all pairs at once, then in all rows of those that fit."""
    plain = np.flatnonzero(~dated)
    for own in plain:
        if distinct[own] < DISTINCT:
            continue
        others = plain[plain != own]
        c = x[:, own]
        full = np.flatnonzero(~np.isnan(c) & (c != 0))
        if len(full) < LEAST_ROWS or len(others) < 2:
            continue
        rows = full[np.linspace(0, len(full) - 1, FEW).astype(int)]
        some, target = x[np.ix_(rows, others)], c[rows][:, None]
        close = 0.5 * (sizes[own] or 0.0) * 1.02 + 1e-7 * np.abs(target)
        first, second = np.triu_indices(len(others), 1)
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            added = np.abs(some[:, first] + some[:, second] - target) <= close
            times = np.abs(some[:, first] * some[:, second] - target) <= 2 * close
            below = np.abs(some[:, first] / some[:, second] - target) <= close
            above = np.abs(some[:, second] / some[:, first] - target) <= close
        for kind, fits in enumerate((added, times, below, above)):
            for at in np.flatnonzero(fits.mean(0) >= 0.9):
                a, b = names[others[first[at]]], names[others[second[at]]]
                rule: Any = (
                    Linear(names[own], ((a, 1.0), (b, 1.0)))
                    if kind == 0
                    else Product(names[own], *((a, b) if kind < 3 else (b, a)), divide=kind > 1)
                )
                judged = _judged(rule, values)
                if judged is not None and _both_count(judged, values):
                    yield judged


def _both_count(rule: Any, values: Values) -> bool:
    """Whether both parts matter: the rule is broken where one of them is shuffled, and holds in rows where
    neither is 0 (or 1, in a product).
    """
    found = values.numbers(rule.column)
    if found is None:
        return False
    own: Array = found
    idle = 1.0 if isinstance(rule, Product) else 0.0
    at_work = np.ones(values.rows, dtype=bool)
    for name in rule.columns[1:]:
        part = values.numbers(name)
        if part is None:
            return False
        at_work &= ~np.isnan(part) & (part != idle) & (part != 0)
    at_work &= ~np.isnan(own)
    if at_work.sum() < LEAST_ROWS // 2:
        return False
    kept = same(computed(rule, values), own)[at_work]
    if kept.mean() < LEAST_SUPPORT:
        return False
    for name in rule.columns[1:]:
        table = values.table[[*dict.fromkeys(rule.columns)]].copy()
        shuffled = table[name].to_numpy()[np.random.default_rng(0).permutation(values.rows)]
        table[name] = pd.Series(shuffled, index=table.index).astype(table[name].dtype)
        if not beats_chance(kept, same(computed(rule, Values(table, values.schema)), own)[at_work]):
            return False
    return True


def _sums(
    x: Array, names: list[Any], dated: Array, distinct: Array, values: Values, known: set[Any]
) -> Iterator[Linear]:
    """Sums of three columns or more: least squares whose factors are 1 or 0."""
    plain = np.flatnonzero(~dated)
    full = x[:, plain][~np.isnan(x[:, plain]).any(1)]
    if len(full) < max(LEAST_ROWS, 2 * len(plain)) or len(plain) < 4:
        return
    scale = np.abs(full).mean(0)
    unit = full / np.maximum(scale, 1e-300)
    products = unit.T @ unit  # the normal equations of all targets
    for at, own in enumerate(plain):
        free = [i for i in range(len(plain)) if i != at and names[plain[i]] not in known]
        if distinct[own] < DISTINCT or names[own] in known or len(free) < 3:
            continue
        factor = np.linalg.lstsq(products[np.ix_(free, free)], products[free, at], rcond=1e-12)[0]
        factor = factor * scale[at] / np.maximum(scale[free], 1e-300)
        nearest = np.rint(factor)
        share = np.abs(factor - nearest) * scale[free] / max(scale[at], 1e-300)
        used = [i for i, one in enumerate(nearest) if one]
        if not (share < 1e-2).all() or not {*nearest} <= {0.0, 1.0} or len(used) < 3:
            continue
        rule = _judged(Linear(names[own], tuple((names[plain[free[i]]], nearest[i]) for i in used)), values)
        if rule is not None and _both_count(rule, values):
            known.add(names[own])
            yield rule


# --- order ---------------------------------------------------------------------------------------------


def _orders(values: Values, names: list[Any], rng: np.random.Generator) -> list[Rule]:
    """a <= b, without those that follow from others (a <= b <= c says a <= c)."""
    x = [values.numbers(name) for name in names]
    found: dict[tuple[int, int], Order] = {}
    for a, b in combinations(range(len(names)), 2):
        if (values.column(names[a]).kind == "datetime") != (values.column(names[b]).kind == "datetime"):
            continue
        first, second = x[a], x[b]
        assert first is not None and second is not None
        there = ~np.isnan(first + second)
        if there.sum() < LEAST_ROWS:
            continue
        first, second = first[there], second[there]
        below = float((first <= second).mean())
        if max(below, float((first >= second).mean())) < LEAST_SUPPORT:
            continue
        low, high = (a, b) if below >= LEAST_SUPPORT else (b, a)
        small, large = (first, second) if low == a else (second, first)
        if values.column(names[a]).kind == "number" and not _near(small, large):
            continue
        rule = _order(names[low], names[high], small, large, rng)
        if rule is not None:
            found[low, high] = rule
    implied = {
        (low, high)
        for low, high in found
        for middle in range(len(names))
        if (low, middle) in found and (middle, high) in found
    }
    return [rule for pair, rule in found.items() if pair not in implied]


def _order(low_name: Any, high_name: Any, low: Array, high: Array, rng: np.random.Generator) -> Order | None:
    """The rule, where neither chance nor the columns' correlation alone would keep it."""
    kept = low <= high
    if not beats_chance(kept, low <= high[rng.permutation(len(high))]):
        return None
    gap = high - low
    if (gap == gap[0]).all() or not (gap != 0).any():
        return None
    strict = bool((low < high).all()) and _touches(gap)
    return Order(low_name, high_name, strict)


def _has_edge(rule: Order, values: Values) -> bool:
    """Whether an order that some rows break has an edge at 0: many rows just above it, few just below."""
    low, high = values.numbers(rule.low), values.numbers(rule.high)
    if low is None or high is None:
        return False
    gap = high - low
    if not (gap < 0).any():
        return True
    width = 2 * float(np.median(-gap[gap < 0]))
    return bool(((gap > 0) & (gap <= width)).sum() >= EDGE * ((gap < 0) & (gap >= -width)).sum())


def _near(low: Array, high: Array) -> bool:
    """Whether some rows come near to breaking the order; else the columns are only of different sizes."""
    gap = high - low
    some = gap[gap >= 0]
    return len(some) > NEAR and bool(np.partition(some, NEAR)[NEAR] <= 0.1 * high.std())


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
