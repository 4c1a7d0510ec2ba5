"""Percentages of a column, net (1 + rate / 100) and 100 a / b - 100; weight / height^2; products of three."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from lookalike.codec.slot import Array
from lookalike.rules.chance import LEAST_ROWS
from lookalike.rules.fits import Searched, all_count, judged
from lookalike.rules.sums import DISTINCT
from lookalike.table.rule import Product

GLIMPSE, FEW = 12, 60  # rows that candidates are seen in first, and then
BEGUN = 4  # rows of these, in one of which a candidate holds that enough of them keep
LOOSE, GLANCED = 0.7, 0.85  # of these, that a candidate holds in
HALF = 0.5  # of a glimpse, that tells all parts of a candidate
UNITS = (100.0, -100.0, 1.0, -1.0)  # of rates: percent added and taken off, shares of 1
CHANGES = ((100.0, -100.0), (1.0, -1.0), (-100.0, 100.0), (-1.0, 1.0))  # (factor, constant) of a / b
SQUARED = (1.0, 1e4)  # factors of a / b^2: metres, centimetres
POWERS = (1.0, 0.01, 0.001, 1e-4, 1e-6)  # factors of products of three
RATE, SHARE = 1_000.0, 10.0  # a percentage, a share of 1 is not larger
MOST = 40  # columns among which products of three are sought

Found = tuple[int, int, dict[str, Any]]  # columns, and further entries of a product


def rates(of: Searched, known: set[Any]) -> Iterator[Product]:
    """The products that hold. known: columns that follow from others."""
    x, names, plain = of.x, of.names, of.plain
    with np.errstate(invalid="ignore"):
        largest = np.array([np.nanmax(np.abs(own), initial=0) for own in x.T])
    for own in plain:
        rows = np.flatnonzero(~np.isnan(x[:, own]) & (x[:, own] != 0))
        if of.distinct[own] < DISTINCT or len(rows) < LEAST_ROWS or names[own] in known:
            continue
        some = rows[np.linspace(0, len(rows) - 1, FEW).astype(int)]
        few, others = x[some], plain[plain != own]
        seen = _Seen(few, few[:, own], of.near(own, few[:, own]))
        sorts = [_percents(seen, others, largest), _changes(seen, others), _squares(seen, others)]
        if len(plain) <= MOST:
            sorts.append(_triples(seen, others, largest))
        for found in sorts:  # the first of each that holds: it may be that others follow from this column
            rules = (_product(names, own, one) for one in found)
            fit = (judged(rule, of.values) for rule in rules)
            yield from islice((rule for rule in fit if rule and all_count(rule, of.values, of.many)), 1)


def _product(names: list[Any], own: Any, found: Found) -> Product:
    left, right, facts = found
    if "times" in facts:
        facts = facts | {"times": names[facts["times"]]}
    return Product(names[own], names[left], names[right], **facts)


class _Seen:
    """A few rows, and which candidates hold in them. x: (rows, columns); target, near: (rows,)."""

    def __init__(self, x: Array, target: Array, near: Array):
        self.x, self.target, self.near = x, target, near
        self.first = np.linspace(0, len(x) - 1, GLIMPSE).astype(int)
        self.begun = self.first[:BEGUN]

    def holding(self, said: Array, rows: Array, share: float) -> Array:
        """(candidates,) bool. said: (rows, candidates)."""
        with np.errstate(invalid="ignore"):
            hits = (np.abs(said - self.target[rows, None]) <= self.near[rows, None]).sum(0)
        told = (~np.isnan(said)).sum(0)
        return np.asarray((hits >= share * told) & (told >= HALF * len(rows)))

    def fitting(self, of: Iterable[Array], say: Any) -> Iterator[tuple[int, ...]]:
        """The candidates that hold. of: arrays of columns, one a candidate each; say: what they say."""
        columns = [*of]
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            said = say(*(self.x[np.ix_(self.begun, own)] for own in columns))
            off = np.abs(said - self.target[self.begun, None]) > self.near[self.begun, None]
            columns = [own[~off.all(0)] for own in columns]
            said = say(*(self.x[np.ix_(self.first, own)] for own in columns))
            for at in np.flatnonzero(self.holding(said, self.first, LOOSE)):
                picked = [own[at : at + 1] for own in columns]
                whole = say(*(self.x[:, own] for own in picked))
                if self.holding(whole, np.arange(len(self.x)), GLANCED)[0]:
                    yield tuple(int(own[0]) for own in picked)


def _percents(seen: _Seen, others: Array, largest: Array) -> Iterator[Found]:
    """a (1 + b / unit), and a / (1 + b / unit)."""
    for unit in UNITS:
        a, b = _ordered(others, _rates(others, largest, unit))
        for divide in (False, True):
            for left, right in seen.fitting((a, b), lambda a, b: _by(a, 1 + b / unit, divide)):  # noqa: B023
                yield left, right, {"unit": unit, "divide": divide}


def _changes(seen: _Seen, others: Array) -> Iterator[Found]:
    """How much a number is above another, or below it, in percent or as a share."""
    a, b = _ordered(others, others)
    for factor, constant in CHANGES:
        for left, right in seen.fitting((a, b), lambda a, b: factor * a / b + constant):  # noqa: B023
            yield left, right, {"divide": True, "factor": factor, "constant": constant}


def _squares(seen: _Seen, others: Array) -> Iterator[Found]:
    """A number by the square of another, such as the index of a body's mass."""
    a, b = _ordered(others, others)
    for factor in SQUARED:
        for left, right in seen.fitting((a, b), lambda a, b: factor * a / (b * b)):  # noqa: B023
            yield left, right, {"divide": True, "factor": factor, "square": True}


def _triples(seen: _Seen, others: Array, largest: Array) -> Iterator[Found]:
    """a b c and a b (1 + c / unit)."""
    first, second = np.triu_indices(len(others), 1)
    for unit in (0.0, *UNITS):
        thirds = _rates(others, largest, unit) if unit else others
        pair, third = np.repeat(np.arange(len(first)), len(thirds)), np.tile(thirds, len(first))
        a, b = others[first[pair]], others[second[pair]]
        apart = (a != third) & ((b != third) if unit else (b < third))
        a, b, c = a[apart], b[apart], third[apart]
        for power in POWERS if not unit else (1.0,):
            say = lambda a, b, c: power * a * b * (1 + c / unit if unit else c)  # noqa: B023, E731
            for left, times, right in seen.fitting((a, b, c), say):
                yield left, right, {"times": times, "unit": unit, "factor": power}


def _by(a: Array, b: Array, divide: bool) -> Array:
    return np.asarray(a / b if divide else a * b)


def _rates(others: Array, largest: Array, unit: float) -> Array:
    """The columns that may be percentages, or shares of 1."""
    return np.asarray(others[largest[others] <= (SHARE if abs(unit) == 1 else RATE)])


def _ordered(a: Array, b: Array) -> tuple[Array, Array]:
    """All pairs of two different columns."""
    first, second = np.repeat(a, len(b)), np.tile(b, len(a))
    return first[first != second], second[first != second]
