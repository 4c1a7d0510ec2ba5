"""Formulas with an end: paid = max(claim - deductible, 0); and the smallest or largest of several columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from lookalike.codec.slot import Array
from lookalike.rules.chance import LEAST_ROWS
from lookalike.rules.fits import EXACT, Searched, all_count, judged
from lookalike.rules.holds import computed
from lookalike.rules.sums import DISTINCT
from lookalike.table.rule_formulas import Extreme, Linear

FEW = 48  # rows that candidates are sought in
GLANCED = 0.95  # of these, that a candidate holds in
AT_END = LEAST_ROWS // 2  # rows that are at an end, at least
STRAIGHT = 0.999  # correlation of a line that holds but at its ends
CLOSE = 1e-3  # relative spread of a factor between a number and a difference
DIGITS = (1, 2, 3, 4)  # of a factor that a person would write
MOST = 4  # columns of which one is the smallest


def clipped(of: Searched, told: set[Any]) -> Iterator[Linear]:
    """c = max(f a + g, least), max(f (a - b), least), and the same with min. told: columns that need none."""
    for own in of.plain if len(of.plain) > 1 else ():
        if of.distinct[own] < DISTINCT or of.names[own] in told:
            continue
        c = of.x[:, own]
        known = c[~np.isnan(c)]
        for low, end in ((True, float(known.min())), (False, float(known.max()))):
            beyond = np.flatnonzero(~np.isnan(c) & (c != end))
            if len(known) - len(beyond) < AT_END or len(beyond) < LEAST_ROWS:
                continue
            rows = beyond[np.linspace(0, len(beyond) - 1, FEW).astype(int)]
            found = (
                judged(replace(rule, least=end) if low else replace(rule, most=end), of.values)
                for rule in (*_lines(of, own, rows), *_differences(of, own, rows))
            )
            fits = (one for one in found if one and one.support >= EXACT and _ends(one, of, end))
            rule = next((one for one in fits if all_count(one, of.values, of.many)), None)
            if rule is not None:
                yield rule
                break


def _ends(rule: Linear, of: Searched, end: float) -> bool:
    """Whether the formula alone is beyond the end in many rows."""
    said = computed(replace(rule, least=None, most=None), of.values)
    beyond = said < end if rule.most is None else said > end
    return bool(np.count_nonzero(beyond) >= AT_END)


def _lines(of: Searched, own: int, rows: Array) -> Iterator[Linear]:
    """The lines of another column that a few rows beyond the end are on."""
    c, x = of.x[rows, own], of.x[rows]
    with np.errstate(invalid="ignore", divide="ignore"):
        a = x - x.mean(0)
        slopes = (a * (c - c.mean())[:, None]).sum(0) / (a * a).sum(0)
        straight = np.abs(slopes) * x.std(0) / c.std()
    close = of.near(own, c)
    for at in np.flatnonzero((straight > STRAIGHT) & ~of.dated):
        if at == own:
            continue
        for factor in _short(float(slopes[at])):
            middle = float(np.median(c - factor * x[:, at]))
            for constant in dict.fromkeys((0.0, *(float(f"{middle:.{digits}g}") for digits in range(2, 7)))):
                if (np.abs(factor * x[:, at] + constant - c) <= close * 1.02).mean() >= GLANCED:
                    yield Linear(of.names[own], ((of.names[at], factor),), constant)


def _short(slope: float) -> list[float]:
    return list(dict.fromkeys(float(f"{slope:.{digits}g}") for digits in DIGITS))


def _differences(of: Searched, own: int, rows: Array) -> Iterator[Linear]:
    """The differences of two columns, perhaps with a factor, that a few rows beyond the end agree with."""
    others = of.plain[of.plain != own]
    some, c = of.x[np.ix_(rows, others)], of.x[rows, own][:, None]
    first, second = np.triu_indices(len(others), 1)
    close = of.near(own, c)
    begun = slice(None, None, FEW // 4)  # a few first
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = c[begun] / (some[begun][:, first] - some[begun][:, second])
        middle = np.median(ratio, axis=0)
        likely = np.abs(ratio - middle).max(0) <= 20 * CLOSE * np.abs(middle)
    for at in np.flatnonzero(likely):
        apart = some[:, first[at]] - some[:, second[at]]
        with np.errstate(invalid="ignore", divide="ignore"):
            exact = float(np.median(c[:, 0] / apart))
        for factor in _short(exact) if np.isfinite(exact) else ():
            if (np.abs(factor * apart - c[:, 0]) <= close[:, 0] * 1.02).mean() >= GLANCED:
                a, b = (of.names[others[one[at]]] for one in (first, second))
                if factor < 0:
                    a, b, factor = b, a, -factor
                yield Linear(of.names[own], ((a, factor), (b, -factor)))
                break


def extremes(of: Searched, told: set[Any]) -> Iterator[Extreme]:
    """c = min(a, b), and max: c is (nearly) always one of a few columns that are never below it, or above.
    told: columns that need none.
    """
    x = of.x.T
    few = np.linspace(0, x.shape[1] - 1, min(FEW, x.shape[1])).astype(int)
    for own in np.flatnonzero(of.distinct >= DISTINCT):
        if of.names[own] in told:
            continue
        others = np.flatnonzero((of.dated == of.dated[own]) & (np.arange(len(x)) != own))
        for largest in (False, True):
            with np.errstate(invalid="ignore"):
                apart = x[np.ix_(others, few)] - x[own, few]
            wrong = (apart > 0 if largest else apart < 0).mean(1)
            seen = others[(wrong <= 1 - GLANCED) & (apart == 0).any(1)]
            names = _covering(x[own], x[seen], largest) if len(seen) > 1 else []
            if len(names) < 2:
                continue
            rule = Extreme(of.names[own], tuple(of.names[seen[at]] for at in sorted(names)), largest)
            found: Extreme | None = judged(rule, of.values)
            if found is not None and found.support >= EXACT and all_count(found, of.values, of.many):
                yield found
                break


def _covering(c: Array, x: Array, largest: bool) -> list[int]:
    """The rows of x, (columns, rows), one of which c is in (nearly) all rows; none where many are needed."""
    with np.errstate(invalid="ignore"):
        there = ~np.isnan(c)
        never = ((x > c if largest else x < c) & there).mean(1) <= 1 - EXACT
    equal = (x == c) & never[:, None] & there
    left, found = there.copy(), list[int]()
    while left.mean() > 1 - EXACT and len(found) < MOST:
        rows = np.count_nonzero(equal & left, axis=1)
        best = int(rows.argmax())
        if rows[best] < AT_END:
            break
        found.append(best)
        left &= ~equal[best]
    return found if left.mean() <= 1 - EXACT else []
