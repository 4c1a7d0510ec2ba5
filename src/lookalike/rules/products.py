"""Products of columns to a power, with rates and a constant factor: a sum of their logarithms.

principal * rate * days / 36500, weight / height^2, net * (1 - discount / 100) * (1 + vat / 100).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, product
from typing import Any

import numpy as np

from lookalike.codec.slot import Array
from lookalike.rules.chance import LEAST_FORMULA, LEAST_ROWS, LEAST_SUPPORT
from lookalike.rules.constants import factor_of, written
from lookalike.rules.fits import Searched, all_count, judged
from lookalike.rules.holds import sum_of
from lookalike.rules.pursuit import Atoms, fitted, pursued
from lookalike.rules.sums import DISTINCT
from lookalike.table.rule_formulas import ROUNDINGS, Power, Product, digits_of

ROWS = 400  # in which products are sought
MOST = 5  # columns of a product, and of what is taken for one first
UNITS = (100.0, -100.0, 1.0, -1.0)  # of rates: percent added and taken off, shares of 1
RATE, SHARE = 1_000.0, 10.0  # a percentage, a share of 1 is not larger
GONE = 0.6  # of the rows, that may lack a part
POWERS = (1, 2, 3)  # of a column, and below 0
NEAR = 0.1  # of a power, that a fitted one is off at most
TRIED = 125  # ways in which the columns of a product may be rates
AGAIN = 2  # times that products are sought, then without the column that says most
SHORT = 3  # digits of a factor of a product that some rows break


def products(of: Searched, known: set[Any]) -> Iterator[Product]:
    """The products that hold. known: columns that follow from others."""
    with np.errstate(invalid="ignore"):
        largest = np.nanmax(np.abs(of.x), 0, initial=0)
    parts = [
        (int(at), unit)
        for unit in (0.0, *UNITS)
        for at in of.plain
        if not unit or largest[at] <= (SHARE if abs(unit) == 1 else RATE)
    ]
    column, rate = np.array([at for at, _ in parts], dtype=int), np.array([unit != 0 for _, unit in parts])
    for own in of.plain:
        if of.distinct[own] < DISTINCT or of.names[own] in known:
            continue
        x = of.telling(own)
        if len(x) < LEAST_ROWS:
            continue
        x = x[np.linspace(0, len(x) - 1, min(len(x), ROWS)).astype(int)]
        atoms = Atoms.of(_logs(x, parts))
        free = (column != own) & (np.isnan(atoms.x).mean(0) <= GONE)
        found = _sought(of, own, x[:, own], atoms, parts, free & (column < own))
        if found is None and (free & (column > own)).any():
            found = _sought(of, own, x[:, own], atoms, parts, free)
            if found is not None:  # the column may follow from others beside what follows from it
                yield found
                behind = [at for at in range(own + 1, len(of.names)) if of.names[at] in found.columns]
                free &= rate | ~np.isin(column, behind)
                found = _sought(of, own, x[:, own], atoms, parts, free)
        if found is not None:
            yield found


def _logs(x: Array, parts: list[tuple[int, float]]) -> Array:
    """(rows, parts) the logarithms of the size of numbers, or of rates; nan where that is 0 or missing."""
    column, unit = np.array([at for at, _ in parts]), np.array([unit for _, unit in parts])
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(np.where(unit == 0, np.abs(x[:, column]), 1 + x[:, column] / np.where(unit, unit, 1)))
    return np.where(np.isfinite(logs), logs, np.nan)


def _sought(
    of: Searched, own: int, numbers: Array, atoms: Atoms, parts: list[tuple[int, float]], free: Array
) -> Product | None:
    """The product of some of the parts, those that are free; None where there is none. parts: (column, unit),
    as in `Product`; numbers: (rows,) of the column.
    """
    target, near = np.log(np.abs(numbers)), of.near(own, numbers) / np.abs(numbers)
    for _ in range(AGAIN):
        found = pursued(atoms, free, target, near, MOST)
        if found is None:
            return None
        columns = list(dict.fromkeys(parts[at][0] for at in found[0]))
        ways = [[at for at, (one, _) in enumerate(parts) if one == column] for column in columns]
        for some in [found[0], *islice(map(list, product(*ways)), TRIED)]:  # two rates are alike in any unit
            fit = fitted(atoms.x, target, near, some)
            terms = _terms(fit[0], [parts[at] for at in some], of.names) if fit else ()
            if terms and (rule := _with_factor(of, own, terms)) is not None:
                return rule
        free = free & np.array([at != columns[0] for at, _ in parts], dtype=bool)  # it is nearly what is said
    return None


def _terms(factors: Array, parts: list[tuple[int, float]], names: list[Any]) -> tuple[Power, ...]:
    """The columns to whole powers, rates and what divides last; none where one is not, and for a line."""
    powers = np.rint(factors[:-1]).astype(int)
    if np.abs(factors[:-1] - powers).max() > NEAR or not {*np.abs(powers)} <= {*POWERS}:
        return ()
    terms = [(*part, int(power)) for part, power in zip(parts, powers, strict=True)]
    terms.sort(key=lambda one: (one[1] != 0, one[2] < 0, one[0]))
    if len(terms) == 1 and terms[0][1:] == (0.0, 1):
        return ()
    return tuple((names[at], power, unit) for at, unit, power in terms)


def _with_factor(of: Searched, own: int, parts: tuple[Power, ...]) -> Product | None:
    """The product of some columns with the factor of the fewest digits; None where it does not hold."""
    values, name = of.values, of.names[own]
    said = sum_of(((1.0, parts),), Product(name, ((1.0, parts),)), values)
    there = ~np.isnan(said + of.x[:, own])
    error = of.error(own)
    low, high, share = factor_of(of.x[there, own], said[there], of.sizes[own] or 0.0, error)
    if share < LEAST_FORMULA:
        return None
    factor = written(low, high)
    rule: Product | None = judged(Product(name, ((factor, parts),)), values) if factor else None
    digits = min(map(digits_of, (factor, 1 / factor))) if factor else 0
    if rule is None or (
        rule.support < LEAST_SUPPORT and digits > (SHORT if rule.rounding in ROUNDINGS[:2] else 1)
    ):
        return None
    return rule if all_count(rule, values, of.many) else None
