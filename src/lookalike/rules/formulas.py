"""Formulas between numbers and dates: c = f a + g, log(a), a + b, a x b, a / b, and sums of more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.slot import Array
from lookalike.rules.chance import LEAST_FORMULA, LEAST_ROWS, LEAST_SUPPORT
from lookalike.rules.clips import clipped, extremes
from lookalike.rules.constants import agreed, factor_of, shortest, written
from lookalike.rules.fits import EXACT, Searched, all_count, by_halves, judged, varies
from lookalike.rules.gates import gates
from lookalike.rules.holds import holds
from lookalike.rules.polynomials import polynomials
from lookalike.rules.products import products
from lookalike.rules.sides import with_sides
from lookalike.rules.sums import DISTINCT, LARGEST, sums
from lookalike.rules.terms import terms
from lookalike.rules.transforms import transforms
from lookalike.rules.values import SINGLE, Values, step
from lookalike.table.rule import Rule
from lookalike.table.rule_formulas import UNITS, Linear, Product, digits_of, reciprocal

FEW = 48  # rows that candidates are sought in
TOLD = 16  # of these, that tell all parts of a candidate
GLANCED = 0.85  # of those, that it holds in: by chance hardly any formula of 95% support is lost
RANKED = 0.8  # of the ranks' correlation: of a line that up to 5% of the rows leave
MOST = 0.9  # of the rows that a rule may speak of, that it does speak of
FAR = 20  # ticks that most rows may be off a line whose slope is that of rounded values
MANY = 3  # digits of a factor, for which a person would write a divisor
GLANCE, NEAR = 64, 0.2  # rows of a look at a break, and how far their middle may be off
LEAST_TOLD = 8  # of these, that say what it is
SPANS = {**UNITS, "milliseconds": 1e-3, "years": 31557600.0}


def formulas(values: Values, names: list[Any], many: Values) -> Iterator[Rule]:
    """c = f a + g, c = +-a +-b, c = a x b, c = a / b, sums of more, and these with an end. many: more
    rows, in which a part that is seldom at work is seen.
    """
    names = names[:LARGEST]
    of = Searched.of(values, names, many)
    yield from terms(of)
    found: list[Any] = [*_scaled(of), *_spans(of), *transforms(of), *_pairs(of)]
    found = with_sides(found, of)
    place = {name: at for at, name in enumerate(names)}
    behind = [rule for rule in found if place[rule.column] > max(place[name] for name in rule.columns[1:])]
    exact = {rule.column for rule in behind if rule.support == 1 and _covers(rule, of)}
    found += [*products(of, exact), *gates(of)]
    same = {
        rule.column for rule in found if rule.support == 1 and len(rule.columns) == 2 and _covers(rule, of)
    }
    found += sums(of, exact, same)
    told = {rule.column for rule in found if rule.support >= EXACT}
    found += polynomials(of, told)
    told = {rule.column for rule in found if rule.support >= EXACT and len(rule.columns) < 4}
    found += [*clipped(of, told), *extremes(of, told)]
    found = _simplest(found, names, of)
    yield from found
    yield from _turned(found, names, values)


def _covers(rule: Any, of: Searched) -> bool:
    """Whether a rule says (nearly) all numbers of its column: those where a part is empty are not said."""
    own = of.values.numbers(rule.column)
    return bool(_spoken(rule, of) >= MOST * np.count_nonzero(~np.isnan(np.asarray(own))))


def _spoken(rule: Any, of: Searched) -> int:
    """The rows that a rule speaks of."""
    if not np.isnan(of.x).any():
        return len(of.x)
    return int(holds(rule, of.values)[1].sum())


def _simplest(rules: list[Any], names: list[Any], of: Searched) -> list[Any]:
    """Formulas of few parts first, those of later columns before those of earlier ones: c = a + b is also
    a = c - b, and a table has what follows from others behind them. One that speaks of far fewer rows than
    another of the same column, or of the same columns, comes behind it.
    """
    place = {name: at for at, name in enumerate(names)}
    spoken = {id(rule): _spoken(rule, of) for rule in rules}
    most: dict[Any, int] = {}
    for rule in rules:
        for key in (rule.column, frozenset(rule.columns)):
            most[key] = max(most.get(key, 0), spoken[id(rule)])

    added = {  # to the last digit, which a factor rounds
        rule.column
        for rule in rules
        if isinstance(rule, Linear) and rule.support == 1 and all(abs(factor) == 1 for _, factor in rule.of)
        if len(rule.of) > 1 and not rule.constant and rule.divisor == 1 and not by_halves(rule, of.values)
    }

    def seldom(rule: Any) -> bool:
        return spoken[id(rule)] < MOST * max(most[rule.column], most[frozenset(rule.columns)])

    def order(rule: Any) -> tuple[Any, ...]:
        negative = isinstance(rule, Linear) and any(factor < 0 for _, factor in rule.of)
        divided = isinstance(rule, Product) and rule.divides
        last = place[rule.column] > max(place[name] for name in rule.columns[1:])
        return (
            rule.support < EXACT,
            seldom(rule),
            isinstance(rule, Product),
            not last,
            rule.column in added and by_halves(rule, of.values),
            len(rule.columns),
            negative or divided,
            place[rule.column],
        )

    return sorted(rules, key=order)


def _turned(rules: list[Any], names: list[Any], values: Values) -> Iterator[Linear]:
    """Sums solved for a part, the last one first: they say the part where the column follows from others."""
    for rule in rules:
        plain = isinstance(rule, Linear) and not (rule.zeros or rule.clipped) and rule.divisor == 1
        if not plain or len(rule.of) < 2 or not all(abs(factor) == 1 for _, factor in rule.of):
            continue
        for name, sign in sorted(rule.of, key=lambda part: -names.index(part[0])):
            rest = tuple((one, -sign * factor) for one, factor in rule.of if one != name)
            own = Linear(name, ((rule.column, sign), *rest), -sign * rule.constant)
            if (fit := judged(own, values)) is not None:
                yield fit


def _scaled(searched: Searched) -> Iterator[Linear]:
    """c = f a + g: the lines through both columns whose factor is a short number."""
    x, names, dated, values = searched.x, searched.names, searched.dated, searched.values
    table = pd.DataFrame(x)
    straight = np.abs(table.corr(min_periods=LEAST_ROWS).to_numpy()) > 0.99
    ranked = np.abs(table.rank().corr(min_periods=LEAST_ROWS).to_numpy()) > RANKED
    for a, c in combinations(range(len(names)), 2):
        if not (straight[a, c] or ranked[a, c]) or dated[a] != dated[c]:
            continue
        for own, of in ((c, a), (a, c)):
            if searched.distinct[own] < DISTINCT:
                continue
            there = ~np.isnan(x[:, own] + x[:, of])
            if not straight[a, c]:
                there = _on_a_line(x[:, of], x[:, own], there, step(values.column(names[own])))
            if not there.any():
                continue
            line = _Line(names[own], names[of], x[:, own], x[:, of], searched)
            rule = _line(x[there, of], x[there, own], line, bool(dated[own]))
            sure = straight[a, c] and rule is not None and rule.support >= LEAST_SUPPORT
            if rule is not None and (sure or varies(rule, values)):
                yield rule
                break


def _on_a_line(a: Array, c: Array, there: Array, size: float | None) -> Array:
    """(rows,) bool: the rows on the line that most rows are on; none where fewer than nearly all are."""
    rows = np.flatnonzero(there)
    some = rows[np.random.default_rng(0).permutation(len(rows))]
    run, rise = np.diff(a[some]), np.diff(c[some])
    on = np.zeros(len(a), dtype=bool)
    if (run != 0).sum() < LEAST_ROWS:
        return on
    slope = float(np.median(rise[run != 0] / run[run != 0]))
    close = 1.02 * (size or 0.0) + 1e-6 * np.abs(c[rows])
    off = c[rows] - slope * a[rows]
    if np.median(np.abs(off - np.median(off))) > FAR * close.max():
        return on
    for _ in range(2):  # the slope of two rows is that of rounded values: then that of all on the line
        off = c[rows] - slope * a[rows]
        off = np.abs(off - np.median(off))
        near = rows[off <= np.quantile(off, LEAST_FORMULA)]
        spread = float(a[near].var())
        slope = float(np.cov(a[near], c[near], ddof=0)[0, 1] / spread) if spread else slope
    off = c[rows] - slope * a[rows]
    fits = np.abs(off - np.median(off)) <= close
    if fits.mean() >= LEAST_FORMULA:
        on[rows[fits]] = True
    return on


@dataclass(frozen=True)
class _Line:
    """Lines of a column of another one. c, a: (rows,) their numbers."""

    own: Any
    of: Any
    c: Array
    a: Array
    searched: Searched

    def judged(self, factor: float, constant: float = 0.0, divisor: float = 1.0) -> Linear | None:
        """The line, rounded as fits best; None where it does not hold."""
        values, size = self.searched.values, step(self.searched.values.column(self.own)) or 0.0
        said = (factor * self.a + constant) / divisor
        least = (np.abs(factor * self.a) + abs(constant)) / divisor
        off = np.abs(said - self.c) - 2 * SINGLE * np.maximum(np.abs(self.c), least)
        there = ~np.isnan(off)  # a rounded number is less than a tick off
        if np.count_nonzero(off <= 1.02 * size) < LEAST_FORMULA * np.count_nonzero(there):
            return None
        found: Linear | None = judged(Linear(self.own, ((self.of, factor),), constant, divisor), values)
        return found

    def through_zero(self, a: Array, c: Array) -> list[tuple[float, float]]:
        """The factor of the fewest digits and no constant, where that says nearly all rows. a, c: (rows,)."""
        at = self.searched.names.index(self.own)
        low, high, share = factor_of(c, a, self.searched.sizes[at] or 0.0, self.searched.error(at))
        return [(written(low, high), 0.0)] if share >= LEAST_SUPPORT and low * high > 0 else []

    def inverse(self, a: Array, c: Array, found: Linear) -> Linear | None:
        """c = (a - 32) / 1.8 in place of a line of many digits; None where that has no fewer of them."""
        factor, size = found.of[0][1], step(self.searched.values.column(self.own))
        digits = digits_of(factor) + digits_of(found.constant)
        if not found.constant or found.divisor != 1 or not size or digits_of(factor) < MANY:
            return None
        for some in range(1, MANY + 1):
            by = float(f"{1 / factor:.{some}g}")
            ends = np.sort([by * (c - size / 2) - a, by * (c + size / 2) - a], axis=0)
            low, high, share = agreed(*ends)
            constant = shortest(low, high)
            if share < EXACT or abs(by) < 1 or digits_of(by) + digits_of(constant) >= digits:
                continue
            own = self.judged(1.0, constant, by)
            if own is not None and own.support >= found.support:
                return own
        return None


def _line(a: Array, c: Array, line: _Line, dated: bool) -> Linear | None:
    """The line through rows of both columns; None where its factor is not short."""
    if not dated and len(a) > 1:
        ratios = c[a != 0] / a[a != 0]
        middle = float(np.median(ratios)) if len(ratios) else 0.0
        slope = float(np.cov(a, c)[0, 1] / a.var(ddof=1))
        zero = line.through_zero(a, c)
        for factor, constant in [*zero, *_short(middle, slope, a, c)]:
            whole = reciprocal(factor)
            if abs(factor) < 1 and digits_of(whole) < digits_of(factor):
                found = line.judged(1.0, constant * whole, whole)
                if found is not None and found.support >= EXACT:
                    return found
            found = line.judged(factor, constant)
            sure = LEAST_SUPPORT if (factor, constant) in zero else EXACT
            if found is not None and (found.support >= sure or len(f"{factor:.12g}") < 5):
                return line.inverse(a, c, found) or found
        return None
    return line.judged(1.0, float(np.median(c - a)))


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


def _spans(searched: Searched) -> Iterator[Linear]:
    """The time between two dates, in seconds, minutes, ... years."""
    x, names, values = searched.x, searched.names, searched.values
    dates, others = np.flatnonzero(searched.dated), searched.plain
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
                    rule = Linear(names[own], of, 0.0, size)
                    left = np.sign(ratio) * span - size * x[:, own]
                    found = judged(rule, values) or _late(rule, x[:, own], values)
                    if found := found or _less(rule, left, x, names, values):
                        yield found
                        break


def _late(rule: Linear, own: Array, values: Values) -> Linear | None:
    """A span that is never below 0, such as the days that something is late. own: (rows,) its column."""
    if np.nanmin(own) != 0 or np.count_nonzero(own == 0) < LEAST_ROWS // 2:
        return None
    found: Linear | None = judged(replace(rule, least=0.0), values)
    return found if found is not None and found.support >= EXACT else None


def _less(rule: Linear, left: Array, x: Array, names: list[Any], values: Values) -> Linear | None:
    """A span of which a further column is taken off (or added), such as a break. left: (rows,) seconds that
    the span alone is off by.
    """
    some = np.linspace(0, len(left) - 1, min(len(left), GLANCE)).astype(int)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.abs(np.where(x[some] == 0, np.nan, left[some, None] / x[some]))
    told = np.count_nonzero(ratios == ratios, axis=0)
    middle = np.sort(ratios, axis=0)[np.maximum(told - 1, 0) // 2, np.arange(len(names))]
    near = [np.abs(middle / SPANS[unit] - 1) < NEAR for unit in ("seconds", "minutes", "hours", "days")]
    for part in np.flatnonzero(np.any(near, axis=0) | (told < LEAST_TOLD)):
        name = names[part]
        there = ~np.isnan(left + x[:, part]) & (x[:, part] != 0)
        if name in rule.columns or there.sum() < LEAST_ROWS:
            continue
        ratio = float(np.median(left[there] / x[there, part]))
        for size in (SPANS["seconds"], SPANS["minutes"], SPANS["hours"], SPANS["days"]):
            if abs(abs(ratio) / size - 1) < 0.05:
                factor = -size if ratio > 0 else size
                found = judged(replace(rule, of=(*rule.of, (name, factor))), values)
                if found is not None and found.support >= EXACT:
                    return found
    return None


def _pairs(of: Searched) -> Iterator[Linear]:
    """c = a + b, in a few rows for all pairs at once, then in all rows of those that fit."""
    names, values, many = of.names, of.values, of.many
    for own in of.plain:
        others = of.plain[of.plain != own]
        x = of.telling(own) if of.distinct[own] >= DISTINCT else of.x[:0]
        if len(x) < LEAST_ROWS or len(others) < 2:
            continue
        x = x[np.linspace(0, len(x) - 1, FEW).astype(int)]
        target = x[:, own][:, None]
        first, second = np.triu_indices(len(others), 1)
        said = x[:, others[first]] + x[:, others[second]]
        with np.errstate(invalid="ignore"):
            fits = (np.abs(said - target) <= of.near(own, target)).sum(0)
        told = (~np.isnan(said)).sum(0)
        for at in np.flatnonzero((fits >= GLANCED * told) & (told >= TOLD)):
            a, b = names[others[first[at]]], names[others[second[at]]]
            fit = judged(Linear(names[own], ((a, 1.0), (b, 1.0))), values)
            if fit is not None and all_count(fit, values, many):
                yield fit
