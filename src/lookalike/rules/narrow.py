"""Formulas whose numbers are narrow beside their parts: a price by a list price, a delay, a yearly change.

Two numbers that are drawn with errors of their own make a ratio or a difference that no real row has. So the
narrow number is drawn, too, and one of the parts, which is *solved* for it, follows (see solve.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from lookalike.codec.slot import Array
from lookalike.rules.chance import LEAST_ROWS
from lookalike.rules.holds import agree, computed
from lookalike.rules.values import Values, step
from lookalike.table.column import Column
from lookalike.table.rule_formulas import Linear, Product

NARROW = 0.25  # of the spread that parts of different rows make, that a narrow number has at most
MIDDLE = (0.05, 0.95)  # between which shares of the rows a spread is
WEIGHT = 0.75  # of the spread that the weightiest part makes, that a part makes which may be solved
SLACK = 0.2  # standard deviations of the narrow number, that a part may move it by to keep its digits
NORMAL = 1.349  # standard deviations between the quartiles of a normal distribution
USUAL = 0.01  # of the rows, that hold a value which is met exactly
HABIT = 1.3  # times as many rows as by chance have the most frequent digit, where digits are a habit
SURE = 5.0  # standard deviations that digits are from chance
CLOCK = (60.0, 300.0, 3600.0, 86400.0)  # seconds that times are multiples of
MOST_DIGITS = 12
FEWEST = 0.05  # of the range of a number, that the largest place of its digits is: larger ones are its size
TOLD = 0.2  # nats that the digits of a part say more than those of another, which then is solved


@dataclass(frozen=True)
class Solved:
    """How a part of a formula follows from its number.

    slack: how far the number may move, so that the part keeps its digits. usual: values that many rows hold,
    which do not move. ends: between which the number is, in real rows. grids: what the part may be moved by a
    multiple of, so that it keeps its digits, the largest first.
    """

    slack: float
    usual: tuple[float, ...] = ()
    ends: tuple[float, ...] = ()
    grids: tuple[float, ...] = ()

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Solved:
        """Reads `asdict`, whose tuples are lists in JSON."""
        return cls(float(facts["slack"]), *(tuple(facts[one]) for one in ("usual", "ends", "grids")))


def broad_parts(rule: Linear | Product, values: Values) -> list[Any]:
    """The parts of a formula that its numbers are narrow beside, those whose digits say less first; none
    where parts of different rows would not spread them far more. A part of little weight is not among them.
    """
    parts = list(dict.fromkeys(rule.columns[1:]))
    numbers = {name: values.numbers(name) for name in parts}
    if any(own is None for own in numbers.values()):
        return []
    known = ~np.isnan(np.sum([*numbers.values()], axis=0))  # type: ignore[arg-type]
    known &= agree(rule, values, computed(rule, values))
    if known.sum() < LEAST_ROWS:
        return []
    rng, mixed, single = np.random.default_rng(0), values, {}
    for name, own in numbers.items():
        assert own is not None
        other = own.copy()
        other[known] = own[known][rng.permutation(int(known.sum()))]
        mixed, single[name] = mixed.having(name, other), values.having(name, other)
    said = [computed(rule, one, exact=True)[known] for one in (values, mixed, *single.values())]
    if isinstance(rule, Product):
        said = [one - rule.constant for one in said]
        if any(all((way * one[~np.isnan(one)] > 0).all() for one in said) for way in (1, -1)):
            said = [np.log(np.abs(one)) for one in said]
    narrow, chance, *alone = map(_spreads, said)
    if not (narrow < NARROW * chance).all():
        return []
    weights = [own[0] for own in alone]
    heavy = [name for name, own in zip(parts, weights, strict=True) if own >= WEIGHT * max(weights)]
    told = {name: _told(numbers[name][known], values.column(name)) for name in heavy}  # type: ignore[index]
    return sorted(heavy, key=lambda name: told[name] > min(told.values()) + TOLD)


def _spreads(numbers: Array) -> Array:
    """(2,) standard deviation, and the width of nine tenths."""
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return np.zeros(2)
    return np.array([known.std(), np.diff(np.quantile(known, MIDDLE))[0]])


def solved_by(numbers: Array, part: Any, values: Values, ends: tuple[float, ...], fewest: int) -> Solved:
    """How a part follows from a narrow number, from the real rows. numbers: (rows,) of it, nan in rows that
    break the formula; ends: of it; fewest: rows of a value that is told.
    """
    own = values.numbers(part)
    assert own is not None
    known = numbers[~np.isnan(numbers)]
    quarters = np.quantile(known, [0.25, 0.75]) if len(known) else np.zeros(2)
    found, counts = np.unique(known, return_counts=True)
    usual = found[counts >= max(fewest, USUAL * len(known))]
    grids = _grids(own[~np.isnan(own)], values.column(part))
    slack = SLACK * float(quarters[1] - quarters[0]) / NORMAL
    return Solved(slack, tuple(map(float, usual)), ends, grids)


def _grids(numbers: Array, column: Column) -> tuple[float, ...]:
    """What a number may be moved by, the largest first: beneath the last place of which digits are a habit,
    such as prices in hundreds or in .99, or times of the day. () where all digits are those of chance.
    """
    sizes = _sizes(numbers, column)
    habits = [_is_habit(*_digits(numbers, *pair)) for pair in pairwise(sizes)]
    last = max((at for at, one in enumerate(habits) if one), default=-1)
    return tuple(float(one) for one in sizes[last + 1 : 0 : -1])


def _sizes(numbers: Array, column: Column) -> list[float]:
    """The places of digits, from the last one on: what a one of it is; those of fives and tens in turn."""
    size = step(column)
    if size is None or len(numbers) < LEAST_ROWS:
        return []
    if column.is_date:
        sizes = [size, *(one for one in CLOCK if one > size)]
    else:
        sizes = [size * many * 10.0**power for power in range(MOST_DIGITS) for many in (1, 5)]
    return [one for one in sizes if one <= FEWEST * np.ptp(numbers)]


def _digits(numbers: Array, low: float, high: float) -> tuple[Array, float]:
    """How many numbers have each digit of a place, and how many would by chance."""
    base = round(high / low)
    digits = (np.floor(numbers / low + 1e-6) % base).astype(np.int64)
    return np.bincount(digits, minlength=base), len(numbers) / base


def _is_habit(counts: Array, even: float) -> bool:
    """Whether some digits are more frequent than by chance."""
    far, free = float(((counts - even) ** 2 / even).sum()), len(counts) - 1
    return bool(counts.max() >= HABIT * even and far > free + SURE * np.sqrt(2 * free))


def _told(numbers: Array, column: Column) -> float:
    """Nats that the digits of a number say, in all places where they are a habit."""
    sizes, found = _sizes(numbers, column), 0.0
    for pair in pairwise(sizes):
        counts, even = _digits(numbers, *pair)
        if _is_habit(counts, even):
            share = counts[counts > 0] / len(numbers)
            found += float((share * np.log(share)).sum() + np.log(len(counts)))
    return found
