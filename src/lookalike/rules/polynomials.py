"""Sums of columns and of products of two, with fitted constants: hours * wage + 1.5 * overtime * wage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lookalike.codec.slot import Array
from lookalike.rules.chance import LEAST_ROWS, LEAST_SUPPORT
from lookalike.rules.constants import agreed, shortest
from lookalike.rules.fits import Searched, all_count, judged
from lookalike.rules.holds import sum_of
from lookalike.rules.products import GONE, SHORT
from lookalike.rules.pursuit import HOLDS, LOOSE, TRIMMED, Atoms, pursued
from lookalike.rules.sums import DISTINCT
from lookalike.table.rule_formulas import ROUNDINGS, Linear, Power, Product, Times, digits_of

ROWS = 400  # in which sums are sought
COLUMNS = 24  # of which products are made: of more, those that go with the number most
MOST = 4  # terms of a sum, and of what is taken for one first
SURE = 4.0  # standard errors that a factor may be off
LONGEST = (6, 4)  # digits of the factor of one term, and of several


def polynomials(of: Searched, known: set[Any]) -> Iterator[Product | Linear]:
    """The sums that hold, of each column one. known: columns that follow from others."""
    for own in of.plain:
        full = np.flatnonzero(~np.isnan(of.x[:, own]))
        if of.distinct[own] < DISTINCT or of.names[own] in known or len(full) < LEAST_ROWS:
            continue
        rows = full[np.linspace(0, len(full) - 1, min(len(full), ROWS)).astype(int)]
        parts = _nearest(of, own, rows)
        terms, x = _terms(of.x[np.ix_(rows, parts)])
        atoms, target = Atoms.of(x), of.x[rows, own]
        before = np.array([all(parts[at] < own for at, _ in term) for term in terms], dtype=bool)
        for free in (before, np.ones_like(before)) if not before.all() else (before,):
            found = pursued(atoms, free, target, of.near(own, target), MOST)
            if found is None or [len(terms[at]) for at in found[0]] == [1]:  # none, or a line
                continue
            said = [tuple((of.names[parts[at]], power, 0.0) for at, power in terms[one]) for one in found[0]]
            if rule := _fitted(of, own, said):
                yield rule
                break


def _nearest(of: Searched, own: int, rows: Array) -> Array:
    """The columns that products are made of."""
    parts = of.plain[of.plain != own]
    parts = parts[np.isnan(of.x[np.ix_(rows, parts)]).mean(0) <= GONE]
    if len(parts) <= COLUMNS:
        return parts
    x = np.column_stack([of.x[rows, own], of.x[np.ix_(rows, parts)]])
    x = np.nan_to_num(x - np.nanmean(x, 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        near = np.nan_to_num(np.abs(x[:, 0] @ x[:, 1:]) / np.sqrt((x[:, 1:] ** 2).sum(0)))
    return np.sort(parts[np.argsort(-near, kind="stable")[:COLUMNS]])


def _terms(x: Array) -> tuple[list[tuple[tuple[int, int], ...]], Array]:
    """((column, power), ...) of columns, products and ratios of two, and their (rows, terms) numbers."""
    columns = np.arange(x.shape[1])
    first, second = np.triu_indices(len(columns))
    above, below = np.nonzero(~np.eye(len(columns), dtype=bool))
    terms: list[tuple[tuple[int, int], ...]] = [((at, 1),) for at in columns.tolist()]
    terms += [((a, 1), (b, 1)) if a != b else ((a, 2),) for a, b in np.stack([first, second], 1).tolist()]
    terms += [((a, 1), (b, -1)) for a, b in np.stack([above, below], 1).tolist()]
    with np.errstate(divide="ignore", invalid="ignore"):
        said = np.concatenate([x, x[:, first] * x[:, second], x[:, above] / x[:, below]], 1)
    said[~np.isfinite(said)] = np.nan
    some = np.flatnonzero(np.isnan(said).mean(0) <= GONE)
    return [terms[at] for at in some], said[:, some]


def _fitted(of: Searched, own: int, terms: list[tuple[Power, ...]]) -> Product | Linear | None:
    """The sum of terms with factors of few digits; None where it does not hold."""
    probe = Product(of.names[own], tuple((1.0, parts) for parts in terms))
    x = np.stack([sum_of((one,), probe, of.values) for one in probe.terms], 1)
    y = of.x[:, own]
    there = ~np.isnan(x.sum(1) + y)
    x, y = x[there], y[there]
    near = of.near(own, y)
    factors = _factors(x, y, near)
    if factors is None:
        return None
    left = y - x @ factors
    low, high, _ = agreed(left - near, left + near)
    constant = shortest(low, high)
    constant = constant if abs(constant) >= (of.sizes[own] or 0.0) / 2 else 0.0
    digits = max(map(digits_of, (*factors, constant)))
    if digits > LONGEST[min(len(terms), 2) - 1]:
        return None
    sums: tuple[Times, ...] = tuple(zip(map(float, factors), terms, strict=True))
    rule: Any = Product(of.names[own], sums, constant)
    if all(parts == ((parts[0][0], 1, 0.0),) for parts in terms):
        if not constant and (np.abs(factors) == 1).all():  # that is sought in sums.py
            return None
        rule = Linear(of.names[own], tuple((parts[0][0], factor) for factor, parts in sums), constant)
    rule = judged(rule, of.values)
    if rule is None or (
        rule.support < LEAST_SUPPORT and (digits > SHORT or rule.rounding not in ROUNDINGS[:2])
    ):
        return None
    return rule if all_count(rule, of.values, of.many) else None


def _factors(x: Array, y: Array, near: Array) -> Array | None:
    """(terms,) each of the fewest digits that its standard error allows; those that are told best first."""
    found = np.zeros(x.shape[1])
    free = [*range(x.shape[1])]
    while free:
        left = y - x @ found
        size = np.abs(x[:, free]).max(0)
        whole = np.column_stack([x[:, free] / size, np.ones(len(x))])
        rows, kept = np.ones(len(x), dtype=bool), np.ones(len(x), dtype=bool)
        for _ in range(3):  # without the rows that leave the sum
            exact = np.linalg.lstsq(whole[rows], left[rows], rcond=None)[0]
            off = np.abs(whole @ exact - left)
            kept = off <= LOOSE * near
            rows = kept if kept.mean() >= TRIMMED else off <= np.quantile(off, TRIMMED)
        if kept.mean() < HOLDS:
            return None
        spread = np.sqrt(np.diag(np.linalg.pinv(whole[kept].T @ whole[kept])))[:-1] * near[kept].mean()
        exact, spread = exact[:-1] / size, SURE * spread / size
        best = int(np.argmin(spread / np.maximum(np.abs(exact), 1e-300)))
        found[free[best]] = shortest(exact[best] - spread[best], exact[best] + spread[best])
        if not found[free.pop(best)]:
            return None
    return found
