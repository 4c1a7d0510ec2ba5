"""Flags that say how two numbers or dates compare: late = arrival > due, a result by two scores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lookalike.codec.slot import Array
from lookalike.rules.chance import BROKEN, BY_CHANCE, LEAST_ROWS
from lookalike.rules.fits import EXACT
from lookalike.rules.holds import LEAST
from lookalike.rules.sums import DISTINCT, LARGEST
from lookalike.rules.values import Values, columns_of
from lookalike.table.kind_groups import CATEGORICAL, NUMBER
from lookalike.table.rule import Function

BEGUN, FEW = 4, 16  # rows of each value that a pair is seen in first, and then
LOOSE, GLANCED = 0.85, 0.95  # of those, that it tells the value of
OTHERS = 3  # values of a number that is compared, at least


def comparisons(values: Values, kept: list[Any], numbers: list[Any]) -> Iterator[Function]:
    """The flags of two or three values that a comparison tells: of each the pair that tells it best.

    numbers: the columns of numbers and dates that vary.
    """
    x = {name: values.numbers(name) for name in numbers}
    sizes_of = {name: 0 if own is None else len(np.unique(own[~np.isnan(own)])) for name, own in x.items()}
    some = [name for name, size in sizes_of.items() if size >= OTHERS][:LARGEST]
    if len(some) < 2:
        return
    both = np.array([x[name] for name in some])
    dated = np.array([values.column(name).is_date for name in some])
    large = np.array([sizes_of[name] >= DISTINCT for name in some])
    first, second = np.triu_indices(len(some), 1)
    alike = (dated[first] == dated[second]) & (large[first] | large[second])
    first, second = first[alike], second[alike]
    for own in columns_of(values, kept, (NUMBER, *CATEGORICAL)):
        codes, found = values.codes(own)
        sizes = np.bincount(codes[codes >= 0], minlength=len(found))
        if not 2 <= len(found) <= 3 or sizes.sum() - sizes.max() < BROKEN or sizes.min() < LEAST:
            continue
        rows = np.concatenate([_spread(np.flatnonzero(codes == at)) for at in range(len(found))])
        itself = some.index(own) if own in some else -1
        pairs = np.flatnonzero((first != itself) & (second != itself))
        for some_rows, share in ((rows[:: FEW // BEGUN], LOOSE), (rows, GLANCED)):
            few = both[:, some_rows]
            pairs = pairs[_told(few, codes[some_rows], first[pairs], second[pairs], share)]
        fits = [_judged(codes, both[first[at]], both[second[at]]) for at in pairs]
        sure = [(fit[0], at, fit[1]) for fit, at in zip(fits, pairs, strict=True) if fit is not None]
        if sure:
            _, at, sides = max(sure, key=lambda one: (one[0], -one[1]))
            yield _rule(own, some[first[at]], some[second[at]], sides, [str(one) for one in found])


def _spread(rows: Array) -> Array:
    return rows[np.linspace(0, len(rows) - 1, min(FEW, len(rows))).astype(int)]


def _told(few: Array, codes: Array, first: Array, second: Array, share: float) -> Array:
    """(pairs,) bool: whose order tells the value in such a share of a few rows. few: (columns, rows)."""
    with np.errstate(invalid="ignore"):
        apart = few[first] - few[second]
        signs = np.stack([apart > 0, apart == 0, apart < 0]).astype(np.float32)
    is_value = (codes[:, None] == np.unique(codes)).astype(np.float32)
    counts = signs @ is_value  # (signs, pairs, values)
    there = counts.sum((0, 2))
    return np.asarray((counts.max(2).sum(0) >= share * there) & (there >= len(codes) / 2))


def _judged(codes: Array, a: Array, b: Array) -> tuple[float, tuple[int, int, int]] | None:
    """The share of the rows whose value the comparison tells, and the value where a is below b, at it and
    above it, -1 for none; None where chance may tell as many.
    """
    apart = a - b
    there = (apart == apart) & (codes >= 0)
    signs, said = np.sign(apart[there]).astype(np.int64) + 1, codes[there]
    height = int(codes.max()) + 1
    counts = np.bincount(signs * height + said, minlength=3 * height).reshape(3, height)
    rows, seldom = len(said), len(said) - int(counts.sum(0).max())
    wrong = rows - int(counts.max(1).sum())
    if rows < LEAST_ROWS or seldom < BROKEN or wrong > min((1 - EXACT) * rows, BY_CHANCE / 2 * seldom):
        return None
    sides = [int(own.argmax()) if own.sum() else -1 for own in counts]
    if sides[0] == sides[2] or min(counts[0].sum(), counts[2].sum()) < LEAST:
        return None  # a tie alone tells it
    a, b = a[there], b[there]
    mixed = np.random.default_rng(0).permutation(rows)
    for x, y in ((a[mixed], b), (a, b[mixed])):  # one of the two may tell it alone
        by_chance = np.count_nonzero(np.array(sides)[np.sign(x - y).astype(np.int64) + 1] != said)
        if by_chance < BROKEN or wrong > BY_CHANCE * by_chance:
            return None
    return 1 - wrong / rows, (sides[0], sides[1], sides[2])


def _rule(own: Any, a: Any, b: Any, sides: tuple[int, int, int], found: list[str]) -> Function:
    """The comparison as a person says it: what is larger where the flag is on."""
    below, tie, above = sides
    if tie not in (-1, below, above):
        return Function(own, a, than=b, compared="sign")
    if _is_off(found[above], found[below]):
        a, b, below, above = b, a, above, below
    return Function(own, a, than=b, compared=">=" if tie == above else ">")


def _is_off(text: str, other: str) -> bool:
    """Whether one of two words says no, such as False, 0, no, N, or the other one with "not" before."""
    text, other = text.strip().lower(), other.strip().lower()
    return text in ("false", "f", "0", "0.0", "no", "n") or text.removeprefix("not ") == other
