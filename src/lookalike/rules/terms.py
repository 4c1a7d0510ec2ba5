"""Dates that lie whole months or years after another: end = start + term months, due = invoice + 1 month."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations

import numpy as np

from lookalike.codec.slot import Array
from lookalike.rules.chance import LEAST_ROWS, LEAST_SUPPORT, beats_chance
from lookalike.rules.fits import Searched
from lookalike.rules.holds import agree, computed, support
from lookalike.rules.months import DAY, PER_UNIT, calendar, lengths
from lookalike.rules.values import Values
from lookalike.table.rule_formulas import MONTH_ENDS, UNITS, Term

FEW = 200  # rows that candidates are sought in
GLANCED = 0.85  # of these, that a candidate holds in
SPANS = ("days", "weeks", "hours", "minutes")  # of a category
DAYS = (0, -1)  # that are added behind the months: a contract of a year ends the day before


def terms(of: Searched) -> Iterator[Term]:
    """The rules that hold, those of later columns first."""
    x = of.x
    few = np.linspace(0, len(x) - 1, min(len(x), FEW)).astype(int)
    dates = [
        int(at) for at in np.flatnonzero(of.dated) if np.nanmax(np.abs(x[:, at])) >= DAY
    ]  # no times of a day
    seen = {(at, days): calendar(x[few, at] - days * DAY)[:2] for at in dates for days in DAYS}
    found = []
    for start, end in permutations(dates, 2):
        for days in DAYS:
            rule = _first(of, few, start, end, days, seen[start, 0], seen[end, days])
            if rule is not None:
                found.append((end < start, -rule.support, rule))
                break
    yield from (rule for _, _, rule in sorted(found, key=lambda one: one[:2]))


def _first(
    of: Searched,
    few: Array,
    start: int,
    end: int,
    days: int,
    first: tuple[Array, Array],
    last: tuple[Array, Array],
) -> Term | None:
    """The rule between two dates; None where there is none. first, last: months and days of the month of both
    in a few rows, those of the end less `days`.
    """
    apart = last[0] - first[0]
    there = ~np.isnan(apart)
    if there.sum() < LEAST_ROWS // 2:
        return None
    if not days and (rule := _span(of, few, start, end)) is not None:
        return rule
    length = lengths(np.where(there, last[0], 0))
    at_end = (last[1] == length)[there].mean()
    if max(((last[1] == first[1]) | (last[1] == length))[there].mean(), at_end) < GLANCED and (
        (last[1] == first[1])[there].mean() < GLANCED
    ):
        return None
    names, usual = of.names, float(np.median(apart[there]))
    if usual and (apart == usual)[there].mean() >= LEAST_SUPPORT:
        unit = "years" if usual % 12 == 0 else "months"
        return _judged(Term(names[end], names[start], None, unit, int(usual) // PER_UNIT[unit], days), of)
    for unit, size in PER_UNIT.items():
        with np.errstate(invalid="ignore"):
            hits = (of.x[few][:, of.plain] * size == apart[:, None])[there].mean(0)
        for by in of.plain[hits >= GLANCED]:
            rule = _judged(Term(names[end], names[start], names[by], unit, 0, days), of)
            if rule is not None:
                return rule
    return None


def _span(of: Searched, few: Array, start: int, end: int) -> Term | None:
    """The rule of a category of days or weeks, such as "30 days"; of a number formulas.py says the span."""
    some = [at for at in of.plain if of.values.column(of.names[at]).is_categorical]
    span = of.x[few, end] - of.x[few, start]
    for unit in SPANS if some else ():
        with np.errstate(invalid="ignore"):
            hits = (of.x[np.ix_(few, some)] * UNITS[unit] == span[:, None]).sum(0)
        for at in np.flatnonzero(hits >= GLANCED * np.count_nonzero(~np.isnan(span))):
            rule = _judged(Term(of.names[end], of.names[start], of.names[some[at]], unit), of)
            if rule is not None:
                return rule
    return None


def _judged(rule: Term, of: Searched) -> Term | None:
    """The rule, with what is done at the end of a month as fits best; None where chance would keep it."""
    ways = (replace(rule, ends=one) for one in (MONTH_ENDS if rule.unit in PER_UNIT else ("",)))
    best = max((replace(one, support=support(one, of.values)) for one in ways), key=lambda one: one.support)
    if best.support < LEAST_SUPPORT:
        return None
    said = computed(best, of.values)
    there = ~np.isnan(said + np.asarray(of.values.numbers(best.column)))
    if there.sum() < LEAST_ROWS:
        return None
    kept = agree(best, of.values, said)[there]
    mixed = np.random.default_rng(0).permutation(of.values.rows)
    for name in best.columns[1:]:
        other: Values = of.values.having(name, np.asarray(of.values.numbers(name))[mixed])
        if not beats_chance(kept, agree(best, of.values, computed(best, other))[there]):
            return None
    return best
