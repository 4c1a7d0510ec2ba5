"""Sums of several columns, by least squares: of whole or short factors, means, and shares of 100."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lookalike.codec.slot import Array
from lookalike.rules.chance import LEAST_FORMULA, LEAST_ROWS
from lookalike.rules.fits import EXACT, Searched, all_count, judged
from lookalike.rules.values import Values, step
from lookalike.table.rule_formulas import Linear

LARGEST = 100  # columns of numbers among which sums and products are sought
DISTINCT = 8  # values of a number that a formula gives, at least
NARROW = 0.2  # of a column's spread that its sum may be off, in rows that may be on it
NEARER = 0.05  # the same in a first look, where empty cells are 0
LOOSE = 0.05  # of the variance, that is left of each column by all others, where none is a sum of them
RIDGE = 1e-10  # of the rows, which is added to the squares of columns that may follow from each other
HEAVIEST = 12  # weights of a mean, all together
SINGULAR = 1e-4  # of the largest pivot: equations with a smaller one have many solutions, or nearly so
FEW = 4  # times as many rows as columns, in which it is seen first whether a column may be a sum
APART = 1e-5  # of the largest singular value: columns of a smaller one follow from each other


def sums(of: Searched, known: set[Any], same: set[Any]) -> Iterator[Linear]:
    """Sums of columns: of three or more with the factors 1 and -1, or of two or
    more with other short ones, such as a mean; then those of which a constant is left, such as shares of 100.

    Columns that stand before a sum, and follow from none, are tried first: where parts follow from each
    other, many sums are the same. They are sought in the rows where no cell is empty, then in all rows of
    their column, with empty cells as 0, such as a bonus that few get, or deposits and withdrawals: among all
    columns but those that say the `same` as another one, as their difference is a sum of nothing.
    """
    plain = of.plain
    if len(plain) < 3:
        return
    x = of.x[:, plain]
    gone = np.isnan(x)
    whole = x[~gone.any(1)]
    if len(whole) >= max(LEAST_ROWS, 2 * len(plain)):
        for middle in (np.zeros(len(plain)), whole.mean(0)):
            yield from _solved(of, whole, middle, known)
    if not gone.any():
        return
    filled = np.where(gone, 0.0, x)
    filled[:, [of.names[own] in same for own in plain]] = 0.0
    for own in _alike(gone):
        full = filled[~gone[:, own[0]]]
        if len(full) < max(LEAST_ROWS, 2 * len(plain)):
            continue
        some = full[np.linspace(0, len(full) - 1, min(len(full), FEW * len(plain))).astype(int)]
        _, unit, products = _equations_of(some, some.mean(0))
        for middle in (
            (np.zeros(len(plain)), full.mean(0)) if _may_be_sums(unit, products, own, NEARER).any() else ()
        ):
            yield from _solved(of, full, middle, known, own)


def _alike(gone: Array) -> list[list[int]]:
    """The columns that are empty in the same rows. gone: (rows, columns) bool."""
    found: dict[bytes, list[int]] = {}
    for at, own in enumerate(gone.T):
        found.setdefault(np.packbits(own).tobytes(), []).append(at)
    return [*found.values()]


def _equations_of(full: Array, middle: Array | float) -> tuple[Array, Array, Array]:
    """(columns,) the size of each, (rows, columns) its numbers less `middle` in these sizes, and the normal
    equations of all targets.
    """
    full = full - middle
    scale = np.maximum(np.abs(full).mean(0), 1e-300)
    unit = full / scale
    return scale, unit, unit.T @ unit


def _solved(
    of: Searched, full: Array, middle: Array, known: set[Any], filled: list[int] | None = None
) -> Iterator[Linear]:
    """Sums of columns of which `middle` is taken off; their constants are what that leaves. filled: the
    targets, where `full` holds 0 for empty cells; None: all columns, of whole rows.
    """
    names, plain = of.names, of.plain
    constants = bool(middle.any())
    scale, unit, products = _equations_of(full, middle)
    if constants and np.linalg.eigvalsh(products)[0] > LOOSE * len(full):
        return  # no column follows from the others
    tried: set[tuple[int, ...]] = set()
    targets = [*range(len(plain))] if filled is None else filled
    # a bonus that follows where there is one is a part where there is none, too
    blank: set[int] = set() if filled is None else {*np.flatnonzero(np.isnan(of.x[:, plain]).any(0))}
    near = 2 * NARROW if filled is None else NEARER
    may = dict(zip(targets, _may_be_sums(unit, products, targets, near), strict=True))
    for before, fresh in ((True, True), (True, False), (False, True)):
        for at in targets if before or filled is None else targets[::-1]:
            own = plain[at]
            if not may[at] or of.distinct[own] < DISTINCT or names[own] in known:
                continue
            free = [i for i in range(at if before else len(plain)) if i != at]
            free = [i for i in free if not fresh or i in blank or names[plain[i]] not in known]
            if (at, *free) in tried:
                continue
            tried.add((at, *free))
            fits = (
                _sum(
                    _factors(own_products, scale, free, at),
                    names[own],
                    [names[plain[i]] for i in free],
                    of.values,
                    (middle[at], middle[free]) if constants else None,
                    filled is not None,
                )
                for own_products in _equations(unit, products, free, at)
            )
            rule = next((one for one in fits if one is not None), None)
            if rule is not None and all_count(rule, of.values, of.many):
                known.add(names[own])
                yield rule


def _may_be_sums(unit: Array, products: Array, targets: list[int], close: float) -> Array:
    """(targets,) bool: which columns are, in most rows, near to what all others say by least squares. close:
    how far they may be off, of their spread.
    """
    one = np.eye(len(products))
    inverse = np.linalg.solve(products + RIDGE * len(unit) * one, one[:, targets])
    off = np.abs(unit @ (inverse / inverse[targets, np.arange(len(targets))]))
    most = off <= np.quantile(off, 0.9, axis=0)
    near = np.where(most, unit[:, targets], np.nan)
    return np.asarray(np.where(most, off, 0).sum(0) / most.sum(0) <= close * np.nanstd(near, axis=0))


def _sum(
    factors: list[float],
    own: Any,
    free: list[Any],
    values: Values,
    middle: tuple[float, Array] | None = None,
    filled: bool = False,
) -> Linear | None:
    """The sum of these factors where it holds. middle: of the column and of its parts, where the sum has a
    constant. filled: whether a sum of two is sought, too, of which empty cells are 0.
    """
    rule: Linear | None
    of = tuple((name, one) for name, one in zip(free, factors, strict=False) if one)
    whole = all(abs(one) == 1 for _, one in of)
    pair = len(of) < 3 and whole and middle is None  # those without empty cells are found already
    if len(of) < 2 or (pair and not filled):
        return None
    if _hides_a_constant(of, values):
        return None
    constant, parts = 0.0, _parts([one for _, one in of])
    if parts > 1:  # a mean, of whole weights
        shares = tuple((name, float(round(one * parts))) for name, one in of)
        rule = judged(Linear(own, shares, 0.0, float(parts)), values)
        return rule if rule is not None and middle is None and rule.support >= EXACT else None
    if middle is not None:
        constant = float(f"{middle[0] - np.dot(middle[1], factors):.6g}")
        if abs(constant) < max(step(values.column(own)) or 0.0, 1e-6 * abs(middle[0])) or not whole:
            return None
    rule = judged(Linear(own, of, constant), values)
    if rule is None or (pair and not rule.zeros):
        return None
    return rule if whole or rule.support >= EXACT else None


def _parts(factors: list[float]) -> int:
    """How many equal parts factors of many digits are multiples of, such as 3 of 1/3 and 2/3; else 1."""
    if all(len(f"{one:.12g}") <= 5 for one in factors):
        return 1
    near = (n for n in range(2, LARGEST + 1) if all(abs(n * one - round(n * one)) < 1e-9 for one in factors))
    return next(near, 1)


def _hides_a_constant(of: tuple[tuple[Any, float], ...], values: Values) -> bool:
    """Whether parts of one factor add up to the same number in all rows, as flags of which one is on."""
    for factor in {one for _, one in of}:
        parts = [np.asarray(values.numbers(name)) for name, one in of if one == factor]
        total = np.sum(parts, axis=0)
        known = total[~np.isnan(total)]
        if len(parts) > 1 and len(known) and known.max() == known.min():
            return True
    return False


def _equations(unit: Array, products: Array, free: list[int], at: int) -> Iterator[Array]:
    """The normal equations of all rows; then without those that leave the sum of nearly all."""
    yield products
    if free:
        yield _trimmed(unit, products, free, at)


def _trimmed(unit: Array, products: Array, free: list[int], at: int) -> Array:
    """The normal equations without the rows that leave the sum of nearly all: they would bend its factors."""
    for share in (0.9, 0.9, LEAST_FORMULA):
        exact = _least_squares(products, free, at)
        off = np.abs(unit[:, free] @ exact - unit[:, at])
        near = unit[off <= np.quantile(off, share)]
        if near[:, at].std() * NARROW < np.abs(near[:, free] @ exact - near[:, at]).mean():
            break  # no sum is near
        products = near.T @ near
    return products


def _least_squares(products: Array, free: list[int], at: int) -> Array:
    """The solution of the normal equations; the shortest one where there are many."""
    own, target = products[np.ix_(free, free)], products[free, at]
    try:
        pivots = np.diag(np.linalg.cholesky(own))
        if pivots.min() > SINGULAR * pivots.max():
            return np.asarray(np.linalg.solve(own, target))
    except np.linalg.LinAlgError:
        pass
    return np.asarray(np.linalg.lstsq(own, target, rcond=1e-12)[0])


def _is_apart(products: Array, free: list[int]) -> bool:
    """Whether no column follows from others."""
    size = np.linalg.svd(products[np.ix_(free, free)], compute_uv=False)
    return bool(size[-1] > APART * size[0])


def _factors(products: Array, scale: Array, free: list[int], at: int) -> list[float]:
    """The factors of least squares as a person would write them; none where they are not short, or where
    others would do.
    """
    if not free:
        return []
    exact = _least_squares(products, free, at)
    exact = exact * scale[at] / scale[free]
    share = max(1, round(1 / max(float(np.abs(exact).max()), 1e-9)))  # of a mean: its parts
    weighted = [(parts, 0, 1e-2) for parts in range(3, HEAVIEST + 1)]
    for parts, digits, close in ((1, 0, 1e-2), (1, 2, 1e-4), (share, 0, 1e-2), *weighted):
        nearest = np.round(exact * parts, digits) / parts
        if parts <= LARGEST and (np.abs(exact - nearest) * scale[free] / scale[at] < close).all():
            return [float(one) for one in nearest] if not digits or _is_apart(products, free) else []
    return []
